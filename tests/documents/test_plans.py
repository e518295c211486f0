"""Plan files: what stands in them arrives; what is wrong is named by file, line and field; nothing else gets in."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from campaign.documents.plans import LARGEST_FILE, read_plan, read_plan_bytes
from campaign.errors import Invalid, Problem, say
from campaign.rules.dates import DueKind
from campaign.rules.metrics import Aggregation, Comparator, MetricKind, OverTime
from campaign.rules.organisation import Level, Line
from campaign.rules.planned import FormerRef, MilestonePlan, RegisterPlan
from campaign.rules.planning import UnitRef, check_plan
from campaign.rules.plans import EvidenceKind, Grade
from campaign.rules.targets import Compares, Quota

FILES = sorted((Path(__file__).resolve().parents[2] / "campaign" / "demo" / "campaigns").glob("*.yaml"))

PLAN = """\
key: P1
title: 集中建会行动
number: 35
issuing_unit: {area: '990101000000', line: 党委}
co_issuers: [清河县工会]
based_on: [意见一, 意见二]
starts_on: 2026-01-01
registers: [{name: 干部, condition: 在职, unit: 名}]
phases:
  - {name: 动员, ends_on: 2026-03-31}
tasks:
  - title: 企业建会
    lines: [工会, union]
    receiving_level: 村
    grade: 力争
    due: {kind: fixed, on: 2026-11-30}
    review_levels: [county, township]
    evidence:
      - {name: 挂牌照片, kind: photo, min: 2, ground: 方案第三条}
    metrics:
      - {name: 建会率, kind: rate, unit: '%', target: 62.50, comparator: '>=', numerator: 已建会, denominator: 企业}
      - {name: 贷款, kind: amount, target: '1,000,000', comparator: '>=', aggregation: sum, over_time: latest}
      - {name: 阵地, kind: checklist, aggregation: coverage, items: [有挂牌, 有版面]}
      - {name: 筹资, kind: amount, unit: 亿元, target: 8, comparator: '>=', milestones: [{by: 2026年底, target: 2.5}]}
      - {name: 帮扶, kind: count, target: 1, comparator: '>=', quota: 每人, register: 干部, note: 每年}
      - {name: 培训, kind: count, adds_up: true, compares: 上年, former: {campaign: C1, task: T1, metric: 培训}}
      - {name: 妇女, kind: count, part_of: 培训, word: 大部分, measurable: false}
    invented: [grade]
