"""What is asked: campaigns, their phases, tasks, evidence rules and metrics."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..db import Base, BigId, Code, Exact, Instant
from ..rules.calendars import DayKind, Roll
from ..rules.dates import CountsFrom, DueKind
from ..rules.metrics import Aggregation, Comparator, MetricKind, OverTime
from ..rules.organisation import Level, Line
from ..rules.plans import CampaignStatus, EvidenceKind, Grade, PeriodState
from ..rules.targets import Compares, Quota, Relative


class Campaign(Base):
    """A plan: who issues it, on what ground, for which period. `version` guards edits of the draft."""

    __tablename__ = "campaign"
    __table_args__ = (
        CheckConstraint("ends_on IS NULL OR starts_on IS NULL OR starts_on <= ends_on", name="period"),
        Index("ix_campaign_issuing_unit_id", "issuing_unit_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str | None] = mapped_column(String(40), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    number: Mapped[str | None] = mapped_column(String(80))
    issuing_unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    higher_campaign_id: Mapped[int | None] = mapped_column(ForeignKey("campaign.id"))
    based_on: Mapped[str] = mapped_column(Text, default="")
    theme: Mapped[str] = mapped_column(String(400), default="")
    ground: Mapped[str] = mapped_column(Text, default="")
    starts_on: Mapped[date | None] = mapped_column(Date)
    ends_on: Mapped[date | None] = mapped_column(Date)
    status: Mapped[CampaignStatus] = mapped_column(Code(CampaignStatus), default=CampaignStatus.DRAFT)
    version: Mapped[int] = mapped_column(default=1)
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime] = mapped_column(Instant)
    issued_at: Mapped[datetime | None] = mapped_column(Instant)
    ladder_key: Mapped[str] = mapped_column(String(40), default="", server_default="")  # empty: the default
    compared_ground: Mapped[str] = mapped_column(Text, default="", server_default="")  # empty: units are not compared
    extension_days: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))  # granted by rule
    extension_most: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))  # how often

    occasions: Mapped[list["Occasion"]] = relationship(order_by="Occasion.position", cascade="all, delete-orphan")
    phases: Mapped[list["Phase"]] = relationship(order_by="Phase.position", cascade="all, delete-orphan")
    co_issuers: Mapped[list["CampaignUnit"]] = relationship(cascade="all, delete-orphan")
    tasks: Mapped[list["Task"]] = relationship(order_by="Task.position", cascade="all, delete-orphan")


class CampaignUnit(Base):
    """A unit that issues the campaign together with the issuing unit."""

    __tablename__ = "campaign_unit"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True, index=True)


class Phase(Base):
    """A named stretch of the campaign."""

    __tablename__ = "phase"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), index=True)
    position: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[str] = mapped_column(String(120))
    starts_on: Mapped[date | None] = mapped_column(Date)
    ends_on: Mapped[date | None] = mapped_column(Date)
    words: Mapped[str] = mapped_column(Text, default="")


class Occasion(Base):
    """A day that dates of this campaign depend on, such as a congress. `happens_on` may be set or moved later."""

    __tablename__ = "occasion"
    __table_args__ = (UniqueConstraint("campaign_id", "position"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    position: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[str] = mapped_column(String(120))
    happens_on: Mapped[date | None] = mapped_column(Date)
    version: Mapped[int] = mapped_column(default=1)


class Period(Base):
    """One turn of a recurring task: opened as a batch, or missed with the reason. `number` is the assignments' period.

    `unit_id`: whose turn it is, where the task rotates.
    """

    __tablename__ = "period"
    __table_args__ = (UniqueConstraint("task_id", "number"), UniqueConstraint("task_id", "opens_on"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"))
    number: Mapped[int] = mapped_column(SmallInteger)
    opens_on: Mapped[date] = mapped_column(Date)
    due_on: Mapped[date | None] = mapped_column(Date)
    state: Mapped[PeriodState] = mapped_column(Code(PeriodState))
    at: Mapped[datetime] = mapped_column(Instant)
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    reason: Mapped[str] = mapped_column(String(200), default="")


class Series(Base):
    """A recurring task that was begun. `begins_on`: the day its rhythm counts from; `next_on`: when its next period
    opens, None when no further one does. Ended early: `ended_at` and the `reason`."""

    __tablename__ = "series"

    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), primary_key=True, autoincrement=False)
    begins_on: Mapped[date] = mapped_column(Date)
    at: Mapped[datetime] = mapped_column(Instant)
    next_on: Mapped[date | None] = mapped_column(Date, index=True)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    reason: Mapped[str] = mapped_column(String(400), default="", server_default="")


class Task(Base):
    """One thing asked of one or more lines: at one level below the issuing unit, or of the units named one by one."""

    __tablename__ = "task"
    __table_args__ = (UniqueConstraint("campaign_id", "position"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    key: Mapped[str | None] = mapped_column(String(40))
    position: Mapped[int] = mapped_column(SmallInteger)
    title: Mapped[str] = mapped_column(String(200))
    what: Mapped[str] = mapped_column(Text, default="")
    why: Mapped[str] = mapped_column(Text, default="")
    grade: Mapped[Grade] = mapped_column(Code(Grade), default=Grade.BINDING)
    receiving_level: Mapped[Level | None] = mapped_column(Code(Level))
    due_kind: Mapped[DueKind] = mapped_column(Code(DueKind), default=DueKind.NONE)
    due_on: Mapped[date | None] = mapped_column(Date)
    due_days: Mapped[int | None] = mapped_column(SmallInteger)
    respond_days: Mapped[int | None] = mapped_column(SmallInteger)
    grace_days: Mapped[int | None] = mapped_column(SmallInteger)
    review_days: Mapped[int | None] = mapped_column(SmallInteger)
    days: Mapped[DayKind] = mapped_column(Code(DayKind), default=DayKind.CALENDAR, server_default=text("1"))
    counts_from: Mapped[CountsFrom] = mapped_column(
        Code(CountsFrom), default=CountsFrom.ISSUE, server_default=text("1")
    )
    roll: Mapped[Roll] = mapped_column(Code(Roll), default=Roll.STAY, server_default=text("0"))
    occasion_id: Mapped[int | None] = mapped_column(ForeignKey("occasion.id"), index=True)
    ladder_key: Mapped[str] = mapped_column(String(40), default="", server_default="")  # empty: as the campaign
    rrule: Mapped[str] = mapped_column(String(200), default="", server_default="")  # empty: asked once
    repeats_from: Mapped[date | None] = mapped_column(Date)
    window_days: Mapped[int | None] = mapped_column(SmallInteger)  # from the opening of a period to its due day
    rotates: Mapped[bool] = mapped_column(default=False, server_default=false())
    min_characters: Mapped[int] = mapped_column(SmallInteger, default=0)
    review_levels: Mapped[str] = mapped_column(String(20), default="")  # 'all' is empty; else level numbers, '3,4'

    campaign: Mapped["Campaign"] = relationship(back_populates="tasks")
    lines: Mapped[list["TaskLine"]] = relationship(order_by="TaskLine.line", cascade="all, delete-orphan")
    units: Mapped[list["TaskUnit"]] = relationship(cascade="all, delete-orphan")
    evidence_rules: Mapped[list["EvidenceRule"]] = relationship(
        order_by="EvidenceRule.position", cascade="all, delete-orphan"
    )
    metrics: Mapped[list["Metric"]] = relationship(order_by="Metric.position", cascade="all, delete-orphan")


class TaskLine(Base):
    """A line that the task is asked of."""

    __tablename__ = "task_line"

    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), primary_key=True)
    line: Mapped[Line] = mapped_column(Code(Line), primary_key=True)


class TaskUnit(Base):
    """A unit named one by one; where there is any, the receiving level does not count."""

    __tablename__ = "task_unit"

    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True)


class EvidenceRule(Base):
    """What must be attached: a kind, how many at least, and for photos the ground that allows asking for them."""

    __tablename__ = "evidence_rule"
    __table_args__ = (CheckConstraint("min_count >= 0", name="min_count"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), index=True)
    position: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[EvidenceKind] = mapped_column(Code(EvidenceKind))
    min_count: Mapped[int] = mapped_column(SmallInteger, default=1)
    ground: Mapped[str] = mapped_column(String(400), default="")
    item_id: Mapped[int | None] = mapped_column(ForeignKey("checklist_item.id"))  # what it proves
    in_time: Mapped[bool] = mapped_column(default=False, server_default=false())  # captured between issue and due


class Metric(Base):
    """What is measured. `target` may be absent: the plan may give no figure. Money is in 元; `money_places` says in
    which power of ten it is typed and shown. `quota`: what the target is meant for. `step_target`: the milestone in
    force, as the clock set it last; NULL where there is none, or none any more, so that the target itself counts."""

    __tablename__ = "metric"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), index=True)
    position: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[MetricKind] = mapped_column(Code(MetricKind))
    unit_of_measure: Mapped[str] = mapped_column(String(20), default="")
    comparator: Mapped[Comparator] = mapped_column(Code(Comparator), default=Comparator.NONE)
    target: Mapped[Decimal | None] = mapped_column(Exact)
    step_target: Mapped[Decimal | None] = mapped_column(Exact)
    aggregation: Mapped[Aggregation] = mapped_column(Code(Aggregation))
    over_time: Mapped[OverTime] = mapped_column(Code(OverTime), default=OverTime.LATEST)
    numerator_name: Mapped[str] = mapped_column(String(120), default="")
    denominator_name: Mapped[str] = mapped_column(String(120), default="")
    required: Mapped[bool] = mapped_column(default=True)
    note: Mapped[str] = mapped_column(String(400), default="")
    money_places: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))  # 4: typed in 万元
    quota: Mapped[Quota] = mapped_column(Code(Quota), default=Quota.TOTAL, server_default=text("0"))
    register_id: Mapped[int | None] = mapped_column(ForeignKey("register.id"))  # of persons, or of the denominator
    compares: Mapped[Compares] = mapped_column(Code(Compares), default=Compares.NOTHING, server_default=text("0"))
    former_metric_id: Mapped[int | None] = mapped_column(ForeignKey("metric.id"))  # what it was called last year
    relative: Mapped[Relative] = mapped_column(Code(Relative), default=Relative.NOTHING, server_default=text("0"))
    change: Mapped[Decimal | None] = mapped_column(Exact)  # by so much it shall be another figure than then
    base: Mapped[Decimal | None] = mapped_column(Exact)  # the figure of then: as the plan says, or found at issue
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("metric.id"))  # 其中: a part of that figure
    adds_up: Mapped[bool] = mapped_column(default=False, server_default=false())  # the parts make up the whole
    word: Mapped[str] = mapped_column(String(40), default="", server_default="")  # the plan's own word, as 大部分
    measurable: Mapped[bool] = mapped_column(default=True, server_default=true())
