"""What a total can be split by: how many each unit has in a register, and what it reached last year."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import aliased

from ..db import Exact, db, listed
from ..models import Area, Assignment, Baseline, Metric, MetricValue, Submission, Unit
from ..models.quotas import heads
from ..rules.metrics import OverTime
from ..rules.states import State


def by_register(register_id: int, unit_ids: Iterable[int]) -> dict[int, Decimal]:
    """How many each of these units has in the register, itself or all below it; who was not counted is left out."""
    n = heads(register_id)
    rows = db.session.execute(
        select(Unit.id, n.label("n")).join(Area, Area.id == Unit.area_id).where(Unit.id.in_(listed(unit_ids)))
    )
    return {row.id: row.n for row in rows if row.n is not None}


def by_last_year(metric_id: int, unit_ids: Iterable[int]) -> dict[int, Decimal]:
    """What each of these units had before: the frozen baseline where there is one, else the approved figures of the
    former metric, its own and those of its line below it. Who reported nothing is left out. Two statements."""
    ids = list(unit_ids)
    former = db.session.execute(select(Metric.former_metric_id).where(Metric.id == metric_id)).scalar_one_or_none()
    found = {} if former is None else _approved(former, ids)
    frozen = select(Baseline.unit_id, Baseline.number).where(
        Baseline.metric_id == metric_id, Baseline.unit_id.in_(listed(ids)), Baseline.number.is_not(None)
    )
    return found | {row.unit_id: row.number for row in db.session.execute(frozen)}


def _approved(metric_id: int, unit_ids: list[int]) -> dict[int, Decimal]:
    below, here = aliased(Unit), aliased(Area)
    inside = and_(below.line == Unit.line, below.lft >= here.lft, below.lft <= here.rgt)
    rows = db.session.execute(
        select(Unit.id, func.sum(MetricValue.number, type_=Exact()).label("n"))
        .join(here, here.id == Unit.area_id)
        .join(below, inside)
        .join(Assignment, Assignment.unit_id == below.id)
        .join(Metric, Metric.task_id == Assignment.task_id)
        .join(Submission, and_(Submission.assignment_id == Assignment.id, _latest()))
        .join(MetricValue, and_(MetricValue.submission_id == Submission.id, MetricValue.metric_id == Metric.id))
        .where(Unit.id.in_(listed(unit_ids)), Metric.id == metric_id, Assignment.state == State.APPROVED, _counts())
        .group_by(Unit.id)
    )
    return {row.id: row.n for row in rows if row.n is not None}


def _latest() -> ColumnElement[bool]:
    later = aliased(Submission)
    return ~(
        select(later.id)
        .where(later.assignment_id == Submission.assignment_id, later.number > Submission.number)
        .correlate(Submission)
        .exists()
    )


def _counts() -> ColumnElement[Any]:
    """Of figures that are not added up over time the latest period counts, of the others every one."""
    later = aliased(Assignment)
    newer = (
        select(later.id)
        .where(
            later.task_id == Assignment.task_id, later.unit_id == Assignment.unit_id,
            later.period > Assignment.period, later.state == State.APPROVED,
        )
        .correlate(Assignment)
        .exists()
    )  # fmt: skip
    return (Metric.over_time == OverTime.SUM) | ~newer
