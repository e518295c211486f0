"""What the pages of the cascade ask, on both databases."""

from decimal import Decimal

from sqlalchemy import select

from campaign.db import db, unit_of_work
from campaign.models import Metric, MetricValue
from campaign.models.splits import whole_task
from campaign.operations.cascading import Plan, split, split_task
from campaign.operations.issuing import dispatch
from campaign.operations.registers import change_counts, create_register
from campaign.operations.reporting import Report, acknowledge, submit
from campaign.operations.reviewing import approve
from campaign.queries.cascade import issuers_split, seen_whole, splitting, splitting_task
from campaign.queries.cascade_actuals import Everything, actuals
from campaign.queries.cascade_areas import parts_below
from campaign.queries.cascade_panel import panel_of
from campaign.queries.cascade_tree import Heads, everything, level_of
from campaign.queries.cascade_versions import changes, versions_of
from campaign.queries.cascade_weights import by_last_year
from campaign.queries.registers import counts, history, register_of, registers, units_called
from campaign.rules.metrics import Aggregation, Value
from campaign.rules.organisation import Level, Line, Role
from campaign.rules.states import State
from campaign.rules.targets import Method, Quota
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
    page = splitting_task(whole_task(task.id), now=now)
    assert [(row.unit_id, row.shares, row.mine) for row in page.rows] == [
        (unit.id, {metric.id: 15}, False) for unit in towns
    ]
    areas, _none = parts_below(page, page.issuers)
    assert [(area.id, area.units, area.held) for area in areas] == [
        (town.area_id, 1, {metric.id: 15}) for town in towns
    ]  # fmt: skip
    planned = level_of(task.id, metric, actor=issuer)
    assert [row.target for row in planned.rows] == [15, 15]
    assert db.session.scalars(issuers_split(task.id)).all() == [1]
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
    assert level_of(task.id, metric, actor=issuer).node.sum.gap == 0
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
        above + name: [village.id]
        for above in ("", tree.townships[0].name)
        for name in (village.name, tree.villages[0].name)
    }
    assert [change.units for change in history(made)] == [1]


def test_the_tree_sets_actuals_beside_targets_and_says_what_a_quota_comes_to(app, now):
    tree = make.small_tree()
    towns, villages = ([tree.unit(area) for area in areas] for areas in (tree.townships, tree.villages))
    issuer, head = tree.actor(tree.county, Role.DISPATCHER), make.actor(make.holder(towns[0], Role.DISPATCHER))
    with unit_of_work():
        register = create_register(tree.unit(tree.county).id, "在册妇女", actor=issuer, now=now)
        heads = {unit.id: Decimal(n) for unit, n in zip(villages, (3, 5, 2), strict=False)}
        change_counts(register, heads, actor=issuer, now=now, seen=1)
    task = make.task(make.campaign(tree.unit(tree.county)), receiving_level=Level.TOWNSHIP)
    quota = {"quota": Quota.PER_PERSON, "register_id": register, "aggregation": Aggregation.SUM}
    metric = db.session.get_one(Metric, make.metric(task, target=Decimal("1.5"), **quota).id)
    with unit_of_work():
        dispatch(task.id, actor=issuer, now=now)
        one = db.session.scalars(select(make.Assignment).where(make.Assignment.unit_id == towns[0].id)).one()
        split(one.id, Plan(Method.SAME_RATE, {unit.id: {} for unit in villages[:3]}), actor=head, now=now, seen=0)
    root = level_of(task.id, metric, actor=issuer)
    assert root.heads == Heads(Decimal(15), 1)  # ten heads in the one township; nobody was counted in the other
    below = level_of(task.id, metric, actor=issuer, parent_id=one.id)
    assert (below.node.target, below.node.below) == (15, 5 + 8 + 3)  # each part is rounded up
    child = db.session.scalars(select(make.Assignment).where(make.Assignment.unit_id == villages[0].id)).one()
    officer = tree.actor(tree.villages[0], Role.OFFICER)
    with unit_of_work():
        acknowledge(child.id, actor=officer, now=now, seen=1)
    with unit_of_work():
        submit(child.id, Report("已办", {metric.id: Value(number=Decimal(4))}), actor=officer, now=now, seen=2)
    for seen, place in enumerate((tree.townships[0], tree.county), start=3):
        with unit_of_work():
            approve(child.id, actor=tree.actor(place, Role.SUPERVISOR), now=now, seen=seen)
    everything_ = Everything(tree.county.id, (Line.WOMEN,), root.heads.total)
    by_unit, whole = actuals(metric.id, root.rows, on=make.TODAY, whole=everything_)
    assert (by_unit[towns[0].id].figure, by_unit[towns[1].id].figure, whole.figure) == (4, 0, 4)
    assert by_unit[towns[0].id].share == whole.share == Decimal(4) / 15 * 100
    again, none = actuals(metric.id, [*below.rows, below.node], on=make.TODAY)
    assert ([again[unit.id].figure for unit in villages[:3]], again[towns[0].id].figure, none) == ([4, 0, 0], 4, None)
