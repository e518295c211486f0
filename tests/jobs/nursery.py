"""python -m tests.jobs.nursery SEED: three schedulers, of which one is killed every 0.1 to 0.5 s and born again.

They are children of one process that has read the product already, so that they live long enough to work. Ends when its
input ends, and prints how many it killed. They take their time over small chunks, so that death meets them at work.
"""

import os
import random
import select
import signal
import sys
import time
from typing import Any

import click
from flask import Flask

from campaign import create_app
from campaign.db import db
from campaign.operations.sweeping import Fired
from jobs import sweep
from jobs.__main__ import keep_time
from jobs.runner import run_slot
from jobs.timetable import TIMETABLE

_fire = sweep.fire


def fire_slowly(*given: Any, **named: Any) -> Fired:
    """What is claimed and done stays uncommitted for a moment."""
    fired = _fire(*given, **named)
    if fired.claimed:
        time.sleep(0.03)
    return fired


def born(app: Flask) -> int:
    """A scheduler as `python -m jobs` runs it; its process id."""
    number = os.fork()
    if number == 0:
        keep_time(app)
        os._exit(0)
    return number


def main() -> None:
    """No farewell for anybody, at the end neither."""
    sweep.CHUNK, sweep.fire = 20, fire_slowly
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
