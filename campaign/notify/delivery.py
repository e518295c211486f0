"""Delivery: notices become one row for each person and channel, and each row is claimed, sent and settled.

A claim pushes `next_try_at` into the future and is committed before anything is sent; nothing is sent inside a
transaction. A sender that dies leaves its claim to run out, and the next one repeats the same letter under the same
key. `work` opens a unit of work; only the caller at the top may commit.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, bindparam, exists, func, literal, select, update

from ..clock import local_today
from ..config import Settings
from ..db import Code, Instant, db, insert
from ..models import Assignment, Batch, Delivery, Notice, Person, Post
from ..models.organisation import holds_on
from ..rules.organisation import Role
from ..rules.telling import LEASE, MOST_TRIES, Channel, DeliveryState, next_wait
from .channels import WAYS, configured
from .contents import ADDRESS, content
from .letters import Letter, Permanent, Temporary

Work = Callable[[], AbstractContextManager[Any]]

NOTICES_AT_ONCE = 1_000
PEOPLE_AT_ONCE = 5_000  # of one batch: a fraction of a second, in which other writers wait
LETTERS_AT_ONCE = 500  # in one run; the next slot goes on
FAILURES_IN_A_ROW = 5  # then the server is away, and the run ends before it has waited for it five hundred times
MOST_IN_ONE_LETTER = 50
HEAD = 200
LONGEST_ERROR = 500
NOT_NEEDED = "no longer needed"
# Written into the statement, not bound: only then do both databases see that the index of what waits will do.
WAITING = Delivery.state == bindparam(None, DeliveryState.WAITING, Code(DeliveryState), literal_execute=True)
COLUMNS = ["notice_id", "person_id", "channel", "state", "tries", "next_try_at", "error"]


@dataclass(frozen=True)
class Sent:
    """What a run did, in deliveries: sent, dropped as no longer needed, failed (to be tried again, or parked)."""

    sent: int = 0
    dropped: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Claim:
    """Deliveries of one letter, ours until `until`; the pair of state and `until` is what settling checks."""

    ids: tuple[int, ...]
    person_id: int
    channel: Channel
    tries: int
    until: datetime


def fan_out(settings: Settings, *, now: datetime, work: Work) -> int:
    """Makes the deliveries of every notice that has none yet, and marks the notices; the number of deliveries.

    Each chunk is a unit of work of its own, and repeating it makes nothing twice. Where no channel is configured the
    notices are only marked: people read them on the pages.
    """
    channels = configured(settings)
    made = 0
    for chunk in (_own_notices, _batch_notice):
        while True:
            with work():
                done = chunk(channels, now)
            if done is None:
                break
            made += done
    return made


def _own_notices(channels: tuple[Channel, ...], now: datetime) -> int | None:
    """Notices to one person each. None when there are none left."""
    waiting = (
        select(Notice.id)
        .where(Notice.delivered_at.is_(None), Notice.person_id.is_not(None))
        .order_by(Notice.id)
        .limit(NOTICES_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    ids = list(db.session.execute(waiting).scalars())
    if not ids:
        return None
    made = 0
    for channel in channels:
        reached = (
            select(Notice.id, Notice.person_id, *_fresh(channel, now))
            .join(Person, Person.id == Notice.person_id)
            .where(Notice.id.in_(ids), *_reachable(channel))
        )
        made += _insert(reached)
    _mark(Notice.id.in_(ids), now)
    return made


def _batch_notice(channels: tuple[Channel, ...], now: datetime) -> int | None:
    """The next stretch of officers of the oldest notice that stands for a batch. None when there are none left."""
    waiting = (
        select(Notice.id, Notice.batch_id, Batch.task_id)
        .join(Batch, Batch.id == Notice.batch_id)
        .where(Notice.delivered_at.is_(None), Notice.batch_id.is_not(None))
        .order_by(Notice.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=Notice)
    )
    notice = db.session.execute(waiting).first()
    if notice is None:
        return None
    counts = [_insert(_officers(notice.id, notice.batch_id, notice.task_id, channel, now)) for channel in channels]
    if all(count < PEOPLE_AT_ONCE for count in counts):
        _mark(Notice.id == notice.id, now)
    return sum(counts)


def _officers(notice_id: int, batch_id: int, task_id: int, channel: Channel, now: datetime) -> Select[Any]:
    """The next officers in the units of the batch, by person, after the last one that has a delivery."""
    last = select(func.coalesce(func.max(Delivery.person_id), 0)).where(
        Delivery.notice_id == notice_id, Delivery.channel == channel
    )
    in_batch = exists().where(
        Assignment.task_id == task_id, Assignment.unit_id == Post.unit_id, Assignment.batch_id == batch_id
    )
    return (
        select(literal(notice_id), Post.person_id, *_fresh(channel, now))
        .join(Person, Person.id == Post.person_id)
        .where(
            Post.person_id > last.scalar_subquery(),
            Post.role == Role.OFFICER,
            holds_on(local_today(now)),
            in_batch,
            *_reachable(channel),
        )
        .group_by(Post.person_id)
        .order_by(Post.person_id)
        .limit(PEOPLE_AT_ONCE)
    )


def _fresh(channel: Channel, now: datetime) -> list[ColumnElement[Any]]:
    """The columns of a delivery that waits for its first try."""
    return [
        literal(channel, Code(Channel)),
        literal(DeliveryState.WAITING, Code(DeliveryState)),
        literal(0),
        literal(now, Instant),
        literal("", String),
    ]


def _reachable(channel: Channel) -> list[ColumnElement[bool]]:
    address = ADDRESS[channel]
    return [Person.disabled_at.is_(None), address.is_not(None), address != ""]


def _insert(rows: Select[Any]) -> int:
    statement = insert(Delivery).from_select(COLUMNS, rows).on_conflict_do_nothing()
    statement = statement.execution_options(preserve_rowcount=True)  # else PostgreSQL's count of an INSERT is lost
    return int(db.session.execute(statement).rowcount)  # type: ignore[attr-defined]


def _mark(which: ColumnElement[bool], now: datetime) -> None:
    db.session.execute(
        update(Notice).where(which).values(delivered_at=now).execution_options(synchronize_session=False)
    )


def send_due(settings: Settings, *, now: datetime, work: Work) -> Sent:
    """Sends what is due, one letter at a time: claimed, committed, sent, settled.

    It ends early when nothing goes through. `now` is when the run began; a stopwatch adds what has passed since, so
    that no claim has run out when it is made.
    """
    began, total, in_a_row = time.monotonic(), [0, 0, 0], 0
    for _ in range(LETTERS_AT_ONCE):
        moment = now + timedelta(seconds=time.monotonic() - began)
        with work():
            claim, parked = _claim(moment)
            letter = _letter(claim, settings, moment, total) if claim else None
        total[2] += parked
        if claim is None and not parked:
            break
        if claim is None or letter is None:
            continue
        failure = _try(letter, claim.channel, settings)
        moment = now + timedelta(seconds=time.monotonic() - began)
        with work():
            settled = settle(claim, failure, now=moment)
        total[2 if failure else 0] += settled
        in_a_row = in_a_row + 1 if isinstance(failure, Temporary) else 0
        if in_a_row == FAILURES_IN_A_ROW:
            break
    return Sent(*total)


def _letter(claim: Claim, settings: Settings, now: datetime, total: list[int]) -> Letter | None:
    """The claim's letter; what is no longer needed is dropped."""
    found = content(claim.ids, claim.person_id, claim.channel, settings, now=now)
    if found.dropped:
        total[1] += _set(Delivery.id.in_(found.dropped), state=DeliveryState.DROPPED, error=NOT_NEEDED)
    return found.letter


