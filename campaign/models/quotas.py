"""How many heads a unit has in a register, and the targets that follow from quotas for each of them."""

from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import aliased

from ..db import Exact, db
from ..rules.metrics import MetricKind
from ..rules.targets import Quota
from .assignments import Assignment
from .campaigns import Metric
from .climbing import Shape, anything_moved, climbing, issued_for_metric
from .organisation import Area, Placement, Unit
from .targets import RegisterCount, Target

FEN, WHOLE = 100, 10_000  # in the ten-thousandths in which the database keeps a number
NOBODY = -1  # in place of a number of heads: nobody was counted there
STRAYED = Shape(("metric_id",), ("n", "units"), issued_for_metric)


def in_force(count: Any = RegisterCount) -> ColumnElement[bool]:
    """A clause over RegisterCount (or an alias of it): no later version says another number."""
    later = aliased(RegisterCount)
    same = and_(later.register_id == count.register_id, later.unit_id == count.unit_id, later.version > count.version)
    return ~exists().where(same)


def heads(register_id: Any, apart: CTE | None = None) -> ColumnElement[Any]:
    """Over Unit joined with its Area: how many the unit has in that register (an id or a column); where it has no
    number of its own, those of its line below it together. NULL where nobody there was counted. Below it is by the
    tree of today; with what `stood_apart` tells, in a statement over Metric, by that of the day of the campaign."""
    own = aliased(RegisterCount)
    said = select(own.n).where(own.register_id == register_id, own.unit_id == Unit.id, in_force(own))
    each, below = aliased(RegisterCount), aliased(Unit)
    summed = (
        select(cast(func.sum(each.n), BigInteger))  # PostgreSQL adds up to a numeric
        .join(below, below.id == each.unit_id)
        .where(
            each.register_id == register_id, in_force(each), below.line == Unit.line,
            below.lft > Area.lft, below.lft <= Area.rgt,
        )
    )  # fmt: skip
    froms = (Unit, Area, Metric)
    known = [each.correlate(*froms).scalar_subquery() for each in (said, summed)]
    if apart is None:
        return func.coalesce(*known, type_=Exact())
    return func.nullif(func.coalesce(known[0], heads_of(apart, Unit.id), known[1]), NOBODY, type_=Exact())


def heads_of(apart: CTE, unit_id: Any) -> ColumnElement[Any]:
    """What `stood_apart` tells of a unit and Metric; NULL where it tells nothing. One SELECT, for what stands deep."""
    unit = aliased(Unit)
    here = and_(unit.area_id == apart.c.area_id, unit.line == apart.c.line)
    rows = select(apart.c.n).join(unit, here).where(unit.id == unit_id, apart.c.metric_id == Metric.id)
    return rows.correlate_except(apart, unit).scalar_subquery()


def counts_until(moment: ColumnElement[Any] | None = None) -> CTE:
    """What the registers said at that moment, None for now: rows of register_id, unit_id and n. Apart from the
    statement that asks, since SQLite reads only so much that stands within each other; in each statement once."""
    later = aliased(RegisterCount)
    same = (later.register_id == RegisterCount.register_id, later.unit_id == RegisterCount.unit_id)
    newer = exists().where(*same, later.version > RegisterCount.version)
    known: ColumnElement[bool] = true()
    if moment is not None:
        newer, known = newer.where(later.at <= moment), RegisterCount.at <= moment
    found = select(RegisterCount.register_id, RegisterCount.unit_id, RegisterCount.n).where(known, ~newer)
    return found.cte("counts_until").prefix_with("NOT MATERIALIZED")


