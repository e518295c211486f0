"""What is reported and decided: check-ins, submissions, values, evidence, reviews, drafts, repeated requests."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    exists,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from ..db import Base, BigId, Code, Exact, Instant
from ..rules.states import Action, CheckInKind, ReturnReason


class CheckIn(Base):
    """A dated status update while the work goes on; never a daily duty, never reviewed."""

    __tablename__ = "check_in"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"), index=True)
    kind: Mapped[CheckInKind] = mapped_column(Code(CheckInKind))
    words: Mapped[str] = mapped_column(Text)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    at: Mapped[datetime] = mapped_column(Instant)


class Submission(Base):
    """A numbered, frozen version of the completion report. `chain`: ids of the reviewing units, in order, comma-joined.

    `digest`: SHA-256 over words, values and evidence hashes, named by every approval.
    """

    __tablename__ = "submission"
    __table_args__ = (UniqueConstraint("assignment_id", "number"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"))
    number: Mapped[int] = mapped_column(SmallInteger)
    words: Mapped[str] = mapped_column(Text)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    at: Mapped[datetime] = mapped_column(Instant)
    chain: Mapped[str] = mapped_column(String(200))
    digest: Mapped[str] = mapped_column(String(64))


class MetricValue(Base):
    """A figure of a submission or of a check-in. Money is in 元."""

    __tablename__ = "metric_value"
    __table_args__ = (
        CheckConstraint("(submission_id IS NULL) <> (check_in_id IS NULL)", name="one_owner"),
        UniqueConstraint("submission_id", "metric_id"),
        UniqueConstraint("check_in_id", "metric_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submission.id"))
    check_in_id: Mapped[int | None] = mapped_column(ForeignKey("check_in.id"))
    metric_id: Mapped[int] = mapped_column(ForeignKey("metric.id"), index=True)
    number: Mapped[Decimal | None] = mapped_column(Exact)
    numerator: Mapped[Decimal | None] = mapped_column(Exact)
    denominator: Mapped[Decimal | None] = mapped_column(Exact)
    text: Mapped[str | None] = mapped_column(Text)


class Evidence(Base):
    """A file that was uploaded for an assignment; its bytes lie in the store under `sha256`. Rows are never changed."""

    __tablename__ = "evidence"
    __table_args__ = (
        UniqueConstraint("assignment_id", "sha256"),
        CheckConstraint("size > 0", name="size"),
        Index("ix_evidence_sha256", "sha256"),
        Index("ix_evidence_person_id", "person_id", "at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(Integer)
    media_type: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(255))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    at: Mapped[datetime] = mapped_column(Instant)


class Attachment(Base):
    """Which evidence a submission or a check-in names, and for which rule of the task."""

    __tablename__ = "attachment"
    __table_args__ = (
        CheckConstraint("(submission_id IS NULL) <> (check_in_id IS NULL)", name="one_owner"),
        UniqueConstraint("submission_id", "evidence_id"),
        UniqueConstraint("check_in_id", "evidence_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    evidence_id: Mapped[int] = mapped_column(ForeignKey("evidence.id"), index=True)
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submission.id"))
    check_in_id: Mapped[int | None] = mapped_column(ForeignKey("check_in.id"))
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("evidence_rule.id"))


class Review(Base):
    """The decision of one level on one version; after one that was taken back the same step has another turn.

    `since`: from when it waited at this level, `due_at`: until when it should have been decided there.
    """

    __tablename__ = "review"
    __table_args__ = (UniqueConstraint("submission_id", "step", "turn"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"), index=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"))
    step: Mapped[int] = mapped_column(SmallInteger)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    decision: Mapped[Action] = mapped_column(Code(Action))
    reason: Mapped[ReturnReason | None] = mapped_column(Code(ReturnReason))
    words: Mapped[str] = mapped_column(Text, default="")
    digest: Mapped[str] = mapped_column(String(64))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    at: Mapped[datetime] = mapped_column(Instant)
    turn: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    since: Mapped[datetime | None] = mapped_column(Instant)
    due_at: Mapped[datetime | None] = mapped_column(Instant)


class Undo(Base):
    """A decision that whoever made it took back before anybody was told. Rows are never changed."""

    __tablename__ = "undo"

    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"), primary_key=True, autoincrement=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    at: Mapped[datetime] = mapped_column(Instant)


# A clause over Review: it stands, nobody took it back.
STANDS = ~exists().where(Undo.review_id == Review.id).correlate(Review)


class Draft(Base):
    """What an officer has typed so far for an assignment: JSON of the form's fields, and the files taken out of it."""

    __tablename__ = "draft"

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    fields: Mapped[str] = mapped_column(Text)
    saved_at: Mapped[datetime] = mapped_column(Instant)


class ClientAction(Base):
    """One act of one person under an id made by the client: the same again gives the same answer."""

    __tablename__ = "client_action"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    subject: Mapped[str] = mapped_column(String(60))
    digest: Mapped[str] = mapped_column(String(64))
    result: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(Instant, index=True)
