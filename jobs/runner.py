"""Runs one slot of one job: claims it, gives it an application context, isolates failures, writes how it ended."""

import logging
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


class UnderWay:
    """The jobs that run in this process and since when, by the stopwatch: nobody can set that one."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    @contextmanager
    def doing(self, name: str) -> Iterator[None]:
        """The job runs as long as the block."""
        self._since[name] = time.monotonic()
        try:
            yield
        finally:
            del self._since[name]

    def names(self, longer_than: timedelta = timedelta(0)) -> list[str]:
        """The jobs under way for at least so long."""
        latest = time.monotonic() - longer_than.total_seconds()
        return sorted(name for name, since in self._since.copy().items() if since <= latest)


def worker_name() -> str:
    """This process, as the job page shows it."""
    return f"{platform.node()}:{os.getpid()}"[:80]


def run_slot(app: Flask, job: Job, now: datetime | None = None) -> Counts | None:
    """Runs the slot that `now` lies in; None when another process has it already. `now`: only where run by hand."""
    began, moment = time.monotonic(), now or clock.now()
    slot = slot_of(moment, job.period)
    with app.app_context():
        with unit_of_work():
            run_id = claim_slot(job.name, slot, worker=worker_name(), now=moment, again=now is None)
        if run_id is None:
            return None
        counts = Counts()
        try:
            job.run(app, slot, moment, counts)
        except Exception as error:  # the clock must go on whatever a job does
            counts.fail(job.name, error)
        state = RunState.FAILED if counts.failed else RunState.DONE
        taken = timedelta(seconds=time.monotonic() - began)  # by the stopwatch: the clock may have been set meanwhile
        with unit_of_work():
            close_run(
                run_id,
                state=state,
                done=counts.done,
                skipped=counts.skipped,
                failed=counts.failed,
                error=counts.error,
                now=moment + taken if now is None else moment,
            )
    return counts
