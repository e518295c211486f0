"""The list of all assignments that a reader sees: filtered, sorted, paged by key, and whole for an export."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select
from sqlalchemy.orm import aliased

from ..db import Instant, db, from_micros, micros
from ..models import Area, Assignment, Campaign, Period, Task, Unit
from ..rules.dates import Light, light_of
from ..rules.organisation import Actor, Line, Role
from ..rules.plans import CampaignStatus
from ..rules.states import State
from .lights import light_is
from .scope import visible_assignments, visible_campaigns
from .spelled import unit_sounds_like

PAGE = 50
MOST_COUNTED = 10_000  # beyond this the page says "more than"
MOST_EXPORTED = 100_000
FAR = datetime(9999, 1, 1, tzinfo=UTC)  # where what has no due date stands in the order


class Sort(Enum):
    """The orders of the list."""

    DUE = "due"
    NEWEST = "newest"
    UNIT = "unit"


@dataclass(frozen=True)
class Filters:
    """Which assignments are wanted; None and '' stand for all."""

    state: State | None = None
    light: Light | None = None
    campaign_id: int | None = None
    unit_id: int | None = None
    text: str = ""
    task_id: int | None = None
    area_id: int | None = None  # and every area below it
    line: Line | None = None


@dataclass(frozen=True)
class Row:
    """One assignment on the list."""

    id: int
    state: State
    unit_name: str
    title: str
    campaign_title: str
    issuer_name: str
    respond_by: datetime | None
    due_at: datetime | None
    reviewer_name: str | None
    light: Light
    suspended: bool
    key: int
    rrule: str = ""  # of a recurring task, with the period that this is
    period: int = 0
    opens_on: date | None = None
    first_due_at: datetime | None = None  # before its due date was moved for the first time


@dataclass(frozen=True)
class Page:
    """One page of the list; `next` continues it."""

    rows: tuple[Row, ...]
    next: tuple[int, int] | None


def page(
    actor: Actor, filters: Filters, sort: Sort, *, now: datetime, after: tuple[int, int] | None = None, size: int = PAGE
) -> Page:
    """The rows that follow the key. One statement, and no slower deep in the list than at its start."""
    statement = _rows(_wanted(select(Assignment.id), actor, filters, now), sort, after).limit(size + 1)
    rows = [_row(row, now) for row in db.session.execute(statement)]
    shown = tuple(rows[:size])
    return Page(shown, (shown[-1].key, shown[-1].id) if len(rows) > size else None)


def total(actor: Actor, filters: Filters, *, now: datetime) -> int:
    """How many match, counted up to `MOST_COUNTED` and one. One statement."""
    found = _wanted(select(Assignment.id), actor, filters, now).limit(MOST_COUNTED + 1).subquery()
    return int(db.session.execute(select(func.count()).select_from(found)).scalar_one())


def everything(actor: Actor, filters: Filters, sort: Sort, *, now: datetime) -> Iterator[Row]:
    """All rows that match, for an export. One statement, read as it comes."""
    statement = _rows(_wanted(select(Assignment.id), actor, filters, now), sort, None).limit(MOST_EXPORTED)
    for row in db.session.execute(statement.execution_options(yield_per=1_000)):
        yield _row(row, now)


def campaigns(actor: Actor, most: int = 200) -> list[tuple[int, str]]:
    """The issued campaigns that the reader sees, latest first. One statement."""
    statement = (
        select(Campaign.id, Campaign.title)
        .where(visible_campaigns(actor), Campaign.status != CampaignStatus.DRAFT)
        .order_by(Campaign.id.desc())
        .limit(most)
    )
    return [(row.id, row.title) for row in db.session.execute(statement)]


def matching(actor: Actor, filters: Filters, *, now: datetime) -> Select[Any]:
    """The ids of all that match, as a SELECT from Assignment joined with Unit, for questions that ask more of them."""
    return _wanted(select(Assignment.id), actor, filters, now)


def names(filters: Filters) -> list[str]:
    """The task and the area that the list is narrowed to, by name. One statement."""
    task = select(Task.title).where(Task.id == filters.task_id).scalar_subquery()
    area = select(Area.name).where(Area.id == filters.area_id).scalar_subquery()
    return [name for name in db.session.execute(select(task, area)).one() if name]


def _wanted(statement: Select[Any], actor: Actor, filters: Filters, now: datetime) -> Select[Any]:
    clauses = [_scope(actor)]
    if filters.state is not None:
        clauses.append(Assignment.state == filters.state)
    if filters.light is not None:
        clauses.append(light_is(filters.light, now))
    if filters.unit_id is not None:
        clauses.append(Assignment.unit_id == filters.unit_id)
    if filters.campaign_id is not None:
        clauses.append(Assignment.task_id.in_(select(Task.id).where(Task.campaign_id == filters.campaign_id)))
    if filters.task_id is not None:
        clauses.append(Assignment.task_id == filters.task_id)
    if filters.area_id is not None:
        place = select(Area.lft, Area.rgt).where(Area.id == filters.area_id).subquery()
        below = Unit.lft.between(select(place.c.lft).scalar_subquery(), select(place.c.rgt).scalar_subquery())
        clauses.append(below)
    if filters.line is not None:
        clauses.append(Unit.line == filters.line)
    if filters.text:
        titled = select(Task.id).where(Task.title.icontains(filters.text, autoescape=True))
        unit = aliased(Unit)
        sounds = unit_sounds_like(unit.area_id, filters.text)
        named = select(unit.id).where(or_(unit.name.icontains(filters.text, autoescape=True), sounds))
        clauses.append(or_(Assignment.unit_id.in_(named), Assignment.task_id.in_(titled)))
    return statement.join(Unit, Unit.id == Assignment.unit_id).where(*clauses)


def _scope(actor: Actor) -> ColumnElement[bool]:
    """What the reader sees. Who only reports, from units with none below them, sees what is addressed to these."""
    if actor.posts and all(post.role is Role.OFFICER and post.lft == post.rgt for post in actor.posts):
        return Assignment.unit_id.in_(actor.units())
    return visible_assignments(actor)


def _rows(wanted: Select[Any], sort: Sort, after: tuple[int, int] | None) -> Select[Any]:
    issuer, reviewer = aliased(Unit), aliased(Unit)
    key = _key(sort)
    statement = (
        wanted.with_only_columns(
            Assignment.id, Assignment.state, Unit.name.label("unit_name"), Task.title, Campaign.title.label("campaign"),
            issuer.name.label("issuer"), Assignment.respond_by, Assignment.due_at, Assignment.behind_at,
            Assignment.suspended_at, reviewer.name.label("reviewer"), key.label("key"),
            Task.rrule, Assignment.period, Period.opens_on, Assignment.first_due_at,
        )
        .join(Task, Task.id == Assignment.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .join(issuer, issuer.id == Campaign.issuing_unit_id)
        .outerjoin(reviewer, reviewer.id == Assignment.reviewer_unit_id)
        .outerjoin(Period, and_(Period.task_id == Task.id, Period.number == Assignment.period))
    )  # fmt: skip
    if sort is Sort.NEWEST:
        statement = statement.order_by(Assignment.id.desc())
        return statement if after is None else statement.where(Assignment.id < after[1])
    statement = statement.order_by(key, Assignment.id)
    if after is None:
        return statement
    place: Any = from_micros(after[0]) if sort is Sort.DUE else after[0]
    return statement.where(or_(key > place, and_(key == place, Assignment.id > after[1])))


def _key(sort: Sort) -> ColumnElement[Any]:
    """The value that sorts; the id, which is unique, comes after it."""
    if sort is Sort.DUE:
        return func.coalesce(Assignment.due_at, literal(FAR, Instant()), type_=Instant())
    return Unit.lft.expression if sort is Sort.UNIT else Assignment.id.expression


def _row(row: Any, now: datetime) -> Row:
    key = micros(row.key) if isinstance(row.key, datetime) else int(row.key)
    state, suspended = State(row.state), row.suspended_at is not None
    return Row(
        row.id, state, row.unit_name, row.title, row.campaign, row.issuer, row.respond_by, row.due_at, row.reviewer,
        light_of(state, row.due_at, row.behind_at, now, suspended), suspended, key, row.rrule, row.period, row.opens_on,
        row.first_due_at,
    )  # fmt: skip
