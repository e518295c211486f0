"""What a reviewer does beside deciding: take a decision back, have it in hand, remark, judge flags, keep phrases."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from flask import Response, abort, flash, jsonify, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, SelectChoice, TextAreaField
from wtforms.validators import InputRequired

from ..db import unit_of_work
from ..documents.sheets import Column, Show
from ..errors import Invalid, Refused, Stale, say
from ..models.facts import Standing, facts_of
from ..models.undoing import with_last_decision
from ..operations import claiming, remarking
from ..operations.judging import judge
from ..operations.taking_back import take_back
from ..queries.assignments import Whole
from ..queries.beside import Said, beside, phrases_of, thread_of
from ..queries.flags import Found, counts, flags_of
from ..queries.submission import dossier
from ..queries.versions import bounces, compared
from ..rules.flags import Verdict
from ..rules.organisation import Role
from ..rules.permissions import permissions
from ..rules.transitions import Facts
from .access import current_actor, page_now, require_role
from .downloads import TYPES, table_answer
from .errors import wants_json
from .filters import percent
from .language import speak
from .navigation import back_address
from .reviews import READERS, DecisionForm, ReturnForm, asked, in_time, kept, page_of, place_at
from .reviews import bp as bp
from .words import word

TELLERS = (Role.OFFICER, Role.SUPERVISOR, Role.DISPATCHER)


class RemarkForm(FlaskForm):
    """A remark to the thread."""

    client_action_id = HiddenField()
    remark = TextAreaField()


class VerdictForm(FlaskForm):
    """What a reviewer thinks of a flag."""

    client_action_id = HiddenField()
    verdict = RadioField(
        choices=[SelectChoice(int(verdict), verdict.name) for verdict in Verdict],
        coerce=int,
        validators=[InputRequired()],
    )
    words = TextAreaField()


@bp.post("/reviews/<int:id>/undo")
@require_role(*READERS)
def undo(id: int) -> Any:
    place, form = place_at(id), DecisionForm()
    if not form.validate() or form.seen.data is None:
        raise Refused(say("The form is damaged. Please open the page again."))
    with in_time(place, form.seen.data), unit_of_work():
        take_back(
            id, actor=current_actor(), now=page_now(), seen=form.seen.data,
            client_action_id=form.client_action_id.data or None,
        )  # fmt: skip
    session.pop("decided", None)
    flash(_("Taken back: %(unit)s, %(task)s. It waits for you again.", unit=place.unit_name, task=place.task_title))
    return redirect(url_for("reviews.show", id=id, **kept(asked())), 303)


@bp.post("/reviews/<int:id>/claim")
@require_role(*READERS)
def claim(id: int) -> Any:
    """Takes it in hand, renews, or takes it over; the page does it by itself once somebody works on it."""
    place, form = place_at(id), DecisionForm()
    if not form.validate() or form.seen.data is None:
        raise Refused(say("The form is damaged. Please open the page again."))
    over = request.form.get("over") == "1"
    try:
        with in_time(place, form.seen.data), unit_of_work():
            held = claiming.claim(id, actor=current_actor(), now=page_now(), seen=form.seen.data, over=over)
    except (Refused, Stale):
        if not wants_json():
            raise
        held = False  # the page says it by itself at the touch that decides: then there is nothing left to hold
    if wants_json():
        return jsonify(held=held)
    if not held:
        flash(_("Somebody else has this in hand."), "warning")
    return redirect(url_for("reviews.show", id=id, **kept(asked())), 303)


@bp.post("/reviews/<int:id>/put-down")
@require_role(*READERS)
def put_down(id: int) -> Any:
    place_at(id)
    with unit_of_work():
        claiming.put_down(id, actor=current_actor())
    return redirect(url_for("reviews.show", id=id, **kept(asked())), 303)


@bp.get("/reviews/<int:id>/permissions")
def may(id: int) -> Any:
    """The six permissions, and how it stands at each level, for programs: what the page itself goes by."""
    place_at(id)
    facts, aside = _facts(id)
    allowed = permissions(facts, current_actor(), facts.chain, aside.claim.holder if aside.claim else None)
    return jsonify(
        version=facts.version,
        may={
            "approve": allowed.approve, "return": allowed.return_, "claim": allowed.claim, "undo": allowed.undo,
            "comment": allowed.comment, "see_who": allowed.see_who,
        },
        levels=[{"unit": level.name, "here": level.here.name.lower()} for level in aside.chain],
    )  # fmt: skip


def _facts(id: int) -> tuple[Standing, Any]:
    facts = facts_of(id)
    if facts is None:
        abort(404)
    now = page_now()
    aside = beside(facts, current_actor(), now=now)
    return with_last_decision(facts, aside.last, now), aside


@bp.post("/reviews/<int:id>/remarks")
def remark(id: int) -> Any:
    """Both sides write here; the page they came from shows it."""
    place_at(id)
    form = RemarkForm()
    back = back_address()
    try:
        with unit_of_work():
            remarking.remark(
                id, form.remark.data or "", actor=current_actor(), now=page_now(),
                client_action_id=form.client_action_id.data or None,
            )  # fmt: skip
    except Invalid as error:
        if current_actor().has_role(*READERS):
            return page_of(id, ReturnForm(formdata=None), wrong={"remark": speak(error.sentence)})
        raise Invalid(error.sentence) from None  # the page that refuses shows an officer what was typed
    flash(_("Your remark was kept; the other side is told."), "success")
    target = url_for("reviews.show", id=id) if current_actor().has_role(*READERS) else url_for("inbox.home")
    return redirect(f"{back or target}#remarks", 303)


@bp.post("/reviews/<int:id>/flags/<int:flag_id>")
@require_role(*READERS)
def decide_flag(id: int, flag_id: int) -> Any:
    place_at(id)
    form = VerdictForm()
    if not form.validate():
        return page_of(id, ReturnForm(formdata=None), wrong={f"flag-{flag_id}": _("Please choose one of the three.")})
    try:
        with unit_of_work():
            judge(
                flag_id, Verdict(form.verdict.data), form.words.data or "", assignment_id=id, actor=current_actor(),
                now=page_now(), client_action_id=form.client_action_id.data or None,
            )  # fmt: skip
    except Invalid as error:
        return page_of(id, ReturnForm(formdata=None), wrong={f"flag-{flag_id}": speak(error.sentence)})
    return redirect(f"{url_for('reviews.show', id=id, **kept(asked()))}#h-flags", 303)


@bp.get("/reviews/<int:id>/versions")
def versions(id: int) -> Any:
    """Any two versions of a report side by side, for everybody who sees it."""
    found = dossier(id, current_actor())
    if found is None:
        abort(404)
    both = compared(found, request.args.get("from", type=int), request.args.get("to", type=int))
    return render_template(
        "review/versions.html", found=found, header=found.header, both=both, bounces=bounces(found.versions),
        at_desk=current_actor().has_role(*READERS), reader_id=current_actor().person_id,
    )  # fmt: skip


@bp.get("/reviews/phrases")
@require_role(Role.SUPERVISOR)
def phrases() -> Any:
    return _phrases()


def _phrases(typed: str = "", wrong: str = "") -> Any:
    page = render_template("review/phrases.html", phrases=phrases_of(current_actor()), typed=typed, wrong=wrong)
    return page, (422 if wrong else 200)


@bp.post("/reviews/phrases")
@require_role(Role.SUPERVISOR)
def keep_phrase() -> Any:
    words = request.form.get("words", "")
    try:
        with unit_of_work():
            remarking.keep_phrase(words, actor=current_actor(), now=page_now())
    except Invalid as refused:
        return _phrases(words, speak(refused.sentence))
    return redirect(url_for("reviews.phrases"), 303)


@bp.post("/reviews/phrases/<int:id>/remove")
@require_role(Role.SUPERVISOR)
def remove_phrase(id: int) -> Any:
    with unit_of_work():
        remarking.remove_phrase(id, actor=current_actor())
    return redirect(url_for("reviews.phrases"), 303)


@bp.get("/reviews/flags")
@require_role(Role.AUDITOR, Role.ADMINISTRATOR)
def flag_counts() -> Any:
    """How many flags of each kind there were, and how many of them were false alarms."""
    exports = {kind: url_for("reviews.export_flags", kind=kind) for kind in TYPES}
    return render_template("review/flags.html", counts=counts(current_actor()), exports=exports)


@bp.get("/reviews/flags.<any(xlsx, csv):kind>")
@require_role(Role.AUDITOR, Role.ADMINISTRATOR)
def export_flags(kind: str) -> Response:
    """The same as a table to keep."""
    heads = (_("Flags"), _("Not looked at"), _("Stands"), _("Explained"), _("False alarm"))
    columns = [Column(_("Kind"), 30), *(Column(head, 12, Show.WHOLE) for head in heads)]
    columns.append(Column(_("False alarms among those decided"), 20))
    rows = (
        (
            word(row.kind), row.total, row.undecided, row.stands, row.explained, row.false_alarms,
            percent(row.false_share),
        )
        for row in counts(current_actor())
    )  # fmt: skip
    return table_answer(kind, f"flags-{page_now():%Y%m%d}", _("Flags and false alarms"), columns, rows)


@dataclass(frozen=True)
class Talk:
    """The thread of an assignment as one reader has it. `flags`: those of its latest version; of what they are against
    nothing is said there."""

    said: tuple[Said, ...]
    flags: tuple[Found, ...]
    may_remark: bool
    reader_id: int


@bp.app_template_global("review_talk")
def review_talk(assignment_id: int) -> Talk:
    """The thread of an assignment that the page has found within the reader's scope. Three statements."""
    actor, facts = current_actor(), facts_of(assignment_id)
    may_remark = facts is not None and permissions(facts, actor, facts.chain).comment
    flags = flags_of(facts.submission_id, actor) if facts is not None and facts.submission_id else ()
    return Talk(thread_of(assignment_id), flags, may_remark, actor.person_id)


@bp.app_template_global("talk_of")
def talk_of(found: Whole) -> Talk:
    """The same for the page of an assignment, which has read it with the rest. No statement."""
    ask, actor = found.ask, current_actor()
    chain = found.latest.chain if found.latest else ()
    facts = Facts(ask.id, ask.state, ask.version, ask.unit_id, ask.issuers, ask.reviewer_unit_id)
    return Talk(found.said, found.flags, permissions(facts, actor, chain).comment, actor.person_id)


@bp.app_template_global("new_action_id")
def new_action_id() -> str:
    """A client action id for a form that stands in several pages."""
    return str(uuid4())
