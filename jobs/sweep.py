"""remind and escalate: fire the rungs that are due, chunk by chunk; one bad assignment holds up nobody."""

from datetime import datetime

from flask import Flask

from campaign.db import unit_of_work
from campaign.operations.sweeping import CHUNK, anything_due, due_ids, fire
from campaign.rules.ladder import Sweep

from .runner import Counts

MOST_CHUNKS = 10_000  # ends a run that makes no progress; the next slot goes on


def remind(_app: Flask, _slot: datetime, now: datetime, counts: Counts) -> None:
    """Reminds the units whose dates come near."""
    _sweep(Sweep.REMIND, now, counts)


def escalate(_app: Flask, _slot: datetime, now: datetime, counts: Counts) -> None:
    """Tells the units above of what is overdue."""
    _sweep(Sweep.ESCALATE, now, counts)


def _sweep(sweep: Sweep, now: datetime, counts: Counts) -> None:
    for _ in range(MOST_CHUNKS):
        try:
            if not anything_due(sweep, now=now):
                return
            with unit_of_work():
                fired = fire(sweep, now=now, limit=CHUNK)
        except Exception as error:
            counts.fail(f"{sweep.name.lower()} of a chunk", error)
            counts.failed -= 1  # the chunk is tried again piece by piece, and only what fails then counts
            _one_by_one(sweep, now, counts)
            return
        counts.done += fired.fired
        counts.skipped += fired.claimed - fired.fired


def _one_by_one(sweep: Sweep, now: datetime, counts: Counts) -> None:
    for assignment_id in due_ids(sweep, now=now, limit=CHUNK):
        try:
            with unit_of_work():
                fired = fire(sweep, now=now, only=[assignment_id])
            counts.done += fired.fired
            counts.skipped += fired.claimed - fired.fired
        except Exception as error:
            counts.fail(f"{sweep.name.lower()} assignment {assignment_id}", error)
