"""The statements of rolled-up figures, put together once for each way to ask.

The folded figures and what is pending are read together, so that a fold in the same moment is seen either wholly or not
at all. Where nothing is pending, what was folded is all there is: of an area its sums, of a leaf what each of its
assignments counts for. While something is pending, the assignments of leaves are counted afresh.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    SmallInteger,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    null,
    or_,
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
    Contribution,
    Figure,
    FigureTouch,
    Joint,
    Metric,
    Placement,
    Submission,
    TallyDelta,
    Target,
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
from ..rules.figures import Standing
from ..rules.organisation import LEAF_LEVELS
from ..rules.states import NOT_ASKED
from .rollup_metrics import Ahead, among, areas_asked, is_leaf, spelt_out, telling

COLUMNS = ("metric_id", "area_id", "period", "standing")
GOALS = ("goals", "goal")  # of how many units the target is, and what it is: NULL where they have none of their own
LINES = 100  # more than there are
PERIOD = bindparam("period", type_=SmallInteger)
MISSING = literal_column(f"CAST({int(Standing.MISSING)} AS SMALLINT)", SmallInteger)
NONE, ONE = (literal_column(f"CAST({number} AS BIGINT)", BigInteger) for number in (0, 1))
NO_GOAL = cast(null(), BigInteger)
NOBODY, SOMEBODY = (literal_column(str(number), Integer) for number in (0, 1))
# Of units that are found by their areas. SQLite would begin with the line, which has every unit of the country: the sum
# keeps it from that.
THEIR_LINE = type_coerce(Unit.line, SmallInteger) + 0
NOTHING = (NOBODY, NOBODY, NONE, NONE, NONE, NONE)  # in the order of SUMS


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


@dataclass(frozen=True)
class Way:
    """How it is asked: of the `lines`, of the turn in the parameters, or of all. `each_line`: the area of a row comes
    with its line, as one number."""

    by_line: bool = False
    by_period: bool = False
    each_line: bool = False

    def key(self, metric: Any, area: Any, line: Any, period: Any, standing: Any) -> tuple[Any, ...]:
        """The first columns of a row."""
        place = area * LINES + type_coerce(line, BigInteger) if self.each_line else area
        return metric, place, period, standing

    def narrowed(self, rows: Select[Any], line: Any, period: Any) -> Select[Any]:
        """Those of the lines and the turn that are asked for."""
        found = rows.where(among(line, "lines")) if self.by_line else rows
        return found.where(type_coerce(period, SmallInteger) == PERIOD) if self.by_period else found


@cache
def folded_figures(_dialect: str, way: Way) -> Rows:
    """The facts of the `metrics` in the parameters, see `rollup_metrics`, and as rows of the same columns what was
    folded for the `areas`; by `lines` and `period` where it is asked so. Rows of the same key belong together.

    Each statement is written once for each way to ask: putting it together costs more than running it. It has as few
    branches and joins as will do: PostgreSQL takes longer to plan them and to set them up than to run them.
    """
    every: Rows = spelt_out(union_all(telling(), _folded(way), _own_units(way), _below_leaves(way)))
    return every


@cache
def figures(_dialect: str, way: Way, ahead: Ahead) -> Rows:
    """The figures without the facts, with everything that lies ahead."""
    asked = areas_asked()
    parts = [_folded(way), _targets(way)]
    if ahead.pending and ahead.above:
        parts += [_pending(way, asked), _fresh(way, asked)]
    if ahead.leaves:
        parts += [_at_leaves(way, place, pending=ahead.pending) for place in _places(asked, moved=ahead.moved)]
    if ahead.leaves and ahead.joint:
        parts += [_credits(way, place, pending=ahead.pending) for place in _places(asked, moved=ahead.moved)]
    rows = union_all(*parts).subquery()
    key = [rows.c[name] for name in COLUMNS]
    sums = [func.sum(rows.c[name], type_=BigInteger).label(name) for name in (*SUMS, "goal")]
    sums.insert(len(SUMS), func.count(rows.c.goal).label("goals"))
    added: Rows = spelt_out(select(*key, *sums).group_by(*key))
    return added


def _row(key: tuple[Any, ...], sums: Sequence[Any] = NOTHING, goal: Any = None) -> list[Any]:
    """The columns of a part: the key, the sums, and the target of an own unit. Their types are those of the facts."""
    return [*key, *sums, ONE, NO_GOAL if goal is None else goal]


def _sums(source: Any) -> list[Any]:
    return [type_coerce(getattr(source, name), BigInteger) for name in SUMS]


def _folded(way: Way) -> Select[Any]:
    """Of leaf areas there is none."""
    standing = type_coerce(Figure.standing, SmallInteger)
    key = way.key(Figure.metric_id, Figure.area_id, Figure.line, Figure.period, standing)
    named = zip(
        _row(key, _sums(Figure)), (*COLUMNS, *SUMS, *GOALS), strict=True
    )  # the first of those that are added up
    rows = select(*(column.label(name) for column, name in named))
    rows = rows.where(among(Figure.metric_id, "metrics"), among(Figure.area_id, "areas"))
    return way.narrowed(rows, Figure.line, Figure.period)


def _measured(units: Select[Any]) -> Select[Any]:
    """From units on to the metrics that are asked for, of each of their assignments. SQLite would begin with the task,
    which has every unit of the country: the sum keeps it from that."""
    mine = and_(Metric.task_id == Assignment.task_id + 0, among(Metric.id, "metrics"))
    return units.join(Assignment, Assignment.unit_id == Unit.id).join(Metric, mine)


def _own_units(way: Way) -> Select[Any]:
    """What the units of the areas themselves must reach; and what those of leaves count for, as it was folded."""
    leaf, goal = Unit.level.in_(LEAF_LEVELS), type_coerce(own_target(), BigInteger)
    n, *sums = _counted()
    key = way.key(Metric.id, Unit.area_id, Unit.line, Assignment.period, _standing())
    row = _row(key, (case((leaf, n), else_=NOBODY), *sums), goal)
    rows = _measured(select(*row).select_from(Unit)).outerjoin(Target, join_target())
    rows = rows.outerjoin(Contribution, _own_contribution(case((leaf, Assignment.id))))  # nothing to find for others
    rows = rows.where(among(Unit.area_id, "areas"), or_(leaf, and_(goal.is_not(None), _is_asked())))
    return way.narrowed(rows, Unit.line, Assignment.period)


def _below_leaves(way: Way) -> Select[Any]:
    """What the units right below leaves count for; deeper they do not go."""
    leaf, below = aliased(Area), aliased(Area)
    row = _row(way.key(Metric.id, leaf.id, Unit.line, Assignment.period, _standing()), _counted())
    units = select(*row).select_from(leaf).join(below, below.parent_id == leaf.id).join(Unit, Unit.area_id == below.id)
    rows = _measured(units).outerjoin(Contribution, _own_contribution(Assignment.id))
    rows = rows.where(among(leaf.id, "areas"), leaf.level.in_(LEAF_LEVELS))
    return way.narrowed(rows, THEIR_LINE, Assignment.period)


def _own_contribution(assignment_id: Any) -> ColumnElement[bool]:
    return and_(
        Contribution.assignment_id == assignment_id,
        Contribution.metric_id == Metric.id,
        Contribution.unit_id == Assignment.unit_id,
    )


def _standing() -> ColumnElement[int]:
    return func.coalesce(type_coerce(Contribution.standing, SmallInteger), MISSING)


def _counted() -> list[ColumnElement[int]]:
    """The sums of a contribution; what was never folded with a report counts as one that is missing."""
    n, *sums = (type_coerce(getattr(Contribution, name), BigInteger) for name in SUMS)
    return [func.coalesce(n, SOMEBODY), *(func.coalesce(each, NOBODY) for each in sums)]


def _is_asked() -> ColumnElement[bool]:
    return Assignment.state.not_in(NOT_ASKED)


def _targets(way: Way) -> Select[Any]:
    """What the units of the areas themselves must reach, as rows without any sum. Not of leaves."""
    goal = type_coerce(own_target(), BigInteger)
    row = _row(way.key(Metric.id, Unit.area_id, Unit.line, Assignment.period, MISSING), goal=goal)
    rows = _measured(select(*row).select_from(Unit)).outerjoin(Target, join_target())
    rows = rows.where(among(Unit.area_id, "areas"), Unit.level.not_in(LEAF_LEVELS), goal.is_not(None), _is_asked())
    return way.narrowed(rows, Unit.line, Assignment.period)


def _ids(asked: CTE, leaf: int) -> Select[tuple[int]]:
    return select(asked.c.id).where(is_leaf(asked) == leaf)


def _tasks() -> Select[Any]:
    return select(Metric.task_id).where(among(Metric.id, "metrics"))


def _pending(way: Way, asked: CTE) -> Select[Any]:
    """What has changed since the last fold, for each of the areas that it lies in."""
    mine = select(Assignment.id).where(Assignment.task_id.in_(_tasks()), Assignment.id == FigureTouch.assignment_id)
    moved = touched(TallyDelta.task_id.in_(_tasks()), mine.correlate(FigureTouch).exists())
    climb = climbing(changes(Assignment.id.in_(moved), among(Metric.id, "metrics")), FIGURE, moved=True)
    row = _row(
        way.key(climb.c.metric_id, climb.c.area_id, climb.c.line, climb.c.period, climb.c.standing), _sums(climb.c)
    )
    return way.narrowed(select(*row).where(climb.c.area_id.in_(_ids(asked, 0))), climb.c.line, climb.c.period)


def _fresh(way: Way, asked: CTE) -> Select[Any]:
    """The batches that were dispatched since then: all of them are missing."""
    waiting = and_(Batch.folded.is_(False), Batch.task_id.in_(_tasks()))
    climb = climbing(asked_anew(waiting), ASKED, moved=True)
    row = _row(way.key(Metric.id, climb.c.area_id, climb.c.line, climb.c.period, MISSING), (climb.c.n, *NOTHING[1:]))
    mine = and_(Metric.task_id == climb.c.task_id, among(Metric.id, "metrics"))
    rows = select(*row).select_from(climb).join(Metric, mine).where(climb.c.area_id.in_(_ids(asked, 0)))
    return way.narrowed(rows, climb.c.line, climb.c.period)


def _at_leaves(way: Way, place: Place, *, pending: bool) -> Select[Any]:
    """What each assignment in the leaves counts for, in the row with its target: as it was folded, or afresh."""
    mine = among(Metric.id, "metrics")
    rows = reported(true(), mine) if pending else kept(true(), mine)[0].outerjoin(Target, join_target())
    own = type_coerce(own_target(), BigInteger) if place.itself else None
    sums = rows.selected_columns
    row = _row(way.key(Metric.id, place.top, Unit.line, Assignment.period, sums.standing), _sums(sums), own)
    found = rows.with_only_columns(*row).join(Unit, Unit.id == Assignment.unit_id)
    return way.narrowed(place.narrowed(found, issued_for_task(Metric)), THEIR_LINE, Assignment.period)


def _credits(way: Way, place: Place, *, pending: bool) -> Select[Any]:
    """What units of other lines did together with units in the leaves."""
    metrics = among(Metric.id, "metrics")
    partner = place.narrowed(select(Unit.id), None)
    named = select(Submission.assignment_id).join(Joint, Joint.submission_id == Submission.id)
    chosen = Assignment.id.in_(named.where(Joint.partner_unit_id.in_(partner)))
    rows = (credited(chosen, metrics) if pending else kept(chosen, metrics)[1]).subquery()
    row = _row(way.key(rows.c.metric_id, place.top, Unit.line, rows.c.period, rows.c.standing), _sums(rows.c))
    found = select(*row).select_from(rows).join(Unit, Unit.id == rows.c.unit_id)
    return way.narrowed(place.narrowed(found, issued_for_metric(rows.c)), THEIR_LINE, rows.c.period)


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
