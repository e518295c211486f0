"""The periods of a recurring task: which are to be opened, which were missed, whose turn it is, how each stands."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from itertools import zip_longest
from zoneinfo import ZoneInfo

from ..errors import say
from .calendars import Calendar
from .dates import CountsFrom, DateRule, Dates, DueKind, dates_at, local_day
from .plans import PeriodState
from .states import State

DAY = timedelta(days=1)
STOOD_STILL = say("The clock stood still while this period was open.")
NOBODY = say("No unit could receive this period.")


@dataclass(frozen=True)
class Turn:
    """A period that is opened: its number, the day it opens, and whose turn it is where the task rotates."""

    number: int
    opens_on: date
    unit_id: int | None = None


@dataclass(frozen=True)
class Passing:
    """A day of the rhythm that has come, and what becomes of it. `last_on`: the last day of its window; None: open."""

    opens_on: date
    last_on: date | None
    state: PeriodState


class Outcome(IntEnum):
    """How one unit stands in one period. MISSED is a question, not a state: a report may still come in time."""

    APPROVED = 1
    WAITING = 2
    WITH_OFFICER = 3
    MISSED = 4
    CANCELLED = 5
    NOT_APPLICABLE = 6


def start_of_day(day: date, zone: str) -> datetime:
    """The first instant of that day in the organisation's time zone, in UTC."""
    return datetime.combine(day, time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)


def period_rule(rule: DateRule, window_days: int | None) -> DateRule:
    """The dates of a period count from its opening day; a window, where there is one, is its due date."""
    if window_days is None:
        return rule
    return replace(rule, kind=DueKind.RELATIVE, due_days=window_days, counts_from=CountsFrom.ISSUE)


def period_dates(rule: DateRule, opens_on: date, now: datetime, zone: str, calendar: Calendar) -> Dates:
    """The dates of a period that is opened at `now`. Late or not it is due when it always was; only the time to sign
    for it begins with the opening."""
    dates = dates_at(rule, start_of_day(opens_on, zone), zone, calendar)
    if local_day(now, zone) <= opens_on:
        return dates
    respond_by = dates_at(rule, now, zone, calendar).respond_by
    return replace(dates, respond_by=min(respond_by, dates.due_at) if respond_by and dates.due_at else respond_by)


def window_end(rule: DateRule, opens_on: date, zone: str, calendar: Calendar) -> date | None:
    """The last day on which something is asked in a period: its cut-off, else its due date; None without either."""
    dates = dates_at(rule, start_of_day(opens_on, zone), zone, calendar)
    last = dates.cut_off_at or dates.due_at
    return None if last is None else local_day(last, zone)


def passed(
    days: Iterable[date], today: date, last_day: Callable[[date], date | None]
) -> tuple[list[Passing], date | None]:
    """What becomes of the days of the rhythm up to today, and the next one after it.

    `last_day`: the last day of the window that opens then; where there is none it lasts until the next one opens.
    """
    found: list[Passing] = []
    ordered = sorted(days)
    for day, after in zip_longest(ordered, ordered[1:]):
        if day > today:
            return found, day
        last_on = last_day(day) or (after - DAY if after else None)
        over = last_on is not None and last_on < today
        state = PeriodState.MISSED if over else PeriodState.OPENED if day == today else PeriodState.LATE
        found.append(Passing(day, last_on, state))
    return found, None


def turns_ahead(units: Sequence[int], last_turn: dict[int, int], how_many: int) -> list[int]:
    """Whose turns come next. `units` in the order of the tree; `last_turn`: the number of each one's latest period.

    It goes to who has waited longest, and among those who never had a turn by the order of the tree: so nobody has a
    second turn before all have had theirs, and who appears later comes next.
    """
    waiting = sorted(units, key=lambda unit: last_turn.get(unit, 0))
    rounds = how_many // len(waiting) + 1 if waiting else 0
    return (waiting * rounds)[:how_many]


SETTLED = {
    State.APPROVED: Outcome.APPROVED,
    State.CANCELLED: Outcome.CANCELLED,
    State.NOT_APPLICABLE: Outcome.NOT_APPLICABLE,
    State.SUBMITTED: Outcome.WAITING,
    State.DISPUTED: Outcome.WITH_OFFICER,  # nothing was to be reported while it waited for the decision
}


def period_outcome(
    state: State, reported: bool, cut_off_at: datetime | None, next_opens_at: datetime | None, now: datetime
) -> Outcome:
    """How an assignment of a period stands. `reported`: at least one version was submitted, whatever came of it.

    Missed: nothing was reported before the cut-off; without one, before the next period opened.
    """
    if state in SETTLED:
        return SETTLED[state]
    limit = cut_off_at or next_opens_at
    lapsed = limit is not None and limit < now
    return Outcome.MISSED if lapsed and not reported and state is not State.RETURNED else Outcome.WITH_OFFICER
