"""Milestones: a target that rises, or falls, by dates. 65 % by the end of 2010, 75 % by the end of 2011, then 90 %."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from .metrics import Comparator


@dataclass(frozen=True, order=True)
class Step:
    """What must be reached by a day, that day included."""

    due_on: date
    target: Decimal


def milestone_in_force(milestones: Sequence[Step], day: date) -> Step | None:
    """The milestone that is worked towards on that day: the next one due, its own day included. None where there is
    none, and after the last: from then on the target itself counts."""
    return min((step for step in milestones if step.due_on >= day), default=None)


def target_in_force(target: Decimal | None, milestones: Sequence[Step], day: date) -> Decimal | None:
    """What is to be reached on that day: the milestone in force, else the target."""
    step = milestone_in_force(milestones, day)
    return target if step is None else step.target


def step_for(own: Decimal | None, total: Decimal | None, step: Decimal, *, shared: bool) -> Decimal | None:
    """What a milestone asks of one who must reach `own` in the end, where the plan says `total`: so much in proportion.
    Where the total is nothing (a figure that shall come down to zero) there is no proportion: it may be above its own
    end by as much as the plan, or, where `shared` says that the total is of all together, None can be told."""
    if own is None or total is None:
        return None
    if total:
        return own * step / total
    return None if shared else own + step


def comparator_on_the_way(comparator: Comparator, step: Decimal, total: Decimal | None) -> Comparator:
    """What is exactly so in the end is reached from one side: a milestone on the way down (to nothing, mostly) asks for
    at most that much, one on the way up for at least."""
    if comparator is not Comparator.EQUAL or total is None or step == total:
        return comparator
    return Comparator.AT_MOST if step > total else Comparator.AT_LEAST
