"""The units behind a figure by name: who has nothing approved yet, and who is approved without reaching what it must.

Five statements at most, whatever the size: the metric with its campaign, the way to the area, two for the roll-up that
counts, a page of units.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, not_, or_, select, true, type_coerce
from sqlalchemy.orm import aliased

from ..db import Exact, db
from ..errors import NotFound, say
from ..models import Area, Assignment, Metric, MetricValue, Unit
from ..models.climbing import standing_in
from ..models.contributions import reported
from ..models.following import Following
from ..models.goals import left_to_itself
from ..rules.figures import Standing
from ..rules.former_tree import Stretch
from ..rules.metrics import KINDS, Aggregation, Comparator, MetricKind, Value
from ..rules.milestones import step_for
from ..rules.organisation import Actor, Line
from ..rules.states import State
from ..rules.targets import Quota
from .board import Head, lines_of, way_to, windows_of
from .board_figures import Place
from .metric_facts import AskedMetric, MetricFact, metric_head, turn_of
from .rollup import rollup
from .rollup_facts import RolledUp

PAGE = 50
CHUNK = 1_000
YES_OR_NO = (MetricKind.BOOLEAN, MetricKind.CHECKLIST)


class Lack(StrEnum):
    """Why a unit is named. ANY: for whatever reason; NOTHING: nothing of it is approved, which is one of the three
    that follow; BELOW: what is approved does not reach what the unit must reach by now."""

    ANY = "any"
    NOTHING = "nothing"
    MISSING = "missing"
    PENDING = "pending"
    RETURNED = "returned"
    BELOW = "below"


STANDING_OF = {
    Lack.MISSING: Standing.MISSING, Lack.PENDING: Standing.PENDING, Lack.RETURNED: Standing.RETURNED,
    Lack.BELOW: Standing.APPROVED,
}  # fmt: skip


@dataclass(frozen=True)
class Named:
    """One unit. `upper`: the area above its own; `figure`: what it reported last, None for nothing that stands; `goal`:
    what it must reach itself by now."""

    assignment_id: int
    unit_id: int
    name: str
    upper: str
    line: Line
    lft: int
    period: int
    state: State
    standing: Standing
    figure: Decimal | None
    goal: Decimal | None

    @property
    def lack(self) -> Lack:
        """Why it is named."""
        return next(lack for lack, standing in STANDING_OF.items() if standing is self.standing)


@dataclass(frozen=True)
class Behind:
    """Whose units are looked for: of that metric in these stretches of the tree. `measured`: units have something of
    their own to reach, so that an approved one may be named."""

    metric: MetricFact
    rolled: RolledUp
    inside: tuple[Stretch, ...]
    lines: tuple[Line, ...] | None
    period: int | None
    measured: bool


@dataclass(frozen=True)
class UnitsPage:
    """The page. `counts`: how many there are of each; `next`: the place (lft, unit, turn) after which it goes on."""

    head: Head
    metric: MetricFact
    lines: tuple[Line, ...]
    chosen: tuple[Line, ...] | None
    above: tuple[Place, ...]
    behind: Behind
    counts: Mapping[Lack, int]
    rows: tuple[Named, ...]
    next: tuple[int, int, int] | None


def units_page(
    metric_id: int, asked: AskedMetric, lack: Lack, *, actor: Actor, today: date, after: Sequence[int] = ()
) -> UnitsPage:
    """The units of the metric that lack something, in the order of the tree of today; `asked` as for the metric's own
    page. Raises NotFound for a metric, or for an area, outside the reader's scope."""
    found = metric_head(metric_id, actor)
    head, metric = found.head, found.metric
    windows = windows_of(head, actor)
    above, _below = way_to(head, asked.area_id, actor, windows)
    shown = above[-1]
    lines, chosen = lines_of(found.lines, asked.line, shown, windows)
    rolled = rollup([metric.id], [shown.id], on=today, lines=chosen, period=asked.period).get((metric.id, shown.id))
    if rolled is None:  # no line of the reader's is asked here
        raise NotFound(say("There is no such metric, or it is not yours to see."))
    inside, turn = head.tree.stretches((shown.lft, shown.rgt)), turn_of(rolled, asked.period)
    behind = Behind(metric, rolled, inside, chosen, turn, _measured(metric, found.split))
    rows = list(_named(behind, lack, after, PAGE + 1))
    more = len(rows) > PAGE
    rows = rows[:PAGE]
    last = rows[-1] if more else None
    return UnitsPage(
        head, metric, lines, chosen, above, behind, _counts(behind), tuple(rows),
        (last.lft, last.unit_id, last.period) if last else None,
    )  # fmt: skip


