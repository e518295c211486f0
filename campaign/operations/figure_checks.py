"""Figures compared with the assignments, and brought to what these say. Corrections are added, never set, so that a
fold and a rebuild at once lose nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Select, case, func, literal_column, or_, select, true, type_coerce, union_all

from ..db import alone, db, insert
from ..models import Assignment, Batch, Figure, FigureTouch
from ..models.climbing import ASKED, FIGURE, SUMS, anything_moved, climbed
from ..models.contributions import asked_anew, changes, credited, kept, reported, touched
from ..rules.figures import Standing
from ..rules.organisation import Line
from .figures import ALONE_WITH_FIGURES, KEY, OF_ONE, STATE, add, as_missing

MOST = 1_000


@dataclass(frozen=True)
class FigureGap:
    """A figure that is not as the assignments are. `off`: by how much too little each sum is stored, everything
    pending included; numbers in ten-thousandths."""

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
    """Where the figures with everything pending are not what the assignments say; changes nothing."""
    gap = _gap().subquery()
    rows = db.session.execute(select(gap).order_by(*(gap.c[name] for name in KEY)).limit(limit))
    return [
        FigureGap(
            row.metric_id, row.area_id, Line(row.line), row.period, Standing(row.standing),
            {name: int(value) for name in SUMS if (value := getattr(row, name))},
        )
        for row in rows
    ]  # fmt: skip


def wrong_contributions(limit: int = MOST) -> list[WrongContribution]:
    """Assignments that would be counted wrongly the next time they move; changes nothing."""
    wrong = _wrong().subquery()
    rows = db.session.execute(select(wrong).order_by(*(wrong.c[name] for name in OF_ONE)).limit(limit))
    return [WrongContribution(*row[:3]) for row in rows]


def rebuild_figures(*, now: datetime) -> list[FigureGap]:
    """Brings the figures to what the assignments say; returns the gaps it found before. What was counted wrongly for
    an assignment is put right by the next fold, and counts as pending until then."""
    alone(ALONE_WITH_FIGURES, 0)
    found = figure_gaps()
    wrong = _wrong().subquery()
    ids = select(wrong.c.assignment_id).distinct().order_by(wrong.c.assignment_id)
    named = db.session.execute(
        insert(FigureTouch).from_select(["assignment_id"], ids).returning(FigureTouch.id)
    ).first()
    if found or named is not None:
        add(_gap(), now=now)
    return found


def _pending() -> Select[Any]:
    """The ids of the assignments that the next fold will look at."""
    rows = touched(true(), true()).subquery()
    return select(rows.c.id)


def _gap() -> Select[Any]:
    """Per key what must be added to the stored sums."""
    moved = anything_moved()
    everything = union_all(*(_placed(part) for part in (reported(true()), credited(true()))))
    counted = climbed(everything, FIGURE, moved=moved).subquery()
    pending = climbed(changes(Assignment.id.in_(_pending())), FIGURE, moved=moved).subquery()
    fresh = as_missing(climbed(asked_anew(Batch.folded.is_(False)), ASKED, moved=moved)).subquery()
    stored = select(
        Figure.metric_id, Figure.area_id, type_coerce(Figure.line, BigInteger).label("line"), Figure.period,
        type_coerce(Figure.standing, BigInteger).label("standing"),
        *(type_coerce(getattr(Figure, name), BigInteger).label(name) for name in SUMS),
    ).subquery()  # fmt: skip
    every = union_all(
        select(*_key(counted, 1)), *(select(*_key(part, -1)) for part in (pending, fresh, stored))
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


def _wrong() -> Select[Any]:
    """(assignment, metric, unit) whose kept contribution differs from what it would be now; nothing pending for it.
    What is kept of metrics and assignments that are gone would be refused by the database."""
    settled = Assignment.id.not_in(_pending())
    zero = literal_column("0", BigInteger)
    halves = []
    for part, sign in [(reported(settled), 1), (credited(settled), 1), *((part, -1) for part in kept(settled))]:
        rows = part.subquery()
        named = [rows.c[name] for name in OF_ONE]
        # The standing of what counts for nothing is all the same.
        code = case((or_(*(rows.c[name] != 0 for name in SUMS)), rows.c.standing), else_=zero)
        halves.append(
            select(*named, (code * sign).label("standing"), *((rows.c[name] * sign).label(name) for name in SUMS))
        )
    both = union_all(*halves).subquery()
    return (
        select(*(both.c[name] for name in OF_ONE))
        .group_by(*(both.c[name] for name in OF_ONE))
        .having(or_(*(func.sum(both.c[name]) != 0 for name in STATE)))
    )
