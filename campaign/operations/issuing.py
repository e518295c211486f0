"""The dispatcher's verbs: issue a campaign, dispatch its tasks, reopen and cancel assignments."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Integer,
    Select,
    String,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.sql.elements import ColumnElement

from ..clock import local_today
from ..db import Instant, db, insert_new, run
from ..errors import Forbidden, NotFound, Refused, Stale, say
from ..models import Area, Assignment, Batch, Campaign, CampaignUnit, Metric, Occasion, Task, TaskLine, TaskUnit, Unit
from ..models.outlook import Outlook, outlook_of
from ..models.quotas import has_quotas
from ..notify.outbox import tell_batch
from ..rules.ladder import first_step
from ..rules.organisation import Actor, Line, Role
from ..rules.periods import Turn
from ..rules.plans import CampaignStatus
from ..rules.states import Action, State
from .calendar_moves import hold_calendars
from .cascade_writing import latest_of_task, write_targets
from .giving import follow_again, part_returned
from .log import record
from .move import FASTER, allowed, move, standing_of
from .quotas import write_quotas
from .relative_targets import resolve_targets
from .repeating import once
from .settling import off, settle
from .standing_still import let_go
from .timers import arm, arm_batch
from .vague import hold_vague

Progress = Callable[[str, int, int], None]
DISPATCH_STEPS = 4
ONCE = Turn(0, date.min)  # a task that does not recur

# Written once: putting a statement together costs more than running most of them.
_A, _C, _T, _U = (noun.__table__.c for noun in (Assignment, Campaign, Task, Unit))
_B: Any = Batch.__table__
_PARTNERS = select(func.aggregate_strings(cast(CampaignUnit.unit_id, String), ",")).where(
    CampaignUnit.campaign_id == _C.id
)
_CAMPAIGN = select(_C.issuing_unit_id, _C.status, _PARTNERS.scalar_subquery().label("partners")).where(
    _C.id == bindparam("campaign")
)
_TASK = select(_T.campaign_id, _T.rrule).where(_T.id == bindparam("task"))
_HOLD_TASK = select(_T.id).where(_T.id == bindparam("task")).with_for_update(read=True)
_HOLD_OCCASION = (
    select(Occasion.__table__.c.id)
    .where(Occasion.__table__.c.id.in_(select(_T.occasion_id).where(_T.id == bindparam("task"))))
    .with_for_update(read=True)
)
_LINES = select(func.aggregate_strings(cast(type_coerce(TaskLine.line, Integer), String), ",")).where(
    TaskLine.task_id == _T.id
)
_RECEIVING = (
    select(
        _T.receiving_level, Area.__table__.c.lft, Area.__table__.c.rgt, _LINES.scalar_subquery().label("lines"),
        exists().where(TaskUnit.task_id == _T.id).label("named"),
    )
    .select_from(Task.__table__)
    .join(Campaign.__table__, _C.id == _T.campaign_id)
    .join(Unit.__table__, _U.id == _C.issuing_unit_id)
    .join(Area.__table__, Area.__table__.c.id == _U.area_id)
    .where(_T.id == bindparam("task"))
)  # fmt: skip
_BATCH = insert(_B).returning(_B.c.id)
_NO_BATCH = delete(_B).where(_B.c.id == bindparam("batch"))
_BATCH_HAS = update(_B).where(_B.c.id == bindparam("batch"))
_UNITS = select(_A.unit_id).where(_A.batch_id == bindparam("batch")).order_by(_A.unit_id).subquery()
_BATCH_UNITS = select(func.aggregate_strings(cast(_UNITS.c.unit_id, String), ","))


@dataclass(frozen=True)
class Dispatched:
    """What a dispatch added: none when every unit had its assignment already."""

    batch_id: int | None
    items: int


def issue(campaign_id: int, *, actor: Actor, now: datetime, seen: int, client_action_id: str | None = None) -> None:
    """Makes a draft binding: it can no longer be edited, and its tasks may be dispatched."""
    if once(client_action_id, actor=actor, subject=f"issue:{campaign_id}", content={}, now=now) is not None:
        return
    post_id, status = acting_for(campaign_id, actor=actor)
    if status is not CampaignStatus.DRAFT:
        raise Refused(say("This campaign has been issued already."))
    tasks = db.session.execute(select(func.count()).select_from(Task).where(Task.campaign_id == campaign_id)).scalar()
    if not tasks:
        raise Refused(say("A campaign without a task cannot be issued. Please add one."))
    resolve_targets(campaign_id)
    hold_vague(campaign_id)
    changed = db.session.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.version == seen, Campaign.status == CampaignStatus.DRAFT)
        .values(status=CampaignStatus.ISSUED, issued_at=now, version=seen + 1)
        .execution_options(synchronize_session=False)
        .returning(Campaign.id)
    ).first()
    if changed is None:
        raise Stale(FASTER)
    record(
        tag="campaign:issuer:issue",
        subject="campaign",
        subject_id=campaign_id,
        actor=actor,
        post_id=post_id,
        now=now,
        data={"tasks": tasks},
    )


def receivers(task_id: int) -> ColumnElement[bool]:
    """The units that the task is for, as a clause over Unit: those named, or those of its lines at its level below
    the issuing unit, its own area included. A unit that is no longer valid receives nothing."""
    asked = _asked(_RECEIVING, {"task": task_id})
    if asked.named:
        return Unit.id.in_(select(TaskUnit.unit_id).where(TaskUnit.task_id == task_id))
    lines = [Line(int(line)) for line in (asked.lines or "").split(",") if line]
    return and_(Unit.line.in_(lines), Unit.level == asked.receiving_level, Unit.lft.between(asked.lft, asked.rgt))


def _asked(statement: Select[Any], values: dict[str, Any]) -> Any:
    """The one row of a statement that is written once; None where there is none."""
    db.session.flush()  # what is pending would be missed; almost always nothing is
    return run(statement, values).first()


def dispatch(
    task_id: int, *, actor: Actor, now: datetime, progress: Progress | None = None, turn: Turn | None = None
) -> Dispatched:
    """Creates one assignment per receiving unit that has none yet, in a fixed number of statements.

    All or nothing; again: only what is missing. One event and one notice stand for the batch, with the digest of its
    units. `turn`: the period of a recurring task, as `operations/periods.py` opens it. Forbidden unless the actor
    dispatches for the issuing or a co-issuing unit; Refused before the issue.
    """
    told = progress or (lambda _step, _done, _all: None)
    turn, post_id = _turn(task_id, turn, actor)
    hold_calendars(task_id)
    _hold_occasion(task_id)
    outlook = outlook_of(task_id, now=now, opens_on=turn.opens_on if turn.number else None)
    dates = outlook.dates
    batch = {"task_id": task_id, "dispatched_at": now, "items": 0, "digest": "", "folded": False}
    batch["period"] = turn.number
    batch |= {"respond_by": dates.respond_by, "due_at": dates.due_at, "cut_off_at": dates.cut_off_at}
    batch |= {"behind_at": outlook.behind_at, "ladder_id": outlook.ladder.id, "calendar_id": outlook.calendar.id}
    batch_id: int = run(_BATCH, batch).scalar_one()
    told("assignments", 0, DISPATCH_STEPS)
    items = _assign(task_id, batch_id, outlook, turn, now)
    if not items:
        run(_NO_BATCH, {"batch": batch_id})
        return Dispatched(None, 0)
    _give_targets(task_id, batch_id, outlook, now)
    told("timers", 1, DISPATCH_STEPS)
    _arm_batch(batch_id, outlook, now)
    told("digest", 2, DISPATCH_STEPS)
    digest = batch_digest(batch_id)
    run(_BATCH_HAS, {"batch": batch_id, "items": items, "digest": digest})
    told("log", 3, DISPATCH_STEPS)
    event_id = record(
        tag="assignment:dispatch:issue",
        subject="batch",
        subject_id=batch_id,
        actor=actor,
        post_id=post_id,
        now=now,
        to_state=State.ISSUED,
        data={
            "batch": batch_id,
            "task": task_id,
            "items": items,
            "digest": digest,
            "respond_by": dates.respond_by,
            "due_at": dates.due_at,
        },
    )
    tell_batch(batch_id, event_id=event_id, tag="assignment:dispatch:issue", now=now)
    told("done", DISPATCH_STEPS, DISPATCH_STEPS)
    return Dispatched(batch_id, items)


def _hold_occasion(task_id: int) -> None:
    """Whoever moves the occasion's day in this instant comes before the dispatch or finds its batch."""
    run(_HOLD_OCCASION, {"task": task_id})


