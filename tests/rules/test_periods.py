"""The law of periods in tables: what becomes of days that have come, whose turn it is, what counts as missed."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.rules.calendars import PLAIN, DayKind, Roll
from campaign.rules.dates import CountsFrom, DateRule, DueKind, end_of_day
from campaign.rules.periods import Outcome, passed, period_dates, period_outcome, period_rule, turns_ahead, window_end
from campaign.rules.plans import PeriodState
from campaign.rules.states import State

ZONE = "Asia/Shanghai"
NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)
TUESDAYS = [date(2026, 11, 3) + timedelta(weeks=week) for week in range(6)]


def window(days):
    return lambda day: None if days is None else day + timedelta(days=days)


@pytest.mark.parametrize(
    ("today", "days", "wanted"),
    [
        (date(2026, 11, 2), 4, []),
        (date(2026, 11, 3), 4, ["OPENED"]),
        (date(2026, 11, 7), 4, ["LATE"]),
        (date(2026, 11, 8), 4, ["MISSED"]),
        (date(2026, 11, 10), 4, ["MISSED", "OPENED"]),
        (date(2026, 11, 11), 20, ["LATE", "LATE"]),
        (date(2026, 11, 11), None, ["MISSED", "LATE"]),  # without a due date a period lasts until the next one
        (date(2027, 5, 1), None, ["MISSED"] * 5 + ["LATE"]),  # and the last one for ever
    ],
)
def test_what_becomes_of_the_days_that_have_come(today, days, wanted):
    found, following = passed(TUESDAYS, today, window(days))
    assert [each.state for each in found] == [PeriodState[name] for name in wanted]
    assert following == next((day for day in TUESDAYS if day > today), None)


def test_the_dates_count_from_the_opening_however_late_the_clock_comes():
    rule = period_rule(DateRule(DueKind.NONE, respond_days=2, grace_days=1), 10)
    on_time = period_dates(rule, date(2026, 11, 20), NOW, ZONE, PLAIN)
    late = period_dates(rule, date(2026, 11, 12), NOW, ZONE, PLAIN)
    later = period_dates(rule, date(2026, 11, 11), NOW, ZONE, PLAIN)
    assert on_time.due_at == end_of_day(date(2026, 11, 30), ZONE)
    assert on_time.respond_by == end_of_day(date(2026, 11, 22), ZONE)
    assert (late.due_at, late.respond_by) == (end_of_day(date(2026, 11, 22), ZONE),) * 2
    assert later.respond_by == later.due_at == end_of_day(date(2026, 11, 21), ZONE)
    assert window_end(rule, date(2026, 11, 12), ZONE, PLAIN) == date(2026, 11, 23)  # the cut-off


def test_a_window_counts_and_rolls_as_the_task_says():
    rule = period_rule(DateRule(DueKind.FIXED, days=DayKind.WORKING, counts_from=CountsFrom.SIGN_FOR), 3)
    assert window_end(rule, date(2026, 11, 20), ZONE, PLAIN) == date(2026, 11, 25)
    rolling = period_rule(DateRule(DueKind.NONE, roll=Roll.NEXT), 1)
    assert window_end(rolling, date(2026, 11, 20), ZONE, PLAIN) == date(2026, 11, 23)
    assert window_end(period_rule(DateRule(DueKind.NONE), None), date(2026, 11, 20), ZONE, PLAIN) is None


def test_turns_in_the_order_of_the_tree_and_round_again():
    assert turns_ahead([5, 3, 9], {}, 7) == [5, 3, 9, 5, 3, 9, 5]
    assert turns_ahead([5, 3, 9], {5: 1}, 4) == [3, 9, 5, 3]
    assert turns_ahead([5, 7, 3, 9], {5: 1, 3: 2, 9: 3}, 5) == [7, 5, 3, 9, 7]  # 7 came later
    assert turns_ahead([3, 9], {5: 1, 3: 2, 9: 3}, 3) == [3, 9, 3]  # 5 has ended
    assert turns_ahead([], {}, 3) == []


@given(st.lists(st.sets(st.integers(1, 6), min_size=1), min_size=1, max_size=30))
def test_nobody_has_a_second_turn_before_all_who_were_there_had_theirs(present):
    """Units come and go at any time."""
    last: dict[int, int] = {}
    for number, units in enumerate(present, 1):
        (turn,) = turns_ahead(sorted(units), last, 1)
        assert turn in units
        waiting = [unit for unit in units if all(unit in each for each in present[last.get(turn, 0) : number])]
        if turn in last:
            assert all(last.get(unit, 0) >= last[turn] for unit in waiting)
        last[turn] = number


PAST, FUTURE = NOW - timedelta(days=1), NOW + timedelta(days=1)
OUTCOMES = [
    (State.ISSUED, False, None, None, Outcome.WITH_OFFICER),
    (State.ISSUED, False, PAST, None, Outcome.MISSED),
    (State.ACKNOWLEDGED, False, PAST, None, Outcome.MISSED),
    (State.ACKNOWLEDGED, False, None, PAST, Outcome.MISSED),
    (State.ACKNOWLEDGED, False, FUTURE, PAST, Outcome.WITH_OFFICER),  # until the cut-off a report may still come
    (State.ACKNOWLEDGED, True, PAST, PAST, Outcome.WITH_OFFICER),  # was withdrawn
    (State.RETURNED, False, PAST, PAST, Outcome.WITH_OFFICER),
    (State.SUBMITTED, False, PAST, PAST, Outcome.WAITING),
    (State.APPROVED, False, PAST, PAST, Outcome.APPROVED),
    (State.CANCELLED, False, PAST, PAST, Outcome.CANCELLED),
]


@pytest.mark.parametrize(("state", "reported", "cut_off", "following", "outcome"), OUTCOMES)
def test_how_a_unit_stands_in_a_period(state, reported, cut_off, following, outcome):
    assert period_outcome(state, reported, cut_off, following, NOW) is outcome
