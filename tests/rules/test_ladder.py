"""The ladder: reminders before the date, escalation after it, in order, none skipped."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.rules.ladder import LADDER, RUNGS, Sweep, planned, rung_time, rungs_from
from campaign.rules.states import CLOSED, State

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)
seconds = st.integers(1_577_836_800, 2_208_988_800)  # from 2020 to 2040
dates = st.none() | seconds.map(lambda second: datetime.fromtimestamp(second, UTC))

# The rung, what it counts from, how far, how many levels above the unit are told.
# A date ends with the last microsecond of its day; nine in the morning of that day is this far from it.
NINE = timedelta(hours=9, microseconds=1) - DAY
TABLE_OF_RUNGS = [
    (1, Sweep.REMIND, "respond_by", NINE - 1 * DAY, 0),
    (2, Sweep.REMIND, "due_at", NINE - 3 * DAY, 0),
    (3, Sweep.REMIND, "due_at", NINE - 1 * DAY, 0),
    (4, Sweep.ESCALATE, "due_at", NINE + 1 * DAY, 1),
    (5, Sweep.ESCALATE, "due_at", NINE + 4 * DAY, 2),
]


def test_the_clock_speaks_at_nine_in_the_morning():
    due = datetime(2026, 11, 30, 15, 59, 59, 999999, tzinfo=UTC)  # the end of the day in Shanghai
    times = [(when + timedelta(hours=8)).strftime("%m-%d %H:%M:%S.%f") for when, _ in planned(None, due)]
    assert times == [f"{day} 09:00:00.000000" for day in ("11-27", "11-29", "12-01", "12-04")]


def test_the_ladder_is_this_one():
    assert [(r.number, r.sweep, r.anchor, r.offset, r.levels_up) for r in LADDER] == TABLE_OF_RUNGS


def test_rungs_are_numbered_upwards_without_gaps():
    assert list(RUNGS) == list(range(1, len(LADDER) + 1))


def test_what_is_closed_is_never_urged():
    assert not any(state in rung.states for rung in LADDER for state in (*CLOSED, State.SUBMITTED))


def test_signing_for_is_urged_only_until_it_is_done():
    assert RUNGS[1].states == (State.ISSUED,)


def test_every_rung_says_itself_in_the_log():
    assert all(rung.tag.startswith("assignment:clock:") for rung in LADDER)


def test_escalation_climbs():
    levels = [rung.levels_up for rung in LADDER if rung.sweep is Sweep.ESCALATE]
    assert levels == sorted(set(levels)) and levels[0] == 1


@given(dates, dates)
def test_a_rung_without_its_date_has_no_time(respond_by, due_at):
    for rung in LADDER:
        anchor = respond_by if rung.anchor == "respond_by" else due_at
        assert (rung_time(rung, respond_by, due_at) is None) == (anchor is None)


@given(dates, dates, st.integers(0, 5))
def test_the_plan_is_in_order_and_only_upwards(respond_by, due_at, after):
    plan = planned(respond_by, due_at, after)
    assert [when for when, _ in plan] == sorted(when for when, _ in plan)
    assert all(rung.number > after for _, rung in plan)


@given(dates, dates)
def test_every_rung_with_a_date_is_planned(respond_by, due_at):
    expected = {rung.number for rung in LADDER if rung_time(rung, respond_by, due_at)}
    assert {rung.number for _, rung in planned(respond_by, due_at)} == expected


@given(dates, dates)
def test_at_dispatch_no_reminder_lies_in_the_past(respond_by, due_at):
    first = rungs_from(respond_by, due_at, NOW)
    assert first is None or first[1].sweep is Sweep.ESCALATE or first[0] > NOW


FIRSTS = [
    (NOW + 2 * DAY, NOW + 10 * DAY, 1),  # the reminder to sign for comes first
    (None, NOW + 10 * DAY, 2),
    (None, NOW + 2 * DAY, 3),  # three days before is past already
    (None, NOW + DAY / 2, 4),
    (None, NOW - DAY, 4),  # dispatched late: it escalates at once, it is not forgiven
    (NOW + DAY / 2, None, None),  # too late to remind, nothing to escalate
    (None, None, None),
]


@pytest.mark.parametrize(("respond_by", "due_at", "number"), FIRSTS)
def test_the_first_rung_after_dispatch(respond_by, due_at, number):
    first = rungs_from(respond_by, due_at, NOW)
    assert (first and first[1].number) == number
