"""What must be reached: checklists, milestones, baselines, registers; how a total was split; letters signed."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, SmallInteger, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ..db import Base, BigId, Code, Exact, Instant
from ..rules.targets import Method, Party


class ChecklistItem(Base):
    """One of the things that must all be there before a checklist metric counts."""

    __tablename__ = "checklist_item"
    __table_args__ = (UniqueConstraint("metric_id", "position"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    metric_id: Mapped[int] = mapped_column(ForeignKey("metric.id"))
    position: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[str] = mapped_column(String(120))


class Milestone(Base):
    """What must be reached by a day, that day included, on the way to the target."""

    __tablename__ = "milestone"
    __table_args__ = (UniqueConstraint("metric_id", "due_on"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    metric_id: Mapped[int] = mapped_column(ForeignKey("metric.id"))
    due_on: Mapped[date] = mapped_column(Date)
    target: Mapped[Decimal] = mapped_column(Exact)


class Baseline(Base):
    """The figure of a unit that a metric is compared with, frozen when it was set. Rates keep both parts."""

    __tablename__ = "baseline"
    __table_args__ = ({"sqlite_with_rowid": False},)

    metric_id: Mapped[int] = mapped_column(ForeignKey("metric.id"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True)
    number: Mapped[Decimal | None] = mapped_column(Exact)
    numerator: Mapped[Decimal | None] = mapped_column(Exact)
    denominator: Mapped[Decimal | None] = mapped_column(Exact)
    source: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime] = mapped_column(Instant)


class Register(Base):
    """A list that is counted per unit: a roster, a population, or what meets a recorded condition."""

    __tablename__ = "register"
    __table_args__ = (UniqueConstraint("unit_id", "name"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))  # who keeps it
    name: Mapped[str] = mapped_column(String(120))
    condition: Mapped[str] = mapped_column(Text, default="")
    unit_of_measure: Mapped[str] = mapped_column(String(20), default="")
    version: Mapped[int] = mapped_column(default=1)


class RegisterCount(Base):
    """How many a unit has in a register. The latest version counts; former ones stay."""

    __tablename__ = "register_count"
    __table_args__ = ({"sqlite_with_rowid": False},)

    register_id: Mapped[int] = mapped_column(ForeignKey("register.id"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    n: Mapped[Decimal] = mapped_column(Exact)
    at: Mapped[datetime] = mapped_column(Instant)


class Allocation(Base):
    """One version of a split: of the whole task by its issuer (no parent), or of one assignment by its unit.

    Rows are never changed; the latest version is in force.
    """

    __tablename__ = "allocation"
    __table_args__ = (
        UniqueConstraint("parent_id", "version"),
        CheckConstraint("version >= 1", name="version"),
        Index("ix_allocation_root", "task_id", "period", "version", unique=True, sqlite_where=text("parent_id IS NULL"),
              postgresql_where=text("parent_id IS NULL")),
        Index("ix_allocation_task_id", "task_id"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"))
    period: Mapped[int] = mapped_column(SmallInteger, default=0)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("assignment.id"))
    version: Mapped[int] = mapped_column()
    method: Mapped[Method] = mapped_column(Code(Method))
    reason: Mapped[str] = mapped_column(String(400), default="")
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"))
    at: Mapped[datetime] = mapped_column(Instant)


class AllocationTotal(Base):
    """What an allocation split, per metric: the total as it was then, and what is held back."""

    __tablename__ = "allocation_total"

    allocation_id: Mapped[int] = mapped_column(ForeignKey("allocation.id"), primary_key=True)
    metric_id: Mapped[int] = mapped_column(ForeignKey("metric.id"), primary_key=True)
    total: Mapped[Decimal | None] = mapped_column(Exact)
    reserve: Mapped[Decimal] = mapped_column(Exact, default=0)


class Share(Base):
    """What one unit was given of a metric in one allocation."""

    __tablename__ = "share"
    __table_args__ = ({"sqlite_with_rowid": False},)

    allocation_id: Mapped[int] = mapped_column(ForeignKey("allocation.id"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True)
    metric_id: Mapped[int] = mapped_column(ForeignKey("metric.id"), primary_key=True)
    value: Mapped[Decimal] = mapped_column(Exact)


class Target(Base):
    """What one assignment must reach now, where it is not simply the target of the metric. `request_id`: the dispute by
    which it was granted; then only a person changes it, and no register that is counted again."""

    __tablename__ = "target"
    __table_args__ = (
        Index("ix_target_granted", "metric_id", sqlite_where=text("request_id IS NOT NULL"),
              postgresql_where=text("request_id IS NOT NULL")),
        {"sqlite_with_rowid": False},
    )  # fmt: skip

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"), primary_key=True)
    metric_id: Mapped[int] = mapped_column(ForeignKey("metric.id"), primary_key=True)
    value: Mapped[Decimal] = mapped_column(Exact)
    allocation_id: Mapped[int | None] = mapped_column(ForeignKey("allocation.id"))
    request_id: Mapped[int | None] = mapped_column(ForeignKey("request.id"))


class Letter(Base):
    """A responsibility letter as it was generated: its text is frozen, and named by its digest (SHA-256)."""

    __tablename__ = "letter"
    __table_args__ = (UniqueConstraint("assignment_id", "number"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"))
    number: Mapped[int] = mapped_column(SmallInteger)
    content: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"))
    at: Mapped[datetime] = mapped_column(Instant)


class Signature(Base):
    """One side's signature under a letter, with the digest that was signed."""

    __tablename__ = "signature"

    letter_id: Mapped[int] = mapped_column(ForeignKey("letter.id"), primary_key=True)
    party: Mapped[Party] = mapped_column(Code(Party), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    at: Mapped[datetime] = mapped_column(Instant)
