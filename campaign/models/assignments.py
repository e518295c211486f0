"""Who has what to do: batches of a dispatch, assignments, and the timers that the clock sweeps."""

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from ..db import Base, BigId, Code, Instant
from ..rules.ladder import Sweep
from ..rules.states import State


class Batch(Base):
    """One dispatch of one task: a stated set. `digest`: SHA-256 of its unit ids, ascending, comma-joined.

    The dates are the first ones and stay; the ladder's version and the calendar are pinned here.
    """

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
    behind_at: Mapped[datetime | None] = mapped_column(Instant)
    period: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    ladder_id: Mapped[int | None] = mapped_column(ForeignKey("ladder.id"), default=1)
    calendar_id: Mapped[int | None] = mapped_column(ForeignKey("calendar.id"), default=1)


class Assignment(Base):
    """One task for one unit and one period. `state` is written by `operations/move.py` alone.

    `first_due_at` keeps the first due date once `due_at` was moved. `own_dates`: its dates were moved for itself alone;
    an occasion or a calendar that changes no longer moves them. While SUBMITTED, `reviewer_unit_id` is the unit at
    whose level it waits and `review_step` how many levels have approved this version. `since`: when it came into its
    present state, None while it stands as dispatched. `behind_at`: from when it lags behind the expected curve if
    nothing more is reported. `suspended_at`: the clock stands still since then. `parent_id`: the assignment that was
    split among the units below; None where it came from the issuer.
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
        Index(
            "ix_assignment_suspended",
            "task_id",
            "unit_id",
            sqlite_where=text("suspended_at IS NOT NULL"),
            postgresql_where=text("suspended_at IS NOT NULL"),
        ),
        Index(
            "ix_assignment_parent_id",
            "parent_id",
            sqlite_where=text("parent_id IS NOT NULL"),
            postgresql_where=text("parent_id IS NOT NULL"),
        ),
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
    first_due_at: Mapped[datetime | None] = mapped_column(Instant)
    own_dates: Mapped[bool] = mapped_column(default=False, server_default=false())
    behind_at: Mapped[datetime | None] = mapped_column(Instant)
    since: Mapped[datetime | None] = mapped_column(Instant)
    urged_at: Mapped[datetime | None] = mapped_column(Instant)
    suspended_at: Mapped[datetime | None] = mapped_column(Instant)
    in_charge_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("assignment.id"))


class Suspension(Base):
    """A stretch in which an assignment's clock stood still, and the days that were given back for it.

    `question_id`: the question that was pending above. Open while `ended_at` is None.
    """

    __tablename__ = "suspension"
    __table_args__ = (
        Index("ix_suspension_open", "assignment_id", unique=True, sqlite_where=text("ended_at IS NULL"),
              postgresql_where=text("ended_at IS NULL")),
        Index("ix_suspension_assignment_id", "assignment_id"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"))
    question_id: Mapped[int | None] = mapped_column(ForeignKey("question.id"))
    began_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    days: Mapped[int | None] = mapped_column(SmallInteger)


class Question(Base):
    """Asked upwards by the officer; while it is pending the clock of the assignment stands still."""

    __tablename__ = "question"
    __table_args__ = (
        Index("ix_question_pending", "unit_id", "asked_at", sqlite_where=text("answered_at IS NULL"),
              postgresql_where=text("answered_at IS NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"), index=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))  # who is asked
    words: Mapped[str] = mapped_column(Text)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    asked_at: Mapped[datetime] = mapped_column(Instant)
    answer: Mapped[str] = mapped_column(Text, default="")
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    answered_post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"))
    answered_at: Mapped[datetime | None] = mapped_column(Instant)


class Timer(Base):
    """The next rung of an assignment, clustered by time so that what is due is one contiguous range.

    A timer may be stale: the rung is checked against the assignment when it fires, and `Firing` makes it unique.
    `after`: everything planned up to that instant has been decided already.
    """

    __tablename__ = "timer"
    __table_args__ = ({"sqlite_with_rowid": False},)

    sweep: Mapped[Sweep] = mapped_column(Code(Sweep), primary_key=True)
    fires_at: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    assignment_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    rung: Mapped[int] = mapped_column(SmallInteger)
    after: Mapped[datetime] = mapped_column(Instant, server_default=text("0"))
