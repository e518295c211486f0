"""Figures rolled up: what assignments count for is compared with what they counted for, and the difference is added to
every area above.

Deltas and touches only name the assignments to look at again, so that a figure that was looked at twice is the same,
and transitions need not know what it was. Whoever folds figures is alone with that: two who compared one assignment
at the same time would both add the difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Delete,
    Insert,
    MetaData,
    Select,
    SmallInteger,
    Table,
    TextClause,
    bindparam,
    delete,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    true,
    union_all,
)
from sqlalchemy.schema import CreateTable

from ..db import Instant, alone, db, in_list, insert, listed, listed_as, run
from ..models import Assignment, Batch, Contribution, Figure, FigureTouch, Metric, TallyDelta
from ..models.climbing import ASKED, FIGURE, SUMS, anything_moved, climbed
from ..models.contributions import asked_anew, credited, kept, reported, touched
from ..rules.figures import Standing

UNSEEN = {"synchronize_session": False}  # no loaded object is looked at
ALONE_WITH_FIGURES = 41  # the kind of thing that one folder at a time has
KEY = ("metric_id", "area_id", "line", "period", "standing")
OF_ONE = ("assignment_id", "metric_id", "unit_id")
STATE = ("standing", *SUMS)

# What a fold found changed: the rows must be compared once, since the assignments may move on between two statements.
# PostgreSQL cuts it off at each commit: nobody vacuums it, and every fold after a large one would read its dead rows.
_scratch = MetaData()
CHANGED = Table(
    "changed_figure", _scratch,
    *(Column(name, BigInteger) for name in OF_ONE), Column("period", SmallInteger),
    *(Column(name, BigInteger) for name in STATE), *(Column(f"was_{name}", BigInteger) for name in STATE),
    prefixes=["TEMPORARY"], postgresql_on_commit="DELETE ROWS",
)  # fmt: skip


@cache
def _making(_dialect: str) -> TextClause:
    return text(str(CreateTable(CHANGED, if_not_exists=True).compile(dialect=db.engine.dialect)))


@dataclass(frozen=True)
class Claimed:
    """The ids of what a fold has taken and locked."""

    deltas: Sequence[int]
    batches: Sequence[int]
    touches: Sequence[int]


def fold_figures(claimed: Claimed, *, now: datetime) -> None:
    """Brings the figures to what the assignments behind these rows say now. Before the deltas are deleted and the
    batches marked. Where no task has a metric that is one short statement."""
    ids = {"deltas": in_list(claimed.deltas), "touches": in_list(claimed.touches), "batches": in_list(claimed.batches)}
    dialect = db.engine.dialect.name
    measured = run(_measured(dialect), ids).first()
    if not measured.moved and not measured.dispatched:
        return
    alone(ALONE_WITH_FIGURES, 0)
    climbing = anything_moved()
    deltas, batches = ids.copy(), {"batches": ids.pop("batches"), "now": now}
    if measured.moved:
        del deltas["batches"]
        run(_making(dialect), {})
        run(_EMPTY, {})
        run(_comparing(dialect), deltas)
        run(_adding_differences(dialect, climbing), {"now": now})
        run(_keeping(), {})
        run(_EMPTY, {})
        if claimed.touches:
            run(_forgetting(dialect), {"touches": deltas["touches"]})
    if measured.dispatched:
        run(_adding_batches(dialect, climbing), batches)


def leave_for_later(delta_ids: Sequence[int]) -> None:
    """Names the assignments behind these deltas to the next fold; for those who take the deltas into the tallies
    inside an act of their own."""
    none = FigureTouch.id.is_(None)
    found = touched(TallyDelta.id.in_(listed(delta_ids)), none).subquery()
    db.session.execute(insert(FigureTouch).from_select(["assignment_id"], select(found.c.id).order_by(found.c.id)))


def look_again(chosen: ColumnElement[bool]) -> None:
    """Names the chosen assignments to the next fold, because what they must reach was moved; and those they were split
    from, whose own share is what they did not give away."""
    parents = select(Assignment.parent_id).where(chosen, Assignment.parent_id.is_not(None))
    both = select(Assignment.id).where(chosen).union(parents).subquery()
    named = insert(FigureTouch).from_select(["assignment_id"], select(both.c[0]).order_by(both.c[0]))
    db.session.execute(named)


# The statements of a fold are written once: putting them together costs more than folding a few hundred rows.
_EMPTY = delete(CHANGED)


@cache
def _measured(_dialect: str) -> Select[Any]:
    """Whether any task behind the deltas or touches, and any behind the batches, has a metric."""
    moved = exists().where(Metric.task_id == TallyDelta.task_id, TallyDelta.id.in_(listed_as("deltas")))
    named = exists().where(FigureTouch.id.in_(listed_as("touches")))
    fresh = exists().where(Metric.task_id == Batch.task_id, Batch.id.in_(listed_as("batches")))
    return select(or_(moved, named).label("moved"), fresh.label("dispatched"))


@cache
def _forgetting(_dialect: str) -> Delete:
    touches = FigureTouch.__table__
    return delete(touches).where(touches.c.id.in_(listed_as("touches")))  # type: ignore[arg-type]


@cache
def _comparing(_dialect: str) -> Insert:
    """Fills the scratch table with what differs."""
    behind = touched(TallyDelta.id.in_(listed_as("deltas")), FigureTouch.id.in_(listed_as("touches")))
    chosen = Assignment.id.in_(select(behind.cte("behind").prefix_with("MATERIALIZED").c.id))
    key = (*OF_ONE, "period")
    zero = literal_column("0", BigInteger)
    halves = []
    for part in (reported(chosen), credited(chosen)):
        rows = part.subquery()
        is_now = [rows.c[name].label(name) for name in STATE]
        halves.append(select(*(rows.c[name] for name in key), *is_now, *(zero.label(f"was_{n}") for n in STATE)))
    for part in kept(chosen):
        rows = part.subquery()
        was = [rows.c[name].label(f"was_{name}") for name in STATE]
        halves.append(select(*(rows.c[name] for name in key), *(zero.label(name) for name in STATE), *was))
    both = union_all(*halves).subquery()
    one = {name: func.sum(both.c[name]) for name in (*STATE, *(f"was_{name}" for name in STATE))}
    found = (
        select(*(both.c[name] for name in key), *(value.label(name) for name, value in one.items()))
        .group_by(*(both.c[name] for name in key))
        .having(or_(*(one[name] != one[f"was_{name}"] for name in STATE)))
    )
    return CHANGED.insert().from_select([*key, *one], found)


def _differences() -> Any:
    """The scratch table as rows to add: as it is now, and with a minus as it was."""
    key = [CHANGED.c[name] for name in ("metric_id", "unit_id", "period")]
    plus = select(*key, CHANGED.c.standing, *(CHANGED.c[name] for name in SUMS))
    minus = select(
        *key, CHANGED.c.was_standing.label("standing"), *((-CHANGED.c[f"was_{name}"]).label(name) for name in SUMS)
    )
    return union_all(plus.where(CHANGED.c.standing > 0), minus.where(CHANGED.c.was_standing > 0))


@cache
def _keeping() -> Insert:
    return _remembering(CHANGED)


def keep(rows: Any) -> None:
    """Remembers what assignments count for: rows (assignment_id, metric_id, unit_id, standing, sums)."""
    db.session.execute(_remembering(rows))


def _remembering(rows: Any) -> Insert:
    """Remembers what was added. A credit that is gone stays as a row of nothing."""
    gone = literal(Standing.MISSING.value, BigInteger)
    standing = func.coalesce(func.nullif(rows.c.standing, 0), gone)
    found = select(*(rows.c[name] for name in OF_ONE), standing, *(rows.c[name] for name in SUMS))
    news = ", ".join(f"{name} = excluded.{name}" for name in STATE)
    return or_update(Contribution, [*OF_ONE, *STATE], found.where(true()), OF_ONE, news)


@cache
def _adding_differences(_dialect: str, moved: bool) -> Insert:
    return _adding(climbed(_differences(), FIGURE, moved=moved))


@cache
def _adding_batches(_dialect: str, moved: bool) -> Insert:
    fresh = asked_anew(Batch.id.in_(listed_as("batches")))
    return _adding(as_missing(climbed(fresh, ASKED, moved=moved)))


def as_missing(asked: Select[Any]) -> Select[Any]:
    """Counts per task as rows of every metric of the task."""
    rows = asked.subquery()
    missing = literal_column(str(int(Standing.MISSING)), BigInteger)
    nothing = (literal_column("0", BigInteger).label(name) for name in SUMS[1:])
    return select(
        Metric.id.label("metric_id"), rows.c.period, missing.label("standing"), rows.c.area_id, rows.c.line,
        rows.c.n, *nothing,
    ).join(Metric, Metric.task_id == rows.c.task_id)  # fmt: skip


def add(rows: Select[Any], *, now: datetime) -> None:
    """Adds every sum of these rows to the figures."""
    db.session.execute(_adding(rows), {"now": now})


def _adding(rows: Select[Any]) -> Insert:
    """In the order of the key, so that two writers wait for each other and never in a ring."""
    found = rows.subquery()
    ordered = (
        select(*(found.c[name] for name in (*KEY, *SUMS)), bindparam("now", type_=Instant()).label("changed_at"))
        .where(true())
        .order_by(*(found.c[name] for name in KEY))
    )
    more = ", ".join(f"{name} = figure.{name} + excluded.{name}" for name in SUMS)
    return or_update(Figure, [*KEY, *SUMS, "changed_at"], ordered, KEY, f"{more}, changed_at = excluded.changed_at")


def or_update(noun: Any, columns: list[str], rows: Select[Any], key: Sequence[str], news: str) -> Insert:
    """An upsert for both databases that is compiled once; see `db.insert_new`."""
    statement = sqlalchemy.insert(noun.__table__).from_select(columns, rows)
    statement._post_values_clause = text(f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {news}")
    return statement
