"""What people do in the same instant: one is told that another was faster, and nobody meets a failure of ours."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from campaign.db import unit_of_work
from campaign.errors import Refused
from campaign.models import Campaign, Letter, Register
from campaign.operations.letters import generate
from campaign.operations.planning import create_campaign
from campaign.rules.organisation import Line, Role
from campaign.rules.planned import RegisterPlan
from campaign.rules.planning import CampaignPlan, UnitRef
from tests import make
from tests.together import at_once


@pytest.fixture
def tree(app):
    return make.small_tree()


def count(model) -> int:
    with unit_of_work() as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()


def test_both_sides_make_the_same_letter(app, tree, now):
    child = make.assignment(make.task(make.campaign(tree.unit(tree.county))), tree.unit(tree.villages[0]))
    sides = [tree.actor(tree.villages[0], Role.OFFICER), tree.actor(tree.county, Role.DISPATCHER)]
    acts = [lambda actor=actor: generate(child.id, actor=actor, now=now) for actor in sides * 4]
    answers = at_once(app, *acts)
    assert (sum(isinstance(each, Refused) for each in answers), count(Letter)) == (7, 1)


def test_two_plans_open_the_same_register(app, tree, now):
    actor = tree.actor(tree.county, Role.DISPATCHER, Line.PARTY)
    plan = CampaignPlan(
        title="集中建会行动", issuing_unit=UnitRef(id=tree.unit(tree.county, Line.PARTY).id),
        registers=(RegisterPlan("企业名册", "规模以上", "家"),),
    )  # fmt: skip
    acts = [lambda key=key: create_campaign(replace(plan, key=key), actor=actor, now=now) for key in "ABCD"]
    assert len(set(at_once(app, *acts))) == count(Campaign) == 4
    assert count(Register) == 1
