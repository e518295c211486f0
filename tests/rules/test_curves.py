"""The expected curve: quiet for a third of the time, then evenly up to the whole at the due date."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.rules.curves import Knot, Reach, behind_again, behind_at, knots_of, lags_at, part_of
from campaign.rules.dates import end_of_day, local_day
from campaign.rules.metrics import MetricKind, Value
from campaign.rules.milestones import Step

ZONE = "Asia/Shanghai"
START = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
DUE = end_of_day(date(2026, 12, 20), ZONE)
CASES = [
    (DUE, "0", date(2026, 11, 30)),  # a third of thirty days and a half
    (DUE, "0.25", date(2026, 12, 5)),
    (DUE, "0.5", date(2026, 12, 10)),
    (DUE, "0.9", date(2026, 12, 18)),
    (DUE, "0.999", None),  # the last day: its due date says enough
    (DUE, "1", None),
    (None, "0", None),
    (START + timedelta(days=6), "0", None),  # too short for a curve
]
shares = st.decimals(0, 1, places=4)


@pytest.mark.parametrize(("due_at", "reached", "day"), CASES)
def test_from_when_a_share_is_too_little(due_at, reached, day):
    moment = behind_at(START, due_at, Decimal(reached), ZONE)
    assert moment == (None if day is None else end_of_day(day, ZONE))


@given(shares, shares, st.integers(7, 400))
def test_who_has_reported_more_lags_behind_later(one, other, days):
    due = end_of_day(local_day(START, ZONE) + timedelta(days=days), ZONE)
    early, late = (behind_at(START, due, reached, ZONE) or due for reached in sorted((one, other)))
    assert START < early <= late <= due


@given(shares, st.integers(8, 200), st.integers(8, 200))
def test_a_moved_due_date_keeps_the_share_to_the_day(reached, days, moved):
    was, to = (end_of_day(local_day(START, ZONE) + timedelta(days=number), ZONE) for number in (days, moved))
    before, exact = behind_at(START, was, reached, ZONE), behind_at(START, to, reached, ZONE)
    again = behind_again(START, was, before, to, ZONE)
    if before is not None:
        assert abs((again or to) - (exact or to)) <= timedelta(days=2 + moved // days)


# Two thirds of the target after a year, all of it after two: 65 % in 2010, 75 % in 2011, 90 % in 2012.
BEGAN = datetime(2010, 1, 1, 1, 0, tzinfo=UTC)
THEN = end_of_day(date(2012, 12, 31), ZONE)
STEPS = [Step(date(2011, 12, 31), Decimal(75)), Step(date(2010, 12, 31), Decimal(65))]
MILESTONES = [
    ("0", date(2010, 5, 2)),  # a third of the first year is quiet
    ("64", date(2010, 12, 28)),
    ("65", date(2010, 12, 31)),  # what one milestone asks is enough for its day
    ("70", date(2011, 7, 2)),  # half of what the second year asks
    ("75", date(2011, 12, 31)),
    ("89", date(2012, 12, 7)),
    ("90", None),
]


@pytest.mark.parametrize(("reached", "day"), MILESTONES)
def test_milestones_are_measured_each_by_its_day(reached, day):
    whole = Decimal(90)
    knots = knots_of(whole, STEPS, ZONE)
    moment = behind_at(BEGAN, THEN, Decimal(reached) / whole, ZONE, knots)
    assert moment == (None if day is None else end_of_day(day, ZONE))
    later = end_of_day(date(2013, 6, 30), ZONE)
    again, exact = (
        behind_again(BEGAN, THEN, moment, later, ZONE, knots),
        behind_at(BEGAN, later, Decimal(reached) / whole, ZONE, knots),
    )
    assert (again is None) == (exact is None)
    assert again is None or abs(again - exact) <= timedelta(days=3)


def test_what_a_milestone_cannot_say_changes_nothing():
    plain = behind_at(START, DUE, Decimal("0.4"), ZONE)
    past, soon, after = (DUE - timedelta(days=days) for days in (60, 28, -3))
    odd = [Knot(past, Decimal("0.9")), Knot(soon, Decimal("0.9")), Knot(after, Decimal("0.9"))]
    assert behind_at(START, DUE, Decimal("0.4"), ZONE, odd) == plain
    less = [Knot(DUE - timedelta(10), Decimal("0.5")), Knot(DUE - timedelta(5), Decimal("0.4"))]
    assert behind_at(START, DUE, Decimal("0.6"), ZONE, less) == behind_at(START, DUE, Decimal("0.6"), ZONE, less[:1])
    assert knots_of(None, STEPS, ZONE) == knots_of(Decimal(0), STEPS, ZONE) == ()
    early = [Knot(DUE - timedelta(10), Decimal(2))]  # the whole is asked by then
    assert behind_at(START, DUE, Decimal("0.99"), ZONE, early) < DUE - timedelta(9)


REACHED = [
    (MetricKind.COUNT, 40, None, "0"),
    (MetricKind.COUNT, 40, Value(number=Decimal(10)), "0.25"),
    (MetricKind.COUNT, 40, Value(number=Decimal(50)), "1"),
    (MetricKind.RATE, 80, Value(numerator=Decimal(1), denominator=Decimal(5)), "0.25"),
    (MetricKind.RATE, 80, Value(), "0"),
    (MetricKind.AMOUNT, "0.02", Value(number=Decimal("0.01")), "0.5"),
]


@pytest.mark.parametrize(("kind", "target", "value", "expected"), REACHED)
def test_how_much_of_a_target_is_reached(kind, target, value, expected):
    assert part_of(kind, Decimal(target), value) == Decimal(expected)


def test_the_first_figure_that_lags_decides():
    quick, slow, done = Reach(Decimal("0.5")), Reach(Decimal("0.25")), Reach(Decimal(1))
    assert lags_at(START, DUE, [quick, done, slow], ZONE) == behind_at(START, DUE, Decimal("0.25"), ZONE)
    asks = Reach(Decimal("0.5"), (Knot(DUE - timedelta(20), Decimal("0.9")),))
    assert lags_at(START, DUE, [quick, asks, slow], ZONE) == behind_at(START, DUE, Decimal("0.5"), ZONE, asks.knots)
    assert lags_at(START, DUE, [done], ZONE) is lags_at(START, DUE, [], ZONE) is None
