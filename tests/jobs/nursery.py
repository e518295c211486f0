"""python -m tests.jobs.nursery SEED: three schedulers, of which one is killed every 0.1 to 0.5 s and born again.

They are children of one process that has read the product already, so that they live long enough to work. Ends when its
input ends, and prints how many it killed.
"""

import os
import random
import select
import signal
import sys

import click
from flask import Flask

from campaign import create_app
from campaign.db import db
from jobs.__main__ import keep_time
from jobs.runner import run_slot
from jobs.timetable import TIMETABLE


def born(app: Flask) -> int:
    """A scheduler as `python -m jobs` runs it; its process id."""
    number = os.fork()
    if number == 0:
        keep_time(app)
        os._exit(0)
    return number


def main() -> None:
    """No farewell for anybody, at the end neither."""
    app, chance = create_app(), random.Random(int(sys.argv[1]))
    for job in TIMETABLE:
        run_slot(app, job)
    with app.app_context():
        db.engine.dispose()
    living, killed = [born(app) for _ in range(3)], 0
    while not select.select([sys.stdin], [], [], chance.uniform(0.1, 0.5))[0]:
        victim = chance.randrange(3)
        os.kill(living[victim], signal.SIGKILL)
        os.waitpid(living[victim], 0)
        living[victim] = born(app)
        killed += 1
    for number in living:
        os.kill(number, signal.SIGKILL)
        os.waitpid(number, 0)
    click.echo(killed)


if __name__ == "__main__":
    main()
