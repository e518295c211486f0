"""Dates of what is dispatched follow an occasion or a calendar: once, all of them, and nothing else with them."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from campaign.db import db, unit_of_work
from campaign.models import Assignment, Occasion
from campaign.operations.folding import differences, fold
from campaign.operations.issuing import dispatch
from campaign.operations.redating import redate
from campaign.rules.dates import DueKind, end_of_day
from campaign.rules.organisation import Role
from tests import make

CONGRESS, LATER, EARLIER = date(2027, 3, 15), date(2027, 4, 20), date(2026, 11, 10)


def end(day):
    return None if day is None else end_of_day(day, make.ZONE)


@pytest.fixture
def tree(app):
    return make.small_tree()


def dispatched(tree, now, on=CONGRESS, **fields):
    """A task due the day before the congress, dispatched to six villages."""
    plan = make.campaign(tree.unit(tree.county))
    occasion = occasion_of(plan, on)
    fields = {
        "due_kind": DueKind.OCCASION,
        "due_on": None,
        "due_days": -1,
        "occasion_id": occasion.id,
        "grace_days": 5,
    } | fields
    task = make.task(plan, **fields)
    make.metric(task, target=10)
    with unit_of_work():
        dispatch(task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now)
    return task, occasion


@make.kept
def occasion_of(plan, on):
    made = Occasion(campaign_id=plan.id, position=1, name="党代会", happens_on=on)
    db.session.add(made)
    db.session.flush()
    return made


def moved(occasion, on, now, *tasks):
    with unit_of_work():
        db.session.execute(update(Occasion).where(Occasion.id == occasion.id).values(happens_on=on))
        return redate([task.id for task in tasks], now=now)


def rows():
    return db.session.execute(
        select(Assignment.due_at, Assignment.cut_off_at, Assignment.first_due_at, Assignment.behind_at).order_by(
            Assignment.id
        )
    ).all()


@pytest.mark.parametrize("on", [LATER, EARLIER, None, CONGRESS])
@pytest.mark.parametrize("folded", [True, False])
def test_every_open_assignment_follows_and_the_tallies_too(tree, now, on, folded):
    task, occasion = dispatched(tree, now)
    if folded:
        with unit_of_work():
            fold(now=now)
    done = moved(occasion, on, now, task)
    due = None if on is None else on - timedelta(days=1)
    cut = None if on is None else on + timedelta(days=4)
    assert {(row.due_at, row.cut_off_at) for row in rows()} == {(end(due), end(cut))}
    assert {row.first_due_at for row in rows()} == ({None} if on == CONGRESS else {end(date(2027, 3, 14))})
    assert [each.items for each in done] == ([] if on == CONGRESS else [6])
    assert differences() == []


def test_there_and_back_leaves_everything_as_it_was(tree, now):
    task, occasion = dispatched(tree, now)
    before = [tuple(row)[:2] + tuple(row)[3:] for row in rows()]
    for on in (LATER, None, EARLIER, CONGRESS):
        moved(occasion, on, now, task)
        assert differences() == []
    assert [tuple(row)[:2] + tuple(row)[3:] for row in rows()] == before