def _turn(task_id: int, turn: Turn | None, actor: Actor) -> tuple[Turn, int | None]:
    """Which period is dispatched, and the post in which the actor does it; Refused what is not to be dispatched."""
    task = _asked(_TASK, {"task": task_id})
    if task is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    post_id, status = acting_for(task.campaign_id, actor=actor)
    if status is not CampaignStatus.ISSUED:
        raise Refused(say("Only tasks of an issued campaign can be dispatched."))
    if task.rrule and turn is None:
        raise Refused(say("This task recurs: its periods are opened one by one."))
    return turn or ONCE, post_id


def _assign(task_id: int, batch_id: int, outlook: Outlook, turn: Turn, now: datetime) -> int:
    today, dates = local_today(now), outlook.dates
    columns = {
        "task_id": literal(task_id),
        "unit_id": Unit.id,
        "batch_id": literal(batch_id),
        "period": literal(turn.number),
        "state": literal(int(State.ISSUED)),
        "version": literal(1),
        "respond_by": literal(dates.respond_by, Instant),
        "due_at": literal(dates.due_at, Instant),
        "cut_off_at": literal(dates.cut_off_at, Instant),
        "behind_at": literal(outlook.behind_at, Instant),
        "review_step": literal(0),
    }
    units = (
        select(*columns.values())
        .where(
            receivers(task_id) if turn.unit_id is None else Unit.id == turn.unit_id,
            or_(Unit.valid_from.is_(None), Unit.valid_from <= today),
            or_(Unit.valid_to.is_(None), Unit.valid_to >= today),
        )
        .order_by(Unit.line, Unit.lft)  # as the index has them: sorting half a million rows takes time and memory
    )
    statement = insert_new(Assignment).from_select(list(columns), units)
    added = db.session.execute(statement.execution_options(preserve_rowcount=True))
    return int(added.rowcount)  # type: ignore[attr-defined]


