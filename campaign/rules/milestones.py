"""Milestones: a target that rises, or falls, by dates. 65 % by the end of 2010, 75 % by the end of 2011, then 90 %."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal


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
