"""The baselines of a metric as its issuer sees them: whose figure was frozen, from where, and who has none yet."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import and_, func, or_, select

from ..db import db
from ..models import Assignment, Baseline, Campaign, Metric, Task, Unit
from ..rules.metrics import MetricKind, Value
from ..rules.targets import Compares

PAGE = 50


@dataclass(frozen=True)
class Compared:
    """A metric that is compared with a baseline. `former`: it says what it was last year. `units`, `frozen`: how many
    units are asked, and how many have a baseline."""

    id: int
    name: str
    kind: MetricKind
    unit_of_measure: str
    money_places: int
    task_title: str
    former: bool
    units: int
    frozen: int


@dataclass(frozen=True)
class Row:
    """The baseline of one unit."""

    unit_id: int
    unit_name: str
    value: Value
    source: str
    at: datetime
    lft: int


def compared(metric_id: int, campaign_id: int) -> Compared | None:
    """The metric of that campaign; None where it has no such one that is compared with a baseline."""
    asked = select(func.count(Assignment.unit_id.distinct())).where(Assignment.task_id == Task.id).scalar_subquery()
    frozen = select(func.count()).where(Baseline.metric_id == Metric.id).scalar_subquery()
    row = db.session.execute(
        select(
            Metric.id, Metric.name, Metric.kind, Metric.unit_of_measure, Metric.money_places, Task.title,
            Metric.former_metric_id.is_not(None), asked, frozen,
        )
        .join(Task, Task.id == Metric.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .where(Metric.id == metric_id, Campaign.id == campaign_id, Metric.compares == Compares.BASELINE)
    ).one_or_none()  # fmt: skip
    return None if row is None else Compared(*row)


def baselines_of(metric_id: int, *, after: tuple[int, int] | None = None, most: int | None = PAGE) -> list[Row]:
    """The baselines in the order of the tree, after that place in it (lft, unit); one more than a page where there are
    more."""
    query = (
        select(
            Unit.id, Unit.name, Baseline.number, Baseline.numerator, Baseline.denominator, Baseline.source,
            Baseline.at, Unit.lft,
        )
        .join(Baseline, and_(Baseline.unit_id == Unit.id, Baseline.metric_id == metric_id))
        .order_by(Unit.lft, Unit.id)
    )  # fmt: skip
    if after is not None:
        query = query.where(or_(Unit.lft > after[0], and_(Unit.lft == after[0], Unit.id > after[1])))
    if most is not None:
        query = query.limit(most + 1)
    return [Row(row[0], row[1], Value(*row[2:5]), *row[5:]) for row in db.session.execute(query)]


def plain_parts(value: Value) -> list[Decimal | None]:
    """The figures of a value for a sheet: of a rate both parts."""
    return [value.number] if value.number is not None else [value.numerator, value.denominator]
