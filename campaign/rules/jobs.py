"""The words of the clock: how a job run stands, which slot an instant belongs to, and what is too long."""

from datetime import UTC, datetime, timedelta
from enum import IntEnum

LONGEST_RUN = timedelta(minutes=15)  # a run that takes longer hangs, or its process has died
SKEW = timedelta(minutes=1)  # the clocks of two machines differ by less; what differs by more was set
STANDSTILL = timedelta(minutes=2)  # without any tick for so long the clock stands still


class RunState(IntEnum):
    """How the run of a slot stands. ABANDONED: it never ended; what it had not done was left to the next slot."""

    RUNNING = 1
    DONE = 2
    FAILED = 3
    ABANDONED = 4


def slot_of(now: datetime, period: timedelta) -> datetime:
    """The planned time that `now` belongs to: rounded down to a whole multiple of the period since 1970, in UTC."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + (now - epoch) // period * period
