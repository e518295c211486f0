"""Why the due date of an assignment is where it is: its rule, a rest day it was moved off, and what moved it later."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, func, or_, select

from ..clock import zone
from ..db import db
from ..models import Assignment, Batch, CalendarDay, Event, Occasion, Period, Person, Task
from ..models.courses import signing
from ..models.ladders import EVERYBODYS, calendars
from ..models.outlook import rule_of
from ..rules.calendars import Calendar, DayKind, Roll
from ..rules.dates import CountsFrom, DateRule, Explanation, explain, local_day
from ..rules.states import OPEN, State

BY_HAND = (
    "assignment:issuer:extend", "assignment:question:answer", "assignment:question:withdraw",
    "assignment:request:grant", "assignment:request:grant-by-rule", "assignment:request:refuse",
    "assignment:request:settle",
)  # fmt: skip
BY_OCCASION, BY_CALENDAR = "assignment:occasion:move", "calendar:days:correct"


@dataclass(frozen=True)
class Move:
    """What moved the due date last: the tag of its event, who and when, and the reason."""

    tag: str
    person_name: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class Dating:
    """The due date with its story. `explanation`: where a rest day moved it, as long as it follows from the rule;
    `rest_name`: the holiday of the day that was wished. `move`: what moved it away from the first due date.
    `waits_for`: the occasion whose day is not known yet. `from_signing`: it begins when the unit signs for it."""

    version: int
    state: State
    unit_id: int
    due_at: datetime | None
    first_due_at: datetime | None
    cut_off_at: datetime | None
    explanation: Explanation | None
    rest_name: str
    move: Move | None
    waits_for: str
    from_signing: bool

    @property
    def was_moved(self) -> bool:
        """Whether it is another date now than the first one."""
        return self.first_due_at is not None and self.first_due_at != self.due_at


def has_story(due_at: datetime | None, first_due_at: datetime | None, roll: Roll) -> bool:
    """Whether it makes sense to ask: most due dates follow from their rule and were never moved."""
    return due_at is None or (first_due_at is not None and first_due_at != due_at) or roll is not Roll.STAY


def explained(rule: DateRule, issued_on: date, calendar: Calendar) -> tuple[Explanation, str] | None:
    """The explanation of a rule whose due date a rest day moves, and the name of that day; None where none does."""
    found = explain(rule, issued_on, calendar)
    if found is None or found.roll is Roll.STAY:
        return None
    return found, _name_of(calendar, found.wished)


def dating_of(assignment_id: int) -> Dating:
    """Of an assignment that exists, as the reader has found it. Two statements; up to three more where the date was
    moved. Raises NoResultFound."""
    row = db.session.execute(
        select(
            Assignment.version, Assignment.state, Assignment.unit_id, Assignment.due_at, Assignment.first_due_at,
            Assignment.cut_off_at, Assignment.own_dates, Assignment.batch_id, Batch.dispatched_at, Batch.calendar_id,
            Task, Occasion, Period.opens_on, Event.at.label("signed_at"),
        )
        .join(Batch, Batch.id == Assignment.batch_id)
        .join(Task, Task.id == Assignment.task_id)
        .outerjoin(Occasion, Occasion.id == Task.occasion_id)
        .outerjoin(Period, Period.batch_id == Batch.id)
        .outerjoin(Event, and_(Task.counts_from == CountsFrom.SIGN_FOR, signing(Assignment.id)))
        .where(Assignment.id == assignment_id)
        .execution_options(populate_existing=True)
    ).one()  # fmt: skip
    explanation, rest_name = _explanation(row)
    moved = row.first_due_at is not None and row.first_due_at != row.due_at
    waits = row.due_at is None and row.state in OPEN
    return Dating(
        row.version, State(row.state), row.unit_id, row.due_at, row.first_due_at, row.cut_off_at, explanation,
        rest_name, _move(assignment_id, row) if moved else None,
        waits_for=row.Occasion.name if waits and row.Occasion and not row.Occasion.happens_on else "",
        from_signing=waits and row.Task.counts_from is CountsFrom.SIGN_FOR and row.state == State.ISSUED,
    )  # fmt: skip


def _explanation(row: Any) -> tuple[Explanation | None, str]:
    """Only where it is true of the date as it stands, and a rest day has moved it."""
    if row.due_at is None or row.own_dates or row.Task.roll is Roll.STAY:
        return None, ""
    calendar_id = row.calendar_id or EVERYBODYS
    calendar, rule = calendars([calendar_id])[calendar_id], rule_of(row.Task, row.Occasion)
    signed_on = local_day(row.signed_at, zone()) if row.signed_at else None
    found = explain(rule, row.opens_on or local_day(row.dispatched_at, zone()), calendar, signed_on)
    if found is None or found.roll is Roll.STAY or found.due != local_day(row.due_at, zone()):
        return None, ""
    return found, _name_of(calendar, found.wished)


def _name_of(calendar: Calendar, day: date) -> str:
    """The name of a holiday; '' for a Saturday or Sunday."""
    named = select(CalendarDay.name).where(CalendarDay.calendar_id == calendar.id, CalendarDay.day == day)
    return db.session.execute(named).scalar() or ""


def _move(assignment_id: int, row: Any) -> Move | None:
    """The last event that could have moved it."""
    clauses = [and_(Event.subject == "assignment", Event.subject_id == assignment_id, Event.tag.in_(BY_HAND))]
    if not row.own_dates:
        if row.Occasion is not None:
            of_occasion = Event.subject == "occasion", Event.subject_id == row.Occasion.id, Event.tag == BY_OCCASION
            clauses.append(and_(*of_occasion, Event.at >= row.dispatched_at))
        if row.Task.days is DayKind.WORKING or row.Task.roll is not Roll.STAY:
            of_calendar = Event.subject_id == (row.calendar_id or EVERYBODYS), Event.tag == BY_CALENDAR
            clauses.append(and_(Event.subject == "calendar", *of_calendar, Event.at >= row.dispatched_at))
    found = db.session.execute(
        select(Event.tag, func.coalesce(Person.name, ""), Event.at, Event.reason)
        .outerjoin(Person, Person.id == Event.person_id)
        .where(or_(*clauses))
        .order_by(Event.id.desc())
        .limit(1)
    ).first()
    return None if found is None else Move(*found)
