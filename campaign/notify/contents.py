"""What a claimed letter holds: the facts of its notices as they stand now, without what is no longer needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, case, func, select
from sqlalchemy.orm import aliased

from ..clock import local_today
from ..config import Settings
from ..db import db, listed
from ..models import Assignment, Batch, Campaign, Delivery, Event, Firing, Notice, Person, Question, Request, Task, Unit
from ..models.organisation import acted_for, acts_in
from ..rules.ladder import FURTHER, STATES, TAGS, Anchor
from ..rules.organisation import Role
from ..rules.requests import Decision
from ..rules.states import CLOSED, OPEN, WITH_OFFICER, State
from ..rules.telling import Channel
from .letters import Letter
from .messages import Item, write
from .reaching import Reader
from .sayings import AHEAD_OF, LATE_AFTER

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
    "assignment:issuer:extend": OPEN,
    "assignment:dispatcher:urge": WITH_OFFICER,
    "assignment:unit:name-in-charge": WITH_OFFICER,
    "assignment:request:dispute": (State.DISPUTED,),
    "assignment:request:settle": WITH_OFFICER,
    "assignment:request:exempt": (State.NOT_APPLICABLE,),
    **{tag: STATES[anchor] for anchor, tags in TAGS.items() for tag in tags},
    FURTHER: STATES[Anchor.DUE],
}
# Which date these speak of. It may have been moved since: then it has not passed, nor is it the one that the rung,
# which may stand before its date, counted from.
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
ASKED = (
    "assignment:question:ask", "assignment:question:tell-above", "assignment:question:tell-vacant",
    "assignment:request:ask", "assignment:request:remind", "assignment:request:tell-above",
    "assignment:request:tell-vacant", "assignment:request:consent",
)  # fmt: skip
ISSUE = "assignment:dispatch:issue"
MOVES = ("assignment:occasion:move", "calendar:days:correct")


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

    def with_(self, other: "Share") -> "Share":
        """Both together, by the earlier assignment and the earlier dates."""
        first = min(self, other, key=lambda share: share.assignment_id)
        respond_by, due_at = (
            min((each for each in pair if each), default=None)
            for pair in ((self.respond_by, other.respond_by), (self.due_at, other.due_at))
        )
        return Share(self.n + other.n, first.assignment_id, first.unit, respond_by, due_at)


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
    shares = _shares({row.batch_id for row in rows if row.batch_id is not None}, desk)
    items = {row.id: _item(row, shares, desk, now) for row in rows}
    kept = _once_each([item for item in items.values() if item])
    dropped = tuple(key for key, item in items.items() if item is None)
    if not kept:
        return Content(None, dropped)
    locale = to.locale or settings.locale
    words = write(kept, name=to.name, locale=locale, zone=settings.timezone, address=settings.address, now=now,
                  day=digest_on)  # fmt: skip
    key = _key(f"{to.id},{int(channel)},{digest_on}" if digest_on else ",".join(map(str, sorted(ids))))
    letter = Letter(key, to.to, to.name, words.subject, words.text, words.html, now, words.points, words.sender)
    return Content(letter, dropped)


def _key(text: str) -> str:
    return f"delivery.{sha256(text.encode()).hexdigest()[:32]}"


def _once_each(items: list[Item]) -> list[Item]:
    """The same said twice of the same thing is said once, the later time. Of dates that were moved more than once, or
    moved wrongly and put right, only the last move is told: the letter names the date as it is now."""
    found = {(item.tag, item.path, item.task, "" if item.tag in MOVES else item.reason): item for item in items}
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
    asked, requested = (
        select(func.count()).where(noun.assignment_id == Assignment.id, waits).correlate(Assignment).scalar_subquery()
        for noun, waits in ((Question, Question.answered_at.is_(None)), (Request, Request.decision == Decision.PENDING))
    )
    pending = asked + requested
    return (
        select(
            Delivery.id, Notice.tag, Notice.assignment_id, Notice.batch_id, Assignment.state,
            Assignment.reviewer_unit_id, Assignment.review_due_at, Assignment.behind_at, Assignment.cut_off_at,
            Assignment.suspended_at, _same_date().label("same_date"),
            acted_for(Event.post_id, Event.person_id).label("holder"),
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


def _same_date() -> ColumnElement[bool]:
    """Whether the rung that spoke counted from the date that the assignment still has."""
    date = case({tag: getattr(Assignment, name) for tag, name in PASSED.items()}, value=Notice.tag)
    spoke = Firing.assignment_id == Assignment.id, Firing.at == Event.at, Firing.skipped == ""
    found = select(Firing.rung).where(*spoke, Firing.anchor_at.in_((date, Assignment.cut_off_at)))
    return found.correlate(Assignment, Event, Notice).exists()


def _shares(batch_ids: set[int], desk: _Desk) -> dict[tuple[int, bool], Share]:
    """For each batch, what of it is still to be done by the officer (True: still to sign for), if anything is."""
    if not batch_ids or not desk.reports:
        return {}
    signing = Assignment.state == State.ISSUED
    rows = db.session.execute(
        select(
            Assignment.batch_id, signing.label("signing"),
            func.count(Assignment.id), func.min(Assignment.id), func.min(Unit.name),
            func.min(Assignment.respond_by, type_=Assignment.respond_by.type),
            func.min(Assignment.due_at, type_=Assignment.due_at.type),
        )
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(
            Assignment.unit_id.in_(desk.reports), Assignment.state.in_(WITH_OFFICER),
            Assignment.batch_id.in_(batch_ids),
        )
        .group_by(Assignment.batch_id, signing)
    ).all()  # fmt: skip
    found: dict[tuple[int, bool], Share] = {}
    for batch_id, unsigned, *share in rows:
        one = Share(*share)
        if unsigned:
            found[batch_id, True] = one
        found[batch_id, False] = one.with_(found[batch_id, False]) if (batch_id, False) in found else one
    return found


def _item(row: Row[Any], shares: dict[tuple[int, bool], Share], desk: _Desk, now: datetime) -> Item | None:
    """What the letter says of one notice; None when it is no longer needed."""
    names = ("tag", "task", "campaign", "who", "holder", "reason")
    common: dict[str, Any] = {name: getattr(row, name) or "" for name in names}
    if row.batch_id is not None:
        share = shares.get((row.batch_id, row.tag == ISSUE))
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
    comes = dates[AHEAD_OF[row.tag]] if row.tag in AHEAD_OF else None
    late, ahead = passes is not None and passes < now, comes is not None and comes > now
    return Item(**common, **dates, path=path, unit=row.unit or "", late=late, ahead=ahead)


def _needed(row: Row[Any], desk: _Desk, now: datetime) -> bool:
    """Whether the message still says something that the reader must know."""
    if row.tag in STILL_NEEDED and row.state not in STILL_NEEDED[row.tag]:
        return False
    if row.tag in CLOCK and row.suspended_at is not None:
        return False  # the clock stands still while a question is pending
    if row.tag in PASSED:
        moment = getattr(row, PASSED[row.tag])
        if moment is None or (moment > now and not row.same_date):
            return False  # it was given more time
    if row.tag in FOR_REVIEWERS and row.reviewer_unit_id not in desk.reviews:
        return False  # it waits at another level by now
    if row.tag in ASKED:
        return bool(row.pending) and row.state in (*WITH_OFFICER, State.DISPUTED)
    return row.tag in STILL_NEEDED or not (
        row.tag.startswith(("assignment:question:", "assignment:request:")) and row.state in CLOSED
    )


PAGES = {
    "recheck": "/rechecks",
    "delivery": "/admin/deliveries",
    "person": "/me",
    "delegation": "/me",
    "calendar": "/",
    "campaign": "/",
}


def _page(row: Row[Any]) -> str:
    """Where to act on what is about no assignment."""
    if row.subject == "campaign":
        return f"/campaigns/{row.subject_id}"
    return PAGES.get(row.subject, "/messages")
