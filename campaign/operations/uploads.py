"""Files that come in pieces: begun with hash and size, added to, finished as evidence. The bytes of the pieces are kept
by `evidence/pieces.py` before any of this is asked, so a row never claims more than there is."""

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlalchemy import delete, select, update

from ..db import db
from ..errors import Forbidden, Invalid, NotFound, Refused, say
from ..evidence import refusals
from ..evidence.inspection import LARGEST
from ..evidence.pictures import Looked
from ..evidence.pieces import HALF_AGE
from ..evidence.store import HASH, Stored
from ..models import Upload
from ..rules.organisation import Actor, Role
from ..rules.states import WORKING, State
from .keeping import TOO_MUCH, check_room, keep
from .move import standing_of

MOST_HALF = 60  # of one person at once


@dataclass(frozen=True)
class Begun:
    """An upload under way. `evidence_id`: what it has become, when it is finished."""

    id: str
    assignment_id: int
    sha256: str
    size: int
    name: str
    evidence_id: int | None = None


def begin(assignment_id: int, sha256: str, size: int, name: str, *, actor: Actor, now: datetime) -> Begun:
    """Announces a file; the same file of the same person again is the same upload, and goes on where it stopped.

    Raises Invalid for what could never be kept, Refused when the work is not in the officer's hands.
    """
    if not HASH.fullmatch(sha256):
        raise Invalid(say("The form is damaged. Please open the page again."))
    if size > LARGEST:
        raise refusals.too_large(LARGEST // (1024 * 1024))
    if size < 1:
        raise refusals.empty()
    facts = standing_of(assignment_id)
    if actor.post_in(facts.unit_id, Role.OFFICER) is None:
        raise Forbidden(say("None of your posts may do this here."))
    if facts.state not in (State.ISSUED, *WORKING):
        raise Refused(say("Evidence can be added while the work is in your hands."))
    mine = (Upload.person_id == actor.person_id, Upload.evidence_id.is_(None))
    half = db.session.execute(
        select(Upload).where(*mine, Upload.assignment_id == facts.id, Upload.sha256 == sha256, Upload.size == size)
    ).scalars().first()  # fmt: skip
    if half is not None:
        return _begun(half)
    under_way = db.session.execute(select(Upload.size).where(*mine, Upload.at > now - HALF_AGE)).scalars().all()
    if len(under_way) >= MOST_HALF:
        sentence = say("%(most)s files are under way already. Please wait for some of them.", most=MOST_HALF)
        raise Invalid(sentence, status=TOO_MUCH)
    check_room(facts.id, size, actor=actor, now=now, under_way=under_way)
    row = Upload(id=str(uuid4()), assignment_id=facts.id, person_id=actor.person_id, sha256=sha256, size=size)
    row.name, row.begun_at, row.at = name[:255], now, now
    db.session.add(row)
    db.session.flush()
    return _begun(row)


def went_on(upload_id: str, received: int, *, now: datetime) -> None:
    """Notes how many bytes are safe; a later answer that arrives first is not taken back."""
    db.session.execute(
        update(Upload).where(Upload.id == upload_id, Upload.received < received).values(received=received, at=now)
    )


def finish(upload_id: str, stored: Stored, looked: Looked, *, actor: Actor, now: datetime) -> int:
    """Makes the file evidence; the same again gives the same id."""
    row = db.session.execute(
        select(Upload).where(Upload.id == upload_id, Upload.person_id == actor.person_id)
    ).scalar_one_or_none()  # fmt: skip
    if row is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    if row.evidence_id is None:
        row.evidence_id = keep(row.assignment_id, stored, looked, row.name, actor=actor, now=now)
        row.received, row.at = row.size, now
        db.session.flush()
    return row.evidence_id


def give_up(upload_id: str, *, actor: Actor) -> bool:
    """Forgets an upload that its person no longer wants; what it has become already stays. Whether there was one."""
    gone = delete(Upload).where(
        Upload.id == upload_id, Upload.person_id == actor.person_id, Upload.evidence_id.is_(None)
    )
    return bool(db.session.execute(gone).rowcount)  # type: ignore[attr-defined]


def tidy_uploads(*, now: datetime) -> int:
    """Removes the rows of what nobody has added to for a day, and of what was finished then; the number of rows."""
    old = delete(Upload).where(Upload.at < now - HALF_AGE)
    return int(db.session.execute(old.execution_options(synchronize_session=False)).rowcount)  # type: ignore[attr-defined]


def _begun(row: Upload) -> Begun:
    return Begun(row.id, row.assignment_id, row.sha256, row.size, row.name, row.evidence_id)
