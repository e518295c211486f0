"""move(): the only writer of an assignment's state.

The table of `rules/transitions.py` decides; one conditional UPDATE chooses the winner; the event, the notices and the
delta for the roll-up go into the same transaction.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Table, Update, bindparam, insert, type_coerce, update

from ..db import db, in_list, listed, listed_as, micros, run
from ..errors import Forbidden, NotFound, Refused, Stale, say
from ..models import Assignment, Review, TallyDelta
from ..models.facts import Standing, facts_of
from ..notify.outbox import tell_posts
from ..rules.organisation import Actor, PostFact, Role
from ..rules.states import Action, State
from ..rules.transitions import Audience, Transition, post_for, row_for
from .log import record

# Written once: putting a statement together costs more than running it. The other values come with the execution.
_ROWS: Table = Assignment.__table__  # type: ignore[assignment]
_MOVE = (
    update(_ROWS)
    .where(
        _ROWS.c.id == bindparam("moved"),
        _ROWS.c.state == bindparam("left", type_=_ROWS.c.state.type),
        _ROWS.c.version == bindparam("seen"),
    )
    .returning(*(type_coerce(date, BigInteger) for date in (_ROWS.c.due_at, _ROWS.c.behind_at, _ROWS.c.suspended_at)))
)
_COUNT = insert(TallyDelta.__table__)  # type: ignore[arg-type]

FASTER = say("Somebody was faster: this has changed since you opened the page. Nothing of yours was applied.")


@dataclass(frozen=True)
class Dated:
    """The dates of one assignment that it did not have before, or had otherwise."""

    due_at: datetime | None
    cut_off_at: datetime | None
    behind_at: datetime | None


@dataclass(frozen=True)
class Step:
    """A move that the law allows: the row of the table, and the post in which the actor acts."""

    row: Transition
    post: PostFact
    facts: Standing


def standing_of(assignment_id: int, reason: str = "") -> Standing:
    """The facts of an assignment; NotFound where there is none."""
    facts = facts_of(assignment_id, reason)
    if facts is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    return facts


def allowed(action: Action, facts: Standing, *, actor: Actor, seen: int) -> Step:
    """The step that the law allows, or the refusal with its sentence.

    Forbidden: no post for it. Stale: the assignment is no longer the version that was seen. Refused: not from this
    state, or a guard does not hold.
    """
    if facts.version != seen:
        raise Stale(FASTER)
    row = row_for(action, facts, actor)
    if row is None:
        raise Refused(say("This is not possible any more in the present state."))
    post = post_for(row.party, facts, actor)
    if post is None:
        raise Forbidden(say("None of your posts may do this here."))
    for guard in row.guards:
        refusal = guard(facts, actor)
        if refusal is not None:
            raise Refused(refusal)
    return Step(row, post, facts)


def move(
    step: Step,
    *,
    actor: Actor,
    now: datetime,
    reviewer_unit_id: int | None = None,
    review_step: int = 0,
    review_due_at: datetime | None = None,
    not_before: datetime | None = None,
    dated: Dated | None = None,
    data: dict[str, Any] | None = None,
    since: datetime | None = None,
) -> int:
    """Takes the step and returns the event's id. Raises Stale when somebody else moved it first.

    `reviewer_unit_id`, `review_step`, `review_due_at`: where the assignment waits, when the target is SUBMITTED.
    `not_before`: the clock stays silent until then. `dated`: the dates that it has from now on. `since`: from when it
    has stood so, where that was not now.
    """
    facts, row = step.facts, step.row
    values = {
        "moved": facts.id,
        "left": facts.state,
        "seen": facts.version,
        "state": row.target,
        "version": facts.version + 1,
        "reviewer_unit_id": reviewer_unit_id,
        "review_step": review_step,
        "review_due_at": review_due_at,
        "not_before": not_before,
        "since": since or now,
    }
    if dated is not None:
        values |= {"due_at": dated.due_at, "cut_off_at": dated.cut_off_at, "behind_at": dated.behind_at}
    changed = run(_MOVE, values).first()
    if changed is None or (changed.suspended_at is not None and row.target is State.SUBMITTED):
        raise Stale(FASTER)  # a question that was asked in the same instant raises no version, but stops the clock
    event_id = record(
        tag=row.tag,
        subject="assignment",
        subject_id=facts.id,
        actor=actor,
        post_id=step.post.id,
        now=now,
        from_state=facts.state,
        to_state=row.target,
        reason=facts.reason,
        data=data,
    )
    _tell(row, facts, reviewer_unit_id, event_id, now)
    if row.target is not facts.state:
        # Dates that were moved for many while this waited stand in the row, not in the facts read before.
        to = (changed.due_at or 0, changed.behind_at or 0)
        count(facts, counted(facts.due_at, facts.behind_at) if dated else to, row.target, to)
    return event_id


@cache
def _together(_database: str, sources: tuple[State, ...]) -> Update:
    """The same for many, written once for each database."""
    where = _ROWS.c.id.in_(listed_as("ids")), _ROWS.c.state.in_(sources)
    return update(_ROWS).where(*where).values(version=_ROWS.c.version + 1, not_before=None)


def move_together(
    ids: Collection[int],
    row: Transition,
    *,
    now: datetime,
    reviewer_unit_id: int | None,
    review_step: int,
    review_due_at: datetime | None,
) -> None:
    """Takes the same step for many that were locked and that the law allows; events and messages are the caller's.

    Raises Stale unless every one of them still stands where the step begins.
    """
    values = {
        "ids": in_list(ids), "state": row.target, "reviewer_unit_id": reviewer_unit_id, "review_step": review_step,
        "review_due_at": review_due_at, "since": now,
    }  # fmt: skip
    changed = run(_together(db.session.get_bind().dialect.name, row.sources), values)
    if changed.rowcount != len(ids):
        raise Stale(FASTER)


def move_back_together(review_ids: Collection[int], row: Transition) -> None:
    """Takes as many assignments that were locked, and that the law allows, back to where these decisions found them;
    events and messages are the caller's. Raises Stale unless every one of them still stands where the step begins."""
    changed: Any = db.session.execute(
        update(Assignment)
        .where(
            Review.id.in_(listed(review_ids)), Assignment.id == Review.assignment_id, Assignment.state.in_(row.sources)
        )
        .values(
            state=row.target, version=Assignment.version + 1, reviewer_unit_id=Review.unit_id, review_step=Review.step,
            review_due_at=Review.due_at, not_before=None, since=Review.since,
        )
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    if changed.rowcount != len(review_ids):
        raise Stale(FASTER)


def _tell(row: Transition, facts: Standing, reviewer_unit_id: int | None, event_id: int, now: datetime) -> None:
    if row.tells is Audience.REVIEWERS and reviewer_unit_id is not None:
        unit_id, role = reviewer_unit_id, Role.SUPERVISOR
    elif row.tells is Audience.REPORTERS:
        unit_id, role = facts.unit_id, Role.OFFICER
    elif row.tells is Audience.DECIDERS and facts.deciding_units:
        unit_id, role = facts.deciding_units[0], Role.DISPATCHER
        tell_posts(unit_id, Role.SUPERVISOR, event_id=event_id, tag=row.tag, assignment_id=facts.id, now=now)
    else:
        return
    tell_posts(unit_id, role, event_id=event_id, tag=row.tag, assignment_id=facts.id, now=now)


Counted = tuple[int, int]  # due, behind as the roll-up counts: microseconds since 1970, 0 for none


def counted(due_at: datetime | None, behind_at: datetime | None) -> Counted:
    """Dates as the roll-up counts them."""
    return 0 if due_at is None else micros(due_at), 0 if behind_at is None else micros(behind_at)


def count(facts: Standing, stood: Counted, target: State, to: Counted) -> None:
    """Leaves a delta for the roll-up; ancestors are never touched here, where all writers would queue at the root."""
    delta = {
        "task_id": facts.task_id,
        "unit_id": facts.unit_id,
        "from_state": facts.state,
        "from_due": stood[0],
        "from_behind": stood[1],
        "to_state": target,
        "to_due": to[0],
        "to_behind": to[1],
    }
    run(_COUNT, delta)
