"""Calendars as administrators and auditors see them: those within reach, and those that they go by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, Date, Select, and_, func, literal, or_, select, true
from sqlalchemy.orm import aliased

from ..db import db
from ..errors import NotFound, say
from ..models import Area, Assignment, Batch, Calendar, CalendarDay
from ..models.ladders import EVERYBODYS
from ..models.ladders import calendars as read_calendars
from ..rules import calendars as law
from ..rules.calendars import Mark, may_keep
from ..rules.organisation import Actor, Role
from ..rules.states import OPEN
from .spelled import sounds_like

PAGE = 50
MOST_EXPORTED = 10_000
TOP = 1  # the place of the root, for which everybody's calendar stands


@dataclass(frozen=True)
class CalendarRow:
    """A calendar on the list. `area_name` is '' for everybody's; `may_correct`: this reader may."""

    id: int
    area_id: int | None
    area_name: str
    known_until: date | None
    version: int
    days: int
    may_correct: bool


@dataclass(frozen=True)
class DayRow:
    """A day that is not as its weekday says, or has a name."""

    day: date
    mark: Mark
    name: str


@dataclass(frozen=True)
class CalendarPage:
    """One calendar in one year. `years`: those that hold any day; `open_items`: open assignments that go by it.

    `above`: the calendar that the area would go by without this one, None for everybody's.
    """

    row: CalendarRow
    calendar: law.Calendar
    days: tuple[DayRow, ...]
    years: tuple[int, ...]
    open_items: int
    above: CalendarRow | None


class Sort(Enum):
    """The orders of the list: that of the tree, or what is known least far first."""

    TREE = "tree"
    KNOWN = "known"


@dataclass(frozen=True)
class Page:
    """One page of the list; `next` continues it after that place."""

    rows: tuple[CalendarRow, ...]
    total: int
    next: tuple[int, int] | None


def page(actor: Actor, text: str, sort: Sort, *, after: tuple[int, int] | None = None) -> Page:
    """The calendars whose area has these words in its name, its code or its sound. Two statements."""
    wanted, key = _named(actor, text), _key(sort)
    place: ColumnElement[bool] = true()
    if after is not None:
        first: Any = after[0] if sort is Sort.TREE else date.fromordinal(after[0])
        place = or_(key > first, and_(key == first, Calendar.id > after[1]))
    rows = _rows(actor, and_(wanted, place), key, PAGE + 1)
    total = select(func.count()).select_from(Calendar).outerjoin(Area, Area.id == Calendar.area_id).where(wanted)
    return Page(
        tuple(row for _key, row in rows[:PAGE]),
        int(db.session.execute(total).scalar_one()),
        (_whole(rows[PAGE - 1][0]), rows[PAGE - 1][1].id) if len(rows) > PAGE else None,
    )


def everything(actor: Actor, text: str, sort: Sort) -> list[CalendarRow]:
    """All of them, for an export. One statement."""
    return [row for _key, row in _rows(actor, _named(actor, text), _key(sort), MOST_EXPORTED)]


def listing(actor: Actor) -> list[CalendarRow]:
    """Everybody's calendar first, then those of areas in the order of the tree. One statement."""
    return [row for _place, row in _rows(actor, _seen(actor), _key(Sort.TREE))]


def _named(actor: Actor, text: str) -> ColumnElement[bool]:
    named = or_(Area.name.icontains(text, autoescape=True), Area.code.startswith(text, autoescape=True))
    return and_(_seen(actor), or_(named, sounds_like(Area.name, text))) if text else _seen(actor)


def _key(sort: Sort) -> ColumnElement[Any]:
    """What sorts, the id after it: the place in the tree, everybody's first; or the day, what knows none first."""
    if sort is Sort.KNOWN:
        return func.coalesce(Calendar.known_until, literal(date.min, Date()), type_=Date())
    return func.coalesce(Area.lft, 0)


def _whole(key: Any) -> int:
    return key.toordinal() if isinstance(key, date) else int(key)


def visible_calendars(actor: Actor) -> Select[tuple[int]]:
    """The ids of the calendars within reach, and of those that the reader's areas go by."""
    return select(Calendar.id).outerjoin(Area, Area.id == Calendar.area_id).where(_seen(actor))


