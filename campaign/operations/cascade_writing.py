"""Writing a split down: its version, the assignments that come of it, their targets. Sets, never unit by unit."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    true,
    type_coerce,
    union,
    update,
)

from ..clock import local_today, zone
from ..db import Instant, db, insert_new, listed
from ..db import insert as insert_or
from ..models import (
    Allocation,
    AllocationTotal,
    Assignment,
    Batch,
    Delegation,
    Event,
    Notice,
    Post,
    Share,
    Target,
    Unit,
)
from ..models.organisation import holds_on, stands_in_on
from ..models.outlook import Outlook, nothing_yet
from ..models.splits import Part, Whole, held_elsewhere
from ..rules.dates import DueKind, end_of_day, local_day
from ..rules.ladder import Anchors, Step, first_step, plan
from ..rules.organisation import Actor, Role
from ..rules.states import State
from ..rules.targets import Method
from ..rules.telling import is_urgent
from .figures import look_again
from .timers import arm_all

Shares = Mapping[int, Mapping[int, Decimal]]  # by unit and metric
NOTICE = ["tag", "event_id", "person_id", "assignment_id", "created_at", "urgent"]
FOLLOWING = (DueKind.FIXED, DueKind.OCCASION)  # kinds of due dates that are the same whenever a unit receives them


@dataclass(frozen=True)
class Handed:
    """The dates of what is handed down. `own`: they no longer move with an occasion or a calendar."""

    respond_by: datetime | None
    due_at: datetime | None
    cut_off_at: datetime | None
    behind_at: datetime | None
    own: bool


def dates_below(whole: Whole, outlook: Outlook, due_on: date | None, *, now: datetime) -> Handed:
    """The dates of the units below: those of the assignment that is split, or an earlier due date; never a later one.
    The time to sign for it counts from now, and ends with the due date at the latest."""
    due_at, cut_off_at = whole.due_at, whole.cut_off_at
    own = whole.own_dates or whole.due_kind not in FOLLOWING
    if due_on is not None and due_at is not None and end_of_day(due_on, zone()) < due_at:
        earlier = local_day(due_at, zone()) - due_on
        due_at, own = end_of_day(due_on, zone()), True
        if cut_off_at is not None:
            cut_off_at = _days_before(cut_off_at, earlier)
    respond_by = outlook.dates.respond_by
    if respond_by is not None and due_at is not None:
        respond_by = min(respond_by, due_at)
    return Handed(respond_by, due_at, cut_off_at, nothing_yet(outlook.curves, now, due_at), own and due_at is not None)


def _days_before(moment: datetime, days: timedelta) -> datetime:
    return end_of_day(local_day(moment, zone()) - days, zone())


def steps_below(outlook: Outlook, dates: Handed) -> tuple[Step, ...]:
    """The rungs of the ladder at the times that follow from these dates."""
    anchors = Anchors(dates.respond_by, dates.due_at, dates.cut_off_at, behind_at=dates.behind_at)
    return plan(outlook.ladder, outlook.grade, anchors, outlook.calendar, zone())


def write_allocation(
    whole: Whole, parts: Iterable[Part], method: Method, reason: str, shares: Shares, reserves: Mapping[int, Decimal],
    *, actor: Actor, post_id: int | None, now: datetime,
) -> int:  # fmt: skip
    """The next version of the split, with its totals and shares: three statements at most. Its id."""
    row = {
        "task_id": whole.task_id, "period": whole.period, "parent_id": whole.parent_id, "version": whole.version + 1,
        "method": method, "reason": reason, "person_id": actor.person_id, "post_id": post_id, "at": now,
    }  # fmt: skip
    allocation_id: int = db.session.execute(insert(Allocation).values(row).returning(Allocation.id)).scalar_one()
    totals = [
        {
            "allocation_id": allocation_id, "metric_id": part.metric_id, "total": part.total,
            "reserve": reserves.get(part.metric_id, Decimal(0)),
        }
        for part in parts
        if part.split
    ]  # fmt: skip
    rows = [
        {"allocation_id": allocation_id, "unit_id": unit_id, "metric_id": metric_id, "value": value}
        for unit_id, values in shares.items()
        for metric_id, value in values.items()
    ]
    if totals:
        db.session.execute(insert(AllocationTotal.__table__), totals)  # type: ignore[arg-type]
    if rows:
        db.session.execute(insert(Share.__table__), rows)  # type: ignore[arg-type]
    return allocation_id


def keep_elsewhere(whole: Whole, allocation_id: int, lft: int, rgt: int) -> None:
    """What units outside these bounds hold stands in the new version, too: one statement."""
    held = held_elsewhere(whole, lft, rgt).subquery()
    rows = select(literal(allocation_id), held.c.unit_id, held.c.metric_id, held.c.value)
    db.session.execute(insert(Share).from_select(["allocation_id", "unit_id", "metric_id", "value"], rows))


def hand_down(whole: Whole, outlook: Outlook, unit_ids: list[int], dates: Handed, *, now: datetime) -> tuple[int, int]:
    """One batch with an assignment for each of these units, with its timers: the batch's id and how many it made; a
    unit that has the task already is passed over."""
    batch = {
        "task_id": whole.task_id, "dispatched_at": now, "items": 0, "digest": "", "folded": False,
        "period": whole.period, "respond_by": dates.respond_by, "due_at": dates.due_at,
        "cut_off_at": dates.cut_off_at, "behind_at": dates.behind_at, "ladder_id": outlook.ladder.id,
        "calendar_id": outlook.calendar.id,
    }  # fmt: skip
    batch_id: int = db.session.execute(insert(Batch).values(batch).returning(Batch.id)).scalar_one()
    columns: dict[str, Any] = {
        "task_id": literal(whole.task_id),
        "unit_id": Unit.id,
        "batch_id": literal(batch_id),
        "period": literal(whole.period),
        "state": literal(int(State.ISSUED)),
        "version": literal(1),
        "respond_by": literal(dates.respond_by, Instant),
        "due_at": literal(dates.due_at, Instant),
        "cut_off_at": literal(dates.cut_off_at, Instant),
        "behind_at": literal(dates.behind_at, Instant),
        "review_step": literal(0),
        "own_dates": literal(dates.own),
        "parent_id": literal(whole.parent_id),
    }
    units = select(*columns.values()).where(Unit.id.in_(listed(unit_ids))).order_by(Unit.line, Unit.lft)
    added: Any = db.session.execute(
        insert_new(Assignment).from_select(list(columns), units).execution_options(preserve_rowcount=True)
    )
    first = first_step(steps_below(outlook, dates), now)
    if first is not None:
        after, step = first
        arm_all(Assignment.batch_id == batch_id, step, when=max(step.when, now), after=after)
    return batch_id, int(added.rowcount)


def name_all(which: ColumnElement[bool], in_charge: Mapping[int, int | None]) -> None:
    """The persons in charge, by unit, of the assignments of a clause: one statement for all of them."""
    if not in_charge:
        return
    statement = (
        update(Assignment.__table__)  # type: ignore[arg-type]
        .where(which, Assignment.unit_id == bindparam("of_unit"))
        .values(in_charge_id=bindparam("named"))
    )
    rows = [{"of_unit": unit_id, "named": person_id} for unit_id, person_id in in_charge.items()]
    db.session.connection().execute(statement, rows)


def write_targets(which: ColumnElement[bool], allocation_id: int, *, fresh: int | None = None) -> list[int]:
    """Gives the assignments of a clause the targets of that version, and takes away those of former ones, in four
    statements; the ids of those that had another one, or none, before. `fresh`: a batch that was made a moment ago,
    whose units are told of it anyway."""
    given: Select[Any] = (
        select(Assignment.id.label("assignment_id"), Share.metric_id, Share.value, Share.allocation_id)
        .join(Share, Share.unit_id == Assignment.unit_id)
        .where(Share.allocation_id == allocation_id, which)
    )
    moved = (
        given.outerjoin(Target, and_(Target.assignment_id == Assignment.id, Target.metric_id == Share.metric_id))
        .where(Target.value.is_distinct_from(Share.value), Assignment.batch_id != (fresh or 0))
        .with_only_columns(Assignment.id)
        .distinct()
    )
    former = and_(
        Target.assignment_id.in_(select(Assignment.id).where(which)), Target.allocation_id.is_not(None),
        Target.allocation_id != allocation_id,
    )  # fmt: skip
    dropped = select(Target.assignment_id).where(former, ~_given(allocation_id))
    both = union(moved, dropped).subquery()
    ids = list(db.session.execute(select(both.c[0]).order_by(both.c[0])).scalars())
    if ids:
        look_again(Assignment.id.in_(listed(ids)))
    statement = insert_or(Target).from_select(["assignment_id", "metric_id", "value", "allocation_id"], given)
    # Whoever splits anew has seen what was granted, and gives it again or decides otherwise.
    news = {"value": statement.excluded.value, "allocation_id": statement.excluded.allocation_id, "request_id": None}
    keys = [Target.assignment_id, Target.metric_id]
    db.session.execute(statement.on_conflict_do_update(index_elements=keys, set_=news))
    db.session.execute(delete(Target).where(former), execution_options={"synchronize_session": False})
    return ids


def _given(allocation_id: int) -> ColumnElement[bool]:
    """Over Target: that version has a share for its unit."""
    share, of = Share.__table__.alias(), Assignment.__table__.alias()
    found = select(share.c.unit_id).join(of, of.c.unit_id == share.c.unit_id)
    return found.where(
        share.c.allocation_id == allocation_id, share.c.metric_id == Target.metric_id, of.c.id == Target.assignment_id
    ).exists()


def tell_moved(assignment_ids: Collection[int], *, event_id: int, tag: str, now: datetime) -> None:
    """One notice to each officer of these assignments, those who stand in for them, and the persons in charge; once
    for an event, whatever the number of their assignments."""
    if assignment_ids:
        _tell(_theirs(literal(event_id)).where(Assignment.id.in_(listed(assignment_ids))), tag=tag, now=now)


def tell_each(event_ids: Collection[int], *, tag: str, now: datetime) -> None:
    """The same people, of events that are about one assignment each: of each of these by a notice of its own."""
    if event_ids:
        theirs = _theirs(Event.id).join(Event, Event.subject_id == Assignment.id)
        _tell(theirs.where(Event.id.in_(listed(event_ids))), tag=tag, now=now)


def _theirs(event_id: Any) -> Select[Any]:
    return select(Assignment.id, Assignment.unit_id, Assignment.in_charge_id, event_id.label("event_id"))


def _tell(moved: Select[Any], *, tag: str, now: datetime) -> None:
    today, at, which = local_today(now), literal(now, Instant), moved.subquery()
    officers = and_(Post.unit_id == which.c.unit_id, Post.role == Role.OFFICER)

    def told(person: Any) -> Select[Any]:
        return (
            select(
                literal(tag).label("tag"), which.c.event_id, type_coerce(person, Assignment.id.type).label("person_id"),
                func.min(which.c.id).label("assignment_id"), at.label("created_at"),
                literal(is_urgent(tag)).label("urgent"),
            )
            .select_from(which)
            .group_by(which.c.event_id, person)
        )  # fmt: skip

    everybody = union(
        told(Post.person_id).join(Post, and_(officers, holds_on(today))),
        told(Delegation.delegate_id).join(Post, officers).join(Delegation, stands_in_on(today)),
        told(which.c.in_charge_id).where(which.c.in_charge_id.is_not(None)),
    ).subquery()
    db.session.execute(insert_new(Notice).from_select(NOTICE, select(everybody).where(true())))


def digest_of(shares: Shares) -> str:
    """SHA-256 over 'unit:metric:figure' of all shares, in their order, comma-joined; a unit without a figure stands
    alone. The set that the one event stands for."""
    said = [
        f"{unit_id}:{metric_id}:{format(value.normalize(), 'f')}"
        for unit_id, values in sorted(shares.items())
        for metric_id, value in sorted(values.items())
    ]
    bare = [str(unit_id) for unit_id, values in sorted(shares.items()) if not values]
    return hashlib.sha256(",".join(said + bare).encode()).hexdigest()


def latest_of_task(task_id: int) -> int | None:
    """The issuer's own split of a task in force; None where there is none."""
    found = select(Allocation.id).where(Allocation.task_id == task_id, Allocation.parent_id.is_(None))
    row = db.session.execute(found.order_by(Allocation.version.desc()).limit(1)).first()
    return None if row is None else int(row.id)
