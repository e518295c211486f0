"""What the clock needs to know of assignments, as one SELECT that the sweep, the verbs and the timelines share."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, String, bindparam, cast, func, select, type_coerce

from ..clock import zone
from ..db import db, from_micros, listed, run
from ..rules import calendars as law
from ..rules.ladder import Anchors, Ladder, Step, plan
from ..rules.plans import Grade
from ..rules.states import State
from .assignments import Assignment, Batch
from .campaigns import Task
from .clockwork import Calendar, CalendarDay, LadderVersion
from .ladders import DAYS, EVERYBODYS, calendar_from, calendars, ladder_from, ladders

_A: Any = Assignment.__table__.c
_B: Any = Batch.__table__.c
_T: Any = Task.__table__.c
MOMENTS = (
    "respond_by", "due_at", "cut_off_at", "review_due_at", "behind_at", "since", "not_before", "suspended_at",
)  # fmt: skip
# What decides; assignments that have all of it in common are decided together.
DECISIVE = ("state", *MOMENTS, "grade", "ladder_id", "calendar_id")


def _raw(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """An instant as its microseconds: a thousand rows of nine instants are never looked at one by one."""
    return type_coerce(column, BigInteger).label(column.name)


TIMINGS: Select[Any] = (
    select(
        _A.id,
        _A.unit_id,
        _A.reviewer_unit_id,
        _A.in_charge_id,
        type_coerce(_A.state, BigInteger).label("state"),
        *(_raw(_A[name]) for name in MOMENTS),
        type_coerce(_T.grade, BigInteger).label("grade"),
        _B.dispatched_at,
        func.coalesce(_B.ladder_id, 1).label("ladder_id"),
        func.coalesce(_B.calendar_id, EVERYBODYS).label("calendar_id"),
    )
    .select_from(Assignment.__table__)
    .join(Task.__table__, _T.id == _A.task_id)
    .join(Batch.__table__, _B.id == _A.batch_id)
)  # fmt: skip

_TIMING = TIMINGS.where(_A.id == bindparam("assignment"))


@dataclass(frozen=True)
class Timing:
    """What the clock goes by for one assignment, or for many that have it in common."""

    state: State
    steps: tuple[Step, ...]
    behind_at: datetime | None
    not_before: datetime | None
    suspended_at: datetime | None


def anchors_of(row: Any) -> Anchors:
    """The dates of a row of TIMINGS. The return counts only while the work is returned."""
    returned = row.since if row.state == State.RETURNED else None
    raw = (row.respond_by, row.due_at, row.cut_off_at, row.review_due_at, returned, row.behind_at)
    return Anchors(*(None if moment is None else from_micros(moment) for moment in raw))


def timing_from(row: Any, ladder: Ladder, calendar: law.Calendar) -> Timing:
    """The timing of a row of TIMINGS, with the ladder and the calendar that it names."""
    anchors = anchors_of(row)
    return Timing(
        State(row.state),
        plan(ladder, Grade(row.grade), anchors, calendar, zone()),
        anchors.behind_at,
        None if row.not_before is None else from_micros(row.not_before),
        None if row.suspended_at is None else from_micros(row.suspended_at),
    )


def timing_in_full(assignment_id: int) -> Select[Any]:
    """The row of TIMINGS of one assignment with its ladder and its calendar: what `ladder_in` and `timing_in` read."""
    ladder, calendar, day = (noun.__table__.c for noun in (LadderVersion, Calendar, CalendarDay))
    days = select(DAYS).where(day.calendar_id == calendar.id).correlate(Calendar.__table__).scalar_subquery()
    return (
        TIMINGS.add_columns(
            ladder.rungs, ladder.stop_level, ladder.name.label("ladder_name"), ladder.version.label("ladder_version"),
            calendar.version.label("calendar_version"), calendar.known_until, days.label("days"),
        )
        .join(LadderVersion.__table__, ladder.id == func.coalesce(_B.ladder_id, 1))
        .join(Calendar.__table__, calendar.id == func.coalesce(_B.calendar_id, EVERYBODYS))
        .where(_A.id == assignment_id)
    )  # fmt: skip


def ladder_in(row: Any) -> Ladder:
    """The ladder of a row of `timing_in_full`."""
    return ladder_from(row.ladder_id, row.rungs, row.stop_level)


def timing_in(row: Any) -> Timing:
    """The timing of a row of `timing_in_full`."""
    calendar = calendar_from(row.calendar_id, row.calendar_version, row.known_until, row.days or "")
    return timing_from(row, ladder_in(row), calendar)


class Timings:
    """Reads rows of TIMINGS into timings, with the ladders and calendars that they name, in two statements."""

    def __init__(self, rows: Iterable[Any]) -> None:
        self.rows = list(rows)
        self._ladders = ladders({row.ladder_id for row in self.rows})
        self._calendars = calendars({row.calendar_id for row in self.rows})

    def of(self, row: Any) -> Timing:
        """The timing of one of the rows."""
        return timing_from(row, self._ladders[row.ladder_id], self._calendars[row.calendar_id])


def timing_of(assignment_id: int) -> Timing | None:
    """The timing of one assignment, in three statements; None where there is none."""
    db.session.flush()  # what is pending would be missed; almost always nothing is
    found = Timings(run(_TIMING, {"assignment": assignment_id}))
    return found.of(found.rows[0]) if found.rows else None


def timings_of(ids: Iterable[int]) -> Timings:
    """The timings of many, in three statements."""
    return Timings(db.session.execute(TIMINGS.where(_A.id.in_(listed(ids)))).all())


def timings_alike(ids: Iterable[int]) -> Timings:
    """The timings of many, a row for all that are decided together: `ids` are theirs, joined by commas. Three
    statements, and few rows where most have the same dates."""
    each = TIMINGS.where(_A.id.in_(listed(ids))).subquery().c
    alike = [each[name] for name in DECISIVE]
    theirs = func.aggregate_strings(cast(each.id, String), ",").label("ids")
    return Timings(db.session.execute(select(*alike, theirs).group_by(*alike)).all())
