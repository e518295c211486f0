"""What has been reached beside the targets of a tree: of each unit with everything below it, as the boards say it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ..rules.distances import share_of
from ..rules.figures import Standing
from ..rules.metrics import Aggregation
from ..rules.organisation import Line
from .cascade_tree import Node
from .rollup import rollup
from .rollup_facts import RolledUp

Place = tuple[int, Line]


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
    """Of the units of these nodes, by unit id, and of the whole; two statements for each line among them, and two more
    for a whole of several lines."""
    by_line: dict[Line, list[Node]] = defaultdict(list)
    for node in nodes:
        by_line[node.line].append(node)
    found: dict[int, Actual] = {}
    everywhere: Actual | None = None
    for line, here in by_line.items():
        areas = {node.area_id for node in here}
        alone = whole is not None and set(whole.lines or by_line) == {line}
        rolled = rollup(
            [metric_id], sorted(areas | ({whole.area_id} if whole and alone else set())), on=on, lines=[line]
        )
        found |= {node.unit_id: _actual(rolled[metric_id, node.area_id], node.target) for node in here}
        if whole and alone:
            everywhere = _actual(rolled[metric_id, whole.area_id], whole.target)
    if whole and by_line and everywhere is None:
        rolled = rollup([metric_id], [whole.area_id], on=on)
        everywhere = _actual(rolled[metric_id, whole.area_id], whole.target)
    return found, everywhere


def _actual(rolled: RolledUp, target: Decimal | None) -> Actual:
    if not rolled.metric.adds_up:
        met, asked = rolled.units_met, rolled.asked
        return Actual(None, None, met, asked, share_of(Decimal(met), Decimal(asked)))
    figure = rolled.figure()
    summed = rolled.metric.aggregation is Aggregation.SUM
    waiting = rolled.figure(Standing.PENDING) if summed else None
    return Actual(figure, waiting, rolled.units_met, rolled.asked, share_of(figure, target) if summed else None)
