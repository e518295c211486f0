"""The words of the clock: how a job run stands, and which slot an instant belongs to."""

from datetime import UTC, datetime, timedelta
from enum import IntEnum


class RunState(IntEnum):
    """How the run of a slot stands."""

    RUNNING = 1
    DONE = 2
    FAILED = 3


def slot_of(now: datetime, period: timedelta) -> datetime:
    """The planned time that `now` belongs to: rounded down to a whole multiple of the period since 1970, in UTC."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + (now - epoch) // period * period
