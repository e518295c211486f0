"""The incident page: letters that did not go through, by cause and one by one; sent again, or given up for a reason."""

from datetime import date
from typing import Any
from uuid import uuid4

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.exc import SQLAlchemyError

from ..clock import local_today
from ..db import unit_of_work
from ..documents.sheets import Column, Show
from ..errors import Invalid
from ..models.parked import Which
from ..operations import resending
from ..queries import incidents
from ..queries.incidents import LetterRow
from ..rules.organisation import Role
from ..rules.telling import Channel, Fault
from .access import current_actor, page_now
from .downloads import table_answer
from .language import speak
from .words import tag_words, word

OLDEST = "oldest"
PLACE = "admin.index"  # under which place of the bar the number stands


def deliveries() -> Any:
    """The list, with its filters in the address."""
    return _page()


def _which(given: Any) -> Which:
    channel, fault = given.get("channel", type=int), given.get("fault", type=int)
    return Which(
        Channel(channel) if channel in list(Channel) else None,
        Fault(fault) if fault in list(Fault) else None,
        _day(given.get("day", "")),
        given.get("cause", "")[:200],
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _query(which: Which, **more: Any) -> dict[str, Any]:
    """The address's part after the question mark; the order stays as it is asked for."""
    return {
        "channel": which.channel and int(which.channel), "fault": which.fault and int(which.fault),
        "day": which.day and which.day.isoformat(), "cause": which.cause or None,
        "sort": OLDEST if _oldest() else None,
    } | more  # fmt: skip


def _oldest() -> bool:
    return request.args.get("sort") == OLDEST


def export(kind: str) -> Any:
    """The letters that the list shows, all of them."""
    columns = [
        Column(_("To"), 16), Column(_("Channel"), 14), Column(_("Message"), 36), Column(_("Messages"), 10, Show.WHOLE),
        Column(_("Digest of the day"), 14, Show.DAY), Column(_("Given up at"), 18, Show.MOMENT),
        Column(_("Tries"), 8, Show.WHOLE), Column(_("Kind of error"), 16), Column(_("What was said"), 60),
    ]  # fmt: skip
    today = local_today(page_now())
    found = incidents.everything(current_actor(), _which(request.args), on=today, oldest=_oldest())
    return table_answer(kind, f"parked-{today:%Y%m%d}", _("Parked deliveries"), columns, map(_cells, found))


def _cells(row: LetterRow) -> tuple[Any, ...]:
    return (
        row.person_name, word(row.channel), "" if row.digest_on else tag_words(row.tag), row.n, row.digest_on, row.at,
        row.tries, word(row.fault), row.error,
    )  # fmt: skip


def _page(refused: dict[int, str] | None = None) -> str:
    actor, today = current_actor(), local_today(page_now())
    which, after = _which(request.args), request.args.get("after", type=int)
    page, oldest = incidents.letters(actor, which, on=today, after=after, oldest=_oldest()), _oldest()
    return render_template(
        "admin/deliveries.html",
        page=page,
        causes=incidents.causes(actor, which, on=today) if page.rows else (),
        which=which,
        filtered=which != Which(),
        channels=list(Channel),
        faults=list(Fault),
        oldest=oldest,
        turned=_address(which, sort=None if oldest else OLDEST),
        first_page=_address(which) if after is not None else "",
        next_page=_address(which, after=page.next) if page.next else "",
        exports={kind: url_for("admin.deliveries_export", kind=kind, **_query(which)) for kind in ("xlsx", "csv")},
        action_id=uuid4,
        refused=refused or {},
        most_reason=resending.LONGEST_REASON,
    )


def resend(id: int) -> Any:
    """One letter again."""
    with unit_of_work():
        resending.resend(id, actor=current_actor(), now=page_now())
    flash(_("It is sent again within a minute."), "success")
    return redirect(_back(), 303)


def resend_all() -> Any:
    """All letters of one cause again."""
    with unit_of_work():
        n = resending.resend_all(
            _which(request.form), actor=current_actor(), now=page_now(),
            client_action_id=request.form.get("client_action_id"),
        )  # fmt: skip
    flash(ngettext("%(num)s letter is sent again.", "%(num)s letters are sent again.", n), "success")
    return redirect(url_for("admin.deliveries"), 303)


def discard(id: int) -> Any:
    """One letter given up, for a reason."""
    try:
        with unit_of_work():
            resending.discard(id, request.form.get("reason", ""), actor=current_actor(), now=page_now())
    except Invalid as invalid:
        return _page({id: speak(invalid.sentence)}), 422
    flash(_("It is given up. The log keeps why."), "success")
    return redirect(_back(), 303)


def _address(which: Which, **more: Any) -> str:
    return url_for("admin.deliveries", **_query(which, **more))


def _back() -> str:
    return _address(_which(request.args))


def nav_badge(endpoint: str) -> int:
    """The number beside a place of the bar: parked letters, for administrators only. 0 where it cannot be asked."""
    actor = getattr(g.get("_login_user"), "actor", None)
    if endpoint != PLACE or actor is None or not actor.has_role(Role.ADMINISTRATOR):
        return 0
    if "parked_letters" not in g:
        try:
            g.parked_letters = incidents.count(actor, on=local_today(page_now()))
        except SQLAlchemyError:  # a page of errors has the bar too
            g.parked_letters = 0
    return int(g.parked_letters)
