"""The expected curve: quiet for a third of the time, then evenly up to the whole at the due date."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.rules.curves import behind_again, behind_at, share
from campaign.rules.dates import end_of_day, local_day
from campaign.rules.metrics import MetricKind, Value

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


REACHED = [
    ([], "0"),
    ([(MetricKind.COUNT, Decimal(40), None)], "0"),
    ([(MetricKind.COUNT, Decimal(40), Value(number=Decimal(10)))], "0.25"),
    ([(MetricKind.COUNT, Decimal(40), Value(number=Decimal(50)))], "1"),
    ([(MetricKind.RATE, Decimal(80), Value(numerator=Decimal(1), denominator=Decimal(5)))], "0.25"),
    ([(MetricKind.RATE, Decimal(80), Value())], "0"),
    (
        [
            (MetricKind.COUNT, Decimal(40), Value(number=Decimal(30))),
            (MetricKind.AMOUNT, Decimal("0.02"), Value(number=Decimal("0.01"))),
        ],
        "0.5",
    ),
]


@pytest.mark.parametrize(("figures", "expected"), REACHED)
def test_the_smallest_share_decides(figures, expected):
    assert share(figures) == Decimal(expected)
