"""Under Me: when and how I am told, and a test message to myself."""

from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, SelectChoice, SelectField, SelectMultipleField

from ..db import unit_of_work
from ..errors import Invalid, NotFound, Refused, say
from ..notify.channels import WAYS, configured
from ..notify.trying import explained, prepared, tried
from ..operations import telling
from ..operations.people import choose_language
from ..queries.telling import Wishes, wishes
from ..rules.organisation import Role
from ..rules.telling import ONLY_URGENT, Channel, Preferences
from .access import current_actor, page_now
from .language import LANGUAGES, choose_locale, speak

bp = Blueprint("preferences", __name__, url_prefix="/me")
HALF_HOUR, HOUR = 30, 60
NEVER = -1  # no quiet hours
DIGESTS = range(6 * HOUR, 20 * HOUR + 1, HALF_HOUR)
FROM = range(17 * HOUR, 24 * HOUR, HALF_HOUR)
UNTIL = range(5 * HOUR, 11 * HOUR + 1, HALF_HOUR)
NEEDS = {
    "email": (_l("to your mail address %(value)s"), _l("no mail address of yours is known")),
    "phone": (_l("to your number %(value)s"), _l("no telephone number of yours is known")),
    "login": (_l("under your login name %(value)s"), _l("no login name of yours is known")),
}


def clock(minute: int) -> str:
    """A time of day: 08:30."""
    return f"{minute // 60:02}:{minute % 60:02}"


class WishesForm(FlaskForm):
    """Times are minutes after midnight; a time that was set elsewhere stays among the choices."""

    digest_at = SelectField(_l("Digest of the day at"), coerce=int)
    quiet_from = SelectField(_l("Quiet from"), coerce=int)
    quiet_until = SelectField(_l("Quiet until"), coerce=int)
    on_rest_days = BooleanField(_l("Tell me on weekends and holidays too"))
    channels = SelectMultipleField(_l("Ways to tell me"), coerce=int)
    locale = SelectField(
        _l("Language of pages and messages"), choices=[SelectChoice(*each) for each in LANGUAGES.items()]
    )

    def offer(self, found: Wishes, ways: list[Channel]) -> None:
        """Fills in what can be chosen."""
        times, quiet = found.times, found.times.quiet_from != found.times.quiet_until
        self.digest_at.choices = _times(DIGESTS, times.digest_at)
        self.quiet_from.choices = [
            SelectChoice(NEVER, _("never")),
            *_times(FROM, times.quiet_from if quiet else FROM[0]),
        ]
        self.quiet_until.choices = _times(UNTIL, times.quiet_until if quiet else UNTIL[0])
        self.channels.choices = [SelectChoice(int(each), "") for each in {*ways, *found.channels}]


def _times(range_: range, own: int) -> list[SelectChoice]:
    return [SelectChoice(minute, clock(minute)) for minute in sorted({*range_, own})]


@bp.route("/messages", methods=["GET", "POST"])
def messages() -> Any:
    """The wishes, and beside them what they mean."""
    found, ways = wishes(current_actor()), list(configured(current_app.config["SETTINGS"]))
    form = WishesForm(data=_as_form(found))
    form.offer(found, ways)
    if not form.is_submitted():
        return _page(form, found, ways)
    if not form.validate():
        return _page(form, found, ways), 422
    try:
        _save(form, found, ways)
    except Invalid as invalid:
        form.digest_at.errors = [speak(problem.sentence) for problem in invalid.problems]
        return _page(form, found, ways), 422
    with force_locale(form.locale.data):  # the next page is in the language that was chosen just now
        flash(_("Saved. It holds from the next message on."), "success")
    return redirect(url_for(".messages"), 303)


def _save(form: WishesForm, found: Wishes, ways: list[Channel]) -> None:
    never = form.quiet_from.data == NEVER
    wished = Preferences(
        form.digest_at.data,
        0 if never else form.quiet_from.data,
        0 if never else form.quiet_until.data,
        form.on_rest_days.data,
    )
    # What is not set up just now was not offered, and stays as it was.
    chosen = {Channel(each) for each in form.channels.data or ()} & set(ways)
    kept = set(found.channels) - set(ways)
    with unit_of_work():
        telling.choose(wished, chosen | kept, actor=current_actor(), now=page_now())
        choose_language(form.locale.data, actor=current_actor(), now=page_now())


@bp.post("/messages/test/<int:number>")
def test(number: int) -> Any:
    """Sends a test message to oneself and says how it went."""
    if number not in list(Channel):
        raise NotFound(say("This does not exist, or it is not for you."))
    channel, settings, actor = Channel(number), current_app.config["SETTINGS"], current_actor()
    try:
        with unit_of_work():
            letter = prepared(actor.person_id, channel, settings, now=page_now())
            telling.reserve_try(channel, actor=actor, now=page_now())
    except (Refused, telling.TooOften) as refusal:
        found, ways = wishes(actor), list(configured(settings))
        form = WishesForm(formdata=None, data=_as_form(found))
        form.offer(found, ways)
        return _page(form, found, ways, refusal=speak(refusal.sentence)), refusal.status
    said = tried(letter, channel, settings)
    with unit_of_work():
        telling.record_try(channel, said, actor=actor, now=page_now())
    if said:
        flash(_("The test message did not go through. %(why)s", why=speak(explained(said))), "danger")
    else:
        flash(_("The test message was taken. Please look whether it has arrived."), "success")
    return redirect(url_for(".messages", _anchor="ways"), 303)


def _as_form(found: Wishes) -> dict[str, Any]:
    quiet = found.times.quiet_from != found.times.quiet_until
    return {
        "digest_at": found.times.digest_at,
        "quiet_from": found.times.quiet_from if quiet else NEVER,
        "quiet_until": found.times.quiet_until if quiet else UNTIL[5],
        "on_rest_days": found.times.on_rest_days,
        "channels": [int(each) for each in found.channels],
        "locale": choose_locale(),
    }


def _page(form: WishesForm, found: Wishes, ways: list[Channel], refusal: str = "") -> str:
    rows = []
    for channel in ways:
        need = WAYS[channel].needs
        value = found.addresses[need]
        rows.append({
            "channel": channel,
            "where": str(NEEDS[need][0]) % {"value": value} if value else "",
            "missing": "" if value or not WAYS[channel].must else str(NEEDS[need][1]),
            "urgent_only": channel in ONLY_URGENT,
            "tried": found.tried.get(channel),
            "why": speak(explained(last.said)) if (last := found.tried.get(channel)) and last.said else "",
        })  # fmt: skip
    return render_template(
        "me/messages.html",
        form=form,
        rows=rows,
        refusal=refusal,
        clock=clock,
        not_set_up=[each for each in Channel if each not in ways] if _administers() else [],
        has_feed=found.has_feed,
    )


def _administers() -> bool:
    return current_actor().has_role(Role.ADMINISTRATOR)
