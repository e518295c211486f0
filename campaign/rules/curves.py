"""The expected curve: from when an assignment lags behind if nothing more is reported.

In the first third of its time nothing is expected; then the share of the target grows evenly to the whole at the due
date. What was reported holds until the next report, so the moment at which it lags follows from it: a fact, like a
date.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from .dates import end_of_day, local_day

SHORTEST = timedelta(days=7)  # shorter work has no curve: its reminders say enough
QUIET = Decimal(1) / 3


def behind_at(start: datetime, due_at: datetime | None, share: Decimal, zone: str) -> datetime | None:
    """The end of the day from which so great a share of the target (0 to 1) is less than expected; None where there is
    no curve, or nothing more is expected before the due date."""
    if due_at is None or due_at - start < SHORTEST or share >= 1:
        return None
    reached = QUIET + (1 - QUIET) * max(share, Decimal(0))
    moment = start + timedelta(seconds=float(reached) * (due_at - start).total_seconds())
    end = end_of_day(local_day(moment, zone), zone)
    return end if end < due_at else None
