"""Advisory findings on a version, and what reviewers decided on them."""

from datetime import datetime

from sqlalchemy import ForeignKey, SmallInteger, String, Text, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, mapped_column

from ..db import Base, BigId, Code, Instant
from ..rules.flags import FlagKind, Verdict


class Flag(Base):
    """One finding on a version. `score` in per cent; `data`: JSON of what its sentence needs; `explanation`: the
    officer's words, given with the version. Rows are never changed."""

    __tablename__ = "flag"
    __table_args__ = (UniqueConstraint("submission_id", "key"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"), index=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"))
    key: Mapped[str] = mapped_column(String(120))
    kind: Mapped[FlagKind] = mapped_column(Code(FlagKind))
    score: Mapped[int] = mapped_column(SmallInteger)
    metric_id: Mapped[int | None] = mapped_column(ForeignKey("metric.id"))
    evidence_id: Mapped[int | None] = mapped_column(ForeignKey("evidence.id"))
    against_submission_id: Mapped[int | None] = mapped_column(ForeignKey("submission.id"))
    against_evidence_id: Mapped[int | None] = mapped_column(ForeignKey("evidence.id"))
    data: Mapped[str] = mapped_column(Text, default="{}")
    explanation: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(Instant)


class FlagDecision(Base):
    """What one reviewer decided on a flag; a later one may decide otherwise, and both stay."""

    __tablename__ = "flag_decision"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    flag_id: Mapped[int] = mapped_column(ForeignKey("flag.id"), index=True)
    verdict: Mapped[Verdict] = mapped_column(Code(Verdict))
    words: Mapped[str] = mapped_column(Text, default="")
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    at: Mapped[datetime] = mapped_column(Instant)


# Over Flag: the decision that counts is the latest; nobody has said that it is a false alarm or explained.
LATEST_VERDICT = (
    select(func.max(FlagDecision.id)).where(FlagDecision.flag_id == Flag.id).correlate(Flag).scalar_subquery()
)
_SETTLED = select(FlagDecision.id).where(
    FlagDecision.id == LATEST_VERDICT, FlagDecision.verdict.in_((Verdict.FALSE_ALARM, Verdict.EXPLAINED))
)
SPEAKS = ~_SETTLED.correlate(Flag).exists()
