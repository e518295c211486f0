"""Around the evidence: uploads under way, when and where it was captured, fingerprints of pictures, archives."""

from datetime import datetime

from sqlalchemy import BigInteger, Float, ForeignKey, Index, Integer, SmallInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ..db import Base, BigId, Code, Instant
from ..rules.rechecks import ArchiveState


class Upload(Base):
    """A file that comes in pieces, with its hash and size known in advance. `received`: bytes that are safe here."""

    __tablename__ = "upload"
    __table_args__ = (Index("ix_upload_person_id", "person_id", "begun_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(255))
    received: Mapped[int] = mapped_column(Integer, default=0)
    evidence_id: Mapped[int | None] = mapped_column(ForeignKey("evidence.id"))
    begun_at: Mapped[datetime] = mapped_column(Instant)
    at: Mapped[datetime] = mapped_column(Instant, index=True)


class Capture(Base):
    """When and where a piece of evidence was captured, as far as it says: sensitive, for direct reviewers only.

    Kept apart so that nothing else reads it by accident. Degrees of WGS 84.
    """

    __tablename__ = "capture"

    evidence_id: Mapped[int] = mapped_column(ForeignKey("evidence.id"), primary_key=True, autoincrement=False)
    captured_at: Mapped[datetime | None] = mapped_column(Instant)
    latitude: Mapped[float | None] = mapped_column(Float)
    longitude: Mapped[float | None] = mapped_column(Float)
    device: Mapped[str] = mapped_column(String(120), default="")


class Fingerprint(Base):
    """The perceptual hash of a picture (64 bits, signed), and its four quarters: near pictures share one of them.

    The indexes hold all bits too, so that thousands of candidates are told apart without reading a row.
    """

    __tablename__ = "fingerprint"
    __table_args__ = (
        Index("ix_fingerprint_first", "first", "bits"),
        Index("ix_fingerprint_second", "second", "bits"),
        Index("ix_fingerprint_third", "third", "bits"),
        Index("ix_fingerprint_fourth", "fourth", "bits"),
    )

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    bits: Mapped[int] = mapped_column(BigInteger)
    first: Mapped[int] = mapped_column(Integer)
    second: Mapped[int] = mapped_column(Integer)
    third: Mapped[int] = mapped_column(Integer)
    fourth: Mapped[int] = mapped_column(Integer)


class WordPrint(Base):
    """What the words of a version look like from afar: some numbers, of which texts that were copied share one."""

    __tablename__ = "word_print"
    __table_args__ = ({"sqlite_with_rowid": False},)

    value: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), primary_key=True, autoincrement=False)


class Archive(Base):
    """A ledger asked for as one file, made in the background. `path`: its name on the shelf of the evidence's home."""

    __tablename__ = "archive"
    __table_args__ = (Index("ix_archive_state", "state", "asked_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))  # of one unit,
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"))  # or of one task
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    asked_at: Mapped[datetime] = mapped_column(Instant)
    state: Mapped[ArchiveState] = mapped_column(Code(ArchiveState), default=ArchiveState.WAITING)
    done: Mapped[int] = mapped_column(Integer, default=0)
    total: Mapped[int] = mapped_column(Integer, default=0)
    progress: Mapped[int] = mapped_column(SmallInteger, default=0)  # per cent
    path: Mapped[str] = mapped_column(String(200), default="")
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    sha256: Mapped[str] = mapped_column(String(64), default="")
    error: Mapped[str] = mapped_column(Text, default="")
    beat_at: Mapped[datetime | None] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
