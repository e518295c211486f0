"""Working days: counting and rolling against brute force, and the statutory days against what others know of them."""

from datetime import UTC, date, datetime, timedelta

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lunar_python.util import HolidayUtil

from campaign.documents.calendars import statutory_days
from campaign.rules.calendars import (
    PLAIN,
    Calendar,
    DayKind,
    Mark,
    Roll,
    festival,
    is_provisional,
    may_keep,
    may_see,
)
from campaign.rules.organisation import SYSTEM, Actor, Level, Line, PostFact, Role

DAY = timedelta(days=1)
ZONE = "Asia/Shanghai"
OURS = Calendar(1, 1, {one.day: one.mark is Mark.WORK for one in statutory_days()}, date(2026, 12, 31))
PUBLISHED = (2024, 2025, 2026)
# As the State Council's notices say: worked or not.
KNOWN = (
    ("2025-01-01", False), ("2025-01-26", True), ("2025-01-28", False), ("2025-02-04", False), ("2025-02-08", True),
    ("2025-04-04", False), ("2025-04-27", True), ("2025-05-05", False), ("2025-06-02", False), ("2025-09-28", True),
    ("2025-10-08", False), ("2025-10-11", True), ("2026-01-02", False), ("2026-01-04", True), ("2026-02-14", True),
    ("2026-02-16", False), ("2026-02-23", False), ("2026-02-28", True), ("2026-05-09", True), ("2026-09-20", True),
    ("2026-09-25", False), ("2026-10-07", False), ("2026-10-10", True),
)  # fmt: skip

days = st.dates(date(2024, 1, 1), date(2027, 12, 31))
marked = st.dictionaries(st.dates(date(2025, 12, 1), date(2026, 12, 31)), st.booleans(), max_size=60)


def days_of(year):
    return [date(year, 1, 1) + number * DAY for number in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)]


# -- counting --------------------------------------------------------------------------------------------------------


@given(marked, st.dates(date(2026, 1, 1), date(2026, 12, 1)), st.integers(1, 40))
def test_counting_is_walking_day_by_day(exceptions, start, number):
    calendar = Calendar(1, 1, exceptions)
    end = calendar.after(start, number, DayKind.WORKING)
    walked = [start + step * DAY for step in range(1, (end - start).days + 1)]
    worked = [day for day in walked if exceptions.get(day, day.weekday() < 5)]
    assert len(worked) == number
    assert worked[-1] == end


@given(marked, days, st.integers(1, 40))
def test_there_and_back_is_where_one_began(exceptions, start, number):
    calendar = Calendar(1, 1, exceptions)
    start = calendar.rolled(start, Roll.NEXT)
    assert calendar.after(calendar.after(start, number, DayKind.WORKING), -number, DayKind.WORKING) == start
    assert calendar.after(calendar.after(start, -number, DayKind.WORKING), number, DayKind.WORKING) == start
    assert calendar.after(calendar.after(start, number, DayKind.CALENDAR), -number, DayKind.CALENDAR) == start


@given(marked, days, st.sampled_from(Roll))
def test_a_rolled_day_stays_where_it_is(exceptions, day, roll):
    calendar = Calendar(1, 1, exceptions)
    rolled = calendar.rolled(day, roll)
    assert calendar.rolled(rolled, roll) == rolled
    assert roll is Roll.STAY or calendar.works(rolled)
    between = [day + step * DAY for step in range((rolled - day).days)] if rolled > day else []
    assert not any(calendar.works(one) for one in between)
    assert {Roll.STAY: rolled == day, Roll.NEXT: rolled >= day, Roll.PREVIOUS: rolled <= day}[roll]


@given(marked, days, st.integers(-30, 30), st.integers(1, 10))
def test_more_days_never_end_earlier(exceptions, start, number, more):
    calendar = Calendar(1, 1, exceptions)
    if number == 0:  # no day at all is the day itself, even where it is not worked
        start = calendar.rolled(start, Roll.NEXT)
    assert calendar.after(start, number, DayKind.WORKING) < calendar.after(start, number + more, DayKind.WORKING) or (
        number < 0 <= number + more and not calendar.works(start)
    )


@given(marked, st.dictionaries(days, st.sampled_from(Mark), max_size=20))
def test_a_corrected_calendar_says_what_it_was_told_and_else_what_it_said(exceptions, changes):
    before = Calendar(1, 4, exceptions, date(2026, 12, 31))
    after = before.corrected(changes, date(2027, 12, 31))
    assert (after.id, after.version, after.known_until) == (1, 5, date(2027, 12, 31))
    for day in {*exceptions, *changes}:
        assert after.mark(day) == changes.get(day, before.mark(day))
    assert before.exceptions == exceptions


