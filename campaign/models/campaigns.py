"""What is asked: campaigns, their phases, tasks, evidence rules and metrics."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..db import Base, BigId, Code, Exact, Instant
from ..rules.dates import DueKind
from ..rules.metrics import Aggregation, Comparator, MetricKind, OverTime
from ..rules.organisation import Level, Line
from ..rules.plans import CampaignStatus, EvidenceKind, Grade


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


class Metric(Base):
    """What is measured. `target` may be absent: the plan may give no figure. Money is in 元."""

    __tablename__ = "metric"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), index=True)
    position: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[MetricKind] = mapped_column(Code(MetricKind))
    unit_of_measure: Mapped[str] = mapped_column(String(20), default="")
    comparator: Mapped[Comparator] = mapped_column(Code(Comparator), default=Comparator.NONE)
    target: Mapped[Decimal | None] = mapped_column(Exact)
    aggregation: Mapped[Aggregation] = mapped_column(Code(Aggregation))
    over_time: Mapped[OverTime] = mapped_column(Code(OverTime), default=OverTime.LATEST)
    numerator_name: Mapped[str] = mapped_column(String(120), default="")
    denominator_name: Mapped[str] = mapped_column(String(120), default="")
    required: Mapped[bool] = mapped_column(default=True)
    note: Mapped[str] = mapped_column(String(400), default="")
