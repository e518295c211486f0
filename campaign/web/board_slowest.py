"""The slowest of a campaign: which areas, which assignments, what each waits for and from whom."""

from collections.abc import Iterator
from typing import Any

from flask import render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from ..documents.sheets import Cell, Column, Show
from ..queries.board import Board, board
from ..queries.board_slowest import MOST_AREAS, MOST_ITEMS, Slow, narrow, slow_areas, slow_items
from ..rules.awaiting import Awaits, counted
from ..rules.dates import Light
from .access import current_actor, page_now
from .board import bp, steps_of
from .board_parts import addresses, asked_of, tabs_of, unit_of_area
from .downloads import table_answer
from .filters import due_words
from .words import word

WAITS: dict[Awaits, Any] = {
    Awaits.SIGN_FOR: _l("to be signed for"),
    Awaits.REPORT: _l("to be reported"),
    Awaits.CORRECTION: _l("to be corrected"),
    Awaits.REVIEW: _l("to be reviewed"),
    Awaits.ANSWER: _l("to be answered"),
}


@bp.get("/campaigns/<int:id>/board/slowest")
def slowest(id: int) -> Any:
    shown, items = _found(id)
    asked = asked_of()
    here = request.full_path.rstrip("?")
    address = addresses(id, asked)
    return render_template(
        "board/slowest.html", shown=shown, here_address=here, asked=asked,
        unit_address=unit_of_area(shown.total.place.id, asked, here), areas=slow_areas(shown), items=items, waits=WAITS,
        counted=counted, now=page_now(), steps=steps_of(shown, here), address=address, most=MOST_AREAS,
        tabs=tabs_of(address, "board.slowest"), overdue=Light.OVERDUE, wide=not narrow(shown.total.place),
        ledger=lambda item: url_for("ledger.show", id=item.id, back=here), most_items=MOST_ITEMS,
    )  # fmt: skip


@bp.get("/campaigns/<int:id>/board/slowest.<any(xlsx, csv):kind>")
def slowest_export(id: int, kind: str) -> Any:
    shown, items = _found(id)
    if items:
        columns, rows = _item_columns(), _item_rows(items)
    else:
        columns, rows = _area_columns(), _area_rows(shown)
    return table_answer(kind, f"slowest-{id}", shown.head.title, columns, rows)


def _found(id: int) -> tuple[Board, list[Slow]]:
    asked = asked_of(whole=True)
    shown = board(id, asked, actor=current_actor(), now=page_now())
    place = shown.total.place
    return shown, slow_items(shown.head, place, shown.trend_lines, actor=current_actor(), now=page_now()) if narrow(
        place
    ) else []


def _item_columns() -> list[Column]:
    return [
        Column(_("Unit"), 28), Column(_("Task"), 32), Column(_("Light"), 10), Column(_("Waits"), 14),
        Column(_("For whom"), 28), Column(_("Person in charge"), 14), Column(_("Stands so since"), 18, Show.MOMENT),
        Column(_("Next step due"), 18, Show.MOMENT), Column(_("In words"), 14),
    ]  # fmt: skip


def _item_rows(items: list[Slow]) -> Iterator[list[Cell]]:
    for item in items:
        yield [
            item.unit, item.task, word(item.light), str(WAITS[item.waits]), item.unit_waited_for, item.person,
            item.since, item.at, due_words(item.at, page_now()) if item.at else None,
        ]  # fmt: skip


def _area_columns() -> list[Column]:
    return [
        Column(_("Area"), 24), Column(_("Overdue"), 10, Show.WHOLE),
        *(Column(str(text), 12, Show.WHOLE) for text in WAITS.values()),
        Column(_("Approved"), 10, Show.WHOLE), Column(_("Total"), 10, Show.WHOLE),
        Column(_("Approved share"), 10, Show.PERCENT),
    ]  # fmt: skip


def _area_rows(shown: Board) -> Iterator[list[Cell]]:
    for row in slow_areas(shown):
        waiting = counted(row.whole.states)
        yield [
            row.place.name, row.whole.lights.get(Light.OVERDUE, 0), *(waiting.get(each, 0) for each in WAITS),
            row.whole.approved, row.whole.total, row.whole.share,
        ]  # fmt: skip


__all__ = ["bp"]
