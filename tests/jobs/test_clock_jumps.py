"""Clocks that are set while the scheduler runs: it goes on within seconds, nothing is lost, nothing comes twice."""

import time
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Assignment, Firing, JobRun, Timer
from campaign.operations.recording import claim_slot
from campaign.rules.jobs import slot_of
from tests.jobs.clock import Scheduler, wait_for
from tests.jobs.test_sweep import count, overdue

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
JUMPS = (HOUR, -HOUR, DAY, -DAY)
WATCHED = 4.0  # seconds after each jump


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


def armed():
    """Overdue assignments whose timers are due from now on, one each second, and the last ones in ten days."""
    now = clock.now()
    overdue(now, tasks=2)
    ids = list(db.session.scalars(select(Timer.assignment_id).order_by(Timer.assignment_id)))
    with unit_of_work() as session:
        for place, id in enumerate(ids):
            due = now + 10 * DAY if place >= 30 else now + place * SECOND
            session.execute(update(Timer).where(Timer.assignment_id == id).values(fires_at=due))
    return ids


def fired_once(ids):
    db.session.rollback()
    rows = dict(db.session.execute(
        select(Firing.assignment_id, func.count()).where(Firing.skipped == "").group_by(Firing.assignment_id)
    ).tuples().all())  # fmt: skip
    assert rows == dict.fromkeys(ids[:30], 1)
    assert count(Timer) == len(ids) - 30


@pytest.mark.slow
def test_the_clock_is_set_an_hour_and_a_day_both_ways(app, settings, tmp_path):
    ids = armed()
    with Scheduler(settings, tmp_path) as scheduler:
        wait_for(lambda: len(runs()) >= 2)
        ahead = timedelta(0)
        for jump in JUMPS:
            ahead += jump
            worked = scheduler.processor_seconds()
            scheduler.set_clock(ahead)
            assert 1 <= new_runs(WATCHED) <= WATCHED / 2 + 3, f"after {jump}"
            assert scheduler.processor_seconds() - worked < WATCHED / 2, f"it ran in circles after {jump}"
        wait_for(lambda: count_left() == len(ids) - 30)
    fired_once(ids)


@pytest.mark.slow
def test_a_clock_that_strobes(app, settings, tmp_path):
    """Ten times a minute an hour ahead and back again."""
    ids = armed()
    with Scheduler(settings, tmp_path) as scheduler:
        wait_for(lambda: len(runs()) >= 2)
        for turn in range(4):
            scheduler.set_clock(HOUR * ((turn + 1) % 2))
            assert 1 <= new_runs(WATCHED) <= WATCHED / 2 + 3, f"at turn {turn}"
        wait_for(lambda: count_left() == len(ids) - 30)
    fired_once(ids)


def count_left():
    db.session.rollback()
    return count(Timer)


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
