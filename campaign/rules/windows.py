"""Whether something was captured inside a task's time. Clocks of phones are wrong, so a doubt is not a wall."""

from datetime import date, datetime, time, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo

WRONG_CLOCK = timedelta(days=1)  # ahead of when the file was sent: no camera sees tomorrow
OLDEST = 2005  # a camera that lost its battery counts from long ago


class When(IntEnum):
    """Where the time of a capture lies; the value says how much it tells, in per cent."""

    INSIDE = 0
    UNKNOWN = 20
    AHEAD = 40  # of the clock of whoever received it
    AFTER = 50  # after the due date: late, as the report is
    BEFORE = 90


def first_moment(dispatched_at: datetime, opens_on: date | None, zone: str) -> datetime:
    """When the task's time begins: with the day of its period, or else with the day it was dispatched."""
    home = ZoneInfo(zone)
    return datetime.combine(opens_on or dispatched_at.astimezone(home).date(), time.min, home)


def when_taken(taken_at: datetime | None, *, begins: datetime, due_at: datetime | None, sent_at: datetime) -> When:
    """Where the capture lies between the task's first day and its due date."""
    if taken_at is None or taken_at.year < OLDEST:
        return When.UNKNOWN
    if taken_at > sent_at + WRONG_CLOCK:
        return When.AHEAD
    if taken_at < begins:
        return When.BEFORE
    return When.AFTER if due_at is not None and taken_at > due_at else When.INSIDE


def counts_in_time(when: When) -> bool:
    """Whether it counts where evidence must be captured inside the task's time: unless it is surely older than that."""
    return when is not When.BEFORE
