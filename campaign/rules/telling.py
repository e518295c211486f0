"""The law of telling: channels, how a delivery stands, what is loud, when somebody may be told, when to try again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo

from ..errors import Sentence, say
from .calendars import Calendar

MINUTES = 24 * 60
DAY = timedelta(days=1)
LONGEST_REST = 400  # days; a calendar that works on none of them keeps nobody waiting for ever


class Channel(IntEnum):
    """A way to reach a person beside the pages themselves."""

    MAIL = 1
    WECOM = 2
    DINGTALK = 3
    FEISHU = 4
    SMS = 5
    WEBHOOK = 6


class DeliveryState(IntEnum):
    """How a delivery stands."""

    WAITING = 1
    SENT = 2
    PARKED = 3
    DROPPED = 4  # what it told of was done before it was sent


class Fault(IntEnum):
    """Why a letter was parked: refused for good, or tried as often as is sensible."""

    REFUSED = 1
    GAVE_UP = 2


MOST_TRIES = 5
LEASE = timedelta(minutes=2)  # a sender that died gives its work free again after this long
DEFAULT_CHANNELS = (Channel.MAIL,)  # for who has chosen none
ONLY_URGENT = (Channel.SMS,)  # a text message costs money and attention: never a digest

# How loud each message is that no rung of a ladder sends: True is told at once, False waits for the day's digest.
LOUD: dict[str, bool] = {
    "assignment:dispatch:issue": False,
    "assignment:submission:submit": False,
    "assignment:review:pass-up": False,
    "assignment:review:pass-over": False,
    "assignment:review:approve": False,
    "assignment:review:return": True,
    "assignment:review:remark": False,
    "recheck:sample:draw": True,
    "assignment:issuer:reopen": True,
    "assignment:issuer:cancel": True,
    "assignment:issuer:extend": True,
    "assignment:dispatcher:urge": True,
    "assignment:question:ask": True,
    "assignment:question:tell-above": True,
    "assignment:question:tell-vacant": True,
    "assignment:question:answer": True,
    "assignment:question:withdraw": False,
    "assignment:request:ask": True,
    "assignment:request:grant": True,
    "assignment:request:grant-by-rule": False,
    "assignment:request:refuse": True,
    "assignment:request:withdraw": False,
    "assignment:request:consent": False,
    "assignment:request:remind": True,
    "assignment:request:tell-above": True,
    "assignment:request:tell-vacant": True,
    "assignment:request:dispute": True,
    "assignment:request:settle": True,
    "assignment:request:retract": False,
    "assignment:request:exempt": True,
    "assignment:unit:name-in-charge": False,
    "assignment:occasion:move": False,
    "assignment:cascade:change": False,
    "assignment:cascade:grant": False,
    "assignment:cascade:follow": False,
    "calendar:days:correct": False,
    "delegation:stand-in:name": True,
    "delegation:stand-in:end": True,
    "delegation:stand-in:lost": True,
    "person:post:hand-over": True,
    "delivery:channel:incident": True,
}


# These wait a moment before they go out, so that whoever decided may still take the decision back.
HELD = ("assignment:review:pass-up", "assignment:review:approve", "assignment:review:return")
HOLD = timedelta(seconds=20)


def is_urgent(tag: str) -> bool:
    """Whether a message of that tag is told at once. LookupError for one that nobody has thought about."""
    if tag not in LOUD:
        raise LookupError(f"say in rules/telling.py how loud {tag} is")
    return LOUD[tag]


def next_wait(tries: int) -> timedelta:
    """How long to wait after that many failed tries: 1, 5, 25, 125 minutes."""
    return timedelta(minutes=5 ** max(0, tries - 1))


@dataclass(frozen=True)
class Preferences:
    """When a person wants to be told, in minutes after midnight, local. Equal ends: no quiet hours."""

    digest_at: int = 8 * 60 + 30
    quiet_from: int = 21 * 60
    quiet_until: int = 7 * 60 + 30
    on_rest_days: bool = False

    def is_quiet(self, minute: int) -> bool:
        """Whether that minute of the day is one of the quiet hours, which may reach over midnight."""
        if self.quiet_from <= self.quiet_until:
            return self.quiet_from <= minute < self.quiet_until
        return minute >= self.quiet_from or minute < self.quiet_until


USUAL = Preferences()


def preferences(digest_at: int | None, quiet_from: int | None, quiet_until: int | None, rest: bool) -> Preferences:
    """The preferences as a person's row has them: what is None is as for everybody."""
    return Preferences(
        USUAL.digest_at if digest_at is None else digest_at,
        USUAL.quiet_from if quiet_from is None else quiet_from,
        USUAL.quiet_until if quiet_until is None else quiet_until,
        rest,
    )


def wrong_with(wished: Preferences) -> Sentence | None:
    """What is wrong with such preferences, or None."""
    if wished.is_quiet(wished.digest_at):
        return say("The time of the digest lies within your quiet hours. Choose another time for one of them.")
    if (wished.quiet_until - wished.quiet_from) % MINUTES > MINUTES * 3 // 4:
        return say("Quiet hours last at most eighteen hours.")
    return None


def chosen(channels: str | None) -> tuple[Channel, ...]:
    """The channels that a person's row names; for None what everybody has."""
    if channels is None:
        return DEFAULT_CHANNELS
    return tuple(Channel(int(number)) for number in channels.split(",") if number)


def when_to_tell(urgent: bool, wishes: Preferences, calendar: Calendar, zone: str, now: datetime) -> datetime:
    """When a message of `now` is told, in UTC: at once, or with the next digest; never in the person's quiet hours, and
    on a rest day only to who wants that. Never before `now`."""
    place = ZoneInfo(zone)

    def may(day: date) -> bool:
        return wishes.on_rest_days or calendar.works(day)

    at = now if urgent else _next_digest(wishes.digest_at, may, place, now)
    for _ in range(2 * LONGEST_REST):
        local = at.astimezone(place)
        if not may(local.date()):
            at = _instant(local.date() + DAY, 0, place, at)
        elif wishes.is_quiet(local.hour * 60 + local.minute):
            minute = local.hour * 60 + local.minute
            end = local.date() + (DAY if minute >= wishes.quiet_until else timedelta(0))
            at = _instant(end, wishes.quiet_until, place, at)
        else:
            return at
    return now


def next_digest_day(
    told_on: date, wishes: Preferences, calendar: Calendar, zone: str, now: datetime
) -> tuple[datetime, date]:
    """When the digest after that of `told_on` is told, and of which local day it is."""
    midnight = datetime.combine(told_on + DAY, time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)
    at = when_to_tell(False, wishes, calendar, zone, max(now, midnight))
    return at, at.astimezone(ZoneInfo(zone)).date()


def _next_digest(minute: int, may: Callable[[date], bool], place: ZoneInfo, now: datetime) -> datetime:
    """The next time of the digest, this very minute included, on a day when people are told something."""
    day = now.astimezone(place).date()
    for _ in range(LONGEST_REST):
        at = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=place).astimezone(UTC)
        if at >= now and may(day):
            return at
        day += DAY
    return now


def _instant(day: date, minute: int, place: ZoneInfo, after: datetime) -> datetime:
    """That local time in UTC. An hour that comes twice is taken where it lies after the given instant."""
    local = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=place)
    first = local.astimezone(UTC)
    return first if first > after else local.replace(fold=1).astimezone(UTC)
