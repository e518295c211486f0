"""A level of review at which nobody is: the levels above move on what waits there, with a reason, in the log.

The chain that the submission has pinned stays as it is. The level that is passed over has no decision, and the log
says who passed it over and why; the review at the next level counts for that level alone.
"""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select

from ..clock import local_today
from ..db import db
from ..errors import Refused, say
from ..models import Unit
from ..models.organisation import manned_on
from ..rules.organisation import Actor, Role
from ..rules.states import Action
from .move import allowed, move, standing_of
from .repeating import once
from .timers import arm, review_due_at


def pass_over(
    assignment_id: int, *, actor: Actor, now: datetime, seen: int, reason: str, client_action_id: str | None = None
) -> int:
    """Moves what waits at a vacant level to the nearest level above that has a supervisor; returns that unit's id.

    Refused while somebody can review where it waits, without a reason, and where nobody reviews above either.
    """
    subject, content = f"pass-over:{assignment_id}", {"reason": reason}
    before = once(client_action_id, actor=actor, subject=subject, content=content, now=now)
    facts = standing_of(assignment_id, reason.strip())
    if before is not None:
        return facts.reviewer_unit_id or 0
    waits_at = facts.reviewer_unit_id
    manned = _manned([waits_at, *facts.units_above], now) if waits_at else set()
    step = allowed(Action.PASS_OVER, replace(facts, vacant_here=waits_at not in manned), actor=actor, seen=seen)
    to = next((unit for unit in facts.units_above if unit in manned), None)
    if to is None:
        raise Refused(say("Nobody can review at any level above either. Please have a supervisor named first."))
    reached = facts.chain.index(to)
    move(
        step,
        actor=actor,
        now=now,
        reviewer_unit_id=to,
        review_step=reached,
        review_due_at=review_due_at(facts.task_id, now=now),
        data={
            "number": facts.submission_number,
            "step": facts.review_step,
            "passed": list(facts.chain[facts.review_step : reached]),
            "reviewer": to,
        },
    )
    arm(facts.id, now=now, after=now)
    return to


def _manned(units: list[int], now: datetime) -> set[int]:
    """Those of the units in which somebody can review today."""
    there = manned_on(Unit.id, Role.SUPERVISOR, local_today(now))
    return set(db.session.execute(select(Unit.id).where(Unit.id.in_(units), there)).scalars())
