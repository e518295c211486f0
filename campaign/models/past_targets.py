"""What an assignment had to reach at a moment in the past: by a split, a granted dispute, or a register of that time.

Splits and counts of registers are kept in versions, and a granted dispute keeps what the target was before it.
"""

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
    null,
    or_,
    select,
)
from sqlalchemy import type_coerce as coerced
from sqlalchemy.orm import aliased

from ..db import Exact
from ..rules.metrics import MetricKind
from ..rules.requests import GIVEN
from ..rules.states import CLOSED
from ..rules.targets import Quota
from .assignments import Assignment
from .campaigns import Metric
from .goals import meant_for_each, own_target
from .organisation import Area, Unit
from .quotas import FEN, NOBODY, WHOLE, counts_until, heads_of, stood_apart
from .requests import Proposal, Request
from .targets import Allocation, Share, Target

NEVER = literal(-1, BigInteger)


def target_at(moment: ColumnElement[Any], *, moved: bool) -> ColumnElement[Any]:
    """What an assignment had to reach then, NULL for nothing. In a statement over Assignment, Metric and Target.

    What was finished by then and is so today keeps what it was finished under. Else the latest of the split and the
    grant before that moment says it. Where there was none yet, a quota for each person follows the register of then;
    else the first grant since names what it replaced, and before a first split the target of the metric counted, where
    that is meant for each unit. What a register says of an assignment that was finished before it was counted again,
    and opened again since, is not told apart. `moved`: whether any area moved since its campaign was issued. Called
    once for a statement, which may use it often.
    """
    split, granted = _splits(), _grants()
    last_split = split.where(Allocation.at <= moment).order_by(Allocation.version.desc()).limit(1)
    last_grant = granted.where(Request.decided_at <= moment).order_by(Request.decided_at.desc()).limit(1)
    next_grant = granted.where(Request.decided_at > moment).order_by(Request.decided_at).limit(1)
    split_at, grant_at = (
        func.coalesce(_one(each.with_only_columns(coerced(at, BigInteger))), NEVER)
        for each, at in ((last_split, Allocation.at), (last_grant, Request.decided_at))
    )
    replaced = next_grant.with_only_columns(Proposal.was)
    split_since = exists(split.where(Allocation.at > moment)).correlate(Assignment, Metric)
    for_each = case((meant_for_each(), Metric.target), else_=null())
    stood = case((and_(Target.allocation_id.is_(None), Target.request_id.is_(None)), Target.value), else_=null())
    alone = func.coalesce(case((~split_since, func.coalesce(_one(replaced), stood))), for_each)
    finished = and_(Assignment.state.in_(CLOSED), Assignment.since <= moment)
    told = case(
        (finished, own_target()),
        (and_(grant_at >= split_at, grant_at >= 0), _one(last_grant.with_only_columns(Proposal.value))),
        (split_at >= 0, _one(last_split.with_only_columns(Share.value))),
        (_by_heads(), _quota(moment, moved)),
        else_=alone,
    )
    return coerced(told, Exact())


def _one(rows: Select[Any]) -> ColumnElement[Any]:
    return rows.correlate(Assignment, Metric).scalar_subquery()


def _splits() -> Select[Any]:
    """What every version of the split above gave the unit."""
    same = or_(
        Allocation.parent_id == Assignment.parent_id,
        and_(Allocation.parent_id.is_(None), Assignment.parent_id.is_(None)),
    )
    return (
        select(Share.value)
        .join(Allocation, Allocation.id == Share.allocation_id)
        .where(
            Share.unit_id == Assignment.unit_id, Share.metric_id == Metric.id, Allocation.task_id == Assignment.task_id,
            Allocation.period == Assignment.period, same,
        )
        .correlate(Assignment, Metric)
    )  # fmt: skip


def _grants() -> Select[Any]:
    """What every granted dispute gave it."""
    return (
        select(Proposal.value)
        .join(Request, Request.id == Proposal.request_id)
        .where(
            Request.assignment_id == Assignment.id, Proposal.metric_id == Metric.id, Request.decision.in_(GIVEN)
        )
        .correlate(Assignment, Metric)
    )  # fmt: skip


def _by_heads() -> ColumnElement[bool]:
    return and_(Metric.quota == Quota.PER_PERSON, Metric.register_id.is_not(None), Metric.target.is_not(None))


def _quota(moment: ColumnElement[Any], moved: bool) -> ColumnElement[Any]:
    """So much for each person whom the register counted by then, as `models/quotas.py` says it of now."""
    counts = counts_until(moment)
    own, below = _counted(counts)
    counted: ColumnElement[Any] = func.coalesce(own, below)
    if moved:
        then = heads_of(stood_apart(counts), Assignment.unit_id)
        counted = func.nullif(func.coalesce(own, then, below), NOBODY)
    exact = coerced(Metric.target, BigInteger) * (coerced(counted, BigInteger) // WHOLE)
    step = case((Metric.kind == MetricKind.AMOUNT, FEN), else_=WHOLE)
    up: ColumnElement[Any] = ((exact + step - 1) // step) * step
    return up


def _counted(counts: CTE) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """How many the unit itself had in the register, and those of its line below it together, by the tree of today."""
    count, unit, below, area = counts, aliased(Unit), aliased(Unit), aliased(Area)
    number = select(cast(func.sum(coerced(count.c.n, BigInteger)), BigInteger)).select_from(count)
    number = number.where(count.c.register_id == Metric.register_id)
    inside = and_(below.line == unit.line, below.lft > area.lft, below.lft <= area.rgt)
    joined = (
        number.join(below, below.id == count.c.unit_id)
        .join(unit, unit.id == Assignment.unit_id)
        .join(area, area.id == unit.area_id)
        .where(inside)
    )
    return _one(number.where(count.c.unit_id == Assignment.unit_id)), _one(joined)
