"""How far assignments have come towards what each of them must reach itself, figure by figure, with the milestones."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    and_,
    bindparam,
    cast,
    func,
    or_,
    select,
    type_coerce,
    union_all,
)

from ..clock import zone
from ..db import Exact, db, listed
from ..rules.curves import GROWING_KINDS, GROWING_TOWARDS, Reach, knots_of, part_of
from ..rules.metrics import Aggregation, MetricKind, Value
from ..rules.milestones import Step
from .assignments import Assignment
from .campaigns import Metric
from .contributions import ADDED_UP, is_split
from .goals import join_target, left_to_itself
from .reporting import CheckIn, MetricValue, Submission
from .targets import Milestone, Target

Which = Callable[[Any], ColumnElement[bool]]  # chooses assignments by a column that holds their id
FINE = 10_000  # in which the database keeps a number


def may_grow() -> ColumnElement[bool]:
    """A clause over Metric: it must be reported and grows towards a target, where an assignment has one."""
    kinds, towards = Metric.kind.in_(GROWING_KINDS), Metric.comparator.in_(GROWING_TOWARDS)
    return and_(kinds, towards, Metric.required, or_(Metric.target > 0, Metric.aggregation == Aggregation.SUM))


def growing() -> ColumnElement[bool]:
    """A clause over Assignment, Metric and `goals.join_target()`: the assignment itself has something to reach of it.

    Of a sum that was split that is what its unit kept. Of what was split all else is asked of the units below, as the
    roll-up has it.
    """
    asked = or_(Metric.aggregation.in_(ADDED_UP), ~is_split())
    return and_(may_grow(), asked, left_to_itself() > 0)


def has_something() -> ColumnElement[bool]:
    """A clause over Assignment: any figure grows towards a target of its own."""
    found = select(Metric.id).outerjoin(Target, join_target())
    return found.where(Metric.task_id == Assignment.task_id, growing()).correlate(Assignment).exists()


def milestones_of() -> ColumnElement[str | None]:
    """Over Metric: its milestones in one text, 'day:target' in ten-thousandths, comma-joined; NULL for none."""
    each = cast(Milestone.due_on, String) + ":" + cast(type_coerce(Milestone.target, BigInteger), String)
    found = select(func.aggregate_strings(each, ",")).where(Milestone.metric_id == Metric.id)
    return found.correlate(Metric).scalar_subquery()


def steps_of(text: str | None) -> tuple[Step, ...]:
    """The milestones of such a text."""
    pairs = (each.split(":") for each in (text or "").split(",") if each)
    return tuple(Step(date.fromisoformat(day), Decimal(number) / FINE) for day, number in pairs)


def _statement(which: Which) -> Select[Any]:
    """A row for each figure that grows and each report of it, in the order in which they were made."""
    parts = MetricValue.id, MetricValue.metric_id, MetricValue.number, MetricValue.numerator, MetricValue.denominator
    submitted = select(Submission.assignment_id, Submission.at.label("at"), *parts).join(
        Submission, Submission.id == MetricValue.submission_id
    )
    checked = select(CheckIn.assignment_id, CheckIn.at.label("at"), *parts).join(
        CheckIn, CheckIn.id == MetricValue.check_in_id
    )
    told = union_all(
        submitted.where(which(Submission.assignment_id)), checked.where(which(CheckIn.assignment_id))
    ).subquery()
    asked = (
        select(
            Assignment.id, Metric.id.label("metric_id"), Metric.kind, Metric.target,
            type_coerce(left_to_itself(), Exact()).label("left"), milestones_of().label("milestones"),
        )
        .join(Metric, Metric.task_id == Assignment.task_id + 0)  # not beginning with the task, which has many
        .outerjoin(Target, join_target())
        .where(which(Assignment.id), growing())
        .subquery()
    )  # fmt: skip
    return (
        select(asked, told.c.number, told.c.numerator, told.c.denominator)
        .outerjoin(told, and_(told.c.assignment_id == asked.c.id, told.c.metric_id == asked.c.metric_id))
        .order_by(asked.c.id, told.c.at, told.c.id)
    )


_ONE = _statement(lambda column: column == bindparam("chosen", type_=BigInteger()))


def reaches(ids: Collection[int]) -> dict[int, tuple[Reach, ...]]:
    """Of each of these assignments how far every growing figure has come by what was reported last; those without a
    growing figure are left out. One statement."""
    return _reaches(db.session.execute(_statement(lambda column: column.in_(listed(ids)))), {})


def reach_of(assignment_id: int, reported: Mapping[int, Value] | None = None) -> tuple[Reach, ...]:
    """The same of one assignment. `reported`: values by metric that are being reported now. One statement."""
    return _reaches(db.session.execute(_ONE, {"chosen": assignment_id}), reported or {}).get(assignment_id, ())


def _reaches(rows: Any, reported: Mapping[int, Value]) -> dict[int, tuple[Reach, ...]]:
    last: dict[int, dict[int, tuple[Any, Value]]] = defaultdict(dict)
    for row in rows:
        value = Value(row.number, row.numerator, row.denominator)
        last[row.id][row.metric_id] = row, reported.get(row.metric_id, value)
    return {id: tuple(_reach(row, value) for row, value in figures.values()) for id, figures in last.items()}


def _reach(row: Any, value: Value) -> Reach:
    knots = knots_of(row.target, steps_of(row.milestones), zone()) if row.milestones else ()
    return Reach(part_of(MetricKind(row.kind), row.left, value), knots)
