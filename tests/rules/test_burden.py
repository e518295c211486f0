"""The load of a unit: what is asked per week, by the time that is left."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from campaign.rules.burden import Ask, Burden, burden, same_period

NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days", "forms", "fields", "photos"),
    [(7, "1.0", "6.0", "2.0"), (70, "0.1", "0.6", "0.2"), (1, "1.0", "6.0", "2.0"), (-30, "1.0", "6.0", "2.0"),
     (None, "0.3", "1.5", "0.5")],
)  # fmt: skip
def test_work_is_spread_over_the_weeks_that_are_left(days, forms, fields, photos):
    due_at = None if days is None else NOW + timedelta(days=days)
    found = burden([Ask(due_at, 6, 2)], NOW)
    assert found == Burden(1, Decimal(forms), Decimal(fields), Decimal(photos))


def test_many_add_up_and_none_is_nothing():
    late = Ask(NOW - timedelta(days=1), 3, 0, n=4)
    assert burden([late, Ask(NOW + timedelta(days=14), 2, 4)], NOW) == Burden(
        5, Decimal("4.5"), Decimal(13), Decimal(2)
    )
    assert burden([], NOW) == Burden()


@pytest.mark.parametrize(
    ("today", "opened_on", "since"),
    [(date(2026, 11, 20), None, date(2026, 10, 1)), (date(2026, 3, 31), None, date(2026, 1, 1)),
     (date(2026, 11, 20), date(2026, 11, 2), date(2026, 11, 2))],
)  # fmt: skip
def test_a_period_begins_with_its_opening_or_with_the_quarter(today, opened_on, since):
    assert same_period(today, opened_on) == since
