"""The law of the metrics of a plan: what may be said of each kind, and how metrics go together."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from campaign.rules.metrics import Aggregation, Comparator, MetricKind, OverTime
from campaign.rules.planned import FormerRef, MetricPlan, MilestonePlan
from campaign.rules.planning_metrics import check_metrics, warn_metrics
from campaign.rules.relative import resolve
from campaign.rules.targets import Compares, Quota, Relative

D, UP = Decimal, Comparator.AT_LEAST
COUNT = MetricPlan("建会数", target=D(50), comparator=UP)
RATE = MetricPlan("建会率", MetricKind.RATE, "%", D(90), UP, numerator="已建", denominator="全部")
MONEY = MetricPlan("贷款", MetricKind.AMOUNT, "元", D(800_000_000), UP, money_places=8)
LIST = MetricPlan("四有", MetricKind.CHECKLIST, target=D(1), comparator=UP, items=("有挂牌", "有版面"))
YES = MetricPlan("已召开", MetricKind.BOOLEAN, target=D(1), comparator=UP)
MORE = MetricPlan("建会数", compares=Compares.LAST_YEAR, relative=Relative.RAISE_PERCENT, change=D(10))
WORDS = MetricPlan("说明", MetricKind.TEXT)


def step(year: int, target: int | None, month: int = 12) -> MilestonePlan:
    return MilestonePlan(date(year, month, 31), None if target is None else D(target))


BAD = [
    (LIST, {"items": ()}, "items"),
    (LIST, {"items": ("有", "有")}, "items"),
    (LIST, {"items": tuple(map(str, range(21)))}, "items"),
    (LIST, {"target": D(0)}, "target"),
    (COUNT, {"items": ("有",)}, "items"),
    (COUNT, {"money_places": 4}, "unit"),
    (MONEY, {"money_places": 3}, "unit"),
    (WORDS, {"aggregation": Aggregation.SUM}, "aggregation"),
    (LIST, {"over_time": OverTime.SUM}, "over_time"),
    (RATE, {"quota": Quota.PER_UNIT}, "quota"),
    (COUNT, {"quota": Quota.PER_UNIT, "target": None}, "target"),
    (COUNT, {"quota": Quota.PER_PERSON}, "register"),
    (COUNT, {"register": "名册"}, "register"),
    (YES, {"milestones": (step(2027, 1),)}, "milestones"),
    (RATE, {"milestones": (step(2027, 65),), "target": None}, "target"),
    (RATE, {"milestones": (step(2027, 65), step(2027, 70))}, "milestones"),
    (RATE, {"milestones": (step(2027, 75), step(2028, 65))}, "milestones"),
    (RATE, {"milestones": (step(2027, 95),)}, "milestones"),
    (RATE, {"milestones": (step(2027, 101),)}, "milestones.0.target"),
    (RATE, {"milestones": (step(2027, None),)}, "milestones.0.target"),
    (RATE, {"milestones": (MilestonePlan(None, D(5)),)}, "milestones.0.by"),
    (RATE, {"milestones": (step(1066, 5),)}, "milestones.0.by"),
    (COUNT, {"comparator": Comparator.AT_MOST, "target": D(0), "milestones": (step(2027, 3), step(2028, 9))},
     "milestones"),
    (YES, {"compares": Compares.BASELINE}, "compares"),
    (COUNT, {"former": FormerRef(id=1)}, "former"),
    (COUNT, {"adds_up": True}, "adds_up"),
    (COUNT, {"part_of": "培训"}, "part_of"),
    (COUNT, {"part_of": "建会数"}, "part_of"),
    (COUNT, {"measurable": False}, "measurable"),
    (COUNT, {"word": "大" * 41}, "word"),
    (MORE, {"compares": Compares.NOTHING}, "compares"),
    (MORE, {"target": D(5)}, "target"),
    (MORE, {"change": None}, "change"),
    (MORE, {"change": D(0)}, "change"),
    (MORE, {"comparator": Comparator.AT_MOST}, "comparator"),
    (MORE, {"quota": Quota.PER_UNIT, "target": D(5)}, "quota"),
    (MORE, {"base": D(-1)}, "base"),
    (MORE, {"relative": Relative.REDUCE_PERCENT, "change": D(101)}, "change"),
    (MORE, {"relative": Relative.NOTHING}, "change"),
    (RATE, {"target": None, "compares": Compares.BASELINE, "relative": Relative.RAISE_BY, "change": D(20),
            "base": D(90)}, "change"),
    (YES, {"relative": Relative.RAISE_BY, "change": D(1)}, "relative"),
]  # fmt: skip


@pytest.mark.parametrize(("metric", "changes", "field"), BAD)
def test_what_does_not_hold_is_named_by_its_field(metric, changes, field):
    assert list(check_metrics([metric])) == []
    assert f"metrics.0.{field}" in [problem.where for problem in check_metrics([replace(metric, **changes)])]


GOOD = [
    (COUNT, {"quota": Quota.PER_PERSON, "register_id": 1}),
    (COUNT, {"comparator": Comparator.AT_MOST, "target": D(0), "milestones": (step(2027, 9), step(2028, 3))}),
    (RATE, {"milestones": (step(2028, 75), step(2027, 65)), "register": "企业名册", "compares": Compares.BASELINE}),
    (MONEY, {"quota": Quota.PER_UNIT, "compares": Compares.LAST_YEAR, "former": FormerRef(id=1)}),
    (YES, {"aggregation": Aggregation.COVERAGE, "word": "普遍"}),
    (RATE, {"target": None, "comparator": Comparator.MORE_THAN, "compares": Compares.BASELINE}),
]


@pytest.mark.parametrize(("metric", "changes"), GOOD)
def test_what_holds_is_left_alone(metric, changes):
    assert list(check_metrics([replace(metric, **changes)])) == []


def test_parts_belong_to_a_whole_of_their_kind_and_not_to_themselves():
    whole, part = replace(COUNT, name="培训", adds_up=True), replace(COUNT, name="妇女", part_of="培训")
    assert list(check_metrics([whole, part])) == []
    assert [found.where for found in check_metrics([whole, replace(MONEY, part_of="培训"), part])] == [
        "metrics.1.part_of"
    ]
    circle = check_metrics([replace(whole, part_of="妇女"), replace(part, adds_up=True)])
    assert {found.where for found in circle} == {"metrics.0.part_of", "metrics.1.part_of"}


@pytest.mark.parametrize(
    ("relative", "change", "base", "kind", "target"),
    [
        (Relative.RAISE_PERCENT, 10, 1234, MetricKind.COUNT, 1358),  # 1,357.4
        (Relative.REDUCE_PERCENT, 50, 7, MetricKind.COUNT, 3),  # half of seven is not four
        (Relative.REDUCE_PERCENT, 100, 7, MetricKind.COUNT, 0),
        (Relative.RAISE_BY, 200, 1000, MetricKind.COUNT, 1200),
        (Relative.REDUCE_BY, 9, 7, MetricKind.COUNT, 0),
        (Relative.RAISE_PERCENT, D("3.3"), D("0.01"), MetricKind.AMOUNT, D("0.02")),
        (Relative.RAISE_BY, 5, D("66.67"), MetricKind.RATE, D("71.67")),
        (Relative.RAISE_PERCENT, 10, 0, MetricKind.COUNT, 0),
    ],
)
def test_what_is_relative_becomes_a_figure_never_in_favour_of_who_must_reach_it(relative, change, base, kind, target):
    assert resolve(relative, D(change), D(base), kind) == target


def test_what_is_relative_needs_to_know_what_was():
    assert [problem.where for problem in warn_metrics([MORE])] == ["metrics.0.base"]
    for known in ({"base": D(5)}, {"former": FormerRef(id=1)}):
        assert not warn_metrics([replace(MORE, **known)]) and not list(check_metrics([replace(MORE, **known)]))
    assert not warn_metrics([replace(MORE, name="大幅增长", base=D(5))]), "it says by how much"


def test_a_vague_word_is_warned_of_until_it_is_decided():
    vague = replace(RATE, name="大部分社区配备率", target=None, comparator=Comparator.NONE)
    assert [found.where for found in warn_metrics([COUNT, vague])] == ["metrics.1.target"]
    assert warn_metrics([replace(vague, measurable=False), replace(vague, target=D(80))]) == []


PART, TOWN = replace(COUNT, name="其中农村", part_of="建会数"), replace(COUNT, name="其中城镇", part_of="建会数")
BREAKDOWNS = [  # the figures of a task, and where something is noted that may be meant all the same
    ((COUNT, PART), []),
    ((COUNT, replace(PART, target=D(51))), ["metrics.1.target"]),
    ((replace(COUNT, quota=Quota.PER_UNIT), replace(PART, target=D(51))), []),
    ((replace(COUNT, target=None, comparator=Comparator.NONE), replace(PART, target=D(51))), []),
    ((replace(COUNT, comparator=Comparator.AT_MOST), replace(PART, target=D(51), comparator=Comparator.AT_MOST)), []),
    ((replace(COUNT, adds_up=True), replace(PART, target=D(20)), replace(TOWN, target=D(20))), ["metrics.0.target"]),
    ((replace(COUNT, adds_up=True), replace(PART, target=D(20)), replace(TOWN, target=D(30))), []),
    ((replace(COUNT, adds_up=True), replace(PART, target=D(20)), replace(TOWN, target=None)), []),
    ((replace(COUNT, target=D(30)), replace(PART, target=D(20)), replace(TOWN, target=D(20))), []),
]  # fmt: skip


@pytest.mark.parametrize(("metrics", "noted"), BREAKDOWNS)
def test_targets_of_parts_are_held_against_that_of_the_whole(metrics, noted):
    assert [problem.where for problem in warn_metrics(metrics)] == noted
