"""`python -m jobs`: the scheduler process. `python -m jobs run NAME [--at ISO-TIME]`: one slot by hand."""

import logging
import os
import signal
import sys
import threading
from datetime import datetime, timedelta

import click
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from flask import Flask
from sqlalchemy.exc import DBAPIError

from campaign import clock, create_app
from campaign.errors import Busy
from campaign.logs import set_up_logs
from campaign.rules.jobs import LONGEST_RUN, slot_of

from .runner import Job, UnderWay, run_slot
from .timetable import JOBS, TIMETABLE

log = logging.getLogger("jobs")
BEAT = 1.0  # seconds
GRACE = 10  # beats that a run is given to end when the process is asked to


class NextSlot(BaseTrigger):  # type: ignore[misc]
    """The beginning of the next slot, seen from now: a clock that leaps ahead leaves no slots to be gone through."""

    def __init__(self, period: timedelta) -> None:
        self.period = period

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        """The scheduler asks with an aware `now`."""
        return slot_of(now, self.period) + self.period


def tick(app: Flask, job: Job, under_way: UnderWay) -> None:
    """One slot of a job. Whatever goes wrong, the next one comes."""
    try:
        with under_way.doing(job.name):
            run_slot(app, job)
    except (Busy, DBAPIError) as error:  # said each second while the database is away: a line is enough
        reason = str(error.orig if isinstance(error, DBAPIError) else error)
        log.error("%s: not run, the database says: %s", job.name, reason.splitlines()[0])
    except Exception:
        log.exception("%s: the slot could not be claimed or closed", job.name)


def schedule(app: Flask, under_way: UnderWay) -> BackgroundScheduler:
    """A scheduler that only ticks: what is due stands in the database, so nothing is kept here and nothing is lost.

    Each job has a thread of its own, so one that takes long or hangs keeps none of the others waiting.
    """
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # it warns at each tick that finds its job still running
    scheduler = BackgroundScheduler(timezone="UTC", executors={"default": ThreadPoolExecutor(len(TIMETABLE))})
    for job in TIMETABLE:
        scheduler.add_job(
            tick,
            NextSlot(job.period),
            args=[app, job, under_way],
            id=job.name,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
            next_run_time=clock.now(),
        )
    return scheduler


def beat(scheduler: BackgroundScheduler, now: datetime) -> None:
    """Brings back what is planned further ahead than any slot begins: the clock was set back since it was planned."""
    for planned in scheduler.get_jobs():
        if planned.next_run_time > now + planned.trigger.period:
            planned.modify(next_run_time=now)


def keep_time(app: Flask) -> None:
    """Ticks until the process is asked to end. The heartbeat counts real seconds, whatever the clock is set to.

    A thread that hangs cannot be stopped, a process can: it begins anew, in the place of the old one.
    """
    stop, under_way = threading.Event(), UnderWay()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    scheduler = schedule(app, under_way)
    scheduler.start()
    while not stop.wait(BEAT):
        beat(scheduler, clock.now())
        if stuck := under_way.names(longer_than=LONGEST_RUN):
            log.critical("%s: hangs since %s; the process begins anew", ", ".join(stuck), LONGEST_RUN)
            logging.shutdown()
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  as it was started
    log.info("the clock stops")
    scheduler.shutdown(wait=False)
    for _ in range(GRACE):
        if not under_way.names():
            return
        threading.Event().wait(BEAT)
    log.warning("%s: did not end in time", ", ".join(under_way.names()))
    logging.shutdown()
    os._exit(0)  # the interpreter would wait for its threads


@click.group(invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """The clock of the campaign engine. Without a command: runs until it is stopped. Any number may run at once."""
    if context.invoked_subcommand is not None:
        return
    app = create_app()
    set_up_logs(app.config["SETTINGS"].log_format)
    log.info("the clock runs; jobs: %s", ", ".join(JOBS))
    keep_time(app)


@main.command()
@click.argument("name", type=click.Choice(sorted(JOBS)))
@click.option("--at", help="The instant to run for, ISO 8601 with offset; default: now.")
def run(name: str, at: str | None) -> None:
    """One slot of one job by hand; a slot that has run already is not run again."""
    moment = datetime.fromisoformat(at) if at else None
    if moment is not None and moment.tzinfo is None:
        raise click.BadParameter("the time needs an offset, for example 2026-11-20T08:00+08:00", param_hint="--at")
    counts = run_slot(create_app(), JOBS[name], moment)
    if counts is None:
        click.echo(f"{name}: this slot has run already")
        return
    click.echo(f"{name}: done {counts.done}, skipped {counts.skipped}, failed {counts.failed} {counts.error}".rstrip())
    sys.exit(1 if counts.failed else 0)


if __name__ == "__main__":
    main()
