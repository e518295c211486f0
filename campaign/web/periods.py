"""The periods of a recurring task: the list of them, the units of one, both as tables, and the end of the series."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, TextAreaField
from wtforms.validators import DataRequired

from ..db import unit_of_work
from ..documents.sheets import Cell, Column
from ..operations.periods import LONGEST_REASON, end_series
from ..queries.campaigns import Head, TaskFact, head_of, tasks_of
from ..queries.periods import Coming, Line, Series, Units, series_of, units_of
from ..rules.periods import Outcome
from ..rules.recurrence import parse
from ..rules.rhythms import period_words, words_of
from .access import current_actor, page_now
from .downloads import table_answer
from .form_reading import at_most
from .language import speak
from .words import word

bp = Blueprint("periods", __name__)


@bp.app_template_filter("rhythm_words")
def rhythm_words(rrule: str) -> str:
    """A rule that is kept, in words: on the 14th of each month."""
    return speak(words_of(parse(rrule)))


@bp.app_template_global("period_name")
def period_name(item: Any) -> str:
    """What the period of an assignment is called, given its rrule, opens_on and period; empty where there is none."""
    if not item.rrule or item.opens_on is None:
        return ""
    return speak(period_words(item.rrule, item.opens_on, item.period))


# What the list counts, in the order in which a dispatcher asks; what was cancelled is asked of nobody.
COUNTED = (Outcome.MISSED, Outcome.APPROVED, Outcome.WAITING, Outcome.WITH_OFFICER)
OUTCOMES = {outcome.name.lower(): outcome for outcome in Outcome}
SHAPES = {
    Outcome.APPROVED: "done", Outcome.WAITING: "waiting", Outcome.WITH_OFFICER: "open", Outcome.MISSED: "overdue",
    Outcome.CANCELLED: "cancelled", Outcome.NOT_APPLICABLE: "exempt",
}  # fmt: skip


@dataclass(frozen=True)
class SeriesWords:
    """A series in the reader's language, for templates: its rhythm, and the name of each of its periods."""

    series: Series

    @property
    def rhythm(self) -> str:
        """When it comes round."""
        return speak(words_of(self.series.rule))

    def name(self, line: Line | Coming) -> str:
        """What a period is called."""
        return speak(period_words(self.series.rrule, line.opens_on, line.number))


class EndForm(FlaskForm):
    """Why no further period shall open."""

    client_action_id = HiddenField()
    reason = TextAreaField(
        _l("Reason"),
        validators=[
            DataRequired(_l("Please say why, in a few words.")),
            at_most(LONGEST_REASON),
        ],
    )


@bp.get("/campaigns/<int:id>/tasks/<int:task_id>/periods")
def show(id: int, task_id: int) -> Any:
    return _page(id, task_id)


@bp.post("/campaigns/<int:id>/tasks/<int:task_id>/periods/end")
def end(id: int, task_id: int) -> Any:
    _found(id, task_id)
    form = EndForm()
    if not form.validate():
        return _page(id, task_id, form), 422
    with unit_of_work():
        end_series(
            task_id, actor=current_actor(), now=page_now(), reason=form.reason.data or "",
            client_action_id=form.client_action_id.data or None,
        )  # fmt: skip
    flash(_("The series is ended. No further period opens; what was opened goes on."), "success")
    return redirect(url_for("periods.show", id=id, task_id=task_id), 303)


@bp.get("/campaigns/<int:id>/tasks/<int:task_id>/periods.<any(xlsx, csv):kind>")
def export(id: int, task_id: int, kind: str) -> Any:
    _head, series = _found(id, task_id, whole=True)
    columns = [
        Column(_("Number"), 8), Column(_("Period"), 22), Column(_("Opens"), 12), Column(_("Due"), 18),
        Column(_("Opened"), 12), Column(_("Turn"), 24), Column(_("Reason"), 40),
        *(Column(word(outcome), 10) for outcome in COUNTED), Column(_("Total"), 10),
    ]  # fmt: skip
    return table_answer(kind, f"periods-{task_id}", series.title, columns, _rows(series))


@bp.get("/campaigns/<int:id>/tasks/<int:task_id>/periods/<int:number>")
def units(id: int, task_id: int, number: int) -> Any:
    head, series = _found(id, task_id)
    outcome = OUTCOMES.get(request.args.get("outcome", ""))
    after = request.args.get("after", "")
    found = _units(task_id, number, outcome, after=after)
    here = request.full_path.rstrip("?")
    return render_template(
        "campaigns/period.html", head=head, series=series, found=found, line=found.line, outcome=outcome,
        counted=COUNTED, shapes=SHAPES, name=SeriesWords(series).name(found.line),
        here=here, paged=bool(after),
    )  # fmt: skip


@bp.get("/campaigns/<int:id>/tasks/<int:task_id>/periods/<int:number>.<any(xlsx, csv):kind>")
def units_export(id: int, task_id: int, number: int, kind: str) -> Any:
    _head, series = _found(id, task_id)
    outcome = OUTCOMES.get(request.args.get("outcome", ""))
    found = _units(task_id, number, outcome, whole=True)
    columns = [Column(_("Unit"), 28), Column(_("State"), 12), Column(_("In this period"), 14), Column(_("Due"), 18)]
    rows: Iterator[list[Cell]] = ([row.unit_name, word(row.state), word(row.outcome), row.due_at] for row in found.rows)
    title = f"{series.title} {SeriesWords(series).name(found.line)}"
    return table_answer(kind, f"period-{task_id}-{number}", title, columns, rows)


def _page(id: int, task_id: int, form: EndForm | None = None) -> Any:
    before = request.args.get("before", type=int)
    head, series = _found(id, task_id, before=before)
    may_end = head.issuer and series.running and bool(series.ahead)
    return render_template(
        "campaigns/periods.html", head=head, series=series, may_end=may_end, form=form, action_id=str(uuid4()),
        words=SeriesWords(series), counted=COUNTED, paged=before is not None,
        now=page_now(), longest=LONGEST_REASON,
    )  # fmt: skip


def _found(id: int, task_id: int, *, before: int | None = None, whole: bool = False) -> tuple[Head, Series]:
    """The campaign and its recurring task, for those who see it; else 404."""
    head = head_of(id, current_actor())
    task = _task(id, task_id) if head else None
    if head is None or task is None:
        abort(404)
    series = series_of(task_id, head, task, actor=current_actor(), now=page_now(), before=before, whole=whole)
    return (head, series) if series else abort(404)


def _task(id: int, task_id: int) -> TaskFact | None:
    return next((task for task in tasks_of(id, parts=False) if task.id == task_id), None)


def _units(task_id: int, number: int, outcome: Outcome | None, *, after: str = "", whole: bool = False) -> Units:
    if number >= 2**15:  # no period has such a number
        abort(404)
    found = units_of(task_id, number, actor=current_actor(), now=page_now(), outcome=outcome, after=after, whole=whole)
    return found if found is not None else abort(404)


def _rows(series: Series) -> Iterator[list[Cell]]:
    name = SeriesWords(series).name
    for line in series.lines:
        counts: list[Cell] = [line.counts.get(outcome, 0) for outcome in COUNTED]
        yield [
            line.number, name(line), line.opens_on, line.due_at, word(line.state), line.unit_name, _said(line),
            *counts, line.total,
        ]  # fmt: skip


def _said(line: Line) -> str:
    """Why a period was missed; the reasons are sentences of the law."""
    return _(line.reason) if line.reason else ""
