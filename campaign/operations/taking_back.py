"""Taking back a decision just made: by the same person, before anybody was told, while nothing happened since."""

from datetime import datetime

from sqlalchemy import delete, insert, select

from ..db import db
from ..models import Claim, Notice, Undo
from ..models.undoing import last_decision, with_last_decision
from ..rules.organisation import Actor
from ..rules.states import Action
from .move import allowed, move, standing_of
from .repeating import once
from .timers import arm, review_due_at


def take_back(
    assignment_id: int, *, actor: Actor, now: datetime, seen: int, client_action_id: str | None = None
) -> None:
    """Puts the version back to the level and the review date from which the decision took it.

    The notices of the decision wait a moment; they are locked here and go with it. Whoever hands them to the channels
    locks them too, so that a decision was told or taken back, never both. Refused when they are out or time is up.
    """
    subject = f"undo:{assignment_id}"
    if once(client_action_id, actor=actor, subject=subject, content={}, now=now) is not None:
        return
    facts = standing_of(assignment_id)
    last = last_decision(assignment_id)
    if last is not None:
        _hold(last.event_id)
        last = last_decision(assignment_id)  # as it is now that nobody else has the notices in hand
    step = allowed(Action.UNDO, with_last_decision(facts, last, now), actor=actor, seen=seen)
    assert last is not None  # the law knows nobody who decided otherwise
    move(
        step,
        actor=actor,
        now=now,
        reviewer_unit_id=last.unit_id,
        review_step=last.step,
        review_due_at=last.due_at or review_due_at(facts.task_id, now=now),
        data={
            "number": facts.submission_number,
            "digest": facts.submission_digest,
            "step": last.step,
            "decision": last.decision.name.lower(),
        },
        since=last.since,
    )
    db.session.execute(
        insert(Undo).values(review_id=last.review_id, person_id=actor.person_id, post_id=step.post.id, at=now)
    )
    db.session.execute(delete(Notice).where(Notice.event_id == last.event_id))
    db.session.execute(delete(Claim).where(Claim.assignment_id == assignment_id))
    arm(assignment_id, now=now, after=last.at)


def _hold(event_id: int) -> None:
    db.session.execute(select(Notice.id).where(Notice.event_id == event_id).order_by(Notice.id).with_for_update())
