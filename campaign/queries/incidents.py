"""Letters that did not go through, as administrators see them: how many for which cause, and one by one."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, select

from ..clock import zone
from ..db import db
from ..models import Delivery, Notice, Person
from ..models.parked import LETTER, Which, cause_of, fault_of, parked, parked_at
from ..rules.organisation import Actor
from ..rules.telling import MOST_TRIES, Channel, DeliveryState, Fault
from .accounts import people_within

PAGE = 50
MOST_CAUSES = 20
MOST_EXPORTED = 100_000
FETCH = 1_000
MOST_COUNTED = 99


@dataclass(frozen=True)
class Cause:
    """Letters with the same channel, kind of fault and beginning of the error."""

    channel: Channel
    fault: Fault
    said: str
    letters: int
    last: datetime


@dataclass(frozen=True)
class LetterRow:
    """One parked letter. `id`: its first delivery; `n`: how many messages are in it; `tag`: what one of them is."""

    id: int
    channel: Channel
    person_id: int
    person_name: str
    tag: str
    n: int
    at: datetime
    tries: int
    fault: Fault
    error: str
    digest_on: date | None


@dataclass(frozen=True)
class LetterPage:
    """One page of parked letters; `next` is the id after which the next page begins."""

    rows: tuple[LetterRow, ...]
    next: int | None


def count(actor: Actor, *, on: date, most: int = MOST_COUNTED) -> int:
    """How many parked letters there are to people within reach, counted up to `most` and one. One statement, and mostly
    an empty index."""
    if db.session.execute(select(Delivery.id).where(Delivery.state == DeliveryState.PARKED).limit(1)).first() is None:
        return 0
    some = _letters(actor, Which(), on).limit(most + 1).subquery()
    return int(db.session.execute(select(func.count()).select_from(some)).scalar_one())


def causes(actor: Actor, which: Which, *, on: date) -> tuple[Cause, ...]:
    """What went wrong, the most frequent first. One statement."""
    letters = _letters(actor, which, on).add_columns(
        func.min(cause_of()).label("said"), func.max(Delivery.tries).label("tries")
    )
    of = letters.subquery()
    fault = func.max(of.c.tries)
    rows = db.session.execute(
        select(
            of.c.channel, of.c.said, func.count(), func.max(of.c.next_try_at, type_=Delivery.next_try_at.type), fault
        )
        .group_by(of.c.channel, of.c.said, _gave_up(of.c.tries))
        .order_by(func.count().desc(), of.c.channel, of.c.said)
        .limit(MOST_CAUSES)
    )
    return tuple(Cause(channel, fault_of(tries), said, n, parked_at(last)) for channel, said, n, last, tries in rows)


def _gave_up(tries: Any) -> Any:
    return tries >= MOST_TRIES


def letters(actor: Actor, which: Which, *, on: date, after: int | None = None, oldest: bool = False) -> LetterPage:
    """One page of the letters that match, newest first or `oldest` first. One statement."""
    found = _letters(actor, which, on)
    if after is not None:
        first = func.min(Delivery.id)
        found = found.having(first > after if oldest else first < after)
    rows = [_row(row) for row in db.session.execute(_told(found, oldest, PAGE + 1))]
    return LetterPage(tuple(rows[:PAGE]), rows[PAGE - 1].id if len(rows) > PAGE else None)


def everything(actor: Actor, which: Which, *, on: date, oldest: bool = False) -> Iterator[LetterRow]:
    """All letters that match, for an export, read as they come. One statement."""
    statement = _told(_letters(actor, which, on), oldest, MOST_EXPORTED)
    for row in db.session.execute(statement.execution_options(yield_per=FETCH)):
        yield _row(row)


def _told(found: Select[Any], oldest: bool, most: int) -> Select[Any]:
    """The first so many letters, with what a page says of them."""
    first = func.min(Delivery.id)
    of = found.order_by(first if oldest else first.desc()).limit(most).subquery()
    return (
        select(
            of.c.id,
            of.c.channel,
            of.c.person_id,
            Person.name,
            Notice.tag,
            of.c.n,
            of.c.next_try_at,
            Delivery.tries,
            Delivery.error,
            Delivery.digest_on,
        )
        .join(Delivery, Delivery.id == of.c.id)
        .join(Notice, Notice.id == Delivery.notice_id)
        .join(Person, Person.id == of.c.person_id)
        .order_by(of.c.id if oldest else of.c.id.desc())
    )


def _row(row: Any) -> LetterRow:
    id, channel, person_id, name, tag, n, at, tries, error, day = row
    return LetterRow(id, channel, person_id, name, tag, n, parked_at(at), tries, fault_of(tries), error, day)


def _letters(actor: Actor, which: Which, on: date) -> Select[Any]:
    """One row per letter: its first delivery's id, and how many messages are in it."""
    return (
        select(func.min(Delivery.id).label("id"), *LETTER, func.count().label("n"))
        .join(Person, Person.id == Delivery.person_id)
        .where(*parked(which, zone()), people_within(actor, on))
        .group_by(*LETTER)
    )
