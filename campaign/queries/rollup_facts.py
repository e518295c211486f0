"""What a rolled-up figure is, and the facts of its metric: kind, target, the milestone in force."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Select, bindparam, exists, func, or_, select, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY

from ..db import DECIMAL_PLACES, db, run
from ..models import Area, Batch, FigureTouch, Metric, Milestone, TallyDelta
from ..rules.figures import Standing
from ..rules.metrics import KINDS, Aggregation, Comparator, MetricKind, OverTime, Value, meets
from ..rules.milestones import Step, milestone_in_force
from ..rules.organisation import LEAF_LEVELS
from ..rules.targets import Quota

NONE = Decimal(0)


def exact(stored: int) -> Decimal:
    """The decimal that was stored as ten-thousandths. Most are zero, and making a decimal takes its time."""
    return Decimal(stored).scaleb(-DECIMAL_PLACES) if stored else NONE


@dataclass(frozen=True)
class Sums:
    """What adds up: `n` assignments, `met` of them reach their own target; numbers, both parts of rates, and what
    units of other lines credit."""

    n: int = 0
    met: int = 0
    number: Decimal = NONE
    numerator: Decimal = NONE
    denominator: Decimal = NONE
    credited: Decimal = NONE

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.n + other.n, self.met + other.met, self.number + other.number, self.numerator + other.numerator,
            self.denominator + other.denominator, self.credited + other.credited,
        )  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """A metric as roll-ups need it. `milestones`: all, in order; `milestone`: the one in force. `last_period`: the
    latest turn of its task that was dispatched, 0 where it does not recur."""

    id: int
    task_id: int
    kind: MetricKind
    aggregation: Aggregation
    over_time: OverTime
    comparator: Comparator
    target: Decimal | None
    quota: Quota
    last_period: int
    milestones: tuple[Step, ...] = ()
    milestone: Step | None = None

    @property
    def adds_up(self) -> bool:
        """Whether units have a value together, beside how many of them met."""
        return self.aggregation in (Aggregation.SUM, Aggregation.RATIO)


@dataclass(frozen=True)
class RolledUp:
    """One metric in one area with all below it. `own_target`: what the unit of the area itself was given.

    `alone`: one line was asked for, so that what others credit to it counts; over lines it is in the others' numbers.
    """

    metric: Facts
    area_id: int
    standings: Mapping[Standing, Sums] = field(default_factory=dict)
    own_target: Decimal | None = None
    alone: bool = False

    def sums(self, standing: Standing) -> Sums:
        """The sums of those that stand so; zeros where none do."""
        return self.standings.get(standing, Sums())

    @property
    def asked(self) -> int:
        """Of how many units it is asked; cancelled and not applicable ones are not among them."""
        return sum(sums.n for sums in self.standings.values())

    @property
    def approved(self) -> int:
        """How many are approved."""
        return self.sums(Standing.APPROVED).n

    @property
    def pending(self) -> int:
        """How many wait for a decision."""
        return self.sums(Standing.PENDING).n

    @property
    def returned(self) -> int:
        """How many were sent back."""
        return self.sums(Standing.RETURNED).n

    @property
    def missing(self) -> int:
        """How many have reported nothing that stands."""
        return self.sums(Standing.MISSING).n

    @property
    def coverage(self) -> float:
        """The part of the units asked whose figure is approved, 0 to 1."""
        return self.approved / self.asked if self.asked else 0.0

    @property
    def units_met(self) -> int:
        """How many units reach what they themselves must reach, by approved figures."""
        return self.sums(Standing.APPROVED).met

    def value(self, standing: Standing = Standing.APPROVED) -> Value | None:
        """The figure of all units that stand so; rates as sum over sum. None where units have none together."""
        sums = self.sums(standing)
        if self.metric.aggregation is Aggregation.SUM:
            return Value(number=sums.number + (sums.credited if self.alone else NONE))
        if self.metric.aggregation is Aggregation.RATIO:
            return Value(numerator=sums.numerator, denominator=sums.denominator)
        return None

    def figure(self, standing: Standing = Standing.APPROVED) -> Decimal | None:
        """The number that is compared: a sum, a percentage; of yes or no, how many per cent of the units asked meet."""
        value = self.value(standing)
        if value is not None:
            return KINDS[self.metric.kind].figure(value)
        return Decimal(self.sums(standing).met * 100) / self.asked if self.asked else None

    @property
    def target(self) -> Decimal | None:
        """What the area must reach in the end: what its own unit was given; for rates what the metric says; for a sum
        with a quota per unit that of all units asked. None where nothing was set for this area."""
        metric = self.metric
        if metric.aggregation is Aggregation.SUM and metric.quota is Quota.PER_UNIT and metric.target is not None:
            return metric.target * self.asked
        if self.own_target is not None:
            return self.own_target
        return None if metric.aggregation is Aggregation.SUM else metric.target

    def target_now(self, total: bool = False) -> Decimal | None:
        """What must be reached by the milestone in force. `total`: the area is the issuer's, so that the target of a
        sum is meant for it. Of a sum the milestone goes down in proportion."""
        metric, target = self.metric, self.target
        if target is None and total and metric.quota is Quota.TOTAL:
            target = metric.target
        if metric.milestone is None:
            return target
        by_then = metric.milestone.target
        if metric.aggregation is not Aggregation.SUM:
            return by_then
        if target is None or not metric.target:
            return None
        return target * by_then / metric.target

    def meets(self, total: bool = False) -> bool | None:
        """Whether the approved figure reaches the milestone in force; None where there is nothing to compare."""
        if not self.metric.adds_up:
            return self.units_met == self.asked if self.asked else None
        return meets(self.figure(), self.metric.comparator, self.target_now(total))


@dataclass(frozen=True)
class Ahead:
    """What the statement of the figures must look at: anything not yet folded, leaf areas."""

    pending: bool = False
    leaves: bool = False


def facts_of(metric_ids: Sequence[int], area_ids: Sequence[int], on: date) -> tuple[dict[int, Facts], Ahead]:
    """The facts of these metrics by id, and what lies ahead of who asks for their figures there; in one statement."""
    found: dict[int, Any] = {}
    steps: dict[int, list[Step]] = {}
    values = {"metrics": listing(metric_ids), "areas": listing(area_ids)}
    ahead = Ahead()
    for row in run(_facts(db.session.get_bind().dialect.name), values):
        found[row.id] = row
        ahead = Ahead(ahead.pending or bool(row.pending), bool(row.leaves))
        if row.due_on is not None:
            steps.setdefault(row.id, []).append(Step(row.due_on, row.by_then))
    facts = {
        id: Facts(
            id, row.task_id, row.kind, row.aggregation, row.over_time, row.comparator, row.target, row.quota,
            int(row.last_period or 0), tuple(steps.get(id, ())), milestone_in_force(steps.get(id, ()), on),
        )
        for id, row in found.items()
    }  # fmt: skip
    return facts, ahead


def given(name: str) -> Select[tuple[int]]:
    """The ids of a parameter of that name as a subquery, for a statement that is written once for each database: it
    stays the same text however many there are, and need not be put together again. See `listing`."""
    if db.session.get_bind().dialect.name == "postgresql":
        return select(func.unnest(bindparam(name, type_=ARRAY(BigInteger))))
    each = func.json_each(bindparam(name)).table_valued("value")
    return select(type_coerce(each.c.value, BigInteger))


def listing(ids: Iterable[int]) -> Any:
    """The value of such a parameter."""
    numbers = [int(id) for id in ids]
    return numbers if db.session.get_bind().dialect.name == "postgresql" else json.dumps(numbers)


@cache
def _facts(_dialect: str) -> Select[Any]:
    last = select(func.max(Batch.period)).where(Batch.task_id == Metric.task_id).correlate(Metric).scalar_subquery()
    pending = or_(
        exists().where(TallyDelta.task_id == Metric.task_id),
        exists().where(Batch.task_id == Metric.task_id, Batch.folded.is_(False)),
        exists().where(FigureTouch.id > 0),  # of whatever task: they are few, and soon gone
    )
    leaves = exists().where(Area.id.in_(given("areas")), Area.level.in_(LEAF_LEVELS))
    return (
        select(
            Metric.id, Metric.task_id, Metric.kind, Metric.aggregation, Metric.over_time, Metric.comparator,
            Metric.target, Metric.quota, last.label("last_period"), Milestone.due_on,
            Milestone.target.label("by_then"), pending.label("pending"), leaves.label("leaves"),
        )
        .outerjoin(Milestone, Milestone.metric_id == Metric.id)
        .where(Metric.id.in_(given("metrics")))
        .order_by(Metric.position, Metric.id, Milestone.due_on)
    )  # fmt: skip
