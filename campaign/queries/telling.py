"""How a person is told, as the person's own page shows it; and the dates that stand in their calendar."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from ..db import db
from ..models import Assignment, Batch, Event, Person, Task, Unit
from ..rules.organisation import Actor, Role
from ..rules.states import WITH_OFFICER, State
from ..rules.telling import Channel, Preferences, chosen, preferences

MOST_DATES = 2_000
TRIES_LOOKED_AT = 30


@dataclass(frozen=True)
class Tried:
    """The last test message on a channel; `said`: the provider's error, empty when it was taken."""

    at: datetime
    said: str


@dataclass(frozen=True)
class Wishes:
    """How a person wants to be told, and where they can be reached. `addresses`: by the name of the column."""

    times: Preferences
    channels: tuple[Channel, ...]
    addresses: dict[str, str]
    has_feed: bool
    tried: dict[Channel, Tried]


def wishes(actor: Actor) -> Wishes:
    """The wishes of the person who asks. Two statements."""
    row = db.session.execute(
        select(
            Person.digest_at, Person.quiet_from, Person.quiet_until, Person.on_rest_days, Person.channels,
            Person.email, Person.phone, Person.login, Person.feed_digest,
        ).where(Person.id == actor.person_id)
    ).one()  # fmt: skip
    addresses = {"email": row.email or "", "phone": row.phone or "", "login": row.login}
    return Wishes(
        preferences(*row[:4]), chosen(row.channels), addresses, row.feed_digest is not None, _tried(actor.person_id)
    )


def _tried(person_id: int) -> dict[Channel, Tried]:
    rows = db.session.execute(
        select(Event.at, Event.data)
        .where(Event.subject == "person", Event.subject_id == person_id, Event.tag == "person:channel:tried")
        .order_by(Event.id.desc())
        .limit(TRIES_LOOKED_AT)
    )
    found: dict[Channel, Tried] = {}
    for at, data in rows:
        told = json.loads(data)
        found.setdefault(Channel(told["channel"]), Tried(at, told["said"]))
    return found


@dataclass(frozen=True)
class Subscriber:
    """Whose calendar a secret link opens."""

    person_id: int
    locale: str | None


def subscriber(digest: str) -> Subscriber | None:
    """The person with that link; None for a wrong or withdrawn one, and when the account is closed."""
    row = db.session.execute(
        select(Person.id, Person.locale).where(Person.feed_digest == digest, Person.disabled_at.is_(None))
    ).one_or_none()
    return None if row is None else Subscriber(row.id, row.locale)


@dataclass(frozen=True)
class DatedRow:
    """An open assignment with a date of the reader's. `kind`: 'respond_by', 'due_at' or 'review_due_at'."""

    assignment_id: int
    kind: str
    at: datetime
    title: str
    unit_name: str
    changed_at: datetime


def dates(actor: Actor) -> list[DatedRow]:
    """What the person has to do by when: as an officer what is open, as a supervisor what waits for them.

    Two statements, the nearest dates first, at most `MOST_DATES` of each kind.
    """
    reports = Assignment.unit_id.in_(actor.units(Role.OFFICER)), Assignment.state.in_(WITH_OFFICER)
    reviews = Assignment.reviewer_unit_id.in_(actor.units(Role.SUPERVISOR)), Assignment.state == State.SUBMITTED
    found: list[DatedRow] = []
    for row in _rows(*reports, by=Assignment.due_at):
        if row.respond_by and row.state == State.ISSUED:
            found.append(_dated(row, "respond_by"))
        if row.due_at:
            found.append(_dated(row, "due_at"))
    found += [_dated(row, "review_due_at") for row in _rows(*reviews, by=Assignment.review_due_at) if row.review_due_at]
    return found


def _rows(*which: Any, by: Any) -> list[Any]:
    statement = (
        select(
            Assignment.id, Assignment.state, Assignment.respond_by, Assignment.due_at, Assignment.review_due_at,
            Task.title, Unit.name.label("unit_name"),
            func.coalesce(Assignment.since, Batch.dispatched_at, type_=Batch.dispatched_at.type).label("changed_at"),
        )
        .join(Task, Task.id == Assignment.task_id)
        .join(Batch, Batch.id == Assignment.batch_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(*which)
        .order_by(by.is_(None), by, Assignment.id)
        .limit(MOST_DATES)
    )  # fmt: skip
    return list(db.session.execute(statement).all())


def _dated(row: Any, kind: str) -> DatedRow:
    return DatedRow(row.id, kind, getattr(row, kind), row.title, row.unit_name, row.changed_at)
