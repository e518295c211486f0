"""Dates end with their day where the organisation is; lights follow from state, date and clock alone."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.rules.dates import (
    DateRule,
    DueKind,
    Light,
    dates_at,
    end_of_day,
    light_of,
    local_day,
    review_due,
)  # fmt: skip
from campaign.rules.states import State

TENTH_DAY = date(2026, 11, 30)
ZONE = "Asia/Shanghai"
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)  # ten in the morning of the 20th in Shanghai
LATE = datetime(2026, 11, 20, 16, 30, tzinfo=UTC)  # half past midnight of the 21st in Shanghai

instants = st.integers(946_684_800, 4_102_358_400).map(lambda second: datetime.fromtimestamp(second, UTC))
zones = st.sampled_from(["Asia/Shanghai", "UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"])


def test_a_day_ends_where_the_organisation_is():
    assert end_of_day(date(2026, 11, 20), ZONE) == datetime(2026, 11, 20, 15, 59, 59, 999999, tzinfo=UTC)


def test_the_day_of_an_instant_is_the_organisations():
    assert local_day(NOW, ZONE) == date(2026, 11, 20)
    assert local_day(LATE, ZONE) == date(2026, 11, 21)


@given(instants, zones)
def test_an_instant_lies_within_its_day(moment, zone):
    day = local_day(moment, zone)
    assert end_of_day(day - timedelta(days=1), zone) < moment <= end_of_day(day, zone)


# What the task asks for, and what follows when it is dispatched at NOW: respond by, due, cut-off, as days there.
CASES = [
    (DateRule(DueKind.NONE), None, None, None),
    (DateRule(DueKind.FIXED, due_on=TENTH_DAY), None, TENTH_DAY, None),
    (DateRule(DueKind.FIXED, TENTH_DAY, None, 3), date(2026, 11, 23), TENTH_DAY, None),
    (DateRule(DueKind.FIXED, TENTH_DAY, None, 3, 5), date(2026, 11, 23), TENTH_DAY, date(2026, 12, 5)),
    (DateRule(DueKind.FIXED, TENTH_DAY, None, None, 0), None, TENTH_DAY, TENTH_DAY),
    (DateRule(DueKind.RELATIVE, due_days=10), None, TENTH_DAY, None),
    (DateRule(DueKind.RELATIVE, due_days=0), None, date(2026, 11, 20), None),  # today still has its evening
    (DateRule(DueKind.FIXED, date(2026, 11, 21), None, 7), date(2026, 11, 21), date(2026, 11, 21), None),  # not later
    (DateRule(DueKind.NONE, respond_days=2), date(2026, 11, 22), None, None),
    (DateRule(DueKind.NONE, respond_days=2, grace_days=9), date(2026, 11, 22), None, None),  # no due date, no cut-off
    (DateRule(DueKind.RELATIVE, due_on=date(2030, 1, 1), due_days=1), None, date(2026, 11, 21), None),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "respond_by", "due", "cut_off"), CASES)
def test_dates_follow_from_the_rule_and_the_day_of_dispatch(rule, respond_by, due, cut_off):
    dates = dates_at(rule, NOW, ZONE)
    found = [moment and local_day(moment, ZONE) for moment in (dates.respond_by, dates.due_at, dates.cut_off_at)]
    assert found == [respond_by, due, cut_off]


def test_days_are_counted_from_the_day_it_is_there():
    assert dates_at(DateRule(DueKind.RELATIVE, due_days=1), LATE, ZONE).due_at == end_of_day(date(2026, 11, 22), ZONE)


@given(
    instants,
    zones,
    st.integers(0, 400),
    st.none() | st.integers(0, 400),
    st.none() | st.integers(0, 400),
)
def test_dates_keep_their_order(issued, zone, due_days, respond_days, grace_days):
    rule = DateRule(DueKind.RELATIVE, due_days=due_days, respond_days=respond_days, grace_days=grace_days)
    dates = dates_at(rule, issued, zone)
    assert dates.due_at is not None and dates.due_at >= issued
    assert dates.respond_by is None or issued <= dates.respond_by <= dates.due_at
    assert dates.cut_off_at is None or dates.cut_off_at >= dates.due_at


def test_a_level_has_three_working_days():
    assert review_due(NOW, ZONE) == end_of_day(date(2026, 11, 25), ZONE)


SOON, FAR, PAST = NOW + timedelta(days=2), NOW + timedelta(days=30), NOW - timedelta(seconds=1)
LIGHTS = [
    (State.ISSUED, FAR, FAR, Light.NEW),
    (State.ISSUED, SOON, None, Light.NEW),  # first sign for it; the card says how long is left
    (State.ISSUED, PAST, PAST, Light.OVERDUE),
    (State.ISSUED, None, None, Light.NEW),
    (State.ISSUED, FAR, PAST, Light.BEHIND),
    (State.ACKNOWLEDGED, FAR, SOON, Light.OPEN),
    (State.ACKNOWLEDGED, FAR, NOW, Light.BEHIND),  # as the ladder asks it
    (State.ACKNOWLEDGED, SOON, PAST, Light.BEHIND),  # more urgent than near due
    (State.ACKNOWLEDGED, SOON, None, Light.DUE),
    (State.ACKNOWLEDGED, PAST, PAST, Light.OVERDUE),
    (State.ACKNOWLEDGED, None, None, Light.OPEN),
    (State.ACKNOWLEDGED, NOW, None, Light.DUE),  # the last microsecond is still in time
    (State.SUBMITTED, FAR, PAST, Light.WAITING),
    (State.SUBMITTED, PAST, PAST, Light.WAITING),  # the officer has done her part; the reviewer's date is another
    (State.RETURNED, FAR, FAR, Light.RETURNED),
    (State.RETURNED, PAST, PAST, Light.RETURNED),
    (State.APPROVED, PAST, PAST, Light.DONE),
    (State.CANCELLED, PAST, PAST, Light.CANCELLED),
]
STILL = {State.ISSUED: Light.NEW, State.ACKNOWLEDGED: Light.OPEN, State.RETURNED: Light.OPEN}


@pytest.mark.parametrize(("state", "due_at", "behind_at", "light"), LIGHTS)
def test_the_light_of_an_assignment(state, due_at, behind_at, light):
    assert light_of(state, due_at, behind_at, NOW) is light
    assert light_of(state, due_at, behind_at, NOW, suspended=True) is STILL.get(state, light)


@given(st.sampled_from(list(State)), st.none() | instants, st.none() | instants, instants, st.booleans())
def test_every_assignment_has_a_light(state, due_at, behind_at, now, suspended):
    light = light_of(state, due_at, behind_at, now, suspended)
    assert (light is Light.OVERDUE) <= (due_at is not None and due_at < now)
    assert (light is Light.BEHIND) <= (behind_at is not None and behind_at <= now)
    assert not (suspended and light in (Light.RETURNED, Light.OVERDUE, Light.BEHIND, Light.DUE))


def test_lights_stand_in_order_of_urgency():
    assert sorted(Light)[:4] == [Light.RETURNED, Light.OVERDUE, Light.BEHIND, Light.DUE]
