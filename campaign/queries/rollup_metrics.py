"""The facts of metrics as rows among those of their figures, so that one statement brings both.

A row of figures is (metric_id, area_id, period, standing, the six sums, goals, goal). One of facts has in place of a
standing minus what lies ahead, and each of its other places means something else; a metric with milestones has a row
for each of them. The columns have the same types in both, else PostgreSQL would go through every row once more.
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
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    SmallInteger,
    String,
    any_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal_column,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.visitors import replacement_traverse
from sqlalchemy.types import NullType

from ..db import db
from ..models import Area, Batch, FigureTouch, Joint, Metric, Milestone, Placement, TallyDelta
from ..rules.metrics import Aggregation, Comparator, MetricKind, OverTime
from ..rules.milestones import Step, milestone_in_force
from ..rules.organisation import LEAF_LEVELS
from ..rules.targets import Quota
from .rollup_facts import Facts, exact

PENDING, JOINT, MOVED, LEAVES, ABOVE = 1, 2, 4, 8, 16
ZERO = literal_column("0", Integer)
_LEAF = Area.level.in_(LEAF_LEVELS)


@dataclass(frozen=True)
class Ahead:
    """What lies ahead of who asks: anything not yet folded; whether units report joint activities at all, or any area
    stood elsewhere once; and, where any of that is so, areas that are leaves, and others above them."""

    pending: bool = False
    joint: bool = False
    moved: bool = False
    leaves: bool = False
    above: bool = False

    @property
    def plain(self) -> bool:
        """Whether what was folded is all there is to read."""
        return not self.pending and not (self.leaves and (self.joint or self.moved))


def among(column: Any, name: str) -> ColumnElement[bool]:
    """A clause: the column is one of the ids of the parameter of that name, see `listing`; for a statement that is
    written once for each database, and stays the same text however many there are.

    PostgreSQL is not shown how many they are: it would plan anew each time, which takes longer than the statement."""
    plain = type_coerce(column, BigInteger)
    if db.session.get_bind().dialect.name == "postgresql":
        numbers = ARRAY(BigInteger)
        return plain == any_(cast(select(bindparam(name, type_=numbers)).scalar_subquery(), numbers))
    each = func.json_each(bindparam(name)).table_valued("value")
    return plain.in_(select(type_coerce(each.c.value, BigInteger)))


def listing(ids: Iterable[int]) -> Any:
    """The value of such a parameter."""
    numbers = [int(id) for id in ids]
    return numbers if db.session.get_bind().dialect.name == "postgresql" else json.dumps(numbers)


def areas_asked() -> CTE:
    """The areas asked for as rows (id, leaf), looked up once."""
    return (
        select(Area.id, case((_LEAF, 1), else_=0).label("leaf"))
        .where(among(Area.id, "areas"))
        .cte("asked")
        .prefix_with("MATERIALIZED")
    )


def is_leaf(asked: CTE) -> ColumnElement[int]:
    """1 or 0. The sum keeps SQLite from making an index over the few rows, each time they are read."""
    return asked.c.leaf + ZERO


def spelt_out(statement: Any) -> Any:
    """The same statement with every value that it brings along written into its text, so that only what is asked is
    sent each time. PostgreSQL's driver reads a text of many parameters, or of more than 4,096 characters, anew each
    time, which takes as long as a look-up."""

    def written(part: Any, **_how: Any) -> Any:
        constant = isinstance(part, BindParameter) and part.value is not None and not isinstance(part.type, NullType)
        return part.render_literal_execute() if constant else None

    return replacement_traverse(statement, {}, written)  # type: ignore[call-overload]


def telling() -> Select[Any]:
    """The facts as rows."""
    last = select(func.max(Batch.period)).where(Batch.task_id == Metric.task_id).correlate(Metric).scalar_subquery()
    ahead = _ahead()
    levels = select(func.sum(case((_LEAF, LEAVES), else_=ABOVE).distinct())).where(among(Area.id, "areas"))
    # The areas are not looked at where nothing lies ahead.
    flags = ahead.c.flags + case((ahead.c.flags > 0, func.coalesce(levels.scalar_subquery(), ZERO)), else_=ZERO)
    counts = Metric.kind, Metric.aggregation
    numbers = Metric.target, Metric.over_time, Metric.comparator, Metric.quota, Milestone.target
    day = func.replace(cast(Milestone.due_on, String), "-", "")
    return (
        select(
            Metric.id.label("metric_id"), Metric.task_id.label("area_id"),
            cast(func.coalesce(last, ZERO), SmallInteger).label("period"), cast(-flags, SmallInteger).label("standing"),
            *(cast(type_coerce(count, Integer), Integer) for count in counts),
            *(cast(type_coerce(number, BigInteger), BigInteger) for number in numbers),
            cast(day, BigInteger),
        )
        .select_from(Metric)
        .join(ahead, true())
        .outerjoin(Milestone, Milestone.metric_id == Metric.id)
        .where(among(Metric.id, "metrics"))
    )  # fmt: skip


def _ahead() -> CTE:
    """What lies ahead of these metrics as a sum of flags, looked up once."""
    tasks = select(Metric.task_id).where(among(Metric.id, "metrics"))
    pending = or_(
        exists().where(TallyDelta.task_id.in_(tasks)),
        exists().where(Batch.folded.is_(False), Batch.task_id.in_(tasks)),
        exists().where(FigureTouch.id > 0),  # of whatever task: they are few, and soon gone
    )
    joint, moved = exists().where(Joint.metric_id > 0), exists().where(Placement.area_id > 0)
    flags = _sum({PENDING: pending, JOINT: joint, MOVED: moved})
    return select(flags.label("flags")).cte("ahead").prefix_with("MATERIALIZED")


def _sum(flags: dict[int, ColumnElement[bool]]) -> ColumnElement[int]:
    total: ColumnElement[int] = ZERO
    for number, flag in flags.items():
        total = total + case((flag, literal_column(str(number), Integer)), else_=ZERO)
    return total


@cache
def facts_alone(_dialect: str) -> Select[Any]:
    """The facts without any figure."""
    return spelt_out(telling())  # type: ignore[no-any-return]


def heard(rows: Sequence[Sequence[Any]], on: date) -> tuple[dict[int, Facts], Ahead]:
    """The facts by the ids of the metrics, and what lies ahead. `on`: the day whose milestone is in force."""
    facts: dict[int, Facts] = {}
    steps: dict[int, list[Step]] = {}
    flags = 0
    for id, task_id, period, told, kind, aggregation, target, over_time, comparator, quota, by_then, day in rows:
        flags |= -told
        if id not in facts:
            facts[id] = Facts(
                id, task_id, MetricKind(kind), Aggregation(aggregation), OverTime(over_time), Comparator(comparator),
                None if target is None else exact(target), Quota(quota), period,
            )  # fmt: skip
        if day is not None:
            steps.setdefault(id, []).append(Step(date.fromisoformat(str(day)), exact(by_then)))
    for id, those in steps.items():
        those.sort(key=lambda step: step.due_on)
        facts[id].milestones, facts[id].milestone = tuple(those), milestone_in_force(those, on)
    return facts, Ahead(*(bool(flags & flag) for flag in (PENDING, JOINT, MOVED, LEAVES, ABOVE)))
