"""Fanning out: each notice becomes one delivery for each person and channel, with the time at which it is told.

Set-based: most people have no wishes of their own and are told at the same time; for the others the statement carries
one time for each wish that occurs, not for each person. `work` opens a unit of work; nothing here commits.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    Select,
    String,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union,
    update,
)

from ..clock import local_today, zone
from ..config import Settings
from ..db import Code, Instant, db, insert
from ..models import Assignment, Batch, Delegation, Notice, Person, Post
from ..models.organisation import holds_on, stands_in_on
from ..models.telling import Delivery
from ..rules.organisation import Role
from ..rules.telling import HELD, HOLD, ONLY_URGENT, USUAL, Channel, DeliveryState, preferences, when_to_tell
from .channels import configured
from .reaching import WISHES, Rest, nearest, reachable

Work = Callable[[], AbstractContextManager[Any]]

NOTICES_AT_ONCE = 1_000
PEOPLE_AT_ONCE = 5_000  # of one batch: a fraction of a second, in which other writers wait
COLUMNS = [
    "notice_id", "person_id", "channel", "state", "tries", "next_try_at", "digest_on", "error",
]  # fmt: skip
ABSENT = -1


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
    """Notices to one person each, decisions a moment later: they may be taken back until then. None when there are
    none left."""
    ripe = or_(Notice.tag.not_in(HELD), Notice.created_at <= now - HOLD)
    waiting = (
        select(Notice.id)
        .where(Notice.delivered_at.is_(None), Notice.person_id.is_not(None), ripe)
        .order_by(Notice.id)
        .limit(NOTICES_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    ids = list(db.session.execute(waiting).scalars())
    if not ids:
        return None
    made = 0
    if channels:
        of_these = select(Notice.person_id).where(Notice.id.in_(ids))
        times = _times(Person.id.in_(of_these), now)
        for channel in channels:
            reached = (
                select(Notice.id, Notice.person_id, *_fresh(channel, times, Notice.urgent.expression))
                .join(Person, Person.id == Notice.person_id)
                .where(Notice.id.in_(ids), *reachable(channel))
            )
            if channel in ONLY_URGENT:
                reached = reached.where(Notice.urgent)
            made += _insert(reached)
    _mark(Notice.id.in_(ids), now)
    return made


def _batch_notice(channels: tuple[Channel, ...], now: datetime) -> int | None:
    """The next stretch of officers of the oldest notice that stands for a batch. None when there are none left."""
    waiting = (
        select(Notice.id, Notice.batch_id, Notice.urgent, Batch.task_id)
        .join(Batch, Batch.id == Notice.batch_id)
        .where(Notice.delivered_at.is_(None), Notice.batch_id.is_not(None))
        .order_by(Notice.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=Notice)
    )
    notice = db.session.execute(waiting).first()
    if notice is None:
        return None
    counts = [0]
    if channels:
        times = _times(literal(True), now)
        used = [channel for channel in channels if notice.urgent or channel not in ONLY_URGENT]
        counts = [_insert(_officers(notice, channel, times, now)) for channel in used]
    if all(count < PEOPLE_AT_ONCE for count in counts):
        _mark(Notice.id == notice.id, now)
    return sum(counts)


def _officers(notice: Any, channel: Channel, times: "_Times", now: datetime) -> Select[Any]:
    """The next officers in the units of the batch, and who stands in for them: by person, after the last one that has a
    delivery."""
    last = select(func.coalesce(func.max(Delivery.person_id), 0)).where(
        Delivery.notice_id == notice.id, Delivery.channel == channel
    )
    in_batch = exists().where(
        Assignment.task_id == notice.task_id,
        Assignment.unit_id == Post.unit_id,
        Assignment.batch_id == notice.batch_id,
    )
    today = local_today(now)

    def halves(person: Any) -> Select[Any]:
        found = select(person.label("id")).where(person > last.scalar_subquery(), Post.role == Role.OFFICER, in_batch)
        return found.join(Person, Person.id == person).where(*reachable(channel))

    held = halves(Post.person_id).where(holds_on(today))
    stood_in = halves(Delegation.delegate_id).join(Post, stands_in_on(today))
    people = union(
        held.group_by(Post.person_id).order_by(Post.person_id).limit(PEOPLE_AT_ONCE).subquery().select(),
        stood_in.group_by(Delegation.delegate_id)
        .order_by(Delegation.delegate_id)
        .limit(PEOPLE_AT_ONCE)
        .subquery()
        .select(),
    ).subquery()
    urgent = literal(notice.urgent, Boolean)
    return (
        select(literal(notice.id), Person.id, *_fresh(channel, times, urgent))
        .join(people, people.c.id == Person.id)
        .order_by(Person.id)
        .limit(PEOPLE_AT_ONCE)
    )


@dataclass(frozen=True)
class _Times:
    """When people are told, as columns over Person: of an urgent message, of a digest, and of which day the digest."""

    urgent: ColumnElement[datetime]
    digest: ColumnElement[datetime]
    digest_on: ColumnElement[Any]


def _times(who: ColumnElement[bool], now: datetime) -> _Times:
    """The times of everybody, and beside them those of each wish and calendar that occurs among these people."""
    today = local_today(now)
    rest = Rest.on(today)
    asked = or_(*(wish.is_not(None) for wish in WISHES[:3]), Person.on_rest_days)
    rows = db.session.execute(select(*WISHES).where(who, asked).distinct()).all()
    wishes = {_packed(row): preferences(*row) for row in rows} | {_packed((None, None, None, False)): USUAL}
    group, kind = _group(rest, today), _packed_column()
    told: dict[int, tuple[datetime, datetime]] = {}
    for number, (calendar, _ids) in enumerate(rest.groups):
        for packed, wished in wishes.items():
            key = packed * len(rest.groups) + number
            told[key] = tuple(when_to_tell(urgent, wished, calendar, zone(), now) for urgent in (True, False))  # type: ignore[assignment]
    usual = told[_packed((None, None, None, False)) * len(rest.groups)]
    others = {key: pair for key, pair in told.items() if pair != usual}
    column = kind * len(rest.groups) + group if rest.differ else kind

    def chosen(at: Callable[[tuple[datetime, datetime]], Any], type_: Any) -> ColumnElement[Any]:
        rest_of_them = literal(at(usual), type_)
        branches = {key: literal(at(pair), type_) for key, pair in others.items() if at(pair) != at(usual)}
        return case(branches, value=column, else_=rest_of_them) if branches else rest_of_them

    return _Times(
        chosen(lambda pair: pair[0], Instant),
        chosen(lambda pair: pair[1], Instant),
        chosen(lambda pair: local_today(pair[1]), Date),
    )


def _group(rest: Rest, today: Any) -> ColumnElement[Any]:
    """The number of the person's group of calendars."""
    if not rest.differ:
        return literal(0)
    numbers = {id: number for number, (_, ids) in enumerate(rest.groups) for id in ids if number}
    return case(numbers, value=nearest(Person.id, today), else_=0)


