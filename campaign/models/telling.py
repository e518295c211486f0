"""How people are told: notices, their deliveries by channel, and what somebody has seen."""

from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from ..db import Base, BigId, Code, Instant
from ..rules.telling import Channel, DeliveryState


class Notice(Base):
    """One message to one person about one event; or, with `batch_id`, one message to all officers of that batch."""

    __tablename__ = "notice"
    __table_args__ = (
        CheckConstraint("(person_id IS NULL) <> (batch_id IS NULL)", name="one_audience"),
        UniqueConstraint("event_id", "person_id"),
        Index("ix_notice_person", "person_id", "id"),
        Index("ix_notice_batch_id", "batch_id", sqlite_where=text("batch_id IS NOT NULL"),
              postgresql_where=text("batch_id IS NOT NULL")),
        Index("ix_notice_waiting", "id", sqlite_where=text("delivered_at IS NULL"),
              postgresql_where=text("delivered_at IS NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    tag: Mapped[str] = mapped_column(String(60))
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id"))
    assignment_id: Mapped[int | None] = mapped_column(ForeignKey("assignment.id"))
    created_at: Mapped[datetime] = mapped_column(Instant)
    read_at: Mapped[datetime | None] = mapped_column(Instant)
    urgent: Mapped[bool] = mapped_column(default=False, server_default=false())  # at once, not in the day's digest
    delivered_at: Mapped[datetime | None] = mapped_column(Instant)  # when it was handed to the channels


class Delivery(Base):
    """One notice on one channel to one person: claimed, tried, sent, or parked for somebody to look at."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("notice_id", "person_id", "channel"),
        # What waits is found by its time: what goes at once before the digests, of which there may be a million.
        Index("ix_delivery_at_once", "next_try_at", sqlite_where=text("state = 1 AND digest_on IS NULL"),
              postgresql_where=text("state = 1 AND digest_on IS NULL")),
        Index("ix_delivery_digest", "next_try_at", sqlite_where=text("state = 1 AND digest_on IS NOT NULL"),
              postgresql_where=text("state = 1 AND digest_on IS NOT NULL")),
        # One digest is the rows of a person and day; under way are few; sent are counted where a provider limits them.
        Index("ix_delivery_person_day", "person_id", "digest_on", sqlite_where=text("digest_on IS NOT NULL"),
              postgresql_where=text("digest_on IS NOT NULL")),
        Index("ix_delivery_under_way", "channel", "next_try_at", sqlite_where=text("state = 1 AND tries > 0"),
              postgresql_where=text("state = 1 AND tries > 0")),
        Index("ix_delivery_sent", "channel", "sent_at", sqlite_where=text("sent_at IS NOT NULL"),
              postgresql_where=text("sent_at IS NOT NULL")),
        Index("ix_delivery_parked", "next_try_at", sqlite_where=text("state = 3"), postgresql_where=text("state = 3")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    channel: Mapped[Channel] = mapped_column(Code(Channel))
    state: Mapped[DeliveryState] = mapped_column(Code(DeliveryState))
    tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    next_try_at: Mapped[datetime] = mapped_column(Instant)
    digest_on: Mapped[date | None] = mapped_column(
        Date
    )  # of which day's digest it is a part; None: a message of its own
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    error: Mapped[str] = mapped_column(Text, default="")


class Seen(Base):
    """What a person has looked at last: the version of an assignment's submission, or the notices of batches."""

    __tablename__ = "seen"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    subject: Mapped[str] = mapped_column(String(20), primary_key=True)
    subject_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(SmallInteger)
    at: Mapped[datetime] = mapped_column(Instant)
