"""Many approvals in one act: each is the same step of the same law, with its own event, decision and messages."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Select, String, and_, cast, delete, func, insert, literal, select, type_coerce, union

from ..clock import local_today
from ..db import Code, Instant, db, insert_new, listed
from ..errors import Sentence
from ..models import Assignment, Claim, Delegation, Event, Notice, Post, Review, Submission, TallyDelta
from ..models.organisation import holds_on, stands_in_on
from ..models.timing import timings_alike
from ..models.together import Group, sorted_out
from ..rules.ladder import Step, decide
from ..rules.organisation import Actor, Role
from ..rules.states import Action, State
from ..rules.telling import is_urgent
from .move import FASTER, move_together
from .repeating import once, remember
from .timers import arm_all, review_dues

Listed = Select[tuple[int]]  # ids as a subquery
UNSEEN = {"synchronize_session": False}
APPROVE_MANY = "approve-many"  # what such an act is called among those that are remembered


@dataclass(frozen=True)
class Approved:
    """How many were approved, and why the others were not."""

    count: int
    refused: tuple[tuple[int, Sentence], ...]


def _result(count: int, first: int, last: int) -> str:
    """What is remembered of an act: how many, and between which ids their reviews lie, for who takes it back."""
    return f"{count} {first} {last}"


def approve_many(
    versions: dict[int, int], *, actor: Actor, now: datetime, client_action_id: str | None = None
) -> Approved:
    """Approves what waits for the actor and has no open flag, as it was seen: assignment id to its version then.

    What somebody moved since, has in hand or flagged is left out and named. The number of statements does not grow
    with the number of items.
    """
    content = {"ids": sorted(versions)}
    before = once(client_action_id, actor=actor, subject=APPROVE_MANY, content=content, now=now)
    if before is not None:
        return Approved(int(before.split()[0]) if before else 0, ())
    ids, newest = sorted(versions), _newest_review() if client_action_id else 0
    locked = select(Assignment.id).where(Assignment.id.in_(listed(ids))).order_by(Assignment.id).with_for_update()
    db.session.execute(select(func.count()).select_from(locked.subquery()))  # none of them comes here for it
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
    if client_action_id:
        remember(client_action_id, _result(len(ids) - len(refused), newest + 1, _newest_review()))
    return Approved(len(ids) - len(refused), tuple(refused))


def _move(
    group: Group, ids: list[int], versions: list[int], until: datetime | None, actor: Actor, now: datetime
) -> None:
    these, theirs = listed(ids), listed(versions)  # written out once for all statements
    _record(group, theirs, actor, now)
    _decide(group, theirs, actor, now)
    if group.row.target is not State.SUBMITTED:
        count_all(these, group.row.target)
    step = 0 if group.to is None else group.step + 1
    move_together(ids, group.row, now=now, reviewer_unit_id=group.to, review_step=step, review_due_at=until)
    _tell(group, these, now)
    db.session.execute(delete(Claim).where(Claim.assignment_id.in_(these)).execution_options(**UNSEEN))
    if group.to is not None:
        arm_alike(ids, now=now, after=now)


def _newest_review() -> int:
    return int(db.session.execute(select(func.coalesce(func.max(Review.id), 0))).scalar_one())


def _record(group: Group, versions: Listed, actor: Actor, now: datetime) -> None:
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
    ).where(Submission.id.in_(versions)).order_by(Submission.assignment_id)  # fmt: skip
    names = ["at", "tag", "subject", "subject_id", "person_id", "post_id", "from_state", "to_state", "reason", "data"]
    db.session.execute(insert(Event.__table__).from_select(names, rows))  # type: ignore[arg-type]


def _decide(group: Group, versions: Listed, actor: Actor, now: datetime) -> None:
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
        .where(Submission.id.in_(versions))
        .order_by(Submission.assignment_id)
    )  # fmt: skip
    names = [
        "assignment_id", "submission_id", "step", "unit_id", "decision", "words", "digest", "person_id", "post_id",
        "at", "turn", "since", "due_at",
    ]  # fmt: skip
    db.session.execute(insert(Review.__table__).from_select(names, rows))  # type: ignore[arg-type]


def count_all(ids: Listed, target: State) -> None:
    """A delta for the roll-up for each, before the states change."""
    due, behind = (
        func.coalesce(type_coerce(moment, BigInteger), 0) for moment in (Assignment.due_at, Assignment.behind_at)
    )
    to = literal(target, Code(State))
    rows = select(Assignment.task_id, Assignment.unit_id, Assignment.state, due, behind, to, due, behind)
    names = ["task_id", "unit_id", "from_state", "from_due", "from_behind", "to_state", "to_due", "to_behind"]
    chosen = rows.where(Assignment.id.in_(ids))
    db.session.execute(insert(TallyDelta.__table__).from_select(names, chosen))  # type: ignore[arg-type]


def _tell(group: Group, ids: Listed, now: datetime) -> None:
    """To the next level, or to the officers of each; stand-ins with them, everybody once for an event."""
    role = Role.OFFICER if group.to is None else Role.SUPERVISOR
    day, tag = local_today(now), group.row.tag

    def people(person: Any) -> Any:
        there = select(Post.unit_id, person.label("person_id")).select_from(Post)
        return there.where(Post.role == role, holds_on(day), Post.unit_id.in_(units))

    units: Any = [group.to]
    if group.to is None:
        units = select(Assignment.unit_id).where(Assignment.id.in_(ids))
    # Somebody who holds a post and stands in for another there is told once: UNION.
    stand_ins = people(Delegation.delegate_id).join(Delegation, stands_in_on(day))
    told = union(people(Post.person_id), stand_ins).cte()
    home = Assignment.unit_id if group.to is None else literal(group.to)
    rows = (
        select(literal(tag), Event.id, told.c.person_id, Assignment.id, literal(now, Instant), literal(is_urgent(tag)))
        .select_from(Assignment)
        .join(Event, and_(Event.subject == "assignment", Event.subject_id == Assignment.id))
        .join(told, told.c.unit_id == home)
        .where(Assignment.id.in_(ids), Event.tag == tag, Event.at == now)
    )
    names = ["tag", "event_id", "person_id", "assignment_id", "created_at", "urgent"]
    db.session.execute(insert_new(Notice.__table__).from_select(names, rows))


def arm_alike(ids: Collection[int], *, now: datetime, after: datetime) -> None:
    """The next rung of each, decided once for all that stand alike. `after`: up to then everything has been decided."""
    timings = timings_alike(ids)
    together: dict[Step, list[int]] = {}
    for row in timings.rows:
        timing = timings.of(row)
        decision = decide(timing.steps, timing.state, timing.behind_at, after, now)
        step = decision.speak[0] if decision.speak else decision.next
        if step is not None:
            together.setdefault(step, []).extend(map(int, row.ids.split(",")))
    for step, chosen in together.items():
        arm_all(Assignment.id.in_(listed(chosen)), step, when=max(step.when, now), after=after)
