"""From when assignments lag behind by their dates and by how far they have come: for the verbs that report or give
targets and for the check, so that all ask the same."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, func, select

from ..clock import zone
from ..rules.curves import Reach, lags_at
from ..rules.dates import CountsFrom, DueKind, end_of_day, local_day
from ..rules.states import State
from .assignments import Assignment, Batch, Suspension
from .campaigns import Task
from .log import Event

SIGNED = "assignment:sign-for:acknowledge"


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

    def expected(self, figures: Iterable[Reach]) -> datetime | None:
        """From when it lags behind when its figures have come so far."""
        return lags_at(self.start, self.due_at, figures, zone())

    def holds(self, figures: Iterable[Reach]) -> bool:
        """Whether its moment is that of what it reported last; without a figure that grows it has none."""
        figures = tuple(figures)
        if self.moved and self.behind_at is not None and self.due_at is not None:
            return bool(figures) and self.start < self.behind_at < self.due_at
        return self.moved or self.behind_at == self.expected(figures)


def signing(assignment_id: Any) -> Any:
    """The event by which that assignment was signed for: there is at most one."""
    return and_(Event.subject == "assignment", Event.subject_id == assignment_id, Event.tag == SIGNED)


def began(dispatched_at: datetime, signed_on: date | None) -> datetime:
    """From when the curve of an assignment counts: the dispatch, or the end of the day on which it was signed for where
    its dates count from there."""
    return dispatched_at if signed_on is None else end_of_day(signed_on, zone())


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
