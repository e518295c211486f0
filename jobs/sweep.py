"""remind and escalate: fire the rungs that are due, chunk by chunk; one bad assignment holds up nobody."""

import logging
from datetime import datetime

from flask import Flask

from campaign.db import unit_of_work
from campaign.errors import Busy
from campaign.operations.sweeping import CHUNK, anything_due, due_ids, fire
from campaign.rules.ladder import Sweep

from .runner import Counts

log = logging.getLogger("jobs")
MOST_CHUNKS = 10_000  # ends a run that makes no progress; the next slot goes on


def remind(_app: Flask, _slot: datetime, now: datetime, counts: Counts) -> None:
    """Reminds the units whose dates come near."""
    _sweep(Sweep.REMIND, now, counts)


def escalate(_app: Flask, _slot: datetime, now: datetime, counts: Counts) -> None:
    """Tells the units above of what is overdue."""
    _sweep(Sweep.ESCALATE, now, counts)


def _sweep(sweep: Sweep, now: datetime, counts: Counts) -> None:
    bad: set[int] = set()
    for _ in range(MOST_CHUNKS):
        if not anything_due(sweep, now=now):
            return
        only = _beside(bad, sweep, now) if bad else None
        try:
            if only == [] or not _fire(sweep, only, now, counts):
                return  # the rest is bad, or another process has it in hand
        except Busy:
            raise  # nobody's fault; the next slot goes on
        except Exception:
            log.exception("%s of a chunk failed; it is tried in parts", sweep.name.lower())
            bad |= _in_parts(sweep, only or due_ids(sweep, now=now, limit=CHUNK), now, counts)


def _beside(bad: set[int], sweep: Sweep, now: datetime) -> list[int]:
    """What else is due: those that fail stay where they are and are due before all others."""
    return [id for id in due_ids(sweep, now=now, limit=CHUNK + len(bad)) if id not in bad][:CHUNK]


def _in_parts(sweep: Sweep, ids: list[int], now: datetime, counts: Counts) -> set[int]:
    """Halves what fails until the bad ones are alone: they keep their timers and are tried again in the next slot."""
    parts, bad = [ids], set[int]()
    while parts:
        part = parts.pop()
        if not part:
            continue
        try:
            _fire(sweep, part, now, counts)
        except Busy:
            raise
        except Exception as error:
            if len(part) == 1:
                counts.fail(f"{sweep.name.lower()} assignment {part[0]}", error)
                bad.add(part[0])
            else:
                half = len(part) // 2
                parts += [part[half:], part[:half]]
    return bad


def _fire(sweep: Sweep, only: list[int] | None, now: datetime, counts: Counts) -> int:
    """One chunk in one transaction; how many timers it claimed."""
    with unit_of_work():
        fired = fire(sweep, now=now, limit=CHUNK, only=only)
    counts.done += fired.fired
    counts.skipped += fired.claimed - fired.fired
    return fired.claimed
