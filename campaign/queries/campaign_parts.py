"""The figures that the tasks of a campaign ask for, as the page of the plan shows them."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from sqlalchemy import BigInteger, ScalarSelect, String, cast, func, select, type_coerce

from ..db import DECIMAL_PLACES, db
from ..models import Metric, Milestone, Register, Task
from ..rules.metrics import Comparator, MetricKind
from ..rules.milestones import Step
from ..rules.targets import Compares, Quota, Relative


@dataclass(frozen=True)
class PlannedMetric:
    """What is measured. `word`, `measurable`: of a target in the plan's own vague word. `relative`: the target follows
    from what was, `base`. `register`: the name of the one that counts the persons of a quota or the whole of a rate;
    `milestones`: in the order of their days."""

    id: int
    name: str
    kind: MetricKind
    unit_of_measure: str
    comparator: Comparator
    target: Decimal | None
    note: str
    money_places: int
    word: str
    measurable: bool
    compares: Compares
    relative: Relative
    change: Decimal | None
    base: Decimal | None
    former_id: int | None
    quota: Quota = Quota.TOTAL
    register: str = ""
    milestones: tuple[Step, ...] = ()


def add_metrics(campaign_id: int, metrics: dict[int, list[PlannedMetric]]) -> None:
    """Fills the lists, by task. One statement."""
    own = select(Task.id).where(Task.campaign_id == campaign_id)
    for metric in db.session.execute(
        select(
            Metric.task_id, Metric.id, Metric.name, Metric.kind, Metric.unit_of_measure, Metric.comparator,
            Metric.target, Metric.note, Metric.money_places, Metric.word, Metric.measurable, Metric.compares,
            Metric.relative, Metric.change, Metric.base, Metric.former_metric_id,
            Metric.quota, func.coalesce(Register.name, ""), _steps(),
        )
        .outerjoin(Register, Register.id == Metric.register_id)
        .where(Metric.task_id.in_(own))
        .order_by(Metric.position)
    ):  # fmt: skip
        fact = PlannedMetric(*metric[1:-1])
        metrics[metric.task_id].append(replace(fact, milestones=_read_steps(metric[-1])))


def _steps() -> ScalarSelect[str | None]:
    """The milestones of a metric as one text: 'day:ten-thousandths', between commas."""
    stored = cast(type_coerce(Milestone.target, BigInteger), String)
    told = func.aggregate_strings(cast(Milestone.due_on, String) + ":" + stored, ",")
    return select(told).where(Milestone.metric_id == Metric.id).correlate(Metric).scalar_subquery()


def _read_steps(text: str | None) -> tuple[Step, ...]:
    pairs = (each.split(":") for each in text.split(",")) if text else ()
    return tuple(sorted(Step(date.fromisoformat(day), Decimal(n).scaleb(-DECIMAL_PLACES)) for day, n in pairs))
