"""Questions upwards in the browser: ask the unit above, see what waits for an answer, answer it, take it back."""

from typing import Any
from uuid import uuid4

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_wtf import FlaskForm
from wtforms import HiddenField, TextAreaField

from ..clock import local_today
from ..db import unit_of_work
from ..documents.sheets import Column, Show
from ..errors import Invalid
from ..operations import questions as asking
from ..queries.assignments import whole
from ..queries.questions import Asked, Filters, Sort, asked_first, everything, question_of, questions_of, waiting
from ..queries.worklist import FAR
from ..rules.organisation import Role
from ..rules.standstill import BOSSES, MOST_GIVEN_BACK
from ..rules.states import WITH_OFFICER
from .access import current_actor, page_now, require_role
from .downloads import table_answer
from .language import speak

bp = Blueprint("questions", __name__)
LONGEST_SEARCH = 100
LAST = int(FAR.timestamp()) * 1_000_000  # the place of what has no due date


class WordsForm(FlaskForm):
    """A question or an answer, and the id that makes repeating safe."""

    client_action_id = HiddenField()
    words = TextAreaField()


@bp.get("/questions")
@require_role(*BOSSES)
def index() -> Any:
    actor, (filters, sort), after = current_actor(), _asked(), _place(request.args.get("after", ""))
    page, query = waiting(actor, filters, sort, now=page_now(), after=after), _query(filters, sort)
    mine = {post.unit_id: post.unit_name for post in actor.posts if post.role in BOSSES}
    return render_template(
        "questions/index.html", page=page, now=page_now(), later=after is not None, filters=filters, sort=sort,
        units=sorted(mine.items()), mine=mine,
        filtered=filters != Filters(), first_page=url_for(".index", **query),
        next_page=url_for(".index", after=f"{page.next[0]}.{page.next[1]}", **query) if page.next else "",
        exports={kind: url_for(".export", kind=kind, **query) for kind in ("xlsx", "csv")},
    )  # fmt: skip


def _asked() -> tuple[Filters, Sort]:
    """What the address asks for; what it does not know is left out."""
    args, unit = request.args, request.args.get("unit", type=int)
    known = unit is not None and 0 < unit < 2**63
    sort = next((each for each in Sort if each.value == args.get("sort")), Sort.WAITING)
    return Filters(args.get("text", "").strip()[:LONGEST_SEARCH], unit if known else None), sort


def _query(filters: Filters, sort: Sort) -> dict[str, Any]:
    asked = None if sort is Sort.WAITING else sort.value
    return {"text": filters.text or None, "unit": filters.asked_unit_id, "sort": asked}


def _place(text: str) -> tuple[int, int] | None:
    """The place in the list after which the page begins."""
    due, _dot, id = text.partition(".")
    fits = all(part.isascii() and part.isdecimal() and len(part) < 19 for part in (due, id))
    return (int(due), int(id)) if fits and int(due) <= LAST else None


@bp.get("/questions.<any(xlsx, csv):kind>")
@require_role(*BOSSES)
def export(kind: str) -> Any:
    """What the list shows, all of it, as a table."""
    columns = [
        Column(_("Asked on"), 18, Show.MOMENT), Column(_("Unit"), 28), Column(_("Asked by"), 14), Column(_("Task"), 40),
        Column(_("Campaign"), 40), Column(_("Due"), 18, Show.MOMENT), Column(_("Asked unit"), 28),
        Column(_("Question"), 60),
    ]  # fmt: skip
    rows = (
        (each.asked_at, each.unit_name, each.asker, each.task_title, each.campaign_title, each.due_at, each.asked_unit,
         each.words)
        for each in everything(current_actor(), *_asked(), now=page_now())
    )  # fmt: skip
    return table_answer(kind, f"questions-{local_today(page_now()):%Y%m%d}", _("Questions"), columns, rows)


@bp.route("/assignments/<int:id>/ask", methods=["GET", "POST"])
def ask(id: int) -> Any:
    found, form, actor = whole(id, current_actor()), WordsForm(), current_actor()
    if found is None or actor.post_in(found.ask.unit_id, Role.OFFICER) is None:
        abort(404)
    errors: list[str] = []
    if request.method == "POST":
        try:
            with unit_of_work():
                asking.ask(
                    id, form.words.data or "", actor=actor, now=page_now(),
                    client_action_id=form.client_action_id.data or None,
                )  # fmt: skip
        except Invalid as refused:
            errors = [speak(problem.sentence) for problem in refused.problems]
        else:
            flash(
                _("Your question is on its way. The clock of this task stands still until it is answered."), "success"
            )
            return redirect(url_for("assignments.show", id=id), 303)
    may = found.ask.state in WITH_OFFICER and found.ask.suspended_at is None
    page = render_template(
        "questions/ask.html", ask=found.ask, asked=asked_first(found.ask, found.chain, now=page_now()),
        may=may or bool(errors),
        words=form.words.data or "", errors=errors, most=MOST_GIVEN_BACK, form_page=True,
        action_id=form.client_action_id.data or str(uuid4()),
    )  # fmt: skip
    return page, (422 if errors else 200)


@bp.get("/questions/<int:id>")
def show(id: int) -> Any:
    return _page_of(_mine(id), "", [])


@bp.post("/questions/<int:id>/answer")
def answer(id: int) -> Any:
    found, form = _mine(id), WordsForm()
    try:
        with unit_of_work():
            days = asking.answer(
                id, form.words.data or "", actor=current_actor(), now=page_now(),
                client_action_id=form.client_action_id.data or None,
            )  # fmt: skip
    except Invalid as refused:
        return _page_of(found, form.words.data or "", [speak(problem.sentence) for problem in refused.problems]), 422
    flash(_told(_("Answered. The clock goes on."), days), "success")
    return redirect(url_for("questions.index"), 303)


@bp.post("/questions/<int:id>/withdraw")
def withdraw(id: int) -> Any:
    found, form = _mine(id), WordsForm()
    with unit_of_work():
        days = asking.withdraw(
            id, actor=current_actor(), now=page_now(), client_action_id=form.client_action_id.data or None
        )
    flash(_told(_("The question is withdrawn. The clock goes on."), days), "success")
    return redirect(url_for("assignments.show", id=found.assignment_id), 303)


def _told(what: str, days: int) -> str:
    if not days:
        return what
    return what + " " + ngettext("%(num)s day is given back.", "%(num)s days are given back.", days)


def _mine(question_id: int) -> Asked:
    found = question_of(question_id, current_actor(), now=page_now())
    return found if found is not None else abort(404)


def _page_of(found: Asked, words: str, errors: list[str]) -> str:
    return render_template(
        "questions/show.html", found=found, words=words, errors=errors, now=page_now(), most=MOST_GIVEN_BACK,
        takes_back=found.takes_back(current_actor()), action_id=str(uuid4()),
    )  # fmt: skip


def panel(assignment_id: int | None) -> dict[str, Any]:
    """What the pages of an assignment show of its questions: the one that waits, the former ones, and who may what.

    None: an assignment about which nothing was ever asked; this asks the database nothing.
    """
    actor = current_actor()
    found = questions_of(assignment_id, actor, now=page_now()) if assignment_id is not None else ()
    pending = next((each for each in found if each.pending), None)
    return {
        "pending": pending,
        "former": tuple(each for each in found if not each.pending),
        "takes_back": pending is not None and pending.takes_back(actor),
        "action_id": str(uuid4()),
    }
