"""How states stood over time, from the record that the clock keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, literal, select
from sqlalchemy.orm import aliased

from ..db import EPOCH, Instant, db
from ..models import StateCount
from ..rules.organisation import Line
from ..rules.states import State


@dataclass(frozen=True)
class Point:
    """How many assignments stood in each state at a slot."""

    slot: datetime
    states: dict[State, int]


def trend(
    tasks: Sequence[int], area_id: int, lines: Sequence[Line] | None, *, since: datetime, until: datetime
) -> list[Point]:
    """One point for each recorded slot from `since` to `until`, all tasks and lines together; one statement.

    A key that was not recorded at a slot stood as it was last recorded; that is carried over, also from before `since`.
    """
    if not tasks:
        return []
    older = aliased(StateCount)
    before = (
        select(func.max(older.slot))
        .where(
            older.task_id == StateCount.task_id, older.area_id == StateCount.area_id, older.line == StateCount.line,
            older.slot <= since,
        )
        .correlate(StateCount)
        .scalar_subquery()
    )  # fmt: skip
    query = (
        select(StateCount.task_id, StateCount.line, StateCount.slot, StateCount.state, StateCount.n)
        .where(
            StateCount.task_id.in_(tasks),
            StateCount.area_id == area_id,
            and_(StateCount.slot >= func.coalesce(before, literal(EPOCH, Instant())), StateCount.slot <= until),
        )
        .order_by(StateCount.slot)
    )
    if lines is not None:
        query = query.where(StateCount.line.in_(lines))
    changes: dict[datetime, dict[tuple[int, Line], dict[State, int]]] = {}
    for row in db.session.execute(query):
        key = (row.task_id, row.line)
        changes.setdefault(row.slot, {}).setdefault(key, {})[row.state] = row.n
    return _points(changes, since)


def _points(changes: dict[datetime, dict[tuple[int, Line], dict[State, int]]], since: datetime) -> list[Point]:
    standing: dict[tuple[int, Line], dict[State, int]] = {}
    points: list[Point] = []
    for slot in sorted(changes):
        standing |= changes[slot]
        total: dict[State, int] = {}
        for states in standing.values():
            for state, n in states.items():
                total[state] = total.get(state, 0) + n
        point = Point(slot, total)
        if slot <= since:
            points = [point]
        else:
            points.append(point)
    return points
