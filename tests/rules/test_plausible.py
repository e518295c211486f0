"""Figures that should be looked at, milestones in force, and vague targets: tables of law."""

from datetime import date
from decimal import Decimal

import pytest

from campaign.rules.comparing import change
from campaign.rules.flags import FlagKind
from campaign.rules.metrics import Comparator, MetricKind, OverTime, Value
from campaign.rules.milestones import Step, milestone_in_force, target_in_force
from campaign.rules.plausible import Past, doubts
from campaign.rules.vague import Aim, undecided

COUNT, AMOUNT, RATE = MetricKind.COUNT, MetricKind.AMOUNT, MetricKind.RATE
UP, DOWN = {"comparator": Comparator.AT_LEAST}, {"comparator": Comparator.AT_MOST}
EACH = {"over_time": OverTime.SUM}


def n(*numbers: int) -> tuple[Value, ...]:
    return tuple(Value(number=Decimal(number)) for number in numbers)


def r(part: int, whole: int) -> Value:
    return Value(numerator=Decimal(part), denominator=Decimal(whole))


TABLE = [
    # kind, what is known, history, approved, now, flag
    (COUNT, UP, n(20), None, n(200)[0], FlagKind.LEAP),
    (COUNT, UP, n(20), None, n(199)[0], None),
    (COUNT, UP, n(1), None, n(10)[0], None),  # from one to ten is no leap
    (COUNT, UP, n(0), None, n(500)[0], None),  # nothing to compare with
    (AMOUNT, UP, n(300_000), None, n(3_000_000_000)[0], FlagKind.LEAP),  # 万元 taken for 元
    (COUNT, UP, (), None, n(500)[0], None),
    (COUNT, {**UP, "other_than": n(30)[0]}, (), None, n(300)[0], FlagKind.LEAP),  # against last year
    (COUNT, UP, n(20), n(20)[0], n(19)[0], FlagKind.BELOW_APPROVED),
    (RATE, UP, (r(80, 100),), r(80, 100), r(7, 10), FlagKind.BELOW_APPROVED),
    (RATE, UP, (r(80, 100),), None, r(9, 10), None),
    (RATE, UP, (), None, r(11, 10), FlagKind.PART_ABOVE_WHOLE),
    (COUNT, DOWN, n(9), n(9)[0], n(3)[0], None),  # gaps go down to zero
    (COUNT, DOWN, n(9), n(9)[0], n(12)[0], FlagKind.AGAINST_TREND),
    (COUNT, UP, n(20), None, n(19)[0], FlagKind.AGAINST_TREND),
    (COUNT, {**UP, **EACH}, n(20), None, n(5)[0], None),  # each period counts for itself
    (COUNT, {**UP, **EACH, "here": n(20)[0]}, n(20), None, n(5)[0], FlagKind.AGAINST_TREND),
    (COUNT, {**UP, **EACH}, n(10, 20, 30), None, n(5)[0], FlagKind.AGAINST_TREND),
    (COUNT, {**UP, **EACH}, n(10, 30, 20), None, n(5)[0], None),
    (COUNT, EACH, n(30, 20, 10), None, n(40)[0], FlagKind.AGAINST_TREND),
    (MetricKind.BOOLEAN, UP, n(1), n(1)[0], n(0)[0], None),
]


@pytest.mark.parametrize(("kind", "known", "history", "approved", "now", "flag"), TABLE)
def test_a_figure_against_its_past(kind, known, history, approved, now, flag):
    past = Past(7, "建会数", kind, history=history, approved=approved, **known)
    found = doubts([past], {7: now})
    assert [each.kind for each in found] == ([flag] if flag else [])
    assert all(each.metric_id == 7 and each.key.endswith("-7") and each.data["name"] == "建会数" for each in found)


PARTS = [
    # the whole adds up, whole, parts, flags as (kind, metric)
    (False, 100, (30, 40), []),
    (False, 100, (60, 70), []),  # they may overlap
    (False, 100, (130, 40), [(FlagKind.PART_ABOVE_WHOLE, 2)]),
    (True, 100, (30, 70), []),
    (True, 100, (30, 60), [(FlagKind.PARTS_DIFFER, 1)]),
    (True, 100, (30, None), []),  # not all are there yet
    (True, 100, (60, 70), [(FlagKind.PARTS_DIFFER, 1)]),
    (True, 100, (101, None), [(FlagKind.PART_ABOVE_WHOLE, 2)]),
]


@pytest.mark.parametrize(("adds_up", "whole", "parts", "flags"), PARTS)
def test_parts_against_their_whole(adds_up, whole, parts, flags):
    metrics = [
        Past(1, "培训", COUNT, adds_up=adds_up),
        Past(2, "妇女", COUNT, parent_id=1),
        Past(3, "男", COUNT, parent_id=1),
    ]
    given = {1: whole, 2: parts[0], 3: parts[1]}
    values = {key: Value(number=Decimal(number)) for key, number in given.items() if number is not None}
    assert [(found.kind, found.metric_id) for found in doubts(metrics, values)] == flags


RISING = (Step(date(2010, 12, 31), Decimal(65)), Step(date(2011, 12, 31), Decimal(75)))
DAYS = [
    (date(2010, 8, 1), 65), (date(2010, 12, 31), 65), (date(2011, 1, 1), 75), (date(2011, 12, 31), 75),
    (date(2012, 1, 1), 90), (date(2030, 1, 1), 90),
]  # fmt: skip


@pytest.mark.parametrize(("day", "target"), DAYS)
def test_the_milestone_in_force_is_the_next_one_due(day, target):
    assert target_in_force(Decimal(90), RISING[::-1], day) == target
    assert target_in_force(Decimal(90), (), day) == 90
    assert (milestone_in_force(RISING, day) is None) == (day.year > 2011)


MOVES = [
    (COUNT, n(114)[0], n(32)[0], Comparator.MORE_THAN, None, 82, True),
    (COUNT, n(32)[0], n(32)[0], Comparator.MORE_THAN, None, 0, False),
    (COUNT, n(3)[0], n(9)[0], Comparator.AT_MOST, 0, -6, None),  # its own target says whether it is met
    (RATE, r(1, 4), r(1, 5), Comparator.NONE, None, 5, None),
]


@pytest.mark.parametrize(("kind", "now", "then", "comparator", "target", "by", "met"), MOVES)
def test_a_figure_against_what_it_was(kind, now, then, comparator, target, by, met):
    moved = change(kind, now, then, comparator, target)
    assert (moved.by, moved.met) == (by, met)
    assert change(kind, None, then, comparator, target) is None
    assert change(kind, now, None, comparator, target) is None


AIMS = [
    (Aim("社区职业化工会工作者配备率", "原文为“大部分”", "", None, True), "大部分"),
    (Aim("比例有较大幅度的提高", "", "", None, True), "较大幅度"),
    (Aim("进一步扩大覆盖", "", "", None, True), "进一步"),
    (Aim("建站率", "", "普遍", None, True), "普遍"),
    (Aim("建站率", "", "普遍", Decimal(100), True), ""),
    (Aim("建站率", "", "较大幅度", None, False), ""),
    (Aim("接待来信来访", "原文报告数：9", "", None, True), ""),
]


@pytest.mark.parametrize(("aim", "word"), AIMS)
def test_a_vague_target_is_found_until_it_is_decided(aim, word):
    assert undecided(aim) == word
