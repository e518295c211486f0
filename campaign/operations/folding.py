"""Roll-ups: pending changes are folded into the tallies of every area above, by the clock and not by who works.

A transition leaves one delta row and a dispatch one batch. Folding adds them to the tallies with few statements,
however many there are. Corrections are added too, never set, so that a fold and a rebuild at once lose nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    CompoundSelect,
    Select,
    bindparam,
    case,
    delete,
    false,
    func,
    literal,
    select,
    true,
    union_all,
    update,
)

from ..db import Instant, db, insert
from ..models import Area, Batch, Tally, TallyDelta, Unit
from ..models.pending import dispatched, left_and_reached, standing
from ..rules.organisation import LEAF_LEVELS, Line
from ..rules.states import State

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


def fold(*, now: datetime, limit: int = 10_000) -> int:
    """Adds up to `limit` deltas and all dispatched batches to the tallies; how many rows it took in. 0: nothing left.

    What it takes is locked first and then gone, so two folders never take the same row.
    """
    deltas = _claimed(select(TallyDelta.id).order_by(TallyDelta.id).limit(limit).with_for_update(skip_locked=True))
    batches = _claimed(
        select(Batch.id).where(Batch.folded == false()).order_by(Batch.id).with_for_update(skip_locked=True)
    )
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
        gap = _gap().subquery()
        missing = select(*_key(gap.c), (gap.c.counted - gap.c.stored).label("n")).where(gap.c.stored != gap.c.counted)
        _add(missing, now)
    return found


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


def _gap() -> Select[Any]:
    """Per key what is stored, everything pending included, beside what is counted from the assignments."""
    pending = _climbed(union_all(*left_and_reached(true()), dispatched(Batch.folded == false()))).subquery()
    counted = _climbed(standing(true())).subquery()
    every = union_all(
        select(*_key(Tally), Tally.n.label("stored"), literal(0).label("counted")),
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
