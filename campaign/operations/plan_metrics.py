"""Writing the metrics of a draft: their rows, what they refer to, and their checklist items, milestones and parts."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import and_, delete, insert, or_, select, update
from sqlalchemy.orm import aliased

from ..db import db, insert_new
from ..errors import Problem, say
from ..models import Area, Campaign, ChecklistItem, Metric, Milestone, Register, Task, Unit
from ..rules.metrics import MetricKind
from ..rules.planned import FormerRef, MetricPlan, RegisterPlan
from ..rules.planning import AGGREGATIONS, OVER_TIMES
from ..rules.plans import CampaignStatus
from ..rules.relative import comparator_of, target_of
from .naming import NamedUnit


class MetricRefs:
    """The registers and last year's metrics that metrics name, found in two statements: registers of the issuing unit
    and of those in whose area it lies; metrics of issued campaigns in the same branch of the tree."""

    def __init__(self, issuer: NamedUnit, metrics: Iterable[MetricPlan], opening: Sequence[RegisterPlan] = ()) -> None:
        plans = list(metrics)
        names = {plan.register for plan in plans if plan.register}
        ids = {plan.register_id for plan in plans if plan.register_id is not None}
        self.by_name: dict[str, int] = {}
        self.by_id: set[int] = set()
        self.opening = {register.name for register in opening}
        if names or ids:
            self._find_registers(issuer, names, ids)
        self.formers: dict[FormerRef, tuple[int, MetricKind]] = {}
        formers = {plan.former for plan in plans if plan.former}
        if formers:
            self._find_formers(issuer, formers)

    def _find_registers(self, issuer: NamedUnit, names: set[str], ids: set[int]) -> None:
        rows = db.session.execute(
            select(Register.id, Register.name)
            .join(Unit, Unit.id == Register.unit_id)
            .join(Area, Area.id == Unit.area_id)
            .where(
                or_(Register.name.in_(names), Register.id.in_(ids)),
                Area.lft <= issuer.lft,
                Area.rgt >= issuer.rgt,
            )
            .order_by(Area.lft)  # the nearest keeper's comes last
        )
        for row in rows:
            self.by_name[row.name] = row.id
            self.by_id.add(row.id)

    def _find_formers(self, issuer: NamedUnit, refs: set[FormerRef]) -> None:
        area = aliased(Area)
        named = [and_(Campaign.key == ref.campaign, Task.key == ref.task, Metric.name == ref.metric) for ref in refs]
        rows = db.session.execute(
            select(Metric.id, Metric.kind, Campaign.key.label("campaign"), Task.key.label("task"), Metric.name)
            .join(Task, Task.id == Metric.task_id)
            .join(Campaign, Campaign.id == Task.campaign_id)
            .join(Unit, Unit.id == Campaign.issuing_unit_id)
            .join(area, area.id == Unit.area_id)
            .where(
                or_(Metric.id.in_([ref.id for ref in refs if ref.id is not None]), *named),
                Campaign.status != CampaignStatus.DRAFT,
                or_(
                    and_(area.lft <= issuer.lft, area.rgt >= issuer.rgt),
                    and_(area.lft >= issuer.lft, area.rgt <= issuer.rgt),
                ),
            )
        )
        for row in rows:
            for ref in (FormerRef(id=row.id), FormerRef(None, row.campaign or "", row.task or "", row.name)):
                self.formers[ref] = row.id, row.kind

    def learn(self, opened: Mapping[str, int]) -> None:
        """Registers that exist now."""
        self.by_name |= opened

    def problems(self, metrics: Sequence[MetricPlan], at: str = "") -> list[Problem]:
        """What is named and not there."""
        found = []
        for number, metric in enumerate(metrics):
            where = f"{at}metrics.{number}."
            strange = metric.register_id is not None and metric.register_id not in self.by_id
            if strange or (metric.register and metric.register not in {*self.by_name, *self.opening}):
                sentence = say("The issuing unit and those above it keep no register “%(name)s”.", name=metric.register)
                found.append(Problem(f"{where}register", sentence))
            if metric.former is not None:
                former = self.formers.get(metric.former)
                if former is None:
                    found.append(Problem(f"{where}former", say("There is no such metric in an issued campaign.")))
                elif former[1] is not metric.kind:
                    found.append(Problem(f"{where}former", say("The figure of last year is of another kind.")))
        return found

    def register_of(self, metric: MetricPlan) -> int | None:
        """The id of its register."""
        return self.by_name.get(metric.register) if metric.register else metric.register_id

    def former_of(self, metric: MetricPlan) -> int | None:
        """The id of last year's metric."""
        return self.formers[metric.former][0] if metric.former else None


