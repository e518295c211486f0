"""The clock of one assignment stands still while something is asked above, and goes on with the days given back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update

from ..clock import local_today, zone
from ..db import db, listed
from ..errors import Refused, Stale, say
from ..models import Assignment, Campaign, Request, Suspension, Task, Unit
from ..models.facts import Standing
from ..models.ladders import calendar_for, calendars
from ..models.requesting import led_on
from ..notify.outbox import tell_posts
from ..rules.calendars import Calendar, DayKind, Roll
from ..rules.organisation import Role
from ..rules.requests import Decision
from ..rules.standstill import Shifted, days_given_back, shifted
from ..rules.states import OPEN, WITH_OFFICER, State
from .move import FASTER, count, counted
from .timers import arm, disarm

PENDING_ALREADY = say("You already wait for an answer from above. Wait for it, or take back what you asked.")


def stop(facts: Standing, *, now: datetime, question_id: int | None = None) -> None:
    """Stops the clock: one stretch at a time. Refused where it stands still already, or somebody moved it just now."""
    stopped = db.session.execute(
        update(Assignment)
        .where(Assignment.id == facts.id, Assignment.suspended_at.is_(None), Assignment.state == facts.state)
        .values(suspended_at=now)
        .returning(Assignment.id)
        .execution_options(synchronize_session=False)
    ).first()
    if stopped is None:
        raise Refused(PENDING_ALREADY)
    disarm(facts.id)
    still = {"assignment_id": facts.id, "question_id": question_id, "began_at": now}
    db.session.execute(insert(Suspension).values(still))


def given_back(facts: Standing, asked_at: datetime, *, now: datetime, most: int | None = None) -> Shifted:
    """The dates of the assignment with the days of its waiting given back, at most so many; as they are when it is in
    other hands."""
    kind, roll, calendar = counting(facts)
    days = 0
    if facts.state in (*WITH_OFFICER, State.DISPUTED):
        days = days_given_back(asked_at, now, calendar, kind, zone())
    return shifted(facts, asked_at, days if most is None else min(days, most), calendar, kind, roll, zone())


def counting(facts: Standing) -> tuple[DayKind, Roll, Calendar]:
    """What the days of its task count, and the calendar of the issuing unit."""
    task = db.session.execute(
        select(Task.days, Task.roll, Campaign.issuing_unit_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .where(Task.id == facts.task_id)
    ).one()
    calendar_id = calendar_for(task.issuing_unit_id)
    return task.days, task.roll, calendars([calendar_id])[calendar_id]


def go_on(facts: Standing, given: Shifted, *, now: datetime) -> None:
    """Ends the stretch: the new dates, the roll-up's delta, the next rung. Stale when somebody moved a date in the same
    instant."""
    values: dict[str, Any] = {"suspended_at": None}
    old = facts.respond_by, facts.due_at, facts.cut_off_at, facts.behind_at
    moves = old != (given.respond_by, given.due_at, given.cut_off_at, given.behind_at)
    if moves:
        values |= {"respond_by": given.respond_by, "due_at": given.due_at, "cut_off_at": given.cut_off_at}
        values |= {"behind_at": given.behind_at, "own_dates": True}
        if given.due_at != facts.due_at:
            values |= {"first_due_at": func.coalesce(Assignment.first_due_at, Assignment.due_at)}
    due = Assignment.due_at.is_(None) if facts.due_at is None else Assignment.due_at == facts.due_at
    behind = Assignment.behind_at.is_(None) if facts.behind_at is None else Assignment.behind_at == facts.behind_at
    changed = db.session.execute(
        update(Assignment)
        .where(Assignment.id == facts.id, due, behind)
        .values(values)
        .returning(Assignment.id)
        .execution_options(synchronize_session=False)
    ).first()
    if changed is None:
        raise Stale(FASTER)
    _end(facts.id, given.days, now)
    if moves:
        count(facts, counted(facts.due_at, facts.behind_at), facts.state, counted(given.due_at, given.behind_at))
    if facts.state in OPEN:
        arm(facts.id, now=now, after=given.decided_until)


def let_go(assignment_id: int, *, now: datetime) -> None:
    """The assignment was closed: its clock stands still no longer, no day is given back, and what was requested waits
    no more."""
    stood_still = db.session.execute(
        update(Assignment)
        .where(Assignment.id == assignment_id, Assignment.suspended_at.is_not(None))
        .values(suspended_at=None)
        .returning(Assignment.id)
        .execution_options(synchronize_session=False)
    ).first()
    if stood_still is None:
        return
    _end(assignment_id, 0, now)
    db.session.execute(
        update(Request)
        .where(Request.assignment_id == assignment_id, Request.decision == Decision.PENDING)
        .values(decision=Decision.WITHDRAWN, decided_at=now)
        .execution_options(synchronize_session=False)
    )


def _end(assignment_id: int, days: int, now: datetime) -> None:
    db.session.execute(
        update(Suspension)
        .where(Suspension.assignment_id == assignment_id, Suspension.ended_at.is_(None))
        .values(ended_at=now, days=days)
        .execution_options(synchronize_session=False)
    )


def held_first(units: Sequence[int], *, now: datetime) -> int | None:
    """The first of these units where somebody can answer today; the first of all when there is none."""
    there = Unit.id.in_(listed(units)), led_on(Unit.id, local_today(now))
    held = set(db.session.execute(select(Unit.id).where(*there)).scalars())
    return next((unit for unit in units if unit in held), units[0] if units else None)


def tell(unit_id: int, roles: Sequence[Role], event_id: int, tag: str, assignment_id: int, *, now: datetime) -> None:
    """A notice to whoever holds one of these roles in the unit."""
    for role in roles:
        tell_posts(unit_id, role, event_id=event_id, tag=tag, assignment_id=assignment_id, now=now)
