"""What the clock goes by: calendars of working days, and ladders."""

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ..db import Base, BigId, Code, Instant
from ..rules.organisation import Level


class Calendar(Base):
    """A calendar of working days: that of an area and all below it, or the one for everybody (`id` 1, no area).

    `version` goes up with every correction; `known_until` is the last day whose holidays are known.
    """

    __tablename__ = "calendar"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    known_until: Mapped[date | None] = mapped_column(Date)
    version: Mapped[int] = mapped_column(default=1)


class CalendarDay(Base):
    """A day that is not what its weekday says: a holiday that is not worked, or a make-up day (调休) that is."""

    __tablename__ = "calendar_day"

    calendar_id: Mapped[int] = mapped_column(ForeignKey("calendar.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    works: Mapped[bool]
    name: Mapped[str] = mapped_column(String(80), default="")


class LadderVersion(Base):
    """One version of a ladder; rows are added and never changed. `rungs` is JSON: `models/ladders.py` reads it.

    The first row is the default that every campaign starts with. `unit_id`: whose ladder it is, None for the default.
    """

    __tablename__ = "ladder"
    __table_args__ = (UniqueConstraint("key", "version"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(40))
    version: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[str] = mapped_column(String(120))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    stop_level: Mapped[Level | None] = mapped_column(Code(Level))
    rungs: Mapped[str] = mapped_column(Text)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime] = mapped_column(Instant)
