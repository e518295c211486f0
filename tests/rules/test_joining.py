"""The table of joint activities."""

from decimal import Decimal

import pytest

from campaign.rules.joining import Partner, joint_problem
from campaign.rules.metrics import Aggregation, Value
from campaign.rules.organisation import Line

UNION, SISTERS = Partner(7, "石桥镇工会", Line.UNION), Partner(8, "柳林镇妇联", Line.WOMEN)
PARTY, STRANGER = Partner(5, "石桥镇党委", Line.PARTY), Partner(6, "柳林镇工会", Line.UNION, asked=False)
FIRST = Partner(9, "石桥镇团委", Line.YOUTH, Decimal(3))
TEN = Value(number=Decimal(10))
CASES = [
    (TEN, Aggregation.SUM, {7: 3}, ""),
    (TEN, Aggregation.SUM, {7: 10}, ""),
    (TEN, Aggregation.SUM, {7: 11}, "at most your whole figure"),
    (TEN, Aggregation.SUM, {7: 0}, "above zero"),
    (TEN, Aggregation.SUM, {8: 3}, "your own line"),
    (TEN, Aggregation.SUM, {9: 3}, "reported this with you already"),
    (TEN, Aggregation.SUM, {1: 3}, "not known"),
    (TEN, Aggregation.SUM, {5: 3}, "party committee leads"),
    (TEN, Aggregation.SUM, {6: 3}, "not asked for this here"),
    (Value(numerator=Decimal(1), denominator=Decimal(2)), Aggregation.RATIO, {7: 1}, "added up"),
    (None, Aggregation.SUM, {7: 1}, "whole figure as well"),
    (None, Aggregation.ALL, {7: 1}, "added up"),
]


@pytest.mark.parametrize(("value", "aggregation", "shares", "words"), CASES)
def test_what_was_done_together_counts_once(value, aggregation, shares, words):
    partners = {partner.id: partner for partner in (UNION, SISTERS, FIRST, PARTY, STRANGER)}
    numbers = {unit: Decimal(number) for unit, number in shares.items()}
    found = joint_problem(value, aggregation, numbers, partners, Line.WOMEN)
    assert words in str(found or "") and bool(found) == bool(words)
