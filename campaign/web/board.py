"""The dispatcher's board: units × tasks with lights, from any cell to the work behind it, and out as a table."""

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _

from ..documents.sheets import Cell as SheetCell
from ..documents.sheets import Column as SheetColumn
from ..documents.sheets import Show
from ..queries.board import BY_COVERAGE, Asked, Board, Column, Row, board
from ..queries.board_figures import URGENCY, Cell
from ..queries.board_metrics import FiguresPage
from ..rules.dates import Light
from ..rules.plans import CampaignStatus
from ..rules.standstill import BOSSES
from ..rules.states import State
from .access import current_actor, page_now
from .board_parts import (
    SPANS,
    addresses,
    as_of,
    asked_of,
    days_of,
    funnel_of,
    picture_samples,
    span,
    states_of,
    tabs_of,
    unit_of_area,
)
from .downloads import table_answer
from .navigation import has_endpoint
from .pictures import bullet, sample
from .words import word

bp = Blueprint("board", __name__)
bp.add_app_template_global(sample, "sample")
bp.add_app_template_global(bullet, "bullet")
bp.add_app_template_global(picture_samples, "picture_samples")
bp.add_app_template_global(as_of, "as_of")

CHIPS = (Light.OVERDUE, Light.RETURNED, Light.BEHIND, Light.DUE, Light.NEW, Light.WAITING)


@bp.get("/campaigns/<int:id>/board")
def show(id: int) -> Any:
    asked = asked_of()
    shown = board(id, asked, actor=current_actor(), now=page_now())
    here = request.full_path.rstrip("?")
    address, where, days = addresses(id, asked), shown.total.place.name, days_of(shown)
    return render_template(
        "board/show.html", shown=shown, here=here, unit_address=unit_of_area(shown.total.place.id, asked, here),
        columns=_columns(shown), asked=asked, now=page_now(), address=address,
        steps=steps_of(shown, here), tabs=tabs_of(address, "board.show"), span=span(), spans=SPANS,
        funnel=funnel_of(shown.total.whole, where) if shown.total.whole.total else None,
        states=states_of(days, where) if days else None,
        cell_href=lambda row, column, cell: _behind(shown, row, column.id, cell, asked, here),
        chips=[light for light in CHIPS if shown.total.whole.lights.get(light)],
        legend=[light for light in URGENCY if shown.total.whole.lights.get(light)], by_coverage=BY_COVERAGE,
        urge_address=_urging(shown, asked, here),
    )  # fmt: skip


@bp.get("/campaigns/<int:id>/board.<any(xlsx, csv):kind>")
def export(id: int, kind: str) -> Any:
    shown = board(id, asked_of(whole=True), actor=current_actor(), now=page_now())
    return table_answer(kind, f"board-{id}", shown.head.title, _sheet_columns(shown), _sheet_rows(shown))


def _behind(shown: Board, row: Row, task_id: int, cell: Cell, asked: Asked, here: str) -> str:
    """Where a cell leads: to the one assignment behind it, or to the list of them; from both one comes back here."""
    if cell.assignment_id is not None:
        return url_for("ledger.show", id=cell.assignment_id, back=here)
    return _list(
        campaign=shown.head.id, task=task_id, light=cell.light and cell.light.name.lower(), area=row.place.id,
        line=asked.line and int(asked.line), back=here,
    )  # fmt: skip


def _list(**filters: Any) -> str:
    return url_for("assignments.index", **filters) if has_endpoint("assignments.index") else "#main"


def _urging(shown: Board, asked: Asked, here: str) -> str:
    """Where all that is overdue on this board can be urged; '' where there is nothing or nobody who may."""
    if not shown.total.whole.lights.get(Light.OVERDUE) or not current_actor().has_role(*BOSSES):
        return ""
    return url_for(
        "urging.show", campaign=shown.head.id, light=Light.OVERDUE.name.lower(), area=shown.total.place.id,
        line=asked.line and int(asked.line), back=here,
    )  # fmt: skip


def steps_of(shown: Board | FiguresPage, here: str) -> list[tuple[str, str, str, bool, bool]]:
    """The loop of the campaign: word, what is left, address, done, current."""
    head, whole = shown.head, shown.total.whole
    plan = url_for("campaigns.show", id=head.id) if has_endpoint("campaigns.show") else "#main"
    preview = plan
    if head.dispatcher and has_endpoint("campaigns.preview"):
        preview = url_for("campaigns.preview", id=head.id)
    issued, late = head.status is not CampaignStatus.DRAFT, whole.lights.get(Light.OVERDUE, 0)
    waiting = _list(campaign=head.id, light=Light.WAITING.name.lower(), area=shown.total.place.id, back=here)
    tasks = _("%(number)s tasks", number=len(shown.columns))
    return [
        (_("Write"), tasks, plan, True, False),
        (_("Preview"), _("checked") if issued else _("to be checked"), preview, issued, False),
        (_("Dispatch"), _("%(number)s assignments", number=whole.total), plan, bool(whole.every), False),
        (_("Follow"), _("%(number)s overdue", number=late), "#board", False, True),
        (_("Review"), _("%(number)s waiting", number=whole.pending), waiting, False, False),
        (_("Roll-up"), _("%(share)s approved", share=f"{whole.share * 100:.1f}%"), "#roll-up", False, False),
    ]


def _columns(shown: Board) -> list[Column]:
    """The tasks that ask for anything here; all of them where none does."""
    return [column for column in shown.columns if column.id in shown.total.cells] or list(shown.columns)


def _row_name(row: Row) -> str:
    """The name of a row: the area's, or that what follows is what its own units do."""
    return _("%(area)s, own level", area=row.place.name) if row.kind == "own" else row.place.name


def _sheet_columns(shown: Board) -> list[SheetColumn]:
    columns = [SheetColumn(_("Area"), 24), SheetColumn(_("Level"), 10)]
    for column in _columns(shown):
        for part in (_("light"), _("showing it"), _("done"), _("asked")):
            heading = _("%(task)s: %(part)s", task=column.title, part=part)
            columns.append(SheetColumn(heading, 12, Show.TEXT if part == _("light") else Show.WHOLE))
    whole = (word(State.APPROVED), word(State.SUBMITTED), word(State.RETURNED), _("Missing"), _("Total"))
    return columns + [SheetColumn(heading, 10, Show.WHOLE) for heading in whole]


def _sheet_rows(shown: Board) -> Iterator[list[SheetCell]]:
    for row in (shown.total, *((shown.own,) if shown.own else ()), *shown.rows):
        line: list[SheetCell] = [_row_name(row), word(row.place.level)]
        for column in _columns(shown):
            cell = row.cells.get(column.id)
            if cell is None or cell.light is None:
                line += [None, None, None, None]
            else:
                line += [word(cell.light), cell.number, cell.approved, cell.total]
        whole = row.whole
        yield [*line, whole.approved, whole.pending, whole.returned, whole.missing, whole.total]
