"""`python -m jobs`: the scheduler process. `python -m jobs run NAME [--at ISO-TIME]`: one slot by hand."""

import logging
import signal
import sys
from datetime import datetime

import click
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from flask import Flask

from campaign import clock, create_app
from campaign.logs import set_up_logs

from .runner import Job, run_slot
from .timetable import JOBS, TIMETABLE

log = logging.getLogger("jobs")


def tick(app: Flask, job: Job) -> None:
    """One heartbeat of a job. Whatever goes wrong, the next heartbeat comes."""
    try:
        run_slot(app, job)
    except Exception:
        log.exception("%s: the slot could not be claimed or closed", job.name)


def schedule(app: Flask) -> BlockingScheduler:
    """A scheduler that only ticks: what is due stands in the database, so nothing is kept here and nothing is lost."""
    scheduler = BlockingScheduler(timezone="UTC", executors={"default": ThreadPoolExecutor(len(TIMETABLE))})
    for job in TIMETABLE:
        scheduler.add_job(
            tick,
            "interval",
            seconds=job.period.total_seconds(),
            args=[app, job],
            id=job.name,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
            next_run_time=clock.now(),
        )
    return scheduler


@click.group(invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """The clock of the campaign engine. Without a command: runs until it is stopped. Any number may run at once."""
    if context.invoked_subcommand is not None:
        return
    app = create_app()
    set_up_logs(app.config["SETTINGS"].log_format)
    scheduler = schedule(app)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    log.info("the clock runs; jobs: %s", ", ".join(JOBS))
    try:
        scheduler.start()
    except (KeyboardInterrupt, SystemExit):
        log.info("the clock stops")


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
