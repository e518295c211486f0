"""Roll-ups: pending changes are folded into the tallies of every area above, by the clock and not by who works.

A transition leaves one delta row and a dispatch one batch. Folding adds them to the tallies with few statements,
however many there are. Corrections are added too, never set, so that a fold and a rebuild at once lose nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    bindparam,
    case,
    delete,
    false,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
    update,
)

from ..db import Instant, db, insert, listed
from ..models import Area, Assignment, Batch, Tally, TallyDelta, Unit
from ..models.pending import dispatched, left_and_reached, standing
from ..rules.organisation import LEAF_LEVELS, Line
from ..rules.states import OPEN, State

UNSEEN = {"synchronize_session": False}  # no loaded object is looked at
KEY = ("task_id", "area_id", "line", "state", "due", "behind")


@dataclass(frozen=True)
class Difference:
    """A tally that is not as the assignments are: `stored` with everything pending, `counted` from them."""

    task_id: int
    area_id: int
    line: Line
    state: State
    due: int
    behind: int
    stored: int
    counted: int


@dataclass(frozen=True)
class Shift:
    """The open assignments of a task that stand at one pair of dates go to another. In microseconds, 0 for none."""

    task_id: int
    due: int
    behind: int
    to_due: int
    to_behind: int


def fold(*, now: datetime, limit: int = 10_000) -> int:
    """Adds up to `limit` deltas and all dispatched batches to the tallies; how many rows it took in. 0: nothing left.

    What it takes is locked first and then gone, so two folders never take the same row.
    """
    deltas = _claimed(select(TallyDelta.id).order_by(TallyDelta.id).limit(limit).with_for_update(skip_locked=True))
    batches = _claimed(
        select(Batch.id).where(Batch.folded == false()).order_by(Batch.id).with_for_update(skip_locked=True)
    )
    return _fold(deltas, batches, now)


def fold_tasks(task_ids: Collection[int], *, now: datetime) -> int:
    """The same for everything of these tasks, waiting for whoever folds some of it now."""
    of_delta, of_batch = TallyDelta.task_id.in_(listed(task_ids)), Batch.task_id.in_(listed(task_ids))
    deltas = _claimed(select(TallyDelta.id).where(of_delta).order_by(TallyDelta.id).with_for_update())
    waiting = select(Batch.id).where(of_batch, Batch.folded == false()).order_by(Batch.id).with_for_update()
    return _fold(deltas, _claimed(waiting), now)


def shift(shifts: Sequence[Shift], *, now: datetime) -> None:
    """Moves whole counts from their dates to others, in three statements. Everything of these tasks must be folded,
    and no shift may go where another one leaves from: its count would be taken on."""
    at = [and_(Tally.task_id == s.task_id, Tally.due == s.due, Tally.behind == s.behind) for s in shifts]
    leaving = and_(or_(*at), Tally.state.in_(OPEN))
    locked = select(Tally.n).where(leaving).order_by(*_key(Tally)).with_for_update()
    db.session.execute(locked)  # in the order in which every folder takes them
    to_due = case(*((here, s.to_due) for here, s in zip(at, shifts, strict=True))).label("due")
    to_behind = case(*((here, s.to_behind) for here, s in zip(at, shifts, strict=True))).label("behind")
    placed = select(Tally.task_id, Tally.area_id, Tally.line, Tally.state, to_due, to_behind, Tally.n).where(leaving)
    moved = placed.subquery()
    _add(select(*_key(moved.c), func.sum(moved.c.n).label("n")).group_by(*_key(moved.c)), now)
    db.session.execute(delete(Tally).where(leaving), execution_options=UNSEEN)


def _fold(deltas: list[int], batches: list[int], now: datetime) -> int:
    if not deltas and not batches:
        return 0
    chosen_deltas, chosen_batches = TallyDelta.id.in_(_written(deltas)), Batch.id.in_(_written(batches))
    pending = union_all(*left_and_reached(chosen_deltas), dispatched(chosen_batches))
    _add(_climbed(pending), now)
    db.session.execute(delete(TallyDelta).where(chosen_deltas), execution_options=UNSEEN)
    db.session.execute(update(Batch).where(chosen_batches).values(folded=True), execution_options=UNSEEN)
    return len(deltas) + len(batches)


def differences(limit: int = 1_000) -> list[Difference]:
    """Where the tallies with everything pending are not what the assignments say; one statement, changes nothing."""
    gap = _gap().subquery()
    rows = db.session.execute(
        select(*_key(gap.c), gap.c.stored, gap.c.counted)
        .where(gap.c.stored != gap.c.counted)
        .order_by(*_key(gap.c))
        .limit(limit)
    )
    return [
        Difference(
            row.task_id, row.area_id, Line(row.line), State(row.state), row.due, row.behind, row.stored, row.counted
        )
        for row in rows
    ]


def rebuild(*, now: datetime) -> list[Difference]:
    """Brings the tallies to what the assignments say, and returns the differences it found before."""
    found = differences()
    if found:
        _add(_missing(None), now)
    return found


def rebuild_tasks(task_ids: Collection[int], *, now: datetime) -> None:
    """The same for these tasks alone, in one statement."""
    _add(_missing(task_ids), now)


def _missing(task_ids: Collection[int] | None) -> Select[Any]:
    gap = _gap(task_ids).subquery()
    return select(*_key(gap.c), (gap.c.counted - gap.c.stored).label("n")).where(gap.c.stored != gap.c.counted)


def _key(source: Any) -> tuple[Any, ...]:
    return tuple(getattr(source, name) for name in KEY)


def _claimed(ids: Select[tuple[int]]) -> list[int]:
    return list(db.session.scalars(ids))


def _written(ids: list[int]) -> Any:
    """A list of ids written into the statement itself: databases allow only so many parameters."""
    return bindparam(None, ids, expanding=True, literal_execute=True, type_=BigInteger)


def _climbed(base: CompoundSelect[Any] | Select[Any]) -> Select[Any]:
    """Rows (task, unit, state, due, behind, n) added up for every area from the unit's own upwards, without leaves."""
    rows = base.subquery()
    start = case((Area.level.in_(LEAF_LEVELS), Area.parent_id), else_=Area.id)
    placed = (
        select(rows.c.task_id, start.label("area_id"), Unit.line, rows.c.state, rows.c.due, rows.c.behind, rows.c.n)
        .join(Unit, Unit.id == rows.c.unit_id)
        .join(Area, Area.id == Unit.area_id)
        .subquery()
    )
    first = (
        select(*_key(placed.c), func.sum(placed.c.n).label("n")).group_by(*_key(placed.c)).cte(recursive=True)
    )  # anonymous: a statement may climb twice
    climb = _upwards(first)
    return (
        select(*_key(climb.c), func.sum(climb.c.n).label("n"))
        .join(Area, Area.id == climb.c.area_id)
        .where(Area.level.not_in(LEAF_LEVELS))
        .group_by(*_key(climb.c))
        .having(func.sum(climb.c.n) != 0)
    )


