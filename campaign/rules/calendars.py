"""Working days: which days are worked, and how to count and roll over the days that are not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import IntEnum

SATURDAY = 5
DAY = timedelta(days=1)


class DayKind(IntEnum):
    """What a number of days counts."""

    CALENDAR = 1
    WORKING = 2


class Roll(IntEnum):
    """Where a date goes that falls on a rest day."""

    STAY = 0
    NEXT = 1
    PREVIOUS = 2


@dataclass(frozen=True, eq=False)
class Calendar:
    """Monday to Friday are worked, but for `exceptions`: a holiday is False, a make-up day (调休) True.

    `known_until`: the last day whose holidays are known; a date after it is provisional. `id` 0 is no calendar at all.
    """

    id: int = 0
    version: int = 0
    exceptions: Mapping[date, bool] = field(default_factory=dict)
    known_until: date | None = None

    def works(self, day: date) -> bool:
        """Whether that day is worked."""
        return self.exceptions.get(day, day.weekday() < SATURDAY)

    def knows(self, day: date) -> bool:
        """Whether the holidays around that day are known."""
        return self.known_until is not None and day <= self.known_until

    def after(self, day: date, days: int, kind: DayKind) -> date:
        """So many days after that day (before it, if negative); a working day where working days are counted."""
        if kind is DayKind.CALENDAR or days == 0:
            return day + timedelta(days=days)
        step = DAY if days > 0 else -DAY
        for _ in range(abs(days)):
            day += step
            while not self.works(day):
                day += step
        return day

    def rolled(self, day: date, roll: Roll) -> date:
        """The day itself when it is worked, else the next or the last one that is."""
        if roll is Roll.STAY:
            return day
        step = DAY if roll is Roll.NEXT else -DAY
        while not self.works(day):
            day += step
        return day


PLAIN = Calendar()
