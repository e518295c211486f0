"""The expected curve: from when an assignment lags behind if nothing more is reported.

In the first third of its time nothing is expected; then the share of the target grows evenly, over the milestones on
the way, to the whole at the due date. What was reported holds until the next report, so the moment at which it lags
follows from it: a fact, like a date.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from .dates import end_of_day, local_day
from .metrics import KINDS, Comparator, MetricKind, Value
from .milestones import Step

SHORTEST = timedelta(days=7)  # shorter work has no curve: its reminders say enough
QUIET = Decimal(1) / 3
# What grows towards its target. What must come down to a target or stay below it has no curve, nor has what is not
# required: nobody is behind with what they need not report.
GROWING_KINDS = (MetricKind.COUNT, MetricKind.AMOUNT, MetricKind.RATE)
GROWING_TOWARDS = (Comparator.AT_LEAST, Comparator.EQUAL, Comparator.MORE_THAN)


@dataclass(frozen=True, order=True)
class Knot:
    """A milestone on a curve: by then so much of the target (above 0) must be reached."""

    at: datetime
    share: Decimal


@dataclass(frozen=True)
class Reach:
    """How much of its target one figure has reached, 0 to 1 and exact, and the knots of its curve."""

    share: Decimal
    knots: tuple[Knot, ...] = ()


def part_of(kind: MetricKind, target: Decimal, value: Value | None) -> Decimal:
    """How much of its target, above zero, a growing figure has reached with what was reported last (None: nothing)."""
    figure = None if value is None else KINDS[kind].figure(value)
    return Decimal(0) if figure is None else min(max(figure / target, Decimal(0)), Decimal(1))


def knots_of(target: Decimal | None, milestones: Iterable[Step], zone: str) -> tuple[Knot, ...]:
    """The milestones of a metric with that target as parts of it. They go down in proportion: whoever must reach half
    of the target must reach half of each milestone."""
    if not target or target < 0:
        return ()
    return tuple(Knot(end_of_day(step.due_on, zone), step.target / target) for step in sorted(milestones))


def lags_at(start: datetime, due_at: datetime | None, figures: Iterable[Reach], zone: str) -> datetime | None:
    """From when the first of these figures lags behind; None where none has a curve or none will before the due
    date."""
    moments = (behind_at(start, due_at, each.share, zone, each.knots) for each in figures)
    return min((moment for moment in moments if moment is not None), default=None)


def behind_at(
    start: datetime, due_at: datetime | None, share: Decimal, zone: str, knots: Sequence[Knot] = ()
) -> datetime | None:
    """The end of the day from which so great a share of the target (0 to 1) is less than expected; None where there is
    no curve, or nothing more is expected before the due date."""
    if due_at is None or due_at - start < SHORTEST or share >= 1:
        return None
    reached = max(share, Decimal(0))
    leg = next(leg for leg in _legs(start, due_at, knots) if reached < leg.to)
    passed = leg.quiet + (1 - leg.quiet) * ((reached - leg.had) / (leg.to - leg.had))
    moment = leg.begins + timedelta(seconds=float(passed) * (leg.ends - leg.begins).total_seconds())
    end = end_of_day(local_day(moment, zone), zone)
    return end if end < due_at else None


@dataclass(frozen=True)
class _Leg:
    """A stretch of the curve, from one share to the next. `quiet`: in so much of it nothing more is expected."""

    begins: datetime
    ends: datetime
    had: Decimal
    to: Decimal
    quiet: Decimal


def _legs(start: datetime, due_at: datetime, knots: Sequence[Knot]) -> list[_Leg]:
    """From the start over the milestones up to the whole at the due date. What falls due within the shortest time says
    enough by itself, and a milestone that asks for less than one before it says nothing."""
    found: list[_Leg] = []
    begins, had = start, Decimal(0)
    ahead = (knot for knot in sorted(knots) if start + SHORTEST <= knot.at < due_at)
    for knot in (*ahead, Knot(due_at, Decimal(1))):
        to = min(knot.share, Decimal(1))
        if to > had:
            found.append(_Leg(begins, knot.at, had, to, QUIET if begins == start else Decimal(0)))
            begins, had = knot.at, to
    return found


def behind_again(
    start: datetime,
    was_due: datetime | None,
    was_behind: datetime | None,
    due_at: datetime | None,
    zone: str,
    knots: Sequence[Knot] = (),
) -> datetime | None:
    """The same moment when the due date is moved and nothing more is reported: the share that the former moment tells
    is kept. Where the former dates tell nothing, nothing counts as reported."""
    if was_due == due_at:
        return was_behind
    nothing = Decimal(0)
    if was_due is None or was_due - start < SHORTEST or behind_at(start, was_due, nothing, zone, knots) == was_behind:
        return behind_at(start, due_at, nothing, zone, knots)
    if was_behind is None:
        return None
    leg = next(leg for leg in _legs(start, was_due, knots) if was_behind <= leg.ends)
    passed = Decimal((was_behind - leg.begins).total_seconds()) / Decimal((leg.ends - leg.begins).total_seconds())
    share = leg.had + (leg.to - leg.had) * (passed - leg.quiet) / (1 - leg.quiet)
    return behind_at(start, due_at, share, zone, knots)
