"""Firing rungs: each once, the right people told, the next one armed, nothing lost after downtime."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from campaign.db import db, unit_of_work
from campaign.models import Assignment, Event, Firing, Notice, Person, Timer
from campaign.operations.issuing import dispatch
from campaign.operations.reporting import Report, acknowledge, submit
from campaign.operations.reviewing import return_for_changes
from campaign.operations.sweeping import due_ids, fire
from campaign.rules.ladder import OVERTAKEN, Sweep
from campaign.rules.organisation import Line, Role
from campaign.rules.plans import Grade
from campaign.rules.states import ReturnReason, State
from tests import make

pytestmark = pytest.mark.usefixtures("app")
DAY = timedelta(days=1)


class Clock:
    """Six assignments of the 妇联 villages, to be signed for in two days and due in ten."""

    def __init__(self, now, **task):
        self.now = self.start = now
        self.tree = make.small_tree()
        self.campaign = make.campaign(self.tree.unit(self.tree.county))
        self.task = make.task(self.campaign, **task)
        with unit_of_work():
            dispatch(self.task.id, actor=self.tree.actor(self.tree.county, Role.DISPATCHER), now=now)
        self.due = db.session.execute(select(Assignment.due_at).limit(1)).scalar_one()

    def sweep(self, moment):
        """Both sweeps at that instant, until nothing is due: how many rungs each fired."""
        self.now = moment
        counts = []
        for sweep in Sweep:
            fired = 0
            while True:
                with unit_of_work():
                    done = fire(sweep, now=moment, limit=4)
                fired += done.fired
                if not done.claimed:
                    break
            counts.append(fired)
        return tuple(counts)

    def told(self):
        """Who was told what, as (tag, name) pairs of the notices of the last event's tag."""
        rows = db.session.execute(
            select(Notice.tag, Person.id).join(Person, Person.id == Notice.person_id).order_by(Notice.id)
        )
        return [tuple(row) for row in rows]


@pytest.fixture
def clock(now):
    return Clock(now)


def rows(noun):
    return db.session.execute(select(func.count()).select_from(noun)).scalar()


def test_nothing_fires_before_its_time(clock):
    assert clock.sweep(clock.start + timedelta(hours=1)) == (0, 0)
    assert rows(Timer) == 6


def test_each_rung_fires_once_at_its_time(clock):
    assert clock.sweep(clock.due - 9 * DAY) == (6, 0)  # sign for: a day before the second day ends
    assert clock.sweep(clock.due - 9 * DAY) == (0, 0)
    assert clock.sweep(clock.due - 3 * DAY) == (6, 0)
    assert clock.sweep(clock.due - 1 * DAY) == (6, 0)
    assert clock.sweep(clock.due + DAY / 2) == (0, 6)
    assert clock.sweep(clock.due + 4 * DAY) == (0, 6)
    assert clock.sweep(clock.due + 30 * DAY) == (0, 0)
    assert (rows(Firing), rows(Timer)) == (30, 0)


def test_an_escalation_tells_the_unit_above_and_later_the_one_above_that(clock):
    township = clock.tree.holder(clock.tree.townships[0], Role.SUPERVISOR).id
    county = {clock.tree.holder(clock.tree.county, role).id for role in (Role.SUPERVISOR, Role.DISPATCHER)}
    officer = clock.tree.holder(clock.tree.villages[0], Role.OFFICER).id
    clock.sweep(clock.due + DAY / 2)
    told = [person for tag, person in clock.told() if tag.startswith("assignment:clock:escalate")]
    assert (told.count(township), told.count(officer), county & set(told)) == (3, 1, set())
    clock.sweep(clock.due + 4 * DAY)
    told = [person for tag, person in clock.told() if tag.startswith("assignment:clock:escalate")]
    assert (told.count(township), told.count(officer)) == (3, 2)
    assert all(told.count(person) == 6 for person in county)


