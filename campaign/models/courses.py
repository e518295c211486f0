"""How far assignments have come towards their targets, and from when they lag behind: for the verbs that report and
for the check, so that both ask the same."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, select, union_all

from ..clock import zone
from ..db import db, listed
from ..rules.curves import behind_at, share
from ..rules.dates import CountsFrom, DueKind, local_day
from ..rules.metrics import MetricKind, Value
from ..rules.states import State
from .assignments import Assignment, Batch, Suspension
from .campaigns import Metric, Task
from .log import Event
from .outlook import growing
from .prospects import began, signing
from .reporting import CheckIn, MetricValue, Submission

Which = Callable[[Any], ColumnElement[bool]]  # chooses assignments by a column that holds their id


@dataclass(frozen=True)
class Course:
    """What the curve of an assignment follows from. `start`: from when its time counts; days that were given back for
    a question do not. `moved`: its dates were moved after the dispatch, or days were given back."""

    id: int
    state: State
    due_at: datetime | None
    behind_at: datetime | None
    start: datetime
    moved: bool

    def expected(self, reached: Decimal) -> datetime | None:
        """From when it lags behind when that share of its targets (0 to 1) is reported."""
        return behind_at(self.start, self.due_at, reached, zone())

    def holds(self, reached: Decimal | None) -> bool:
        """Whether its moment is that of the share that it reported last; None: no figure grows, and it has none."""
        if self.moved and self.behind_at is not None and self.due_at is not None:
            return self.start < self.behind_at < self.due_at
        return self.moved or self.behind_at == (None if reached is None else self.expected(reached))


def courses() -> Select[Any]:
    """The rows that `course_of` reads, to be narrowed."""
    from_signing = and_(Task.counts_from == CountsFrom.SIGN_FOR, Task.due_kind == DueKind.RELATIVE)
    given_back = (
        select(func.sum(Suspension.days)).where(Suspension.assignment_id == Assignment.id).correlate(Assignment)
    )
    return (
        select(
            Assignment.id, Assignment.state, Assignment.due_at, Assignment.behind_at, Assignment.first_due_at,
            Batch.dispatched_at, Event.at.label("signed_at"), given_back.scalar_subquery().label("given_back"),
        )
        .join(Batch, Batch.id == Assignment.batch_id)
        .join(Task, Task.id == Assignment.task_id)
        .outerjoin(Event, and_(signing(Assignment.id), from_signing))
    )  # fmt: skip


def course_of(row: Any) -> Course:
    """The course of a row of `courses`."""
    signed_on = None if row.signed_at is None else local_day(row.signed_at, zone())
    given_back = int(row.given_back or 0)
    start = began(row.dispatched_at, signed_on) + timedelta(days=given_back)
    moved = row.first_due_at is not None or given_back > 0
    return Course(row.id, State(row.state), row.due_at, row.behind_at, start, moved)


def shares(which: Which, reported: Mapping[int, Value] | None = None) -> dict[int, Decimal]:
    """How much of their targets the chosen assignments have reported last, 0 to 1; those without a growing figure are
    left out. `reported`: values by metric that are being reported now. One statement."""
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
    rows = db.session.execute(
        select(
            Assignment.id, Metric.id.label("metric_id"), Metric.kind, Metric.target,
            told.c.number, told.c.numerator, told.c.denominator,
        )
        .join(Metric, and_(Metric.task_id == Assignment.task_id, growing()))
        .outerjoin(told, and_(told.c.assignment_id == Assignment.id, told.c.metric_id == Metric.id))
        .where(which(Assignment.id))
        .order_by(Assignment.id, told.c.at, told.c.id)
    )  # fmt: skip
    last: dict[int, dict[int, tuple[MetricKind, Decimal, Value | None]]] = defaultdict(dict)
    for row in rows:
        value = Value(row.number, row.numerator, row.denominator)
        last[row.id][row.metric_id] = row.kind, row.target, (reported or {}).get(row.metric_id, value)
    return {id: share(figures.values()) for id, figures in last.items()}


def only(assignment_id: int) -> Which:
    """Chooses that one."""
    return lambda column: column == literal(assignment_id)


def one_of(ids: Collection[int]) -> Which:
    """Chooses those."""
    return lambda column: column.in_(listed(ids))
