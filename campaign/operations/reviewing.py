"""The supervisor's verbs: approve and return, one level at a time."""

from datetime import datetime

from sqlalchemy import Table, bindparam, func, insert, select

from ..db import run
from ..errors import Invalid, Problem, say
from ..models import Review
from ..rules.ladder import RETURN_GRACE
from ..rules.organisation import Actor
from ..rules.states import Action, ReturnReason
from .claiming import let_go
from .move import Step, allowed, move, standing_of
from .repeating import once
from .timers import arm, review_due_at

LONGEST_WORDS = 4_000
# Written once. After a decision that was taken back, the same step of the same version has another turn.
_REVIEWS: Table = Review.__table__  # type: ignore[assignment]
_BEFORE = _REVIEWS.alias("before")
_TURN = select(func.coalesce(func.max(_BEFORE.c.turn) + 1, 0)).where(
    _BEFORE.c.submission_id == bindparam("version"), _BEFORE.c.step == bindparam("level")
)
_DECIDE = insert(_REVIEWS).values(turn=_TURN.scalar_subquery())


def approve(
    assignment_id: int,
    *,
    actor: Actor,
    now: datetime,
    seen: int,
    words: str = "",
    client_action_id: str | None = None,
) -> None:
    """Approves the version that waits at this level; it goes to the next level, or is finally approved.

    Refused for one's own submission and when another level was decided by the same person.
    """
    subject = f"approve:{assignment_id}"
    if once(client_action_id, actor=actor, subject=subject, content={"words": words}, now=now) is not None:
        return
    facts = standing_of(assignment_id)
    step = allowed(Action.APPROVE, facts, actor=actor, seen=seen)
    data = {"number": facts.submission_number, "digest": facts.submission_digest, "step": facts.review_step}
    if facts.levels_remain:
        reviewer = facts.chain[facts.review_step + 1]
        move(
            step,
            actor=actor,
            now=now,
            reviewer_unit_id=reviewer,
            review_step=facts.review_step + 1,
            review_due_at=review_due_at(facts.task_id, now=now),
            data={**data, "reviewer": reviewer},
        )
        arm(facts.id, now=now, after=now)
    else:
        move(step, actor=actor, now=now, data=data)
    _decide(step, Action.APPROVE, actor=actor, now=now, reason=None, words=words)


def return_for_changes(
    assignment_id: int,
    *,
    actor: Actor,
    now: datetime,
    seen: int,
    reason: ReturnReason | None,
    words: str,
    client_action_id: str | None = None,
) -> None:
    """Sends the version back to its officer with a reason code and words; the clock is silent for a day."""
    subject, content = f"return:{assignment_id}", {"reason": reason, "words": words}
    if once(client_action_id, actor=actor, subject=subject, content=content, now=now) is not None:
        return
    problems = []
    if reason is None:
        problems.append(Problem("reason", say("Please choose a reason.")))
    if not words.strip():
        problems.append(Problem("words", say("Please say what has to be changed.")))
    if len(words) > LONGEST_WORDS:
        problems.append(Problem("words", say("The text is too long: at most %(most)s characters.", most=LONGEST_WORDS)))
    facts = standing_of(assignment_id, words.strip())
    if problems or reason is None:
        raise Invalid(say("The officer needs to know why it comes back."), problems)
    step = allowed(Action.RETURN, facts, actor=actor, seen=seen)
    data = {
        "number": facts.submission_number,
        "digest": facts.submission_digest,
        "step": facts.review_step,
        "code": reason.name.lower(),
    }
    move(step, actor=actor, now=now, not_before=now + RETURN_GRACE, data=data)
    _decide(step, Action.RETURN, actor=actor, now=now, reason=reason, words=words)
    arm(facts.id, now=now, after=facts.submitted_at or now, not_before=now + RETURN_GRACE)


def _decide(
    step: Step, decision: Action, *, actor: Actor, now: datetime, reason: ReturnReason | None, words: str
) -> None:
    facts = step.facts
    row = {
        "assignment_id": facts.id,
        "submission_id": facts.submission_id,
        "step": facts.review_step,
        "unit_id": facts.reviewer_unit_id,
        "decision": decision,
        "reason": reason,
        "words": words.strip(),
        "digest": facts.submission_digest,
        "person_id": actor.person_id,
        "post_id": step.post.id,
        "at": now,
        "since": facts.since,
        "version": facts.submission_id,
        "level": facts.review_step,
        "due_at": facts.review_due_at,
    }
    let_go(facts.id, actor=actor, now=now)
    run(_DECIDE, row)
