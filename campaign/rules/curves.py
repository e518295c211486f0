"""The expected curve: from when an assignment lags behind if nothing more is reported.

In the first third of its time nothing is expected; then the share of the target grows evenly to the whole at the due
date. What was reported holds until the next report, so the moment at which it lags follows from it: a fact, like a
date.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from .dates import end_of_day, local_day
from .metrics import KINDS, Comparator, MetricKind, Value

SHORTEST = timedelta(days=7)  # shorter work has no curve: its reminders say enough
QUIET = Decimal(1) / 3
# What grows towards its target. What must come down to a target or stay below it has no curve, nor has what is not
# required: nobody is behind with what they need not report.
GROWING_KINDS = (MetricKind.COUNT, MetricKind.AMOUNT, MetricKind.RATE)
GROWING_TOWARDS = (Comparator.AT_LEAST, Comparator.EQUAL, Comparator.MORE_THAN)


def share(reached: Iterable[tuple[MetricKind, Decimal, Value | None]]) -> Decimal:
    """How much of the targets has been reached, 0 to 1 and exact: the smallest share over the growing figures, each
    given with its kind, its target above zero and what was reported last (None: nothing)."""
    return min((_part(*figure) for figure in reached), default=Decimal(0))


def _part(kind: MetricKind, target: Decimal, value: Value | None) -> Decimal:
    figure = None if value is None else KINDS[kind].figure(value)
    return Decimal(0) if figure is None else min(max(figure / target, Decimal(0)), Decimal(1))


def behind_at(start: datetime, due_at: datetime | None, share: Decimal, zone: str) -> datetime | None:
    """The end of the day from which so great a share of the target (0 to 1) is less than expected; None where there is
    no curve, or nothing more is expected before the due date."""
    if due_at is None or due_at - start < SHORTEST or share >= 1:
        return None
    reached = QUIET + (1 - QUIET) * max(share, Decimal(0))
    moment = start + timedelta(seconds=float(reached) * (due_at - start).total_seconds())
    end = end_of_day(local_day(moment, zone), zone)
    return end if end < due_at else None


def behind_again(
    start: datetime, was_due: datetime | None, was_behind: datetime | None, due_at: datetime | None, zone: str
) -> datetime | None:
    """The same moment when the due date is moved and nothing more is reported: the share that the former moment tells
    is kept. Where the former dates tell nothing, nothing counts as reported."""
    if was_due == due_at:
        return was_behind
    if was_due is None or was_due - start < SHORTEST or behind_at(start, was_due, Decimal(0), zone) == was_behind:
        return behind_at(start, due_at, Decimal(0), zone)
    if was_behind is None:
        return None
    passed = Decimal((was_behind - start).total_seconds()) / Decimal((was_due - start).total_seconds())
    return behind_at(start, due_at, (passed - QUIET) / (1 - QUIET), zone)
