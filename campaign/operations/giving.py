"""Targets of single assignments: what a decision grants, and what holds again for what was finished and reopened."""

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, delete, insert, literal, or_, select
from sqlalchemy.orm import aliased

from ..db import Instant, db, listed
from ..db import insert as insert_or
from ..models import Allocation, Assignment, Campaign, Event, Metric, Share, Target, Task
from ..models.facts import Standing
from ..models.splits import in_force, is_split_figure
from ..notify.outbox import tell_posts
from ..rules.organisation import Actor, PostFact, Role
from .cascade_writing import tell_each
from .figures import look_again
from .log import record
from .quotas import write_quotas
from .settling import settle, with_wholes

GRANTED, FOLLOWS = "assignment:cascade:grant", "assignment:cascade:follow"
KEY = ["assignment_id", "metric_id"]


def grant(
    facts: Standing, request_id: int, targets: Mapping[int, Decimal], *, actor: Actor, post: PostFact, now: datetime
) -> None:
    """The assignment must reach these from now on, by metric, whatever a register says later. Whoever split the whole
    is told that its parts are other ones now; the roll-up and the curve look again."""
    if not targets:
        return
    values = [
        {"assignment_id": facts.id, "metric_id": key, "value": value, "request_id": request_id}
        for key, value in targets.items()
    ]
    adding = insert_or(Target).values(values)
    news = {"value": adding.excluded.value, "request_id": adding.excluded.request_id, "allocation_id": None}
    db.session.execute(adding.on_conflict_do_update(index_elements=KEY, set_=news))
    look_again(Assignment.id == facts.id)
    settle(with_wholes([facts.id]), now=now)
    splitter = _splitter(facts.id, list(targets))
    if splitter is None:
        return
    unit_id, whole_id = splitter
    event_id = record(
        tag=GRANTED, subject="assignment", subject_id=whole_id or facts.id, actor=actor, post_id=post.id, now=now,
        data={"request": request_id, "part": facts.id, "unit": facts.unit_id},
    )  # fmt: skip
    tell_posts(unit_id, Role.DISPATCHER, event_id=event_id, tag=GRANTED, assignment_id=whole_id or facts.id, now=now)


def _splitter(assignment_id: int, metric_ids: list[int]) -> tuple[int, int | None] | None:
    """The unit whose split in force gave the assignment a part of one of these figures, and the assignment that it
    split (None: the task, by its issuer); None where nobody did."""
    whole = aliased(Assignment)
    of_whole = and_(Allocation.task_id == Assignment.task_id, Allocation.parent_id.is_not_distinct_from(whole.id))
    row = db.session.execute(
        select(whole.unit_id, Campaign.issuing_unit_id, whole.id)
        .select_from(Assignment)
        .outerjoin(whole, whole.id == Assignment.parent_id)
        .join(Task, Task.id == Assignment.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .join(Allocation, of_whole)
        .join(Metric, and_(Metric.task_id == Assignment.task_id, is_split_figure()))
        .where(Assignment.id == assignment_id, Metric.id.in_(listed(metric_ids)))
        .limit(1)
    ).first()
    return None if row is None else (row[0] or row[1], row[2])


def part_returned(assignment_id: int, *, now: datetime) -> None:
    """The assignment is asked no more: who split the whole must reach its part, too, until it is given to others."""
    look_again(Assignment.id == assignment_id)
    settle(with_wholes([assignment_id]), now=now)


def follow_all_again(ids: Collection[int], *, actor: Actor, post: PostFact, now: datetime) -> None:
    """The same for many: the officers of those whose targets are other ones are told, each by an event of its own."""
    moved = give_again(ids, now=now)
    if moved:
        tell_each(_followed(moved, actor, post, now), tag=FOLLOWS, now=now)


def _followed(ids: list[int], actor: Actor, post: PostFact, now: datetime) -> list[int]:
    """One event for each; their ids."""
    rows = (
        select(
            literal(now, Instant), literal(FOLLOWS), literal("assignment"), Assignment.id, literal(actor.person_id),
            literal(post.id), literal(""), literal("{}"),
        )
        .where(Assignment.id.in_(listed(ids)))
        .order_by(Assignment.id)
    )  # fmt: skip
    names = ["at", "tag", "subject", "subject_id", "person_id", "post_id", "reason", "data"]
    adding = insert(Event.__table__).from_select(names, rows).returning(Event.id)  # type: ignore[arg-type]
    return list(db.session.execute(adding).scalars())


def follow_again(assignment_id: int, *, actor: Actor, post: PostFact, now: datetime) -> None:
    """What is open again follows its targets again; its officers are told where they are other ones than when it was
    finished."""
    follow_all_again([assignment_id], actor=actor, post=post, now=now)


def give_again(ids: Collection[int], *, now: datetime) -> list[int]:
    """What was finished and is open again must reach what the splits and registers in force say now; what was granted
    stays. The ids of those whose target is another one than when they were finished. A fixed number of statements."""
    which = Assignment.id.in_(listed(ids))
    force = or_(
        and_(Assignment.parent_id.is_not(None), Allocation.parent_id == Assignment.parent_id),
        and_(Assignment.parent_id.is_(None), Allocation.parent_id.is_(None), Allocation.task_id == Assignment.task_id),
    )
    held = aliased(Target)
    kept = select(held.assignment_id).where(
        held.assignment_id == Assignment.id, held.metric_id == Share.metric_id, held.request_id.is_not(None)
    )
    given: Any = (
        select(Assignment.id.label("assignment_id"), Share.metric_id, Share.value, Share.allocation_id)
        .select_from(Assignment)
        .join(Allocation, and_(force, in_force()))
        .join(Share, and_(Share.allocation_id == Allocation.id, Share.unit_id == Assignment.unit_id))
        .where(which, ~kept.exists())
    )
    now_given = given.subquery()
    same = and_(Target.assignment_id == now_given.c.assignment_id, Target.metric_id == now_given.c.metric_id)
    other = select(now_given.c.assignment_id).outerjoin(Target, same)
    moved = set(db.session.execute(other.where(Target.value.is_distinct_from(now_given.c.value))).scalars())
    adding = insert_or(Target).from_select([*KEY, "value", "allocation_id"], given)
    news = {"value": adding.excluded.value, "allocation_id": adding.excluded.allocation_id}
    db.session.execute(adding.on_conflict_do_update(index_elements=KEY, set_=news))
    again = given.with_only_columns(Share.allocation_id).correlate(Target)
    again = again.where(Assignment.id == Target.assignment_id, Share.metric_id == Target.metric_id)
    former = and_(Target.assignment_id.in_(listed(ids)), Target.allocation_id.is_not(None), ~again.exists())
    dropped = delete(Target).where(former).returning(Target.assignment_id)
    moved |= set(db.session.execute(dropped, execution_options={"synchronize_session": False}).scalars())
    moved |= set(write_quotas(which))
    look_again(which)  # and at the wholes: what was exempted and is asked again takes its part back
    settle(with_wholes(ids), now=now)
    return sorted(moved)
