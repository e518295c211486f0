"""The sweeps as jobs: chunks, one bad assignment among many, several processes killed at random."""

import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from campaign.db import db, unit_of_work
from campaign.models import Assignment, Event, Firing, Timer
from campaign.operations.issuing import dispatch
from campaign.rules.dates import DueKind
from campaign.rules.organisation import Line, Role
from jobs.runner import run_slot
from jobs.timetable import JOBS, SECOND
from tests import make


def overdue(now, tasks=1):
    """Tasks whose due date has passed at `now`, dispatched ten days earlier to six villages on three lines."""
    tree = make.small_tree()
    campaign = make.campaign(tree.unit(tree.county, Line.PARTY))
    actor = tree.actor(tree.county, Role.DISPATCHER, Line.PARTY)
    for _ in range(tasks):
        task = make.task(
            campaign,
            lines=[Line.WOMEN, Line.UNION, Line.PARTY],
            due_kind=DueKind.RELATIVE,
            due_on=None,
            due_days=5,
            respond_days=None,
        )
        with unit_of_work():
            dispatch(task.id, actor=actor, now=now - timedelta(days=10))


def count(noun, *where):
    return db.session.execute(select(func.count()).select_from(noun).where(*where)).scalar()


def test_the_job_escalates_all_that_is_overdue(app, now):
    overdue(now)
    counts = [run_slot(app, JOBS[name], now) for name in ("remind", "escalate")]
    assert [each.failed for each in counts] == [0, 0]
    assert sum(each.done for each in counts) == 18  # the reminders of those days are overtaken
    assert count(Timer, Timer.fires_at <= now) == 0
    assert count(Event, Event.tag.startswith("assignment:clock:escalate")) == 18


def poison(assignment_id):
    """The database refuses the firing of one assignment, whatever else is in the statement."""
    if db.engine.dialect.name == "postgresql":
        return [
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'poison'; END $$",
            f"CREATE TRIGGER poison BEFORE INSERT ON firing FOR EACH ROW WHEN (NEW.assignment_id = {assignment_id}) "
            "EXECUTE FUNCTION refuse()",
        ]
    return [
        f"CREATE TRIGGER poison BEFORE INSERT ON firing WHEN NEW.assignment_id = {assignment_id} "
        "BEGIN SELECT RAISE(ABORT, 'poison'); END"
    ]


def test_one_bad_assignment_of_a_thousand_holds_up_nobody(app, now):
    overdue(now, tasks=56)
    bad = db.session.execute(select(func.min(Assignment.id))).scalar_one()
    with unit_of_work() as session:
        for statement in poison(bad):
            session.execute(text(statement))
    counts = [run_slot(app, JOBS[name], now + place * SECOND) for place in range(2) for name in ("remind", "escalate")]
    db.session.expire_all()
    assert count(Firing, Firing.skipped == "") == 18 * 56 - 1 == sum(each.done for each in counts)
    assert all("poison" in each.error for each in counts if each.failed)
    assert "poison" in run_error()
    assert list(db.session.scalars(select(Timer.assignment_id).where(Timer.fires_at <= now))) == [bad]  # tried again


def run_error():
    return db.session.execute(text("SELECT error FROM job_run WHERE failed > 0 ORDER BY id LIMIT 1")).scalar() or ""


CLOCK = """
import sys, time
from dataclasses import replace
from datetime import timedelta
from campaign import create_app
from jobs import sweep
from jobs.runner import run_slot
from jobs.timetable import JOBS

sweep.CHUNK = 1
plain = sweep.fire
sweep.fire = lambda *args, **kwargs: (plain(*args, **kwargs), time.sleep(0.03))[0]
app = create_app()
while True:
    for name in ("remind", "escalate"):
        try:
            run_slot(app, replace(JOBS[name], name=name + sys.argv[1], period=timedelta(milliseconds=20)))
        except Exception:  # as in jobs/__main__: the next tick comes
            time.sleep(0.05)
"""
TASKS = 6


@pytest.mark.slow
def test_three_schedulers_killed_at_random_fire_each_rung_once(app, settings, now):
    """Law 8: nothing fires twice and nothing is lost, whoever dies when."""
    overdue(now - timedelta(days=40), TASKS)
    environment = {**os.environ, "CAMPAIGN_DATABASE_URL": settings.database_url, "CAMPAIGN_ENV": "test"}
    environment |= {"CAMPAIGN_DATA_DIR": settings.data_dir, "CAMPAIGN_SECRET_KEY": settings.secret_key}

    def start(number):
        command = [sys.executable, "-c", CLOCK, str(number)]
        return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)

    clocks, chance, kills = [start(number) for number in range(3)], random.Random(7), 0
    at_last_kill = 18 * TASKS
    try:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and left() > 0:
            time.sleep(0.1 + 0.2 * chance.random())
            if 0 < left() < at_last_kill - 15:  # a death counts only in the middle of the work
                victim = chance.randrange(3)
                os.kill(clocks[victim].pid, signal.SIGKILL)
                clocks[victim].wait()
                clocks[victim] = start(victim)
                kills, at_last_kill = kills + 1, left()
    finally:
        for process in clocks:
            process.kill()
            process.wait()
    assert (left(), kills > 0) == (0, True)
    assert count(Firing, Firing.skipped == "") == 18 * TASKS
    assert count(Event, Event.tag.startswith("assignment:clock:escalate")) == 18 * TASKS


def left():
    db.session.rollback()
    return count(Timer)
