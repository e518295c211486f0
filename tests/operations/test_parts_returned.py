"""What becomes of a part of a total when its unit is asked no more, or is asked again."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from sqlalchemy import select

from campaign.db import db, unit_of_work
from campaign.models import Assignment, FigureTouch, Metric, Target
from campaign.models.goals import join_target, left_to_itself
from campaign.operations.cascading import split, split_task
from campaign.operations.figure_checks import wrong_contributions
from campaign.operations.folding import fold
from campaign.operations.issuing import cancel
from campaign.operations.reporting import Report, acknowledge, submit
from campaign.operations.reviewing import approve
from campaign.operations.taking_back import take_back
from campaign.queries.board import Asked
from campaign.queries.board_metrics import figures_page
from campaign.queries.cascade_checks import gaps, targets_are_the_shares
from campaign.queries.cascade_tree import level_of
from campaign.queries.checking import curves_are_followed
from campaign.queries.metric_facts import AskedMetric
from campaign.queries.metric_page import metric_page
from campaign.rules.metrics import Value
from campaign.rules.organisation import Role
from tests import make
from tests.operations.test_cascading import Story, done


@pytest.fixture
def story(app) -> Story:
    return Story()


def test_a_decision_taken_back_follows_a_split_made_meanwhile(story, now):
    """Approved, split anew in the same minute, and taken back: what is open again must reach what it is given now,
    as after a reopening: nothing, since what was finished was left out."""
    done(split_task, story.task.id, story.plan(50, 40, units=story.towns), actor=story.issuer, now=now, seen=0)
    one, _two = story.dispatched(now)
    officer = make.actor(make.holder(story.towns[0], Role.OFFICER))
    number, rate = Value(number=D(50)), Value(numerator=D(7), denominator=D(10))
    report = Report("已办", {story.sum.id: number, story.rate.id: rate, story.quota.id: number})
    done(acknowledge, one.id, actor=officer, now=now, seen=1)
    done(submit, one.id, report, actor=officer, now=now, seen=2)
    boss = story.tree.actor(story.tree.county, Role.SUPERVISOR)
    done(approve, one.id, actor=boss, now=now, seen=3)
    plan = story.plan(30, units=story.towns[1:], reason="已完成的不再列入")
    done(split_task, story.task.id, plan, actor=story.issuer, now=now, seen=1)
    assert story.targets(*story.towns) == [50, 30]
    done(take_back, one.id, actor=boss, now=now + timedelta(seconds=5), seen=4)
    assert story.targets(*story.towns) == [None, 30]
    assert list(targets_are_the_shares()) == list(curves_are_followed()) == []


def test_the_part_of_whom_it_is_asked_no_more_falls_back_to_who_gave_it(story, now):
    """A town must reach 50 and gave 30 and 10 away: 10 are its own, and 40 once the first village is cancelled. The
    page of the metric shows the part as a gap again, and so do the tree of targets and the report of gaps."""
    done(split_task, story.task.id, story.plan(50, 40, units=story.towns), actor=story.issuer, now=now, seen=0)
    town, _other = story.dispatched(now)
    done(split, town.id, story.plan(30, 10), actor=story.heads[0], now=now, seen=0)
    left = select(left_to_itself()).select_from(Assignment).join(Metric, Metric.id == story.sum.id)
    left = left.outerjoin(Target, join_target()).where(Assignment.id == town.id)
    ask = {"actor": story.issuer, "now": now, "today": make.TODAY}

    def gap():
        gap = metric_page(story.sum.id, AskedMetric(area_id=story.tree.townships[0].id), **ask).total.gap
        here = level_of(story.task.id, story.sum, actor=story.issuer, parent_id=town.id)
        above = level_of(story.task.id, story.sum, actor=story.issuer)
        assert here.node.sum.gap == gap == next(row.sum.gap for row in above.rows if row.id == town.id)
        assert gap in {each.sum.gap for each in gaps()}
        return gap

    assert (db.session.scalar(left), gap()) == (100_000, 10)
    with unit_of_work():
        while fold(now=now):
            pass
    first = story.of(story.villages[0])
    done(cancel, first.id, actor=story.issuer, now=now, seen=first.version, reason="已撤并")
    assert (db.session.scalar(left), gap()) == (400_000, 40)
    named = select(FigureTouch.assignment_id)
    assert set(db.session.scalars(named)) >= {town.id}
    with unit_of_work():
        fold(now=now)
    assert wrong_contributions() == list(curves_are_followed()) == []


def test_quotas_for_each_person_come_to_a_target_of_the_areas_above(story, now):
    """Half for each of 30 to 35 in the villages: 47 and 51 of the towns, which received them, and 98 of the county.
    What a town hands on counts with the town alone, and what is cancelled with nobody."""
    town, _other = story.dispatched(now)
    done(split, town.id, story.plan(0, 0), actor=story.heads[0], now=now, seen=0)
    ask = {"actor": story.issuer, "now": now, "today": make.TODAY}

    def targets():
        shown = metric_page(story.quota.id, AskedMetric(), **ask)
        page = figures_page(story.task.campaign_id, Asked(), **ask)
        assert [row.stand.target for row in page.rows if row.metric.id == story.quota.id] == [shown.total.stand.target]
        return [row.stand.target for row in (shown.total, *shown.rows)]

    assert targets() == [98, 47, 51]
    here = metric_page(story.quota.id, AskedMetric(area_id=story.tree.townships[0].id), **ask)
    assert [row.stand.target for row in here.rows if row.kind == "leaf"] == [15, 16]
    done(cancel, town.id, actor=story.issuer, now=now, seen=story.of(story.towns[0]).version, reason="已撤并")
    assert targets()[0] == 51 + 15 + 16, "the villages stay asked"
