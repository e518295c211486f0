"""Many approvals in one act: each is the same step of the same law, with its own event, decision and messages."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, String, cast, delete, func, insert, literal, select, type_coerce, union

from ..clock import local_today
from ..db import Code, Instant, db, insert_new, listed
from ..errors import Sentence
from ..models import Assignment, Claim, Delegation, Event, Notice, Post, Review, Submission, TallyDelta
from ..models.organisation import holds_on, stands_in_on
from ..models.timing import timings_of
from ..models.together import Group, sorted_out
from ..rules.ladder import decide
from ..rules.organisation import Actor, Role
from ..rules.states import Action, State
from ..rules.telling import is_urgent
from .move import FASTER, move_together
from .repeating import once, remember
from .timers import arm_all, review_dues

UNSEEN = {"synchronize_session": False}
FIRST_DECISIVE = 4  # in a row of TIMINGS; before it stand the ids of what the row is about


@dataclass(frozen=True)
class Approved:
    """How many were approved, and why the others were not."""

    count: int
    refused: tuple[tuple[int, Sentence], ...]


def approve_many(
    versions: dict[int, int], *, actor: Actor, now: datetime, client_action_id: str | None = None
) -> Approved:
    """Approves what waits for the actor and has no open flag, as it was seen: assignment id to its version then.

    What somebody moved since, has in hand or flagged is left out and named. The number of statements does not grow
    with the number of items.
    """
    content = {"ids": sorted(versions)}
    before = once(client_action_id, actor=actor, subject="approve-many", content=content, now=now)
    if before is not None:
        return Approved(int(before or 0), ())
    ids = sorted(versions)
    db.session.execute(select(Assignment.id).where(Assignment.id.in_(listed(ids))).order_by(Assignment.id)
                       .with_for_update())  # fmt: skip
    found = sorted_out(ids, actor, now=now)
    moved = {id for id, version in found.versions.items() if versions[id] != version}
    together: dict[tuple[Any, ...], tuple[Group, list[tuple[int, int]]]] = {}
    due = review_dues({group.task_id for group in found.groups if group.to is not None}, now=now)
    for group in found.groups:
        kept = [pair for pair in zip(group.ids, group.versions, strict=True) if pair[0] not in moved]
        until = None if group.to is None else due[group.task_id]
        alike = (group.row.tag, group.post.id, group.step, group.to, until)
        together.setdefault(alike, (group, []))[1].extend(kept)
    for (*_, until), (group, kept) in together.items():
        if kept:
            _move(group, [id for id, _ in kept], [version for _, version in kept], until, actor, now)
    refused = [*found.refused, *((id, FASTER) for id in sorted(moved & set(found.ready)))]
    remember(client_action_id, str(len(ids) - len(refused)))
    return Approved(len(ids) - len(refused), tuple(refused))


def _move(
    group: Group, ids: list[int], versions: list[int], until: datetime | None, actor: Actor, now: datetime
) -> None:
    _record(group, versions, actor, now)
    _decide(group, versions, actor, now)
    if group.row.target is not State.SUBMITTED:
        _count(group, ids)
    step = 0 if group.to is None else group.step + 1
    move_together(ids, group.row, now=now, reviewer_unit_id=group.to, review_step=step, review_due_at=until)
    _tell(group, ids, now)
    db.session.execute(delete(Claim).where(Claim.assignment_id.in_(listed(ids))).execution_options(**UNSEEN))
    if group.to is not None:
        _arm(ids, now)


def _record(group: Group, versions: Collection[int], actor: Actor, now: datetime) -> None:
    """One event for each, its data written as `canonical` writes them."""
    words = [literal('{"digest":"'), Submission.digest, literal('","number":'), cast(Submission.number, String)]
    words += [literal(f',"reviewer":{group.to},"step":{group.step}}}' if group.to else f',"step":{group.step}}}')]
    data = words[0]
    for word in words[1:]:
        data = data + word
    rows = select(
        literal(now, Instant), literal(group.row.tag), literal("assignment"), Submission.assignment_id,
        literal(actor.person_id), literal(group.post.id), literal(State.SUBMITTED.name.lower()),
        literal(group.row.target.name.lower()), literal(""), data,
    ).where(Submission.id.in_(listed(versions))).order_by(Submission.assignment_id)  # fmt: skip
    names = ["at", "tag", "subject", "subject_id", "person_id", "post_id", "from_state", "to_state", "reason", "data"]
    db.session.execute(insert(Event.__table__).from_select(names, rows))  # type: ignore[arg-type]


def _decide(group: Group, versions: Collection[int], actor: Actor, now: datetime) -> None:
    before = Review.__table__.alias("before")
    turn = (
        select(func.coalesce(func.max(before.c.turn) + 1, 0))
        .where(before.c.submission_id == Submission.id, before.c.step == group.step)
        .correlate(Submission)
        .scalar_subquery()
    )
    rows = (
        select(
            Submission.assignment_id, Submission.id, literal(group.step), Assignment.reviewer_unit_id,
            literal(Action.APPROVE, Code(Action)), literal(""), Submission.digest, literal(actor.person_id),
            literal(group.post.id), literal(now, Instant), turn, Assignment.since, Assignment.review_due_at,
        )
        .join(Assignment, Assignment.id == Submission.assignment_id)
        .where(Submission.id.in_(listed(versions)))
        .order_by(Submission.assignment_id)
    )  # fmt: skip
    names = [
        "assignment_id", "submission_id", "step", "unit_id", "decision", "words", "digest", "person_id", "post_id",
        "at", "turn", "since", "due_at",
    ]  # fmt: skip
    db.session.execute(insert(Review.__table__).from_select(names, rows))  # type: ignore[arg-type]


def _count(group: Group, ids: Collection[int]) -> None:
    """A delta for the roll-up for each, before the states change."""
    due, behind = (
        func.coalesce(type_coerce(moment, BigInteger), 0) for moment in (Assignment.due_at, Assignment.behind_at)
    )
    to = literal(group.row.target, Code(State))
    rows = select(Assignment.task_id, Assignment.unit_id, Assignment.state, due, behind, to, due, behind)
    names = ["task_id", "unit_id", "from_state", "from_due", "from_behind", "to_state", "to_due", "to_behind"]
    chosen = rows.where(Assignment.id.in_(listed(ids)))
    db.session.execute(insert(TallyDelta.__table__).from_select(names, chosen))  # type: ignore[arg-type]


def _tell(group: Group, ids: Collection[int], now: datetime) -> None:
    """To the next level, or to the officers of each; stand-ins with them, everybody once for an event."""
    role = Role.OFFICER if group.to is None else Role.SUPERVISOR
    day, tag = local_today(now), group.row.tag

    def people(person: Any) -> Any:
        there = Post.unit_id == Assignment.unit_id if group.to is None else Post.unit_id == group.to
        return (
            select(literal(tag).label("tag"), Event.id.label("event_id"), person.label("person_id"),
                   Assignment.id.label("assignment_id"), literal(now, Instant).label("created_at"),
                   literal(is_urgent(tag)).label("urgent"))
            .select_from(Event)
            .join(Assignment, Assignment.id == Event.subject_id)
            .join(Post, there)
            .where(Event.subject == "assignment", Event.subject_id.in_(listed(ids)), Event.tag == tag,
                   Event.at == now, Post.role == role, holds_on(day))
        )  # fmt: skip

    both = union(people(Post.person_id), people(Delegation.delegate_id).join(Delegation, stands_in_on(day))).subquery()
    names = ["tag", "event_id", "person_id", "assignment_id", "created_at", "urgent"]
    everybody = select(*(both.c[name] for name in names)).where(literal(True))
    db.session.execute(insert_new(Notice.__table__).from_select(names, everybody))


def _arm(ids: Collection[int], now: datetime) -> None:
    """The next rung of each, decided once for all that stand alike."""
    timings = timings_of(ids)
    alike: dict[tuple[Any, ...], list[Any]] = {}
    for row in timings.rows:
        alike.setdefault(row[FIRST_DECISIVE:], []).append(row)
    for rows in alike.values():
        timing = timings.of(rows[0])
        decision = decide(timing.steps, timing.state, timing.behind_at, now, now)
        step = decision.speak[0] if decision.speak else decision.next
        if step is not None:
            chosen = Assignment.id.in_(listed([row.id for row in rows]))
            arm_all(chosen, step, when=max(step.when, now), after=now)
