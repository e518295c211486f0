"""Parts add up exactly, whatever they are split by."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.rules.metrics import MetricKind
from campaign.rules.splitting import Balance, Sum, parts_of, quota_of, step_of

WEIGHTS = st.lists(st.integers(0, 10**7), min_size=1, max_size=40).filter(any)
TOTALS = st.decimals(0, 10**9, places=2)


@given(TOTALS, WEIGHTS, st.sampled_from((MetricKind.COUNT, MetricKind.AMOUNT)))
def test_parts_add_up_and_are_near_their_share(total, weights, kind):
    step = step_of(kind)
    parts = parts_of(total, [Decimal(weight) for weight in weights], step)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert part >= 0
        assert abs(part - total * weight / sum(weights)) <= step
        assert weight or not part  # who has nobody gets nothing
        assert total % step or not part % step


@given(TOTALS, st.integers(1, 300))
def test_even_parts_differ_by_one_step_at_most(total, n):
    parts = parts_of(total, [Decimal(1)] * n, Decimal("0.01"))
    assert sum(parts) == total
    assert max(parts) - min(parts) <= Decimal("0.01")


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (100, (1, 1, 1), (34, 33, 33)),
        (7, (0, 1, 1), (0, 4, 3)),
        (0, (3, 1), (0, 0)),
        ("10.5", (1, 1), ("5.3", "5.2")),  # a total that is no multiple of a step is split finer
        (10, ("0.5", "1.5"), (2, 8)),  # both end in a half: it goes to the larger
    ],
)
def test_some_by_hand(total, weights, parts):
    found = parts_of(Decimal(total), [Decimal(weight) for weight in weights])
    assert found == [Decimal(part) for part in parts]


@pytest.mark.parametrize("weights", [(), (0, 0), (-1, 2)])
def test_nothing_to_go_by(weights):
    with pytest.raises(ValueError, match="nothing"):
        parts_of(Decimal(5), [Decimal(weight) for weight in weights])


@pytest.mark.parametrize(
    ("total", "given_out", "reserve", "balance", "gap", "growth"),
    [
        (100, 90, 10, Balance.EVEN, 0, None),
        (100, 90, 0, Balance.UNDER, 10, None),
        (100, 100, 5, Balance.OVER, -5, None),  # held back too much, but nobody was asked for more
        (100, 120, 0, Balance.OVER, -20, 20),
        (None, 120, 0, Balance.OPEN, None, None),
        (0, 3, 0, Balance.OVER, -3, None),
    ],
)
def test_sums(total, given_out, reserve, balance, gap, growth):
    found = Sum(None if total is None else Decimal(total), Decimal(given_out), Decimal(reserve))
    assert (found.balance, found.gap, found.growth) == (balance, gap, growth)


def test_quotas():
    assert quota_of(Decimal("0.05"), Decimal(37), MetricKind.COUNT) == 2
    assert quota_of(Decimal(2), Decimal(40), MetricKind.COUNT) == 80
    assert quota_of(Decimal("0.335"), Decimal(3), MetricKind.AMOUNT) == Decimal("1.01")
