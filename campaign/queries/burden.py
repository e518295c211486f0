"""The load before a dispatch: what units carry per week, what a task would add, and what they have reported already.

One statement each, however many units there are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import aliased

from ..db import db, listed
from ..models import Assignment, EvidenceRule, Metric, MetricValue, Submission, Task, Unit
from ..rules.burden import TWO_PARTS, Ask, Burden, burden
from ..rules.metrics import MetricKind
from ..rules.organisation import Actor
from ..rules.plans import EvidenceKind
from ..rules.states import WITH_OFFICER, State
from .scope import visible_units

PHOTOS = (EvidenceKind.PHOTO, EvidenceKind.ANY)
WORDS = (MetricKind.TEXT, MetricKind.CHECKLIST)


@dataclass(frozen=True)
class Carried:
    """What a unit carries now. `open`: this reader may see its page."""

    load: Burden
    open: bool


def loads_of(unit_ids: Iterable[int], *, actor: Actor, now: datetime) -> dict[int, Carried]:
    """What each of these units carries: its assignments that wait for it, by task and date. One statement."""
    waiting = and_(Assignment.unit_id == Unit.id, Assignment.state.in_(WITH_OFFICER))
    seen = case((visible_units(actor), 1), else_=0).label("seen")
    rows = db.session.execute(
        select(Unit.id, seen, Assignment.due_at, _fields(), _photos(), func.count(Assignment.id).label("n"))
        .outerjoin(Assignment, waiting)
        .outerjoin(Task, Task.id == Assignment.task_id)
        .where(Unit.id.in_(listed(unit_ids)))
        .group_by(Unit.id, Assignment.due_at, Task.id)
    )
    asks: dict[int, list[Ask]] = {}
    opens = {}
    for row in rows:
        opens[row.id] = bool(row.seen)
        found = asks.setdefault(row.id, [])
        if row.n:
            found.append(Ask(row.due_at, int(row.fields), int(row.photos), row.n))
    return {unit_id: Carried(burden(found, now), opens[unit_id]) for unit_id, found in asks.items()}


def ask_of(task_id: int, due_at: datetime | None) -> Ask:
    """What one assignment of the task would ask. One statement."""
    row = db.session.execute(select(_fields(), _photos()).select_from(Task).where(Task.id == task_id)).one()
    return Ask(due_at, int(row.fields), int(row.photos))


def reported_already(task_id: int, receives: ColumnElement[bool], *, since: datetime) -> list[tuple[str, int]]:
    """Metrics of the task that units among the receivers (a clause over Unit) have reported under the same name, kind
    and unit of measure for another task since then: (name, how many units). One statement; by the rule by which the
    officer's form fills them in."""
    wanted, later = aliased(Metric), aliased(Submission)
    alike = and_(
        wanted.task_id == task_id, wanted.name == Metric.name, wanted.kind == Metric.kind,
        wanted.unit_of_measure == Metric.unit_of_measure, wanted.kind.not_in(WORDS),
    )  # fmt: skip
    newer = select(later.id).where(later.assignment_id == Submission.assignment_id, later.number > Submission.number)
    rows = db.session.execute(
        select(wanted.name, func.count(Unit.id.distinct()))
        .select_from(wanted)
        .join(Metric, and_(alike, Metric.task_id != task_id))
        .join(MetricValue, MetricValue.metric_id == Metric.id)
        .join(Submission, Submission.id == MetricValue.submission_id)
        .join(Assignment, Assignment.id == Submission.assignment_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(
            receives, Submission.at >= since, Assignment.state.in_((State.SUBMITTED, State.APPROVED)), ~newer.exists()
        )
        .group_by(wanted.id, wanted.name, wanted.position)
        .order_by(wanted.position)
    )
    return [(name, n) for name, n in rows]


def _fields() -> Any:
    both = case((Metric.kind.in_(TWO_PARTS), 2), else_=1)
    found = select(func.coalesce(func.sum(both), 0)).where(Metric.task_id == Task.id)
    return found.correlate(Task).scalar_subquery().label("fields")


def _photos() -> Any:
    asked = and_(EvidenceRule.task_id == Task.id, EvidenceRule.kind.in_(PHOTOS))
    found = select(func.coalesce(func.sum(EvidenceRule.min_count), 0)).where(asked)
    return found.correlate(Task).scalar_subquery().label("photos")
