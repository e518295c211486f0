"""The figures of a campaign: every metric with its target, what is approved and the distance, and out as a table."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from flask import render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from ..clock import local_today, zone
from ..documents.sheets import Cell, Column, Show
from ..queries.board_metrics import MOST_ANEW, FiguresPage, Standing, figures_page
from ..queries.metric_facts import MetricFact
from ..rules.dates import end_of_day
from .access import current_actor, page_now
from .board import steps_of
from .board_parts import addresses, asked_of, tabs_of, unit_of_area
from .board_slowest import bp
from .downloads import table_answer
from .stand_words import (
    against_cells,
    against_columns,
    cover_cells,
    cover_columns,
    left_words,
    mark_of,
    plain,
    unit_of,
)

EARLIEST = date(1970, 1, 2)  # nothing is kept of days before
STANDS: dict[str, Any] = {  # by the shape that `mark_of` gives
    "behind": _l("Below the milestone"), "open": _l("On the way"), "done": _l("Target reached"),
    "new": _l("Without a target"),
}  # fmt: skip


@bp.get("/campaigns/<int:id>/board/figures")
def figures(id: int) -> Any:
    shown, asked, day = _found(id, MOST_ANEW), asked_of(), _day()
    here, wanted, plain_address = request.full_path.rstrip("?"), _wanted(), addresses(id, asked)

    def address(endpoint: str = "", **changed: Any) -> str:
        return plain_address(endpoint, **({"on": day.isoformat() if day else None} | changed))

    counts = {kind: len(_chosen(shown, kind)) for kind in STANDS}
    chips = [(_("All"), len(shown.rows), address(), not wanted)]
    chips += [
        (str(text), counts[kind], address(stand=kind), wanted == kind)
        for kind, text in STANDS.items()
        if counts[kind] or wanted == kind
    ]

    def of_metric(endpoint: str, row: Standing) -> str:
        line = request.args.get("line")
        return url_for(endpoint, id=row.metric.id, area=shown.total.place.id, line=line, back=here)

    return render_template(
        "board/figures.html", shown=shown, here=here, unit_address=unit_of_area(shown.total.place.id, asked, here),
        asked=asked, rows=_chosen(shown, wanted), chips=chips, wanted=wanted,
        address=address, steps=steps_of(shown, here), tabs=tabs_of(plain_address, "board.figures"), now=page_now(),
        metric=lambda row: of_metric("metrics.show", row), day=day, today=local_today(page_now()),
        who=lambda row: "" if shown.at else of_metric("metrics.units", row),
    )  # fmt: skip


@bp.get("/campaigns/<int:id>/board/figures.<any(xlsx, csv):kind>")
def figures_export(id: int, kind: str) -> Any:
    shown, day = _found(id, None), _day()
    columns, rows = _columns(), _rows(_chosen(shown, _wanted()))
    if shown.at is None or day is None:
        return table_answer(kind, f"figures-{id}", shown.head.title, columns, rows)
    columns = [Column(_("As of the end of"), 12, Show.DAY), *columns]
    return table_answer(kind, f"figures-{id}-{day}", shown.head.title, columns, ([day, *row] for row in rows))


def _found(id: int, most: int | None) -> FiguresPage:
    day, now = _day(), page_now()
    at = None if day is None else end_of_day(day, zone())
    return figures_page(id, asked_of(), actor=current_actor(), now=now, today=local_today(now), at=at, most=most)


def _day() -> date | None:
    """The day that is over as of which the figures are asked for; None for now."""
    try:
        day = date.fromisoformat(request.args.get("on", ""))
    except ValueError:
        return None
    return day if EARLIEST <= day < local_today(page_now()) else None


def _wanted() -> str:
    wanted = request.args.get("stand", "")
    return wanted if wanted in STANDS else ""


def _chosen(shown: FiguresPage, wanted: str) -> Sequence[Standing]:
    return [row for row in shown.rows if not wanted or mark_of(row.stand)[0] == wanted]


def _columns() -> list[Column]:
    return [
        Column(_("Task"), 30), Column(_("Metric"), 30), Column(_("Unit of measure"), 12),
        Column(_("Target"), 14, Show.NUMBER), Column(_("By the milestone"), 14, Show.NUMBER),
        Column(_("Approved"), 14, Show.NUMBER), Column(_("In review"), 14, Show.NUMBER),
        Column(_("Of the target"), 10, Show.PERCENT), Column(_("Distance"), 14, Show.NUMBER),
        Column(_("Distance in words"), 20), Column(_("Stand"), 14), *cover_columns(), *against_columns(None),
    ]  # fmt: skip


def _rows(rows: Sequence[Standing]) -> Iterator[list[Cell]]:
    for row in rows:
        metric, stand = row.metric, row.stand
        units = stand.of_units

        def shown(n: Decimal | None, metric: MetricFact = metric) -> Cell:
            return plain(n, metric, False)

        numbers = (stand.target, stand.by_now, stand.figure, stand.waiting)
        yield [
            metric.task_title, metric.name, unit_of(metric, units), *(plain(n, metric, units) for n in numbers),
            None if stand.share is None else stand.share / 100, plain(stand.left, metric, units),
            left_words(stand, metric), mark_of(stand)[1], *cover_cells(stand),
            *against_cells(row.against, metric, shown),
        ]  # fmt: skip


__all__ = ["bp"]
