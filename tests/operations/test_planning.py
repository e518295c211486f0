"""Plans become drafts, drafts are edited by their dispatchers, one at a time, until they are issued."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from campaign.db import db, unit_of_work
from campaign.documents.plans import read_plan
from campaign.errors import Forbidden, Invalid, NotFound, Refused, Stale
from campaign.models import Campaign, Event, EvidenceRule, Metric, Occasion, Task, TaskLine, TaskUnit
from campaign.operations.planning import add_task, create_campaign, edit_campaign, edit_task, remove_task
from campaign.queries.drafts import task_plan_of
from campaign.rules.calendars import Roll
from campaign.rules.dates import DueKind
from campaign.rules.metrics import Aggregation, Comparator, MetricKind, OverTime
from campaign.rules.organisation import SYSTEM, Level, Line, Role
from campaign.rules.planning import CampaignPlan, EvidencePlan, MetricPlan, OccasionPlan, PhasePlan, TaskPlan, UnitRef
from campaign.rules.plans import CampaignStatus
from tests import make

DEMO = Path(__file__).resolve().parents[2] / "campaign" / "demo" / "campaigns"
RATE = MetricPlan(
    "建会率", MetricKind.RATE, "%", Decimal(90), Comparator.AT_LEAST, numerator="已建会", denominator="企业"
)
TASK = TaskPlan(
    title="企业建会",
    lines=(Line.WOMEN, Line.UNION),
    receiving_level=Level.VILLAGE,
    due_kind=DueKind.FIXED,
    due_on=date(2026, 12, 1),
    due_days=9,
    review_levels=(Level.TOWNSHIP, Level.COUNTY),
    evidence=(EvidencePlan("名单"), EvidencePlan("台账")),
    metrics=(RATE, MetricPlan("人数")),
)


@pytest.fixture
def tree(app):
    return make.small_tree()


def plan_of(tree, line=Line.PARTY, **fields) -> CampaignPlan:
    plan = CampaignPlan(
        title="集中建会行动", issuing_unit=UnitRef(name=tree.unit(tree.county, line).name), key="P1",
        phases=(PhasePlan("动员"), PhasePlan("推进")), tasks=(TASK,),
    )  # fmt: skip
    return replace(plan, **fields)


def dispatcher(tree, line=Line.PARTY):
    return tree.actor(tree.county, Role.DISPATCHER, line)


def created(tree, now, **fields) -> int:
    with unit_of_work():
        return create_campaign(plan_of(tree, **fields), actor=dispatcher(tree), now=now)


def wrong(tree, now, **fields) -> list[str]:
    with pytest.raises(Invalid) as caught, unit_of_work():
        create_campaign(plan_of(tree, **fields), actor=dispatcher(tree), now=now)
    assert db.session.scalar(select(func.count()).select_from(Campaign)) == 0
    return [problem.where for problem in caught.value.problems]


def test_a_plan_becomes_a_draft_with_all_its_parts(tree, now):
    women = tree.unit(tree.county, Line.WOMEN)
    row = db.session.get(Campaign, created(tree, now, co_issuers=(UnitRef(id=women.id),)))
    task = row.tasks[0]
    assert (row.status, row.version, row.key) == (CampaignStatus.DRAFT, 1, "P1")
    assert [phase.name for phase in row.phases] == ["动员", "推进"]
    assert [co.unit_id for co in row.co_issuers] == [women.id]
    assert [line.line for line in task.lines] == [Line.UNION, Line.WOMEN]
    assert (task.due_on, task.due_days, task.review_levels) == (date(2026, 12, 1), None, "3,4")
    assert [rule.name for rule in task.evidence_rules] == ["名单", "台账"]
    rate, count = task.metrics
    assert (rate.aggregation, rate.over_time, rate.target) == (Aggregation.RATIO, OverTime.LATEST, Decimal(90))
    assert (count.aggregation, count.over_time, count.target) == (Aggregation.SUM, OverTime.SUM, None)


def test_the_draft_is_logged_with_the_post_that_wrote_it(tree, now):
    campaign_id = created(tree, now)
    event = db.session.scalars(select(Event).where(Event.subject == "campaign")).one()
    assert (event.tag, event.subject_id) == ("campaign:draft:create", campaign_id)
    assert event.post_id == dispatcher(tree).posts[0].id


def test_only_dispatchers_of_the_issuing_unit_write(tree, now):
    for actor in (tree.actor(tree.county, Role.SUPERVISOR, Line.PARTY), dispatcher(tree, Line.WOMEN)):
        with pytest.raises(Forbidden), unit_of_work():
            create_campaign(plan_of(tree), actor=actor, now=now)
    with unit_of_work():
        assert create_campaign(plan_of(tree), actor=SYSTEM, now=now)


def test_units_are_found_by_id_name_or_place(tree, now):
    village = tree.villages[0]
    names = (
        UnitRef(id=tree.unit(village).id),
        UnitRef(name=tree.unit(tree.villages[1]).name),
        UnitRef(area=tree.villages[2].code, line=Line.UNION),
    )
    task = replace(TASK, lines=(), receiving_level=None, units=names, review_levels=())
    row = db.session.get(Campaign, created(tree, now, tasks=(task,)))
    wanted = {tree.unit(village).id, tree.unit(tree.villages[1]).id, tree.unit(tree.villages[2], Line.UNION).id}
    assert {unit.unit_id for unit in row.tasks[0].units} == wanted
    assert {line.line for line in row.tasks[0].lines} == {Line.WOMEN, Line.UNION}


def test_problems_name_their_fields(tree, now):
    assert wrong(tree, now, title="") == ["title"]
    assert wrong(tree, now, issuing_unit=UnitRef(name="无此单位")) == ["issuing_unit"]
    assert wrong(tree, now, co_issuers=(UnitRef(name=tree.unit(tree.city).name),)) == ["co_issuers.0"]
    assert wrong(tree, now, tasks=(replace(TASK, receiving_level=Level.COUNTY),)) == [
        "tasks.0.receiving_level",
        "tasks.0.review_levels",
    ]
    assert wrong(tree, now, higher_campaign_key="none") == ["higher_campaign"]
    named = replace(TASK, receiving_level=None, review_levels=(), lines=(Line.PARTY,))
    up = replace(named, units=(UnitRef(name=tree.unit(tree.city).name), UnitRef(id=tree.unit(tree.villages[0]).id)))
    assert wrong(tree, now, tasks=(up,)) == ["tasks.0.units.0", "tasks.0.units.1"]


def test_two_units_of_one_name_are_not_guessed(tree, now):
    make.unit(make.area("柳林东村", Level.VILLAGE, tree.townships[1]), Line.WOMEN)
    task = replace(TASK, lines=(), receiving_level=None, review_levels=(), units=(UnitRef(name="柳林东村妇联"),))
    assert wrong(tree, now, tasks=(task,)) == ["tasks.0.units.0"]


def test_a_key_is_taken_once(tree, now):
    created(tree, now)
    with pytest.raises(Invalid) as caught, unit_of_work():
        create_campaign(plan_of(tree), actor=dispatcher(tree), now=now)
    assert [problem.where for problem in caught.value.problems] == ["key"]


def test_the_same_act_again_writes_nothing_twice(tree, now):
    action = str(uuid4())
    ids = []
    for _ in range(2):
        with unit_of_work():
            ids.append(create_campaign(plan_of(tree), actor=dispatcher(tree), now=now, client_action_id=action))
    assert ids[0] == ids[1]


def test_the_head_is_replaced_and_the_tasks_stay(tree, now):
    campaign_id = created(tree, now)
    with unit_of_work():
        plan = plan_of(tree, title="新题", phases=(PhasePlan("一期"),), starts_on=date(2026, 1, 1), tasks=())
        edit_campaign(campaign_id, plan, actor=dispatcher(tree), now=now, seen=1)
    db.session.expire_all()
    row = db.session.get(Campaign, campaign_id)
    assert (row.title, row.version, [phase.name for phase in row.phases]) == ("新题", 2, ["一期"])
    assert [task.title for task in row.tasks] == ["企业建会"]


def test_who_saw_an_older_draft_is_told(tree, now):
    campaign_id = created(tree, now)
    edits = {"actor": dispatcher(tree), "now": now, "seen": 1}
    with unit_of_work():
        add_task(campaign_id, TASK, **edits)
    task_id = db.session.scalars(select(Task.id).where(Task.campaign_id == campaign_id)).first()
    for edit in (
        lambda: edit_campaign(campaign_id, plan_of(tree), **edits),
        lambda: add_task(campaign_id, TASK, **edits),
        lambda: edit_task(task_id, TASK, **edits),
        lambda: remove_task(task_id, **edits),
    ):
        with pytest.raises(Stale), unit_of_work():
            edit()


def test_an_issued_campaign_is_not_edited(tree, now):
    row = make.campaign(tree.unit(tree.county, Line.PARTY))
    task = make.task(row)
    edits = {"actor": dispatcher(tree), "now": now, "seen": row.version}
    for edit in (
        lambda: edit_campaign(row.id, plan_of(tree, tasks=()), **edits),
        lambda: add_task(row.id, TASK, **edits),
        lambda: edit_task(task.id, TASK, **edits),
        lambda: remove_task(task.id, **edits),
    ):
        with pytest.raises((Refused, Invalid)), unit_of_work():
            edit()
    with pytest.raises(NotFound), unit_of_work():
        edit_task(10**9, TASK, **edits)


def test_a_task_is_replaced_with_all_its_parts(tree, now):
    campaign_id = created(tree, now)
    task_id = db.session.scalars(select(Task.id)).one()
    units = (UnitRef(id=tree.unit(tree.villages[0]).id),)
    task = replace(
        TASK, title="改", units=units, lines=(Line.WOMEN,), receiving_level=None, review_levels=(),
        evidence=(EvidencePlan("新表"),), metrics=(),
    )  # fmt: skip
    with unit_of_work():
        edit_task(task_id, task, actor=dispatcher(tree), now=now, seen=1)
    db.session.expire_all()
    row = db.session.get(Task, task_id)
    assert (row.title, row.receiving_level, row.position) == ("改", None, 1)
    assert [rule.name for rule in db.session.scalars(select(EvidenceRule))] == ["新表"]
    assert db.session.scalars(select(Metric)).all() == []
    assert [unit.unit_id for unit in db.session.scalars(select(TaskUnit))] == [units[0].id]
    assert db.session.get(Campaign, campaign_id).version == 2


def test_proofs_are_tied_to_the_items_of_a_checklist(tree, now):
    checklist = MetricPlan("阵地建设", MetricKind.CHECKLIST, items=("有挂牌", "有制度"))
    proof = EvidencePlan("制度文本", item="有制度", in_time=True)
    task = replace(TASK, metrics=(checklist,), evidence=(EvidencePlan("名单"), proof))
    campaign_id = created(tree, now, tasks=(task,))
    task_id = db.session.scalars(select(Task.id)).one()
    assert task_plan_of(task_id, campaign_id).evidence == task.evidence
    renamed = replace(checklist, items=("有制度上墙", "有挂牌"))
    other = replace(task, metrics=(renamed,), evidence=(replace(proof, item="有制度上墙"),))
    with unit_of_work():
        edit_task(task_id, other, actor=dispatcher(tree), now=now, seen=1)
    assert task_plan_of(task_id, campaign_id).evidence == other.evidence
    with unit_of_work():
        remove_task(task_id, actor=dispatcher(tree), now=now, seen=2)
    strange = replace(task, evidence=(replace(proof, item="有台账"),))
    with pytest.raises(Invalid) as caught, unit_of_work():
        add_task(campaign_id, strange, actor=dispatcher(tree), now=now, seen=3)
    assert [problem.where for problem in caught.value.problems] == ["evidence.0.item"]


def test_a_removed_task_leaves_no_part_behind(tree, now):
    campaign_id = created(tree, now)
    task_id = db.session.scalars(select(Task.id)).one()
    with unit_of_work():
        remove_task(task_id, actor=dispatcher(tree), now=now, seen=1)
    with unit_of_work():
        add_task(campaign_id, TASK, actor=dispatcher(tree), now=now, seen=2)
    assert db.session.scalars(select(Task.position)).all() == [1]
    assert db.session.scalar(select(func.count()).select_from(TaskLine)) == 2


def test_another_unit_cannot_take_over_a_draft_with_tasks(tree, now):
    campaign_id = created(tree, now)
    make.post(tree.holder(tree.county, Role.DISPATCHER, Line.PARTY), tree.unit(tree.county), Role.DISPATCHER)
    with pytest.raises(Invalid) as caught, unit_of_work():
        plan = plan_of(tree, Line.WOMEN, tasks=())
        edit_campaign(campaign_id, plan, actor=dispatcher(tree), now=now, seen=1)
    assert [problem.where for problem in caught.value.problems] == ["issuing_unit"]


def test_a_problem_of_a_file_names_its_line(tree, now):
    plan = read_plan(DEMO / "C004.yaml")
    with pytest.raises(Invalid) as caught, unit_of_work():
        create_campaign(plan, actor=SYSTEM, now=now)
    where = caught.value.problems[0].where
    assert where.startswith("C004.yaml:") and where.endswith(" issuing_unit")


def test_the_occasions_of_a_plan_are_kept_with_the_tasks_that_depend_on_them(tree, now):
    dispatcher = tree.actor(tree.county, Role.DISPATCHER)
    fields = {"lines": (Line.WOMEN,), "receiving_level": Level.VILLAGE, "due_kind": DueKind.OCCASION, "due_days": -1}
    task = TaskPlan(title="迎会", occasion="党代会", roll=Roll.PREVIOUS, review_days=5, **fields)
    plan = CampaignPlan(
        title="迎接党代会", issuing_unit=UnitRef(id=tree.unit(tree.county).id),
        occasions=(OccasionPlan("党代会", date(2027, 3, 15)), OccasionPlan("人代会")), tasks=(task,),
    )  # fmt: skip
    with unit_of_work():
        campaign_id = create_campaign(plan, actor=dispatcher, now=now)
    held = db.session.scalars(select(Occasion).order_by(Occasion.position)).all()
    assert [(each.name, each.happens_on) for each in held] == [("党代会", date(2027, 3, 15)), ("人代会", None)]
    row = db.session.scalars(select(Task)).one()
    assert (row.occasion_id, row.due_days, row.roll, row.review_days) == (held[0].id, -1, Roll.PREVIOUS, 5)
    assert task_plan_of(row.id, campaign_id) == replace(task, key=None)
    with unit_of_work():
        edit_task(row.id, replace(task, occasion="人代会"), actor=dispatcher, now=now, seen=1)
    assert db.session.scalars(select(Task.occasion_id)).one() == held[1].id
    with pytest.raises(Invalid) as refused, unit_of_work():
        add_task(campaign_id, replace(task, occasion="团代会"), actor=dispatcher, now=now, seen=2)
    assert [problem.where for problem in refused.value.problems] == ["due.event"]
