"""What must hold of splits, for `flask check`: breaches where a target is not the one that was given; and, as data,
where the parts do not make up the whole."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, case, func, literal, or_, select
from sqlalchemy.orm import aliased

from ..db import Exact, db
from ..models import Allocation, AllocationTotal, Assignment, Batch, Share, Target
from ..models.splits import granted_since, handed_back, in_force
from ..rules.splitting import Sum
from ..rules.states import CLOSED  # these keep the target under which they were finished

MOST = 100


@dataclass(frozen=True)
class Wrong:
    """An assignment whose target is not what the split in force gave it (None: it has no row)."""

    assignment_id: int
    metric_id: int
    target: Decimal | None
    share: Decimal | None


@dataclass(frozen=True)
class Gap:
    """A split whose parts and reserve are not the total that it split. No breach: somebody decided so."""

    allocation_id: int
    metric_id: int
    sum: Sum


def targets_are_the_shares() -> Iterator[Wrong]:
    """The target of every open assignment is its share in the split in force, or was granted by a decision since; and
    none has one from a former split."""
    given = _given()
    wrong = (
        select(Assignment.id, Share.metric_id, Target.value, Share.value.label("share"))
        .select_from(given)
        .join(Assignment, Assignment.id == given.c.assignment_id)
        .join(Share, and_(Share.allocation_id == given.c.allocation_id, Share.unit_id == Assignment.unit_id))
        .outerjoin(Target, and_(Target.assignment_id == Assignment.id, Target.metric_id == Share.metric_id))
        .where(Target.value.is_distinct_from(Share.value), Target.request_id.is_(None))
    )
    for row in db.session.execute(wrong.order_by(Assignment.id).limit(MOST)):
        yield Wrong(row.id, row.metric_id, row.value, row.share)
    of_now = and_(
        Share.allocation_id == given.c.allocation_id, Share.unit_id == Assignment.unit_id,
        Share.metric_id == Target.metric_id,
    )  # fmt: skip
    left = (
        select(Target.assignment_id, Target.metric_id, Target.value)
        .join(given, given.c.assignment_id == Target.assignment_id)
        .join(Assignment, Assignment.id == Target.assignment_id)
        .outerjoin(Share, of_now)
        .where(Target.allocation_id.is_not(None), Share.value.is_(None))
    )
    for former in db.session.execute(left.order_by(Target.assignment_id).limit(MOST)):
        yield Wrong(former.assignment_id, former.metric_id, former.value, None)


def children_are_not_later() -> Iterator[int]:
    """The ids of assignments that are due later than the one they came out of, though nobody moved it for them."""
    parent = aliased(Assignment)
    late = (
        select(Assignment.id)
        .join(parent, parent.id == Assignment.parent_id)
        .join(Batch, Batch.id == Assignment.batch_id)
        .where(Assignment.due_at > parent.due_at, Assignment.state.not_in(CLOSED), parent.state.not_in(CLOSED))
        .where(Assignment.first_due_at.is_(None), parent.first_due_at.is_(None))
    )
    yield from db.session.execute(late.order_by(Assignment.id).limit(MOST)).scalars()


def gaps() -> Iterator[Gap]:
    """The splits in force that are not even, with what decisions changed since: figures for a report, not breaches."""
    gone = handed_back(Allocation.parent_id, Allocation.task_id)  # such a part is nobody's, and so a gap
    held = case((gone, literal(Decimal(0), Exact())), else_=Share.value)
    parts = (
        select(Share.allocation_id, Share.metric_id, func.sum(held, type_=Exact()).label("given"))
        .join(Allocation, Allocation.id == Share.allocation_id)
        .group_by(Share.allocation_id, Share.metric_id)
        .subquery()
    )
    both = and_(parts.c.allocation_id == AllocationTotal.allocation_id, parts.c.metric_id == AllocationTotal.metric_id)
    rows = db.session.execute(
        select(
            AllocationTotal.allocation_id, AllocationTotal.metric_id, AllocationTotal.total, AllocationTotal.reserve,
            parts.c.given, granted_since(AllocationTotal.metric_id).label("granted"),
        )
        .select_from(AllocationTotal)
        .join(Allocation, and_(Allocation.id == AllocationTotal.allocation_id, in_force()))
        .outerjoin(parts, both)
        .where(AllocationTotal.total.is_not(None))
        .order_by(AllocationTotal.allocation_id, AllocationTotal.metric_id)
    )  # fmt: skip
    for row in rows:
        found = Sum(row.total, (row.given or Decimal(0)) + (row.granted or Decimal(0)), row.reserve)
        if found.gap:
            yield Gap(row.allocation_id, row.metric_id, found)


def _given() -> Any:
    """Each open assignment with the split in force that gives it its part."""
    of = or_(
        Allocation.parent_id == Assignment.parent_id,
        and_(Allocation.parent_id.is_(None), Assignment.parent_id.is_(None), Allocation.task_id == Assignment.task_id),
    )
    return (
        select(Assignment.id.label("assignment_id"), Allocation.id.label("allocation_id"))
        .select_from(Assignment)
        .join(Allocation, of)
        .where(in_force(), Assignment.state.not_in(CLOSED))
        .subquery()
    )