invented: [number]
"""
MINIMAL = "title: 一\nissuing_unit: 清河县党委\n"


def problems(text: str | bytes) -> list[tuple[int, str]]:
    with pytest.raises(Invalid) as caught:
        read_plan_bytes(text if isinstance(text, bytes) else text.encode(), "plan.yaml")
    assert all(problem.where.startswith(f"plan.yaml:{problem.line}") for problem in caught.value.problems)
    return [(problem.line, problem.field) for problem in caught.value.problems]


def test_what_stands_in_the_file_arrives():
    plan = read_plan_bytes(PLAN.encode(), "plan.yaml")
    task = plan.tasks[0]
    assert (plan.key, plan.number, plan.based_on) == ("P1", "35", "意见一\n意见二")
    assert plan.issuing_unit == UnitRef(area="990101000000", line=Line.PARTY)
    assert plan.co_issuers == (UnitRef(name="清河县工会"),)
    assert plan.phases[0].ends_on == date(2026, 3, 31)
    assert (task.lines, task.receiving_level, task.grade) == ((Line.UNION,), Level.VILLAGE, Grade.BEST_EFFORT)
    assert (task.due_kind, task.due_on) == (DueKind.FIXED, date(2026, 11, 30))
    assert task.review_levels == (Level.TOWNSHIP, Level.COUNTY)
    assert (task.evidence[0].kind, task.evidence[0].min_count) == (EvidenceKind.PHOTO, 2)
    rate, amount, list_, loan, each, all_, part = task.metrics
    assert (rate.kind, rate.target, rate.comparator) == (MetricKind.RATE, Decimal("62.50"), Comparator.AT_LEAST)
    assert (amount.target, amount.over_time) == (Decimal(1_000_000), OverTime.LATEST)
    assert amount.aggregation is Aggregation.SUM
    assert (list_.aggregation, list_.items) == (Aggregation.COVERAGE, ("有挂牌", "有版面"))
    assert (loan.unit, loan.target, loan.money_places) == ("元", 800_000_000, 8)
    assert loan.milestones == (MilestonePlan(date(2026, 12, 31), Decimal(250_000_000)),)
    assert (each.quota, each.register, plan.registers) == (
        Quota.PER_PERSON,
        "干部",
        (RegisterPlan("干部", "在职", "名"),),
    )
    assert (all_.adds_up, all_.compares, all_.former) == (True, Compares.LAST_YEAR, FormerRef(None, "C1", "T1", "培训"))
    assert (part.part_of, part.word, part.measurable) == ("培训", "大部分", False)
    assert plan.invented == ("number", "tasks.0.grade")


def test_a_byte_order_mark_does_no_harm():
    assert read_plan_bytes(b"\xef\xbb\xbf" + MINIMAL.encode(), "plan.yaml").title == "一"


@pytest.mark.parametrize(
    ("old", "new", "line", "field"),
    [
        ("title: 集中建会行动", "titel: 集中", 2, "titel"),
        ("number: 35", "title: 又一", 3, "title"),
        ("starts_on: 2026-01-01", "starts_on: 1月1日", 7, "starts_on"),
        ("line: 党委}", "line: 党}", 4, "issuing_unit.line"),
        ("line: 党委}", "}", 4, "issuing_unit.line"),
        ("[清河县工会]", "[[清河县工会]]", 5, "co_issuers[1]"),
        ("title: 企业建会", "title: ''", 12, "tasks[1].title"),
        ("lines: [工会, union]", "lines: [工会, 商会]", 13, "tasks[1].lines[2]"),
        ("receiving_level: 村", "receiving_level: 屯", 14, "tasks[1].receiving_level"),
        ("on: 2026-11-30", "on: 2026-11-31", 16, "tasks[1].due.on"),
        ("kind: fixed, on: 2026-11-30", "kind: relative", 16, "tasks[1].due.days"),
        ("min: 2", "min: zwei", 19, "tasks[1].evidence[1].min"),
        (", ground: 方案第三条", "", 19, "tasks[1].evidence[1].ground"),
        ("kind: rate,", "", 21, "tasks[1].metrics[1].kind"),
        ("target: 62.50", "target: 1e9", 21, "tasks[1].metrics[1].target"),
        ("'>=', numerator", "'=>', numerator", 21, "tasks[1].metrics[1].comparator"),
        ("target: '1,000,000'", "target: .inf", 22, "tasks[1].metrics[2].target"),
        ("invented: [number]", "invented: [nothing]", 29, "invented[1]"),
        ("tasks:\n  - title", "tasks:\n  - 一\n  - title", 12, "tasks[1]"),
        ("unit: 亿元", "unit: 美元", 24, "tasks[1].metrics[4].unit"),
        ("by: 2026年底", "by: 十三月", 24, "tasks[1].metrics[4].milestones[1].by"),
        ("target: 2.5", "target: 9", 24, "tasks[1].metrics[4].milestones"),
        ("items: [有挂牌, 有版面]", "items: [[有]]", 23, "tasks[1].metrics[3].items[1]"),
        ("items: [有挂牌, 有版面]", "items: []", 23, "tasks[1].metrics[3].items"),
        ("quota: 每人", "quota: 每户", 25, "tasks[1].metrics[5].quota"),
        (", register: 干部, note", ", note", 25, "tasks[1].metrics[5].register"),
        ("task: T1, ", "", 26, "tasks[1].metrics[6].former.task"),
        ("part_of: 培训", "part_of: 训练", 27, "tasks[1].metrics[7].part_of"),
        ("measurable: false", "measurable: maybe", 27, "tasks[1].metrics[7].measurable"),
        ("{name: 干部, condition", "{name: '', condition", 8, "registers[1].name"),
    ],
)
def test_each_mistake_is_named_by_line_and_field(old, new, line, field):
    assert old in PLAN
    assert (line, field) in problems(PLAN.replace(old, new, 1))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("title: [1", 1),
        ("title: 一\n\ttheme: 二", 2),
        ("a: &x 1\nb: *x\n", 1),
        ("title: !!python/object/apply:os.system [ls]", 1),
        ("title: 一\n---\ntitle: 二\n", 2),
        ("", 1),
        ("# 空\n", 1),
        ("- 一\n- 二\n", 1),
        (b"title: \xd6\xd0\xce\xc4\n", 1),
        (b"title: 1\nnumber: \xd6\xd0\n", 2),
        ("title: \x07\n", 1),
        ("[" * 5000, 1),
    ],
)
def test_what_is_no_plan_is_refused_with_a_line(text, line):
    assert problems(text)[0][0] == line


def test_a_file_that_is_too_large_is_not_read():
    with pytest.raises(Invalid) as caught:
        read_plan_bytes(b"#" * (LARGEST_FILE + 1), "plan.yaml")
    assert caught.value.status == 413


def test_a_problem_found_later_still_knows_its_line():
    plan = read_plan_bytes(PLAN.encode(), "plan.yaml")
    found = plan.locate([Problem("tasks.0.units.3", say("There is no unit “%(unit)s”.", unit="x"))])
    assert found[0].where == "plan.yaml:12 tasks[1].units[4]"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_demonstration_reads(path):
    plan = read_plan(path)
    assert plan.key == path.stem
    assert check_plan(plan) == []
    assert all(task.key and task.key.startswith(path.stem) for task in plan.tasks)


def test_the_demonstration_is_whole():
    plans = {path.stem: read_plan(path) for path in FILES}
    assert len(plans) == 10
    assert sum(len(plan.tasks) for plan in plans.values()) == 81
    founding = next(metric for metric in plans["C004"].tasks[0].metrics if metric.name == "企业法人单位建会率")
    assert (founding.target, founding.kind) == (90, MetricKind.RATE)
    assert [(step.by.year, step.target) for step in founding.milestones] == [(2010, 65), (2011, 75), (2012, 90)]
    assert any(not task.metrics for plan in plans.values() for task in plan.tasks)
