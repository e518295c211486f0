"""The units behind a figure by name: who has reported nothing, who waits, who does not reach what it must."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flask import render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from ..clock import local_today
from ..documents.sheets import Cell, Column, Show
from ..queries.metric_units import Lack, Named, UnitsPage, all_named, units_page
from ..rules.distances import left_to
from ..rules.metrics import MetricKind
from .access import current_actor, page_now
from .downloads import table_answer
from .filters import figure_words, state_shape
from .metrics import asked_metric, bp, turns_of
from .navigation import back_address
from .stand_words import full, sheet_cell, sheet_show, unit_of
from .words import word

LACKS: dict[Lack, Any] = {
    Lack.ANY: _l("Does not meet yet"), Lack.NOTHING: _l("Nothing approved"), Lack.MISSING: _l("Nothing reported"),
    Lack.PENDING: _l("In review"), Lack.RETURNED: _l("Returned"), Lack.BELOW: _l("Approved, but not enough"),
}  # fmt: skip
YES_OR_NO = (MetricKind.BOOLEAN, MetricKind.CHECKLIST)
KEPT = ("area", "line", "period", "stand", "back")


@bp.get("/metrics/<int:id>/units")
def units(id: int) -> Any:
    lack, address = _lack(), _addresses(id)
    shown = _found(id, lack)
    place, behind = shown.above[-1], shown.behind
    first = Lack.ANY if behind.measured else Lack.NOTHING  # without anything to reach both are the same
    lack = first if lack is Lack.ANY else lack
    chips = [
        (str(text), shown.counts[each], address(stand=each.value if each is not first else None), lack is each)
        for each, text in LACKS.items()
        if each in (first, Lack.NOTHING, lack) or (shown.counts[each] and each is not Lack.ANY)
    ]
    metric_address = url_for(
        "metrics.show", id=id, area=place.id, line=request.args.get("line"), period=request.args.get("period")
    )
    return render_template(
        "metrics/units.html", shown=shown, metric=shown.metric, rolled=behind.rolled, measured=behind.measured,
        distances=behind.measured and shown.metric.kind not in YES_OR_NO,
        chips=chips, lack=lack, lacks=Lack, address=address, back=back_address() or metric_address,
        here=request.full_path.rstrip("?"), asked_line=asked_metric().line, period=asked_metric().period,
        periods=turns_of(shown.metric, behind.rolled), stands=lambda row: _stands(row),
        reported=lambda row: _words(row.figure, shown), goal=lambda row: _goal(row, shown),
        left=lambda row: _left(row, shown), onwards=address(after="-".join(map(str, shown.next))) if shown.next else "",
        paged=bool(request.args.get("after")), now=page_now(),
    )  # fmt: skip


@bp.get("/metrics/<int:id>/units.<any(xlsx, csv):kind>")
def units_export(id: int, kind: str) -> Any:
    lack = _lack()
    shown = _found(id, lack)
    return table_answer(kind, f"units-{id}", shown.metric.name, _columns(shown), _rows(shown, all_named(shown, lack)))


def _addresses(id: int) -> Callable[..., str]:
    kept = {name: request.args[name] for name in KEPT if request.args.get(name)}

    def address(endpoint: str = "metrics.units", **changed: Any) -> str:
        return url_for(endpoint, id=id, **(kept | changed))

    return address


def _lack() -> Lack:
    wanted = request.args.get("stand", "")
    return Lack(wanted) if wanted in list(Lack) else Lack.ANY


def _found(id: int, lack: Lack) -> UnitsPage:
    parts = request.args.get("after", "").split("-")
    after = [int(part) for part in parts if part.isdecimal() and len(part) < 19]
    return units_page(id, asked_metric(), lack, actor=current_actor(), today=local_today(page_now()), after=after)


def _stands(row: Named) -> tuple[str, str]:
    """The shape and the words for how a unit stands."""
    if row.lack is Lack.BELOW:
        return "behind", _("approved, but not enough")
    if row.lack is Lack.MISSING and state_shape(row.state) == "done":
        return "open", _("approved without this figure")
    return state_shape(row.state), word(row.state)


def _words(n: Any, shown: UnitsPage) -> str:
    """A figure of one unit with its unit of measure."""
    metric = shown.metric
    if metric.kind in YES_OR_NO:
        return figure_words(n, metric.kind)
    return full(n, metric, False)


def _goal(row: Named, shown: UnitsPage) -> str:
    """What a unit must reach by now; of one that gave out more than it had received, how much more."""
    if row.goal is not None and row.goal < 0 and shown.metric.kind is not MetricKind.RATE:
        return _("nothing: %(figure)s more were given out than received", figure=_words(-row.goal, shown))
    return _words(row.goal, shown)


def _left(row: Named, shown: UnitsPage) -> str:
    """How much is missing, or too much; '' where that cannot be said."""
    metric = shown.metric
    left = left_to(row.figure, shown.behind.rolled.comparator_now, row.goal)
    if left is None or not left or metric.kind in YES_OR_NO:
        return ""
    if metric.kind is MetricKind.RATE:
        return _("%(points)s points to go", points=f"{left:,.1f}")
    return _("%(figure)s to go", figure=full(left, metric, False))


def _columns(shown: UnitsPage) -> list[Column]:
    metric = shown.metric
    unit, show = unit_of(metric, False), None if metric.kind in YES_OR_NO else sheet_show(metric, False)

    def head(text: str) -> Column:
        return Column(f"{text} ({unit})" if unit else text, 14, show)

    turn = [Column(_("Period"), 8, Show.WHOLE)] if metric.recurs else []
    return [
        Column(_("Unit"), 28), Column(_("Area above"), 20), Column(_("Line"), 12), *turn,
        Column(_("Still lacking"), 18), Column(_("State"), 12),
        head(_("To reach by now")), head(_("Last reported")), head(_("Distance")),
    ]  # fmt: skip


def _rows(shown: UnitsPage, rows: Iterable[Named]) -> Iterator[list[Cell]]:
    metric, comparator = shown.metric, shown.behind.rolled.comparator_now
    told = metric.kind in YES_OR_NO
    for row in rows:
        numbers = (row.goal, row.figure, None if told else left_to(row.figure, comparator, row.goal))
        cells = [
            (figure_words(n, metric.kind) if n is not None else None) if told else sheet_cell(n, metric, False)
            for n in numbers
        ]
        turn = [row.period] if metric.recurs else []
        yield [
            row.name, row.upper, word(row.line), *turn, str(LACKS[row.lack]), word(row.state), *cells,
        ]  # fmt: skip


__all__ = ["bp"]
