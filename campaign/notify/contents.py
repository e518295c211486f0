"""What a claimed letter holds: the facts of its notices as they stand now, without what is no longer needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, exists, func, select
from sqlalchemy.orm import aliased

from ..clock import local_today
from ..config import Settings
from ..db import db
from ..models import Assignment, Batch, Campaign, Delivery, Event, Notice, Person, Post, Task, Unit
from ..models.organisation import holds_on
from ..rules.ladder import FURTHER, STATES, TAGS, Anchor
from ..rules.organisation import Role
from ..rules.states import WITH_OFFICER, State
from ..rules.telling import Channel
from .letters import Letter
from .messages import Item, write

# In which states a message is still worth sending; what is not listed always is.
STILL_NEEDED: dict[str, tuple[State, ...]] = {
    "assignment:submission:submit": (State.SUBMITTED,),
    "assignment:review:pass-up": (State.SUBMITTED,),
    **{tag: STATES[anchor] for anchor, tags in TAGS.items() for tag in tags},
    FURTHER: STATES[Anchor.DUE],
}
FOR_REVIEWERS = ("assignment:submission:submit", "assignment:review:pass-up")
ADDRESS: dict[Channel, ColumnElement[str | None]] = {Channel.MAIL: Person.email.expression}


@dataclass(frozen=True)
class Content:
    """A letter ready to be sent (None when nothing is left to say), and the deliveries that it leaves out."""

    letter: Letter | None
    dropped: tuple[int, ...]


@dataclass(frozen=True)
class Share:
    """What of a batch is still with one person: how many assignments, one of them, and its unit."""

    n: int
    assignment_id: int
    unit: str


def content(ids: Sequence[int], person_id: int, channel: Channel, settings: Settings, *, now: datetime) -> Content:
    """The letter made of these deliveries to one person, in four statements at most."""
    columns = (Person.name, Person.locale, Person.disabled_at, ADDRESS[channel].label("address"))
    person = db.session.execute(select(*columns).where(Person.id == person_id)).one()
    if person.disabled_at is not None or not person.address:
        return Content(None, tuple(ids))
    rows = db.session.execute(_facts(ids, person_id, now)).all()
    shares = _shares([row.batch_id for row in rows if row.assignment_id is None], person_id, now)
    items = {row.id: _item(row, shares) for row in rows}
    kept = [item for item in items.values() if item]
    dropped = tuple(key for key, item in items.items() if item is None)
    if not kept:
        return Content(None, dropped)
    locale = person.locale or settings.locale
    words = write(kept, name=person.name, locale=locale, zone=settings.timezone, address=settings.address)
    key = sha256(",".join(map(str, sorted(ids))).encode()).hexdigest()[:32]
    letter = Letter(f"delivery.{key}", person.address, person.name, words.subject, words.text, words.html, now)
    return Content(letter, dropped)


def _facts(ids: Sequence[int], person_id: int, now: datetime) -> Select[Any]:
    """One row per delivery: the notice, its event, and the assignment or the batch that it is about."""
    actor = aliased(Person)
    reviews_here = exists().where(
        Post.person_id == person_id,
        Post.unit_id == Assignment.reviewer_unit_id,
        Post.role == Role.SUPERVISOR,
        holds_on(local_today(now)),
    )
    return (
        select(
            Delivery.id,
            Notice.tag,
            Notice.assignment_id,
            Notice.batch_id,
            Assignment.state,
            func.coalesce(Assignment.respond_by, Batch.respond_by, type_=Batch.respond_by.type).label("respond_by"),
            func.coalesce(Assignment.due_at, Batch.due_at, type_=Batch.due_at.type).label("due_at"),
            Unit.name.label("unit"),
            Task.title.label("task"),
            Campaign.title.label("campaign"),
            Event.reason,
            actor.name.label("who"),
            reviews_here.label("reviews_here"),
        )
        .join(Notice, Notice.id == Delivery.notice_id)
        .join(Event, Event.id == Notice.event_id)
        .outerjoin(actor, actor.id == Event.person_id)
        .outerjoin(Assignment, Assignment.id == Notice.assignment_id)
        .outerjoin(Batch, Batch.id == Notice.batch_id)
        .outerjoin(Unit, Unit.id == Assignment.unit_id)
        .outerjoin(Task, Task.id == func.coalesce(Assignment.task_id, Batch.task_id))
        .outerjoin(Campaign, Campaign.id == Task.campaign_id)
        .where(Delivery.id.in_(ids))
        .order_by(Notice.created_at, Delivery.id)
    )


def _shares(batch_ids: list[int], person_id: int, now: datetime) -> dict[int, Share]:
    """For each batch, what of it is still to be done by the officer."""
    if not batch_ids:
        return {}
    held = select(Post.unit_id).where(
        Post.person_id == person_id, Post.role == Role.OFFICER, holds_on(local_today(now))
    )  # asked first: a batch may have half a million units, a person has a few
    units = list(db.session.execute(held.distinct()).scalars())
    rows = db.session.execute(
        select(Assignment.batch_id, func.count(Assignment.id), func.min(Assignment.id), func.min(Unit.name))
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(
            Assignment.unit_id.in_(units), Assignment.state.in_(WITH_OFFICER), Assignment.batch_id.in_(set(batch_ids))
        )
        .group_by(Assignment.batch_id)
    ).all()
    return {batch_id: Share(*share) for batch_id, *share in rows}


def _item(row: Row[Any], shares: dict[int, Share]) -> Item | None:
    """What the letter says of one notice; None when it is no longer needed."""
    common = {"tag": row.tag, "task": row.task or "", "campaign": row.campaign or ""}
    common |= {"respond_by": row.respond_by, "due_at": row.due_at}
    if row.assignment_id is None:
        share = shares.get(row.batch_id)
        if share is None:
            return None
        path = f"/assignments/{share.assignment_id}" if share.n == 1 else "/"
        return Item(**common, path=path, unit=share.unit, units=share.n)
    if row.tag in STILL_NEEDED and row.state not in STILL_NEEDED[row.tag]:
        return None
    for_reviewer = row.tag in FOR_REVIEWERS
    if for_reviewer and not row.reviews_here:
        return None  # it waits at another level by now
    path = f"/reviews/{row.assignment_id}" if for_reviewer else f"/assignments/{row.assignment_id}"
    return Item(**common, path=path, unit=row.unit or "", reason=row.reason, who=row.who or "")
