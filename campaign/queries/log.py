"""The log as administrators and auditors read it: filtered, newest first, paged by key; within their reach."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select

from ..db import db
from ..models import Area, Assignment, Batch, Campaign, ChainLink, Delegation, Delivery, Event, Person, Post, Task, Unit
from ..models.organisation import acted_for
from ..rules.organisation import Actor
from .accounts import people_within
from .calendars import visible_calendars
from .organisation import areas_within, overseer, oversees_all
from .scope import visible_campaigns, visible_units
from .timeline import Entry

PAGE = 50
MOST_EXPORTED = 100_000
FETCH = 1_000
SUBJECTS = ("assignment", "batch", "campaign", "person", "area", "delivery", "delegation", "calendar")


@dataclass(frozen=True)
class Filters:
    """Which entries are wanted; None and '' stand for all. `tag` may be a whole tag or its beginning."""

    subject: str = ""
    subject_id: int | None = None
    person: str = ""
    tag: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class LogPage:
    """One page of the log, newest first; `next` is the number before which the next page begins."""

    rows: tuple[Entry, ...]
    next: int | None


@dataclass(frozen=True)
class LogFact:
    """How long the log is, and how much of it is sealed."""

    events: int
    sealed: int
    head: str


def listing(actor: Actor, filters: Filters, *, on: date, before: int | None = None) -> LogPage:
    """The entries that match. One statement."""
    statement = _rows(actor, filters, on)
    if before is not None:
        statement = statement.where(Event.id < before)
    rows = [_entry(row) for row in db.session.execute(statement.limit(PAGE + 1))]
    return LogPage(tuple(rows[:PAGE]), rows[PAGE - 1].id if len(rows) > PAGE else None)


def everything(actor: Actor, filters: Filters, *, on: date) -> Iterator[Entry]:
    """All entries that match, for an export, read as they come. One statement."""
    statement = _rows(actor, filters, on).limit(MOST_EXPORTED).execution_options(yield_per=FETCH)
    for row in db.session.execute(statement):
        yield _entry(row)


def fact() -> LogFact:
    """The length of the log, of its chain, and the digest of the last link."""
    events = select(func.count()).select_from(Event).scalar_subquery()
    sealed = select(func.coalesce(func.max(ChainLink.seq), 0)).scalar_subquery()
    head = select(ChainLink.digest).order_by(ChainLink.seq.desc()).limit(1).scalar_subquery()
    row = db.session.execute(select(events, sealed, func.coalesce(head, ""))).one()
    return LogFact(*row)


def _rows(actor: Actor, filters: Filters, on: date) -> Select[Any]:
    clauses: list[ColumnElement[bool]] = []
    if not oversees_all(actor):
        clauses.append(_within(actor, on))
    if filters.subject:
        clauses.append(Event.subject == filters.subject)
        if filters.subject_id is not None:
            clauses.append(Event.subject_id == filters.subject_id)
    if filters.tag:
        clauses.append(Event.tag.startswith(filters.tag, autoescape=True))
    if filters.since is not None:
        clauses.append(Event.at >= filters.since)
    if filters.until is not None:
        clauses.append(Event.at <= filters.until)
    if filters.person:
        named = or_(Person.login == filters.person.lower(), Person.name.icontains(filters.person, autoescape=True))
        clauses.append(named)
    return (
        select(
            Event.id, Event.at, Event.tag, Event.subject, Event.subject_id, Event.person_id,
            func.coalesce(Person.name, ""), Unit.name,
            Event.from_state, Event.to_state, Event.reason, Event.data, ChainLink.seq,
            acted_for(Event.post_id, Event.person_id),
        )
        .outerjoin(Person, Person.id == Event.person_id)
        .outerjoin(Post, Post.id == Event.post_id)
        .outerjoin(Unit, Unit.id == Post.unit_id)
        .outerjoin(ChainLink, ChainLink.event_id == Event.id)
        .where(*clauses)
        .order_by(Event.id.desc())
    )  # fmt: skip


def _entry(row: Any) -> Entry:
    return Entry(*(*row[:11], json.loads(row[11]), *row[12:]))


def _within(actor: Actor, on: date) -> ColumnElement[bool]:
    """Entries about what lies within reach: its assignments, campaigns, people, areas; and what was done there."""
    desk = overseer(actor)
    units = select(Unit.id).where(visible_units(desk))
    campaigns = select(Campaign.id).where(visible_campaigns(desk))

    def about(subject: str, *clauses: ColumnElement[bool]) -> ColumnElement[bool]:
        return and_(Event.subject == subject, exists().where(*clauses).correlate(Event))

    own_posts = select(Post.id).where(Post.unit_id.in_(units))
    people = select(Person.id).where(people_within(actor, on))
    return or_(
        Event.post_id.in_(own_posts),
        about("assignment", Assignment.id == Event.subject_id, Assignment.unit_id.in_(units)),
        about("campaign", Campaign.id == Event.subject_id, Campaign.id.in_(campaigns)),
        about("batch", Batch.id == Event.subject_id, Batch.task_id == Task.id, Task.campaign_id.in_(campaigns)),
        about("person", Event.subject_id.in_(people), Person.id == Event.subject_id),
        about("area", Area.id == Event.subject_id, areas_within(actor)),
        about("delegation", Delegation.id == Event.subject_id, Delegation.post_id.in_(own_posts)),
        and_(Event.subject == "calendar", Event.subject_id.in_(visible_calendars(actor))),
        about("delivery", Delivery.id == Event.subject_id, Delivery.person_id.in_(people)),
    )
