"""What a rolled-up figure is, and the facts of its metric: kind, target, the milestone in force."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

from ..db import DECIMAL_PLACES
from ..rules.figures import Standing
from ..rules.metrics import KINDS, Aggregation, Comparator, MetricKind, OverTime, Value, meets
from ..rules.milestones import Step, comparator_on_the_way, step_for
from ..rules.targets import Quota

NONE = Decimal(0)
GOALS, GOAL = 10, 11  # places in a row: of how many of the area's own units a target is, and it; None for no target
STANDINGS = {int(standing): standing for standing in Standing}


@lru_cache(4_096)
def exact(stored: int) -> Decimal:
    """The decimal that was stored as ten-thousandths. Most are zero or targets, and making one takes its time."""
    return Decimal(stored).scaleb(-DECIMAL_PLACES) if stored else NONE


# What a page makes hundreds of is not frozen: that would take longer than reading it. Nobody changes it all the same.
@dataclass(slots=True)
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


class Standings(Mapping[Standing, "Sums"]):
    """The sums of one metric in one area by how they stand, made of rows (three keys, the standing, the sums) when they
    are first looked at. Several rows of one standing add up."""

    __slots__ = ("_made", "_rows")

    def __init__(self, rows: Sequence[Sequence[Any]]) -> None:
        self._rows = rows
        self._made: dict[Standing, Sums] | None = None

    def _sums(self) -> dict[Standing, Sums]:
        if self._made is None:
            self._made = {}
            for row in self._rows:
                standing = STANDINGS[row[3]]
                sums = Sums(int(row[4]), int(row[5]), exact(row[6]), exact(row[7]), exact(row[8]), exact(row[9]))
                self._made[standing] = self._made[standing] + sums if standing in self._made else sums
        return self._made

    def __getitem__(self, standing: Standing) -> Sums:
        return self._sums()[standing]

    def __iter__(self) -> Iterator[Standing]:
        return iter(self._sums())

    def __len__(self) -> int:
        return len(self._sums())


@dataclass(slots=True)
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
    def every_turn(self) -> bool:
        """Whether all turns of a recurring task count together."""
        return self.over_time is OverTime.SUM

    @property
    def adds_up(self) -> bool:
        """Whether units have a value together, beside how many of them met."""
        return self.aggregation in (Aggregation.SUM, Aggregation.RATIO)


@dataclass(slots=True)
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
        """How many units reach what the milestone in force asks of themselves, by approved figures; without a
        milestone, what they must reach in the end."""
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
        target = self.target
        if target is None and total and self.metric.quota is Quota.TOTAL:
            target = self.metric.target
        return self.step_of(target, whole=total)

    def step_of(self, target: Decimal | None, *, whole: bool = False) -> Decimal | None:
        """What the milestone in force asks of the area where it must reach that in the end; without one, the target.
        `whole`: the target is that of the plan itself, so that the milestone is meant for it as it is."""
        metric = self.metric
        if metric.milestone is None:
            return target
        summed = metric.aggregation is Aggregation.SUM
        if summed and metric.quota is Quota.PER_UNIT:
            return metric.milestone.target * self.asked
        shared = summed and not (whole and target == metric.target)
        return step_for(target, metric.target, metric.milestone.target, shared=shared)

    @property
    def comparator_now(self) -> Comparator:
        """How the figure is compared with what the milestone in force asks."""
        metric = self.metric
        if metric.milestone is None:
            return metric.comparator
        return comparator_on_the_way(metric.comparator, metric.milestone.target, metric.target)

    def meets(self, total: bool = False) -> bool | None:
        """Whether the approved figure reaches the milestone in force; None where there is nothing to compare."""
        if not self.metric.adds_up:
            return self.units_met == self.asked if self.asked else None
        return meets(self.figure(), self.comparator_now, self.target_now(total))


def own_target_of(metric: Facts, rows: Sequence[Sequence[Any]]) -> Decimal | None:
    """What the units of the area itself must reach, of rows with what so many of them must reach together.
    Several lines: of a sum what they must reach together, else what each of them must. None without any."""
    if len(rows) == 1 and rows[0][GOALS] == 1:  # most are so
        return None if rows[0][GOAL] is None else exact(rows[0][GOAL])
    turns: dict[int, tuple[int, int]] = {}
    for row in rows:
        if row[GOAL] is not None:
            units, target = turns.get(row[2], (0, 0))
            turns[row[2]] = units + int(row[GOALS]), target + int(row[GOAL])
    if not turns:
        return None
    if metric.aggregation is Aggregation.SUM:
        found = [exact(target) for _units, target in turns.values()]
    else:
        found = [exact(target) / units for units, target in turns.values()]
    return sum(found, NONE) if metric.every_turn else found[-1]
