"""The law of distances and of comparison, as tables."""

from decimal import Decimal

import pytest

from campaign.rules.distances import Entry, comparable, compared, left_to, share_of
from campaign.rules.metrics import Comparator, MetricKind

AT_LEAST, AT_MOST, EQUAL = Comparator.AT_LEAST, Comparator.AT_MOST, Comparator.EQUAL


@pytest.mark.parametrize(
    ("figure", "comparator", "target", "left"),
    [(6214, AT_LEAST, 8500, 2286), (9000, AT_LEAST, 8500, 0), (3, AT_MOST, 0, 3), (0, AT_MOST, 0, 0),
     (5, EQUAL, 7, 2), (9, EQUAL, 7, 2), (7, EQUAL, 7, 0), (1, Comparator.NONE, 7, None), (None, AT_LEAST, 7, None),
     (1, AT_LEAST, None, None)],
)  # fmt: skip
def test_the_distance_to_a_target(figure, comparator, target, left):
    figure, target = (None if n is None else Decimal(n) for n in (figure, target))
    assert left_to(figure, comparator, target) == (None if left is None else Decimal(left))


def test_a_share_needs_something_to_share():
    assert share_of(Decimal(5), Decimal(20)) == 25
    assert (share_of(None, Decimal(1)), share_of(Decimal(1), None), share_of(Decimal(1), Decimal(0))) == (None,) * 3


@pytest.mark.parametrize(
    ("kind", "comparator", "required", "may"),
    [(MetricKind.RATE, AT_LEAST, True, True), (MetricKind.COUNT, AT_MOST, True, True),
     (MetricKind.COUNT, AT_LEAST, False, False), (MetricKind.COUNT, Comparator.NONE, True, False),
     (MetricKind.AMOUNT, EQUAL, True, False), (MetricKind.BOOLEAN, AT_LEAST, True, False),
     (MetricKind.TEXT, AT_LEAST, True, False), (MetricKind.CHECKLIST, AT_LEAST, True, False)],
)  # fmt: skip
def test_only_outcomes_are_compared(kind, comparator, required, may):
    assert comparable(kind, comparator, required) is may


FULL, THIN = Decimal(1), Decimal("0.79")


@pytest.mark.parametrize(
    ("entries", "downwards", "placed", "apart"),
    [
        ([(1, 50, FULL), (2, 90, FULL), (3, 70, FULL)], False, [(1, 2), (2, 3), (3, 1)], []),
        ([(1, 90, FULL), (2, 90, FULL), (3, 70, FULL)], False, [(1, 1), (1, 2), (3, 3)], []),
        ([(1, 2, FULL), (2, 0, FULL), (3, 2, FULL)], True, [(1, 2), (2, 1), (2, 3)], []),
        ([(1, 99, THIN), (2, 10, FULL), (3, None, FULL)], False, [(1, 2)], [1, 3]),
        ([(1, 99, Decimal("0.8"))], False, [(1, 1)], []),
        ([], False, [], []),
    ],
)
def test_ties_share_their_place_and_thin_coverage_has_none(entries, downwards, placed, apart):
    made = [Entry(key, None if n is None else Decimal(n), coverage) for key, n, coverage in entries]
    order = compared(made, downwards=downwards)
    assert (list(order.placed), list(order.apart)) == (placed, apart)
