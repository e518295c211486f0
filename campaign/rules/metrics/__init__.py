"""Kinds of metrics: how a figure is read, checked, added up and shown. One file and one registry line each."""

from decimal import Decimal

from .amount import MONEY_UNITS, SHOWN_PLACES, Amount, money_in, read_money, short_money
from .base import Aggregation, BadValue, Comparator, Kind, MetricKind, OverTime, Value
from .boolean import Boolean
from .checklist import MOST_ITEMS, NONE_OF_THEM, Checklist, ticked
from .count import Count
from .numbers import LARGEST, read_number
from .rate import Rate
from .text import Text
from .worded import read_worded

KINDS: dict[MetricKind, Kind] = {
    MetricKind.COUNT: Count(),
    MetricKind.AMOUNT: Amount(),
    MetricKind.RATE: Rate(),
    MetricKind.BOOLEAN: Boolean(),
    MetricKind.CHECKLIST: Checklist(),
    MetricKind.TEXT: Text(),
}


def meets(figure: Decimal | None, comparator: Comparator, target: Decimal | None) -> bool | None:
    """Whether the figure meets the target; None where there is nothing to compare."""
    if figure is None or target is None or comparator is Comparator.NONE:
        return None
    return {
        Comparator.AT_LEAST: figure >= target,
        Comparator.AT_MOST: figure <= target,
        Comparator.EQUAL: figure == target,
        Comparator.MORE_THAN: figure > target,
    }[comparator]


__all__ = [
    "KINDS", "LARGEST", "MONEY_UNITS", "MOST_ITEMS", "NONE_OF_THEM", "SHOWN_PLACES", "Aggregation", "BadValue",
    "Comparator", "Kind", "MetricKind", "OverTime", "Value", "meets", "money_in", "read_money", "read_number",
    "read_worded", "short_money", "ticked",
]  # fmt: skip
