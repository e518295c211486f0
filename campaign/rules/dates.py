"""Dates of an assignment: how they follow from a task, and what light they give."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo

from .calendars import PLAIN, Calendar, DayKind, Roll
from .states import State

# Three days before the date a unit can still act without haste. They are days of the calendar, so that one instant is
# near due for everybody alike, whatever the calendar of its batch; the reminders before it count working days.
NEAR_DUE = timedelta(days=3)
REVIEW_DAYS = 3


class DueKind(IntEnum):
    """How a task's due date is given."""

    NONE = 0
    FIXED = 1
    RELATIVE = 2
    OCCASION = 3


class CountsFrom(IntEnum):
    """From when a relative date counts."""

    ISSUE = 1
    SIGN_FOR = 2


class Light(IntEnum):
    """The light of an assignment; computed, never stored. The order is the order of urgency."""

    RETURNED = 1
    OVERDUE = 2
    BEHIND = 3
    DUE = 4
    NEW = 5
    OPEN = 6
    DISPUTED = 7
    WAITING = 8
    DONE = 9
    NOT_APPLICABLE = 10
    CANCELLED = 11


# What no longer waits for the officer: no date changes its light.
WITHOUT_CLOCK = {
    State.DISPUTED: Light.DISPUTED,
    State.SUBMITTED: Light.WAITING,
    State.APPROVED: Light.DONE,
    State.NOT_APPLICABLE: Light.NOT_APPLICABLE,
    State.CANCELLED: Light.CANCELLED,
}
NOT_ASKED_LIGHTS = (Light.NOT_APPLICABLE, Light.CANCELLED)  # of what is asked of nobody


def end_of_day(day: date, zone: str) -> datetime:
    """The last microsecond of that day in the organisation's time zone, in UTC."""
    local = datetime.combine(day + timedelta(days=1), time(), tzinfo=ZoneInfo(zone))
    return local.astimezone(UTC) - timedelta(microseconds=1)


def local_day(moment: datetime, zone: str) -> date:
    """The calendar day of that instant in the organisation's time zone."""
    return moment.astimezone(ZoneInfo(zone)).date()


@dataclass(frozen=True)
class DateRule:
    """The dates a task asks for: `due_on` for FIXED; `due_days` after the issue or the sign-for for RELATIVE, after the
    day of the occasion (before it, if negative) for OCCASION. All numbers of days count what `days` says; a due date
    on a rest day goes where `roll` says. `occasion_on`: None while that day is not set."""

    kind: DueKind
    due_on: date | None = None
    due_days: int | None = None
    respond_days: int | None = None
    grace_days: int | None = None
    review_days: int | None = None
    days: DayKind = DayKind.CALENDAR
    counts_from: CountsFrom = CountsFrom.ISSUE
    roll: Roll = Roll.STAY
    occasion_on: date | None = None


@dataclass(frozen=True)
class Dates:
    """The dates of an assignment, as instants in UTC; None where there is none."""

    respond_by: datetime | None
    due_at: datetime | None
    cut_off_at: datetime | None


def dates_at(
    rule: DateRule, issued_at: datetime, zone: str, calendar: Calendar = PLAIN, *, signed_at: datetime | None = None
) -> Dates:
    """The dates that follow when the task is dispatched at that instant. Every date ends with its day.

    What counts from the sign-for is None until `signed_at` is given.
    """
    today = local_day(issued_at, zone)
    wished = due_day(rule, today, calendar, local_day(signed_at, zone) if signed_at else None)
    due_on = None if wished is None else calendar.rolled(wished, rule.roll)
    respond_by = _days_after(today, rule.respond_days, rule, calendar, zone)
    due_at = None if due_on is None else end_of_day(due_on, zone)
    cut_off = _days_after(due_on, rule.grace_days, rule, calendar, zone)
    return Dates(min(respond_by, due_at) if respond_by and due_at else respond_by, due_at, cut_off)


def due_day(rule: DateRule, issued_on: date, calendar: Calendar, signed_on: date | None = None) -> date | None:
    """The day that the rule asks for, before it is rolled off a rest day; None while nothing sets it."""
    if rule.kind is DueKind.FIXED:
        return rule.due_on
    start = {
        DueKind.RELATIVE: signed_on if rule.counts_from is CountsFrom.SIGN_FOR else issued_on,
        DueKind.OCCASION: rule.occasion_on,
    }.get(rule.kind)
    return None if start is None or rule.due_days is None else calendar.after(start, rule.due_days, rule.days)


@dataclass(frozen=True)
class Explanation:
    """Why a due date is where it is: the day that the rule asks for, the day that it came to, and the rule that moved
    it there; STAY when nothing did."""

    wished: date
    due: date
    roll: Roll


def explain(
    rule: DateRule, issued_on: date, calendar: Calendar = PLAIN, signed_on: date | None = None
) -> Explanation | None:
    """How the due day follows from the rule; None while nothing sets it."""
    wished = due_day(rule, issued_on, calendar, signed_on)
    if wished is None:
        return None
    due = calendar.rolled(wished, rule.roll)
    return Explanation(wished, due, Roll.STAY if due == wished else rule.roll)


def _days_after(day: date | None, days: int | None, rule: DateRule, calendar: Calendar, zone: str) -> datetime | None:
    return None if day is None or days is None else end_of_day(calendar.after(day, days, rule.days), zone)


def review_due(
    submitted_at: datetime,
    zone: str,
    calendar: Calendar = PLAIN,
    days: int | None = None,
    kind: DayKind = DayKind.WORKING,
) -> datetime:
    """Until when a level should have decided: so many days after it came, three working days when nothing is said."""
    return end_of_day(calendar.after(local_day(submitted_at, zone), REVIEW_DAYS if days is None else days, kind), zone)


def light_of(
    state: State, due_at: datetime | None, behind_at: datetime | None, now: datetime, suspended: bool = False
) -> Light:
    """The light of an assignment at that instant. While its clock stands still no date urges: it is neither red, nor
    yellow, nor blue."""
    if state in WITHOUT_CLOCK:
        return WITHOUT_CLOCK[state]
    if suspended:
        return Light.NEW if state is State.ISSUED else Light.OPEN
    if state is State.RETURNED:
        return Light.RETURNED
    if due_at is not None and due_at < now:
        return Light.OVERDUE
    if behind_at is not None and behind_at <= now:
        return Light.BEHIND
    if due_at is not None and due_at < now + NEAR_DUE and state is not State.ISSUED:
        return Light.DUE
    return Light.NEW if state is State.ISSUED else Light.OPEN
