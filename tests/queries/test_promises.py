"""The preview promises before a dispatch what the time lines of the assignments say after it, and counts the people."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from campaign.db import db, unit_of_work
from campaign.models import Assignment, LadderVersion, Post
from campaign.models.ladders import read
from campaign.models.outlook import outlook_of
from campaign.operations.issuing import dispatch
from campaign.operations.ladders import LadderPlan, create_ladder
from campaign.queries.before_dispatch import Opening, before_dispatch
from campaign.queries.campaigns import head_of, tasks_of
from campaign.queries.outlook import line_of
from campaign.rules.ladder import Teller
from campaign.rules.organisation import Level, Role
from campaign.rules.plans import Grade
from tests import make
from tests.counting import statements

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def tree():
    return make.small_tree()


@pytest.fixture
def issuer(tree):
    return tree.actor(tree.county, Role.DISPATCHER)


def promised(campaign, actor, now, unit_id=None):
    head = head_of(campaign.id, actor)
    task = tasks_of(campaign.id, parts=False)[0]
    how = {"actor": actor, "now": now, "unit_id": unit_id}
    return before_dispatch(head, task, outlook_of(task.id, now=now), Opening(now), **how).promises, task


def lines(task, actor, now):
    with unit_of_work():
        dispatch(task.id, actor=actor, now=now)
    rows = db.session.execute(select(Assignment.unit_id, Assignment.id).where(Assignment.task_id == task.id))
    return {unit_id: line_of(id, now=now) for unit_id, id in rows.tuples()}


def coming(found):
    return [(each.at, each.rung.number, each.overtaken, {one.person_id for one in each.people}) for each in found]


@pytest.mark.parametrize("days", [10, 1, -3])
def test_the_preview_says_what_the_assignments_say_after_the_dispatch(tree, issuer, now, days):
    campaign = make.campaign(tree.unit(tree.county))
    make.task(campaign, due_on=make.TODAY + timedelta(days=days), grace_days=4)
    with unit_of_work() as session:
        vacant = tree.holder(tree.townships[0], Role.SUPERVISOR)
        session.execute(update(Post).where(Post.person_id == vacant.id).values(disabled_at=now))
    for village in (tree.villages[0], tree.villages[5]):
        found, task = promised(campaign, issuer, now, tree.unit(village).id)
        assert found.example.unit_id == tree.unit(village).id
    last = coming(found.coming)
    after = lines(task, issuer, now)
    assert coming(after[tree.unit(tree.villages[5]).id].coming) == last
    everybody = {}
    for line in after.values():
        for each in line.coming:
            everybody.setdefault(each.rung.number, set()).update(one.person_id for one in each.people)
    for each in found.coming:
        if not each.overtaken and set(each.rung.tells) == {Teller.OFFICER, Teller.ONE_UP}:
            assert sum(found.people[teller] for teller in each.rung.tells) == len(everybody[each.rung.number])


def test_best_effort_leaves_the_escalations_out_and_says_how_many(tree, issuer, now):
    campaign = make.campaign(tree.unit(tree.county))
    make.task(campaign, grade=Grade.BEST_EFFORT)
    found, _task = promised(campaign, issuer, now)
    assert found.left_out == 3
    assert all(each.rung.steps == 0 for each in found.coming)


def test_a_ladder_of_the_unit_is_pinned_and_a_later_version_changes_nothing_sent(tree, issuer, now):
    rungs = read(db.session.scalar(select(LadderVersion.rungs).where(LadderVersion.id == 1)))
    plan = LadderPlan("从严", [rung for rung in rungs if rung.number in (4, 6)], Level.TOWNSHIP, "年底")
    with unit_of_work():
        id = create_ladder(plan, key="strict", unit_id=tree.unit(tree.county).id, actor=issuer, now=now)
    campaign = make.campaign(tree.unit(tree.county), ladder_key="strict")
    make.task(campaign)
    found, task = promised(campaign, issuer, now)
    assert (found.ladder, [each.rung.number for each in found.coming]) == ((id, "从严", 1), [1, 2])
    after = lines(task, issuer, now)
    assert {line.ladder for line in after.values()} == {(id, "从严", 1)}
    found, _task = promised(campaign, issuer, now)
    assert [(each.name, each.version, each.items) for each in found.pinned] == [("从严", 1, 6)]


def test_more_units_ask_no_more(tree, issuer, now):
    campaign, asked = make.campaign(tree.unit(tree.county)), []
    make.task(campaign)
    for _more in range(2):
        with statements() as ran:
            promised(campaign, issuer, now)
        asked.append(len(ran))
        make.unit(make.area("加村", Level.VILLAGE, tree.townships[0]))
    assert asked[0] == asked[1] <= 8
