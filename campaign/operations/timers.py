"""Arming the clock: which rung of the ladder comes next for an assignment."""

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Table,
    and_,
    bindparam,
    delete,
    false,
    func,
    insert,
    literal,
    not_,
    select,
    update,
)

from ..clock import zone
from ..db import Instant, db, insert_new, listed, run
from ..models import Assignment, Campaign, Task, Timer
from ..models.ladders import calendar_for, calendars
from ..models.timing import timing_of
from ..rules.calendars import DayKind
from ..rules.dates import review_due
from ..rules.ladder import Step, Sweep, decide
from ..rules.states import State

TIMER = ["sweep", "fires_at", "assignment_id", "rung", "after"]
_A: Any = Assignment.__table__.c
# What was dispatched in this transaction has no timer yet: nothing can conflict, and not to look for it halves the
# time that PostgreSQL takes.
_ARM_BATCH = insert(Timer.__table__).from_select(  # type: ignore[arg-type]
    TIMER,
    select(
        bindparam("sweep", type_=Integer),
        bindparam("when", type_=Instant),
        _A.id,
        bindparam("rung", type_=Integer),
        bindparam("after", type_=Instant),
    ).where(_A.batch_id == bindparam("batch")),
)
# Written once: every decision asks and arms.
_TIMERS: Table = Timer.__table__  # type: ignore[assignment]
_ARM = insert_new(_TIMERS)
_TASK, _CAMPAIGN = Task.__table__.c, Campaign.__table__.c
_REVIEW_DAYS = (
    select(_TASK.review_days, _TASK.days, _CAMPAIGN.issuing_unit_id)
    .join_from(Task.__table__, Campaign.__table__, _CAMPAIGN.id == _TASK.campaign_id)
    .where(_TASK.id == bindparam("task"))
)


def arm(assignment_id: int, *, now: datetime, after: datetime, not_before: datetime | None = None) -> None:
    """Arms the next rung of an assignment as it stands now, to fire not before that instant; nothing when none is left.

    `after`: up to then everything has been decided. Of the rungs that passed since, while the work lay elsewhere, the
    latest will speak when the timer comes; the others are overtaken.
    """
    timing = timing_of(assignment_id)
    if timing is None or timing.suspended_at is not None:
        return
    decision = decide(timing.steps, timing.state, timing.behind_at, after, now)
    step = decision.speak[0] if decision.speak else decision.next
    if step is None:
        return
    when = max(step.when, not_before or step.when, now if decision.speak else step.when)
    row = {
        "sweep": step.rung.sweep,
        "fires_at": when,
        "assignment_id": assignment_id,
        "rung": step.rung.number,
        "after": after,
    }
    run(_ARM, row)


def disarm(assignment_id: int) -> None:
    """Takes away what was armed on the present dates of one assignment: a timer left over would speak of what was
    decided before."""
    timing = timing_of(assignment_id)
    if timing is not None and timing.steps:
        times = {step.when for step in timing.steps} | ({timing.not_before} if timing.not_before else set())
        old = Timer.sweep.in_(list(Sweep)), Timer.fires_at.in_(sorted(times)), Timer.assignment_id == assignment_id
        db.session.execute(delete(Timer).where(*old).execution_options(synchronize_session=False))


def count_as_decided(which: ColumnElement[bool], *, now: datetime) -> None:
    """Lets the timers that are still to come say nothing of what lies before this instant, for every assignment of a
    clause over Assignment. Those that are due keep what they have to say, and so does a clock that a return silences.
    """
    silenced = and_(Assignment.state == State.RETURNED, Assignment.not_before > now)
    theirs = select(Assignment.id).where(which, not_(func.coalesce(silenced, false())))
    db.session.execute(
        update(Timer)
        .where(Timer.fires_at > now, Timer.after < now, Timer.assignment_id.in_(theirs))
        .values(after=now)
        .execution_options(synchronize_session=False)
    )


def arm_all(which: ColumnElement[bool], step: Step, *, when: datetime, after: datetime) -> None:
    """The same timer for every assignment of a clause over Assignment, in one statement."""
    rows = select(
        literal(int(step.rung.sweep)),
        literal(when, Instant),
        Assignment.id,
        literal(step.rung.number),
        literal(after, Instant),
    ).where(which)
    db.session.execute(insert_new(Timer).from_select(TIMER, rows))


def arm_batch(batch_id: int, step: Step, *, when: datetime, after: datetime) -> None:
    """The same timer for every assignment of a batch that has just come into being."""
    values = {"sweep": int(step.rung.sweep), "when": when, "rung": step.rung.number, "after": after}
    run(_ARM_BATCH, values | {"batch": batch_id})


def review_due_at(task_id: int, *, now: datetime) -> datetime:
    """Until when a level should decide on what comes to it now, by the task's days and the issuing unit's calendar."""
    task = run(_REVIEW_DAYS, {"task": task_id}).first()
    calendar_id = calendar_for(task.issuing_unit_id)
    kind = DayKind.WORKING if task.review_days is None else task.days
    return review_due(now, zone(), calendars([calendar_id])[calendar_id], task.review_days, kind)


def review_dues(task_ids: Collection[int], *, now: datetime) -> dict[int, datetime]:
    """The same for many tasks, by task; a few statements for each issuing unit among them."""
    rows = db.session.execute(
        select(Task.id, Task.review_days, Task.days, Campaign.issuing_unit_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .where(Task.id.in_(listed(task_ids)))
    ).all()
    known = {unit: calendar_for(unit) for unit in {row.issuing_unit_id for row in rows}}
    found = calendars(set(known.values()))

    @cache
    def due(days: int | None, kind: DayKind, unit: int) -> datetime:
        return review_due(now, zone(), found[known[unit]], days, DayKind.WORKING if days is None else kind)

    return {row.id: due(row.review_days, row.days, row.issuing_unit_id) for row in rows}
