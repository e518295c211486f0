"""Urging by hand in the browser: first the list of who will get what and who will not and why, then the act."""

from typing import Any
from uuid import uuid4

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_wtf import FlaskForm
from wtforms import HiddenField, TextAreaField

from ..db import unit_of_work
from ..errors import Invalid, Refused, say
from ..operations.urging import LONGEST_WORDS, MOST, cooled_before, urge
from ..queries.urging import Wanted, choice, ids_of
from ..rules.standstill import BOSSES, Verdict
from .access import current_actor, page_now, require_role
from .assignments import wanted as filters_in
from .language import speak
from .navigation import back_address

bp = Blueprint("urging", __name__)

FILTERS = ("state", "light", "campaign", "unit", "text", "task", "area", "line")
MOST_NAMED = 200
WHY: dict[Verdict, Any] = {
    Verdict.URGED: _l("Will be urged"),
    Verdict.FINISHED: _l("Finished"),
    Verdict.IN_REVIEW: _l("Waits for a review"),
    Verdict.SUSPENDED: _l("Waits for an answer"),
    Verdict.RECENT: _l("Urged less than a working day ago"),
    Verdict.NO_OFFICER: _l("No officer"),
}


class UrgeForm(FlaskForm):
    """What is said to all of them, and the id that makes repeating safe."""

    client_action_id = HiddenField()
    words = TextAreaField()


@bp.get("/urge")
@require_role(*BOSSES)
def show() -> Any:
    return _page_of(_wanted(), "", [])


@bp.post("/urge")
@require_role(*BOSSES)
def confirm() -> Any:
    wanted, form, actor, now = _wanted(), UrgeForm(), current_actor(), page_now()
    if wanted.ids:
        ids = list(wanted.ids)
    else:
        ids = ids_of(wanted, actor=actor, now=now, cooled=cooled_before(actor=actor, now=now), most=MOST)
    if not ids:
        raise Refused(say("None of these can be urged now."))
    try:
        with unit_of_work():
            done = urge(
                ids, form.words.data or "", actor=actor, now=now, client_action_id=form.client_action_id.data or None
            )
    except Invalid as refused:
        told = [speak(problem.sentence) for problem in refused.problems] or [speak(refused.sentence)]
        return _page_of(wanted, form.words.data or "", told), 422
    flash(ngettext("%(num)s assignment urged. Its officers have been told.",
                   "%(num)s assignments urged. Their officers have been told.", done.n), "success")  # fmt: skip
    return redirect(back_address() or url_for("assignments.index", **_kept()), 303)


def _wanted() -> Wanted:
    """The assignments that the address names one by one, or the filters of the list."""
    ids = [int(text) for text in request.args.getlist("id") if text.isdecimal() and len(text) < 19]
    if "id" in request.args:  # ids that are none name nothing, rather than everything
        return Wanted(ids=tuple(sorted(set(ids))[:MOST_NAMED]) or (0,))
    filters, _sort = filters_in(current_actor())
    return Wanted(filters=filters)


def _kept() -> dict[str, Any]:
    """The filters as they stand in the address."""
    return {name: request.args[name] for name in FILTERS if request.args.get(name)}


def _page_of(wanted: Wanted, words: str, errors: list[str]) -> str:
    actor, now = current_actor(), page_now()
    asked = {str(int(verdict)): verdict for verdict in Verdict}
    shown, after = asked.get(request.args.get("show", "")), request.args.get("after", "")
    found = choice(
        wanted, actor=actor, now=now, cooled=cooled_before(actor=actor, now=now), shown=shown,
        after=int(after) if after.isdecimal() and len(after) < 19 else 0,
    )  # fmt: skip
    if wanted.ids and not found.total:
        abort(404)
    kept: dict[str, Any] = {"id": list(wanted.ids)} if wanted.ids else _kept()
    kept |= {"back": back_address() or None}
    return render_template(
        "urging/show.html", found=found, shown=found.shown, kept=kept, why=WHY, words=words, errors=errors, now=now,
        action_id=request.form.get("client_action_id") or str(uuid4()), n=found.counts.get(Verdict.URGED, 0),
        later=bool(after), back=back_address(), most=MOST, longest=LONGEST_WORDS, verdicts=list(Verdict),
    )  # fmt: skip
