"""Keeping evidence: the row, what the camera wrote and what the picture looks like; pieces used once more; limits.

The bytes are kept before (`evidence/store.py`); whoever calls this has them safe already.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from ..clock import local_today, zone
from ..db import db, insert_new
from ..errors import Invalid, NotFound, Sentence, say
from ..evidence.notes import Notes
from ..evidence.pictures import Looked
from ..evidence.store import Stored
from ..models import Assignment, Capture, Draft, Evidence, Fingerprint
from ..rules.organisation import Actor
from .reporting import keep_evidence, save_draft

MOST_OF_ONE = 200  # files at one assignment: a page lists them all
MOST_A_DAY = 600  # files of one person in one day
MOST_BYTES_A_DAY = 4 * 1024**3
TOO_MUCH = 429
HALF, QUARTER = 1 << 63, 0xFFFF


def keep(assignment_id: int, stored: Stored, looked: Looked, name: str, *, actor: Actor, now: datetime) -> int:
    """Records a stored file as evidence of the assignment, with what was found out about it; the same bytes again give
    the same id. Refused when the assignment or the day of this person is full."""
    before = _there(assignment_id, stored.sha256)
    if before is None:
        check_room(assignment_id, stored.size, actor=actor, now=now)
    evidence_id = keep_evidence(assignment_id, stored, name, actor=actor, now=now)
    remember_look(stored.sha256, looked)
    if before is None and looked.notes.say_something:
        _keep_notes(evidence_id, looked.notes)
    return evidence_id


def into_draft(
    assignment_id: int, files: Mapping[int, int | None], first: Mapping[str, Any], *, actor: Actor, now: datetime
) -> None:
    """Adds pieces of evidence, with the rule each serves, to what this person has drafted; `first`: what the form
    starts with, where there is no draft. Read and written in one transaction, so that two uploads both stay."""
    kept = select(Draft.fields).where(Draft.assignment_id == assignment_id, Draft.person_id == actor.person_id)
    drafted = db.session.execute(kept).scalar()
    fields = json.loads(drafted) if drafted else dict(first)
    fields["files"] = {**fields.get("files", {}), **{str(key): rule for key, rule in files.items()}}
    save_draft(assignment_id, fields, actor=actor, now=now)


def remember_look(sha256: str, looked: Looked) -> None:
    """Keeps the fingerprint of a picture; once for the same bytes."""
    if looked.bits is None:
        return
    signed = looked.bits - (1 << 64) if looked.bits >= HALF else looked.bits
    first, second, third, fourth = quarters(looked.bits)
    row = {"sha256": sha256, "bits": signed, "first": first, "second": second, "third": third, "fourth": fourth}
    db.session.execute(insert_new(Fingerprint).values(row))


def quarters(bits: int) -> tuple[int, int, int, int]:
    """The four parts of a fingerprint (unsigned, or as it is stored), sixteen bits each."""
    return bits >> 48 & QUARTER, bits >> 32 & QUARTER, bits >> 16 & QUARTER, bits & QUARTER


def use_again(assignment_id: int, evidence_id: int, *, actor: Actor, now: datetime) -> int:
    """Lets a piece that the same unit has uploaded for another assignment serve this one too; its id here.

    NotFound for a piece of any other unit, whether it exists or not.
    """
    unit = select(Assignment.unit_id).where(Assignment.id == assignment_id).scalar_subquery()
    found = db.session.execute(
        select(Evidence.sha256, Evidence.size, Evidence.media_type, Evidence.name)
        .join(Assignment, Assignment.id == Evidence.assignment_id)
        .where(Evidence.id == evidence_id, Assignment.unit_id == unit)
    ).one_or_none()
    if found is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    before = _there(assignment_id, found.sha256)
    if before is not None:
        return before
    check_room(assignment_id, 0, actor=actor, now=now)
    stored = Stored(found.sha256, found.size, found.media_type)
    kept = keep_evidence(assignment_id, stored, found.name, actor=actor, now=now)
    notes = db.session.execute(select(Capture).where(Capture.evidence_id == evidence_id)).scalar_one_or_none()
    if notes is not None:
        _keep_notes(kept, Notes(notes.captured_at, notes.latitude, notes.longitude, notes.device))
    return kept


def check_room(assignment_id: int, size: int, *, actor: Actor, now: datetime, under_way: Sequence[int] = ()) -> None:
    """Refuses what goes beyond the limits of one assignment, or of one person's day. Raises Invalid (429).

    `under_way`: the sizes of what the person has begun to send.
    """
    at_one = db.session.execute(select(func.count()).where(Evidence.assignment_id == assignment_id)).scalar_one()
    if at_one >= MOST_OF_ONE:
        raise _full(say("There are %(most)s files here, and no more fit. Please choose the best.", most=MOST_OF_ONE))
    today = datetime.combine(local_today(now), time.min, ZoneInfo(zone()))
    row = db.session.execute(
        select(func.count(), func.coalesce(func.sum(Evidence.size), 0)).where(
            Evidence.person_id == actor.person_id, Evidence.at >= today
        )
    ).one()
    if row[0] + len(under_way) >= MOST_A_DAY:
        raise _full(say("You have uploaded %(most)s files today, as many as one day allows.", most=MOST_A_DAY))
    if int(row[1]) + sum(under_way) + size > MOST_BYTES_A_DAY:
        limit = MOST_BYTES_A_DAY // 1024**3
        raise _full(say("You have uploaded %(most)s GB today, as much as one day allows.", most=limit))


def _full(sentence: Sentence) -> Invalid:
    return Invalid(sentence, status=TOO_MUCH)


def _there(assignment_id: int, sha256: str) -> int | None:
    same = select(Evidence.id).where(Evidence.assignment_id == assignment_id, Evidence.sha256 == sha256)
    return db.session.execute(same).scalar()


def _keep_notes(evidence_id: int, notes: Notes) -> None:
    row = {
        "evidence_id": evidence_id,
        "captured_at": notes.at,
        "latitude": notes.latitude,
        "longitude": notes.longitude,
        "device": notes.device,
    }
    db.session.execute(insert_new(Capture).values(row))
