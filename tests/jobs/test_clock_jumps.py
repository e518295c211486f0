"""Clocks that are set while schedulers run: they go on within seconds, nothing is lost, nothing comes twice."""

import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Assignment, Event, Firing, JobRun, Timer
from campaign.operations.recording import claim_slot
from campaign.rules.jobs import slot_of
from tests.jobs.clock import Scheduler, wait_for
from tests.jobs.test_sweep import count, overdue

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
WATCHED = 3.0  # seconds after each jump
# What is overdue then has one rung left to speak, and none comes in the days around: on whatever day the test runs.
FRIDAY = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


def runs(name="fold"):
    """The ids of the runs that are kept; runs that found nothing are tidied away after an hour of the clock."""
    db.session.rollback()
    return set(db.session.scalars(select(JobRun.id).where(JobRun.name == name)))


def new_runs(seconds):
    """How many slots of a job of two seconds were run in so many real seconds."""
    before, seen, until = runs(), set(), time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.2)
        seen |= runs()
    return len(seen - before)


class Machines:
    """Three of them with a scheduler each; and assignments with a rung each that is far away."""

    def __init__(self, stack, settings, folders):
        overdue(FRIDAY, tasks=3)
        self.ids = list(db.session.scalars(select(Timer.assignment_id).order_by(Timer.assignment_id)))
        self.set_timers(self.ids, [FRIDAY + 300 * DAY] * len(self.ids))
        self.base = FRIDAY - clock.now()
        for folder in folders:
            folder.mkdir(exist_ok=True)
        self.all = [stack.enter_context(Scheduler(settings, folder, self.base)) for folder in folders]
        self.armed = 0
        wait_for(lambda: len(runs()) >= 2)

    def set_timers(self, ids, times):
        with unit_of_work() as session:
            for id, at in zip(ids, times, strict=True):
                session.execute(update(Timer).where(Timer.assignment_id == id).values(fires_at=at))

    def jump(self, some, ahead, after, most_runs):
        """Sets the clocks of some machines; what falls due in the next seconds speaks, and nobody runs in circles."""
        worked = [each.processor_seconds() for each in self.all]
        for machine in some:
            machine.set_clock(self.base + ahead)
        six = self.ids[self.armed : self.armed + 6]
        self.armed += 6
        self.set_timers(six, [self.all[-1].now() + place * SECOND / 2 for place in range(6)])
        ran = new_runs(WATCHED)
        assert ran >= 1, f"no run within {WATCHED} s after {after}"
        assert ran <= most_runs, f"{ran} runs after {after}: slots were gone through, or run more than once"
        wait_for(lambda: not self.waiting(six), within=6, else_say=f"something was lost after {after}")
        for each, before in zip(self.all, worked, strict=True):
            assert each.processor_seconds() - before < WATCHED / 2, f"it ran in circles after {after}"

    def waiting(self, ids):
        db.session.rollback()
        return count(Timer, Timer.assignment_id.in_(ids))

    def assert_each_spoke_once(self):
        db.session.rollback()
        spoken = self.ids[: self.armed]
        fired = select(Firing.assignment_id, func.count()).where(Firing.skipped == "").group_by(Firing.assignment_id)
        assert dict(db.session.execute(fired).tuples().all()) == dict.fromkeys(spoken, 1)
        events = select(Event.subject_id).where(Event.tag.startswith("assignment:clock:")).order_by(Event.subject_id)
        assert list(db.session.scalars(events)) == sorted(spoken), "the log has one twice, or one not at all"
        assert count(Timer) == len(self.ids) - len(spoken)


@pytest.mark.slow
def test_the_clocks_of_three_schedulers_are_set_both_ways_and_one_of_them_strobes(app, settings, tmp_path):
    """All are set an hour and a day ahead and back: each slot is still run by one of them. Then one goes an hour ahead
    and back again, ten times a minute, and the other two stay right."""
    with ExitStack() as stack:
        machines, ahead = Machines(stack, settings, [tmp_path / name for name in "abc"]), timedelta(0)
        for jump in (HOUR, -HOUR, DAY, -DAY):
            ahead += jump
            machines.jump(machines.all, ahead, jump, WATCHED / 2 + 3)
        for turn in range(4):
            machines.jump(machines.all[:1], HOUR * ((turn + 1) % 2), f"turn {turn}", 3 * (WATCHED / 2 + 1))
    machines.assert_each_spoke_once()


# -- the claim, without any process ------------------------------------------------------------------------------------

PERIOD = timedelta(seconds=2)


def claim(moment, name="fold"):
    with unit_of_work():
        return claim_slot(name, slot_of(moment, PERIOD), worker="w", now=moment, again=True)


def test_a_slot_comes_again_after_the_clock_was_set_back_and_belongs_to_one_again(app, now):
    first = [claim(now + place * PERIOD) for place in range(100)]
    assert None not in first
    assert [claim(now + place * PERIOD) for place in range(75, 85)] == [None] * 10
    again = [claim(now - HOUR + place * PERIOD) for place in range(3)]
    assert None not in again
    back = [claim(now + place * PERIOD) for place in range(20, 40)]
    assert None not in back
    assert claim(now + 39 * PERIOD) is None
    slots = list(db.session.scalars(select(JobRun.slot).where(JobRun.id.in_(back))))
    assert {slot_of(slot, PERIOD) for slot in slots} == {now + place * PERIOD for place in range(20, 40)}
    assert count(JobRun) == 123


def test_a_clock_that_goes_a_little_ahead_elsewhere_doubles_no_run(app, now):
    for place in range(20):
        assert claim(now + 5 * SECOND + place * PERIOD) is not None
        if place > 3:
            assert claim(now + place * PERIOD) is None


def test_the_hours_record_is_of_that_hour_however_often_the_hour_comes(app, now):
    hour = slot_of(now, HOUR)
    ids = []
    for moment in (hour, hour + HOUR, hour + timedelta(minutes=1), hour + HOUR):
        with unit_of_work():
            ids.append(claim_slot("record_states", slot_of(moment, HOUR), worker="w", now=moment, again=True))
    assert None not in ids
    kept = list(db.session.scalars(select(JobRun.slot).order_by(JobRun.id)))
    assert [slot_of(slot, HOUR) for slot in kept] == [hour, hour + HOUR, hour, hour + HOUR]
    assert db.session.scalar(select(func.count(Assignment.id))) == 0
