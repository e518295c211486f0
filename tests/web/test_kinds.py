"""Kinds of metrics in a browser without a script: planned with all that can be said, reported, doubted, compared."""

import re
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from campaign import clock
from campaign.db import db
from campaign.models import Baseline, ChecklistItem, Metric, MetricValue, Milestone, Register, RegisterCount, Task
from campaign.models.flags import Flag
from campaign.rules.flags import FlagKind
from campaign.rules.metrics import Comparator, MetricKind
from campaign.rules.organisation import Level, Line, Role
from campaign.rules.plans import CampaignStatus
from campaign.rules.states import State
from campaign.rules.targets import Compares, Quota
from tests import make


@pytest.fixture
def tree(app, monkeypatch, now):
    monkeypatch.setattr(clock, "now", lambda: now)
    return make.small_tree()


@pytest.fixture
def visit(tree, visitor):
    """Somebody at the browser, reading English."""

    def signed_in(area, role, line=Line.WOMEN):
        visitor.client.set_cookie("locale", "en")
        visitor.sign_in(tree.holder(area, role, line))
        return visitor

    return signed_in


FIGURES = {
    "metrics-0-name": "建会率", "metrics-0-kind": str(int(MetricKind.RATE)), "metrics-0-numerator": "已建",
    "metrics-0-denominator": "全部", "metrics-0-comparator": "1", "metrics-0-target": "90%",
    "metrics-0-milestones": "2026年12月31日 65\n2027/12/31　75％", "metrics-0-compares": "1",
    "metrics-1-name": "四有阵地", "metrics-1-kind": str(int(MetricKind.CHECKLIST)), "metrics-1-aggregation": "5",
    "metrics-1-items": "有挂牌\n\n有版面\n有制度",
    "metrics-2-name": "帮扶", "metrics-2-kind": "1", "metrics-2-comparator": "1", "metrics-2-target": "2",
    "metrics-2-quota": str(int(Quota.PER_PERSON)),
    "metrics-3-name": "其中妇女", "metrics-3-kind": "1", "metrics-3-part_of": "帮扶",
    "metrics-4-name": "贷款", "metrics-4-kind": "2", "metrics-4-comparator": "1", "metrics-4-target": "80000万元",
    "metrics-4-scale": "8", "metrics-4-milestones": "2026-12-31 2.5",
    "metrics-5-name": "大部分社区配备", "metrics-5-kind": str(int(MetricKind.RATE)), "metrics-5-numerator": "已配",
    "metrics-5-denominator": "社区",
}  # fmt: skip


def test_a_plan_says_all_of_a_figure_and_nothing_vague_is_issued(tree, visit):
    county = tree.unit(tree.county)
    register = Register(unit_id=county.id, name="妇联干部", condition="在职")
    db.session.add(register)
    row = make.campaign(county, status=CampaignStatus.DRAFT)
    dispatcher = visit(tree.county, Role.DISPATCHER)
    page = dispatcher.get(f"/campaigns/{row.id}/tasks/new")
    for _number in range(6):
        page = page.submit("Add a figure")
    given = FIGURES | {"title": "两个普遍", "due_kind": "0", "receiving_level": str(int(Level.VILLAGE))}
    page = page.submit("Save the task", status=422, **given | {"metrics-0-milestones": "2026年底 65"})
    assert page.has("2 things to correct", "Line 1: please write the day", "Please choose the register")
    vague = page.submit("Save the task", status=422, **given | {"metrics-0-target": "大部分"})
    assert vague.has("“大部分” is no figure. Please give one; or leave the target empty")
    assert page.has("“大部分” is no figure") and "2026年底 65" in page.html
    page = page.submit("Save the task", **{**FIGURES, "metrics-2-register": str(register.id)})
    assert page.has("“大部分” is no figure: please give one, or mark it as not measurable.")
    rows = {metric.name: metric for metric in db.session.scalars(select(Metric))}
    steps = select(Milestone.due_on, Milestone.target).order_by(Milestone.metric_id, Milestone.due_on)
    assert db.session.execute(steps).tuples().all() == [
        (date(2026, 12, 31), 65), (date(2027, 12, 31), 75), (date(2026, 12, 31), 250_000_000),
    ]  # fmt: skip
    assert db.session.scalars(select(ChecklistItem.name)).all() == ["有挂牌", "有版面", "有制度"]
    assert (rows["帮扶"].register_id, rows["其中妇女"].parent_id) == (register.id, rows["帮扶"].id)
    assert (rows["贷款"].target, rows["贷款"].money_places) == (800_000_000, 8)
    refused = page.submit("Issue the campaign", status=409)
    assert refused.has("is vague: “大部分” is no figure")
    task = db.session.scalars(select(Task)).one()
    page = dispatcher.get(f"/campaigns/{row.id}/tasks/{task.id}")
    assert 'value="8"' in page.html and "2026-12-31 2.5" in page.html and "“大部分” is no figure" in page.main
    page = page.submit("Save the task", **{"metrics-5-unmeasurable": "y", "metrics-5-word": "大部分"})
    assert "is no figure" not in page.main
    page.submit("Issue the campaign")