def all_named(page: UnitsPage, lack: Lack) -> Iterator[Named]:
    """The same units without pages, for an export; one statement, read bit by bit."""
    return _named(page.behind, lack, (), None)


def _measured(metric: MetricFact, split: bool) -> bool:
    """Whether units have something of their own to reach. Of a total that is so once it was split."""
    if metric.target is None or metric.comparator is Comparator.NONE:
        return metric.kind in YES_OR_NO
    if metric.aggregation is not Aggregation.SUM or metric.quota is not Quota.TOTAL:
        return True
    return split


def _counts(behind: Behind) -> dict[Lack, int]:
    """How many lack what, from the roll-up, so that they are what stands on the other pages."""
    rolled = behind.rolled
    below = rolled.approved - rolled.units_met if behind.measured else 0
    nothing = rolled.missing + rolled.pending + rolled.returned
    return {
        Lack.ANY: nothing + below, Lack.NOTHING: nothing, Lack.MISSING: rolled.missing, Lack.PENDING: rolled.pending,
        Lack.RETURNED: rolled.returned, Lack.BELOW: below,
    }  # fmt: skip


def _named(behind: Behind, lack: Lack, after: Sequence[int], most: int | None) -> Iterator[Named]:
    query = _units(behind, lack, after)
    sent = db.session.execute(query.execution_options(yield_per=CHUNK) if most is None else query.limit(most))
    for row in sent:
        value = Value(row.figure, row.above, row.under)
        known = row.figure is not None or row.under is not None
        yield Named(
            row.assignment_id, row.unit_id, row.name, row.upper or "", row.line, row.lft, row.period, row.state,
            Standing(row.standing), KINDS[behind.metric.kind].figure(value) if known else None, _goal(behind, row.goal),
        )  # fmt: skip


def _units(behind: Behind, lack: Lack, after: Sequence[int]) -> Select[Any]:
    """Counted as they stand now, so that an approval is seen at once."""
    metric, upper = behind.metric, aliased(Area)
    chosen = and_(
        # The units lead, in their order: the task and the line may have every unit of the country.
        Following(Assignment.task_id) == metric.task_id, standing_in(Unit.lft, behind.inside),
        true() if behind.lines is None else Following(Unit.line).in_(behind.lines),
        true() if behind.period is None else Assignment.period == behind.period,
        _beyond(after),
    )  # fmt: skip
    units = (
        reported(chosen, Metric.id == metric.id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Area, Area.id == Unit.area_id)
        .outerjoin(upper, upper.id == Area.parent_id)
        .add_columns(
            Unit.name, Unit.line, Unit.lft, upper.name.label("upper"), Assignment.state,
            type_coerce(left_to_itself(), Exact()).label("goal"), MetricValue.number.label("figure"),
            MetricValue.numerator.label("above"), MetricValue.denominator.label("under"),
        )
        .subquery()
    )  # fmt: skip
    return select(units).where(units.c.n > 0, _lacks(units, lack, behind)).order_by(
        units.c.lft, units.c.unit_id, units.c.period
    )  # fmt: skip


def _lacks(units: Any, lack: Lack, behind: Behind) -> ColumnElement[bool]:
    approved: ColumnElement[bool] = units.c.standing == int(Standing.APPROVED)
    met = units.c.met > 0
    if lack is Lack.NOTHING or (lack is Lack.ANY and not behind.measured):
        return not_(approved)
    if lack is Lack.ANY:
        return or_(~approved, ~met)
    if lack is Lack.BELOW:
        return and_(approved, ~met) if behind.measured else false()
    stands: ColumnElement[bool] = units.c.standing == int(STANDING_OF[lack])
    return stands


def _beyond(after: Sequence[int]) -> ColumnElement[bool]:
    if len(after) != 3:
        return true()
    lft, unit, turn = after
    same = and_(Unit.lft == lft, or_(Unit.id > unit, and_(Unit.id == unit, Assignment.period > turn)))
    return or_(Unit.lft > lft, same)


def _goal(behind: Behind, goal: Decimal | None) -> Decimal | None:
    """What a unit must reach by the milestone in force whose own target that is."""
    metric, step = behind.metric, behind.rolled.metric.milestone
    if step is None:
        return goal
    summed = metric.aggregation is Aggregation.SUM
    if summed and metric.quota is Quota.PER_UNIT:
        return step.target
    return step_for(goal, metric.target, step.target, shared=summed and metric.quota is Quota.TOTAL)
