"""Dates of an assignment: how they follow from a task, and what light they give."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo

from .states import State

NEAR_DUE = timedelta(days=3)  # three days before the date a unit can still act without haste
REVIEW_DAYS = 3


class DueKind(IntEnum):
    """How a task's due date is given."""

    NONE = 0
    FIXED = 1
    RELATIVE = 2


class Light(IntEnum):
    """The light of an assignment; computed, never stored. The order is the order of urgency."""

    RETURNED = 1
    OVERDUE = 2
    DUE = 3
    NEW = 4
    OPEN = 5
    WAITING = 6
    DONE = 7
    CANCELLED = 8


def end_of_day(day: date, zone: str) -> datetime:
    """The last microsecond of that day in the organisation's time zone, in UTC."""
    local = datetime.combine(day + timedelta(days=1), time(), tzinfo=ZoneInfo(zone))
    return local.astimezone(UTC) - timedelta(microseconds=1)


def local_day(moment: datetime, zone: str) -> date:
    """The calendar day of that instant in the organisation's time zone."""
    return moment.astimezone(ZoneInfo(zone)).date()


@dataclass(frozen=True)
class DateRule:
    """The dates a task asks for: `due_on` for FIXED; `due_days` after issue for RELATIVE; days count calendar days."""

    kind: DueKind
    due_on: date | None = None
    due_days: int | None = None
    respond_days: int | None = None
    grace_days: int | None = None


@dataclass(frozen=True)
class Dates:
    """The dates of an assignment, as instants in UTC; None where there is none."""

    respond_by: datetime | None
    due_at: datetime | None
    cut_off_at: datetime | None


def dates_at(rule: DateRule, issued_at: datetime, zone: str) -> Dates:
    """The dates that follow when the task is dispatched at that instant. Every date ends with its day."""
    today = local_day(issued_at, zone)
    due_on = rule.due_on if rule.kind is DueKind.FIXED else None
    if rule.kind is DueKind.RELATIVE and rule.due_days is not None:
        due_on = today + timedelta(days=rule.due_days)
    respond_by = _days_after(today, rule.respond_days, zone)
    due_at = _days_after(due_on, 0, zone)
    cut_off = _days_after(due_on, rule.grace_days, zone)
    return Dates(min(respond_by, due_at) if respond_by and due_at else respond_by, due_at, cut_off)


def _days_after(day: date | None, days: int | None, zone: str) -> datetime | None:
    return None if day is None or days is None else end_of_day(day + timedelta(days=days), zone)


def review_due(submitted_at: datetime, zone: str) -> datetime:
    """Until when a level should have decided."""
    return end_of_day(local_day(submitted_at, zone) + timedelta(days=REVIEW_DAYS), zone)


def light_of(state: State, due_at: datetime | None, now: datetime) -> Light:
    """The light of an assignment at that instant."""
    if state is State.APPROVED:
        return Light.DONE
    if state is State.CANCELLED:
        return Light.CANCELLED
    if state is State.RETURNED:
        return Light.RETURNED
    if state is State.SUBMITTED:
        return Light.WAITING
    if due_at is not None and due_at < now:
        return Light.OVERDUE
    if due_at is not None and due_at < now + NEAR_DUE and state is not State.ISSUED:
        return Light.DUE
    return Light.NEW if state is State.ISSUED else Light.OPEN
