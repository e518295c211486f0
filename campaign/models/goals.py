"""What one assignment must reach: its own target row, or that of the metric where it is meant for each unit."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, case, func, null, or_, select, type_coerce
from sqlalchemy.orm import aliased

from ..db import db, listed
from ..rules.metrics import Aggregation
from ..rules.states import NOT_ASKED
from ..rules.targets import Quota
from .assignments import Assignment
from .campaigns import Metric
from .targets import Target


@dataclass(frozen=True)
class Goal:
    """`target`: what this assignment must reach, None where it has no figure of its own. `total`: what all units
    together must reach, as context, where the target of the metric is meant so. `own`: a row says it, after a split or
    from a quota; then `allocation_id` names the split, None for a quota."""

    metric_id: int
    target: Decimal | None
    total: Decimal | None
    own: bool
    allocation_id: int | None


def meant_for_each() -> ColumnElement[bool]:
    """A clause over Metric: its target is what every unit must reach. That of a sum is such only as a quota per unit;
    a rate, a checklist, yes or no go down unchanged."""
    return or_(Metric.aggregation != Aggregation.SUM, Metric.quota == Quota.PER_UNIT)


def own_target() -> ColumnElement[Decimal | None]:
    """What an assignment must reach, NULL for nothing. In a statement over Metric and `join_target()`."""
    return func.coalesce(Target.value, case((meant_for_each(), Metric.target), else_=null()), type_=Target.value.type)


def join_target() -> ColumnElement[bool]:
    """ON clause of the outer join of Target to Assignment and Metric."""
    return and_(Target.assignment_id == Assignment.id, Target.metric_id == Metric.id)


def given_below(asked: Callable[[Any], ColumnElement[bool]] | None = None) -> ColumnElement[int]:
    """Over Assignment and Metric, in ten-thousandths: of a sum, what the units below must reach together, once it was
    split among them. The part of one that is asked no more falls back to who gave it. `asked`: whether the assignment
    below (an alias) is asked, where that is not how it stands today."""
    child, theirs = aliased(Assignment), aliased(Target)
    below = (
        select(func.coalesce(func.sum(type_coerce(theirs.value, BigInteger), type_=BigInteger), 0))
        .join(child, child.id == theirs.assignment_id)
        .where(child.parent_id == Assignment.id, theirs.metric_id == Metric.id)
        .where(child.state.not_in(NOT_ASKED) if asked is None else asked(child))
        .correlate(Assignment, Metric)
        .scalar_subquery()
    )
    return case((Metric.aggregation == Aggregation.SUM, below), else_=0)


def left_to_itself() -> ColumnElement[int]:
    """What the unit of an assignment must reach by itself, in ten-thousandths: its target without those of the units
    below; NULL for nothing. In a statement over Assignment, Metric and `join_target()`."""
    return type_coerce(own_target(), BigInteger) - given_below()


def goals_of(assignment_ids: Iterable[int]) -> dict[int, dict[int, Goal]]:
    """Per assignment and metric id, in the order of the metrics, what must be reached; in one statement, whatever the
    number. What does not exist is left out; an assignment without metrics has an empty dict."""
    rows = db.session.execute(
        select(
            Assignment.id,
            Metric.id.label("metric_id"),
            own_target().label("target"),
            case((meant_for_each(), null()), else_=Metric.target).label("total"),
            Target.value.label("row"),
            Target.allocation_id,
            Metric.quota,
        )
        .outerjoin(Metric, Metric.task_id == Assignment.task_id)
        .outerjoin(Target, join_target())
        .where(Assignment.id.in_(listed(assignment_ids)))
        .order_by(Assignment.id, Metric.position)
    )
    found: dict[int, dict[int, Goal]] = {}
    for row in rows:
        goals = found.setdefault(row.id, {})
        if row.metric_id is not None:
            total = row.total if row.quota is Quota.TOTAL else None
            goals[row.metric_id] = Goal(row.metric_id, row.target, total, row.row is not None, row.allocation_id)
    return found
