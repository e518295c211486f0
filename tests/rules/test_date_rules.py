"""The rules of dates as tables: what is counted, from where, what a rest day does, and what says so."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.rules.calendars import Calendar, DayKind, Roll
from campaign.rules.curves import behind_again, behind_at
from campaign.rules.dates import CountsFrom, DateRule, DueKind, Explanation, dates_at, end_of_day, explain, local_day
from campaign.rules.planning import TaskPlan, check_task, warn_task

ZONE = "Asia/Shanghai"
# National Day of 2026: rest from the 1st to the 7th of October; the Sunday before and the Saturday after are worked.
HOLIDAYS = {date(2026, 10, day): False for day in range(1, 8)} | {date(2026, 9, 27): True, date(2026, 10, 10): True}
CALENDAR = Calendar(1, 1, HOLIDAYS, date(2026, 12, 31))
C, W = DayKind.CALENDAR, DayKind.WORKING
STAY, NEXT, PREVIOUS = Roll.STAY, Roll.NEXT, Roll.PREVIOUS


def at(day):
    """Ten in the morning of that day in Shanghai."""
    return datetime(day.year, day.month, day.day, 2, tzinfo=UTC)


def rule(days, kind=C, roll=STAY, **more):
    return DateRule(DueKind.RELATIVE, due_days=days, days=kind, roll=roll, **more)


def fixed(day, roll=STAY, **more):
    return DateRule(DueKind.FIXED, due_on=day, roll=roll, **more)


def occasion(on, days, kind=C, roll=STAY, **more):
    return DateRule(DueKind.OCCASION, due_days=days, occasion_on=on, days=kind, roll=roll, **more)


D = date
DUE = [
    # counted from the dispatch
    (rule(10), D(2026, 9, 20), D(2026, 9, 30)),
    (rule(3, W), D(2026, 9, 25), D(2026, 9, 29)),  # the Sunday before the holiday is worked
    (rule(3, W), D(2026, 9, 29), D(2026, 10, 9)),  # the 30th, then the 8th and the 9th
    (rule(5, W), D(2026, 9, 30), D(2026, 10, 13)),  # 8, 9, the worked Saturday 10, 12, 13
    (rule(1, W), D(2026, 10, 3), D(2026, 10, 8)),  # dispatched on a rest day
    # over the end of the year, and in February
    (rule(30), D(2026, 12, 20), D(2027, 1, 19)),
    (rule(5, W), D(2026, 12, 28), D(2027, 1, 4)),  # the holidays of 2027 are not known: Monday to Friday
    (rule(1), D(2028, 2, 28), D(2028, 2, 29)),
    (rule(366), D(2028, 2, 29), D(2029, 3, 1)),
    (rule(1), D(2027, 2, 28), D(2027, 3, 1)),
    # rolled off a rest day
    (fixed(D(2026, 10, 3)), D(2026, 9, 1), D(2026, 10, 3)),
    (fixed(D(2026, 10, 3), NEXT), D(2026, 9, 1), D(2026, 10, 8)),
    (fixed(D(2026, 10, 3), PREVIOUS), D(2026, 9, 1), D(2026, 9, 30)),
    (fixed(D(2026, 10, 10), NEXT), D(2026, 9, 1), D(2026, 10, 10)),  # a Saturday that is worked
    (fixed(D(2026, 10, 11), NEXT), D(2026, 9, 1), D(2026, 10, 12)),
    (fixed(D(2026, 10, 11), PREVIOUS), D(2026, 9, 1), D(2026, 10, 10)),
    (fixed(D(2027, 1, 2), NEXT), D(2026, 9, 1), D(2027, 1, 4)),
    (rule(3, C, NEXT), D(2026, 9, 30), D(2026, 10, 8)),
    # by an occasion
    (occasion(D(2026, 11, 16), -1), D(2026, 9, 1), D(2026, 11, 15)),
    (occasion(D(2026, 11, 16), -1, C, PREVIOUS), D(2026, 9, 1), D(2026, 11, 13)),
    (occasion(D(2026, 11, 16), -1, W), D(2026, 9, 1), D(2026, 11, 13)),
    (occasion(D(2026, 10, 8), -2, W), D(2026, 9, 1), D(2026, 9, 29)),
    (occasion(D(2026, 11, 16), 0), D(2026, 9, 1), D(2026, 11, 16)),
    (occasion(D(2026, 11, 16), 10), D(2026, 9, 1), D(2026, 11, 26)),
    (occasion(None, -1), D(2026, 9, 1), None),
    (occasion(D(2026, 8, 1), -1), D(2026, 9, 1), D(2026, 7, 31)),  # over already
]


@pytest.mark.parametrize(("asked", "dispatched", "due"), DUE)
def test_when_it_is_due(asked, dispatched, due):
    found = dates_at(asked, at(dispatched), ZONE, CALENDAR).due_at
    assert found == (None if due is None else end_of_day(due, ZONE))


def test_days_from_the_sign_for_begin_there_and_not_before():
    asked = rule(20, W, NEXT, counts_from=CountsFrom.SIGN_FOR, respond_days=3, grace_days=5)
    before = dates_at(asked, at(D(2026, 9, 1)), ZONE, CALENDAR)
    assert (before.due_at, before.cut_off_at) == (None, None)
    assert before.respond_by == end_of_day(D(2026, 9, 4), ZONE)
    after = dates_at(asked, at(D(2026, 9, 1)), ZONE, CALENDAR, signed_at=at(D(2026, 9, 10)))
    assert after.due_at == end_of_day(D(2026, 10, 13), ZONE)  # 11, 14-18, 21-25, 27-30 Sep, 8-10, 12, 13 Oct
    assert after.cut_off_at == end_of_day(D(2026, 10, 20), ZONE)


def test_the_cut_off_counts_from_where_the_due_date_came_to():
    asked = fixed(D(2026, 10, 3), NEXT, grace_days=5)
    assert dates_at(asked, at(D(2026, 9, 1)), ZONE, CALENDAR).cut_off_at == end_of_day(D(2026, 10, 13), ZONE)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (fixed(D(2026, 10, 3), NEXT), Explanation(D(2026, 10, 3), D(2026, 10, 8), NEXT)),
        (fixed(D(2026, 10, 3), PREVIOUS), Explanation(D(2026, 10, 3), D(2026, 9, 30), PREVIOUS)),
        (fixed(D(2026, 10, 3)), Explanation(D(2026, 10, 3), D(2026, 10, 3), STAY)),
        (fixed(D(2026, 10, 9), NEXT), Explanation(D(2026, 10, 9), D(2026, 10, 9), STAY)),  # the rule had nothing to do
        (occasion(None, -1, C, NEXT), None),
        (DateRule(DueKind.NONE, roll=NEXT), None),
    ],
)
def test_the_rule_that_moved_it_is_named(asked, told):
    assert explain(asked, D(2026, 9, 1), CALENDAR) == told


days = st.dates(D(2024, 1, 1), D(2030, 12, 31))
calendars = st.dictionaries(days, st.booleans(), max_size=40).map(lambda marks: Calendar(1, 1, marks))


@given(days, st.integers(1, 400), st.sampled_from([C, W]), st.sampled_from([NEXT, PREVIOUS]), calendars)
def test_a_due_date_that_rolls_is_never_on_a_rest_day(dispatched, number, kind, roll, calendar):
    dates = dates_at(rule(number, kind, roll), at(dispatched), ZONE, calendar)
    due = local_day(dates.due_at, ZONE)
    assert calendar.works(due)
    explanation = explain(rule(number, kind, roll), dispatched, calendar)
    assert explanation.due == due
    assert (explanation.roll is STAY) == (explanation.wished == due)


@given(days, st.none() | days, st.none() | days, st.integers(-30, 30), st.sampled_from([C, W]), st.sampled_from(Roll))
def test_an_occasion_that_is_moved_and_moved_back_gives_the_same_dates(dispatched, first, then, number, kind, roll):
    def dates(on):
        return dates_at(occasion(on, number, kind, roll, grace_days=3), at(dispatched), ZONE, CALENDAR)

    before, _, after = dates(first), dates(then), dates(first)
    assert before == after
    assert (dates(first).due_at is None) == (first is None)


@given(days, st.integers(7, 300), st.integers(7, 300), st.decimals(0, Decimal("0.99"), places=2))
def test_lagging_behind_moves_with_the_due_date_and_never_past_it(begun, length, other, share):
    start, due, new = at(begun), *(end_of_day(begun + timedelta(days=number), ZONE) for number in (length, other))
    was = behind_at(start, due, share, ZONE)
    again = behind_again(start, due, was, new, ZONE)
    assert behind_again(start, due, was, due, ZONE) == was
    assert again is None or start < again < new
    if share == 0:
        assert again == behind_at(start, new, Decimal(0), ZONE)
    assert behind_again(start, due, was, None, ZONE) is None


def test_what_should_be_looked_at_before_the_issue():
    from_signing = TaskPlan(title="建", due_kind=DueKind.RELATIVE, due_days=9, counts_from=CountsFrom.SIGN_FOR)
    by_occasion = TaskPlan(title="迎", due_kind=DueKind.OCCASION, due_days=-1, occasion="党代会")
    assert [problem.where for problem in warn_task(from_signing, None, None)] == ["respond_days"]
    assert [problem.where for problem in warn_task(by_occasion, None, None)] == ["due.event"]
    assert warn_task(by_occasion, None, None, occasion_on=D(2027, 3, 15)) == []
    assert [problem.where for problem in check_task(by_occasion, None, ()) if problem.where == "due.event"] != []