@pytest.fixture
def asked(tree):
    """A checklist, money in 亿元, a count with its part, a rate with register and baseline: in a village's hands."""
    county, village = tree.unit(tree.county), tree.unit(tree.villages[0])
    task = make.task(make.campaign(county), title="两个普遍")
    whole = make.metric(task, target=30, name="培训", unit_of_measure="人次", adds_up=True)
    make.metric(task, MetricKind.CHECKLIST, 1, name="四有阵地")
    make.metric(task, MetricKind.AMOUNT, 800_000_000, name="贷款", money_places=8)
    register = Register(unit_id=county.id, name="企业名册", condition="规模以上")
    db.session.add(register)
    db.session.flush()
    rate = make.metric(
        task, MetricKind.RATE, 90, name="建会率", register_id=register.id, compares=Compares.BASELINE,
        numerator_name="已建", denominator_name="企业",
    )  # fmt: skip
    make.metric(task, name="其中妇女", parent_id=whole.id, comparator=Comparator.NONE)
    lists = next(metric for metric in task.metrics if metric.kind is MetricKind.CHECKLIST)
    db.session.add_all(
        [
            *(ChecklistItem(metric_id=lists.id, position=at, name=name) for at, name in ((1, "有挂牌"), (2, "有版面"))),
            Milestone(metric_id=rate.id, due_on=make.TODAY, target=Decimal(65)),
            Baseline(metric_id=rate.id, unit_id=village.id, numerator=1, denominator=4, source="去年底", at=make.NOW),
            RegisterCount(register_id=register.id, unit_id=village.id, version=1, n=Decimal(8), at=make.NOW),
        ]
    )
    db.session.commit()
    return make.assignment(task, village, State.ACKNOWLEDGED)


