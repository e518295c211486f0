"""One metric's own page: the tree of targets and actuals level by level, its trend, and out as a table."""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _

from ..clock import local_today
from ..documents.sheets import Cell, Column, Show
from ..queries.metric_facts import AskedMetric, MetricFact
from ..queries.metric_page import Branch, MetricPage, metric_page
from ..queries.rollup_facts import RolledUp
from ..rules.metrics import MetricKind
from .access import current_actor, page_now
from .board_parts import LINES
from .downloads import table_answer
from .metric_pictures import split_of, trend_of
from .navigation import back_address
from .stand_words import (
    against_cells,
    against_columns,
    behind,
    cover_cells,
    cover_columns,
    mark_of,
    sheet_cell,
    sheet_show,
    unit_of,
)
from .words import word

bp = Blueprint("metrics", __name__)

SORTS = ("distance",)
LONGEST_PERIOD = 10_000


@bp.get("/metrics/<int:id>")
def show(id: int) -> Any:
    shown, address = _found(id), addresses(id)
    sort = _sort()
    rows = _sorted(shown) if sort else shown.rows
    return render_template(
        "metrics/show.html", shown=shown, metric=shown.metric, total=shown.total, rows=rows, address=address,
        sort=sort, here=request.full_path.rstrip("?"), back=back_address() or _board(shown), now=page_now(),
        alloc=split_of(shown), trend=trend_of(shown),
        of_units=shown.total.stand.of_units, behind=behind(shown.total.stand), asked_line=asked_metric().line,
        period=asked_metric().period, periods=turns_of(shown.metric, shown.total.stand.rolled),
    )  # fmt: skip


@bp.get("/metrics/<int:id>.<any(xlsx, csv):kind>")
def export(id: int, kind: str) -> Any:
    shown = _found(id, whole=True)
    rows = _sorted(shown) if _sort() else shown.rows
    return table_answer(kind, f"metric-{id}", shown.metric.name, _columns(shown), _rows(shown, rows))


def addresses(id: int) -> Callable[..., str]:
    """A function that gives the address of this metric with some of what is asked changed; None takes it away."""
    kept = {name: request.args[name] for name in ("area", "line", "period", "sort", "back") if request.args.get(name)}

    def address(endpoint: str = "metrics.show", **changed: Any) -> str:
        return url_for(endpoint, id=id, **(kept | changed))

    return address


def asked_metric(whole: bool = False) -> AskedMetric:
    """What the address asks for; what it does not understand is left out."""
    given = request.args
    period = given.get("period", type=int)
    return AskedMetric(
        area_id=given.get("area", type=int),
        line=LINES.get(given.get("line", "")),
        period=period if period is not None and 0 <= period < LONGEST_PERIOD else None,
        after=None if whole else given.get("after", type=int),
        whole=whole,
    )


def _sort() -> str:
    wanted = request.args.get("sort", "")
    return wanted if wanted in SORTS else ""


def _found(id: int, whole: bool = False) -> MetricPage:
    asked = asked_metric(whole or bool(_sort()))
    return metric_page(id, asked, actor=current_actor(), now=page_now(), today=local_today(page_now()))


def _sorted(shown: MetricPage) -> list[Branch]:
    """The furthest from its target first; what has none stands last. What the area does itself stays on top."""
    own = [row for row in shown.rows if row.kind == "own"]
    rest = [row for row in shown.rows if row.kind != "own"]
    return own + sorted(rest, key=_distance)


def _distance(row: Branch) -> tuple[bool, Decimal, int]:
    share = row.stand.share
    return share is None, share if share is not None else Decimal(0), row.place.lft


def _board(shown: MetricPage) -> str:
    return url_for("board.figures", id=shown.head.id, area=shown.total.place.id)


def turns_of(metric: MetricFact, rolled: RolledUp) -> list[int]:
    """The turns of a recurring task that may be chosen, the latest first."""
    last = rolled.metric.last_period
    return list(range(last, max(last - 24, 0), -1)) if metric.recurs and last > 1 else []


def _columns(shown: MetricPage) -> list[Column]:
    metric, of_units = shown.metric, shown.total.stand.of_units
    unit, show = unit_of(metric, of_units), sheet_show(metric, of_units)

    def head(text: str, width: int = 14) -> Column:
        return Column(f"{text} ({unit})" if unit else text, width, show)

    parts = [Column(_("Numerator"), 12, Show.NUMBER), Column(_("Denominator"), 12, Show.NUMBER)]
    return [
        Column(_("Area"), 26), Column(_("Level"), 10), head(_("Target")), head(_("Given below")), head(_("Held back")),
        head(_("Gap")), head(_("By the milestone")), head(_("Approved")), head(_("In review")),
        *(parts if metric.kind is MetricKind.RATE else ()), Column(_("Of the target"), 10, Show.PERCENT),
        head(_("Distance")), Column(_("Stand"), 14), *cover_columns(),
        *(against_columns(metric) if metric.compares else ()),
    ]  # fmt: skip


def _rows(shown: MetricPage, rows: Sequence[Branch]) -> Iterator[list[Cell]]:
    metric, of_units = shown.metric, shown.total.stand.of_units

    def cell(n: Decimal | None) -> Cell:
        return sheet_cell(n, metric, of_units)

    for row in (shown.total, *rows):
        stand, value = row.stand, row.stand.rolled.value()
        given = row.split.given
        parts = [value.numerator, value.denominator] if value else [None, None]
        yield [
            area_name(row), word(row.place.level), cell(stand.target), cell(given),
            cell(row.split.reserve) if given is not None else None, cell(row.gap), cell(stand.by_now),
            cell(stand.figure), cell(stand.waiting), *(parts if metric.kind is MetricKind.RATE else ()),
            None if stand.share is None else stand.share / 100, cell(stand.left), mark_of(stand)[1],
            *cover_cells(stand), *(against_cells(row.against, metric, cell) if metric.compares else ()),
        ]  # fmt: skip


def area_name(row: Branch) -> str:
    """The name of a row: the area's, or that it is what its own units did."""
    return _("%(area)s, own level", area=row.place.name) if row.kind == "own" else row.place.name
