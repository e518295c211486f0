"""Around a review: who has it in hand, one's own phrases, the thread of remarks, random re-checks."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ..db import Base, BigId, Code, Instant
from ..rules.rechecks import RecheckResult


class Claim(Base):
    """A reviewer has this assignment in hand until then, so that two do not read the same at once."""

    __tablename__ = "claim"

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"), primary_key=True, autoincrement=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    at: Mapped[datetime] = mapped_column(Instant)
    until: Mapped[datetime] = mapped_column(Instant)


class Phrase(Base):
    """Words that a reviewer keeps for the next return."""

    __tablename__ = "phrase"
    __table_args__ = (UniqueConstraint("person_id", "words"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    words: Mapped[str] = mapped_column(String(400))
    used: Mapped[int] = mapped_column(Integer, default=0)
    at: Mapped[datetime] = mapped_column(Instant)


class Remark(Base):
    """One remark of the thread that officer and reviewers share. Rows are never changed."""

    __tablename__ = "remark"
    __table_args__ = (Index("ix_remark_assignment_id", "assignment_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"))
    words: Mapped[str] = mapped_column(Text)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    at: Mapped[datetime] = mapped_column(Instant)


class Sample(Base):
    """A random re-check of a task: the seed, and how it was drawn, so that anybody can draw it again.

    `drawn_from`: SHA-256 of the ids that stood to be drawn, ascending, comma-joined.
    """

    __tablename__ = "sample"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), index=True)
    seed: Mapped[str] = mapped_column(String(40))
    share: Mapped[int] = mapped_column(SmallInteger)  # per cent of each stratum, at least one
    level: Mapped[int] = mapped_column(SmallInteger)  # areas of this level are the strata
    drawn_from: Mapped[str] = mapped_column(String(64))
    population: Mapped[int] = mapped_column(Integer)
    reason: Mapped[str] = mapped_column(String(400))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    at: Mapped[datetime] = mapped_column(Instant)


class SampleItem(Base):
    """One assignment that was drawn, the unit that checks it, and what it found."""

    __tablename__ = "sample_item"
    __table_args__ = (Index("ix_sample_item_unit_result", "unit_id", "result"),)

    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"), primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"), primary_key=True, autoincrement=False)
    stratum_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"))
    result: Mapped[RecheckResult] = mapped_column(Code(RecheckResult), default=RecheckResult.OPEN)
    words: Mapped[str] = mapped_column(Text, default="")
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"))
    at: Mapped[datetime | None] = mapped_column(Instant)