def test_an_officer_reports_every_kind_and_is_asked_once_about_what_is_doubtful(tree, asked, visit):
    officer = visit(tree.villages[0], Role.OFFICER)
    page = officer.get(f"/assignments/{asked.id}")
    assert page.has("有挂牌", "None of these is there yet", "100 million yuan", "Register “企业名册” 8", "规模以上")
    assert page.has("Baseline 去年底 25.0% (1/4)", "By 20 Nov 65.0%", "Target 90.0%")
    assert page.html.index("其中妇女") < page.html.index("四有阵地")  # a part stands under its whole
    ids = {metric.name: f"metric-{metric.id}" for metric in db.session.get_one(Task, asked.task_id).metrics}
    assert f'name="{ids["建会率"]}-denominator"' in page.html and 'value="8"' in page.html
    given = {
        ids["培训"]: "40", ids["其中妇女"]: "41", ids["四有阵地"]: ["1"], ids["贷款"]: "0.0305", "money": "yi",
        f"{ids['建会率']}-numerator": "1", "words": "都办了。",
    }  # fmt: skip
    page = page.submit("Submit for review", status=422, **given)
    part = ids["其中妇女"].removeprefix("metric-")
    key = f"part-above-whole-{part}"
    assert page.has("Please look at 1 figure again", "“其中妇女”: the part, 41", "is larger than the whole, 40")
    assert "thing to correct" not in page.main
    assert db.session.scalars(select(Flag)).all() == []
    page = page.submit("Save draft", **{f"explain-{key}": "含外村妇女"})
    assert page.has("含外村妇女")
    page = page.submit("Submit for review")
    assert page.path.endswith("/receipt")
    flag = db.session.scalars(select(Flag)).one()
    assert (flag.kind, flag.key, flag.explanation) == (FlagKind.PART_ABOVE_WHOLE, key, "含外村妇女")
    values = {f"metric-{row.metric_id}": row for row in db.session.scalars(select(MetricValue))}
    assert (values[ids["贷款"]].number, values[ids["四有阵地"]].text) == (3_050_000, "1")
    assert (values[ids["建会率"]].numerator, values[ids["建会率"]].denominator) == (1, 8)
    page = officer.get(f"/assignments/{asked.id}")
    assert page.has("1 of 2: 有挂牌", "12.5% (1/8) −12.5 points")


def test_baselines_are_pasted_once_and_stay(tree, asked, visit):
    rate = next(metric for metric in db.session.get_one(Task, asked.task_id).metrics if metric.name == "建会率")
    campaign_id = db.session.get_one(Task, rate.task_id).campaign_id
    page = visit(tree.county, Role.DISPATCHER).get(f"/campaigns/{campaign_id}").click("建会率")
    assert page.path.endswith(f"/metrics/{rate.id}/baseline")
    names = [tree.unit(place).name for place in tree.villages[:4]]
    lines = f"单位\t已建\t企业\n{names[0]}\t9\t10\n{names[1]}\t3\t6\n不知何处\t1\t2"
    page = page.submit("Freeze these figures", lines=lines, source="2025年报", status=422)
    assert page.has("1 line could not be used", "The baseline of 1 unit is frozen", "No unit here is called “不知何处”")
    assert page.has("50.0% (3/6)", "25.0% (1/4)")  # what was frozen before stays
    assert len(db.session.scalars(select(Baseline)).all()) == 2
    lines = f"{names[1]}\t66\t6\n{names[2]}\t6\t\n{names[3]}\t6\t0"
    page = page.submit("Freeze these figures", lines=lines, status=422)
    assert page.has("3 lines could not be used", "66, is larger than the whole, 6", "the part and the whole", "is 0")
    page = page.submit("Freeze these figures", lines=f"{names[2]}\t66\t6", above="y")
    assert page.has("1100.0% (66/6)")
    page = page.submit("Freeze these figures", lines=f"{names[1]}\t6\t6", source="2025年报")
    assert page.has("Nothing was new", "50.0% (3/6)")


def test_who_counts_second_finds_what_was_typed_and_what_is_new(tree, asked, visit):
    keeper = visit(tree.county, Role.DISPATCHER)
    first, second = keeper.get("/registers/1"), keeper.get("/registers/1")
    one, other = (f"n-{tree.unit(place).id}" for place in tree.villages[:2])
    first.submit("Save what changed on this page", **{one: "5"})
    told = second.submit("Save what changed on this page", status=409, **{one: "6", other: "7"})
    assert told.has("Somebody else was faster", "you had typed", "6 → 5")
    assert re.search(rf'name="{one}"[^>]*value="5"', told.html) and re.search(
        rf'name="{other}"[^>]*value="7"', told.html
    )
    assert told.submit("Save what changed on this page").has("1 unit has a new number")
