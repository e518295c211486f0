"""Runs one slot of one job: claims it, gives it an application context, isolates failures, writes how it ended."""

import logging
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Flask

from campaign import clock
from campaign.db import unit_of_work
from campaign.operations.recording import claim_slot, close_run
from campaign.rules.jobs import RunState, slot_of

log = logging.getLogger("jobs")
LONGEST_ERROR = 2_000


@dataclass
class Counts:
    """What a run did."""

    done: int = 0
    skipped: int = 0
    failed: int = 0
    error: str = ""

    def fail(self, what: str, error: Exception) -> None:
        """Counts a failure; the first one's text is kept for the job page."""
        self.failed += 1
        self.error = self.error or f"{what}: {type(error).__name__}: {error}"[:LONGEST_ERROR]
        log.exception("%s failed", what)


@dataclass(frozen=True)
class Job:
    """A line of the timetable: `run(app, slot, now, counts)` does the work of a slot."""

    name: str
    run: Callable[[Flask, datetime, datetime, Counts], None]
    period: timedelta
    why: str


def worker_name() -> str:
    """This process, as the job page shows it."""
    return f"{platform.node()}:{os.getpid()}"[:80]


def run_slot(app: Flask, job: Job, now: datetime | None = None) -> Counts | None:
    """Runs the slot that `now` lies in; None when another process has it already."""
    moment = now or clock.now()
    slot = slot_of(moment, job.period)
    with app.app_context():
        with unit_of_work():
            run_id = claim_slot(job.name, slot, worker=worker_name(), now=moment)
        if run_id is None:
            return None
        counts = Counts()
        try:
            job.run(app, slot, moment, counts)
        except Exception as error:  # the clock must go on whatever a job does
            counts.fail(job.name, error)
        state = RunState.FAILED if counts.failed else RunState.DONE
        with unit_of_work():
            close_run(
                run_id,
                state=state,
                done=counts.done,
                skipped=counts.skipped,
                failed=counts.failed,
                error=counts.error,
                now=clock.now() if now is None else moment,
            )
    return counts
