"""The facts of metrics as rows among those of their figures, so that one statement brings both.

A row of figures is (metric_id, area_id, period, standing, the six sums, goals, goal, day). One of facts has TOLD for
its standing, and each of its places means something else; a metric with milestones has a row for each of them.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    String,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal_column,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY

from ..db import db
from ..models import Area, Batch, FigureTouch, Joint, Metric, Milestone, Placement, TallyDelta
from ..rules.metrics import Aggregation, Comparator, MetricKind, OverTime
from ..rules.milestones import Step, milestone_in_force
from ..rules.organisation import LEAF_LEVELS
from ..rules.targets import Quota
from .rollup_facts import Facts, exact

TOLD = 0  # in place of a standing
PENDING, JOINT, MOVED, LEAVES, ABOVE = 1, 2, 4, 8, 16
ZERO = literal_column("0", BigInteger)


@dataclass(frozen=True)
class Ahead:
    """What lies ahead of who asks: anything not yet folded; whether units report joint activities at all, or any area
    stood elsewhere once; areas that are leaves, and others above them."""

    pending: bool = False
    joint: bool = False
    moved: bool = False
    leaves: bool = False
    above: bool = False

    @property
    def plain(self) -> bool:
        """Whether what was folded is all there is to read."""
        return not self.pending and not (self.leaves and (self.joint or self.moved))


def given(name: str) -> Select[tuple[int]]:
    """The ids of a parameter of that name as a subquery, for a statement that is written once for each database: it
    stays the same text however many there are, and need not be put together again. See `listing`.

    PostgreSQL is not shown how many they are: it would plan anew each time, which takes longer than the statement."""
    if db.session.get_bind().dialect.name == "postgresql":
        return select(func.unnest(select(bindparam(name, type_=ARRAY(BigInteger))).scalar_subquery()))
    each = func.json_each(bindparam(name)).table_valued("value")
    return select(type_coerce(each.c.value, BigInteger))


def listing(ids: Iterable[int]) -> Any:
    """The value of such a parameter."""
    numbers = [int(id) for id in ids]
    return numbers if db.session.get_bind().dialect.name == "postgresql" else json.dumps(numbers)


def areas_asked() -> CTE:
    """The areas asked for as rows (id, leaf), looked up once."""
    leaf = case((Area.level.in_(LEAF_LEVELS), 1), else_=0).label("leaf")
    asked = select(Area.id, leaf).where(Area.id.in_(given("areas"))).cte("asked")
    return asked.prefix_with("MATERIALIZED")


def is_leaf(asked: CTE) -> ColumnElement[int]:
    """1 or 0. The sum keeps SQLite from making an index over the few rows, each time they are read."""
    return asked.c.leaf + ZERO


def telling(asked: CTE) -> Select[Any]:
    """The facts as rows; the last number but one is what lies ahead, as a sum of flags."""
    last = select(func.max(Batch.period)).where(Batch.task_id == Metric.task_id).correlate(Metric).scalar_subquery()
    pending = or_(
        exists().where(TallyDelta.task_id == Metric.task_id),
        exists().where(Batch.task_id == Metric.task_id, Batch.folded.is_(False)),
        exists().where(FigureTouch.id > 0),  # of whatever task: they are few, and soon gone
    )
    leaves, above = (exists().where(is_leaf(asked) == leaf) for leaf in (1, 0))
    flags = {PENDING: pending, JOINT: exists().where(Joint.metric_id > 0), MOVED: exists().where(Placement.area_id > 0),
             LEAVES: leaves, ABOVE: above}  # fmt: skip
    numbers = (
        Metric.kind, Metric.aggregation, Metric.target, Metric.over_time, Metric.comparator, Metric.quota,
        Milestone.target,
    )  # fmt: skip
    return (
        select(
            Metric.id.label("metric_id"), Metric.task_id.label("area_id"), func.coalesce(last, 0).label("period"),
            literal_column(str(TOLD), BigInteger).label("standing"),
            *(type_coerce(number, BigInteger) for number in numbers),
            _sum(flags).label("goal"), cast(Milestone.due_on, String).label("day"),
        )
        .outerjoin(Milestone, Milestone.metric_id == Metric.id)
        .where(Metric.id.in_(given("metrics")))
    )  # fmt: skip


def _sum(flags: dict[int, ColumnElement[bool]]) -> ColumnElement[int]:
    total: ColumnElement[int] = ZERO
    for number, flag in flags.items():
        total = total + case((flag, literal_column(str(number), BigInteger)), else_=ZERO)
    return total


@cache
def facts_alone(_dialect: str) -> Select[Any]:
    """The facts without any figure."""
    return telling(areas_asked())


def heard(rows: Sequence[Sequence[Any]], on: date) -> tuple[dict[int, Facts], Ahead]:
    """The facts by the ids of the metrics, and what lies ahead. `on`: the day whose milestone is in force."""
    facts: dict[int, Facts] = {}
    steps: dict[int, list[Step]] = {}
    flags = 0
    for (
        id,
        task_id,
        period,
        _told,
        kind,
        aggregation,
        target,
        over_time,
        comparator,
        quota,
        by_then,
        ahead,
        day,
    ) in rows:
        flags |= ahead
        if id not in facts:
            facts[id] = Facts(
                id, task_id, MetricKind(kind), Aggregation(aggregation), OverTime(over_time), Comparator(comparator),
                None if target is None else exact(target), Quota(quota), period,
            )  # fmt: skip
        if day is not None:
            steps.setdefault(id, []).append(Step(date.fromisoformat(day), exact(by_then)))
    for id, those in steps.items():
        those.sort(key=lambda step: step.due_on)
        facts[id].milestones, facts[id].milestone = tuple(those), milestone_in_force(those, on)
    return facts, Ahead(*(bool(flags & flag) for flag in (PENDING, JOINT, MOVED, LEAVES, ABOVE)))
