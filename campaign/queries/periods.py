"""The periods of a recurring task: how each was covered, which were missed, which come next and whose turn it is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select
from sqlalchemy.orm import aliased

from ..clock import local_today, zone
from ..db import db
from ..models import Assignment, Batch, Period, Submission, Unit
from ..models.turns import Recurrence, next_turns, recurrence_of
from ..rules.dates import end_of_day
from ..rules.organisation import Actor
from ..rules.periods import Outcome, period_dates, period_outcome, start_of_day
from ..rules.plans import PeriodState
from ..rules.recurrence import Rule
from ..rules.states import State
from .campaigns import Head, TaskFact
from .preview import receivers
from .scope import visible_assignments

PAGE = 24
UNITS = 50
AHEAD = 6
MICROSECOND = timedelta(microseconds=1)
UNREPORTED = (State.ISSUED, State.ACKNOWLEDGED)
NOT_ASKED_OUTCOMES = (Outcome.CANCELLED, Outcome.NOT_APPLICABLE)


@dataclass(frozen=True)
class Coming:
    """A period to come: when it opens, when it is due, whose turn it would be if nothing changes."""

    number: int
    opens_on: date
    due_at: datetime | None
    unit_name: str | None


@dataclass(frozen=True)
class Line:
    """One period that has come. `counts`: how many of the assignments that the reader sees stand how.

    `next_opens_at`: when the one after it began, None for the latest.
    """

    number: int
    opens_on: date
    due_at: datetime | None
    state: PeriodState
    at: datetime
    reason: str
    unit_name: str | None
    next_opens_at: datetime | None
    counts: dict[Outcome, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many are asked for; what was cancelled or does not apply is asked of nobody."""
        return sum(n for outcome, n in self.counts.items() if outcome not in NOT_ASKED_OUTCOMES)


@dataclass(frozen=True)
class Series:
    """A recurring task. `lines` are the latest periods first; `ahead` is empty when no further one opens."""

    task_id: int
    campaign_id: int
    title: str
    rrule: str
    rule: Rule
    rotates: bool
    window_days: int | None
    begins_on: date | None
    ends_on: date | None
    ended_at: datetime | None
    reason: str
    lines: tuple[Line, ...]
    ahead: tuple[Coming, ...]
    before: int | None = None

    @property
    def running(self) -> bool:
        """Whether further periods will open by themselves."""
        return self.begins_on is not None and self.ended_at is None


@dataclass(frozen=True)
class UnitLine:
    """One unit in one period."""

    id: int
    unit_name: str
    lft: int
    state: State
    due_at: datetime | None
    outcome: Outcome


@dataclass(frozen=True)
class Units:
    """A page of the units of a period; `counts` over all of them."""

    line: Line
    rows: tuple[UnitLine, ...]
    next: str


def series_of(
    task_id: int,
    head: Head,
    task: TaskFact,
    *,
    actor: Actor,
    now: datetime,
    before: int | None = None,
    whole: bool = False,
    briefly: bool = False,
) -> Series | None:
    """The periods of a task of that campaign, `PAGE` of them or the `whole`; None where it does not recur. `briefly`:
    the latest alone, and without its figures, for who looks at what lies ahead.

    A fixed number of statements. The campaign is within the reader's scope; what is counted is scoped here.
    """  # fmt: skip
    recurrence = recurrence_of(task_id)
    if recurrence is None or recurrence.task.campaign_id != head.id:
        return None
    asked = [Period.task_id == task_id, *([] if before is None else [Period.number < before])]
    lines, more = _lines(and_(*asked), 1 if briefly else None if whole else PAGE)
    counted = lines if briefly else _counted(task_id, lines, actor, now)
    held, plan = recurrence.series, recurrence.task
    return Series(
        task_id, head.id, plan.title, plan.rrule, recurrence.rule, plan.rotates, plan.window_days,
        held.begins_on if held else None, recurrence.ends_on,
        held.ended_at if held else None, held.reason if held else "",
        tuple(counted),
        () if before is not None else _ahead(recurrence, head, task, lines[0].number if lines else 0, now),
        lines[-1].number if more else None,
    )  # fmt: skip


def _ahead(recurrence: Recurrence, head: Head, task: TaskFact, latest: int, now: datetime) -> tuple[Coming, ...]:
    today = local_today(now)
    days = recurrence.ahead(today, AHEAD)
    turns: Sequence[str | None] = [None] * len(days)
    if recurrence.task.rotates and days:
        turns = [name for _, name in next_turns(task.id, receivers(head, task, today), today, len(days))]
        turns = turns or [None] * len(days)
    return tuple(
        Coming(number, day, period_dates(recurrence.dates, day, now, zone(), recurrence.calendar).due_at, name)
        for number, (day, name) in enumerate(zip(days, turns, strict=True), latest + 1)
    )


def _lines(where: ColumnElement[bool], most: int | None) -> tuple[list[Line], bool]:
    """Periods of a clause over Period, latest first, and whether there are earlier ones. One statement."""
    later = aliased(Period)
    follows = select(func.min(later.opens_on)).where(later.task_id == Period.task_id, later.number > Period.number)
    query = (
        select(
            Period.number, Period.opens_on, Batch.due_at, Period.due_on, Period.state, Period.at, Period.reason,
            Unit.name, follows.correlate(Period).scalar_subquery().label("follows"),
        )
        .outerjoin(Batch, Batch.id == Period.batch_id)
        .outerjoin(Unit, Unit.id == Period.unit_id)
        .where(where)
        .order_by(Period.number.desc())
    )  # fmt: skip
    rows = db.session.execute(query if most is None else query.limit(most + 1)).all()
    found = []
    for row in rows[:most]:
        due_at = row.due_at or (end_of_day(row.due_on, zone()) if row.due_on else None)
        next_opens_at = start_of_day(row.follows, zone()) if row.follows else None
        line = Line(row.number, row.opens_on, due_at, row.state, row.at, row.reason, row.name, next_opens_at)
        found.append(line)
    return found, len(rows) > len(found)


