"""Time that counts: working hours between instants, days given back, the cool-down, and dates that move along."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from campaign.rules.calendars import PLAIN, Calendar, DayKind, Roll
from campaign.rules.standstill import days_given_back, elapsed, shifted, so_long_ago
from campaign.rules.states import State

ZONE = "Asia/Shanghai"
HOUR = timedelta(hours=1)


def at(day, hour=0):
    """November 2026, local: the 20th is a Friday."""
    return datetime(2026, 11, day, hour, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [(at(20, 10), at(20, 16), 6), (at(20, 10), at(21, 10), 14), (at(20, 10), at(23, 10), 24),
     (at(21, 3), at(22, 20), 0), (at(23, 10), at(23, 10), 0), (at(20, 10), at(27, 10), 120)],
)  # fmt: skip
def test_time_on_rest_days_does_not_count(start, end, hours):
    assert elapsed(start, end, PLAIN, DayKind.WORKING, ZONE) == hours * HOUR
    assert elapsed(start, end, PLAIN, DayKind.CALENDAR, ZONE) == end - start


@pytest.mark.parametrize("now", [at(20, 10), at(21, 4), at(22, 23), at(23, 0), at(23, 15), at(27, 10)])
@pytest.mark.parametrize("days", [1, 3])
def test_so_long_ago_is_the_instant_since_which_so_many_working_days_passed(now, days):
    then = so_long_ago(now, days, PLAIN, ZONE)
    assert elapsed(then, now, PLAIN, DayKind.WORKING, ZONE) == days * 24 * HOUR


def test_holidays_and_make_up_days_count_as_the_calendar_says():
    calendar = Calendar(1, 1, {date(2026, 11, 23): False, date(2026, 11, 21): True})
    assert elapsed(at(21), at(24), calendar, DayKind.WORKING, ZONE) == 24 * HOUR


@pytest.mark.parametrize(
    ("asked", "answered", "kind", "days"),
    [(at(20, 9), at(20, 18), DayKind.CALENDAR, 0), (at(20, 23), at(21, 8), DayKind.CALENDAR, 1),
     (at(20, 9), at(21, 18), DayKind.CALENDAR, 2), (at(20, 17), at(23, 9), DayKind.WORKING, 1),
     (at(21, 9), at(22, 9), DayKind.WORKING, 0), (at(2, 9), at(29, 9), DayKind.CALENDAR, 10)],
)  # fmt: skip
def test_whole_days_are_given_back(asked, answered, kind, days):
    assert days_given_back(asked, answered, PLAIN, kind, ZONE) == days


SIGN, DUE, LAGS = at(24, 23), at(26, 23), at(25, 23)


@dataclass(frozen=True)
class Stands:
    """Some dates."""

    state: State = State.ISSUED
    respond_by: datetime | None = SIGN
    due_at: datetime | None = DUE
    cut_off_at: datetime | None = None
    behind_at: datetime | None = LAGS


def test_every_date_moves_and_the_due_date_off_a_rest_day():
    moved = shifted(Stands(), at(20, 10), 2, PLAIN, DayKind.CALENDAR, Roll.NEXT, ZONE)
    assert (moved.respond_by, moved.due_at, moved.cut_off_at) == (
        at(26, 23),
        at(30, 23),
        None,
    )  # the 28th is a Saturday
    assert (moved.behind_at, moved.decided_until) == (at(27, 23), at(22, 10))


def test_the_date_to_sign_for_stays_once_it_was_signed_for_and_no_day_moves_nothing():
    moved = shifted(Stands(State.ACKNOWLEDGED), at(20, 10), 1, PLAIN, DayKind.WORKING, Roll.STAY, ZONE)
    assert (moved.respond_by, moved.due_at, moved.decided_until) == (at(24, 23), at(27, 23), at(23, 10))
    same = shifted(Stands(), at(20, 10), 0, PLAIN, DayKind.WORKING, Roll.NEXT, ZONE)
    assert (same.due_at, same.respond_by, same.decided_until) == (at(26, 23), at(24, 23), at(20, 10))