def stood_apart(counts: CTE) -> CTE:
    """How many heads the units had below them on the day of a campaign, of the registers behind its quotas, where other
    units stand there today because areas moved: rows of metric_id, area_id, line and n, in ten-thousandths. NOBODY
    where nobody counted stood there. `counts`: as `counts_until` tells them."""
    apart = _strayed(counts)
    count, below = counts.c, aliased(Unit)
    now, units = (
        select(func.coalesce(cast(total(type_coerce(count.n, BigInteger)), BigInteger), 0))
        .join(below, below.id == count.unit_id)
        .where(
            count.register_id == Metric.register_id, below.line == apart.c.line,
            below.lft > Area.lft, below.lft <= Area.rgt,
        )
        .correlate(Metric, Area, apart)
        .scalar_subquery()
        for total in (func.sum, func.count)
    )  # fmt: skip
    n = case((units + apart.c.units > 0, now + apart.c.n), else_=NOBODY)
    return (
        select(apart.c.metric_id, apart.c.area_id, apart.c.line, n.label("n"))
        .join(Metric, Metric.id == apart.c.metric_id)
        .join(Area, Area.id == apart.c.area_id)
        .cte()
    )


def _strayed(counts: CTE) -> Any:
    """By how much more, or less, the areas above units that moved had on the day than they have today: rows of
    metric_id, area_id, line, n and units; what comes to nothing is left out."""
    count, unit, area = counts, aliased(Unit), aliased(Area)
    inside = select(unit.id).join(area, unit.lft.between(area.lft, area.rgt))
    inside = inside.join(Placement, Placement.area_id == area.id)
    n = type_coerce(count.c.n, BigInteger)
    rows = (
        select(Metric.id.label("metric_id"), count.c.unit_id, n.label("n"), literal(1, BigInteger).label("units"))
        .join(count, count.c.register_id == Metric.register_id)
        .where(Metric.quota == Quota.PER_PERSON, count.c.unit_id.in_(inside))
    )
    parts = []
    for moved, sign in ((True, 1), (False, -1)):
        climb = climbing(rows, STRAYED, moved=moved)
        signed = ((climb.c[name] * sign).label(name) for name in STRAYED.sums)
        parts.append(select(climb.c.metric_id, climb.c.area_id, climb.c.line, *signed))
    both = union_all(*parts).subquery()
    key = (both.c.metric_id, both.c.area_id, both.c.line)
    sums = [cast(func.sum(both.c[name]), BigInteger) for name in STRAYED.sums]
    named = (each.label(name) for each, name in zip(sums, STRAYED.sums, strict=True))
    return select(*key, *named).group_by(*key).having(or_(*(each != 0 for each in sums))).subquery()


def _follows(apart: CTE | None) -> ColumnElement[Any]:
    """The target of a quota in whole ten-thousandths, as `rules/splitting.quota_of` says it."""
    per_head = type_coerce(Metric.target, BigInteger)
    exact = per_head * (type_coerce(heads(Metric.register_id, apart), BigInteger) // WHOLE)
    step = case((Metric.kind == MetricKind.AMOUNT, FEN), else_=WHOLE)
    up: ColumnElement[Any] = ((exact + step - 1) // step) * step
    return up


def quotas_moved(which: ColumnElement[bool]) -> Any:
    """A subquery: the quotas of the chosen assignments (a clause over Assignment and Metric) that are not the targets
    that stand (`stood`; NULL for none), by the tree of the campaign's day. What somebody granted on request stands,
    whatever the register says. Asks first whether any area moved."""
    apart = stood_apart(counts_until()) if anything_moved() else None
    found: Select[Any] = (
        select(
            Assignment.id.label("assignment_id"), Metric.id.label("metric_id"),
            type_coerce(_follows(apart), Exact()).label("value"), Target.value.label("stood"),
        )
        .join(Metric, Metric.task_id == Assignment.task_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Area, Area.id == Unit.area_id)
        .outerjoin(Target, and_(Target.assignment_id == Assignment.id, Target.metric_id == Metric.id))
        .where(
            which, Metric.quota == Quota.PER_PERSON, Metric.register_id.is_not(None), Metric.target.is_not(None),
            Target.request_id.is_(None),
        )
    )  # fmt: skip
    quotas = found.subquery()
    moved = and_(quotas.c.value.is_not(None), quotas.c.value.is_distinct_from(quotas.c.stood))
    return select(quotas).where(moved).subquery()


def has_quotas(which: ColumnElement[bool]) -> bool:
    """Whether any metric (a clause over Metric) asks for so much per person of a register."""
    found = select(Metric.id).where(which, Metric.quota == Quota.PER_PERSON, Metric.register_id.is_not(None)).limit(1)
    return db.session.execute(found).first() is not None
