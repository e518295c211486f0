"""Responsibility letters in the browser: the list, one as a paper, making and signing it."""

from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from ..db import unit_of_work
from ..documents.sheets import Column, Show
from ..errors import Invalid, NotFound, say
from ..operations.letters import generate, sign
from ..queries.letters import Shown, Wanted, everything, letter, letters, letters_of, seen_duty
from ..rules.letters import signing_post
from ..rules.organisation import Actor
from ..rules.states import NOT_ASKED
from ..rules.targets import Party
from .access import current_actor, page_now
from .downloads import TYPES, table_answer
from .words import word

bp = Blueprint("letters", __name__)
WORDS: dict[Wanted, Any] = {
    Wanted.MINE: _l("For me to sign"),
    Wanted.UNSIGNED: _l("Not signed by both"),
    Wanted.SIGNED: _l("Signed by both"),
    Wanted.ALL: _l("All"),
}


@bp.get("/letters")
def index() -> Any:
    wanted, text = _asked()
    before = request.args.get("before", type=int)
    rows, n, following = letters(current_actor(), wanted, text=text, before=before)
    return render_template(
        "letters/index.html", rows=rows, n=n, following=following, wanted=wanted, words=WORDS, paged=before is not None,
        text=text, kept={"show": wanted.value, "text": text or None},
        exports={kind: url_for(".export", kind=kind, show=wanted.value, text=text or None) for kind in TYPES},
    )  # fmt: skip


def _asked() -> tuple[Wanted, str]:
    asked = request.args.get("show", "")
    wanted = next((each for each in Wanted if each.value == asked), Wanted.MINE)
    return wanted, request.args.get("text", "").strip()[:100]


@bp.get("/letters/export.<any(xlsx, csv):kind>")
def export(kind: str) -> Response:
    """The list as it is filtered, as a table to keep."""
    columns = [
        Column(_("Task"), 40), Column(_("Campaign"), 40), Column(_("Letter"), 8, Show.WHOLE),
        Column(_("Unit above"), 28), Column(_("Signed above"), 14), Column(_("Unit below"), 28),
        Column(_("Signed below"), 14), Column(_("Made"), 18),
    ]  # fmt: skip
    signed, not_signed = _("signed"), _("not signed")
    rows = (
        (
            each.task, each.campaign, each.number, each.above, signed if each.above_signed else not_signed,
            each.below, signed if each.below_signed else not_signed, each.at,
        )
        for each in everything(current_actor(), *_asked())
    )  # fmt: skip
    return table_answer(kind, f"letters-{page_now():%Y%m%d}", _("Responsibility letters"), columns, rows)


@bp.get("/assignments/<int:id>/letter")
def of_assignment(id: int) -> Any:
    """The letters of one assignment; the latest one, where there is any."""
    duty = seen_duty(id, current_actor())
    if duty is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    found = letters_of(id)
    if found:
        return redirect(url_for(".show", id=found[0].id), 303)
    return render_template(
        "letters/none.html", duty=duty, may_make=_may_make(duty, current_actor()), action_id=str(uuid4())
    )  # fmt: skip


@bp.post("/assignments/<int:id>/letter")
def make(id: int) -> Any:
    if seen_duty(id, current_actor()) is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    with unit_of_work():
        made = generate(
            id, actor=current_actor(), now=page_now(), client_action_id=request.form.get("client_action_id") or None
        )  # fmt: skip
    flash(_("The letter is made. Both sides can sign it now."), "success")
    return redirect(url_for(".show", id=made), 303)


@bp.get("/letters/<int:id>")
def show(id: int) -> Any:
    found, actor = _seen(id), current_actor()
    title, *lines = found.content.split("\n")
    with force_locale("zh_CN"):  # the paper is Chinese, whoever reads it
        posts = {party: word(signed.role) for party, signed in found.signatures.items()}
    table = [line.split("\t") for line in lines if "\t" in line]
    return render_template(
        "letters/show.html", letter=found, title=title, lines=lines, table=table, posts=posts, Party=Party,
        older=[item for item in letters_of(found.assignment_id) if item.id != found.id],
        mine=[party for party in Party if _may_sign(found, party, actor)],
        may_make=_may_make(found.duty, actor) and not found.stands and found.latest,
        action_id=str(uuid4()), make_id=str(uuid4()), gone=found.duty.state in NOT_ASKED,
    )  # fmt: skip


@bp.post("/letters/<int:id>/sign")
def sign_it(id: int) -> Any:
    _seen(id)
    party = next((each for each in Party if str(int(each)) == request.form.get("party")), None)
    if party is None:
        raise Invalid(say("The form is damaged. Please open the page again."))
    with unit_of_work():
        sign(
            id, party, request.form.get("digest", ""), actor=current_actor(), now=page_now(),
            client_action_id=request.form.get("client_action_id") or None,
        )  # fmt: skip
    flash(_("Signed."), "success")
    return redirect(url_for(".show", id=id), 303)


def _seen(id: int) -> Shown:
    found = letter(id, current_actor())
    if found is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    return found


def _may_make(duty: Any, actor: Actor) -> bool:
    signs = any(signing_post(party, duty.above_id, duty.below_id, actor) for party in Party)
    return signs and duty.state not in NOT_ASKED


def _may_sign(found: Shown, party: Party, actor: Actor) -> bool:
    """Whether the button is there: it is the reader's side, open, and they have not signed for the other one."""
    other = found.signatures.get(Party.BELOW if party is Party.ABOVE else Party.ABOVE)
    free = party not in found.signatures and found.latest and found.stands
    free = free and found.duty.state not in NOT_ASKED
    own = signing_post(party, found.duty.above_id, found.duty.below_id, actor) is not None
    return own and free and (other is None or other.person_id != actor.person_id)
