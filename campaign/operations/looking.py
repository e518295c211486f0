"""What a reviewer has looked at. Reading changes nothing that the log keeps, so no event is written."""

from datetime import datetime

from sqlalchemy import literal, select, true, union_all

from ..db import Instant, db, insert
from ..models import Seen
from ..rules.differences import LOOKED, LOOKED_BEFORE
from ..rules.organisation import Actor


def look(assignment_id: int, number: int, *, actor: Actor, now: datetime) -> None:
    """Remembers that the actor looked at that version. The version looked at before it is remembered too, so that
    what changed since then still shows when the page is opened again. One statement."""
    mine = (Seen.person_id == actor.person_id, Seen.subject_id == assignment_id)
    former = select(Seen.person_id, literal(LOOKED_BEFORE), Seen.subject_id, Seen.number, Seen.at)
    last = former.where(*mine, Seen.subject == LOOKED, Seen.number != number)
    new = select(
        literal(actor.person_id), literal(LOOKED), literal(assignment_id), literal(number), literal(now, Instant)
    )
    both = union_all(last, new).subquery()
    rows = select(both).where(true())  # SQLite takes ON for that of a join where there is no WHERE
    statement = insert(Seen).from_select(["person_id", "subject", "subject_id", "number", "at"], rows)
    renewed = {"number": statement.excluded.number, "at": statement.excluded.at}
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["person_id", "subject", "subject_id"],
            set_=renewed,
            where=Seen.number != statement.excluded.number,
        )
    )
