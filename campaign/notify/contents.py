"""What a claimed letter holds: the facts of its notices as they stand now, without what is no longer needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import aliased

from ..clock import local_today
from ..config import Settings
from ..db import db, listed
from ..models import Assignment, Batch, Campaign, Delivery, Event, Notice, Person, Question, Task, Unit
from ..models.organisation import acts_in
from ..rules.ladder import FURTHER, STATES, TAGS, Anchor
from ..rules.organisation import Role
from ..rules.states import CLOSED, WITH_OFFICER, State
from ..rules.telling import Channel
from .letters import Letter
from .messages import Item, write
from .reaching import Reader
from .sayings import LATE_AFTER

CLOCK = {tag for tags in TAGS.values() for tag in tags} | {FURTHER}
# In which states a message is still worth sending; what is not listed always is.
STILL_NEEDED: dict[str, tuple[State, ...]] = {
    "assignment:submission:submit": (State.SUBMITTED,),
    "assignment:review:pass-up": (State.SUBMITTED,),
    "assignment:review:pass-over": (State.SUBMITTED,),
    "assignment:review:approve": (State.APPROVED,),
    "assignment:review:return": (State.RETURNED,),
    "assignment:issuer:reopen": WITH_OFFICER,
    "assignment:issuer:cancel": (State.CANCELLED,),
    "assignment:dispatcher:urge": WITH_OFFICER,
    "assignment:unit:name-in-charge": WITH_OFFICER,
    **{tag: STATES[anchor] for anchor, tags in TAGS.items() for tag in tags},
    FURTHER: STATES[Anchor.DUE],
}
# Which date must have passed for these: it may have been moved since.
PASSED: dict[str, str] = {
    TAGS[Anchor.RESPOND_BY][1]: "respond_by",
    TAGS[Anchor.DUE][1]: "due_at",
    FURTHER: "due_at",
    TAGS[Anchor.REVIEW_DUE][1]: "review_due_at",
    TAGS[Anchor.BEHIND][0]: "behind_at",
    TAGS[Anchor.BEHIND][1]: "behind_at",
}
FOR_REVIEWERS = (
    "assignment:submission:submit",
    "assignment:review:pass-up",
    "assignment:review:pass-over",
    TAGS[Anchor.REVIEW_DUE][0],
)
ASKED = ("assignment:question:ask", "assignment:question:tell-above")


@dataclass(frozen=True)
class Content:
    """A letter ready to be sent (None when nothing is left to say), and the deliveries that it leaves out."""

    letter: Letter | None
    dropped: tuple[int, ...]


@dataclass(frozen=True)
class Share:
    """What of a batch is still with one person: how many assignments, one of them, and its unit and dates."""

    n: int
    assignment_id: int
    unit: str
    respond_by: datetime | None
    due_at: datetime | None


@dataclass(frozen=True)
class _Desk:
    """What the reader does today: the units where they report, and those where they review; own or stood in for."""

    reports: frozenset[int]
    reviews: frozenset[int]


def content(
    ids: Sequence[int],
    to: Reader,
    channel: Channel,
    settings: Settings,
    *,
    digest_on: date | None = None,
    now: datetime,
) -> Content:
    """The letter made of these deliveries to one person, in three statements.

    `digest_on`: the day whose digest it is. That letter's key names person, channel and day, so that it is the same
    letter however often and with however much it is tried.
    """
    if not to.able:
        return Content(None, tuple(ids))
    desk = _desk(to.id, now)
    rows = db.session.execute(_facts(ids)).all()
    shares = _shares([row.batch_id for row in rows if row.batch_id is not None], desk)
    items = {row.id: _item(row, shares, desk, now) for row in rows}
    kept = _once_each([item for item in items.values() if item])
    dropped = tuple(key for key, item in items.items() if item is None)
    if not kept:
        return Content(None, dropped)
    locale = to.locale or settings.locale
    words = write(kept, name=to.name, locale=locale, zone=settings.timezone, address=settings.address, day=digest_on)
    key = _key(f"{to.id},{int(channel)},{digest_on}" if digest_on else ",".join(map(str, sorted(ids))))
    letter = Letter(key, to.to, to.name, words.subject, words.text, words.html, now, words.points)
    return Content(letter, dropped)


def _key(text: str) -> str:
    return f"delivery.{sha256(text.encode()).hexdigest()[:32]}"


def _once_each(items: list[Item]) -> list[Item]:
    """The same said twice of the same thing is said once, the later time."""
    found = {(item.tag, item.path, item.task, item.reason): item for item in items}
    return list(found.values())


def _desk(person_id: int, now: datetime) -> _Desk:
    posts = db.session.execute(acts_in(person_id, local_today(now))).all()
    reports, reviews = (
        frozenset(post.unit_id for post in posts if post.role == role) for role in (Role.OFFICER, Role.SUPERVISOR)
    )
    return _Desk(reports, reviews)


def _facts(ids: Sequence[int]) -> Select[Any]:
    """One row per delivery: the notice, its event, and the assignment or the batch that it is about."""
    actor = aliased(Person)
    pending = (
        select(func.count())
        .where(Question.assignment_id == Assignment.id, Question.answered_at.is_(None))
        .correlate(Assignment)
        .scalar_subquery()
    )
    return (
        select(
            Delivery.id, Notice.tag, Notice.assignment_id, Notice.batch_id, Assignment.state,
            Assignment.reviewer_unit_id, Assignment.review_due_at, Assignment.behind_at, Assignment.cut_off_at,
            Assignment.suspended_at,
            func.coalesce(Assignment.respond_by, Batch.respond_by, type_=Batch.respond_by.type).label("respond_by"),
            func.coalesce(Assignment.due_at, Batch.due_at, type_=Batch.due_at.type).label("due_at"),
            Unit.name.label("unit"), Task.title.label("task"), Campaign.title.label("campaign"), Event.reason,
            Event.subject, Event.subject_id, actor.name.label("who"), pending.label("pending"),
        )
        .join(Notice, Notice.id == Delivery.notice_id)
        .join(Event, Event.id == Notice.event_id)
        .outerjoin(actor, actor.id == Event.person_id)
        .outerjoin(Assignment, Assignment.id == Notice.assignment_id)
        .outerjoin(Batch, Batch.id == Notice.batch_id)
        .outerjoin(Unit, Unit.id == Assignment.unit_id)
        .outerjoin(Task, Task.id == func.coalesce(Assignment.task_id, Batch.task_id))
        .outerjoin(Campaign, Campaign.id == Task.campaign_id)
        .where(Delivery.id.in_(listed(ids)))
        .order_by(Notice.created_at, Delivery.id)
    )  # fmt: skip


def _shares(batch_ids: list[int], desk: _Desk) -> dict[int, Share]:
    """For each batch, what of it is still to be done by the officer."""
    if not batch_ids or not desk.reports:
        return {}
    rows = db.session.execute(
        select(
            Assignment.batch_id, func.count(Assignment.id), func.min(Assignment.id), func.min(Unit.name),
            func.min(Assignment.respond_by, type_=Assignment.respond_by.type),
            func.min(Assignment.due_at, type_=Assignment.due_at.type),
        )
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(
            Assignment.unit_id.in_(desk.reports), Assignment.state.in_(WITH_OFFICER),
            Assignment.batch_id.in_(set(batch_ids)),
        )
        .group_by(Assignment.batch_id)
    ).all()  # fmt: skip
    return {batch_id: Share(*share) for batch_id, *share in rows}


def _item(row: Row[Any], shares: dict[int, Share], desk: _Desk, now: datetime) -> Item | None:
    """What the letter says of one notice; None when it is no longer needed."""
    common: dict[str, Any] = {name: getattr(row, name) or "" for name in ("tag", "task", "campaign", "who", "reason")}
    if row.batch_id is not None:
        share = shares.get(row.batch_id)
        if share is None:
            return None
        path = f"/assignments/{share.assignment_id}" if share.n == 1 else "/"
        return Item(
            **common, respond_by=share.respond_by, due_at=share.due_at, path=path, unit=share.unit, units=share.n
        )
    if row.assignment_id is None:
        return Item(**common, path=_page(row))
    if not _needed(row, desk, now):
        return None
    path = f"/reviews/{row.assignment_id}" if row.tag in FOR_REVIEWERS else f"/assignments/{row.assignment_id}"
    dates = {name: getattr(row, name) for name in ("respond_by", "due_at", "cut_off_at", "review_due_at")}
    passes = dates[LATE_AFTER[row.tag]] if row.tag in LATE_AFTER else None
    return Item(**common, **dates, path=path, unit=row.unit or "", late=passes is not None and passes < now)


def _needed(row: Row[Any], desk: _Desk, now: datetime) -> bool:
    """Whether the message still says something that the reader must know."""
    if row.tag in STILL_NEEDED and row.state not in STILL_NEEDED[row.tag]:
        return False
    if row.tag in CLOCK and row.suspended_at is not None:
        return False  # the clock stands still while a question is pending
    if row.tag in PASSED:
        moment = getattr(row, PASSED[row.tag])
        if moment is None or moment > now:
            return False  # it was given more time
    if row.tag in FOR_REVIEWERS and row.reviewer_unit_id not in desk.reviews:
        return False  # it waits at another level by now
    if row.tag in ASKED:
        return bool(row.pending)
    return not (row.tag.startswith("assignment:question:") and row.state in CLOSED)


PAGES = {"delivery": "/admin/deliveries", "person": "/me", "delegation": "/me", "calendar": "/", "campaign": "/"}


def _page(row: Row[Any]) -> str:
    """Where to act on what is about no assignment."""
    if row.subject == "campaign":
        return f"/campaigns/{row.subject_id}"
    return PAGES.get(row.subject, "/messages")
