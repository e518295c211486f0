"""Roll-ups: pending changes are folded into the tallies of every area above, by the clock and not by who works.

A transition leaves one delta row and a dispatch one batch. Folding adds them to the tallies with few statements,
however many there are. Corrections are added too, never set, so that a fold and a rebuild at once lose nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Delete,
    Insert,
    Integer,
    Select,
    Update,
    and_,
    bindparam,
    delete,
    exists,
    false,
    func,
    literal,
    select,
    true,
    union_all,
    update,
)

from ..db import Instant, db, flush_pending, in_list, listed, listed_as, run
from ..models import Assignment, Batch, FigureTouch, Tally, TallyDelta
from ..models.climbing import TALLY, anything_moved, climbed, rows_of
from ..models.pending import dispatched, left_and_reached, standing
from ..rules.organisation import Line
from ..rules.states import OPEN, State
from .figures import UNSEEN, Claimed, fold_figures, leave_for_later, or_update

KEY = ("task_id", "area_id", "line", "state", "due", "behind")
SHIFT = ("task_id", "due", "behind", "to_due", "to_behind")


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
    flush_pending()
    most = {"most": limit}
    taken = Claimed(*(tuple(row[0] for row in run(each, values)) for each, values in (
        (_DELTAS, most), (_BATCHES, {}), (_TOUCHES, most),
    )))  # fmt: skip
    if many := len(taken.deltas) + len(taken.batches) + len(taken.touches):
        if not taken.batches and db.engine.dialect.name == "postgresql":
            run(_BY_THE_FEW, {})
        _fold_tallies(taken, now)
        fold_figures(taken, now=now)
        _drop(taken)
    return many


def fold_tasks(task_ids: Collection[int], *, now: datetime) -> int:
    """The same for the tallies of these tasks, waiting for whoever folds some of it now. Their figures, which show no
    dates, are left to the next fold."""
    db.session.flush()
    of_delta, of_batch = TallyDelta.task_id.in_(listed(task_ids)), Batch.task_id.in_(listed(task_ids))
    deltas = _claimed(select(TallyDelta.id).where(of_delta).order_by(TallyDelta.id).with_for_update())
    waiting = select(Batch.id).where(of_batch, Batch.folded == false()).order_by(Batch.id).with_for_update()
    taken = Claimed(deltas, _claimed(waiting), ())
    _fold_tallies(taken, now)
    leave_for_later(deltas)
    fold_figures(Claimed((), taken.batches, ()), now=now)
    _drop(taken)
    return len(taken.deltas) + len(taken.batches)


def shift(shifts: Sequence[Shift], *, now: datetime) -> None:
    """Moves whole counts from their dates to others, in three statements. Everything of these tasks must be folded,
    and no shift may go where another one leaves from: its count would be taken on."""
    to = rows_of(SHIFT, ((s.task_id, s.due, s.behind, s.to_due, s.to_behind) for s in shifts)).subquery()
    here = and_(Tally.task_id == to.c.task_id, Tally.due == to.c.due, Tally.behind == to.c.behind)
    leaving = and_(Tally.task_id.in_(listed({s.task_id for s in shifts})), Tally.state.in_(OPEN), exists().where(here))
    locked = select(Tally.n).where(leaving).order_by(*_key(Tally)).with_for_update()
    db.session.execute(locked)  # in the order in which every folder takes them
    columns = (Tally.task_id, Tally.area_id, Tally.line, Tally.state, to.c.to_due, to.c.to_behind, Tally.n)
    names = (*KEY, "n")
    placed = select(*(column.label(name) for column, name in zip(columns, names, strict=True))).select_from(Tally)
    moved = placed.join(to, here).where(Tally.state.in_(OPEN)).subquery()
    _add(select(*_key(moved.c), func.sum(moved.c.n).label("n")).group_by(*_key(moved.c)), now)
    db.session.execute(delete(Tally).where(leaving), execution_options=UNSEEN)


def _fold_tallies(taken: Claimed, now: datetime) -> None:
    if taken.deltas or taken.batches:
        adding = _adding_pending(db.engine.dialect.name, anything_moved())
        run(adding, {"deltas": in_list(taken.deltas), "batches": in_list(taken.batches), "now": now})


def _drop(taken: Claimed) -> None:
    """What was folded is gone."""
    dialect = db.engine.dialect.name
    if taken.deltas:
        run(_dropping(dialect), {"deltas": in_list(taken.deltas)})
    if taken.batches:
        run(_marking(dialect), {"batches": in_list(taken.batches)})


# The statements of a fold are written once, and go to the driver itself.
_D, _B, _T = (noun.__table__ for noun in (TallyDelta, Batch, FigureTouch))
_MOST = bindparam("most", type_=Integer)
_DELTAS = select(_D.c.id).order_by(_D.c.id).limit(_MOST).with_for_update(skip_locked=True)
_BATCHES = select(_B.c.id).where(_B.c.folded == false()).order_by(_B.c.id).with_for_update(skip_locked=True)
_TOUCHES = select(_T.c.id).order_by(_T.c.id).limit(_MOST).with_for_update(skip_locked=True)

# PostgreSQL would read all areas for each step up the tree; a few thousand rows are led by their keys. For this
# transaction alone.
_BY_THE_FEW = select(*(func.set_config(f"enable_{join}", "off", true()) for join in ("hashjoin", "mergejoin")))


@cache
def _adding_pending(_dialect: str, moved: bool) -> Insert:
    deltas, batches = TallyDelta.id.in_(listed_as("deltas")), Batch.id.in_(listed_as("batches"))
    return _adding(climbed(union_all(*left_and_reached(deltas), dispatched(batches)), TALLY, moved=moved))


@cache
def _dropping(_dialect: str) -> Delete:
    return delete(_D).where(_D.c.id.in_(listed_as("deltas")))  # type: ignore[arg-type]


@cache
def _marking(_dialect: str) -> Update:
    return update(_B).where(_B.c.id.in_(listed_as("batches"))).values(folded=True)  # type: ignore[arg-type]


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


def _gap(task_ids: Collection[int] | None = None) -> Select[Any]:
    """Per key what is stored, everything pending included, beside what is counted from the assignments."""

    def of(noun: Any) -> ColumnElement[bool]:
        return true() if task_ids is None else noun.task_id.in_(listed(task_ids))

    waiting = and_(Batch.folded == false(), of(Batch))
    moved = anything_moved()
    pending = climbed(union_all(*left_and_reached(of(TallyDelta)), dispatched(waiting)), TALLY, moved=moved).subquery()
    counted = climbed(standing(of(Assignment)), TALLY, moved=moved).subquery()
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
    """n += for every row."""
    db.session.execute(_adding(rows), {"now": now})


def _adding(rows: Select[Any]) -> Insert:
    """In the order of the key, so that two writers wait for each other and never in a ring."""
    found = rows.subquery()
    ordered = (
        select(*_key(found.c), found.c.n, bindparam("now", type_=Instant()).label("changed_at"))
        .where(true())
        .order_by(*_key(found.c))
    )
    news = "n = tally.n + excluded.n, changed_at = excluded.changed_at"
    return or_update(Tally, [*KEY, "n", "changed_at"], ordered, KEY, news)
