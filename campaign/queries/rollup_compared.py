"""Beside a rolled-up figure: the baseline of the same area, and the units by name that do not meet yet."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, and_, case, func, or_, select, true, type_coerce

from ..db import db, listed
from ..models import Area, Assignment, Baseline, Batch, Contribution, Metric, Unit
from ..rules.figures import Standing
from ..rules.metrics import Value
from ..rules.organisation import Line
from ..rules.states import NOT_ASKED, State
from .rollup_facts import exact

PAGE = 50


@dataclass(frozen=True)
class Before:
    """The baselines of an area added up; rates as sum over sum. `units`: how many units have one."""

    value: Value
    units: int


def baselines_in(
    metric_ids: Sequence[int], area_ids: Sequence[int], *, lines: Sequence[Line] | None = None
) -> dict[tuple[int, int], Before]:
    """(metric, area) -> the baselines of the units below it, also of areas that ended there and named one below it as
    their successor. Only where there is any. One statement, over all baselines of these metrics."""
    if not metric_ids or not area_ids:
        return {}
    home, follower, top = Area.__table__.alias("home"), Area.__table__.alias("follower"), Area.__table__.alias("top")
    place = func.coalesce(follower.c.lft, home.c.lft)  # who was merged counts where its successor stands
    sums = [func.sum(type_coerce(column, BigInteger)) for column in (
        Baseline.number, Baseline.numerator, Baseline.denominator,
    )]  # fmt: skip
    rows = db.session.execute(
        select(Baseline.metric_id, top.c.id, func.count(), *sums)
        .join(Unit, Unit.id == Baseline.unit_id)
        .join(home, home.c.id == Unit.area_id)
        .outerjoin(follower, follower.c.id == home.c.successor_id)
        .join(top, and_(top.c.id.in_(listed(area_ids)), place.between(top.c.lft, top.c.rgt)))
        .where(Baseline.metric_id.in_(metric_ids), true() if lines is None else Unit.line.in_(lines))
        .group_by(Baseline.metric_id, top.c.id)
    )
    found: dict[tuple[int, int], Before] = {}
    for metric, area, units, *sums_there in rows:
        number, numerator, denominator = (None if part is None else exact(int(part)) for part in sums_there)
        found[metric, area] = Before(Value(number, numerator, denominator), int(units))
    return found


@dataclass(frozen=True)
class Unmet:
    """A unit that is asked and does not meet yet."""

    assignment_id: int
    unit_id: int
    unit_name: str
    state: State
    lft: int


def unmet_units(
    metric_id: int,
    area_id: int,
    *,
    lines: Sequence[Line] | None = None,
    period: int | None = None,
    after: tuple[int, int] | None = None,
    most: int | None = PAGE,
) -> list[Unmet]:
    """The units below the area whose approved figure does not meet what they must reach, or that have none, in the
    order of the tree of today, after that place (lft, unit); one more than a page where there are more.

    As last folded, so up to two seconds old. `period` None: the latest turn that was dispatched.
    """
    top = db.session.execute(
        select(Area.lft, Area.rgt, Metric.task_id, func.max(Batch.period))
        .select_from(Area)
        .join(Metric, Metric.id == metric_id)
        .outerjoin(Batch, Batch.task_id == Metric.task_id)
        .where(Area.id == area_id)
        .group_by(Area.lft, Area.rgt, Metric.task_id)
    ).first()
    if top is None or (lines is not None and not lines):
        return []
    lft, rgt, task_id, last = top
    same = and_(
        Contribution.assignment_id == Assignment.id, Contribution.metric_id == metric_id,
        Contribution.unit_id == Assignment.unit_id,
    )  # fmt: skip
    meets = and_(Contribution.standing == Standing.APPROVED, Contribution.met > 0)
    query = (
        select(Assignment.id, Unit.id, Unit.name, Assignment.state, Unit.lft)
        .select_from(Unit)
        .join(Assignment, and_(Assignment.unit_id == Unit.id, Assignment.task_id == task_id))
        .outerjoin(Contribution, same)
        .where(
            Unit.lft.between(lft, rgt), Assignment.period == (last or 0 if period is None else period),
            Assignment.state.not_in(NOT_ASKED), case((meets, 0), else_=func.coalesce(Contribution.n, 1)) > 0,
            true() if lines is None else Unit.line.in_(lines), _beyond(after),
        )
        .order_by(Unit.lft, Unit.id)
    )  # fmt: skip
    rows = db.session.execute(query if most is None else query.limit(most + 1))
    return [Unmet(*row) for row in rows]


def _beyond(after: tuple[int, int] | None) -> ColumnElement[bool]:
    if after is None:
        return true()
    return or_(Unit.lft > after[0], and_(Unit.lft == after[0], Unit.id > after[1]))