def _seen(actor: Actor) -> ColumnElement[bool]:
    if actor.is_system:
        return true()
    reach: list[ColumnElement[bool]] = [Area.id.is_(None)]
    for post in actor.posts:
        if post.role in (Role.ADMINISTRATOR, Role.AUDITOR):
            reach.append(Area.lft.between(post.lft, post.rgt))
            reach.append(and_(Area.lft <= post.lft, Area.rgt >= post.lft))
    return or_(*reach)


def one(calendar_id: int, year: int, actor: Actor) -> CalendarPage:
    """The calendar in that year. Raises NotFound outside the reader's reach."""
    known = listing(actor)
    row = next((row for row in known if row.id == calendar_id), None)
    if row is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    found = db.session.execute(
        select(CalendarDay.day, CalendarDay.works, CalendarDay.name)
        .where(CalendarDay.calendar_id == calendar_id, CalendarDay.day.between(date(year, 1, 1), date(year, 12, 31)))
        .order_by(CalendarDay.day)
    )
    days = tuple(DayRow(day, Mark.WORK if works else Mark.REST, name) for day, works, name in found)
    calendar = read_calendars([calendar_id])[calendar_id]
    years = tuple(sorted({day.year for day in calendar.exceptions}))
    return CalendarPage(row, calendar, days, years, open_items(calendar_id), _above(row, known))


def all_days(calendar_id: int) -> list[DayRow]:
    """Every day that the calendar holds, for an export."""
    found = db.session.execute(
        select(CalendarDay.day, CalendarDay.works, CalendarDay.name)
        .where(CalendarDay.calendar_id == calendar_id)
        .order_by(CalendarDay.day)
    )
    return [DayRow(day, Mark.WORK if works else Mark.REST, name) for day, works, name in found]


def open_items(calendar_id: int) -> int:
    """How many open assignments go by the calendar."""
    return int(
        db.session.execute(
            select(func.count())
            .select_from(Assignment)
            .join(Batch, Batch.id == Assignment.batch_id)
            .where(func.coalesce(Batch.calendar_id, EVERYBODYS) == calendar_id, Assignment.state.in_(OPEN))
        ).scalar_one()
    )


def areas_named(text: str, actor: Actor) -> Sequence[tuple[int, str]]:
    """The areas with this code or name for which this reader may keep a calendar, at most two."""
    mine = [
        Area.lft.between(post.lft, post.rgt)
        for post in actor.posts
        if post.role is Role.ADMINISTRATOR and may_keep(actor, post.lft)
    ]
    if not actor.is_system and not mine:
        return []
    found = select(Area.id, Area.name).where(or_(Area.code == text, Area.name == text), *([or_(*mine)] if mine else []))
    return [(row.id, row.name) for row in db.session.execute(found.limit(2))]


def _rows(
    actor: Actor, wanted: ColumnElement[bool], key: ColumnElement[Any], most: int | None = None
) -> list[tuple[Any, CalendarRow]]:
    days = (
        select(func.count())
        .select_from(CalendarDay)
        .where(CalendarDay.calendar_id == Calendar.id)
        .correlate(Calendar)
        .scalar_subquery()
    )
    found = db.session.execute(
        select(key, Calendar.id, Calendar.area_id, Area.name, Area.lft, Calendar.known_until, Calendar.version, days)
        .outerjoin(Area, Area.id == Calendar.area_id)
        .where(wanted)
        .order_by(key, Calendar.id)
        .limit(most)
    )
    return [
        (place, CalendarRow(id, area_id, name or "", known, version, count, may_keep(actor, lft or TOP)))
        for place, id, area_id, name, lft, known, version, count in found
    ]


def _above(row: CalendarRow, known: list[CalendarRow]) -> CalendarRow | None:
    """Everything around a visible calendar is visible too, so the nearest above is among those listed."""
    if row.area_id is None:
        return None
    own, around = aliased(Area), aliased(Area)
    nearest = db.session.execute(
        select(Calendar.id)
        .join(around, around.id == Calendar.area_id)
        .join(own, and_(own.lft > around.lft, own.lft <= around.rgt))
        .where(own.id == row.area_id)
        .order_by(around.depth.desc())
        .limit(1)
    ).scalar()
    return next((other for other in known if other.id == (nearest or EVERYBODYS)), None)
