"""Telling the people in charge of units about many assignments at once: an event for each, a notice to each person."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, union

from ..clock import local_today
from ..db import db, insert_new, listed
from ..models import Delegation, Event, Notice, Post
from ..models.organisation import holds_on, stands_in_on
from ..models.requesting import deciders_of
from ..rules.events import CATALOGUE
from ..rules.organisation import SYSTEM_PERSON_ID
from ..rules.standstill import BOSSES
from ..rules.telling import is_urgent
from .log import canonical


@dataclass(frozen=True)
class Late:
    """One assignment about which a unit is told: with which words, and what the entry of the log keeps."""

    assignment_id: int
    unit_id: int
    words: str
    data: Mapping[str, Any]


def tell_in_charge(waiting: Sequence[Any], tag: str, kind: str, *, above: bool, now: datetime) -> int:
    """Tells of what waits, rows (id, assignment_id, words, unit_id), who is in charge today for the asked unit, or,
    `above`, of the next level; how many. `kind`: what the log calls its id. Four statements, or none."""
    if not waiting:
        return 0
    deciders = deciders_of({row.unit_id for row in waiting}, on=local_today(now))
    told = {unit: found.in_charge(int(above)) for unit, found in deciders.items()}
    late = [
        Late(row.assignment_id, told[row.unit_id], row.words, {kind: row.id, "unit": told[row.unit_id]})
        for row in waiting
    ]
    tell_bosses(late, tag, now=now)
    return len(late)


def tell_bosses(late: Sequence[Late], tag: str, *, now: datetime) -> None:
    """Lets the clock say this of all of them, each assignment once, to whoever leads these units today or stands in
    there: three statements, whatever their number."""
    if tag not in CATALOGUE:
        raise LookupError(f"{tag} is not in the catalogue of events")
    if not late:
        return
    entries = [
        {"at": now, "tag": tag, "subject": "assignment", "subject_id": each.assignment_id,
         "person_id": SYSTEM_PERSON_ID, "reason": each.words, "data": canonical(dict(each.data))}
        for each in late
    ]  # fmt: skip
    written = db.session.execute(insert(Event).returning(Event.subject_id, Event.id), entries)
    event_of = dict(written.tuples().all())
    lead = _leading({each.unit_id for each in late}, now)
    said = {"tag": tag, "created_at": now, "urgent": is_urgent(tag)}
    notices = [
        said | {"event_id": event_of[each.assignment_id], "person_id": person, "assignment_id": each.assignment_id}
        for each in late
        for person in lead.get(each.unit_id, ())
    ]
    if notices:
        db.session.execute(insert_new(Notice), notices)


def _leading(unit_ids: set[int], now: datetime) -> dict[int, set[int]]:
    """By unit, who holds one of its leading posts today or stands in for a holder."""
    today, there = local_today(now), (Post.unit_id.in_(listed(sorted(unit_ids))), Post.role.in_(BOSSES))
    held = select(Post.unit_id, Post.person_id).where(*there, holds_on(today))
    lent = select(Post.unit_id, Delegation.delegate_id).join(Delegation, stands_in_on(today)).where(*there)
    found: dict[int, set[int]] = defaultdict(set)
    for unit_id, person_id in db.session.execute(union(held, lent)):
        found[unit_id].add(person_id)
    return found
