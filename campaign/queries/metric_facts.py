"""What the plan says of a metric, and the metric that a reader asks for, with its campaign."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import String, cast, exists, func, select
from sqlalchemy.orm import aliased

from ..db import db
from ..errors import NotFound, say
from ..models import Allocation, Batch, Campaign, Metric, Period, Share, Task, TaskLine
from ..rules.metrics import Aggregation, Comparator, MetricKind, OverTime
from ..rules.organisation import Actor, Line
from ..rules.plans import CampaignStatus
from ..rules.targets import Compares, Quota, Relative
from .board import Head, head_of, heads
from .rollup_facts import RolledUp

COLUMNS = (  # of Metric joined with its Task, and TaskLine
    Metric.id.label("metric_id"), Metric.name.label("metric_name"), Metric.kind, Metric.unit_of_measure,
    Metric.comparator, Metric.target, Metric.aggregation, Metric.over_time, Metric.quota, Metric.money_places,
    Metric.required, Metric.note, Metric.word, Metric.measurable, Metric.numerator_name, Metric.denominator_name,
    Metric.task_id, Task.title.label("task_title"), Task.rrule, Metric.compares, Metric.former_metric_id,
    Metric.relative, Metric.change, Metric.base, TaskLine.line,
)  # fmt: skip


@dataclass(frozen=True)
class MetricFact:
    """What the plan says of the metric."""

    id: int
    name: str
    kind: MetricKind
    unit_of_measure: str
    comparator: Comparator
    target: Decimal | None
    aggregation: Aggregation
    over_time: OverTime
    quota: Quota
    money_places: int
    required: bool
    note: str
    word: str
    measurable: bool
    numerator_name: str
    denominator_name: str
    task_id: int
    task_title: str
    recurs: bool
    compares: Compares
    former_id: int | None
    relative: Relative
    change: Decimal | None
    base: Decimal | None

    @property
    def former(self) -> int | None:
        """The metric that is last year's, where it is compared with another one."""
        return self.former_id if self.compares is Compares.LAST_YEAR else None


@dataclass(frozen=True)
class AskedMetric:
    """What the reader wants to see of a metric; `after`: the `lft` of the last row of the page before."""

    area_id: int | None = None
    line: Line | None = None
    period: int | None = None
    after: int | None = None
    whole: bool = False  # every row, for an export or a comparison


@dataclass(frozen=True)
class Found:
    """A metric with its campaign. `lines`: those that are asked; `turns`: every turn of its task, where it is compared
    with last year's, as `rollup_compared.a_year_before` reads them; `split`: parts of its total were given to units;
    `own_since`, `former_since`: when it, and the metric that was last year's, was first asked of anybody (UTC); None:
    never, or there is none."""

    head: Head
    metric: MetricFact
    lines: set[Line]
    turns: str | None
    split: bool
    former_since: datetime | None
    own_since: datetime | None


def fact_of(row: Any) -> MetricFact:
    """The metric in a row of these columns."""
    return MetricFact(
        row.metric_id, row.metric_name, row.kind, row.unit_of_measure, row.comparator, row.target, row.aggregation,
        row.over_time, row.quota, row.money_places, row.required, row.note, row.word, row.measurable,
        row.numerator_name, row.denominator_name, row.task_id, row.task_title, bool(row.rrule), row.compares,
        row.former_metric_id, row.relative, row.change, row.base,
    )  # fmt: skip


def metric_head(metric_id: int, actor: Actor) -> Found:
    """The metric for this reader; one statement. Raises NotFound outside their scope."""
    rows = db.session.execute(
        heads(actor)
        .add_columns(*COLUMNS, _turns(), _split(), former_since(), _own_since())
        .join(Task, Task.campaign_id == Campaign.id)
        .join(Metric, Metric.task_id == Task.id)
        .outerjoin(TaskLine, TaskLine.task_id == Task.id)
        .where(Metric.id == metric_id, Campaign.status != CampaignStatus.DRAFT)
    ).all()
    if not rows:
        raise NotFound(say("There is no such metric, or it is not yours to see."))
    known = {each.line for each in rows if each.line is not None} or set(Line)
    first = rows[0]
    return Found(
        head_of(first, actor),
        fact_of(first),
        known,
        first.turns,
        bool(first.split),
        first.former_since,
        first.own_since,
    )


def turn_of(rolled: RolledUp, period: int | None) -> int | None:
    """The turn of a recurring task whose figures are shown; None: all of them together."""
    return rolled.metric.last_period if period is None and not rolled.metric.every_turn else period


def former_since() -> Any:
    """A column over Metric: when the metric that was last year's was first asked of anybody."""
    former = aliased(Metric)
    found = select(func.min(Batch.dispatched_at)).join(former, former.task_id == Batch.task_id)
    return found.where(former.id == Metric.former_metric_id).correlate(Metric).scalar_subquery().label("former_since")


def _own_since() -> Any:
    found = select(func.min(Batch.dispatched_at)).where(Batch.task_id == Task.id)
    return found.correlate(Task).scalar_subquery().label("own_since")


def _turns() -> Any:
    """Every turn of the task with the day on which it began, where the metric is compared with last year's."""
    told = func.aggregate_strings(cast(Period.number, String) + ":" + cast(Period.opens_on, String), ",")
    found = select(told).where(Period.task_id == Task.id, Metric.compares == Compares.LAST_YEAR)
    return found.correlate(Task, Metric).scalar_subquery().label("turns")


def _split() -> Any:
    """Whether any unit was given a part of the total."""
    given = exists().where(Allocation.task_id == Task.id, Share.allocation_id == Allocation.id)
    return given.where(Share.metric_id == Metric.id).correlate(Task, Metric).label("split")
