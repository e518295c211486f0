"""How states stood over time, from the record that the clock keeps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Subquery,
    and_,
    func,
    literal,
    select,
    true,
    type_coerce,
    union_all,
)

from ..clock import local_today, zone
from ..db import MICROSECOND, db
from ..models import FigureCount, StateCount, Task
from ..rules.figures import Standing
from ..rules.organisation import Line
from ..rules.states import State
from .rollup_facts import NONE, Sums


@dataclass(frozen=True)
class Point:
    """How many assignments stood in each state at a slot."""

    slot: datetime
    states: dict[State, int]


def trend(
    tasks: Sequence[int],
    area_id: int,
    lines: Sequence[Line] | None,
    *,
    since: datetime,
    until: datetime,
    daily: bool = False,
) -> list[Point]:
    """One point for each recorded slot from `since` to `until`, all tasks and lines together; one statement. `daily`:
    of each day only its last record is read, so that three months of a nation cost no more than its days.

    A key that was not recorded at a slot stood as it was last recorded; that is carried over, also from before `since`.
    """
    if not tasks or (lines is not None and not lines):
        return []
    chosen = list(Line) if lines is None else list(lines)
    columns = (StateCount.task_id, StateCount.line, StateCount.slot, StateCount.state, StateCount.n)
    last = _last_before(tasks, area_id, chosen, since)
    standing = select(*columns).join(
        last,
        and_(
            StateCount.task_id == last.c.task_id,
            StateCount.area_id == area_id,
            StateCount.line == last.c.line,
            StateCount.slot == last.c.slot,
        ),
    )
    # All columns of the key are named, so that each task and line is one short stretch of the index.
    asked = (
        StateCount.task_id.in_(tasks),
        StateCount.area_id == area_id,
        StateCount.line.in_(chosen),
        StateCount.slot > since,
        StateCount.slot <= until,
    )
    later = select(*columns).where(*asked)
    if daily:
        ends = _last_of_days((StateCount.task_id, StateCount.line), StateCount.slot, asked, until)
        same = (StateCount.task_id == ends.c.task_id, StateCount.line == ends.c.line, StateCount.slot == ends.c.slot)
        later = select(*columns).join(ends, and_(*same)).where(StateCount.area_id == area_id)
    query = union_all(standing, later)
    changes: dict[datetime, dict[tuple[int, Line], dict[State, int]]] = {}
    for row in db.session.execute(query):
        key = (row.task_id, row.line)
        changes.setdefault(row.slot, {}).setdefault(key, {})[row.state] = row.n
    return _points(changes, since, daily=daily)


def _last_of_days(key: Sequence[Any], slot: Any, asked: Sequence[ColumnElement[bool]], until: datetime) -> Subquery:
    """For each key the last slot of each day of the organisation's time zone."""
    ahead = until.astimezone(ZoneInfo(zone())).utcoffset() or timedelta()
    day = (type_coerce(slot, BigInteger) + ahead // MICROSECOND) // (timedelta(days=1) // MICROSECOND)
    return select(*key, func.max(slot).label("slot")).where(*asked).group_by(*key, day).subquery()


def _last_before(tasks: Sequence[int], area_id: int, lines: Sequence[Line], since: datetime) -> Subquery:
    """For each task and line the last slot up to `since`."""
    each = union_all(*(select(literal(line, StateCount.line.type).label("line")) for line in lines)).subquery()
    slot = (
        select(func.max(StateCount.slot))
        .where(
            StateCount.task_id == Task.id,
            StateCount.area_id == area_id,
            StateCount.line == each.c.line,
            StateCount.slot <= since,
        )
        .correlate(Task, each)
        .scalar_subquery()
    )
    return (
        select(Task.id.label("task_id"), each.c.line, slot.label("slot"))
        .join(each, true())
        .where(Task.id.in_(tasks))
        .subquery()
    )


def _ends_of_days(slots: Iterable[datetime]) -> set[datetime]:
    """The last of these slots on each day. Where only the last record of a day was read, a key that changed twice is
    missing at the slots before: only here all of them are together."""
    last: dict[date, datetime] = {}
    for slot in slots:
        last[local_today(slot)] = max(slot, last.get(local_today(slot), slot))
    return set(last.values())


def _points(
    changes: dict[datetime, dict[tuple[int, Line], dict[State, int]]], since: datetime, *, daily: bool
) -> list[Point]:
    standing: dict[tuple[int, Line], dict[State, int]] = {}
    points: list[Point] = []
    ends = _ends_of_days(slot for slot in changes if slot > since)
    for slot in sorted(changes):
        standing |= changes[slot]
        if daily and slot > since and slot not in ends:
            continue
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


@dataclass(frozen=True)
class FigurePoint:
    """How a figure stood at a recorded slot, by standing; sums as they add up, rates in both parts."""

    slot: datetime
    sums: dict[Standing, Sums]


def figure_trend(
    metric_id: int,
    area_id: int,
    lines: Sequence[Line] | None,
    *,
    sums_periods: bool,
    since: datetime,
    until: datetime,
) -> list[FigurePoint]:
    """One point for the last record of each day from `since` to `until`, all lines together; one statement. What was
    not recorded on a day stood as it was last recorded. `sums_periods`: all turns of a recurring task together; else
    the latest that had begun."""
    if lines is not None and not lines:
        return []
    columns = (
        FigureCount.slot, FigureCount.line, FigureCount.period, FigureCount.standing, FigureCount.n, FigureCount.met,
        FigureCount.number, FigureCount.numerator, FigureCount.denominator, FigureCount.credited,
    )  # fmt: skip
    asked = (
        FigureCount.metric_id == metric_id, FigureCount.area_id == area_id, FigureCount.slot <= until,
        FigureCount.line.in_(list(Line) if lines is None else list(lines)),
    )  # fmt: skip
    ends = _last_of_days((FigureCount.line, FigureCount.period), FigureCount.slot, asked, until)
    same = (
        FigureCount.line == ends.c.line, FigureCount.period == ends.c.period, FigureCount.slot == ends.c.slot,
    )  # fmt: skip
    query = select(*columns).join(ends, and_(*same)).where(*asked)
    alone = lines is not None and len(lines) == 1
    standing: dict[tuple[int, Line], dict[Standing, Sums]] = {}
    slots: dict[datetime, dict[tuple[int, Line], dict[Standing, Sums]]] = {}
    for row in db.session.execute(query.order_by(FigureCount.slot)):
        sums = Sums(row.n, row.met, row.number, row.numerator, row.denominator, row.credited if alone else NONE)
        slots.setdefault(row.slot, {}).setdefault((row.period, row.line), {})[row.standing] = sums
    points: list[FigurePoint] = []
    closing = _ends_of_days(slots)
    for slot, changed in slots.items():
        standing |= changed
        if slot not in closing:
            continue
        last = max(period for period, _line in standing)
        total: dict[Standing, Sums] = {}
        for (period, _line), each in standing.items():
            if sums_periods or period == last:
                for key, sums in each.items():
                    total[key] = total.get(key, Sums()) + sums
        points.append(FigurePoint(slot, total))
    earlier = [point for point in points if point.slot <= since]
    return earlier[-1:] + [point for point in points if point.slot > since]
