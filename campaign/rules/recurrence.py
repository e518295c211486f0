"""When a recurring task comes round: a small part of RFC 5545, read, checked, written again and worked out as days.

A day that a month does not have is its last one: the 31st is 30 April, 29 February is the 28th in a common year. RFC
5545 would skip such months, so the rule that is kept says it by BYMONTHDAY=28,29,30,31;BYSETPOS=-1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import islice

from dateutil.rrule import rrulestr

from ..errors import Problem, Sentence, say
from .metrics import BadValue

MOST_PERIODS = 400  # weekly for more than seven years; nobody plans further, and every list stays short
FURTHEST_YEARS = 40
LONGEST_RULE = 200
LONGEST_WINDOW = 366
MOST_MONTHS = 12
SHORTEST_MONTH = 28
LONGEST_MONTH = 31
LAST = -1
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


class Freq(StrEnum):
    """How often. There is no DAILY: nobody is asked to report every day."""

    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"


@dataclass(frozen=True)
class Rule:
    """A rhythm. `days`: days of the month, 31 being the last one. `weekdays`: (which one of the month, 0 for each; the
    day, Monday is 0). `months`: only these; with YEARLY, only every so many years, exactly one."""

    freq: Freq
    interval: int = 1
    months: tuple[int, ...] = ()
    days: tuple[int, ...] = ()
    weekdays: tuple[tuple[int, int], ...] = ()
    until: date | None = None
    count: int | None = None


def parse(text: str) -> Rule:
    """The rule that the text says; the text that `rrule_of` writes gives the same rule. Raises BadValue."""
    parts = _parts(text)
    freq = _freq(parts.pop("FREQ", ""))
    interval = _number(parts.pop("INTERVAL", "1"), 1, 60)
    months = _numbers(parts.pop("BYMONTH", ""), 1, MOST_MONTHS)
    weekdays = tuple(sorted({_weekday(part) for part in _listed(parts.pop("BYDAY", ""))}))
    days = _month_days(parts.pop("BYMONTHDAY", ""), parts.pop("BYSETPOS", ""))
    until, count = _until(parts.pop("UNTIL", "")), parts.pop("COUNT", "")
    if parts.pop("WKST", "MO") != "MO":
        raise BadValue(say("The week begins on Monday here: leave WKST out."))
    if parts:
        raise BadValue(say("%(part)s is not known here.", part=", ".join(sorted(parts))))
    if freq is Freq.YEARLY and interval == 1 and months:
        freq = Freq.MONTHLY  # the same days, and the last day of each month can be said
    rule = Rule(freq, interval, months, days, weekdays, until, _number(count, 1, MOST_PERIODS) if count else None)
    if (refusal := _refusal(rule)) is not None:
        raise BadValue(refusal)
    return rule


def check(
    text: str, *, repeats_from: date | None, ends_on: date | None, window_days: int | None, dated: bool, rotates: bool
) -> list[Problem]:
    """What is wrong with the recurrence of a task, by the paths of a plan file.

    `dated`: its due date is a fixed day or that of an occasion.
    """
    problems: list[Problem] = []
    if not text:
        if rotates:
            problems.append(Problem("recurs.rotates", say("Only a recurring task can go from unit to unit.")))
        return problems
    try:
        rule = parse(text)
    except BadValue as bad:
        return [Problem("recurs.rule", bad.sentence)]
    if len(rrule_of(rule)) > LONGEST_RULE:
        problems.append(Problem("recurs.rule", say("The rule is too long.")))
    if rule.interval > 1 and repeats_from is None:
        problems.append(Problem("recurs.from", say("Please say from which day on it counts.")))
    if window_days is not None and not 0 <= window_days <= LONGEST_WINDOW:
        told = say("A period lasts at most %(most)s days.", most=LONGEST_WINDOW)
        problems.append(Problem("recurs.window_days", told))
    if dated and window_days is None:
        told = say("Every period needs its own due date: say how many days after its opening.")
        problems.append(Problem("recurs.window_days", told))
    if repeats_from and ends_on and not any(True for _ in days_of(rule, repeats_from, ends_on)):
        problems.append(Problem("recurs.rule", say("It never comes round before the campaign ends.")))
    return problems


def rrule_of(rule: Rule) -> str:
    """The rule as RFC 5545 writes it."""
    parts = [f"FREQ={rule.freq}"]
    if rule.interval > 1:
        parts.append(f"INTERVAL={rule.interval}")
    if rule.months:
        parts.append("BYMONTH=" + ",".join(map(str, rule.months)))
    if rule.weekdays:
        parts.append("BYDAY=" + ",".join(f"{nth or ''}{WEEKDAYS[day]}" for nth, day in rule.weekdays))
    if rule.days:
        short = [day for day in rule.days if day <= SHORTEST_MONTH]
        long = max(rule.days)
        spread = [*short, *(day for day in range(SHORTEST_MONTH, long + 1) if day not in short)]
        parts.append("BYMONTHDAY=" + ",".join(map(str, spread if long > SHORTEST_MONTH else short)))
        if long > SHORTEST_MONTH:
            parts.append("BYSETPOS=" + ",".join(map(str, [*range(1, len(short) + 1), LAST])))
    if rule.until:
        parts.append(f"UNTIL={rule.until:%Y%m%d}")
    if rule.count:
        parts.append(f"COUNT={rule.count}")
    return ";".join(parts)


def days_of(rule: Rule, start: date, until: date | None = None) -> Iterator[date]:
    """The days on which it comes round from `start` on, at most 400, none after `until` (its day included)."""
    furthest = date(min(start.year + FURTHEST_YEARS, date.max.year), 12, 31)
    last = min(day for day in (furthest, until, rule.until) if day is not None)
    if last < start:
        return
    bare = rrule_of(Rule(rule.freq, rule.interval, rule.months, rule.days, rule.weekdays))
    text = f"{bare};UNTIL={last:%Y%m%d}"
    for moment in islice(rrulestr(text, dtstart=_midnight(start)), rule.count or MOST_PERIODS):
        yield moment.date()


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 (days only: no instant is meant)


def _parts(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.strip().upper().removeprefix("RRULE:").replace(" ", "").strip(";").split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value:
            raise BadValue(say("A rule is written like %(sample)s.", sample="FREQ=MONTHLY;BYMONTHDAY=14"))
        if name in found:
            raise BadValue(say("%(part)s is said twice.", part=name))
        found[name] = value
    return found


def _freq(word: str) -> Freq:
    try:
        return Freq(word)
    except ValueError:
        raise BadValue(say("A task may come round weekly, monthly or yearly.")) from None


def _listed(text: str) -> list[str]:
    return [part for part in text.split(",") if part]


def _number(word: str, least: int, most: int) -> int:
    if not word.isdecimal() or len(word) > 4 or not least <= int(word) <= most:
        raise BadValue(say("%(part)s is not a number from %(least)s to %(most)s.", part=word, least=least, most=most))
    return int(word)


def _numbers(text: str, least: int, most: int) -> tuple[int, ...]:
    return tuple(sorted({_number(word, least, most) for word in _listed(text)}))


def _weekday(word: str) -> tuple[int, int]:
    nth, day = word[:-2], word[-2:]
    if day not in WEEKDAYS or nth not in ("", "1", "2", "3", "4", "-1", "+1", "+2", "+3", "+4"):
        raise BadValue(
            say("%(part)s is no weekday: write MO to SU, 1MO for the first one, -1FR for the last.", part=word)
        )
    return int(nth or 0), WEEKDAYS.index(day)


def _month_days(text: str, positions: str) -> tuple[int, ...]:
    """The days of the month as people say them; what `rrule_of` spread over the end of the month is one day again."""
    words = [str(LONGEST_MONTH) if word == "-1" else word for word in _listed(text)]
    named = tuple(sorted({_number(word, 1, LONGEST_MONTH) for word in words}))
    if not positions:
        if sum(day > SHORTEST_MONTH for day in named) > 1:
            raise BadValue(say("Please name only one day after the 28th: in short months they would be the same."))
        return named
    for short in range(len(named)):
        days = (*named[:short], named[-1])
        if named[-1] > SHORTEST_MONTH and rrule_of(Rule(Freq.MONTHLY, days=days)).endswith(
            f"BYMONTHDAY={','.join(map(str, named))};BYSETPOS={positions}"
        ):
            return days
    raise BadValue(say("BYSETPOS is known only for the last of the days 28 to 31."))


def _until(word: str) -> date | None:
    if not word:
        return None
    try:
        return date.fromisoformat(word[:8])
    except ValueError:
        raise BadValue(say("UNTIL is written as 20261231.")) from None


def _refusal(rule: Rule) -> Sentence | None:
    """Why the parts do not make a rule, each of them being right."""
    if rule.until and rule.count:
        return say("Please say either UNTIL or COUNT.")
    if rule.freq is Freq.WEEKLY:
        if rule.months or rule.days or not rule.weekdays or any(nth for nth, _ in rule.weekdays):
            return say("A weekly rule names its weekdays, and nothing else: BYDAY=TU.")
        return None
    if bool(rule.days) == bool(rule.weekdays):
        return say("Please say on which day: either BYMONTHDAY or BYDAY.")
    if rule.weekdays and not all(nth for nth, _ in rule.weekdays):
        return say("Within a month please say which one: 1MO for the first Monday, -1FR for the last Friday.")
    if rule.freq is Freq.YEARLY and (len(rule.months) != 1 or len(rule.days) != 1):
        return say("A yearly rule names its month; every so many years, one month and one day.")
    if rule.freq is Freq.MONTHLY and rule.months and rule.interval > 1:
        return say("Please say either which months, or every how many.")
    return None
