"""Time that counts: how long something took in days that count, and what follows from it.

While a question is pending above, the clock of an assignment stands still and the days are given back. After an urge
nobody is urged again before a working day has passed.
"""

from datetime import datetime, time, timedelta
from enum import IntEnum
from math import ceil
from zoneinfo import ZoneInfo

from .calendars import DAY, Calendar, DayKind
from .organisation import Role
from .states import WITH_OFFICER, State

MOST_GIVEN_BACK = 10  # days for one question
TOLD_ABOVE_AFTER = 3  # working days that a question may wait before the unit above the asked one hears of it
COOL_DOWN = 1  # working days between two urges of the same assignment
BOSSES = (Role.SUPERVISOR, Role.DISPATCHER)  # who is asked, who answers, and who urges


def elapsed(start: datetime, end: datetime, calendar: Calendar, kind: DayKind, zone: str) -> timedelta:
    """The time from one instant to the other, of which that on rest days does not count where working days do."""
    place, total = ZoneInfo(zone), timedelta()
    day, last = start.astimezone(place).date(), end.astimezone(place).date()
    while day <= last:
        if kind is DayKind.CALENDAR or calendar.works(day):
            opens = max(start, datetime.combine(day, time(), tzinfo=place))
            closes = min(end, datetime.combine(day + DAY, time(), tzinfo=place))
            total += max(closes - opens, timedelta())
        day += DAY
    return total


def days_given_back(asked: datetime, answered: datetime, calendar: Calendar, kind: DayKind, zone: str) -> int:
    """How many days an assignment gets back: whole ones, rounded up; none for an answer on the same day, and never
    more than ten."""
    place = ZoneInfo(zone)
    if asked.astimezone(place).date() == answered.astimezone(place).date():
        return 0
    return min(ceil(elapsed(asked, answered, calendar, kind, zone) / DAY), MOST_GIVEN_BACK)


def so_long_ago(now: datetime, days: int, calendar: Calendar, zone: str) -> datetime:
    """The instant since which so many working days of 24 hours have passed; time on rest days does not count."""
    place, left = ZoneInfo(zone), days * DAY
    day, end = now.astimezone(place).date(), now
    while True:
        opens = datetime.combine(day, time(), tzinfo=place).astimezone(now.tzinfo)
        if calendar.works(day):
            if end - opens >= left:
                return end - left
            left -= end - opens
        day, end = day - DAY, opens


class Verdict(IntEnum):
    """Whether an assignment can be urged, or why it cannot."""

    URGED = 1
    FINISHED = 2
    IN_REVIEW = 3
    SUSPENDED = 4
    RECENT = 5
    NO_OFFICER = 6


def verdict(
    state: State, suspended_at: datetime | None, urged_at: datetime | None, has_officer: bool, cooled: datetime
) -> Verdict:
    """Whether an assignment can be urged; `cooled`: who was urged later than that is left alone."""
    if state is State.SUBMITTED:
        return Verdict.IN_REVIEW
    if state not in WITH_OFFICER:
        return Verdict.FINISHED
    if suspended_at is not None:
        return Verdict.SUSPENDED
    if urged_at is not None and urged_at > cooled:
        return Verdict.RECENT
    return Verdict.URGED if has_officer else Verdict.NO_OFFICER