def metric_row(metric: MetricPlan, position: int) -> Metric:
    """The row alone; what refers to others follows with `write_parts`, once it has its id."""
    return Metric(
        position=position, name=metric.name, kind=metric.kind, unit_of_measure=metric.unit,
        target=target_of(metric), comparator=comparator_of(metric.relative, metric.comparator),
        aggregation=metric.aggregation or AGGREGATIONS[metric.kind][0],
        over_time=metric.over_time or OVER_TIMES[metric.kind][0], numerator_name=metric.numerator,
        denominator_name=metric.denominator, required=metric.required, note=metric.note,
        money_places=metric.money_places, quota=metric.quota, compares=metric.compares, adds_up=metric.adds_up,
        relative=metric.relative, change=metric.change, base=metric.base, word=metric.word,
        measurable=metric.measurable,
    )  # fmt: skip


def write_parts(tasks: Iterable[tuple[Sequence[Metric], Sequence[MetricPlan]]], refs: MetricRefs) -> None:
    """Writes what metrics refer to, their items and their milestones, for tasks whose metrics have their ids."""
    items, milestones = [], []
    for rows, plans in tasks:
        by_name = {row.name: row.id for row in rows}
        for row, plan in zip(rows, plans, strict=True):
            row.parent_id = by_name[plan.part_of] if plan.part_of else None
            row.register_id, row.former_metric_id = refs.register_of(plan), refs.former_of(plan)
            steps = sorted(plan.milestones, key=lambda each: str(each.by))
            row.step_target = steps[0].target if steps else None  # what is past already, the clock passes over
            items += [
                {"metric_id": row.id, "position": at, "name": name} for at, name in enumerate(plan.items, start=1)
            ]
            milestones += [{"metric_id": row.id, "due_on": each.by, "target": each.target} for each in steps]
    db.session.flush()
    for model, given in ((ChecklistItem, items), (Milestone, milestones)):
        if given:
            db.session.execute(insert(model), given)


def clear_metrics(task_id: int) -> None:
    """Takes away what hangs on the metrics of a draft's task, before these are replaced or removed."""
    own = select(Metric.id).where(Metric.task_id == task_id)
    for model in (ChecklistItem, Milestone):
        db.session.execute(delete(model).where(model.metric_id.in_(own)))
    db.session.execute(update(Metric).where(Metric.task_id == task_id).values(parent_id=None))


def open_registers(plans: Sequence[RegisterPlan], unit_id: int) -> dict[str, int]:
    """Opens the registers that the unit does not keep yet, empty; the ids of all of them by name."""
    if not plans:
        return {}
    kept = select(Register.name, Register.id).where(
        Register.unit_id == unit_id, Register.name.in_([plan.name for plan in plans])
    )
    known = dict(db.session.execute(kept).tuples().all())
    new = [
        {"unit_id": unit_id, "name": plan.name, "condition": plan.condition, "unit_of_measure": plan.unit}
        for plan in plans
        if plan.name not in known
    ]
    if new:
        db.session.execute(insert_new(Register), new)  # another plan may open one in the same moment
    return dict(db.session.execute(kept).tuples().all())
