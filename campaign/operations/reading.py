"""What a person has read. Not an act on anybody's work: it is not logged."""

from datetime import datetime

from sqlalchemy import update

from ..db import db, insert
from ..models import Notice, Seen
from ..rules.organisation import Actor

BATCHES = "batches"


def mark_all_read(*, actor: Actor, now: datetime) -> None:
    """Marks every message of the person up to now as read; notices to whole batches by the instant of this look."""
    mine = Notice.person_id == actor.person_id, Notice.read_at.is_(None), Notice.created_at <= now
    db.session.execute(update(Notice).where(*mine).values(read_at=now).execution_options(synchronize_session=False))
    row = {"person_id": actor.person_id, "subject": BATCHES, "subject_id": 0, "number": 1, "at": now}
    statement = insert(Seen).values(row)
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["person_id", "subject", "subject_id"], set_={"at": statement.excluded.at}
        )
    )
