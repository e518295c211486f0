"""What a reviewer has looked at. Reading changes nothing that the log keeps, so no event is written."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from ..db import db, insert
from ..models import Seen
from ..rules.differences import LOOKED, LOOKED_BEFORE
from ..rules.organisation import Actor


def look(assignment_id: int, number: int, *, actor: Actor, now: datetime) -> None:
    """Remembers that the actor looked at that version. The version looked at before it is remembered too, so that
    what changed since then still shows when the page is opened again."""
    mine = (Seen.person_id == actor.person_id, Seen.subject_id == assignment_id)
    last = db.session.execute(select(Seen.number, Seen.at).where(*mine, Seen.subject == LOOKED)).one_or_none()
    if last is not None and last.number == number:
        return
    if last is not None:
        _keep(LOOKED_BEFORE, assignment_id, actor, last.number, last.at)
    _keep(LOOKED, assignment_id, actor, number, now)


def _keep(subject: str, assignment_id: int, actor: Actor, number: int, at: datetime) -> None:
    row: dict[str, Any] = {"person_id": actor.person_id, "subject": subject, "subject_id": assignment_id}
    statement = insert(Seen).values(**row, number=number, at=at)
    db.session.execute(statement.on_conflict_do_update(index_elements=list(row), set_={"number": number, "at": at}))
