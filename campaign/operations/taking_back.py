"""Taking back a decision just made: by the same person, before anybody was told, while nothing happened since."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import String, bindparam, cast, delete, insert, literal, select

from ..db import Instant, db, listed, run
from ..errors import CampaignError, Forbidden, NotFound, Refused, Sentence, say
from ..models import Claim, ClientAction, Event, Notice, Review, Submission, Undo
from ..models.undoing import Act, Decided, LastDecision, decisions_of, hold, last_decision, with_last_decision
from ..rules.organisation import Actor, PostFact
from ..rules.states import Action, State
from ..rules.telling import HOLD
from ..rules.transitions import Facts, Transition, post_for, row_for
from .giving import follow_again, follow_all_again
from .move import FASTER, allowed, move, move_back_together, standing_of
from .moving_many import APPROVE_MANY, arm_alike, count_all
from .repeating import once, remember
from .timers import arm, review_due_at

# Written once, for the press that is in a hurry.
_UNDOS, _NOTICES, _CLAIMS = (noun.__table__ for noun in (Undo, Notice, Claim))
_UNDO = insert(_UNDOS)  # type: ignore[arg-type]
_UNSAY = delete(_NOTICES).where(_NOTICES.c.event_id == bindparam("event"))  # type: ignore[arg-type]
_LET_GO = delete(_CLAIMS).where(_CLAIMS.c.assignment_id == bindparam("assignment"))  # type: ignore[arg-type]
_HOLD = select(_NOTICES.c.id).where(_NOTICES.c.event_id == bindparam("event")).order_by(_NOTICES.c.id).with_for_update()
UNSEEN = {"synchronize_session": False}
GONE = say("This act is not there any more, or it was not yours.")


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
    try:
        step = allowed(Action.UNDO, with_last_decision(facts, last, now), actor=actor, seen=seen)
    except Forbidden:
        raise _why_not(assignment_id, last, actor) from None
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
    run(_UNDO, {"review_id": last.review_id, "person_id": actor.person_id, "post_id": step.post.id, "at": now})
    run(_UNSAY, {"event": last.event_id})
    run(_LET_GO, {"assignment": assignment_id})
    if facts.state is State.APPROVED:  # while it was finished, a split left it as it was
        follow_again(assignment_id, actor=actor, post=step.post, now=now)
    arm(assignment_id, now=now, after=last.at)


def _why_not(assignment_id: int, last: LastDecision | None, actor: Actor) -> CampaignError:
    """What is said to somebody who has no decision here that stands: mostly a second press in another window."""
    if last is not None:
        return Forbidden(say("Only who took the decision can take it back."))
    undone = select(Undo.review_id).join(Review, Review.id == Undo.review_id)
    mine = undone.where(Review.assignment_id == assignment_id, Undo.person_id == actor.person_id).limit(1)
    if db.session.execute(mine).first() is not None:
        return Refused(say("This decision was taken back already."))
    return Forbidden(say("None of your posts may do this here."))


def _hold(event_id: int) -> None:
    run(_HOLD, {"event": event_id})


@dataclass(frozen=True)
class TakenBack:
    """How many approvals of an act were taken back, and why the others were not."""

    count: int
    refused: tuple[tuple[int, Sentence], ...]


@dataclass
class _Group:
    """Decisions that the law treats alike, and what becomes of them."""

    row: Transition
    post: PostFact
    state: State
    step: int
    of: list[Decided] = field(default_factory=list)


def take_back_many(act_id: str, *, actor: Actor, now: datetime, client_action_id: str | None = None) -> TakenBack:
    """Takes all approvals of one act back that may still be: each as if it were the only one. `act_id`: the client
    action id of the approval. What somebody has moved since is left as it is and named.

    NotFound for an act that is not the actor's. The number of statements does not grow with the number of approvals.
    """
    before = once(client_action_id, actor=actor, subject="undo-many", content={"act": act_id}, now=now)
    if before is not None:
        return TakenBack(int(before or 0), ())
    act = _act_of(act_id, actor)
    hold(act)
    groups, refused = _asked(decisions_of(act), act, actor, now)
    for group in groups:
        _take_back(group, act, actor, now)
    count = sum(len(group.of) for group in groups)
    remember(client_action_id, str(count))
    return TakenBack(count, tuple(refused))


def _act_of(act_id: str, actor: Actor) -> Act:
    row = db.session.execute(
        select(ClientAction.at, ClientAction.result).where(
            ClientAction.id == act_id, ClientAction.person_id == actor.person_id, ClientAction.subject == APPROVE_MANY
        )
    ).first()
    found = [] if row is None else row.result.split()
    if row is None or len(found) != len(("count", "first", "last")):
        raise NotFound(GONE)
    return Act(actor.person_id, row.at, int(found[1]), int(found[2]))


def _asked(
    decisions: Collection[Decided], act: Act, actor: Actor, now: datetime
) -> tuple[list[_Group], list[tuple[int, Sentence]]]:
    """The law, asked once for all decisions that stand alike."""
    groups: dict[tuple[object, ...], _Group | Sentence] = {}
    refused: list[tuple[int, Sentence]] = []
    for each in decisions:
        if each.event_id is None:  # somebody has moved it since, or taken it back
            refused.append((each.assignment_id, FASTER))
            continue
        key = (each.state, each.unit_id, each.step, each.told)
        verdict = groups.get(key)
        if verdict is None:
            verdict = groups[key] = _verdict(each, act, actor, now)
        if isinstance(verdict, _Group):
            verdict.of.append(each)
        else:
            refused.append((each.assignment_id, verdict))
    return [group for group in groups.values() if isinstance(group, _Group)], refused


def _verdict(each: Decided, act: Act, actor: Actor, now: datetime) -> _Group | Sentence:
    facts = Facts(
        id=0,  # to take back asks nothing of what is the item's own
        state=each.state,
        version=0,
        unit_id=0,
        issuing_units=(),
        decided_by_id=act.person_id,
        decided_in=each.unit_id,
        untold=not each.told and now < act.at + HOLD,
    )
    row = row_for(Action.UNDO, facts, actor)
    post = None if row is None else post_for(row.party, facts, actor)
    if row is None or post is None:
        return FASTER
    refusal = next((said for guard in row.guards if (said := guard(facts, actor))), None)
    return refusal or _Group(row, post, each.state, each.step)


def _take_back(group: _Group, act: Act, actor: Actor, now: datetime) -> None:
    ids = [each.assignment_id for each in group.of]
    these, reviews = listed(ids), [each.review_id for each in group.of]
    _record(group, reviews, actor, now)
    undone = select(Review.id, literal(actor.person_id), literal(group.post.id), literal(now, Instant))
    kept = undone.where(Review.id.in_(listed(reviews))).order_by(Review.id)
    db.session.execute(insert(Undo.__table__).from_select(["review_id", "person_id", "post_id", "at"], kept))  # type: ignore[arg-type]
    if group.state is not group.row.target:
        count_all(ids, group.row.target)
    move_back_together(reviews, group.row)
    told = listed([each.event_id for each in group.of if each.event_id is not None])
    for gone in (delete(Notice).where(Notice.event_id.in_(told)), delete(Claim).where(Claim.assignment_id.in_(these))):
        db.session.execute(gone.execution_options(**UNSEEN))
    if group.state is State.APPROVED:
        follow_all_again(ids, actor=actor, post=group.post, now=now)
    arm_alike(ids, now=now, after=act.at)


def _record(group: _Group, reviews: Collection[int], actor: Actor, now: datetime) -> None:
    """One event for each, its data written as `canonical` writes them."""
    data = literal('{"decision":"approve","digest":"') + Submission.digest + literal('","number":')
    data = data + cast(Submission.number, String) + literal(f',"step":{group.step}}}')
    rows = (
        select(
            literal(now, Instant), literal(group.row.tag), literal("assignment"), Review.assignment_id,
            literal(actor.person_id), literal(group.post.id), literal(group.state.name.lower()),
            literal(group.row.target.name.lower()), literal(""), data,
        )
        .join(Submission, Submission.id == Review.submission_id)
        .where(Review.id.in_(listed(reviews)))
        .order_by(Review.assignment_id)
    )  # fmt: skip
    names = ["at", "tag", "subject", "subject_id", "person_id", "post_id", "from_state", "to_state", "reason", "data"]
    db.session.execute(insert(Event.__table__).from_select(names, rows))  # type: ignore[arg-type]