def _give_targets(task_id: int, batch_id: int, outlook: Outlook, now: datetime) -> None:
    """What each unit must reach, where the issuer has split the totals already, or a quota asks so much per person.

    Whoever splits the totals in this instant comes before this, or finds its assignments.
    """
    run(_HOLD_TASK, {"task": task_id})
    here = Assignment.batch_id == batch_id
    allocation_id = latest_of_task(task_id)
    if allocation_id is not None:
        write_targets(here, allocation_id, fresh=batch_id)
    if has_quotas(Metric.task_id == task_id):
        write_quotas(here)
    if outlook.uneven:
        settle(here if outlook.many_ways else and_(here, off()), now=now)


def _arm_batch(batch_id: int, outlook: Outlook, now: datetime) -> None:
    """One timer each, all at the same first rung; reminders already past are left out, escalations are not."""
    first = first_step(outlook.steps, now)
    if first is not None:
        after, step = first
        arm_batch(batch_id, step, when=max(step.when, now), after=after)


def batch_digest(batch_id: int) -> str:
    """SHA-256 over the batch's unit ids, ascending, comma-joined: the set that the one event stands for."""
    joined = run(_BATCH_UNITS, {"batch": batch_id}).scalar_one() or ""
    return hashlib.sha256(joined.encode()).hexdigest()


def reopen(
    assignment_id: int,
    *,
    actor: Actor,
    now: datetime,
    seen: int,
    reason: str,
    client_action_id: str | None = None,
) -> None:
    """Gives an approved assignment back to its officer; what was approved stays in its version."""
    subject, content = f"reopen:{assignment_id}", {"reason": reason}
    if once(client_action_id, actor=actor, subject=subject, content=content, now=now) is not None:
        return
    facts = standing_of(assignment_id, reason)
    step = allowed(Action.REOPEN, facts, actor=actor, seen=seen)
    move(step, actor=actor, now=now)
    follow_again(facts.id, actor=actor, post=step.post, now=now)
    arm(facts.id, now=now, after=facts.submitted_at or now)


def cancel(
    assignment_id: int,
    *,
    actor: Actor,
    now: datetime,
    seen: int,
    reason: str,
    client_action_id: str | None = None,
) -> None:
    """Ends an open assignment without a result."""
    subject, content = f"cancel:{assignment_id}", {"reason": reason}
    if once(client_action_id, actor=actor, subject=subject, content=content, now=now) is not None:
        return
    facts = standing_of(assignment_id, reason)
    move(allowed(Action.CANCEL, facts, actor=actor, seen=seen), actor=actor, now=now)
    if facts.parent_id is not None:
        part_returned(assignment_id, now=now)
    if facts.suspended_at is not None:
        let_go(assignment_id, now=now)


def acting_for(campaign_id: int, *, actor: Actor) -> tuple[int | None, CampaignStatus]:
    """The id of the dispatcher post in which the actor acts for the campaign (None: the system), and its status."""
    row = _asked(_CAMPAIGN, {"campaign": campaign_id})
    if row is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    units = (row.issuing_unit_id, *(int(partner) for partner in (row.partners or "").split(",") if partner))
    post = next((found for unit in units if (found := actor.post_in(unit, Role.DISPATCHER))), None)
    if post is None and not actor.is_system:
        raise Forbidden(say("Only a dispatcher of an issuing unit may do this."))
    return post.id if post else None, CampaignStatus(row.status)
