"""The rhythms of the documents by name, and every rule in words: nobody needs to know RFC 5545."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from ..errors import Sentence, say
from .metrics import BadValue
from .recurrence import LONGEST_MONTH, Freq, Rule, parse

QUARTER, HALF_YEAR, YEAR = 3, 6, 12

DAY_NAMES = (
    say("Monday"), say("Tuesday"), say("Wednesday"), say("Thursday"), say("Friday"), say("Saturday"), say("Sunday"),
)  # fmt: skip
MONTH_NAMES = (
    say("January"), say("February"), say("March"), say("April"), say("May"), say("June"),
    say("July"), say("August"), say("September"), say("October"), say("November"), say("December"),
)  # fmt: skip


class Rhythm(StrEnum):
    """What can be chosen by name; FREE is a rule written by somebody who knows how."""

    ONCE = "once"
    MONTHLY = "monthly"
    WEEKLY = "weekly"
    TWO_MONTHLY = "two_monthly"
    QUARTERLY = "quarterly"
    HALF_YEARLY = "half_yearly"
    YEAR_END = "year_end"
    SEASONS = "seasons"
    FREE = "free"


@dataclass(frozen=True)
class Wish:
    """A rhythm with what it needs: `day` of the month (31: the last), `weekday` (Monday is 0), `months` of the seasons,
    `nth` month of the quarter or half-year (None: its last one), `rule` of a FREE rhythm."""

    rhythm: Rhythm = Rhythm.ONCE
    day: int | None = None
    weekday: int | None = None
    months: tuple[int, ...] = ()
    nth: int | None = None
    rule: str = ""


def rule_of(wish: Wish) -> Rule | None:
    """The rule of that wish; None for ONCE. Raises BadValue where something is missing."""
    if wish.rhythm is Rhythm.ONCE:
        return None
    if wish.rhythm is Rhythm.FREE:
        return parse(wish.rule)
    if wish.rhythm is Rhythm.WEEKLY:
        if wish.weekday is None or not 0 <= wish.weekday < len(DAY_NAMES):
            raise BadValue(say("Please choose the day of the week."))
        return Rule(Freq.WEEKLY, weekdays=((0, wish.weekday),))
    if wish.day is None or not 1 <= wish.day <= LONGEST_MONTH:
        raise BadValue(say("Please say the day of the month: 1 to 31, and 31 is always the last."))
    if wish.rhythm in (Rhythm.MONTHLY, Rhythm.TWO_MONTHLY):
        return Rule(Freq.MONTHLY, 2 if wish.rhythm is Rhythm.TWO_MONTHLY else 1, days=(wish.day,))
    return Rule(Freq.MONTHLY, months=_months(wish), days=(wish.day,))


def _months(wish: Wish) -> tuple[int, ...]:
    if wish.rhythm is Rhythm.YEAR_END:
        return (YEAR,)
    if wish.rhythm is Rhythm.SEASONS:
        if not wish.months or not all(1 <= month <= YEAR for month in wish.months):
            raise BadValue(say("Please choose the months."))
        return tuple(sorted(set(wish.months)))
    length = QUARTER if wish.rhythm is Rhythm.QUARTERLY else HALF_YEAR
    nth = length if wish.nth is None else wish.nth
    if not 1 <= nth <= length:
        raise BadValue(say("%(part)s is not a number from %(least)s to %(most)s.", part=nth, least=1, most=length))
    return tuple(range(nth, YEAR + 1, length))


def wish_of(text: str) -> Wish:
    """The rhythm of a rule that is kept, for the form; FREE where no name fits. Raises BadValue."""
    if not text:
        return Wish()
    rule = parse(text)
    free = Wish(Rhythm.FREE, rule=text)
    if rule.until or rule.count:
        return free
    if rule.freq is Freq.WEEKLY:
        plain = rule.interval == 1 and len(rule.weekdays) == 1
        return Wish(Rhythm.WEEKLY, weekday=rule.weekdays[0][1]) if plain else free
    if rule.freq is not Freq.MONTHLY or len(rule.days) != 1:
        return free
    day, months = rule.days[0], rule.months
    if not months:
        rhythm = {1: Rhythm.MONTHLY, 2: Rhythm.TWO_MONTHLY}.get(rule.interval)
        return Wish(rhythm, day) if rhythm else free
    if months == (YEAR,):
        return Wish(Rhythm.YEAR_END, day)
    length = _stretch(months)
    if length:
        return Wish(Rhythm.QUARTERLY if length == QUARTER else Rhythm.HALF_YEARLY, day, nth=months[0])
    return Wish(Rhythm.SEASONS, day, months=months)


def _stretch(months: tuple[int, ...]) -> int:
    """3 or 6 where the months are one of each quarter, or the first or the last of each half-year; else 0.

    March and September are the seasons, not the third month of each half-year.
    """
    for length, firsts in ((QUARTER, range(1, QUARTER + 1)), (HALF_YEAR, (1, HALF_YEAR))):
        if months and months[0] in firsts and months == tuple(range(months[0], YEAR + 1, length)):
            return length
    return 0


def words_of(rule: Rule) -> Sentence:
    """The rule in words: on the 14th of each month, weekly on Tuesday, on the last day of March and September."""
    said = _weekly(rule) if rule.freq is Freq.WEEKLY else _monthly(rule)
    if rule.until:
        return say("%(rhythm)s, until %(day)s", rhythm=said, day=rule.until)
    if rule.count:
        return say("%(rhythm)s, %(count)s times", rhythm=said, count=rule.count)
    return said


def _weekly(rule: Rule) -> Sentence:
    days = joined([DAY_NAMES[day] for _, day in rule.weekdays])
    if rule.interval == 1:
        return say("weekly on %(days)s", days=days)
    return say("every %(n)s weeks on %(days)s", n=rule.interval, days=days)


def _monthly(rule: Rule) -> Sentence:
    days = joined([*map(_ordinal, rule.days), *(_nth(nth, day) for nth, day in rule.weekdays)])
    months, n = rule.months, rule.interval
    if rule.freq is Freq.YEARLY:
        return say("every %(n)s years on %(days)s of %(month)s", n=n, days=days, month=MONTH_NAMES[months[0] - 1])
    if not months and n == 1:
        return say("on %(days)s of each month", days=days)
    if not months:
        return say("every %(n)s months on %(days)s", n=n, days=days)
    if len(months) == 1:
        return say("each year on %(days)s of %(month)s", days=days, month=MONTH_NAMES[months[0] - 1])
    if (length := _stretch(months)) == QUARTER:
        return say("on %(days)s of month %(nth)s of each quarter", days=days, nth=months[0])
    if length == HALF_YEAR:
        return say("on %(days)s of month %(nth)s of each half-year", days=days, nth=months[0])
    return say("on %(days)s of %(months)s", days=days, months=joined([MONTH_NAMES[month - 1] for month in months]))


def joined(parts: Sequence[Sentence]) -> Sentence:
    """The parts as a list in one sentence."""
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:
        return say("%(one)s and %(other)s", one=parts[0], other=parts[1])
    return say("%(first)s, %(rest)s", first=parts[0], rest=joined(parts[1:]))


def _ordinal(day: int) -> Sentence:
    if day == LONGEST_MONTH:
        return say("the last day")
    if day in (1, 21):
        return say("the %(n)sst", n=day)
    if day in (2, 22):
        return say("the %(n)snd", n=day)
    return say("the %(n)srd", n=day) if day in (3, 23) else say("the %(n)sth", n=day)


def _nth(nth: int, day: int) -> Sentence:
    name = DAY_NAMES[day]
    return {
        1: say("the first %(day)s", day=name),
        2: say("the second %(day)s", day=name),
        3: say("the third %(day)s", day=name),
        4: say("the fourth %(day)s", day=name),
    }.get(nth) or say("the last %(day)s", day=name)


def period_words(text: str, opens_on: date, number: int) -> Sentence:
    """The name of a period: No. 3 · March, No. 2 · 2nd quarter, No. 7 · 17 November. `text`: the rule that is kept."""
    return say("No. %(number)s · %(name)s", number=number, name=_name(text, opens_on))


def _name(text: str, opens_on: date) -> Sentence | date:
    rule = parse(text)
    if rule.freq is not Freq.MONTHLY or len(rule.days) + len(rule.weekdays) > 1:
        return opens_on
    length = _stretch(rule.months)
    if length == 0:
        return MONTH_NAMES[opens_on.month - 1]
    return _quarter(opens_on) if length == QUARTER else _half(opens_on)


def _quarter(day: date) -> Sentence:
    return say("quarter %(n)s of %(year)s", n=(day.month - 1) // QUARTER + 1, year=day.year)


def _half(day: date) -> Sentence:
    if day.month <= HALF_YEAR:
        return say("first half of %(year)s", year=day.year)
    return say("second half of %(year)s", year=day.year)
