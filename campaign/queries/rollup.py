"""Figures rolled up: for every metric and area what is approved, pending, returned and missing, in two statements.

The folded figures and what is pending are read by one statement, so that a fold in the same moment is seen either
wholly or not at all. Where the statement before saw nothing pending, the folded figures are all there was then. Of
leaf areas the assignments themselves are the fact.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    SmallInteger,
    and_,
    any_,
    bindparam,
    func,
    literal_column,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from ..db import db, run
from ..models import Area, Assignment, Batch, Figure, FigureTouch, Joint, Metric, Submission, TallyDelta, Unit
from ..models.climbing import ASKED, FIGURE, SUMS, climbing
from ..models.contributions import asked_anew, changes, credited, reported, touched
from ..models.goals import join_target, own_target
from ..models.targets import Target
from ..rules.figures import Standing
from ..rules.metrics import Aggregation, OverTime
from ..rules.organisation import LEAF_LEVELS, Line
from .rollup_facts import NONE, Facts, RolledUp, Sums, exact, facts_of, given, listing

STANDINGS = {int(standing): standing for standing in Standing}
ONE_TARGET = 0  # in place of a standing: what the unit of the area itself must reach
COLUMNS = ("metric_id", "period", "standing", "area_id")
PERIOD = bindparam("period", type_=SmallInteger)
RollUp = dict[tuple[int, int], RolledUp]  # (metric, area)


def rollup(
    metric_ids: Sequence[int],
    area_ids: Sequence[int],
    *,
    on: date,
    lines: Sequence[Line] | None = None,
    period: int | None = None,
) -> RollUp:
    """Every metric in every area, with all below it; one that is asked of nobody there has nothing but zeros.

    `on`: the day whose milestone is in force. `lines`: of these alone. `period`: that turn of a recurring task; None:
    the latest turn, or all of them where the metric adds up over time. Two statements, whatever the number.
    """
    if not metric_ids or not area_ids or (lines is not None and not lines):
        return {}
    facts, ahead = facts_of(metric_ids, area_ids, on)
    values: dict[str, Any] = {"metrics": listing(metric_ids), "areas": listing(area_ids)}
    if lines is not None:
        values["lines"] = listing(lines)
    if period is not None:
        values["period"] = period
    dialect = db.session.get_bind().dialect.name
    statement = _statement(dialect, lines is not None, period is not None, ahead.pending, ahead.leaves)
    found: dict[tuple[int, int], dict[Standing, Sums]] = {}
    targets: dict[tuple[int, int], Decimal] = {}
    for metric_id, turn, standing, area_id, *sums in run(statement, values):
        metric = facts.get(metric_id)
        if metric is None or not _counts(metric, turn, period):
            continue
        key = (metric_id, area_id)
        if standing == ONE_TARGET:
            # Several lines: of a sum what they must reach together, else what each of them must.
            number = exact(sums[2])
            each = number if metric.aggregation is Aggregation.SUM else number / int(sums[0])
            targets[key] = targets.get(key, NONE) + each if metric.over_time is OverTime.SUM else each
        else:
            standings = found.setdefault(key, {})
            here = STANDINGS[standing]
            there = Sums(int(sums[0]), int(sums[1]), *map(exact, sums[2:]))
            standings[here] = standings[here] + there if here in standings else there
    alone = lines is not None and len(lines) == 1
    keys = [(metric, area) for metric in facts for area in area_ids]
    return {key: RolledUp(facts[key[0]], key[1], found.get(key, {}), targets.get(key), alone) for key in keys}


def _counts(metric: Facts, period: int, asked: int | None) -> bool:
    return asked is not None or metric.over_time is OverTime.SUM or period == metric.last_period


@cache
def _statement(_dialect: str, by_line: bool, by_period: bool, pending: bool, leaves: bool) -> Select[Any]:
    """Written once for each way to ask: putting it together costs more than running it."""
    parts = [_folded(), _targets()]
    if pending:
        parts += [_pending(), _fresh()]
    if leaves:
        below = _leaves()
        parts += [_facts(below), _credits(below)]
    every = union_all(*(_chosen(part, by_line, by_period) for part in parts)).subquery()
    key = [every.c[name] for name in COLUMNS]
    sums = [func.sum(every.c[name], type_=BigInteger).label(name) for name in SUMS]
    return select(*key, *sums).group_by(*key)


def _chosen(part: Select[Any], by_line: bool, by_period: bool) -> Select[Any]:
    rows = part.subquery()
    kept = select(*(rows.c[name] for name in (*COLUMNS, *SUMS)))
    if by_line:
        kept = kept.where(rows.c.line.in_(given("lines")))
    return kept.where(rows.c.period == PERIOD) if by_period else kept


def _tasks() -> Select[Any]:
    return select(Metric.task_id).where(Metric.id.in_(given("metrics")))


def _folded() -> Select[Any]:
    return select(
        Figure.metric_id, Figure.period, type_coerce(Figure.standing, BigInteger).label("standing"), Figure.area_id,
        type_coerce(Figure.line, BigInteger).label("line"),
        *(type_coerce(getattr(Figure, name), BigInteger).label(name) for name in SUMS),
    ).where(Figure.metric_id.in_(given("metrics")), Figure.area_id.in_(given("areas")))  # fmt: skip


def _pending() -> Select[Any]:
    """What has changed since the last fold, for each of the areas that it lies in."""
    mine = select(Assignment.id).where(Assignment.task_id.in_(_tasks()), Assignment.id == FigureTouch.assignment_id)
    moved = touched(TallyDelta.task_id.in_(_tasks()), mine.correlate(FigureTouch).exists())
    climb = climbing(changes(Assignment.id.in_(moved), Metric.id.in_(given("metrics"))), FIGURE, moved=True)
    return select(*_placed(climb), *(climb.c[name] for name in SUMS)).join(Area, _of_subtree(climb))


def _fresh() -> Select[Any]:
    """The batches that were dispatched since then: all of them are missing."""
    waiting = and_(Batch.folded.is_(False), Batch.task_id.in_(_tasks()))
    climb = climbing(asked_anew(waiting), ASKED, moved=True)
    missing = literal_column(str(int(Standing.MISSING)), BigInteger).label("standing")
    nothing = (literal_column("0", BigInteger).label(name) for name in SUMS[1:])
    line = type_coerce(climb.c.line, BigInteger).label("line")
    return (
        select(Metric.id.label("metric_id"), climb.c.period, missing, climb.c.area_id, line, climb.c.n, *nothing)
        .select_from(climb)
        .join(Metric, and_(Metric.task_id == climb.c.task_id, Metric.id.in_(given("metrics"))))
        .join(Area, _of_subtree(climb))
    )


def _placed(climb: CTE) -> list[Any]:
    line = type_coerce(climb.c.line, BigInteger).label("line")
    return [climb.c.metric_id, climb.c.period, climb.c.standing, climb.c.area_id, line]


def _of_subtree(climb: CTE) -> ColumnElement[bool]:
    return and_(Area.id == climb.c.area_id, Area.id.in_(given("areas")), Area.level.not_in(LEAF_LEVELS))


def _leaves() -> CTE:
    """The leaf areas asked for as rows (top, area_id), with what lies below them."""
    first = (
        select(Area.id.label("top"), Area.id.label("area_id"))
        .where(Area.id.in_(given("areas")), Area.level.in_(LEAF_LEVELS))
        .cte("leaves", recursive=True)
    )
    return first.union_all(select(first.c.top, Area.id).join(Area, Area.parent_id == first.c.area_id))


def _facts(leaves: CTE) -> Select[Any]:
    # IN, not a join: SQLite would begin with the task, which has every unit of the country.
    own = _one_of(Assignment.unit_id, _units(select(leaves.c.area_id)))
    return _at_leaves(reported(own, Metric.id.in_(given("metrics"))).subquery(), leaves)


def _credits(leaves: CTE) -> Select[Any]:
    named = select(Submission.assignment_id).join(Joint, Joint.submission_id == Submission.id)
    named = named.where(Joint.partner_unit_id.in_(_units(select(leaves.c.area_id))))
    return _at_leaves(credited(Assignment.id.in_(named), Metric.id.in_(given("metrics"))).subquery(), leaves)


def _one_of(column: Any, ids: Select[Any]) -> Any:
    """IN. PostgreSQL takes a recursive CTE for huge and would read every assignment; of an array it expects few."""
    if db.session.get_bind().dialect.name == "postgresql":
        return column == any_(func.array(ids.scalar_subquery(), type_=ARRAY(BigInteger)))
    return column.in_(ids)


def _units(areas: Any) -> Select[Any]:
    return select(Unit.id).where(Unit.area_id.in_(areas))


def _at_leaves(rows: Any, leaves: CTE) -> Select[Any]:
    return (
        select(
            rows.c.metric_id, rows.c.period, rows.c.standing, leaves.c.top.label("area_id"),
            type_coerce(Unit.line, BigInteger).label("line"), *(rows.c[name] for name in SUMS),
        )
        .select_from(rows)
        .join(Unit, Unit.id == rows.c.unit_id)
        .join(leaves, leaves.c.area_id == Unit.area_id)
    )  # fmt: skip


def _targets() -> Select[Any]:
    """What the units of the areas themselves must reach, as rows with a target in place of the number."""
    number = type_coerce(own_target(), BigInteger).label("number")
    one = literal_column("1", BigInteger).label("n")
    none = {name: literal_column("0", BigInteger).label(name) for name in SUMS}
    return (
        select(
            Metric.id.label("metric_id"), Assignment.period,
            literal_column(str(ONE_TARGET), BigInteger).label("standing"), Unit.area_id,
            type_coerce(Unit.line, BigInteger).label("line"),
            *({"n": one, "number": number}.get(name, none[name]) for name in SUMS),
        )
        .select_from(Assignment)
        .join(Metric, and_(Metric.task_id == Assignment.task_id, Metric.id.in_(given("metrics"))))
        .join(Unit, Unit.id == Assignment.unit_id)
        .outerjoin(Target, join_target())
        .where(Assignment.unit_id.in_(_units(given("areas"))), own_target().is_not(None))
    )  # fmt: skip
