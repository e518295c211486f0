"""Three real schedulers, killed at random while two thousand timers fall due: each rung speaks once, none is lost."""

import os
import subprocess
import sys
import time
from collections import defaultdict
from datetime import datetime, timedelta
from statistics import quantiles

import pytest
from sqlalchemy import bindparam, func, select, update

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Event, Firing, JobRun, Notice, Timer
from tests.jobs.clock import ROOT, environment
from tests.jobs.test_sweep import count, overdue

TASKS = 112  # to 18 units each: 2,016 timers
SPREAD = timedelta(seconds=24)
SEED = "20261120"


def spread_out() -> dict[int, datetime]:
    """Overdue assignments whose timers come one after the other from soon on: when each of them is due."""
    overdue(clock.now(), TASKS)
    ids = list(db.session.scalars(select(Timer.assignment_id).order_by(Timer.assignment_id)))
    first = clock.now() + timedelta(seconds=4)
    due = {id: first + SPREAD * place / len(ids) for place, id in enumerate(ids)}
    table = Timer.__table__
    moved = update(table).where(table.c.assignment_id == bindparam("id")).values(fires_at=bindparam("at"))
    with unit_of_work() as session:
        session.connection().execute(moved, [{"id": id, "at": at} for id, at in due.items()])
    return due


def watched(due: dict[int, datetime], within: float = 180) -> list[float]:
    """Waits until all have fired; how many seconds late each was seen to have."""
    late, waiting, last = [], set(due), max(due.values())
    ends = time.monotonic() + within
    while waiting and time.monotonic() < ends:
        time.sleep(0.1)
        db.session.rollback()
        now, left = clock.now(), set(db.session.scalars(select(Timer.assignment_id).where(Timer.fires_at <= last)))
        late += [(now - due[id]).total_seconds() for id in waiting - left]
        waiting = left
    assert not waiting, f"{len(waiting)} never fired"
    return sorted(late)


def told() -> dict[int, set[tuple[int, str]]]:
    """What fired for each assignment: rungs, and why one was passed over."""
    found: dict[int, set[tuple[int, str]]] = defaultdict(set)
    for id, rung, skipped in db.session.execute(select(Firing.assignment_id, Firing.rung, Firing.skipped)):
        found[id].add((rung, skipped))
    return found


@pytest.mark.slow
def test_two_thousand_timers_fire_once(app, settings):
    due = spread_out()
    assert len(due) == 18 * TASKS
    nursery = subprocess.Popen(
        [sys.executable, "-m", "tests.jobs.nursery", SEED], cwd=ROOT, env=environment(settings),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        late = watched(due)
    finally:
        killed = int(nursery.communicate("end\n", timeout=60)[0].split()[-1])
    figures = {"killed": killed, "median": late[len(late) // 2], "p99": quantiles(late, n=100)[98], "last": late[-1]}
    sys.stdout.write(f"{len(late)} timers, seconds late: {figures}\n")  # shown with -rP
    each = told()
    assert set(each) == set(due), f"{len(set(due) - set(each))} lost their timer and never spoke"
    spoken = {rung for rung, skipped in each[min(due)] if not skipped}
    assert spoken and all(rungs == each[min(due)] for rungs in each.values())
    said = count(Event, Event.tag.startswith("assignment:clock:"))
    assert said == len(due) * len(spoken), f"{said} entries in the log for {len(due) * len(spoken)} rungs"
    twice = select(Event.subject_id).where(Event.tag.startswith("assignment:clock:"))
    doubled = db.session.scalars(twice.group_by(Event.subject_id, Event.data).having(func.count() > 1)).all()
    assert not doubled, f"{len(doubled)} heard the same rung twice"
    doubled = select(Notice.event_id).group_by(Notice.event_id, Notice.person_id).having(func.count() > 1)
    assert not db.session.scalars(doubled.where(Notice.person_id.is_not(None))).all()
    crowd = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))  # how many share a core with each of the schedulers
    assert figures["p99"] <= 5 * crowd, f"not 99 in a hundred within 5 s, at {crowd:.1f} to a core: {figures}"
    assert killed > 10 and count(JobRun, JobRun.finished_at.is_(None)) > 0, f"{killed} killed, none at its work"
