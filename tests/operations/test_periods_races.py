"""Two schedulers, two dispatchers, one who ends while another opens: each period once, whoever comes first."""

from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import func, select

from campaign.cli import find_breaches
from campaign.db import db, unit_of_work
from campaign.models import Assignment, Event, Period, Series
from campaign.operations.folding import fold
from campaign.operations.periods import end_series, open_due, send
from campaign.rules.dates import DueKind
from campaign.rules.organisation import Role
from jobs.runner import run_slot
from jobs.timetable import JOBS
from tests import make
from tests.together import at_once

FIRST = date(2026, 11, 24)


@pytest.fixture
def tree(app):
    return make.small_tree()


@pytest.fixture
def task(tree):
    plan = make.campaign(tree.unit(tree.county))
    return make.task(plan, due_kind=DueKind.NONE, due_on=None, window_days=4, rrule="FREQ=WEEKLY;BYDAY=TU")


def at(day: date, hour: int = 9) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC) - timedelta(hours=8)


def count(noun, *where):
    return db.session.scalar(select(func.count()).select_from(noun).where(*where))


def test_two_dispatchers_begin_one_series(app, tree, task):
    actor = tree.actor(tree.county, Role.DISPATCHER)
    task_id = task.id
    db.session.rollback()
    at_once(app, *[partial(send, task_id, actor=actor, now=at(FIRST)) for _ in range(3)])
    assert (count(Series), count(Period), count(Assignment)) == (1, 1, 6)
    assert count(Event, Event.tag == "campaign:series:begin") == 1


def test_three_schedulers_open_each_period_once(app, tree, task):
    task_id = task.id
    with unit_of_work():
        send(task_id, actor=tree.actor(tree.county, Role.DISPATCHER), now=at(FIRST))
    for week in range(1, 5):
        now = at(FIRST + timedelta(weeks=week))
        done = at_once(app, *[partial(open_due, task_id, now=now) for _ in range(3)])
        assert sorted(each.opened for each in done) == [0, 0, 1], done
    assert (count(Period), count(Assignment)) == (5, 30)


def test_an_end_comes_before_an_opening_or_after_it(app, tree, task):
    actor, task_id = tree.actor(tree.county, Role.DISPATCHER), task.id
    with unit_of_work():
        send(task_id, actor=actor, now=at(FIRST))
    now = at(FIRST + timedelta(weeks=1))
    ended, opened = at_once(
        app,
        partial(end_series, task_id, actor=actor, now=now, reason="改按月报送"),
        partial(open_due, task_id, now=now),
    )
    assert ended is None
    assert count(Period) == 1 + opened.opened
    with unit_of_work():
        assert open_due(task_id, now=at(FIRST + timedelta(weeks=9))).opened == 0
    assert db.session.scalar(select(Series.next_on)) is None


def test_the_job_opens_and_the_data_hold(app, tree, task):
    """The clock of the product: one minute, one run; a task that cannot be opened holds up nobody."""
    bad = make.task(
        make.campaign(tree.unit(tree.county)), due_kind=DueKind.NONE, due_on=None, rrule="FREQ=WEEKLY;BYDAY=TU"
    )
    for each in (bad, task):
        with unit_of_work():
            send(each.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=at(FIRST))
    with unit_of_work() as session:
        session.get(type(bad), bad.id).rrule = "FREQ=NONSENSE"
    counts = run_slot(app, JOBS["open_periods"], at(FIRST + timedelta(weeks=1)))
    assert (counts.done, counts.failed) == (1, 1)
    assert "NONSENSE" in counts.error or "weekly, monthly or yearly" in counts.error
    again = run_slot(app, JOBS["open_periods"], at(FIRST + timedelta(weeks=2)))
    assert (again.done, again.skipped) == (1, 0)
    with unit_of_work():
        fold(now=at(FIRST + timedelta(weeks=2)))
    assert find_breaches(app.extensions["evidence"]) == []
