"""What a unit asks of the one above it: more time, another target, or not to be asked at all."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Index, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from ..db import Base, BigId, Code, Exact, Instant
from ..rules.requests import Decision, RequestKind


class Request(Base):
    """One request; the original of what it would change is never edited. `number`: in sequence of its assignment.

    `unit_id`: who decides. `due_at` is the date asked for, `from_due_at` the one it had. `consent`: the parent's due
    date would be passed, and its holder has consented.
    """

    __tablename__ = "request"
    __table_args__ = (
        Index("ix_request_pending", "unit_id", "decide_by", "id", sqlite_where=text("decision = 0"),
              postgresql_where=text("decision = 0")),
        Index("ix_request_one_pending", "assignment_id", unique=True, sqlite_where=text("decision = 0"),
              postgresql_where=text("decision = 0")),
        Index("ix_request_assignment_id", "assignment_id"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"))
    number: Mapped[int] = mapped_column(SmallInteger)
    kind: Mapped[RequestKind] = mapped_column(Code(RequestKind))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    reason: Mapped[str] = mapped_column(Text)
    due_at: Mapped[datetime | None] = mapped_column(Instant)
    from_due_at: Mapped[datetime | None] = mapped_column(Instant)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    at: Mapped[datetime] = mapped_column(Instant)
    decide_by: Mapped[datetime | None] = mapped_column(Instant)
    decision: Mapped[Decision] = mapped_column(Code(Decision), default=Decision.PENDING)
    words: Mapped[str] = mapped_column(Text, default="")
    consent: Mapped[bool] = mapped_column(default=False)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)


class Proposal(Base):
    """The target that a dispute proposes for a metric, beside the one it had."""

    __tablename__ = "proposal"

    request_id: Mapped[int] = mapped_column(ForeignKey("request.id"), primary_key=True)
    metric_id: Mapped[int] = mapped_column(ForeignKey("metric.id"), primary_key=True)
    was: Mapped[Decimal | None] = mapped_column(Exact)
    value: Mapped[Decimal] = mapped_column(Exact)


class RequestEvidence(Base):
    """Evidence that a request names."""

    __tablename__ = "request_evidence"

    request_id: Mapped[int] = mapped_column(ForeignKey("request.id"), primary_key=True)
    evidence_id: Mapped[int] = mapped_column(ForeignKey("evidence.id"), primary_key=True)
