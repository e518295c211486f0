"""Figures compared with what assignments count for, that with the assignments themselves, and both put right.

A figure is the sum of what every assignment counted for when it was last folded, whatever is pending since. So it is
compared with the contributions, and each contribution with its assignment where nothing is pending for it: the two
together compare every figure with the facts. Corrections of figures are added, never set.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    MetaData,
    Select,
    SmallInteger,
    Subquery,
    Table,
    and_,
    case,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    true,
    type_coerce,
    union_all,
)
from sqlalchemy.schema import CreateTable

from ..db import alone, db
from ..models import Assignment, Batch, Contribution, Figure
from ..models.climbing import ASKED, FIGURE, SUMS, anything_moved, climbed
from ..models.contributions import all_as_they_stand, asked_anew, credited, kept, reported, touched
from ..rules.figures import Standing
from ..rules.organisation import Line
from .figures import ALONE_WITH_FIGURES, KEY, OF_ONE, STATE, add, as_missing, keep

MOST = 1_000
ZERO, ONE = literal_column("0", BigInteger), literal_column("1", BigInteger)
MISSING = literal_column(str(int(Standing.MISSING)), BigInteger)

# What a rebuild found missing: it is named and added, and to add it up twice would take as long again.
GAP = Table(
    "figure_gap", MetaData(),
    Column("metric_id", BigInteger), Column("area_id", BigInteger), Column("line", SmallInteger),
    Column("period", SmallInteger), Column("standing", SmallInteger), *(Column(name, BigInteger) for name in SUMS),
    prefixes=["TEMPORARY"],
)  # fmt: skip
_MAKE = CreateTable(GAP, if_not_exists=True)


@dataclass(frozen=True)
class FigureGap:
    """A figure that is not what the assignments below it counted for. `off`: by how much too little each sum is stored;
    numbers in ten-thousandths."""

    metric_id: int
    area_id: int
    line: Line
    period: int
    standing: Standing
    off: dict[str, int]


@dataclass(frozen=True)
class WrongContribution:
    """What one assignment counts for is not what it was last counted for, though nothing is pending for it."""

    assignment_id: int
    metric_id: int
    unit_id: int


def figure_gaps(limit: int = MOST) -> list[FigureGap]:
    """Where the figures are not what the assignments counted for; changes nothing."""
    return _named(_gap().subquery(), limit)


def wrong_contributions(limit: int = MOST) -> list[WrongContribution]:
    """Assignments that do not count for what they say; changes nothing."""
    wrong = union_all(*(select(*(part.c[name] for name in OF_ONE)) for part in _wrong())).subquery()
    rows = db.session.execute(select(wrong).order_by(*(wrong.c[name] for name in OF_ONE)).limit(limit))
    return [WrongContribution(*row) for row in rows]


def rebuild_figures(*, now: datetime) -> list[FigureGap]:
    """Brings contributions and figures to what the assignments say, from nothing at all if need be; returns the gaps it
    closed. What is pending is left to the next fold."""
    alone(ALONE_WITH_FIGURES, 0)
    for part in _wrong(begun=bool(db.session.scalar(select(exists().select_from(Contribution))))):
        keep(part)
    db.session.execute(_MAKE)
    db.session.execute(delete(GAP))
    db.session.execute(GAP.insert().from_select([*KEY, *SUMS], _gap()))
    found = _named(GAP, MOST)
    if found:
        add(select(GAP), now=now)
    db.session.execute(delete(GAP))
    return found


def _named(gap: Any, limit: int) -> list[FigureGap]:
    rows = db.session.execute(select(gap).order_by(*(gap.c[name] for name in KEY)).limit(limit))
    return [
        FigureGap(
            row.metric_id, row.area_id, Line(row.line), row.period, Standing(row.standing),
            {name: int(value) for name in SUMS if (value := getattr(row, name))},
        )
        for row in rows
    ]  # fmt: skip


def _gap() -> Select[Any]:
    """Per key what must be added to the stored sums."""
    moved = anything_moved()
    counted = [climbed(_placed(part), FIGURE, moved=moved).subquery() for part in kept(true(), whole=True)]
    fresh = as_missing(climbed(asked_anew(Batch.folded.is_(False)), ASKED, moved=moved)).subquery()
    stored = select(
        Figure.metric_id, Figure.area_id, type_coerce(Figure.line, BigInteger).label("line"), Figure.period,
        type_coerce(Figure.standing, BigInteger).label("standing"),
        *(type_coerce(getattr(Figure, name), BigInteger).label(name) for name in SUMS),
    ).subquery()  # fmt: skip
    every = union_all(
        *(select(*_key(part, 1)) for part in counted), *(select(*_key(part, -1)) for part in (fresh, stored))
    ).subquery()
    totals = {name: func.sum(every.c[name]) for name in SUMS}
    return (
        select(*(every.c[name] for name in KEY), *(total.label(name) for name, total in totals.items()))
        .group_by(*(every.c[name] for name in KEY))
        .having(or_(*(total != 0 for total in totals.values())))
    )


def _key(part: Any, sign: int) -> list[Any]:
    line = type_coerce(part.c.line, BigInteger).label("line")
    key = [line if name == "line" else part.c[name] for name in KEY]
    return [*key, *((part.c[name] * sign).label(name) for name in SUMS)]


def _placed(part: Select[Any]) -> Select[Any]:
    rows = part.subquery()
    return select(*(rows.c[name] for name in ("metric_id", "unit_id", "period", "standing", *SUMS)))


def _wrong(*, begun: bool = True) -> list[Subquery]:
    """Whatever is counted for otherwise than it should be, as it should be: (assignment, metric, unit, standing, sums)
    of the units themselves and of partners, nothing pending for it. What is kept of metrics and assignments that are
    gone would be refused by the database. `begun`: anything is kept at all."""
    pending = touched(true(), true()).subquery()
    settled = Assignment.id.not_in(select(pending.c.id))
    return [_own_wrong(settled, begun=begun).subquery(), _credits_wrong(settled).subquery()]


def _own_wrong(settled: ColumnElement[bool], *, begun: bool) -> Select[Any]:
    """Each assignment beside what it counts for, both read in the order of their keys. Where nothing is kept yet, the
    table that is about to be filled is not read."""
    rows, last = reported(settled, look=all_as_they_stand()).subquery(), Contribution.__table__.alias()
    found = select(*(rows.c[name] for name in (*OF_ONE, *STATE))).select_from(rows)
    missed = or_(rows.c.n != ONE, rows.c.standing != MISSING)  # what has any sum does not count as missing
    if not begun:
        return found.where(missed)
    was = {name: type_coerce(last.c[name], BigInteger) for name in STATE}
    off = [rows.c[name] != was[name] for name in SUMS]
    elsewhere = and_(rows.c.n != 0, rows.c.standing != was["standing"])  # that of what counts for nothing is no matter
    same = and_(*(rows.c[name] == last.c[name] for name in OF_ONE))
    return found.outerjoin(last, same).where(case((last.c.metric_id.is_(None), missed), else_=or_(*off, elsewhere)))


def _credits_wrong(settled: ColumnElement[bool]) -> Select[Any]:
    """They are few, and either side may be missing."""
    halves = []
    for part, sign in ((credited(settled), 1), (kept(settled)[1], -1)):
        rows = part.subquery()
        now = [rows.c[name].label(name) for name in STATE] if sign > 0 else [ZERO.label(name) for name in STATE]
        halves.append(select(*(rows.c[name] for name in OF_ONE), *now, (rows.c.credited * sign).label("off")))
    both = union_all(*halves).subquery()
    one = {name: func.sum(both.c[name]) for name in STATE}
    return (
        select(*(both.c[name] for name in OF_ONE), *(value.label(name) for name, value in one.items()))
        .group_by(*(both.c[name] for name in OF_ONE))
        .having(func.sum(both.c.off) != 0)
    )
