"""What was handed down follows the date of the whole: it is never due later."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, and_, case, func, literal, select, type_coerce, update
from sqlalchemy.orm import aliased

from ..clock import zone
from ..db import Instant, db, listed, micros
from ..models import Assignment
from ..models.outlook import outlook_of
from ..rules.ladder import Anchors, first_step, plan
from ..rules.states import OPEN, WITH_OFFICER
from .folding import rebuild_tasks
from .settling import settle
from .timers import arm_all


def bound_of(assignment_id: int) -> datetime | None:
    """Until when the assignment may be due at the latest: the date of the one it came out of, None for no bound."""
    whole = aliased(Assignment)
    found = (
        select(whole.due_at).join(Assignment, Assignment.parent_id == whole.id).where(Assignment.id == assignment_id)
    )
    return db.session.execute(found.where(whole.state.in_(OPEN))).scalar_one_or_none()


def pull_below(assignment_id: int, task_id: int, due_at: datetime | None, *, now: datetime) -> list[int]:
    """Everything open that came out of an assignment, at any depth, and is due later than that instant, is due then;
    the cut-off goes along by as much. Their ids; a fixed number of statements, timers and tallies included.

    What is due earlier stays as it is, also when the whole is given more time: whoever split it decides on that.
    """
    ids = _later(assignment_id, due_at) if due_at is not None else []
    if not ids or due_at is None:
        return []
    columns: Any = Assignment.__table__.c
    which, due = columns.id.in_(listed(ids)), literal(due_at, Instant)
    earlier = type_coerce(columns.due_at, BigInteger) - micros(due_at)
    db.session.execute(
        update(Assignment)
        .where(which)
        .values(
            first_due_at=func.coalesce(columns.first_due_at, columns.due_at),
            due_at=due,
            cut_off_at=type_coerce(type_coerce(columns.cut_off_at, BigInteger) - earlier, Instant),
            respond_by=case((columns.respond_by > due, due), else_=columns.respond_by),
            behind_at=case((columns.behind_at < due, columns.behind_at)),
            own_dates=True,
        )
        .execution_options(synchronize_session=False)
    )
    rebuild_tasks([task_id], now=now)
    settle(Assignment.id.in_(listed(ids)), now=now)
    outlook = outlook_of(task_id, now=now)
    first = first_step(plan(outlook.ladder, outlook.grade, Anchors(None, due_at), outlook.calendar, zone()), now)
    if first is not None:
        after, step = first
        working = and_(Assignment.id.in_(listed(ids)), Assignment.state.in_(WITH_OFFICER))
        arm_all(working, step, when=max(step.when, now), after=after)
    return ids


def _later(assignment_id: int, due_at: datetime | None) -> list[int]:
    below = select(Assignment.id).where(Assignment.parent_id == assignment_id).cte("below", recursive=True)
    child = aliased(Assignment)
    below = below.union_all(select(child.id).join(below, child.parent_id == below.c.id))
    found = select(Assignment.id).where(
        Assignment.id.in_(select(below.c.id)), Assignment.state.in_(OPEN), Assignment.due_at > due_at
    )
    return list(db.session.execute(found.order_by(Assignment.id)).scalars())
