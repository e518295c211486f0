"""Letters that did not go through: administrators are told once an hour, and send them again or give them up."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, literal, not_, or_, select, true, update
from sqlalchemy.orm import aliased

from ..clock import local_today, zone
from ..db import Instant, alone, db, insert_new
from ..errors import Forbidden, Invalid, NotFound, Problem, Refused, say
from ..models import Area, Delivery, Event, Notice, Post, Unit
from ..models.organisation import holds_on
from ..models.parked import LETTER, Which, parked, parked_after
from ..rules.jobs import slot_of
from ..rules.organisation import SYSTEM, Actor, Line, Role
from ..rules.telling import Channel, DeliveryState, is_urgent
from .log import record
from .repeating import once, remember

INCIDENT = "delivery:channel:incident"
AN_HOUR = timedelta(hours=1)
OVERLAP = timedelta(minutes=2)  # what another process parked while this one looked
LONGEST_REASON = 200
SAID = 200
INCIDENTS = 4  # what a process is alone with; see notify/delivery.py
NOTICE = ["tag", "event_id", "person_id", "created_at", "urgent"]


def resend(delivery_id: int, *, actor: Actor, now: datetime) -> int:
    """Puts the parked letter with that delivery back among those waiting; how many messages are in it.

    NotFound outside the actor's reach; Refused when it is parked no more.
    """
    again = {"state": DeliveryState.WAITING, "tries": 0, "next_try_at": now}
    return _one(delivery_id, "delivery:channel:resend", again, actor=actor, now=now)


def resend_all(which: Which, *, actor: Actor, now: datetime, client_action_id: str | None = None) -> int:
    """The same for all parked letters of that kind within the actor's reach; how many letters. One statement."""
    _administrator(actor)
    before = once(client_action_id, actor=actor, subject="resend", content={"which": str(which)}, now=now)
    if before is not None:
        return int(before)
    found = and_(*parked(which, zone()), _within(actor))
    letters = int(
        db.session.scalar(select(func.count()).select_from(select(*LETTER).where(found).distinct().subquery())) or 0
    )
    if not letters:
        raise Refused(say("Nothing of this kind is parked any more."))
    _set(found, state=DeliveryState.WAITING, tries=0, next_try_at=now)
    _log("delivery:channel:resend", which.channel, letters, "", actor, now)
    remember(client_action_id, str(letters))
    return letters


def discard(delivery_id: int, reason: str, *, actor: Actor, now: datetime) -> int:
    """Gives a parked letter up, for a reason that the log keeps; how many messages were in it. Raises Invalid."""
    reason = " ".join(reason.split())
    if not reason or len(reason) > LONGEST_REASON:
        sentence = say("Please say why, in at most %(number)s characters.", number=LONGEST_REASON)
        raise Invalid(sentence, [Problem("reason", sentence)])
    given_up = {"state": DeliveryState.DROPPED}
    return _one(delivery_id, "delivery:channel:discard", given_up, reason=reason, actor=actor, now=now)


def _one(delivery_id: int, tag: str, values: dict[str, Any], *, actor: Actor, now: datetime, reason: str = "") -> int:
    _administrator(actor)
    row = db.session.execute(
        select(*LETTER, Delivery.state).where(Delivery.id == delivery_id, _within(actor))
    ).one_or_none()
    if row is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    letter = and_(*(column == value for column, value in zip(LETTER, row[:3], strict=True)))
    changed = _set(and_(letter, Delivery.state == DeliveryState.PARKED), **values)
    if row.state is not DeliveryState.PARKED or not changed:
        raise Refused(say("This delivery is not parked any more."))
    _log(tag, row.channel, 1, reason, actor, now, delivery_id)
    return changed


def _set(which: ColumnElement[bool], **values: Any) -> int:
    statement = update(Delivery).where(which).values(**values).execution_options(synchronize_session=False)
    return int(db.session.execute(statement).rowcount)  # type: ignore[attr-defined]


def _log(
    tag: str, channel: Channel | None, letters: int, reason: str, actor: Actor, now: datetime, delivery_id: int = 0
) -> None:
    data = {"letters": letters, "channel": None if channel is None else int(channel)}
    record(
        tag=tag, subject="delivery", subject_id=delivery_id, actor=actor, now=now, reason=reason, data=data
    )  # fmt: skip


def _administrator(actor: Actor) -> None:
    if not actor.is_system and not actor.has_role(Role.ADMINISTRATOR):
        raise Forbidden(say("Only an administrator may do this."))