def _counted(task_id: int, lines: Iterable[Line], actor: Actor, now: datetime) -> list[Line]:
    """The same periods with their figures. One statement: the law is asked once for all that stand alike."""
    by_number = {line.number: line for line in lines}
    cut_off = case((Assignment.cut_off_at.is_(None), literal(0)), (Assignment.cut_off_at < now, literal(1)), else_=2)
    reported = case((_reported(), literal(1)), else_=0)
    alike = select(
        Assignment.period, Assignment.state, reported.label("reported"), cut_off.label("cut_off")
    ).select_from(Batch)
    facts = (
        alike.join(Assignment, Assignment.batch_id == Batch.id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(Batch.task_id == task_id, Batch.period.in_(by_number), visible_assignments(actor))
        .subquery()
    )
    query = select(*facts.c, func.count().label("n")).group_by(*facts.c)
    instants = {0: None, 1: now - MICROSECOND, 2: now}
    counts: dict[int, dict[Outcome, int]] = {number: {} for number in by_number}
    for row in db.session.execute(query) if by_number else ():
        limit = by_number[row.period].next_opens_at
        outcome = period_outcome(State(row.state), bool(row.reported), instants[row.cut_off], limit, now)
        counts[row.period][outcome] = counts[row.period].get(outcome, 0) + row.n
    return [_with(line, counts[line.number]) for line in by_number.values()]


def _with(line: Line, counts: dict[Outcome, int]) -> Line:
    return Line(
        line.number, line.opens_on, line.due_at, line.state, line.at, line.reason, line.unit_name,
        line.next_opens_at, counts,
    )  # fmt: skip


def _reported() -> ColumnElement[bool]:
    found = exists(select(Submission.id).where(Submission.assignment_id == Assignment.id).correlate(Assignment))
    return and_(Assignment.state.in_(UNREPORTED), found)


def outcome_is(outcome: Outcome, next_opens_at: datetime | None, now: datetime) -> ColumnElement[bool]:
    """A clause over Assignment: it stands so in its period. A test holds it to `rules/periods.period_outcome`."""
    limit: ColumnElement[Any] = Assignment.cut_off_at.is_not(None) & (Assignment.cut_off_at < now)
    if next_opens_at is not None and next_opens_at < now:
        limit = or_(limit, Assignment.cut_off_at.is_(None))
    missed = and_(Assignment.state.in_(UNREPORTED), limit, ~_reported())
    with_officer = and_(Assignment.state.in_((*UNREPORTED, State.RETURNED, State.DISPUTED)), ~missed)
    return {
        Outcome.APPROVED: Assignment.state == State.APPROVED,
        Outcome.WAITING: Assignment.state == State.SUBMITTED,
        Outcome.WITH_OFFICER: with_officer,
        Outcome.MISSED: missed,
        Outcome.CANCELLED: Assignment.state == State.CANCELLED,
        Outcome.NOT_APPLICABLE: Assignment.state == State.NOT_APPLICABLE,
    }[outcome]


def was_missed(now: datetime) -> ColumnElement[bool]:
    """A clause over Assignment, whatever its task: it is of a period that was missed. A test holds it to
    `rules/periods.period_outcome`."""
    later = aliased(Period)
    followed = exists().where(
        later.task_id == Assignment.task_id, later.number > Assignment.period, later.opens_on <= local_today(now)
    )
    limit = case((Assignment.cut_off_at.is_(None), followed), else_=Assignment.cut_off_at < now)
    return and_(Assignment.period > 0, Assignment.state.in_(UNREPORTED), limit, ~_reported())


def units_of(
    task_id: int,
    number: int,
    *,
    actor: Actor,
    now: datetime,
    outcome: Outcome | None = None,
    after: str = "",
    whole: bool = False,
) -> Units | None:
    """The units of one period in the order of the tree, those that the reader sees; None for no such one."""
    lines, _ = _lines(and_(Period.task_id == task_id, Period.number == number), 1)
    if not lines:
        return None
    (line,) = _counted(task_id, lines, actor, now)
    query = (
        select(
            Assignment.id, Unit.name, Unit.lft, Assignment.state, Assignment.due_at,
            _outcome(line, now).label("outcome"),
        )
        .select_from(Batch)
        .join(Assignment, Assignment.batch_id == Batch.id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(Batch.task_id == task_id, Batch.period == number, visible_assignments(actor))
        .order_by(Unit.lft, Assignment.id)
    )  # fmt: skip
    if outcome is not None:
        query = query.where(outcome_is(outcome, line.next_opens_at, now))
    edge = [int(part) for part in after.split("-") if part.isdecimal() and len(part) < 19]
    if len(edge) == 2:
        query = query.where(or_(Unit.lft > edge[0], and_(Unit.lft == edge[0], Assignment.id > edge[1])))
    rows = db.session.execute(query if whole else query.limit(UNITS + 1)).all()
    page = rows if whole else rows[:UNITS]
    found = tuple(UnitLine(row.id, row.name, row.lft, row.state, row.due_at, Outcome(row.outcome)) for row in page)
    return Units(line, found, f"{found[-1].lft}-{found[-1].id}" if len(rows) > len(page) else "")


def _outcome(line: Line, now: datetime) -> ColumnElement[int]:
    return case(*((outcome_is(each, line.next_opens_at, now), literal(int(each))) for each in Outcome))
