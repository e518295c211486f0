"""Parts that fell back to who gave them, by an exemption or with an approval, and come again: one by one and many."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from campaign.db import db, unit_of_work
from campaign.models import Assignment, Event, Metric, Notice, Target, Task
from campaign.models.goals import join_target, left_to_itself
from campaign.operations.cascading import split, split_task
from campaign.operations.deciding import Ruling, decide
from campaign.operations.figure_checks import wrong_contributions
from campaign.operations.folding import fold
from campaign.operations.giving import FOLLOWS
from campaign.operations.issuing import dispatch, reopen
from campaign.operations.moving_many import approve_many
from campaign.operations.reporting import Report, acknowledge, submit
from campaign.operations.requests import Wish, ask
from campaign.operations.taking_back import take_back_many
from campaign.queries.cascade_checks import targets_are_the_shares
from campaign.queries.checking import curves_are_followed
from campaign.rules.metrics import Value
from campaign.rules.organisation import Level, Role
from campaign.rules.requests import RequestKind
from tests import make
from tests.counting import statements
from tests.operations.test_cascading import D, Story, done


@pytest.fixture
def story(app) -> Story:
    return Story()


def sound(now) -> None:
    """The figures and the curves are those of an independent recomputation."""
    with unit_of_work():
        while fold(now=now):
            pass
    assert wrong_contributions() == []
    assert list(targets_are_the_shares()) == list(curves_are_followed()) == []


def test_many_taken_back_in_one_press_follow_a_split_made_meanwhile(story, now):
    """Six villages have 15 each. Two are approved together, the total is split anew among the others, and both are
    taken back in one press: nothing is asked of them now, and their officers are told. The same with a third."""
    with unit_of_work():
        task = db.session.get_one(Task, story.task.id)
        task.receiving_level, task.review_levels = Level.VILLAGE, "3"
    done(split_task, story.task.id, story.plan(*[15] * 6), actor=story.issuer, now=now, seen=0)
    done(dispatch, story.task.id, actor=story.issuer, now=now)
    number, rate = Value(number=D(15)), Value(numerator=D(7), denominator=D(10))
    report = Report("已办", {story.sum.id: number, story.rate.id: rate, story.quota.id: number})
    officers = [story.tree.actor(village, Role.OFFICER) for village in story.tree.villages[:3]]
    ids = [story.of(village).id for village in story.villages[:3]]
    for mine, officer in zip(ids, officers, strict=True):
        done(acknowledge, mine, actor=officer, now=now, seen=1)
        done(submit, mine, report, actor=officer, now=now, seen=2)
    boss = story.tree.actor(story.tree.county, Role.SUPERVISOR)
    without = {"reason": "已完成的不再列入"}
    two = story.plan(15, 25, 25, 25, units=story.villages[2:], **without)
    asked: list[int] = []
    for many, plan, version in (
        (ids[:2], two, 1),
        (ids, story.plan(30, 30, 30, units=story.villages[3:], **without), 2),
    ):
        act = str(uuid4())
        with unit_of_work():
            approve_many({mine: version_of(mine) for mine in many}, actor=boss, now=now, client_action_id=act)
        done(split_task, story.task.id, plan, actor=story.issuer, now=now, seen=version)
        with statements() as sent:
            taken = done(take_back_many, act, actor=boss, now=now + timedelta(seconds=5))
        asked.append(len(sent))
        assert (taken.count, taken.refused) == (len(many), ())
    assert asked[0] == asked[1], "as many for two whose target moved as for one"
    assert story.targets(*story.villages) == [None] * 3 + [30] * 3
    told = {row.person_id for row in db.session.scalars(select(Notice).where(Notice.tag == FOLLOWS))}
    assert told == {officer.person_id for officer in officers}
    followed = db.session.scalars(select(Event.subject_id).where(Event.tag == FOLLOWS).order_by(Event.id)).all()
    assert followed == ids, "each once, when its target moved"
    sound(now)


def version_of(assignment_id: int) -> int:
    return db.session.execute(select(Assignment.version).where(Assignment.id == assignment_id)).scalar_one()


def test_exempted_parts_fall_back_and_are_taken_again_when_they_are_reopened(story, now):
    """A town must reach 50, gave 30 and 10 away and reports 20 of its own. Both villages are exempted: all 50 are its
    own, so that it lags. One comes back with its 10; the total is split anew without the other, and when that comes
    back, too, nothing is asked of it."""
    done(split_task, story.task.id, story.plan(50, 40, units=story.towns), actor=story.issuer, now=now, seen=0)
    town, _other = story.dispatched(now)
    done(split, town.id, story.plan(30, 10), actor=story.heads[0], now=now, seen=0)
    officer, number = make.actor(make.holder(story.towns[0], Role.OFFICER)), Value(number=D(20))
    rate = Value(numerator=D(7), denominator=D(10))
    report = Report("已办", {story.sum.id: number, story.rate.id: rate, story.quota.id: number})
    done(acknowledge, town.id, actor=officer, now=now, seen=1)
    done(submit, town.id, report, actor=officer, now=now, seen=2)
    sound(now)
    own = select(left_to_itself()).select_from(Assignment).join(Metric, Metric.id == story.sum.id)
    own = own.outerjoin(Target, join_target()).where(Assignment.id == town.id)

    def left() -> int:
        db.session.rollback()
        return db.session.scalar(own) // 10_000

    def exempt(at: int) -> None:
        wish, officer = (
            Wish(RequestKind.NOT_APPLICABLE, "整村拆迁"),
            story.tree.actor(story.tree.villages[at], Role.OFFICER),
        )
        mine = story.of(story.villages[at])
        request = done(ask, mine.id, wish, actor=officer, now=now, seen=mine.version)
        done(decide, request, Ruling(True, "属实"), actor=story.heads[0], now=now)

    def again(at: int) -> None:
        mine = story.of(story.villages[at])
        done(reopen, mine.id, actor=story.issuer, now=now, seen=mine.version, reason="情况有变")

    assert left() == 10
    exempt(0)
    exempt(1)
    assert left() == 50
    sound(now)
    again(1)
    assert (left(), story.targets(*story.villages[:2])) == (40, [30, 10])
    plan = story.plan(10, 25, units=story.villages[1:3], reason="拆迁村不再列入")
    done(split, town.id, plan, actor=story.heads[0], now=now, seen=1)
    assert left() == 15
    again(0)
    assert (left(), story.targets(*story.villages[:3])) == (15, [None, 10, 25])
    followed = db.session.scalars(select(Event.subject_id).where(Event.tag == FOLLOWS)).all()
    assert followed == [story.of(story.villages[0]).id]
    sound(now)
