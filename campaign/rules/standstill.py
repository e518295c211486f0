"""Time that counts: how long something took in days that count, and what follows from it.

While a question is pending above, the clock of an assignment stands still and the days are given back. After an urge
nobody is urged again before a working day has passed.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import IntEnum
from math import ceil
from typing import Protocol
from zoneinfo import ZoneInfo

from .calendars import DAY, Calendar, DayKind, Roll
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


class Dated(Protocol):
    """Whatever stands in a state and has these dates, as instants in UTC."""

    @property
    def state(self) -> State:
        """Where it stands."""
        ...

    @property
    def respond_by(self) -> datetime | None:
        """To be signed for by."""
        ...

    @property
    def due_at(self) -> datetime | None:
        """To be done by."""
        ...

    @property
    def cut_off_at(self) -> datetime | None:
        """Accepted until."""
        ...

    @property
    def behind_at(self) -> datetime | None:
        """Lags behind from."""
        ...


@dataclass(frozen=True)
class Shifted:
    """The dates with so many days given back. `decided_until`: what the clock had decided when it stopped, counted on
    the new dates: nothing that was told is told again, and nothing that was to come is lost."""

    days: int
    respond_by: datetime | None
    due_at: datetime | None
    cut_off_at: datetime | None
    behind_at: datetime | None
    decided_until: datetime


def shifted(
    dates: Dated, stopped_at: datetime, days: int, calendar: Calendar, kind: DayKind, roll: Roll, zone: str
) -> Shifted:
    """The dates moved by so many days of that kind; a due date that falls on a rest day goes where `roll` says. The
    date to sign for by stays once it was signed for."""

    def later(moment: datetime | None, roll: Roll = Roll.STAY) -> datetime | None:
        if moment is None or not days:
            return moment
        local = moment.astimezone(ZoneInfo(zone))
        day = calendar.rolled(calendar.after(local.date(), days, kind), roll)
        return datetime.combine(day, local.time(), tzinfo=local.tzinfo).astimezone(UTC)

    due_at, behind_at = later(dates.due_at, roll), later(dates.behind_at)
    if due_at is not None and behind_at is not None and behind_at >= due_at:
        behind_at = None
    respond_by = later(dates.respond_by) if dates.state is State.ISSUED else dates.respond_by
    return Shifted(days, respond_by, due_at, later(dates.cut_off_at), behind_at, later(stopped_at) or stopped_at)


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
    if state is State.DISPUTED:
        return Verdict.SUSPENDED
    if state not in WITH_OFFICER:
        return Verdict.FINISHED
    if suspended_at is not None:
        return Verdict.SUSPENDED
    if urged_at is not None and urged_at > cooled:
        return Verdict.RECENT
    return Verdict.URGED if has_officer else Verdict.NO_OFFICER
