"""What a responsibility letter is made of: the task, both parties, the targets and dates of one assignment."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import case, select
from sqlalchemy.orm import aliased

from ..db import db
from ..rules.metrics import Comparator, MetricKind
from ..rules.states import State
from .assignments import Assignment
from .campaigns import Campaign, Metric, Task
from .goals import goals_of
from .organisation import Person, Unit
from .targets import Milestone


@dataclass(frozen=True)
class Aim:
    """One figure with what must be reached, None for nothing in particular. `steps`: milestones by day, where the
    target is not a part of a total."""

    name: str
    kind: MetricKind
    comparator: Comparator
    unit_of_measure: str
    money_places: int
    target: Decimal | None
    steps: tuple[tuple[date, Decimal], ...] = ()


@dataclass(frozen=True)
class Duty:
    """An assignment as a letter tells it. `above_id`: the unit it was received from; `below_id`: the unit itself."""

    assignment_id: int
    campaign: str
    number: str | None
    issuer: str
    title: str
    what: str
    above_id: int
    above: str
    below_id: int
    below: str
    state: State
    due_at: datetime | None
    cut_off_at: datetime | None
    in_charge: str | None
    aims: tuple[Aim, ...] = ()


def duty_of(assignment_id: int) -> Duty | None:
    """The assignment as a letter tells it, in four statements; None where there is none."""
    parent, above, issuing = aliased(Assignment), aliased(Unit), aliased(Unit)
    above_id = case((parent.id.is_not(None), parent.unit_id), else_=Campaign.issuing_unit_id)
    row = db.session.execute(
        select(
            Assignment.id, Campaign.title.label("campaign"), Campaign.number, issuing.name.label("issuer"), Task.title,
            Task.what, above.id.label("above_id"), above.name.label("above"), Unit.id.label("below_id"),
            Unit.name.label("below"), Assignment.state, Assignment.due_at, Assignment.cut_off_at,
            Person.name.label("in_charge"), Task.id.label("task_id"),
        )
        .join(Task, Task.id == Assignment.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .join(issuing, issuing.id == Campaign.issuing_unit_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .outerjoin(parent, parent.id == Assignment.parent_id)
        .join(above, above.id == above_id)
        .outerjoin(Person, Person.id == Assignment.in_charge_id)
        .where(Assignment.id == assignment_id)
    ).one_or_none()  # fmt: skip
    if row is None:
        return None
    found = dict(row._mapping)
    task_id = found.pop("task_id")
    return Duty(assignment_id=found.pop("id"), aims=_aims(assignment_id, task_id), **found)


def _aims(assignment_id: int, task_id: int) -> tuple[Aim, ...]:
    goals = goals_of([assignment_id])[assignment_id]
    metrics = db.session.scalars(select(Metric).where(Metric.task_id == task_id).order_by(Metric.position, Metric.id))
    steps: dict[int, list[tuple[date, Decimal]]] = {}
    for row in db.session.execute(
        select(Milestone.metric_id, Milestone.due_on, Milestone.target)
        .join(Metric, Metric.id == Milestone.metric_id)
        .where(Metric.task_id == task_id)
        .order_by(Milestone.due_on)
    ):
        steps.setdefault(row.metric_id, []).append((row.due_on, row.target))
    return tuple(
        Aim(
            metric.name, metric.kind, metric.comparator, metric.unit_of_measure, metric.money_places,
            goals[metric.id].target,
            () if goals[metric.id].own or goals[metric.id].total is not None else tuple(steps.get(metric.id, ())),
        )
        for metric in metrics
    )  # fmt: skip
