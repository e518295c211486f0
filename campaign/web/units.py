"""A unit's own page, and its tables as files."""

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ..clock import local_today
from ..documents.sheets import Cell, Column, Show
from ..queries.board_figures import URGENCY
from ..queries.unit_page import Asked, UnitPage, unit_at, unit_page
from .access import current_actor, page_now
from .board_parts import LINES
from .downloads import table_answer
from .filters import due_words, value_words
from .navigation import back_address
from .stand_words import cover_cells, cover_columns, left_words, mark_of, plain, unit_of
from .words import word

bp = Blueprint("units", __name__)

OPEN, ALL = "", "all"


@bp.get("/areas/<int:area>/unit")
def of_area(area: int) -> Any:
    """From an area, which may have several units, to the page of one."""
    id = unit_at(area, LINES.get(request.args.get("line", "")), actor=current_actor())
    return redirect(url_for("units.show", id=id, back=back_address() or None), 303)


@bp.get("/units/<int:id>")
def show(id: int) -> Any:
    shown, wanted = _found(id), _wanted()
    here = request.full_path.rstrip("?")
    back = back_address()
    return render_template(
        "units/show.html", shown=shown, rows=_chosen(shown, wanted), wanted=wanted, now=page_now(), back=back,
        measured=[row for row in shown.metrics if row[2].target is not None],
        unmeasured=[row for row in shown.metrics if row[2].target is None],
        open=sum(each.open for each in shown.asked), here=here, value_words=value_words,
        address=lambda **new: url_for("units.show", id=id, **({"show": wanted or None, "back": back or None} | new)),
    )  # fmt: skip


@bp.get("/units/<int:id>/assignments.<any(xlsx, csv):kind>")
def assignments(id: int, kind: str) -> Any:
    shown = _found(id)
    columns = [
        Column(_("Campaign"), 30), Column(_("Task"), 30), Column(_("Light"), 10), Column(_("State"), 12),
        Column(_("Due"), 18, Show.MOMENT), Column(_("In words"), 14), Column(_("Figures asked"), 10, Show.WHOLE),
        Column(_("Photos asked"), 10, Show.WHOLE),
    ]  # fmt: skip
    return table_answer(kind, f"unit-{id}", shown.unit.name, columns, _rows(_chosen(shown, _wanted())))


@bp.get("/units/<int:id>/metrics.<any(xlsx, csv):kind>")
def metrics(id: int, kind: str) -> Any:
    shown = _found(id)
    columns = [
        Column(_("Task"), 30), Column(_("Metric"), 30), Column(_("Unit of measure"), 12),
        Column(_("Target"), 14, Show.NUMBER), Column(_("By the milestone"), 14, Show.NUMBER),
        Column(_("Approved"), 14, Show.NUMBER), Column(_("Of the target"), 10, Show.PERCENT),
        Column(_("Distance in words"), 20), Column(_("Stand"), 14), *cover_columns(),
    ]  # fmt: skip
    return table_answer(kind, f"unit-metrics-{id}", shown.unit.name, columns, _metric_rows(shown))


def _found(id: int) -> UnitPage:
    now = page_now()
    return unit_page(id, actor=current_actor(), now=now, today=local_today(now), after=request.args.get("after", ""))


def _wanted() -> str:
    return ALL if request.args.get("show") == ALL else OPEN


def _chosen(shown: UnitPage, wanted: str) -> list[Asked]:
    """What is shown of what it was asked, the most urgent first."""
    rows = [each for each in shown.asked if each.open or wanted == ALL]
    return sorted(rows, key=lambda each: URGENCY.index(each.light))


def _rows(rows: list[Asked]) -> Iterator[list[Cell]]:
    for each in rows:
        yield [
            each.campaign, each.title, word(each.light), word(each.state), each.due_at,
            due_words(each.due_at, page_now()) if each.due_at and each.open else None, len(each.figures), each.photos,
        ]  # fmt: skip


def _metric_rows(shown: UnitPage) -> Iterator[list[Cell]]:
    for each, metric, stand in shown.metrics:
        units = stand.of_units
        yield [
            each.title, metric.name, unit_of(metric, units),
            *(plain(n, metric, units) for n in (stand.target, stand.by_now, stand.figure)),
            None if stand.share is None else stand.share / 100, left_words(stand, metric), mark_of(stand)[1],
            *cover_cells(stand),
        ]  # fmt: skip
