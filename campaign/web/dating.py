"""The due date of an assignment in words: what its rule made of it, what moved it since; and moving it by decision."""

from datetime import date
from typing import Any, NamedTuple
from uuid import uuid4

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import StringField, TextAreaField

from ..db import unit_of_work
from ..errors import Invalid, Problem, say
from ..models.facts import Standing, facts_of
from ..operations.extending import extend
from ..queries.dating import BY_CALENDAR, BY_OCCASION, Dating, dating_of
from ..queries.submission import Header, dossier
from ..rules.calendars import Roll
from ..rules.dates import Explanation
from ..rules.states import OPEN
from ..rules.transitions import Party, post_for
from .access import current_actor, page_now
from .admin_calendars import name_of
from .campaigns import seen_in
from .filters import day
from .navigation import back_address
from .plan_forms import Typed
from .stale import tell_what_happened

bp = Blueprint("dating", __name__)
tell_what_happened(bp)


class ExtendForm(FlaskForm):
    """Another due date, the reason, the version that was seen, the id that makes repeating safe."""

    due_on = StringField()
    reason = TextAreaField()
    seen = StringField()
    client_action_id = StringField()


class DateStory(NamedTuple):
    """What the pages show of a due date: its sentences, and whether the reader may move it."""

    words: list[str]
    may_extend: bool
    version: int
    today: date
    action_id: str


@bp.app_template_global("date_words")
def date_words(assignment_id: int) -> list[str]:
    """The sentences alone. One statement, up to four where the date was moved."""
    return words_of(dating_of(assignment_id))


@bp.app_template_global("date_story")
def date_story(assignment_id: int) -> DateStory:
    """Of an assignment that the page has found within the reader's scope. One statement more than `date_words`."""
    facts = facts_of(assignment_id)
    return _story(facts if facts is not None else abort(404), date_words(assignment_id))


def story_of(header: Header, facts: Standing) -> DateStory:
    """The same, where the page has read the facts: no statement for a due date without a story."""
    return _story(facts, date_words(header.id) if header.date_has_story else [])


def _story(facts: Standing, words: list[str]) -> DateStory:
    may = facts.state in OPEN and post_for(Party.ISSUER, facts, current_actor()) is not None
    return DateStory(words, may, facts.version, page_now().date(), str(uuid4()) if may else "")


def words_of(found: Dating) -> list[str]:
    """Sentences beside the due date: the rest day that moved it, the first date for ever, what it waits for."""
    words: list[str] = []
    if found.explanation:
        words.append(moved_off(found.explanation, found.rest_name))
    if found.was_moved:
        words.append(_moved(found))
    if found.waits_for:
        name = found.waits_for
        words.append(_("The day of “%(name)s” is not known yet; the due date follows when it is set.", name=name))
    if found.from_signing:
        words.append(_("The due date is counted from the day on which the unit signs for it."))
    return words


@bp.app_template_global("moved_off")
def moved_off(explanation: Explanation, rest_name: str) -> str:
    """That a rest day moved the due date, by which rule, and from where to where."""
    wished = day(explanation.wished)
    if rest_name:
        wished = _("%(day)s (%(name)s)", day=wished, name=name_of(rest_name))
    places = {"wished": wished, "due": day(explanation.due)}
    if explanation.roll is Roll.PREVIOUS:
        return _("First meant for %(wished)s, a rest day; by rule due on the working day before, %(due)s.", **places)
    return _("First meant for %(wished)s, a rest day; by rule due on the next working day, %(due)s.", **places)


def _moved(found: Dating) -> str:
    places = {"first": day(found.first_due_at), "now": day(found.due_at) if found.due_at else _("none")}
    move = found.move
    if move is None:
        return _("First due %(first)s, now %(now)s.", **places)
    by = {BY_OCCASION: _("the day of an occasion was moved"), BY_CALENDAR: _("the working days were corrected")}
    why = by.get(move.tag) or _("moved by %(name)s", name=move.person_name)
    if move.reason:
        why = _("%(why)s: %(reason)s", why=why, reason=move.reason)
    return _("First due %(first)s, now %(now)s. Reason: %(why)s", why=why, **places)


@bp.route("/assignments/<int:id>/extend", methods=["GET", "POST"])
def move(id: int) -> Any:
    """Another due date for one assignment, by decision of its issuer."""
    if dossier(id, current_actor()) is None:
        abort(404)
    form, typed = ExtendForm(), Typed()
    if request.method == "GET":
        return _page(id, form)
    due_on = typed.day("due_on", form.due_on)
    if due_on is None and not typed.problems:
        typed.problems.append(Problem("due_on", say("Please give the day on which the task is due.")))
    try:
        if due_on is None:
            raise Invalid(say("Something needs your attention."), typed.problems)
        with unit_of_work():
            extend(
                id, due_on, form.reason.data or "", actor=current_actor(), now=page_now(), seen=seen_in(form),
                client_action_id=form.client_action_id.data or None,
            )  # fmt: skip
    except Invalid as refused:
        return _page(id, form, typed.errors(refused.problems)), 422
    flash(_("The due date is moved. The unit is told."), "success")
    return redirect(url_for("ledger.show", id=id, back=back_address() or None), 303)


def _page(assignment_id: int, form: ExtendForm, errors: dict[str, list[str]] | None = None) -> str:
    found = dossier(assignment_id, current_actor())
    if found is None:
        abort(404)
    return render_template(
        "dating/extend.html", form=form, header=found.header, errors=errors or {}, now=page_now(), back=back_address(),
        form_page=True,
    )  # fmt: skip
