"""The ladder: when the clock reminds, and when it escalates up the tree."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from .states import WITH_OFFICER, State


class Sweep(IntEnum):
    """Which job fires a rung."""

    REMIND = 1
    ESCALATE = 2


@dataclass(frozen=True)
class Rung:
    """One step. `anchor`: the date it counts from ('respond_by' or 'due_at'); `offset` from it;
    `levels_up`: how many units above the assignment's own are told; `states`: in which it still makes sense."""

    number: int
    sweep: Sweep
    anchor: str
    offset: timedelta
    levels_up: int
    tag: str
    states: tuple[State, ...] = WITH_OFFICER


def morning(days: int) -> timedelta:
    """Nine o'clock, so many days after the day that a date ends with: dates end at midnight, people sleep then."""
    return timedelta(days=days - 1, hours=9, microseconds=1)


LADDER: tuple[Rung, ...] = (
    Rung(1, Sweep.REMIND, "respond_by", morning(-1), 0, "assignment:clock:remind-sign-for", (State.ISSUED,)),
    Rung(2, Sweep.REMIND, "due_at", morning(-3), 0, "assignment:clock:remind"),
    Rung(3, Sweep.REMIND, "due_at", morning(-1), 0, "assignment:clock:remind"),
    Rung(4, Sweep.ESCALATE, "due_at", morning(1), 1, "assignment:clock:escalate"),
    Rung(5, Sweep.ESCALATE, "due_at", morning(4), 2, "assignment:clock:escalate-further"),
)
RUNGS = {rung.number: rung for rung in LADDER}

OVERTAKEN = "overtaken"  # why a rung was skipped: a later one was due as well, and only the latest speaks

# After a return the officer gets this long before the clock speaks again, even when the due date has passed.
RETURN_GRACE = timedelta(days=1)


def rung_time(rung: Rung, respond_by: datetime | None, due_at: datetime | None) -> datetime | None:
    """When this rung is planned, or None where its date is missing."""
    anchor = respond_by if rung.anchor == "respond_by" else due_at
    return None if anchor is None else anchor + rung.offset


def planned(respond_by: datetime | None, due_at: datetime | None, after: int = 0) -> list[tuple[datetime, Rung]]:
    """The rungs still ahead after rung number `after`, by time and then by number."""
    times = [(rung_time(rung, respond_by, due_at), rung) for rung in LADDER if rung.number > after]
    return sorted(((when, rung) for when, rung in times if when), key=lambda pair: (pair[0], pair[1].number))


def rungs_from(
    respond_by: datetime | None, due_at: datetime | None, now: datetime, rungs: Sequence[Rung] = LADDER
) -> tuple[datetime, Rung] | None:
    """The first rung to arm at dispatch: reminders whose time is already past are left out, escalations never are."""
    pairs = (pair for pair in planned(respond_by, due_at) if pair[1] in rungs)
    return next((pair for pair in pairs if pair[0] > now or pair[1].sweep is Sweep.ESCALATE), None)
