"""How many heads a unit has in a register, and the targets that follow from quotas for each of them."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, cast, exists, func, select, type_coerce
from sqlalchemy.orm import aliased

from ..db import Exact, db
from ..rules.metrics import MetricKind
from ..rules.targets import Quota
from .assignments import Assignment
from .campaigns import Metric
from .organisation import Area, Unit
from .targets import RegisterCount, Target

FEN, WHOLE = 100, 10_000  # in the ten-thousandths in which the database keeps a number


def in_force(count: Any = RegisterCount) -> ColumnElement[bool]:
    """A clause over RegisterCount (or an alias of it): no later version says another number."""
    later = aliased(RegisterCount)
    same = and_(later.register_id == count.register_id, later.unit_id == count.unit_id, later.version > count.version)
    return ~exists().where(same)


def heads(register_id: Any) -> ColumnElement[Any]:
    """Over Unit joined with its Area: how many the unit has in that register (an id or a column); where it has no
    number of its own, those of its line below it together. NULL where nobody there was counted."""
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
    return func.coalesce(
        said.correlate(*froms).scalar_subquery(), summed.correlate(*froms).scalar_subquery(), type_=Exact()
    )


def _follows() -> ColumnElement[Any]:
    """The target of a quota in whole ten-thousandths, as `rules/splitting.quota_of` says it."""
    per_head = type_coerce(Metric.target, BigInteger)
    exact = per_head * (type_coerce(heads(Metric.register_id), BigInteger) // WHOLE)
    step = case((Metric.kind == MetricKind.AMOUNT, FEN), else_=WHOLE)
    up: ColumnElement[Any] = ((exact + step - 1) // step) * step
    return up


def quotas_moved(which: ColumnElement[bool]) -> Any:
    """A subquery: the quotas of the chosen assignments (a clause over Assignment and Metric) that are not the targets
    that stand (`stood`; NULL for none). What somebody granted on request stands, whatever the register says."""
    found: Select[Any] = (
        select(
            Assignment.id.label("assignment_id"), Metric.id.label("metric_id"),
            type_coerce(_follows(), Exact()).label("value"), Target.value.label("stood"),
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
