"""The log: append-only events, and the chain that seals them in the order they were committed."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ..db import Base, BigId, Instant


class Event(Base):
    """One thing that happened. `subject` and `subject_id` name the object ('assignment', 7); `data` is canonical JSON.

    `tx` is the writing transaction on PostgreSQL (set by the database) and 0 on SQLite, where ids are commit order.
    """

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_subject", "subject", "subject_id", "id"), Index("ix_event_tx", "tx", "id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
    tag: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(20))
    subject_id: Mapped[int] = mapped_column(BigInteger)
    person_id: Mapped[int] = mapped_column(BigInteger)
    post_id: Mapped[int | None] = mapped_column(BigInteger)
    from_state: Mapped[str | None] = mapped_column(String(20))
    to_state: Mapped[str | None] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text, default="")
    data: Mapped[str] = mapped_column(Text, default="{}")
    tx: Mapped[int] = mapped_column(BigInteger, server_default="0")


class ChainLink(Base):
    """The seal of one event: SHA-256 over the former link's digest and the event's canonical form."""

    __tablename__ = "chain_link"

    seq: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), unique=True)
    digest: Mapped[str] = mapped_column(String(64))
