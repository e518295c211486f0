"""The time line of an assignment promises what the sweep then does: to the minute and to the person."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from campaign.db import db, unit_of_work
from campaign.models import Assignment, Event, Firing, Notice, Post
from campaign.operations.issuing import dispatch
from campaign.operations.reporting import Report, acknowledge, submit
from campaign.operations.reviewing import return_for_changes
from campaign.operations.sweeping import fire
from campaign.queries.outlook import line_of
from campaign.rules.ladder import Sweep
from campaign.rules.metrics import MetricKind
from campaign.rules.organisation import Role
from campaign.rules.plans import Grade
from campaign.rules.states import ReturnReason
from tests import make
from tests.counting import statements

pytestmark = pytest.mark.usefixtures("app")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = make.NOW.replace(hour=1)  # nine in the morning in Shanghai: the clock is swept on the hour


def swept(since, hours):
    """The clock runs over so many hours, with a sweep on each of them."""
    for hour in range(1, hours + 1):
        for sweep in Sweep:
            with unit_of_work():
                fire(sweep, now=since + hour * HOUR)


def sent(since):
    """What was sent after that instant: (assignment, minute, tag, person)."""
    rows = db.session.execute(
        select(Event.subject_id, Event.at, Event.tag, Notice.person_id)
        .join(Notice, Notice.event_id == Event.id)
        .where(Event.tag.startswith("assignment:clock:"), Event.at > since)
    )
    return {(row.subject_id, row.at.replace(second=0, microsecond=0), row.tag, row.person_id) for row in rows}


def promised(ids, now):
    """What the time lines of these assignments say now."""
    return {
        (id, each.at.replace(second=0, microsecond=0), each.rung.tag, one.person_id)
        for id in ids
        for each in line_of(id, now=now).coming
        for one in each.people
    }


@pytest.fixture
def tree():
    return make.small_tree()


def given(tree, **task):
    """Six assignments of a task with a target, dispatched at the start: their ids by village."""
    made = make.task(make.campaign(tree.unit(tree.county)), grace_days=5, **task)
    make.metric(made, MetricKind.COUNT, target=10)
    with unit_of_work():
        dispatch(made.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=START)
    rows = db.session.execute(select(Assignment.unit_id, Assignment.id).where(Assignment.task_id == made.id))
    by_unit = dict(rows.tuples().all())
    return [by_unit[tree.unit(village).id] for village in tree.villages]


def vacate(person):
    with unit_of_work() as session:
        session.execute(update(Post).where(Post.person_id == person.id).values(disabled_at=START))


def test_what_the_time_line_promised_is_what_happens(tree):
    ids = given(tree)
    vacate(tree.holder(tree.townships[0], Role.SUPERVISOR))
    officers = [tree.actor(village, Role.OFFICER) for village in tree.villages]
    report = Report(words="办完了", values={})
    with unit_of_work() as session:
        session.execute(make.Metric.__table__.update().values(required=False))
        session.execute(
            update(Assignment)
            .where(Assignment.id == ids[1])
            .values(in_charge_id=tree.holder(tree.villages[2], Role.OFFICER).id)
        )
        acknowledge(ids[1], actor=officers[1], now=START, seen=1)
        for at in (4, 5):
            acknowledge(ids[at], actor=officers[at], now=START, seen=1)
            submit(ids[at], report, actor=officers[at], now=START + HOUR, seen=2)
    later = START + 2 * HOUR
    with unit_of_work():
        supervisor = tree.actor(tree.townships[1], Role.SUPERVISOR)
        return_for_changes(ids[5], actor=supervisor, now=later, seen=3, reason=ReturnReason.OTHER, words="补充")
    told = promised(ids, later)
    swept(later, 40 * 24)
    assert {row[0] for row in told} == set(ids)
    assert sent(later) == told


def test_best_effort_promises_and_sends_no_escalation(tree):
    ids = given(tree, grade=Grade.BEST_EFFORT)
    told = promised(ids, START)
    swept(START, 40 * 24)
    assert told
    assert sent(START) == told
    assert not [row for row in told if "escalate" in row[2]]


def test_after_a_standstill_the_line_tells_what_was_sent_and_what_was_passed_over(tree):
    id = given(tree)[0]
    much_later = START + 20 * DAY
    for sweep in Sweep:
        with unit_of_work():
            fire(sweep, now=much_later)
    line = line_of(id, now=much_later)
    assert line.coming == ()
    kept = dict(
        db.session.execute(select(Firing.rung, Firing.skipped).where(Firing.assignment_id == id)).tuples().all()
    )
    assert {each.rung.number: each.skipped for each in line.past if each.rung} == kept
    assert [one.name for each in line.past if each.rung and not each.skipped for one in each.people]


def test_what_is_finished_promises_nothing(tree):
    id = given(tree)[0]
    with unit_of_work() as session:
        session.execute(update(Assignment).where(Assignment.id == id).values(state=6))
    line = line_of(id, now=START + DAY)
    assert line.closed
    assert line.coming == ()
    assert line_of(10**9, now=START) is None


def test_a_long_past_asks_no_more_than_a_short_one(tree):
    first, asked = given(tree)[0], []
    for days in (0, 12):
        swept(START, days * 24)
        with statements() as ran:
            line_of(first, now=START + days * DAY)
        asked.append(len(ran))
    assert asked[0] == asked[1] <= 12
