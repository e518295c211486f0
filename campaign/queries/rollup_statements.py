"""The statements of rolled-up figures, put together once for each way to ask.

The folded figures and what is pending are read together, so that a fold in the same moment is seen either wholly or not
at all. Where nothing is pending, what was folded is all there is: of an area its sums, of a leaf what each of its
assignments counts for. While something is pending, the assignments of leaves are counted afresh.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    SmallInteger,
    String,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    null,
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
from ..models.climbing import (
    ASKED,
    FIGURE,
    SUMS,
    Rows,
    climbing,
    issued_for_metric,
    issued_for_task,
    stayed_since,
    stood_there,
)
from ..models.contributions import asked_anew, changes, credited, kept, reported, touched
from ..models.goals import join_target, own_target
from ..models.targets import Target
from ..rules.figures import Standing
from ..rules.states import NOT_ASKED
from .rollup_metrics import Ahead, areas_asked, given, is_leaf, telling

COLUMNS = ("metric_id", "area_id", "period", "standing")
GOALS = ("goals", "goal")  # how many units of the area itself have a target of their own, and these together
PERIOD = bindparam("period", type_=SmallInteger)
MISSING = literal_column(str(int(Standing.MISSING)), BigInteger).label("standing")
ONE = literal_column("1", BigInteger)
NONE = literal_column("0", BigInteger)


@dataclass(frozen=True)
class Place:
    """Where the units of leaves are looked for. `top`: the leaf that was asked for; `itself`: they are its own units.
    `area`: what is joined to find them, and how; `then`: what must have been so when the campaign was issued."""

    top: Any
    itself: bool
    where: ColumnElement[bool]
    area: Any = None
    on: ColumnElement[bool] | None = None
    then: Callable[[Any], ColumnElement[bool]] | None = None

    def narrowed(self, rows: Select[Any], issued: Any) -> Select[Any]:
        """Rows with a Unit, those of these places alone; `issued`: when their campaign was, None for whenever."""
        found = rows if self.area is None else rows.join(self.area, self.on)
        found = found.where(self.where)
        return found if self.then is None or issued is None else found.where(self.then(issued))


@cache
def folded_figures(_dialect: str, by_line: bool, by_period: bool) -> Rows:
    """The facts of the `metrics` in the parameters, see `rollup_metrics`, and as rows of the same columns what was
    folded for the `areas`; by `lines` and `period` where it is asked so. Rows of the same key belong together.

    Each statement is written once for each way to ask: putting it together costs more than running it.
    """
    asked = areas_asked()
    parts = [
        _folded(asked),
        _targets(asked),
        *(_at_leaves(place, pending=False) for place in _places(asked, moved=False)),
    ]
    return union_all(telling(asked), *(_chosen(part, by_line, by_period) for part in parts))


@cache
def figures(_dialect: str, by_line: bool, by_period: bool, ahead: Ahead) -> Rows:
    """The figures without the facts, with everything that lies ahead."""
    asked = areas_asked()
    parts = [_folded(asked), _targets(asked)]
    if ahead.pending and ahead.above:
        parts += [_pending(asked), _fresh(asked)]
    if ahead.leaves:
        parts += [_at_leaves(place, pending=ahead.pending) for place in _places(asked, moved=ahead.moved)]
    if ahead.leaves and ahead.joint:
        parts += [_credits(place, pending=ahead.pending) for place in _places(asked, moved=ahead.moved)]
    rows = union_all(*(_chosen(part, by_line, by_period) for part in parts)).subquery()
    key = [rows.c[name] for name in COLUMNS]
    sums = [func.sum(rows.c[name], type_=BigInteger).label(name) for name in (*SUMS, *GOALS)]
    return select(*key, *sums).group_by(*key)


def _chosen(part: Select[Any], by_line: bool, by_period: bool) -> Select[Any]:
    rows = part.subquery()
    kept = select(*(rows.c[name] for name in (*COLUMNS, *SUMS, *GOALS)), rows.c.day)
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
    ends = [goals.label("goals"), own.label("goal"), cast(null(), String).label("day")]
    return [*key, type_coerce(line, BigInteger).label("line"), *added, *ends]


def _plain(source: Any, name: str) -> Any:
    return type_coerce(getattr(source, name), BigInteger)


def _tasks() -> Select[Any]:
    return select(Metric.task_id).where(Metric.id.in_(given("metrics")))


def _ids(asked: CTE, leaf: int) -> Select[tuple[int]]:
    return select(asked.c.id).where(is_leaf(asked) == leaf)


def _folded(asked: CTE) -> Select[Any]:
    standing = type_coerce(Figure.standing, BigInteger).label("standing")
    row = _row((Figure.metric_id, Figure.area_id, Figure.period, standing), Figure.line, Figure)
    return select(*row).where(Figure.metric_id.in_(given("metrics")), Figure.area_id.in_(_ids(asked, 0)))


def _targets(asked: CTE) -> Select[Any]:
    """What the units of the areas themselves must reach, as rows without any sum. Not of leaves."""
    goal = type_coerce(own_target(), BigInteger)
    return (
        select(*_row((Metric.id, Unit.area_id, Assignment.period, MISSING), Unit.line, goal=goal))
        .select_from(Unit)
        .join(Assignment, Assignment.unit_id == Unit.id)
        .join(Metric, and_(Metric.task_id == Assignment.task_id + 0, Metric.id.in_(given("metrics"))))
        .outerjoin(Target, join_target())
        .where(Unit.area_id.in_(_ids(asked, 0)), goal.is_not(None), Assignment.state.not_in(NOT_ASKED))
    )


def _pending(asked: CTE) -> Select[Any]:
    """What has changed since the last fold, for each of the areas that it lies in."""
    mine = select(Assignment.id).where(Assignment.task_id.in_(_tasks()), Assignment.id == FigureTouch.assignment_id)
    moved = touched(TallyDelta.task_id.in_(_tasks()), mine.correlate(FigureTouch).exists())
    climb = climbing(changes(Assignment.id.in_(moved), Metric.id.in_(given("metrics"))), FIGURE, moved=True)
    row = _row((climb.c.metric_id, climb.c.area_id, climb.c.period, climb.c.standing), climb.c.line, climb.c)
    return select(*row).where(climb.c.area_id.in_(_ids(asked, 0)))


def _fresh(asked: CTE) -> Select[Any]:
    """The batches that were dispatched since then: all of them are missing."""
    waiting = and_(Batch.folded.is_(False), Batch.task_id.in_(_tasks()))
    climb = climbing(asked_anew(waiting), ASKED, moved=True)
    row = _row((Metric.id, climb.c.area_id, climb.c.period, MISSING), climb.c.line)
    return (
        select(*(climb.c.n.label("n") if column.name == "n" else column for column in row))
        .select_from(climb)
        .join(Metric, and_(Metric.task_id == climb.c.task_id, Metric.id.in_(given("metrics"))))
        .where(climb.c.area_id.in_(_ids(asked, 0)))
    )


def _at_leaves(place: Place, *, pending: bool) -> Select[Any]:
    """What each assignment in the leaves counts for, in the row with its target: as it was folded, or afresh."""
    mine = Metric.id.in_(given("metrics"))
    rows = reported(true(), mine) if pending else kept(true(), mine)[0].outerjoin(Target, join_target())
    own = type_coerce(own_target(), BigInteger) if place.itself else None
    sums = rows.selected_columns
    row = _row((Metric.id, place.top, Assignment.period, sums.standing), Unit.line, sums, own)
    found = rows.with_only_columns(*row).join(Unit, Unit.id == Assignment.unit_id)
    return place.narrowed(found, issued_for_task(Metric))


def _credits(place: Place, *, pending: bool) -> Select[Any]:
    """What units of other lines did together with units in the leaves."""
    metrics = Metric.id.in_(given("metrics"))
    partner = place.narrowed(select(Unit.id), None)
    named = select(Submission.assignment_id).join(Joint, Joint.submission_id == Submission.id)
    chosen = Assignment.id.in_(named.where(Joint.partner_unit_id.in_(partner)))
    rows = (credited(chosen, metrics) if pending else kept(chosen, metrics)[1]).subquery()
    row = _row((rows.c.metric_id, place.top, rows.c.period, rows.c.standing), Unit.line, rows.c)
    found = select(*row).select_from(rows).join(Unit, Unit.id == rows.c.unit_id)
    return place.narrowed(found, issued_for_metric(rows.c))


def _places(asked: CTE, *, moved: bool) -> list[Place]:
    """The leaf areas asked for, each by itself, and those right below it, since deeper they do not go. `moved`: some
    area stood elsewhere once, so those below are told as of the day of the campaign.

    All begin with a list of areas: SQLite would begin a join with the task, which has every unit of the country.
    """
    leaves, below, former = _ids(asked, 1), aliased(Area), aliased(Placement)
    itself = Place(Unit.area_id, True, Unit.area_id.in_(leaves))
    there = (below.parent_id, False, below.parent_id.in_(leaves), below, below.id == Unit.area_id)
    if not moved:
        return [itself, Place(*there)]
    left = (former.parent_id, False, former.parent_id.in_(leaves), former, former.area_id == Unit.area_id)
    stayed, stood = partial(stayed_since, below), partial(stood_there, former)
    return [itself, Place(*there, then=stayed), Place(*left, then=stood)]
