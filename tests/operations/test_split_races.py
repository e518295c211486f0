"""Who splits the same thing in the same instant: one split counts, the others are told, and no unit has it twice."""

from functools import partial

import pytest
from sqlalchemy import select

from campaign.db import db
from campaign.errors import Stale
from campaign.models import Assignment
from campaign.operations.cascading import split, split_task
from campaign.operations.issuing import dispatch
from campaign.queries.cascade_checks import children_are_not_later, targets_are_the_shares
from campaign.rules.organisation import Role
from tests import make
from tests.together import at_once

from .test_cascading import Story


@pytest.fixture
def story(app) -> Story:
    return Story()


def test_two_dispatchers_split_the_same_at_once(app, story, now):
    """One of them splits it, whatever the other had in mind; so with each change, and with the plan of the issuer."""
    one, _two = story.dispatched(now)
    heads = [story.heads[0], make.actor(make.holder(story.towns[0], Role.DISPATCHER))]
    versions = []
    for seen, figures in enumerate([((20, 20), (15, 15, 15)), ((25, 20, 5), (10, 20, 15))]):
        plans = [story.plan(*each, reason="同时下达" if seen else "") for each in figures]
        acts = [
            partial(split, one.id, plan, actor=head, now=now, seen=seen)
            for plan in plans for head in heads
        ]  # fmt: skip
        answers = at_once(app, *acts)
        won = [answer for answer in answers if not isinstance(answer, Exception)]
        assert (len(won), {type(answer) for answer in answers} - {type(won[0])}) == (1, {Stale})
        versions.append(won[0].version)
        winner = figures[answers.index(won[0]) // len(heads)]
        db.session.rollback()
        assert story.targets(*story.villages[: len(winner)]) == list(winner)
        rows = db.session.scalars(select(Assignment.unit_id).where(Assignment.parent_id == one.id)).all()
        assert len(rows) == len(set(rows)) >= len(winner)
    assert versions == [1, 2]
    towns = [story.plan(*each, units=story.towns) for each in ((50, 40), (45, 45))]
    acts = [partial(split_task, story.task.id, plan, actor=story.issuer, now=now, seen=0) for plan in towns * 2]
    assert [type(answer) for answer in at_once(app, *acts)].count(Stale) == 3
    assert [*targets_are_the_shares(), *children_are_not_later()] == []


def test_a_task_is_split_in_the_instant_of_its_dispatch(app, story, now):
    """Whichever comes first, each unit has the target that the split gives it."""
    plan = story.plan(50, 40, units=story.towns)
    answers = at_once(
        app,
        partial(split_task, story.task.id, plan, actor=story.issuer, now=now, seen=0),
        partial(dispatch, story.task.id, actor=story.issuer, now=now),
    )
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    db.session.rollback()
    assert story.targets(*story.towns) == [50, 40]
    assert [*targets_are_the_shares()] == []
