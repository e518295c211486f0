"""Whom a channel reaches, when that person wants to be told, and by which calendar they rest."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, func, literal, select
from sqlalchemy.orm import aliased

from ..clock import local_today
from ..db import db
from ..models import Area, Person, Post, Unit
from ..models.clockwork import Calendar as CalendarRow
from ..models.ladders import EVERYBODYS, calendars
from ..models.organisation import holds_on
from ..rules.calendars import Calendar
from ..rules.telling import DEFAULT_CHANNELS, Channel, Preferences, preferences
from .channels import WAYS

AHEAD = 40  # days that calendars are compared over: longer than any holiday
WISHES = (Person.digest_at, Person.quiet_from, Person.quiet_until, Person.on_rest_days)


@dataclass(frozen=True)
class Reader:
    """Who is written to. `to`: the address on that channel; `able`: the account is open and the channel chosen."""

    id: int
    name: str
    locale: str | None
    to: str
    able: bool
    wishes: Preferences
    calendar: Calendar


def address(channel: Channel) -> ColumnElement[str | None]:
    """The column that holds a person's address on that channel."""
    column: ColumnElement[str | None] = getattr(Person, WAYS[channel].needs).expression
    return column


def reachable(channel: Channel) -> list[ColumnElement[bool]]:
    """Clauses over Person: the account is open, the channel chosen, and the address there where there must be one."""
    clauses = [Person.disabled_at.is_(None), _chosen(channel)]
    if WAYS[channel].must:
        clauses += [address(channel).is_not(None), address(channel) != ""]
    return clauses


def _chosen(channel: Channel) -> ColumnElement[bool]:
    usual = ",".join(str(int(each)) for each in DEFAULT_CHANNELS)
    named = literal(",").concat(func.coalesce(Person.channels, usual)).concat(",")
    return named.contains(f",{int(channel)},")


def reader(person_id: int, channel: Channel, *, now: datetime) -> Reader:
    """One person as the sender needs to know them: two statements, three where calendars differ just now."""
    columns = (Person.name, Person.locale, *WISHES, func.coalesce(address(channel), "").label("to"))
    able = select(literal(1)).where(Person.id == person_id, *reachable(channel)).exists()
    row = db.session.execute(select(*columns, able.label("able")).where(Person.id == person_id)).one()
    rest = Rest.on(local_today(now))
    calendar = rest.calendar_of(person_id, local_today(now))
    return Reader(person_id, row.name, row.locale, row.to, bool(row.able), preferences(*row[2:6]), calendar)


@dataclass(frozen=True)
class Rest:
    """The calendars, grouped by what they say of the days ahead: mostly all of them say the same.

    `groups`: for each group one calendar and the ids of all of its kind, everybody's calendar first.
    """

    groups: tuple[tuple[Calendar, tuple[int, ...]], ...]

    @classmethod
    def on(cls, today: date) -> "Rest":
        """The groups of that day, in two statements."""
        ids = [EVERYBODYS, *db.session.execute(select(CalendarRow.id).where(CalendarRow.id != EVERYBODYS)).scalars()]
        known = calendars(ids)
        kinds: dict[tuple[bool, ...], list[int]] = {}
        for id in ids:
            if id in known:
                kinds.setdefault(_kind(known[id], today), []).append(id)
        return cls(tuple((known[same[0]], tuple(same)) for same in kinds.values()))

    @property
    def differ(self) -> bool:
        """Whether it matters by which calendar somebody goes."""
        return len(self.groups) > 1

    def calendar_of(self, person_id: int, today: date) -> Calendar:
        """The calendar of one person."""
        if not self.differ:
            return self.groups[0][0]
        id = db.session.execute(select(nearest(literal(person_id), today))).scalar() or EVERYBODYS
        return next(calendar for calendar, ids in self.groups if id in ids)


def _kind(calendar: Calendar, today: date) -> tuple[bool, ...]:
    return tuple(calendar.works(today + timedelta(days=ahead)) for ahead in range(AHEAD))


def nearest(person_id: Any, today: date) -> ScalarSelect[int | None]:
    """A column: the calendar nearest to the units in which the person holds a post; NULL where there is none."""
    own, above = aliased(Area), aliased(Area)
    return (
        select(CalendarRow.id)
        .join(above, above.id == CalendarRow.area_id)
        .join(own, own.lft.between(above.lft, above.rgt))
        .join(Unit, Unit.area_id == own.id)
        .join(Post, Post.unit_id == Unit.id)
        .where(Post.person_id == person_id, holds_on(today))
        .order_by(above.depth.desc(), CalendarRow.id)
        .limit(1)
        .scalar_subquery()
    )
