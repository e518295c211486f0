"""The statement of rolled-up figures, put together once for each way to ask.

The folded figures and what is pending are read by one statement, so that a fold in the same moment is seen either
wholly or not at all. Where the statement before saw nothing pending, what was folded is all there was then: of an area
its sums, of a leaf what each of its assignments counts for. While something is pending, the assignments of leaves
are counted afresh.
"""

from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    SmallInteger,
    Subquery,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    select,
    true,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import aliased

from ..models import (
    Area,
    Assignment,
    Batch,
    Figure,
    FigureTouch,
    Joint,
    Metric,
    Placement,
    Submission,
    TallyDelta,
    Unit,
)
from ..models.climbing import ASKED, FIGURE, SUMS, Rows, climbing, issued_for_task, stayed_since, stood_there
from ..models.contributions import asked_anew, changes, credited, kept, reported, touched
from ..models.goals import join_target, own_target
from ..models.targets import Target
from ..rules.figures import Standing
from ..rules.organisation import LEAF_LEVELS
from .rollup_facts import Ahead, given

COLUMNS = ("metric_id", "area_id", "period", "standing")
GOALS = ("goals", "goal")  # how many units of the area itself have a target of their own, and these together
PERIOD = bindparam("period", type_=SmallInteger)
MISSING = literal_column(str(int(Standing.MISSING)), BigInteger).label("standing")
ONE = literal_column("1", BigInteger)
NONE = literal_column("0", BigInteger)


@cache
def statement(_dialect: str, by_line: bool, by_period: bool, ahead: Ahead) -> Rows:
    """Rows (metric_id, area_id, period, standing, the sums, goals, goal) of the ids in the parameters `metrics` and
    `areas`; by `lines` and `period` where it was asked so. Several rows may have the same key, and belong together.

    Written once for each way to ask: putting it together costs more than running it.
    """
    parts = [_folded(), _targets()] if ahead.above else []
    if ahead.above and ahead.pending:
        parts += [_pending(), _fresh()]
    if ahead.leaves:
        parts.append(_at_leaves(ahead))
    if ahead.leaves and ahead.joint:
        parts.append(_credits(ahead))
    chosen = [_chosen(part, by_line, by_period) for part in parts]
    every = union_all(*chosen) if len(chosen) > 1 else chosen[0]
    if not (ahead.pending or ahead.turns):
        return every  # few rows for each area: grouping them here costs as much as reading them
    rows = every.subquery()
    key = [rows.c[name] for name in COLUMNS]
    sums = [func.sum(rows.c[name], type_=BigInteger).label(name) for name in (*SUMS, *GOALS)]
    return select(*key, *sums).group_by(*key)


def _chosen(part: Select[Any], by_line: bool, by_period: bool) -> Select[Any]:
    rows = part.subquery()
    kept = select(*(rows.c[name] for name in (*COLUMNS, *SUMS, *GOALS)))
    if by_line:
        kept = kept.where(rows.c.line.in_(given("lines")))
    return kept.where(rows.c.period == PERIOD) if by_period else kept


def _row(keys: tuple[Any, ...], line: Any, sums: Any = None, goal: Any = None) -> list[Any]:
    """The columns of a part: the key, the line, the sums of a source that has them, and the target of an own unit."""
    metric, area, period, standing = keys
    key = [metric.label("metric_id"), area.label("area_id"), period.label("period"), standing]
    added = [(NONE if sums is None else _plain(sums, name)).label(name) for name in SUMS]
    goals = NONE if goal is None else case((goal.is_(None), NONE), else_=ONE)
    own = NONE if goal is None else func.coalesce(goal, NONE)
    return [*key, type_coerce(line, BigInteger).label("line"), *added, goals.label("goals"), own.label("goal")]


def _plain(source: Any, name: str) -> Any:
    return type_coerce(getattr(source, name), BigInteger)


def _tasks() -> Select[Any]:
    return select(Metric.task_id).where(Metric.id.in_(given("metrics")))


def _folded() -> Select[Any]:
    standing = type_coerce(Figure.standing, BigInteger).label("standing")
    row = _row((Figure.metric_id, Figure.area_id, Figure.period, standing), Figure.line, Figure)
    return select(*row).where(Figure.metric_id.in_(given("metrics")), Figure.area_id.in_(given("areas")))


def _targets() -> Select[Any]:
    """What the units of the areas themselves must reach, as rows without any sum. Not of leaves."""
    goal = type_coerce(own_target(), BigInteger)
    return (
        select(*_row((Metric.id, Unit.area_id, Assignment.period, MISSING), Unit.line, goal=goal))
        .select_from(Area)
        .join(Unit, Unit.area_id == Area.id)
        .join(Assignment, Assignment.unit_id == Unit.id)
        .join(Metric, and_(Metric.task_id == Assignment.task_id + 0, Metric.id.in_(given("metrics"))))
        .outerjoin(Target, join_target())
        .where(Area.id.in_(given("areas")), Area.level.not_in(LEAF_LEVELS), goal.is_not(None))
    )


