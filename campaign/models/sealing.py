"""The events of the log in the order in which they are sealed, as SELECTs that verbs and questions read alike."""

from typing import Any

from sqlalchemy import BigInteger, Row, Select, literal, select, tuple_, type_coerce

from ..db import db, finished_before
from ..rules.sealing import Entry
from .log import ChainLink, Event

ENTRY = (
    Event.id,
    type_coerce(Event.at, BigInteger).label("at"),
    Event.tag,
    Event.subject,
    Event.subject_id,
    Event.person_id,
    Event.post_id,
    Event.from_state,
    Event.to_state,
    Event.reason,
    Event.data,
)


def head() -> tuple[int, int, str] | None:
    """The last link as (seq, event id, digest); None when nothing is sealed."""
    row = db.session.execute(
        select(ChainLink.seq, ChainLink.event_id, ChainLink.digest).order_by(ChainLink.seq.desc()).limit(1)
    ).first()
    return None if row is None else (row.seq, row.event_id, row.digest)


def unsealed(after: int | None, limit: int) -> Select[tuple[object, ...]]:
    """The next events to seal after event `after` (None: from the first), in the order in which they became final.

    On PostgreSQL an event is final when every transaction that began before its own has ended; until then it waits, so
    that none can slip in behind it. On SQLite there is one writer, and ids are that order.
    """
    order = (Event.tx, Event.id)
    statement = select(*ENTRY).order_by(*order).limit(limit)
    horizon = finished_before()
    if horizon is not None:
        statement = statement.where(Event.tx < horizon)
    if after is not None:
        last = select(Event.tx, Event.id).where(Event.id == after).subquery()
        statement = statement.where(tuple_(*order) > tuple_(select(last.c.tx).scalar_subquery(), literal(after)))
    return statement


def entry_of(row: Row[Any]) -> Entry:
    """The row of `ENTRY` as it is sealed."""
    return Entry(*row[: len(ENTRY)])
