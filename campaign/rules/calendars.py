"""Working days: which days are worked, and how to count and roll over the days that are not."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo

from .organisation import Actor, Line, Role

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


class Mark(IntEnum):
    """What a calendar says of a day: nothing beside its weekday, a holiday, or a make-up day (调休)."""

    PLAIN = 0
    REST = 1
    WORK = 2


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

    def mark(self, day: date) -> Mark:
        """What it says of that day beside its weekday."""
        works = self.exceptions.get(day)
        return Mark.PLAIN if works is None else Mark.WORK if works else Mark.REST

    def corrected(self, changes: Mapping[date, Mark], known_until: date | None) -> "Calendar":
        """The next version, with these days as they should be; `known_until` is the new one."""
        kept = {day: works for day, works in self.exceptions.items() if day not in changes}
        marked = {day: mark is Mark.WORK for day, mark in changes.items() if mark is not Mark.PLAIN}
        return replace(self, version=self.version + 1, exceptions=kept | marked, known_until=known_until)


PLAIN = Calendar()

# The days on which the whole country rests: the word that is kept, and the one that people write.
FESTIVALS = {
    "New Year's Day": "元旦",
    "Spring Festival": "春节",
    "Tomb-Sweeping Day": "清明节",
    "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午节",
    "Mid-Autumn Festival": "中秋节",
    "National Day": "国庆节",
}


def festival(name: str) -> str:
    """The name as it is kept: that of a known festival in one way, whatever its language; any other as it is."""
    return next((kept for kept, said in FESTIVALS.items() if name.casefold() in (kept.casefold(), said)), name)


def is_provisional(moment: datetime | None, calendar: Calendar, zone: str) -> bool:
    """Whether a date lies after the last day whose holidays are known, so that it may still move.

    `zone` is the organisation's: the date belongs to its local day.
    """
    return moment is not None and not calendar.knows(moment.astimezone(ZoneInfo(zone)).date())


def may_see(actor: Actor, lft: int, rgt: int) -> bool:
    """Whether an administrator or auditor sees the calendar of the area with that interval: it lies in their reach, or
    they go by it because it stands above them."""
    return actor.is_system or any(
        post.role in (Role.ADMINISTRATOR, Role.AUDITOR) and (post.lft <= lft <= post.rgt or lft <= post.lft <= rgt)
        for post in actor.posts
    )


def may_keep(actor: Actor, lft: int) -> bool:
    """Whether the actor may correct the calendar of the area at that place: it binds all lines there, so it takes an
    administrator of the 党委 of that area or of one above. Everybody's calendar is that of the root, at place one."""
    return actor.is_system or any(
        post.role is Role.ADMINISTRATOR and post.line is Line.PARTY and post.lft <= lft <= post.rgt
        for post in actor.posts
    )
