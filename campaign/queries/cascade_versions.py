"""The versions of a split: who, when, how and why; and what each changed against the one before. Four statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import and_, func, select

from ..db import Exact, db, listed
from ..models import Allocation, AllocationTotal, Metric, Person, Share, Unit
from ..models.organisation import acted_for
from ..models.splits import Whole
from ..rules.splitting import Sum
from ..rules.targets import Method

MOST_VERSIONS = 200


@dataclass(frozen=True)
class Version:
    """One version. `sums`: per metric how its parts stood to the total as it was then."""

    id: int
    version: int
    method: Method
    reason: str
    at: datetime
    who: str
    holder: str | None
    sums: dict[int, Sum]


@dataclass(frozen=True)
class Change:
    """What one unit had of a metric before and after; None for nothing."""

    unit: str
    metric_id: int
    before: Decimal | None
    after: Decimal | None


def versions_of(whole: Whole) -> tuple[Version, ...]:
    """All versions, the latest first."""
    mine = Allocation.parent_id == whole.parent_id
    if whole.parent_id is None:
        mine = and_(Allocation.task_id == whole.task_id, Allocation.parent_id.is_(None))
    rows = db.session.execute(
        select(
            Allocation.id, Allocation.version, Allocation.method, Allocation.reason, Allocation.at,
            Person.name.label("who"), acted_for(Allocation.post_id, Allocation.person_id).label("holder"),
        )
        .join(Person, Person.id == Allocation.person_id)
        .where(mine)
        .order_by(Allocation.version.desc())
        .limit(MOST_VERSIONS)
    ).all()  # fmt: skip
    sums = _sums([row.id for row in rows])
    return tuple(
        Version(
            row.id, row.version, row.method, row.reason, row.at, row.who, row.holder, sums.get(row.id, {})
        )
        for row in rows
    )  # fmt: skip


def changes(version: Version, former: Version | None) -> tuple[Change, ...]:
    """What a version changed against the former one; the first one changed everything. In the order of the tree."""
    ids = [version.id] if former is None else [version.id, former.id]
    rows = db.session.execute(
        select(Share.allocation_id, Share.unit_id, Share.metric_id, Share.value, Unit.name)
        .join(Unit, Unit.id == Share.unit_id)
        .join(Metric, Metric.id == Share.metric_id)
        .where(Share.allocation_id.in_(listed(ids)))
        .order_by(Unit.lft, Unit.id, Metric.position)
    )
    names: dict[tuple[int, int], str] = {}
    held: dict[tuple[int, int], dict[int, Decimal]] = {}
    for row in rows:
        key = row.unit_id, row.metric_id
        names[key] = row.name
        held.setdefault(key, {})[row.allocation_id] = row.value
    found = (
        Change(names[key], key[1], values.get(former.id) if former else None, values.get(version.id))
        for key, values in held.items()
    )
    return tuple(change for change in found if change.before != change.after)


def _sums(ids: Sequence[int]) -> dict[int, dict[int, Sum]]:
    totals = db.session.execute(
        select(AllocationTotal.allocation_id, AllocationTotal.metric_id, AllocationTotal.total, AllocationTotal.reserve)
        .where(AllocationTotal.allocation_id.in_(listed(ids)))
    )  # fmt: skip
    given = db.session.execute(
        select(Share.allocation_id, Share.metric_id, func.sum(Share.value, type_=Exact()).label("value"))
        .where(Share.allocation_id.in_(listed(ids)))
        .group_by(Share.allocation_id, Share.metric_id)
    )
    parts = {(row.allocation_id, row.metric_id): row.value for row in given}
    found: dict[int, dict[int, Sum]] = {}
    for row in totals:
        key = row.allocation_id, row.metric_id
        found.setdefault(row.allocation_id, {})[row.metric_id] = Sum(row.total, parts.get(key, Decimal(0)), row.reserve)
    return found
