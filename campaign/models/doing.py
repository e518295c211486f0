"""What the clock keeps: job runs, firings of rungs, roll-up tallies and their deltas, the history of states."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from ..db import Base, BigId, Code, Instant
from ..rules.jobs import RunState
from ..rules.organisation import Line
from ..rules.states import State


class JobRun(Base):
    """One slot of one job. The row is the claim: a second scheduler finds it taken."""

    __tablename__ = "job_run"
    __table_args__ = (UniqueConstraint("name", "slot"), Index("ix_job_run_started_at", "started_at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    slot: Mapped[datetime] = mapped_column(Instant)
    state: Mapped[RunState] = mapped_column(Code(RunState))
    started_at: Mapped[datetime] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
    worker: Mapped[str] = mapped_column(String(80))
    done: Mapped[int] = mapped_column(Integer, default=0)
    skipped: Mapped[int] = mapped_column(Integer, default=0)
    failed: Mapped[int] = mapped_column(Integer, default=0)
    error: Mapped[str] = mapped_column(Text, default="")


class Firing(Base):
    """One rung of one assignment, for one date, that has fired or was skipped with the reason. The row is the claim.

    `anchor_at` is the date that the rung counts from: when that date is moved, the rung may speak of the new one.
    """

    __tablename__ = "firing"
    __table_args__ = ({"sqlite_with_rowid": False},)

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"), primary_key=True)
    rung: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    anchor_at: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
    run: Mapped[int] = mapped_column(BigInteger)  # marks the rows of one sweep, so that its events can follow
    skipped: Mapped[str] = mapped_column(String(40), default="")


class Tally(Base):
    """How many assignments of a task stand in a state, in the subtree of an area, for one line and one pair of dates.

    Areas that are leaves have no tally: their assignments are the fact. `due` and `behind` (from when they lag behind
    the curve) are microseconds since 1970, 0 for none.
    """

    __tablename__ = "tally"
    __table_args__ = ({"sqlite_with_rowid": False},)

    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"), primary_key=True)
    line: Mapped[Line] = mapped_column(Code(Line), primary_key=True)
    state: Mapped[State] = mapped_column(Code(State), primary_key=True)
    due: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    behind: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    n: Mapped[int] = mapped_column(Integer)
    changed_at: Mapped[datetime] = mapped_column(Instant)


class TallyDelta(Base):
    """A change not yet folded into the tallies: one assignment went from one state and pair of dates to another."""

    __tablename__ = "tally_delta"
    __table_args__ = (Index("ix_tally_delta_task_id", "task_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    from_state: Mapped[State | None] = mapped_column(Code(State))
    from_due: Mapped[int] = mapped_column(BigId)
    from_behind: Mapped[int] = mapped_column(BigId, default=0, server_default=text("0"))
    to_state: Mapped[State] = mapped_column(Code(State))
    to_due: Mapped[int] = mapped_column(BigId, default=0, server_default=text("0"))
    to_behind: Mapped[int] = mapped_column(BigId, default=0, server_default=text("0"))


class StateCount(Base):
    """The record of review and approval states at a slot, per task, area and line; a leaf area has one row of n = 1.

    A key (task, area, line) is recorded whenever it changed since the last slot; its latest slot holds until the next.
    """

    __tablename__ = "state_count"
    __table_args__ = (CheckConstraint("n >= 0", name="n"), {"sqlite_with_rowid": False})

    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"), primary_key=True)
    line: Mapped[Line] = mapped_column(Code(Line), primary_key=True)
    slot: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    state: Mapped[State] = mapped_column(Code(State), primary_key=True)
    n: Mapped[int] = mapped_column(Integer)
