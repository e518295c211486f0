"""What has been reached beside the targets of a tree: of each unit with everything below it, as the boards say it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ..rules.distances import share_of
from ..rules.figures import Standing
from ..rules.metrics import Aggregation
from ..rules.organisation import Line
from .cascade_tree import Node
from .rollup import rollup_of_each
from .rollup_facts import RolledUp


@dataclass(frozen=True)
class Actual:
    """What a unit and all below it reached. `figure`: approved; None where units have no figure together, then `met` of
    `asked` units reach what they must. `waiting`: of a sum, what waits for a decision. `share`: per cent of the target
    of the unit."""

    figure: Decimal | None
    waiting: Decimal | None
    met: int
    asked: int
    share: Decimal | None


@dataclass(frozen=True)
class Everything:
    """The whole of a campaign: its issuer's area, the lines that receive the task, and what it must reach."""

    area_id: int
    lines: tuple[Line, ...]
    target: Decimal | None


def actuals(
    metric_id: int, nodes: Iterable[Node], *, on: date, whole: Everything | None = None
) -> tuple[dict[int, Actual], Actual | None]:
    """Of the units of these nodes, by unit id, and of the whole. One or two statements."""
    shown = tuple(nodes)
    lines = {node.line for node in shown}
    if not shown:
        return {}, None
    areas = {node.area_id for node in shown} | ({whole.area_id} if whole else set())
    each, together = rollup_of_each([metric_id], sorted(areas), lines, on=on)
    found = {node.unit_id: _actual(each[node.line][metric_id, node.area_id], node.target) for node in shown}
    if whole is None:
        return found, None
    asked = set(whole.lines or lines)
    rolled = next((each[line] for line in lines if asked == {line}), together)
    return found, _actual(rolled[metric_id, whole.area_id], whole.target)


def _actual(rolled: RolledUp, target: Decimal | None) -> Actual:
    if not rolled.metric.adds_up:
        met, asked = rolled.units_met, rolled.asked
        return Actual(None, None, met, asked, share_of(Decimal(met), Decimal(asked)))
    figure = rolled.figure()
    summed = rolled.metric.aggregation is Aggregation.SUM
    waiting = rolled.figure(Standing.PENDING) if summed else None
    return Actual(figure, waiting, rolled.units_met, rolled.asked, share_of(figure, target) if summed else None)