def _upwards(first: CTE) -> CTE:
    above = (
        select(first.c.task_id, Area.parent_id, first.c.line, first.c.state, first.c.due, first.c.behind, first.c.n)
        .join(Area, Area.id == first.c.area_id)
        .where(Area.parent_id.is_not(None))
    )
    return first.union_all(above)


def _gap(task_ids: Collection[int] | None = None) -> Select[Any]:
    """Per key what is stored, everything pending included, beside what is counted from the assignments."""

    def of(noun: Any) -> ColumnElement[bool]:
        return true() if task_ids is None else noun.task_id.in_(listed(task_ids))

    waiting = and_(Batch.folded == false(), of(Batch))
    pending = _climbed(union_all(*left_and_reached(of(TallyDelta)), dispatched(waiting))).subquery()
    counted = _climbed(standing(of(Assignment))).subquery()
    every = union_all(
        select(*_key(Tally), Tally.n.label("stored"), literal(0).label("counted")).where(of(Tally)),
        select(*_key(pending.c), pending.c.n.label("stored"), literal(0).label("counted")),
        select(*_key(counted.c), literal(0).label("stored"), counted.c.n.label("counted")),
    ).subquery()
    return select(
        *_key(every.c),
        func.sum(every.c.stored).label("stored"),
        func.sum(every.c.counted).label("counted"),
    ).group_by(*_key(every.c))


def _add(rows: Select[Any], now: datetime) -> None:
    """n += for every row, in the order of the key, so that two writers wait for each other and never in a ring."""
    found = rows.subquery()
    ordered = (
        select(*_key(found.c), found.c.n, literal(now, Instant()).label("changed_at"))
        .where(true())
        .order_by(*_key(found.c))
    )
    adding = insert(Tally).from_select([*KEY, "n", "changed_at"], ordered)
    db.session.execute(
        adding.on_conflict_do_update(
            index_elements=list(KEY),
            set_={"n": Tally.n + adding.excluded.n, "changed_at": adding.excluded.changed_at},
        )
    )
