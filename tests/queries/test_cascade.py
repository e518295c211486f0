"""What the pages of the cascade ask, on both databases."""

from decimal import Decimal

from sqlalchemy import select

from campaign.db import db, unit_of_work
from campaign.models import Metric, MetricValue
from campaign.operations.cascading import Plan, split, split_task
from campaign.operations.issuing import dispatch
from campaign.operations.registers import change_counts, create_register
from campaign.queries.cascade import issuers_version, seen_whole, splitting, splitting_task
from campaign.queries.cascade_panel import panel_of
from campaign.queries.cascade_tree import everything, level_of, task_node
from campaign.queries.cascade_versions import changes, versions_of
from campaign.queries.cascade_weights import by_last_year
from campaign.queries.registers import counts, history, register_of, registers, units_called
from campaign.rules.metrics import Aggregation
from campaign.rules.organisation import Level, Role
from campaign.rules.states import State
from campaign.rules.targets import Method
from tests import make


def test_the_pages_of_a_cascade(app, now):
    tree = make.small_tree()
    towns, villages = ([tree.unit(area) for area in areas] for areas in (tree.townships, tree.villages))
    issuer, head = tree.actor(tree.county, Role.DISPATCHER), make.actor(make.holder(towns[0], Role.DISPATCHER))
    former = make.metric(make.task(make.campaign(tree.unit(tree.county))), aggregation=Aggregation.SUM)
    done = make.assignment(db.session.get_one(make.Task, former.task_id), villages[0], State.APPROVED)
    with unit_of_work():
        version = db.session.scalars(select(make.Submission).where(make.Submission.assignment_id == done.id)).one()
        db.session.add(MetricValue(submission_id=version.id, metric_id=former.id, number=Decimal(7)))
    task = make.task(make.campaign(tree.unit(tree.county)), receiving_level=Level.TOWNSHIP)
    fields = {"aggregation": Aggregation.SUM, "former_metric_id": former.id}
    metric = db.session.get_one(Metric, make.metric(task, target=30, **fields).id)
    assert by_last_year(metric.id, [towns[0].id, towns[1].id]) == {towns[0].id: 7}
    with unit_of_work():
        shares = {unit.id: {metric.id: Decimal(15)} for unit in towns}
        split_task(task.id, Plan(Method.EVENLY, shares), actor=issuer, now=now, seen=0)
    page = splitting_task(task.id, now=now)
    assert [(row.unit_id, row.shares, row.mine) for row in page.rows] == [
        (unit.id, {metric.id: 15}, False) for unit in towns
    ]
    planned = level_of(task.id, metric, actor=issuer)
    assert ([row.target for row in planned.rows], issuers_version(task.id)) == ([15, 15], 1)
    with unit_of_work():
        dispatch(task.id, actor=issuer, now=now)
        one = db.session.scalars(select(make.Assignment).where(make.Assignment.unit_id == towns[0].id)).one()
        shares = {unit.id: {metric.id: Decimal(9)} for unit in villages[:2]}
        split(one.id, Plan(Method.BY_HAND, shares), actor=head, now=now, seen=0)
    whole = seen_whole(one.id, head)
    asked = splitting(whole, now=now)
    assert (asked.level, asked.levels, [row.mine for row in asked.rows]) == (
        Level.VILLAGE, ((Level.VILLAGE, 3),), [True, True, False],
    )  # fmt: skip
    grown = level_of(task.id, metric, actor=issuer, grown=True)
    assert [(row.unit, row.growth, row.pieces) for row in grown.rows] == [(towns[0].name, 20, 2)]
    below = level_of(task.id, metric, actor=head, parent_id=one.id)
    assert (below.total, below.grown, [name for _id, name in below.path]) == (2, 1, [towns[0].name])
    assert level_of(task.id, metric, actor=tree.actor(tree.villages[5], Role.OFFICER), parent_id=one.id) is None
    assert len(list(everything(task.id, metric, actor=issuer))) == 4
    assert task_node(task.id, metric).sum.gap == 0
    (version,) = versions_of(whole)
    assert [change.after for change in changes(version, None)] == [9, 9]
    panel = panel_of(one.id, colleagues_on=make.TODAY)
    assert (panel.version, panel.parts, panel.approved, {name for _id, name in panel.colleagues} >= {head.name}) == (
        1, 2, 0, True,
    )  # fmt: skip


def test_the_pages_of_a_register(app, now):
    tree = make.small_tree()
    issuer, village = tree.actor(tree.county, Role.DISPATCHER), tree.unit(tree.villages[0])
    with unit_of_work():
        made = create_register(tree.unit(tree.county).id, "在册妇女", actor=issuer, now=now)
        change_counts(made, {village.id: Decimal(40)}, actor=issuer, now=now, seen=1)
    officer = tree.actor(tree.villages[5], Role.OFFICER)
    (mine,) = registers(officer)
    assert (mine.name, mine.counted, mine.version, mine.kept_by(issuer), mine.kept_by(officer)) == (
        "在册妇女", 1, 2, True, False,
    )  # fmt: skip
    page = counts(register_of(made, issuer))
    assert (page.level, len(page.rows), page.rows[0].n) == (Level.VILLAGE, 6, 40)
    assert units_called(mine, [tree.villages[0].code, "无此村"]) == {tree.villages[0].code: [village.id]} | {
        name: [village.id] for name in (village.name, tree.villages[0].name)
    }
    assert [change.units for change in history(made)] == [1]
