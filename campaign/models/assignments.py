"""Who has what to do: batches of a dispatch, assignments, and the timers that the clock sweeps."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ..db import Base, BigId, Code, Instant
from ..rules.ladder import Sweep
from ..rules.states import State


class Batch(Base):
    """One dispatch of one task: a stated set. `digest`: SHA-256 of its unit ids, ascending, comma-joined."""

    __tablename__ = "batch"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), index=True)
    dispatched_at: Mapped[datetime] = mapped_column(Instant)
    respond_by: Mapped[datetime | None] = mapped_column(Instant)
    due_at: Mapped[datetime | None] = mapped_column(Instant)
    cut_off_at: Mapped[datetime | None] = mapped_column(Instant)
    items: Mapped[int] = mapped_column(Integer)
    digest: Mapped[str] = mapped_column(String(64))
    folded: Mapped[bool] = mapped_column(default=False)


class Assignment(Base):
    """One task for one unit and one period. `state` is written by `operations/move.py` alone.

    `due_at` may be moved later by decision; the batch keeps the first one. While SUBMITTED, `reviewer_unit_id` is the
    unit at whose level it waits and `review_step` how many levels have approved this version.
    """

    __tablename__ = "assignment"
    __table_args__ = (
        UniqueConstraint("task_id", "unit_id", "period"),
        CheckConstraint("(state = 3) = (reviewer_unit_id IS NOT NULL)", name="waits_at_one_level"),
        CheckConstraint("version >= 1", name="version"),
        Index("ix_assignment_unit_state", "unit_id", "state"),
        Index(
            "ix_assignment_reviewer",
            "reviewer_unit_id",
            "review_due_at",
            "id",
            sqlite_where=text("reviewer_unit_id IS NOT NULL"),
            postgresql_where=text("reviewer_unit_id IS NOT NULL"),
        ),
        Index("ix_assignment_batch_unit", "batch_id", "unit_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    batch_id: Mapped[int] = mapped_column(ForeignKey("batch.id"))
    period: Mapped[int] = mapped_column(SmallInteger, default=0)
    state: Mapped[State] = mapped_column(Code(State), default=State.ISSUED)
    version: Mapped[int] = mapped_column(default=1)
    respond_by: Mapped[datetime | None] = mapped_column(Instant)
    due_at: Mapped[datetime | None] = mapped_column(Instant)
    cut_off_at: Mapped[datetime | None] = mapped_column(Instant)
    reviewer_unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    review_due_at: Mapped[datetime | None] = mapped_column(Instant)
    review_step: Mapped[int] = mapped_column(SmallInteger, default=0)
    not_before: Mapped[datetime | None] = mapped_column(Instant)


class Timer(Base):
    """The next rung of an assignment, clustered by time so that what is due is one contiguous range.

    A timer may be stale: the rung is checked against the assignment when it fires, and `Firing` makes it unique.
    """

    __tablename__ = "timer"
    __table_args__ = ({"sqlite_with_rowid": False},)

    sweep: Mapped[Sweep] = mapped_column(Code(Sweep), primary_key=True)
    fires_at: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    assignment_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    rung: Mapped[int] = mapped_column(SmallInteger)
