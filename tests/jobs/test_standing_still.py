"""Schedulers that were away, hang, or are stopped and let go on: everything is made up, nothing is done twice."""

import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import bindparam, func, select, update

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Event, Firing, JobRun, Notice, TallyDelta, Timer
from campaign.models.sealing import head
from campaign.rules.jobs import RunState
from campaign.rules.ladder import OVERTAKEN
from tests.jobs.clock import ROOT, Scheduler, environment, wait_for
from tests.jobs.test_sweep import count, overdue


def spread_timers(first, last):
    """The timers of all that is overdue, between these instants; the assignments."""
    ids = list(db.session.scalars(select(Timer.assignment_id).order_by(Timer.assignment_id)))
    table = Timer.__table__
    moved = update(table).where(table.c.assignment_id == bindparam("id")).values(fires_at=bindparam("at"))
    times = [{"id": id, "at": first + (last - first) * place / len(ids)} for place, id in enumerate(ids)]
    with unit_of_work() as session:
        session.connection().execute(moved, times)
    return ids


def left(until=None):
    """Timers that are due, by then or by now, and have not fired."""
    db.session.rollback()
    return count(Timer, Timer.fires_at <= (until or clock.now()))


def each_fired_once(ids):
    db.session.rollback()
    fired = select(Firing.assignment_id, func.count()).where(Firing.skipped == "").group_by(Firing.assignment_id)
    rows = dict(db.session.execute(fired).tuples().all())
    assert set(rows) == set(ids) and len(set(rows.values())) == 1
    assert count(Event, Event.tag.startswith("assignment:clock:")) == sum(rows.values())


# What is due on Wednesday the 25th speaks on Tuesday, on Thursday and the Tuesday after, always at nine.
TUESDAY = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
AWAY = {
    timedelta(seconds=8): {(5, "")},
    timedelta(hours=1): {(5, "")},
    timedelta(days=3): {(5, OVERTAKEN), (6, "")},
}


@pytest.mark.slow
@pytest.mark.parametrize("away", AWAY, ids=str)
def test_what_fell_due_while_all_were_down_is_made_up_within_a_minute(app, settings, tmp_path, away):
    """More than one chunk of rungs; and the boards, the chain of the log and the notices too. What a later rung has
    overtaken is marked with the reason, and the next one is armed."""
    overdue(TUESDAY + timedelta(days=6), tasks=57)
    ids = set(db.session.scalars(select(Timer.assignment_id)))
    assert left(TUESDAY) == len(ids) > 1_000
    with Scheduler(settings, tmp_path, TUESDAY + away - clock.now()) as scheduler:
        seconds = wait_for(lambda: not left(scheduler.now()), within=60, else_say="rungs are not made up")
        wait_for(lambda: not waiting(), within=60, else_say="boards, log or notices are not made up")
    sys.stdout.write(f"{len(ids)} rungs made up in {seconds:.1f} s\n")  # shown with -rP
    found = defaultdict(set)
    for id, rung, skipped in db.session.execute(select(Firing.assignment_id, Firing.rung, Firing.skipped)):
        found[id].add((rung, skipped))
    wrong = {id: found[id] for id in ids if found[id] != AWAY[away]}
    assert not wrong, f"{len(wrong)} of {len(ids)} heard something else, as {next(iter(wrong.items()))}"
    assert count(Event, Event.tag.startswith("assignment:clock:")) == len(ids)
    assert (armed := count(Timer)) == len(ids), f"the next rung is armed for {armed} of {len(ids)}"


def waiting():
    """Whether anything waits for one of the other jobs."""
    db.session.rollback()
    sealed = head()
    return (
        count(TallyDelta)
        or count(Notice, Notice.delivered_at.is_(None))
        or sealed is None
        or sealed[0] < db.session.scalar(select(func.max(Event.id)))
    )


HANGING = """
import os, sys, time
from dataclasses import replace
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
import jobs.__main__ as scheduler
from campaign import create_app

begun, longest = Path(sys.argv[1]), float(sys.argv[2])
with begun.open("a") as file:
    file.write(f"{os.getpid()}\\n")
def hang(*_):
    time.sleep(3600)
scheduler.LONGEST_RUN = timedelta(seconds=longest)
scheduler.TIMETABLE = tuple(
    replace(job, run=hang, period=timedelta(seconds=1)) if job.name == "deliver" else job for job in scheduler.TIMETABLE
)
scheduler.keep_time(create_app())
"""


def test_a_job_that_hangs_keeps_no_other_waiting_and_is_cut_off(app, settings, tmp_path):
    """While `deliver` hangs, reminders go on; then the process begins anew in its own place, and `deliver` too."""
    now = clock.now()
    overdue(now)
    last = now + timedelta(seconds=8)
    ids = spread_timers(now, last)
    begun = tmp_path / "begun"
    process = subprocess.Popen(
        [sys.executable, "-c", HANGING, str(begun), "6"], cwd=ROOT, env=environment(settings), stderr=subprocess.PIPE
    )
    try:
        wait_for(lambda: count_of("remind") >= 3, else_say="what hangs keeps reminders waiting")
        assert len(begun.read_text().split()) == 1, "what hangs keeps reminders waiting"
        wait_for(lambda: left(last) < len(ids) / 2, else_say="what hangs keeps reminders waiting")
        wait_for(lambda: count_of("deliver"))
        assert count_of("deliver") == 1, "what hangs was begun once more"
        wait_for(lambda: count_of("deliver") == 2, within=30, else_say="what hangs was not cut off")
        wait_for(lambda: not left(last))
    finally:
        process.kill()
        said = process.communicate()[1].decode()
    assert begun.read_text().split() == [str(process.pid)] * 2
    assert "deliver: hangs since" in said
    each_fired_once(ids)


def count_of(name):
    db.session.rollback()
    return count(JobRun, JobRun.name == name)


@pytest.mark.slow
def test_a_scheduler_that_is_stopped_and_goes_on_does_nothing_twice(app, settings, tmp_path):
    """One of two stands still for three seconds, four times, in the middle of whatever it does. Asked to end, both
    first end what they do."""
    now = clock.now()
    overdue(now, tasks=20)
    last = clock.now() + timedelta(seconds=18)
    ids = spread_timers(last - timedelta(seconds=15), last)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with Scheduler(settings, tmp_path / "one") as one, Scheduler(settings, tmp_path / "two") as two:
        wait_for(lambda: count_of("remind") > 1)
        for _ in range(4):
            os.kill(one.process.pid, signal.SIGSTOP)
            time.sleep(3)
            os.kill(one.process.pid, signal.SIGCONT)
            time.sleep(0.7)
        wait_for(lambda: not left(last))
        for each in (one, two):
            each.process.terminate()
        assert [each.process.wait(20) for each in (one, two)] == [0, 0]
    each_fired_once(ids)
    assert count(JobRun, JobRun.state == RunState.RUNNING) == 0, "asked to end, it left a run half-way"
