"""Targets that are said relative to what was become figures when the campaign is issued."""

from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, and_, func, or_, select, type_coerce
from sqlalchemy.orm import aliased

from ..db import DECIMAL_PLACES, db
from ..errors import Refused, say
from ..models import Area, Assignment, Campaign, Metric, Task, TaskLine, Unit
from ..models.contributions import reported
from ..rules.figures import Standing
from ..rules.metrics import KINDS, Aggregation, OverTime, Value
from ..rules.relative import resolve
from ..rules.targets import Relative


def resolve_targets(campaign_id: int) -> None:
    """Sets the target of every metric that has none yet and is relative to what was: the figure that the plan gives of
    then, else what was approved of the metric that it was, in the issuer's area and the lines of the task. Refused
    where neither is known. One statement, and one more for each that looks at a former metric."""
    rows = db.session.execute(
        select(Metric, Task.title)
        .join(Task, Task.id == Metric.task_id)
        .where(Task.campaign_id == campaign_id, Metric.relative != Relative.NOTHING, Metric.target.is_(None))
        .order_by(Task.position, Metric.position)
    ).all()
    for metric, task in rows:
        base = metric.base if metric.base is not None else _approved_then(metric, campaign_id)
        if base is None or metric.change is None:
            sentence = say(
                "The target of “%(metric)s” in “%(task)s” is relative to what was, and nothing is known of then. "
                "Please give the figure of then, or the target itself; then the campaign can be issued.",
                metric=metric.name,
                task=task,
            )
            raise Refused(sentence)
        metric.base, metric.target = base, resolve(metric.relative, metric.change, base, metric.kind)
    db.session.flush()


def _approved_then(metric: Metric, campaign_id: int) -> Decimal | None:
    """What was approved of the metric that it was, added up; None where nothing was, or where it is not added up."""
    former = aliased(Metric)
    was = db.session.execute(select(former).where(former.id == metric.former_metric_id)).scalar_one_or_none()
    if was is None or was.aggregation not in (Aggregation.SUM, Aggregation.RATIO):
        return None
    chosen = Assignment.task_id == was.task_id
    if was.over_time is OverTime.LATEST:
        last = select(func.max(Assignment.period)).where(Assignment.task_id == was.task_id).scalar_subquery()
        chosen = and_(chosen, Assignment.period == last)
    sums = reported(chosen, Metric.id == was.id).subquery()
    home, top, issuer = aliased(Area), aliased(Area), aliased(Unit)
    lines = select(TaskLine.line).where(TaskLine.task_id == metric.task_id)
    every: tuple[Any, ...] = tuple(
        type_coerce(func.sum(sums.c[name], type_=BigInteger), BigInteger)
        for name in ("number", "numerator", "denominator")
    )
    found = db.session.execute(
        select(func.count(), *every)
        .select_from(sums)
        .join(Unit, Unit.id == sums.c.unit_id)
        .join(home, home.id == Unit.area_id)
        .join(Campaign, Campaign.id == campaign_id)
        .join(issuer, issuer.id == Campaign.issuing_unit_id)
        .join(top, and_(top.id == issuer.area_id, home.lft.between(top.lft, top.rgt)))
        .where(sums.c.standing == Standing.APPROVED, sums.c.n > 0, or_(Unit.line.in_(lines), ~lines.exists()))
    ).one()
    if not found[0]:
        return None
    number, part, whole = (Decimal(int(each or 0)).scaleb(-DECIMAL_PLACES) for each in found[1:])
    value = Value(number=number) if was.aggregation is Aggregation.SUM else Value(numerator=part, denominator=whole)
    figure = KINDS[was.kind].figure(value)
    return None if figure is None else figure.quantize(Decimal(1).scaleb(-DECIMAL_PLACES))