def _within(actor: Actor) -> ColumnElement[bool]:
    """A clause over Delivery: to somebody with a post, now or before, in a unit that the actor administers, or to
    somebody who never had one."""
    if actor.is_system:
        return true()
    own = Post.person_id == Delivery.person_id
    places = [
        Unit.lft.between(post.lft, post.rgt) if post.line is Line.PARTY
        else and_(Unit.lft.between(post.lft, post.rgt), Unit.line == post.line)
        for post in actor.posts
        if post.role is Role.ADMINISTRATOR
    ]  # fmt: skip
    inside = exists().where(own, Unit.id == Post.unit_id, or_(false(), *places))
    return or_(inside, not_(exists().where(own)))


def raise_incidents(*, now: datetime) -> int:
    """Tells the nearest administrators of those whose letters were parked: one notice each per channel and hour.

    Who calls it again tells nobody twice. Returns how many notices were written.
    """
    written = 0
    for channel in _channels_with_news(now):
        alone(INCIDENTS, int(channel))
        event_id, since = _entry(channel, now)
        if event_id is not None:
            written += _tell(event_id, channel, since, now)
    return written


def _since(now: datetime) -> datetime:
    """When this hour began, and a little before: what was parked in the last moments of the former one is news too."""
    return slot_of(now, AN_HOUR) - OVERLAP


def _channels_with_news(now: datetime) -> list[Channel]:
    """The channels on which something was parked in this hour: a short range of an index."""
    recent = Delivery.state == DeliveryState.PARKED, parked_after(_since(now))
    return list(db.session.execute(select(Delivery.channel).where(*recent).distinct()).scalars())


def _entry(channel: Channel, now: datetime) -> tuple[int | None, datetime]:
    """The entry of the log that this hour's notices tell of, and since when what was parked counts for it."""
    last = db.session.execute(
        select(Event.id, Event.at)
        .where(Event.subject == "channel", Event.subject_id == int(channel), Event.tag == INCIDENT)
        .order_by(Event.id.desc())
        .limit(1)
    ).first()
    since = _since(now)
    if last is not None and last.at >= slot_of(now, AN_HOUR):
        return last.id, since
    since = since if last is None else max(last.at, since)
    latest = select(Delivery.error).join(Notice, Notice.id == Delivery.notice_id).where(*_news(channel, since))
    error = db.session.execute(latest.order_by(Delivery.next_try_at.desc()).limit(1)).scalar()
    if error is None:
        return None, since
    written = record(
        tag=INCIDENT, subject="channel", subject_id=int(channel), actor=SYSTEM, now=now, reason=error[:SAID],
        data={"channel": int(channel)},
    )  # fmt: skip
    return written, since


def _news(channel: Channel, since: datetime) -> list[ColumnElement[bool]]:
    """What was parked since then; that such a message did not go through itself is no news."""
    of_channel = Delivery.channel == channel
    return [Delivery.state == DeliveryState.PARKED, of_channel, parked_after(since), Notice.tag != INCIDENT]


def _tell(event_id: int, channel: Channel, since: datetime, now: datetime) -> int:
    today = local_today(now)
    people = (
        select(Delivery.person_id)
        .join(Notice, Notice.id == Delivery.notice_id)
        .where(*_news(channel, since))
        .distinct()
        .cte("people")
    )
    nearest = _administrators(people, today).cte("nearest")
    deepest = select(nearest.c.person_id, func.max(nearest.c.depth).label("depth")).group_by(nearest.c.person_id).cte()
    chosen = (
        select(
            literal(INCIDENT), literal(event_id), nearest.c.administrator_id, literal(now, Instant),
            literal(is_urgent(INCIDENT)),
        )
        .join(deepest, and_(deepest.c.person_id == nearest.c.person_id, deepest.c.depth == nearest.c.depth))
        .distinct()
    )  # fmt: skip
    statement = insert_new(Notice).from_select(NOTICE, select(chosen.subquery()).where(true()))
    return len(db.session.execute(statement.returning(Notice.__table__.c.id)).all())


def _administrators(people: Any, today: Any) -> Select[Any]:
    """Pairs of somebody and an administrator whose area holds a unit of theirs, with that area's depth."""
    held, post, above = aliased(Unit), aliased(Post), aliased(Unit)
    return (
        select(people.c.person_id, Post.person_id.label("administrator_id"), Area.depth)
        .select_from(people)
        .join(post, and_(post.person_id == people.c.person_id, post.disabled_at.is_(None)))
        .join(held, held.id == post.unit_id)
        .join(Post, and_(Post.role == Role.ADMINISTRATOR, holds_on(today)))
        .join(above, above.id == Post.unit_id)
        .join(Area, Area.id == above.area_id)
        .where(held.lft.between(Area.lft, Area.rgt), or_(above.line == Line.PARTY, above.line == held.line))
    )
