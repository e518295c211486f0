"""What the rules of tasks give now for what is dispatched already: an occasion has a new day, a calendar was corrected.

The verb that moves the dates and the page that lists the consequences ask this one place, so that what the page
promises is what happens.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, select

from ..clock import zone
from ..db import db, listed
from ..rules.calendars import Calendar, Roll
from ..rules.curves import Knot, behind_again, lags_at
from ..rules.dates import CountsFrom, DateRule, Dates, DueKind, dates_at, end_of_day, local_day
from ..rules.ladder import Anchors, Ladder, Step, plan
from ..rules.periods import period_dates
from ..rules.plans import Grade
from ..rules.states import OPEN, State
from .assignments import Assignment, Batch
from .campaigns import Occasion, Period, Task
from .courses import began, course_of, courses, signing
from .ladders import EVERYBODYS, calendars, ladders
from .log import Event
from .outlook import curves_of, rule_of
from .reaches import reach_of


@dataclass(frozen=True)
class Supposed:
    """An occasion as if it had that day; None: as if its day were not known."""

    occasion_id: int
    happens_on: date | None


@dataclass(frozen=True)
class Group:
    """Open assignments of one batch that stand alike, and how many. `issued`: not signed for yet. `own`: their dates
    were moved for themselves alone. `signed_on`: only where dates count from the sign-for."""

    task_id: int
    batch_id: int
    own: bool
    issued: bool
    respond_by: datetime | None
    due_at: datetime | None
    cut_off_at: datetime | None
    behind_at: datetime | None
    n: int
    signed_on: date | None = None


@dataclass(frozen=True)
class Change:
    """The dates that a group should have."""

    group: Group
    dates: Dates
    behind_at: datetime | None

    @property
    def moves(self) -> bool:
        """Whether any of its dates is another one than now. Who has signed for it keeps the date to sign for."""
        was, to = self.group, self.dates
        if was.issued and was.respond_by != to.respond_by:
            return True
        return (was.due_at, was.cut_off_at, was.behind_at) != (to.due_at, to.cut_off_at, self.behind_at)


@dataclass(frozen=True)
class Prospect:
    """What a batch comes to: its changes, with all of its open assignments that follow the rule."""

    batch_id: int
    task_id: int
    task_title: str
    campaign_id: int
    rule: DateRule
    grade: Grade
    ladder: Ladder
    calendar: Calendar
    changes: tuple[Change, ...]

    @property
    def moved(self) -> tuple[Change, ...]:
        """The groups whose dates move."""
        return tuple(change for change in self.changes if change.moves)

    @property
    def items(self) -> int:
        """How many assignments move."""
        return sum(change.group.n for change in self.moved)

    def steps_before(self, change: Change) -> tuple[Step, ...]:
        """The rungs of the dates that the work has now, those to sign for it left out."""
        was = change.group
        anchors = Anchors(None, was.due_at, was.cut_off_at, behind_at=was.behind_at)
        return plan(self.ladder, self.grade, anchors, self.calendar, zone())

    def steps(self, change: Change) -> tuple[Step, ...]:
        """The rungs of the dates that move, at their new times."""
        was, to = change.group, change.dates
        respond_by = to.respond_by if was.issued and was.respond_by != to.respond_by else None
        due_at = to.due_at if was.due_at != to.due_at else None
        cut_off_at = to.cut_off_at if was.cut_off_at != to.cut_off_at else None
        behind_at = change.behind_at if was.behind_at != change.behind_at else None
        anchors = Anchors(respond_by, due_at, cut_off_at, behind_at=behind_at)
        return plan(self.ladder, self.grade, anchors, self.calendar, zone())


def prospects(
    task_ids: Iterable[int],
    *,
    supposed: Supposed | None = None,
    corrected: Mapping[int, Calendar] | None = None,
    groups: Iterable[Group] | None = None,
) -> list[Prospect]:
    """What the batches of these tasks come to, those without an open assignment that follows the rule left out.

    `supposed` and `corrected` (calendars by id) stand in for what the database holds: for a preview. `groups`: what
    `groups_of` said a moment ago. A fixed number of statements for each task, whatever the number of assignments.
    """
    ids = list(task_ids)
    batches = _batches(ids)
    if not batches:
        return []
    held = calendars({row.calendar_id or EVERYBODYS for row in batches}) | dict(corrected or {})
    known_ladders = ladders({row.ladder_id for row in batches})
    curves = {task_id: _curve(task_id) for task_id in {row.task_id for row in batches}}
    following: dict[int, list[Group]] = defaultdict(list)
    for group in groups_of(ids) if groups is None else groups:
        if not group.own:
            following[group.batch_id].append(group)
    found: list[Prospect] = []
    for row in batches:
        task, calendar = row.Task, held[row.calendar_id or EVERYBODYS]
        rule = _rule(row, supposed)
        changes = tuple(_change(group, rule, row, calendar, curves[task.id]) for group in following[row.id])
        ladder = known_ladders[row.ladder_id]
        if changes:
            about = row.id, task.id, task.title, task.campaign_id, rule, task.grade, ladder, calendar
            found.append(Prospect(*about, changes))
    return found


def groups_of(task_ids: Iterable[int], *, counted: bool = True) -> list[Group]:
    """How the open assignments of these tasks stand. At most three statements; where dates count from the sign-for the
    last one reads a row for each of them. Not `counted`: every `n` is 0, which is had in a fraction of the time."""
    ids = set(task_ids)
    counted_from_signing = and_(Task.counts_from == CountsFrom.SIGN_FOR, Task.due_kind == DueKind.RELATIVE)
    signs = set(db.session.scalars(select(Task.id).where(Task.id.in_(listed(ids)), counted_from_signing)))
    found: list[Group] = []
    if plain := ids - signs:
        columns = _columns()
        alike = (
            select(*columns, func.count()).group_by(*columns) if counted else select(*columns, literal(0)).distinct()
        )
        found += [Group(*row) for row in db.session.execute(alike.where(_open(plain)))]
    if signs:
        each = select(*_columns(), Event.at).outerjoin(Event, signing(Assignment.id)).where(_open(signs))
        many: dict[tuple[Any, ...], int] = defaultdict(int)
        for *key, at in db.session.execute(each):
            many[(*key, None if at is None else local_day(at, zone()))] += 1
        found += [Group(*(*key[:-1], n, key[-1])) for key, n in many.items()]
    return found


def _columns() -> list[Any]:
    a = Assignment
    issued = (a.state == State.ISSUED).label("issued")
    return [a.task_id, a.batch_id, a.own_dates, issued, a.respond_by, a.due_at, a.cut_off_at, a.behind_at]


def _open(task_ids: set[int]) -> ColumnElement[bool]:
    return and_(Assignment.task_id.in_(listed(task_ids)), Assignment.state.in_(OPEN))


def on_signing(assignment_id: int, batch_id: int, *, now: datetime) -> tuple[Dates, datetime | None] | None:
    """The dates of an assignment of that batch that is signed for now, and from when it lags behind; None where they do
    not count from the sign-for."""
    row = db.session.execute(_of_batches(Batch.id == batch_id)).one()
    if row.Task.due_kind is not DueKind.RELATIVE or row.Task.counts_from is not CountsFrom.SIGN_FOR:
        return None
    calendar_id, signed_on = row.calendar_id or EVERYBODYS, local_day(now, zone())
    dates = _dates(_rule(row, None), row, calendars([calendar_id])[calendar_id], now)
    start = began(row.dispatched_at, signed_on)
    return dates, lags_at(start, dates.due_at, reach_of(assignment_id), zone())


def by_decision(
    assignment_id: int, batch_id: int, due_on: date, *, due_at: datetime | None, cut_off_at: datetime | None
) -> tuple[datetime, datetime | None, datetime | None]:
    """Due date, cut-off and the moment of lagging behind when one assignment that has these dates is due on that day by
    decision. The cut-off goes along by as many days; where there was no due date it follows from the task."""
    due, cut_off = granted(batch_id, due_on, due_at=due_at, cut_off_at=cut_off_at)
    course = course_of(db.session.execute(courses().where(Assignment.id == assignment_id)).one())
    return due, cut_off, replace(course, due_at=due).expected(reach_of(assignment_id))


def granted(
    batch_id: int,
    due_on: date,
    *,
    due_at: datetime | None,
    cut_off_at: datetime | None,
    known: Mapping[int, Calendar] | None = None,
) -> tuple[datetime, datetime | None]:
    """Due date and cut-off by decision, as `by_decision` gives them. No statement where it has a due date, else at most
    two; `known`: calendars that were read already."""
    due = end_of_day(due_on, zone())
    if due_at is not None:
        further = due_on - local_day(due_at, zone())
        return due, None if cut_off_at is None else end_of_day(local_day(cut_off_at, zone()) + further, zone())
    row = db.session.execute(_of_batches(Batch.id == batch_id)).one()
    calendar_id = row.calendar_id or EVERYBODYS
    calendar = (known or {}).get(calendar_id) or calendars([calendar_id])[calendar_id]
    fixed = replace(_rule(row, None), kind=DueKind.FIXED, due_on=due_on, roll=Roll.STAY)
    return due, dates_at(fixed, row.dispatched_at, zone(), calendar).cut_off_at


def _batches(task_ids: list[int]) -> list[Any]:
    return list(db.session.execute(_of_batches(Batch.task_id.in_(listed(task_ids)))))


def _of_batches(which: ColumnElement[bool]) -> Select[Any]:
    columns = Batch.id, Batch.task_id, Batch.dispatched_at, Batch.ladder_id, Batch.calendar_id
    return (
        select(*columns, Task, Occasion, Period.opens_on)
        .join(Task, Task.id == Batch.task_id)
        .outerjoin(Occasion, Occasion.id == Task.occasion_id)
        .outerjoin(Period, and_(Period.task_id == Batch.task_id, Period.number == Batch.period))
        .where(which)
        .order_by(Batch.id)
        .execution_options(populate_existing=True)
    )


def _rule(row: Any, supposed: Supposed | None) -> DateRule:
    rule = rule_of(row.Task, row.Occasion)
    if supposed is not None and row.Task.occasion_id == supposed.occasion_id:
        return replace(rule, occasion_on=supposed.happens_on)
    return rule


def _dates(rule: DateRule, row: Any, calendar: Calendar, signed_at: datetime | None) -> Dates:
    """The dates of a batch; those of a period count from the day on which it opens."""
    if row.opens_on is not None and signed_at is None:
        return period_dates(rule, row.opens_on, row.dispatched_at, zone(), calendar)
    return dates_at(rule, row.dispatched_at, zone(), calendar, signed_at=signed_at)


def _curve(task_id: int) -> tuple[bool, tuple[Knot, ...]] | None:
    """Whether what is dispatched has the curve of the task from the beginning, and the milestones on it; None where the
    task has none. Where its figures have different ones, or some units have nothing to reach, what follows is near;
    whoever writes it looks at each (`operations/settling.py`)."""
    curves = curves_of(task_id)
    if not curves:
        return None
    return any(curve.given for curve in curves), max((curve.knots for curve in curves), key=len)


def _change(
    group: Group, rule: DateRule, row: Any, calendar: Calendar, curve: tuple[bool, tuple[Knot, ...]] | None
) -> Change:
    signed_at = None if group.signed_on is None else end_of_day(group.signed_on, zone())
    dates = _dates(rule, row, calendar, signed_at)
    start = began(row.dispatched_at, group.signed_on)
    behind = None
    if curve is not None and (curve[0] or group.behind_at is not None):
        behind = behind_again(start, group.due_at, group.behind_at, dates.due_at, zone(), curve[1])
    return Change(group, dates, behind)