def _try(letter: Letter, channel: Channel, settings: Settings) -> Temporary | Permanent | None:
    try:
        WAYS[channel].send(letter, settings)
    except (Temporary, Permanent) as failure:
        return failure
    except Exception as error:  # a fault in a channel must not stop the letters behind this one
        return Temporary(f"{type(error).__name__}: {error}")
    return None


def _claim(now: datetime) -> tuple[Claim | None, int]:
    """Takes the letter that has waited longest; also how many deliveries were parked because their tries were used up.

    A first letter gathers what waits for the person; a repeated one is exactly what it was. Of a long queue only the
    head is looked at, whatever its length.
    """
    waiting = and_(WAITING, Delivery.next_try_at <= now)
    columns = (Delivery.id, Delivery.person_id, Delivery.channel, Delivery.tries, Delivery.next_try_at)
    head = select(*columns).where(waiting).order_by(Delivery.next_try_at).limit(HEAD).with_for_update(skip_locked=True)
    rows = db.session.execute(head).all()
    if not rows:
        return None, 0
    first = rows[0]
    same = [row for row in rows if row[1:4] == first[1:4] and (not first.tries or row[4] == first[4])]
    ids = {row.id for row in same[:MOST_IN_ONE_LETTER]}
    if first.tries >= MOST_TRIES:
        return None, _set(Delivery.id.in_(ids), state=DeliveryState.PARKED, error="the sender stopped on every try")
    if not first.tries:
        ids |= _of_same_person(waiting, first.person_id, first.channel)
    until = now + LEASE
    taken = db.session.execute(
        update(Delivery)
        .where(Delivery.id.in_(ids), waiting)
        .values(next_try_at=until, tries=Delivery.tries + 1)
        .execution_options(synchronize_session=False)
        .returning(Delivery.id)
    )
    mine = tuple(sorted(taken.scalars()))
    return Claim(mine, first.person_id, first.channel, first.tries + 1, until), 0


def _of_same_person(waiting: ColumnElement[bool], person_id: int, channel: Channel) -> set[int]:
    """What else waits for its first try to that person, further back in the queue: by the person's latest notices."""
    latest = select(Notice.id).where(Notice.person_id == person_id).order_by(Notice.id.desc()).limit(MOST_IN_ONE_LETTER)
    own = and_(Delivery.notice_id.in_(latest), Delivery.person_id == person_id, Delivery.channel == channel)
    found = select(Delivery.id).where(own, waiting, Delivery.tries == 0).with_for_update(skip_locked=True)
    return set(db.session.execute(found).scalars())


def settle(claim: Claim, failure: Temporary | Permanent | None, *, now: datetime) -> int:
    """Writes how it went: sent, to be tried again later, or parked. Nothing when the claim is another's by now."""
    mine = and_(
        Delivery.id.in_(claim.ids), Delivery.state == DeliveryState.WAITING, Delivery.next_try_at == claim.until
    )
    if failure is None:
        return _set(mine, state=DeliveryState.SENT, sent_at=now, error="")
    said = str(failure)[:LONGEST_ERROR]
    if isinstance(failure, Permanent) or claim.tries >= MOST_TRIES:
        return _set(mine, state=DeliveryState.PARKED, error=said)
    return _set(mine, next_try_at=now + next_wait(claim.tries), error=said)


def _set(which: ColumnElement[bool], **values: Any) -> int:
    statement = update(Delivery).where(which).values(**values).execution_options(synchronize_session=False)
    return int(db.session.execute(statement).rowcount)  # type: ignore[attr-defined]