# -- the statutory days ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("day", "works"), KNOWN)
def test_the_notices_are_followed(day, works):
    assert OURS.works(date.fromisoformat(day)) is works


@pytest.mark.parametrize(
    ("first", "last", "made_up"),
    [
        ("2025-01-28", "2025-02-04", ("2025-01-26", "2025-02-08")),
        ("2025-10-01", "2025-10-08", ("2025-09-28", "2025-10-11")),
        ("2026-02-15", "2026-02-23", ("2026-02-14", "2026-02-28")),
        ("2026-10-01", "2026-10-07", ("2026-09-20", "2026-10-10")),
    ],
)
def test_the_long_holidays_are_exact(first, last, made_up):
    first, last = date.fromisoformat(first), date.fromisoformat(last)
    assert not any(OURS.works(first + step * DAY) for step in range((last - first).days + 1))
    assert OURS.works(last + DAY)
    assert OURS.rolled(first, Roll.NEXT) == last + DAY
    for day in map(date.fromisoformat, made_up):
        assert day.weekday() >= 5
        assert OURS.works(day)
        assert OURS.mark(day) is Mark.WORK
    before = OURS.rolled(first, Roll.PREVIOUS)
    assert before == (first - DAY if OURS.works(first - DAY) else before)
    assert OURS.after(last + DAY, -1, DayKind.WORKING) == before


@pytest.mark.parametrize("year", PUBLISHED)
def test_two_others_know_the_same_days(year):
    library = holidays.country_holidays("CN", years=year)
    others = {
        day: (day.weekday() < 5 and day not in library) or day in library.weekend_workdays for day in days_of(year)
    }
    assert {day: OURS.works(day) for day in days_of(year)} == others
    listed = {date.fromisoformat(one.getDay()): one.isWork() for one in HolidayUtil.getHolidays(year)}
    assert {day: works for day, works in OURS.exceptions.items() if day.year == year} == listed


def test_of_2027_the_days_are_known_and_the_make_up_days_are_not():
    ahead = [one for one in statutory_days() if one.day.year == 2027]
    assert len(ahead) == 13  # new year 1, spring 4, tombs 1, labour 2, boats 1, mid-autumn 1, national 3
    assert not any(one.published or one.mark is Mark.WORK for one in ahead)
    library = holidays.country_holidays("CN", years=2027)
    assert all(one.day in library for one in ahead)
    assert not OURS.knows(date(2027, 1, 1))


def test_a_festival_has_one_name():
    assert festival("春节") == festival("spring festival") == "Spring Festival"
    assert festival("县庆日") == "县庆日"
    assert {one.name for one in statutory_days()} == {festival(one.name) for one in statutory_days()}


# -- provisional, and who may ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "provisional"),
    [
        (None, False),
        (datetime(2026, 12, 31, 15, 59, 59, 999999, UTC), False),  # the last moment of the year in Shanghai
        (datetime(2026, 12, 31, 16, tzinfo=UTC), True),
        (datetime(2027, 5, 1, tzinfo=UTC), True),
    ],
)
def test_what_lies_after_the_last_known_day_is_provisional(moment, provisional):
    assert is_provisional(moment, OURS, ZONE) is provisional


def test_without_a_known_day_every_date_is_provisional():
    assert is_provisional(datetime(2020, 1, 1, tzinfo=UTC), PLAIN, ZONE)


def holder(role, line=Line.PARTY, lft=3, rgt=8):
    return Actor(7, "管理者", (PostFact(1, 1, role, line, Level.COUNTY, lft, rgt),))


@pytest.mark.parametrize(
    ("actor", "area", "sees", "keeps"),
    [
        (SYSTEM, (1, 99), True, True),
        (holder(Role.ADMINISTRATOR), (3, 8), True, True),
        (holder(Role.ADMINISTRATOR), (5, 6), True, True),
        (holder(Role.ADMINISTRATOR), (1, 99), True, False),  # goes by it, and may not touch it
        (holder(Role.ADMINISTRATOR), (9, 9), False, False),
        (holder(Role.ADMINISTRATOR, Line.WOMEN), (5, 6), True, False),  # it would bind the other lines too
        (holder(Role.AUDITOR), (5, 6), True, False),
        (holder(Role.OFFICER), (5, 6), False, False),
        (holder(Role.ADMINISTRATOR, lft=1, rgt=99), (1, 1 << 31), True, True),
    ],
)
def test_who_sees_and_who_keeps_a_calendar(actor, area, sees, keeps):
    assert (may_see(actor, *area), may_keep(actor, area[0])) == (sees, keeps)
