"""Recording: what changed since the last slot is kept once, and a slot of a job belongs to one worker."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from campaign.db import db, micros, unit_of_work
from campaign.models import Assignment, JobRun, StateCount, TallyDelta
from campaign.operations.recording import RECORD_STATES, claim_slot, close_run, record_states
from campaign.rules.jobs import RunState
from campaign.rules.organisation import Level, Line
from campaign.rules.states import State
from tests import make
from tests.counting import statements

HOUR = timedelta(hours=1)


@pytest.fixture
def work(app):
    tree = make.small_tree()
    make.unit(make.area("清河纺织厂", Level.ORGANISATION, tree.villages[0]), Line.WOMEN)
    task = make.task(make.campaign(tree.unit(tree.county)))
    for village in tree.villages:
        make.assignment(task, tree.unit(village), State.ISSUED)
    return tree


def rows(slot) -> dict:
    """What was recorded at that slot: area -> {state: n}."""
    found: dict = {}
    kept = select(StateCount.area_id, StateCount.state, StateCount.n).where(StateCount.slot == slot)
    for area, state, n in db.session.execute(kept):
        found.setdefault(area, {})[state] = n
    return found


def run(slot) -> int:
    with unit_of_work():
        id = claim_slot(RECORD_STATES, slot, worker="test", now=slot)
        done = record_states(slot, now=slot)
        if id is not None:
            close_run(id, state=RunState.DONE, done=done, now=slot)
    return done


def move(unit, state) -> None:
    with unit_of_work():
        item = db.session.scalars(select(Assignment).where(Assignment.unit_id == unit.id)).one()
        db.session.add(
            TallyDelta(
                task_id=item.task_id,
                unit_id=unit.id,
                from_state=item.state,
                to_state=state,
                from_due=micros(item.due_at),
                to_due=micros(item.due_at),
            )
        )
        db.session.execute(update(Assignment).where(Assignment.id == item.id).values(state=state))


def test_the_first_slot_keeps_everything_and_later_slots_only_what_changed(work, now):
    assert run(now) == 10
    assert rows(now)[work.city.id] == {State.ISSUED: 6}
    assert rows(now)[work.villages[0].id] == {State.ISSUED: 1}
    assert run(now + HOUR) == 0
    move(work.unit(work.villages[0]), State.ACKNOWLEDGED)
    later = now + 2 * HOUR
    assert run(later) == 7
    assert rows(later) == {
        work.villages[0].id: {State.ACKNOWLEDGED: 1},
        work.townships[0].id: {State.ISSUED: 2, State.ACKNOWLEDGED: 1},
        work.county.id: {State.ISSUED: 5, State.ACKNOWLEDGED: 1},
        work.city.id: {State.ISSUED: 5, State.ACKNOWLEDGED: 1},
    }


def test_the_same_slot_again_keeps_the_first_record_and_the_next_slot_catches_up(work, now):
    run(now)
    move(work.unit(work.villages[0]), State.ACKNOWLEDGED)
    with unit_of_work():
        assert record_states(now, now=now + HOUR) == 0
    assert rows(now)[work.villages[0].id] == {State.ISSUED: 1}
    move(work.unit(work.villages[1]), State.ACKNOWLEDGED)
    assert run(now + HOUR) == 8


def test_what_came_back_to_its_recorded_state_is_not_recorded(work, now):
    run(now)
    move(work.unit(work.villages[0]), State.ACKNOWLEDGED)
    db.session.expire_all()
    move(work.unit(work.villages[0]), State.ISSUED)
    assert run(now + HOUR) == 0


def test_an_older_slot_made_up_late_does_not_disturb_a_newer_one(work, now):
    run(now)
    assert run(now - HOUR) == 0


def test_the_number_of_statements_is_fixed(work, now):
    with statements() as seen, unit_of_work():
        record_states(now, now=now)
    assert len(seen) <= 16


def test_a_slot_belongs_to_one_worker(app, now):
    with unit_of_work():
        first = claim_slot("remind", now, worker="one", now=now)
    with unit_of_work():
        assert claim_slot("remind", now, worker="two", now=now) is None
        other = claim_slot("escalate", now, worker="two", now=now)
    assert first is not None
    assert other not in (None, first)
    with unit_of_work():
        close_run(first, state=RunState.FAILED, done=3, skipped=1, failed=2, error="no answer", now=now + HOUR)
    kept = db.session.scalars(select(JobRun).where(JobRun.id == first)).one()
    assert (kept.state, kept.done, kept.skipped, kept.failed) == (RunState.FAILED, 3, 1, 2)
    assert (kept.worker, kept.error, kept.finished_at) == ("one", "no answer", now + HOUR)
