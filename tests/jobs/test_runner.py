"""The runner: a slot belongs to one process, a failing job ends as failed and the next slot goes on."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from campaign.db import db
from campaign.models import JobRun
from campaign.rules.jobs import RunState, slot_of
from campaign.web.words import JOBS as JOB_WORDS
from jobs.runner import Job, run_slot
from jobs.timetable import JOBS, TIMETABLE

MINUTE = timedelta(minutes=1)


def runs():
    return db.session.execute(
        select(JobRun.name, JobRun.state, JobRun.done, JobRun.failed, JobRun.error).order_by(JobRun.id)
    ).all()


@pytest.mark.parametrize("name", sorted(JOBS))
def test_every_job_runs_once_per_slot_and_does_nothing_the_second_time(app, now, name):
    first = run_slot(app, JOBS[name], now)
    assert (first.failed, first.error) == (0, "")
    assert run_slot(app, JOBS[name], now) is None
    assert len(runs()) == 1
    again = run_slot(app, JOBS[name], now + JOBS[name].period)
    assert again.failed == 0


def test_a_job_that_raises_is_written_down_and_the_clock_goes_on(app, now):
    def broken(_app, _slot, _now, _counts):
        raise RuntimeError("the disk is on fire")

    job = Job("broken", broken, MINUTE, "to fail")
    assert run_slot(app, job, now).failed == 1
    (row,) = runs()
    assert (row.state, row.failed) == (RunState.FAILED, 1)
    assert "the disk is on fire" in row.error
    assert run_slot(app, job, now + MINUTE) is not None


def test_a_slot_is_a_whole_multiple_of_the_period_whenever_it_starts(now):
    assert slot_of(now + timedelta(seconds=59), MINUTE) == now
    assert slot_of(now + timedelta(seconds=60), MINUTE) == now + MINUTE


def test_every_line_of_the_timetable_says_why_that_often():
    assert all(job.why and job.period > timedelta(0) for job in TIMETABLE)
    assert len(JOBS) == len(TIMETABLE)


def test_every_job_of_the_timetable_has_words():
    assert set(JOB_WORDS) == {job.name for job in TIMETABLE}
