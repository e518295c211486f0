"""What the forms of a draft need: campaign and task as plans, and the units and campaigns that may be chosen."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import aliased

from ..clock import local_today
from ..db import db
from ..models import (
    Area,
    Batch,
    Campaign,
    ChecklistItem,
    EvidenceRule,
    Metric,
    Milestone,
    Occasion,
    Phase,
    Register,
    Task,
    TaskLine,
    TaskUnit,
    Unit,
)
from ..rules.metrics import MetricKind
from ..rules.organisation import Actor, Level, Line
from ..rules.planned import FormerRef, MilestonePlan, Recurring
from ..rules.planning import CampaignPlan, EvidencePlan, MetricPlan, PhasePlan, TaskPlan, UnitRef
from ..rules.plans import CampaignStatus
from .campaigns import Head
from .scope import visible_campaigns
from .spelled import sounds_like

MOST_FOUND = 30
MOST_HIGHER = 100
MOST_FORMER = 300


@dataclass(frozen=True)
class UnitChoice:
    """A unit that may be chosen."""

    id: int
    name: str
    level: Level


def plan_of(head: Head) -> CampaignPlan:
    """The head of the campaign as a plan; its tasks are left out."""
    phases = db.session.execute(
        select(Phase.name, Phase.starts_on, Phase.ends_on, Phase.words)
        .where(Phase.campaign_id == head.id)
        .order_by(Phase.position)
    ).all()
    more = db.session.execute(
        select(Campaign.ladder_key, Campaign.extension_days, Campaign.extension_most).where(Campaign.id == head.id)
    ).one()
    return CampaignPlan(
        title=head.title, issuing_unit=UnitRef(id=head.issuing_unit_id), key=head.key, number=head.number,
        co_issuers=tuple(UnitRef(id=unit_id) for unit_id, _ in head.co_issuers), higher_campaign_id=head.higher_id,
        based_on=head.based_on, theme=head.theme, ground=head.ground, starts_on=head.starts_on, ends_on=head.ends_on,
        phases=tuple(PhasePlan(*row) for row in phases),
        ladder=more.ladder_key, extension_days=more.extension_days, extension_most=more.extension_most,
    )  # fmt: skip


def task_plan_of(task_id: int, campaign_id: int) -> TaskPlan | None:
    """The task as a plan; None when the campaign has no such task. Its readers were asked for before."""
    task = db.session.execute(
        select(
            Task.title, Task.key, Task.what, Task.why, Task.receiving_level, Task.grade, Task.due_kind, Task.due_on,
            Task.due_days, Task.respond_days, Task.grace_days, Task.min_characters, Task.review_levels,
            Task.review_days, Task.days, Task.counts_from, Task.roll, Occasion.name.label("occasion"),
            Task.rrule, Task.repeats_from, Task.window_days, Task.rotates, Task.ladder_key,
        )
        .outerjoin(Occasion, Occasion.id == Task.occasion_id)
        .where(Task.id == task_id, Task.campaign_id == campaign_id)
    ).one_or_none()  # fmt: skip
    if task is None:
        return None
    lines = db.session.execute(select(TaskLine.line).where(TaskLine.task_id == task_id).order_by(TaskLine.line))
    units = db.session.execute(select(TaskUnit.unit_id).where(TaskUnit.task_id == task_id).order_by(TaskUnit.unit_id))
    rules = db.session.execute(
        select(
            EvidenceRule.name, EvidenceRule.kind, EvidenceRule.min_count, EvidenceRule.ground,
            func.coalesce(ChecklistItem.name, ""), EvidenceRule.in_time,
        )
        .outerjoin(ChecklistItem, ChecklistItem.id == EvidenceRule.item_id)
        .where(EvidenceRule.task_id == task_id)
        .order_by(EvidenceRule.position)
    )  # fmt: skip
    levels = [Level(int(part)) for part in task.review_levels.split(",") if part]
    return TaskPlan(
        title=task.title, key=task.key, what=task.what, why=task.why, lines=tuple(lines.scalars()),
        receiving_level=task.receiving_level, units=tuple(UnitRef(id=unit_id) for unit_id in units.scalars()),
        grade=task.grade, due_kind=task.due_kind, due_on=task.due_on, due_days=task.due_days,
        respond_days=task.respond_days, grace_days=task.grace_days, min_characters=task.min_characters,
        review_days=task.review_days, days=task.days, counts_from=task.counts_from, roll=task.roll,
        occasion=task.occasion or "", ladder=task.ladder_key,
        recurring=Recurring(task.rrule, task.repeats_from, task.window_days, task.rotates),
        review_levels=tuple(sorted(levels, reverse=True)),
        evidence=tuple(EvidencePlan(*row) for row in rules), metrics=_metrics(task_id),
    )  # fmt: skip


def _metrics(task_id: int) -> tuple[MetricPlan, ...]:
    """The metrics of a task as plans. Three statements."""
    whole = aliased(Metric)
    rows = db.session.execute(
        select(
            Metric.id, Metric.name, Metric.kind, Metric.unit_of_measure.label("unit"), Metric.target,
            Metric.comparator, Metric.aggregation, Metric.over_time, Metric.numerator_name.label("numerator"),
            Metric.denominator_name.label("denominator"), Metric.required, Metric.note, Metric.money_places,
            Metric.quota, Metric.register_id, whole.name.label("part_of"), Metric.adds_up, Metric.compares,
            Metric.former_metric_id, Metric.relative, Metric.change, Metric.base, Metric.word, Metric.measurable,
        )
        .outerjoin(whole, whole.id == Metric.parent_id)
        .where(Metric.task_id == task_id)
        .order_by(Metric.position)
    ).mappings().all()  # fmt: skip
    own = select(Metric.id).where(Metric.task_id == task_id)
    items: dict[int, list[str]] = defaultdict(list)
    listed = select(ChecklistItem.metric_id, ChecklistItem.name).where(ChecklistItem.metric_id.in_(own))
    for metric_id, name in db.session.execute(listed.order_by(ChecklistItem.position)):
        items[metric_id].append(name)
    steps: dict[int, list[MilestonePlan]] = defaultdict(list)
    dated = select(Milestone.metric_id, Milestone.due_on, Milestone.target).where(Milestone.metric_id.in_(own))
    for metric_id, due_on, target in db.session.execute(dated.order_by(Milestone.due_on)):
        steps[metric_id].append(MilestonePlan(due_on, target))
    found = []
    for row in rows:
        fields = dict(row)
        key, former = fields.pop("id"), fields.pop("former_metric_id")
        if fields["relative"]:
            fields["target"] = None  # it follows from what was
        fields |= {"part_of": fields["part_of"] or "", "former": FormerRef(id=former) if former else None}
        found.append(MetricPlan(**fields, items=tuple(items[key]), milestones=tuple(steps[key])))
    return tuple(found)


def registers_for(issuing_unit_id: int) -> list[tuple[int, str]]:
    """The registers that its metrics may count by: its own and those of the units in whose area it lies; id and name
    with its condition."""
    own = aliased(Area)
    keeper = aliased(Unit)
    rows = db.session.execute(
        select(Register.id, Register.name, Register.condition)
        .join(Unit, Unit.id == Register.unit_id)
        .join(Area, Area.id == Unit.area_id)
        .join(keeper, keeper.id == issuing_unit_id)
        .join(own, and_(own.id == keeper.area_id, Area.lft <= own.lft, Area.rgt >= own.rgt))
        .order_by(Register.name)
        .limit(MOST_HIGHER)
    )
    return [(row.id, f"{row.name}（{row.condition}）" if row.condition else row.name) for row in rows]


def former_metrics(issuing_unit_id: int, actor: Actor, chosen: Collection[int] = ()) -> list[tuple[int, str]]:
    """Metrics of issued campaigns of that unit that a new one may be compared with, the newest first: id and name with
    its campaign. `chosen`: those of others that a plan names already; a form without them would lose them."""
    rows = db.session.execute(
        select(Metric.id, Metric.name, Campaign.title)
        .join(Task, Task.id == Metric.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .where(
            visible_campaigns(actor), Campaign.status != CampaignStatus.DRAFT,
            or_(Campaign.issuing_unit_id == issuing_unit_id, Metric.id.in_(chosen)),
            Metric.kind.in_((MetricKind.COUNT, MetricKind.AMOUNT, MetricKind.RATE)),
        )
        .order_by(Metric.id.in_(chosen).desc(), Campaign.id.desc(), Task.position, Metric.position)
        .limit(MOST_FORMER)
    )  # fmt: skip
    return [(row.id, f"{row.name} · {row.title}") for row in rows]


@dataclass(frozen=True)
class Sent:
    """A dispatch that was done."""

    id: int
    campaign_id: int
    task_id: int
    task_title: str
    dispatched_at: datetime
    respond_by: datetime | None
    due_at: datetime | None
    cut_off_at: datetime | None
    items: int
    digest: str


def batch_of(batch_id: int, campaign_id: int) -> Sent | None:
    """The dispatch; None when the campaign has no such one. Its readers were asked for before."""
    row = db.session.execute(
        select(
            Batch.id, Task.campaign_id, Task.id.label("task_id"), Task.title, Batch.dispatched_at, Batch.respond_by,
            Batch.due_at, Batch.cut_off_at, Batch.items, Batch.digest,
        )
        .join(Task, Task.id == Batch.task_id)
        .where(Batch.id == batch_id, Task.campaign_id == campaign_id)
    ).one_or_none()  # fmt: skip
    return None if row is None else Sent(*row)


def units_by_id(ids: list[int], issuing_unit_id: int) -> list[UnitChoice]:
    """Those of the units with these ids that lie in the area of the issuing one, in the order of the tree."""
    if not ids:
        return []
    issuer = select(Area.lft, Area.rgt).join(Unit, Unit.area_id == Area.id).where(Unit.id == issuing_unit_id).subquery()
    rows = db.session.execute(
        select(Unit.id, Unit.name, Unit.level)
        .join(issuer, Unit.lft.between(issuer.c.lft, issuer.c.rgt))
        .where(Unit.id.in_(ids))
        .order_by(Unit.lft, Unit.line, Unit.id)
    )
    return [UnitChoice(*row) for row in rows]


def units_in_sight(issuing_unit_id: int, text: str, *, now: datetime, leave_out: list[int]) -> list[UnitChoice]:
    """Units in the sight of the issuing one whose name, sound or code has that text, the highest first; at most thirty.

    A Party committee has all lines of its subtree in sight, any other unit its own line.
    """
    issuer = db.session.execute(
        select(Unit.line, Area.lft, Area.rgt).join(Area, Area.id == Unit.area_id).where(Unit.id == issuing_unit_id)
    ).one_or_none()
    if issuer is None or not text:
        return []
    today = local_today(now)
    query = (
        select(Unit.id, Unit.name, Unit.level)
        .join(Area, Area.id == Unit.area_id)
        .where(
            Unit.lft.between(issuer.lft, issuer.rgt),
            or_(
                Unit.name.icontains(text, autoescape=True),
                Area.code.startswith(text, autoescape=True),
                sounds_like(Area.name, text),
            ),
            or_(Unit.valid_to.is_(None), Unit.valid_to >= today),
        )
        .order_by(Unit.level, Unit.lft, Unit.line, Unit.id)
        .limit(MOST_FOUND)
    )
    if issuer.line is not Line.PARTY:
        query = query.where(Unit.line == issuer.line)
    if leave_out:
        query = query.where(Unit.id.not_in(leave_out))
    return [UnitChoice(*row) for row in db.session.execute(query)]


def sees_higher(plan: CampaignPlan, actor: Actor) -> bool:
    """Whether the campaign that this plan carries out exists for this actor; True where it names none."""
    if plan.higher_campaign_id is None and plan.higher_campaign_key is None:
        return True
    by_id = plan.higher_campaign_id is not None
    named = Campaign.id == plan.higher_campaign_id if by_id else Campaign.key == plan.higher_campaign_key
    return db.session.execute(select(Campaign.id).where(named, visible_campaigns(actor))).first() is not None


def higher_campaigns(actor: Actor, own_id: int | None = None) -> list[tuple[int, str]]:
    """Issued campaigns that this one may carry out, the newest first: id and title."""
    wanted = and_(visible_campaigns(actor), Campaign.status != CampaignStatus.DRAFT, Campaign.id != (own_id or 0))
    rows = db.session.execute(
        select(Campaign.id, Campaign.title).where(wanted).order_by(Campaign.id.desc()).limit(MOST_HIGHER)
    )
    return [(row.id, row.title) for row in rows]