def _pending() -> Select[Any]:
    """What has changed since the last fold, for each of the areas that it lies in."""
    mine = select(Assignment.id).where(Assignment.task_id.in_(_tasks()), Assignment.id == FigureTouch.assignment_id)
    moved = touched(TallyDelta.task_id.in_(_tasks()), mine.correlate(FigureTouch).exists())
    climb = climbing(changes(Assignment.id.in_(moved), Metric.id.in_(given("metrics"))), FIGURE, moved=True)
    row = _row((climb.c.metric_id, climb.c.area_id, climb.c.period, climb.c.standing), climb.c.line, climb.c)
    return select(*row).join(Area, _asked_above(climb))


def _fresh() -> Select[Any]:
    """The batches that were dispatched since then: all of them are missing."""
    waiting = and_(Batch.folded.is_(False), Batch.task_id.in_(_tasks()))
    climb = climbing(asked_anew(waiting), ASKED, moved=True)
    row = _row((Metric.id, climb.c.area_id, climb.c.period, MISSING), climb.c.line)
    return (
        select(*(climb.c.n.label("n") if column.name == "n" else column for column in row))
        .select_from(climb)
        .join(Metric, and_(Metric.task_id == climb.c.task_id, Metric.id.in_(given("metrics"))))
        .join(Area, _asked_above(climb))
    )


def _asked_above(climb: CTE) -> ColumnElement[bool]:
    return and_(Area.id == climb.c.area_id, Area.id.in_(given("areas")), Area.level.not_in(LEAF_LEVELS))


def _at_leaves(ahead: Ahead) -> Select[Any]:
    """What each assignment in the leaves counts for, in the row with its target."""
    places, mine = _places(ahead.moved), Metric.id.in_(given("metrics"))
    rows = reported(true(), mine) if ahead.pending else kept(true(), mine)[0].outerjoin(Target, join_target())
    own = case((Unit.area_id == places.c.top, type_coerce(own_target(), BigInteger)))
    sums = rows.selected_columns
    row = _row((Metric.id, places.c.top, Assignment.period, sums.standing), Unit.line, sums, own)
    found = rows.with_only_columns(*row).join(Unit, Unit.id == Assignment.unit_id)
    return found.join(places, _inside(places, Metric.id))


def _credits(ahead: Ahead) -> Select[Any]:
    """What units of other lines did together with units in the leaves."""
    places, metrics = _places(ahead.moved), Metric.id.in_(given("metrics"))
    partner = select(Unit.id).where(Unit.area_id.in_(select(places.c.area_id)))
    named = select(Submission.assignment_id).join(Joint, Joint.submission_id == Submission.id)
    chosen = Assignment.id.in_(named.where(Joint.partner_unit_id.in_(partner)))
    rows = (credited(chosen, metrics) if ahead.pending else kept(chosen, metrics)[1]).subquery()
    row = _row((rows.c.metric_id, places.c.top, rows.c.period, rows.c.standing), Unit.line, rows.c)
    found = select(*row).select_from(rows).join(Unit, Unit.id == rows.c.unit_id)
    return found.join(places, _inside(places, rows.c.metric_id))


def _places(moved: bool) -> Subquery:
    """The leaf areas asked for as rows (top, area_id): each itself, and those right below it, since deeper they do not
    go. `moved`: some area stood elsewhere once, so they are told for each metric, as of the day of its campaign."""
    top, below, former = aliased(Area), aliased(Area), aliased(Placement)
    asked = and_(top.id.in_(given("areas")), top.level.in_(LEAF_LEVELS))
    itself = select(top.id.label("top"), top.id.label("area_id"))
    lower = select(top.id, below.id).join(below, below.parent_id == top.id)
    if not moved:
        return itself.where(asked).union_all(lower.where(asked)).subquery()
    mine, issued = Metric.id.in_(given("metrics")), issued_for_task(Metric)
    left = select(top.id, former.area_id).join(former, former.parent_id == top.id)
    return union_all(
        itself.add_columns(Metric.id.label("metric_id")).join(Metric, mine).where(asked),
        lower.add_columns(Metric.id).join(Metric, mine).where(asked, stayed_since(below, issued)),
        left.add_columns(Metric.id).join(Metric, mine).where(asked, stood_there(former, issued)),
    ).subquery()


def _inside(places: Subquery, metric: Any) -> ColumnElement[bool]:
    there = Unit.area_id == places.c.area_id
    return and_(there, places.c.metric_id == metric) if "metric_id" in places.c else there
