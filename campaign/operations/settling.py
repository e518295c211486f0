"""Bringing the moments from which assignments lag behind to what they are now asked for: their targets were given or
changed, by a split, a register, a decision; or their dates were moved for many at once."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, insert, or_, select, update

from ..db import db, insert_new, listed, micros
from ..models import Assignment, TallyDelta, Timer
from ..models.courses import course_of, courses
from ..models.reaches import has_something, reaches
from ..models.timing import timings_of
from ..rules.ladder import decide
from ..rules.states import OPEN

_ROWS: Any = Assignment.__table__
_SETTLE = update(_ROWS).where(_ROWS.c.id == bindparam("settled")).values(behind_at=bindparam("behind"))
CHUNK = 5_000


def settle(which: ColumnElement[bool], *, now: datetime) -> int:
    """Looks at the open assignments of a clause over Assignment once more; how many lag behind from another moment.

    The rows are held first: who reports in the same instant comes before this, or reports against the new target. A
    fixed number of statements for each five thousand.
    """
    held = select(Assignment.id).where(which, Assignment.state.in_(OPEN)).order_by(Assignment.id)
    ids = list(db.session.execute(held.with_for_update(key_share=True)).scalars())
    return sum(_settle(ids[at : at + CHUNK], now) for at in range(0, len(ids), CHUNK))


def with_wholes(ids: Collection[int]) -> ColumnElement[bool]:
    """A clause over Assignment: these, and what they came out of: what is left to that is another figure, too."""
    wholes = select(Assignment.parent_id).where(Assignment.id.in_(listed(ids)), Assignment.parent_id.is_not(None))
    return Assignment.id.in_(listed(ids).union(wholes))


def off() -> ColumnElement[bool]:
    """A clause over Assignment: it has a moment though nothing is asked of it that could grow, or perhaps the other way
    round."""
    stands = Assignment.behind_at.is_not(None)
    return or_(and_(stands, ~has_something()), and_(~stands, Assignment.due_at.is_not(None), has_something()))


def _settle(ids: Collection[int], now: datetime) -> int:
    columns = Assignment.task_id, Assignment.unit_id
    rows = db.session.execute(courses().add_columns(*columns).where(Assignment.id.in_(listed(ids)))).all()
    figures = reaches(ids)
    moved: list[dict[str, Any]] = []
    deltas: list[dict[str, Any]] = []
    for row in rows:
        course = course_of(row)
        behind = course.expected(figures.get(course.id, ()))
        if behind == course.behind_at:
            continue
        moved.append({"settled": course.id, "behind": behind})
        due, was, to = (0 if at is None else micros(at) for at in (course.due_at, course.behind_at, behind))
        deltas.append({
            "task_id": row.task_id, "unit_id": row.unit_id, "from_state": course.state, "from_due": due,
            "from_behind": was, "to_state": course.state, "to_due": due, "to_behind": to,
        })  # fmt: skip
    if moved:
        db.session.connection().execute(_SETTLE, moved)
        db.session.execute(insert(TallyDelta.__table__), deltas)  # type: ignore[arg-type]
        _arm([change["settled"] for change in moved if change["behind"] is not None], now)
    return len(moved)


def _arm(ids: Collection[int], now: datetime) -> None:
    """The next rung of each by its new moment. Timers of the old one stay: they find nothing to say."""
    if not ids:
        return
    timings = timings_of(ids)
    rows: list[dict[str, Any]] = []
    for row in timings.rows:
        timing = timings.of(row)
        step = None if timing.suspended_at is not None else _next(timing, now)
        if step is not None:
            rows.append({
                "sweep": step.rung.sweep, "fires_at": max(step.when, timing.not_before or step.when),
                "assignment_id": row.id, "rung": step.rung.number, "after": now,
            })  # fmt: skip
    if rows:
        db.session.execute(insert_new(Timer.__table__), rows)


def _next(timing: Any, now: datetime) -> Any:
    return decide(timing.steps, timing.state, timing.behind_at, now, now).next
