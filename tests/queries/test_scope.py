"""Scope: on random trees the clauses pick the same rows as the law written out in plain Python."""

import random
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from campaign.db import db, unit_of_work
from campaign.models import Area, Assignment, Campaign, Unit
from campaign.queries import scope
from campaign.rules.organisation import SYSTEM, Actor, Level, Line, Role
from campaign.rules.plans import CampaignStatus
from campaign.rules.states import State
from tests import make

LINES = (Line.PARTY, Line.UNION, Line.WOMEN)


# -- the law again, without a database --------------------------------------------------------------------------------


def below(area, top) -> bool:
    return area.path.startswith(top.path)


def sees_unit(world, actor: Actor, unit) -> bool:
    for post in actor.posts:
        own = world.units[post.unit_id]
        reaches = own.line is Line.PARTY or own.line is unit.line
        if unit.id == own.id or (reaches and below(world.areas[unit.area_id], world.areas[own.area_id])):
            return True
    return False


def issues(world, actor: Actor, campaign) -> bool:
    return bool({post.unit_id for post in actor.posts} & world.issuers[campaign.id])


def sees_assignment(world, actor: Actor, item) -> bool:
    return (
        sees_unit(world, actor, world.units[item.unit_id])
        or item.reviewer_unit_id in {post.unit_id for post in actor.posts}
        or issues(world, actor, world.campaigns[world.tasks[item.task_id]])
    )


def sees_campaign(world, actor: Actor, campaign) -> bool:
    if issues(world, actor, campaign):
        return True
    items = [item for item in world.items if world.tasks[item.task_id] == campaign.id]
    return campaign.status is not CampaignStatus.DRAFT and (
        sees_unit(world, actor, world.units[campaign.issuing_unit_id])
        or any(sees_assignment(world, actor, item) for item in items)
    )


# -- a random world ---------------------------------------------------------------------------------------------------


def random_tree(chance: random.Random) -> list[Area]:
    areas = [make.area("全市", Level.CITY)]
    for level, number in ((Level.COUNTY, 3), (Level.TOWNSHIP, 5), (Level.VILLAGE, 9), (Level.ORGANISATION, 3)):
        above = [area for area in areas if area.level < level]
        areas += [make.area(f"{level.name}{n}", level, chance.choice(above)) for n in range(number)]
    return areas


@make.kept
def random_world(chance: random.Random) -> SimpleNamespace:
    areas = random_tree(chance)
    units = [make.unit(area, line) for area in areas for line in chance.sample(LINES, chance.randint(1, 3))]
    issuers, tasks, items, campaigns = {}, {}, [], []
    for _number in range(7):
        issuing = chance.choice(units)
        others = chance.sample([unit for unit in units if unit is not issuing], chance.choice([0, 0, 1, 2]))
        status = chance.choice([CampaignStatus.DRAFT, CampaignStatus.ISSUED, CampaignStatus.ISSUED])
        campaigns.append(make.campaign(issuing, co_issuers=others, status=status))
        issuers[campaigns[-1].id] = {unit.id for unit in (issuing, *others)}
        task = make.task(campaigns[-1])
        tasks[task.id] = campaigns[-1].id
        for unit in chance.sample(units, chance.randint(0, 4)) if status is not CampaignStatus.DRAFT else ():
            state = chance.choice(list(State))
            fields = {"reviewer_unit_id": chance.choice(units).id} if state is State.SUBMITTED else {}
            items.append(make.assignment(task, unit, state, **fields))
    people = [make.person() for _number in range(9)]
    for person in people[1:]:
        for unit in chance.sample(units, chance.randint(1, 3)):
            make.post(person, unit, chance.choice(list(Role)))
    return SimpleNamespace(
        areas={row.id: row for row in areas}, units={row.id: row for row in units}, issuers=issuers, tasks=tasks,
        items=items, campaigns={row.id: row for row in campaigns}, people=people,
    )  # fmt: skip


def found(noun, clause) -> set[int]:
    query = select(noun.id).where(clause)
    if noun is Assignment:
        query = query.join(Unit, Unit.id == Assignment.unit_id)
    rows = db.session.scalars(query).all()
    assert len(rows) == len(set(rows))
    return set(rows)


@pytest.mark.parametrize("narrow", [scope.NARROW, 0], ids=["from-units", "from-campaigns"])
@pytest.mark.parametrize("seed", range(4))
def test_the_clauses_are_the_law(app, monkeypatch, seed, narrow):
    monkeypatch.setattr(scope, "NARROW", narrow)
    world = random_world(random.Random(seed))
    for actor in map(make.actor, world.people):
        assert found(Unit, scope.visible_units(actor)) == {
            unit.id for unit in world.units.values() if sees_unit(world, actor, unit)
        }
        assert found(Assignment, scope.visible_assignments(actor)) == {
            item.id for item in world.items if sees_assignment(world, actor, item)
        }
        assert found(Campaign, scope.visible_campaigns(actor)) == {
            campaign.id for campaign in world.campaigns.values() if sees_campaign(world, actor, campaign)
        }


def test_nobody_without_a_post_sees_anything_and_the_system_sees_all(app):
    tree = make.small_tree()
    item = make.assignment(make.task(make.campaign(tree.unit(tree.county))), tree.unit(tree.villages[0]))
    nobody = make.actor(make.person())
    clauses = (scope.visible_units, scope.visible_assignments, scope.visible_campaigns)
    for noun, clause in zip((Unit, Assignment, Campaign), clauses, strict=True):
        assert found(noun, clause(nobody)) == set()
    assert found(Assignment, scope.visible_assignments(SYSTEM)) == {item.id}
    assert len(found(Unit, scope.visible_units(SYSTEM))) == len(tree.units)


def test_an_ended_post_opens_nothing(app):
    tree = make.small_tree()
    item = make.assignment(make.task(make.campaign(tree.unit(tree.county))), tree.unit(tree.villages[0]))
    officer = tree.holder(tree.villages[0], Role.OFFICER)
    assert found(Assignment, scope.visible_assignments(make.actor(officer))) == {item.id}
    with unit_of_work() as session:
        for post in session.scalars(select(make.Post).where(make.Post.person_id == officer.id)):
            post.valid_to = make.TODAY - make.timedelta(days=1)
    assert found(Assignment, scope.visible_assignments(make.actor(officer))) == set()