def test_an_escalation_passes_over_a_vacant_post(clock):
    vacant = clock.tree.holder(clock.tree.townships[0], Role.SUPERVISOR)
    with unit_of_work() as session:
        session.execute(
            make.Post.__table__.update().where(make.Post.person_id == vacant.id).values(disabled_at=clock.now)
        )
    clock.sweep(clock.due + DAY / 2)
    told = [person for tag, person in clock.told() if tag.startswith("assignment:clock:escalate")]
    assert vacant.id not in told
    assert told.count(clock.tree.holder(clock.tree.county, Role.SUPERVISOR).id) == 3


def test_after_three_days_of_standstill_only_the_latest_speaks_and_the_rest_are_marked(clock):
    assert clock.sweep(clock.due + 4 * DAY) == (0, 6)
    skipped = db.session.execute(select(Firing.rung).where(Firing.skipped == OVERTAKEN).distinct()).scalars()
    assert sorted(skipped) == [1, 2, 3, 4]
    assert rows(Firing) == 30


def test_what_is_signed_for_is_not_reminded_to_sign_but_of_its_due_date(clock):
    ids = db.session.execute(select(Assignment.id, Assignment.unit_id)).all()
    village = clock.tree.villages[0]
    mine = next(row.id for row in ids if row.unit_id == clock.tree.unit(village).id)
    with unit_of_work():
        acknowledge(mine, actor=clock.tree.actor(village, Role.OFFICER), now=clock.now, seen=1)
    assert clock.sweep(clock.due - 9 * DAY) == (5, 0)
    assert clock.sweep(clock.due - 3 * DAY) == (6, 0)


def test_what_waits_for_review_is_left_alone_and_a_return_wakes_the_clock_again(clock):
    village = clock.tree.villages[0]
    officer = clock.tree.actor(village, Role.OFFICER)
    mine = db.session.execute(
        select(Assignment.id).where(Assignment.unit_id == clock.tree.unit(village).id)
    ).scalar_one()
    with unit_of_work():
        acknowledge(mine, actor=officer, now=clock.now, seen=1)
        submit(mine, Report(words="办完了"), actor=officer, now=clock.now, seen=2)
    assert clock.sweep(clock.due + 4 * DAY) == (0, 5)
    assert mine not in due_ids(Sweep.ESCALATE, now=clock.due + 30 * DAY)
    back = clock.due + 5 * DAY
    with unit_of_work():
        supervisor = clock.tree.actor(clock.tree.townships[0], Role.SUPERVISOR)
        return_for_changes(mine, actor=supervisor, now=back, seen=3, reason=ReturnReason.OTHER, words="补充")
    assert clock.sweep(back + timedelta(hours=1)) == (0, 0)
    assert clock.sweep(back + DAY) == (0, 1)
    fired = db.session.execute(select(Firing.rung, Firing.skipped).where(Firing.assignment_id == mine)).tuples()
    assert dict(fired.all()) == {**dict.fromkeys((1, 2, 3, 4), OVERTAKEN), 5: ""}


def test_a_timer_that_comes_before_its_time_is_armed_again(clock):
    """A date that was moved later, or another ladder, leaves timers behind that are too early."""
    with unit_of_work() as session:
        session.execute(update(Timer).values(rung=5, sweep=Sweep.ESCALATE))
    assert clock.sweep(clock.due - 9 * DAY) == (0, 0)
    assert rows(Timer) == 6
    assert clock.sweep(clock.due + 4 * DAY) == (0, 6)


def test_best_effort_is_reminded_but_never_escalated(now):
    clock = Clock(now, grade=Grade.BEST_EFFORT)
    assert clock.sweep(clock.due - 9 * DAY) == (6, 0)
    assert clock.sweep(clock.due + 9 * DAY) == (6, 0)
    assert (rows(Timer), clock.sweep(clock.due + 30 * DAY)) == (0, (0, 0))


def test_every_firing_has_its_event_and_the_event_its_state_change_none(clock):
    clock.sweep(clock.due - 9 * DAY)
    events = db.session.execute(select(Event.tag, Event.person_id, Event.to_state).where(Event.subject == "assignment"))
    assert [tuple(row) for row in events] == [("assignment:clock:remind-sign-for", 1, None)] * 6
    assert db.session.execute(select(Assignment.state).distinct()).scalars().all() == [State.ISSUED]
    assert Line.WOMEN in {unit.line for unit in clock.tree.units.values()}
