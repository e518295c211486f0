"""What happened to an object, read from the log."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, union_all

from ..db import db
from ..models import Assignment, ChainLink, Event, Notice, Person, Post, Unit
from ..models.organisation import acted_for

MOST = 200  # entries on one page
OF_A_BATCH = "batch"


@dataclass(frozen=True)
class Entry:
    """One entry of the log; `id` is its number, `seal` its place in the chain (None until it is sealed)."""

    id: int
    at: datetime
    tag: str
    subject: str
    subject_id: int
    person_id: int
    person_name: str
    unit_name: str | None
    from_state: str | None
    to_state: str | None
    reason: str
    data: Mapping[str, Any]
    seal: int | None
    for_name: str | None = None  # the holder of the post, when somebody else acted in it


def of_assignment(assignment_id: int, *, limit: int = MOST) -> list[Entry]:
    """The entries of an assignment, newest first, with those that stand for its whole batch: the dispatch, and days of
    occasions or calendars that moved its dates. One statement."""
    return entries_from(db.session.execute(entries_of(assignment_id, limit=limit)))


def entries_of(assignment_id: int, *, limit: int = MOST) -> Select[Any]:
    """What `entries_from` reads for `of_assignment`."""
    batch = select(Assignment.batch_id).where(Assignment.id == assignment_id).scalar_subquery()
    ids = union_all(  # each by an index of its own; an OR over all three would read the whole log
        select(Event.id).where(Event.subject == "assignment", Event.subject_id == assignment_id),
        select(Event.id).where(Event.subject == OF_A_BATCH, Event.subject_id == batch),
        select(Notice.event_id).where(Notice.batch_id == batch),
    ).subquery()
    return _entries(Event.id.in_(select(ids.c.id)), limit)


def of_object(subject: str, subject_id: int, *, before: int | None = None, limit: int = MOST) -> list[Entry]:
    """The entries of any object ('campaign', 'task', 'person' ...), newest first; `before` continues a former page."""
    clause = and_(Event.subject == subject, Event.subject_id == subject_id)
    return _read(clause if before is None else and_(clause, Event.id < before), limit)


def meanwhile(assignment_id: int, since_version: int) -> list[Entry]:
    """What moved the assignment after a reader saw it at that version, oldest first.

    Every move raises the version by one and leaves one entry that names the state reached, so the last so many
    entries are the ones the reader did not see. Two statements.
    """
    version = db.session.execute(select(Assignment.version).where(Assignment.id == assignment_id)).scalar_one_or_none()
    moves = 0 if version is None else version - since_version
    if moves <= 0:
        return []
    own = and_(Event.subject == "assignment", Event.subject_id == assignment_id, Event.to_state.is_not(None))
    return _read(own, min(moves, MOST))[::-1]


def _read(clause: ColumnElement[bool], limit: int) -> list[Entry]:
    return entries_from(db.session.execute(_entries(clause, limit)))


def entries_from(rows: Iterable[Any]) -> list[Entry]:
    """The entries from the rows of `entries_of`."""
    return [Entry(*(*row[:11], json.loads(row[11]), *row[12:])) for row in rows]


def _entries(clause: ColumnElement[bool], limit: int) -> Select[Any]:
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
        .where(clause)
        .order_by(Event.id.desc())
        .limit(limit)
    )  # fmt: skip