def _packed(row: Any) -> int:
    """The wishes of a person as one number, so that a statement can look up their time."""
    digest_at, quiet_from, quiet_until, on_rest_days = (ABSENT if each is None else int(each) for each in row)
    return (((digest_at + 1) * 2048 + quiet_from + 1) * 2048 + quiet_until + 1) * 2 + on_rest_days


def _packed_column() -> ColumnElement[Any]:
    digest_at, quiet_from, quiet_until = (cast(func.coalesce(wish, ABSENT) + 1, BigInteger) for wish in WISHES[:3])
    return ((digest_at * 2048 + quiet_from) * 2048 + quiet_until) * 2 + case((Person.on_rest_days, 1), else_=0)


def _fresh(channel: Channel, times: _Times, urgent: ColumnElement[bool]) -> list[ColumnElement[Any]]:
    """The columns of a delivery that waits for its first try."""
    return [
        literal(channel, Code(Channel)),
        literal(DeliveryState.WAITING, Code(DeliveryState)),
        literal(0),
        case((urgent, times.urgent), else_=times.digest),
        case((urgent, cast(null(), Date)), else_=times.digest_on),
        literal("", String),
    ]


def _insert(rows: Select[Any]) -> int:
    statement = insert(Delivery).from_select(COLUMNS, rows).on_conflict_do_nothing()
    statement = statement.execution_options(preserve_rowcount=True)  # else PostgreSQL's count of an INSERT is lost
    return int(db.session.execute(statement).rowcount)  # type: ignore[attr-defined]


def _mark(which: ColumnElement[bool], now: datetime) -> None:
    db.session.execute(
        update(Notice).where(which).values(delivered_at=now).execution_options(synchronize_session=False)
    )
