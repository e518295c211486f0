"""What must be so around the evidence: pieces and their rows, archives, fingerprints, and what versions name."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import and_, func, or_, select

from ..db import db
from ..errors import Busy
from ..evidence.pieces import HALF_AGE
from ..evidence.store import Damaged, Store
from ..models import Archive, Attachment, CheckIn, Evidence, Fingerprint, Submission, Upload
from .checking import UNKNOWN_AGE, Breach

MOST = 100


def uploads_are_swept(store: Store, *, now: datetime) -> Iterator[Breach]:
    """Half uploads go after a day, their rows and their pieces; what is there is no more than was announced."""
    old = now - 2 * HALF_AGE
    for row in db.session.execute(select(Upload.id).where(Upload.at < old).order_by(Upload.at).limit(MOST)):
        yield Breach("uploads", "upload", row.id, "was never finished, and tidying has left it for days")
    try:
        left = store.pieces.left(now=now)[:MOST]
    except Busy:
        yield Breach("uploads", "store", "", "cannot be reached; its pieces were not listed")
        return
    for name in left:
        yield Breach("uploads", "file", name, "a piece that nobody goes on sending, and tidying has left it for days")
    more = select(Upload.id).where(or_(Upload.received > Upload.size, Upload.size < 1)).limit(MOST)
    for row in db.session.execute(more):
        yield Breach("uploads", "upload", row.id, "holds more than was announced")


def archives_lie_there(store: Store, *, now: datetime) -> Iterator[Breach]:
    """An archive that may be fetched is whole; what no row knows goes within a day."""
    rows = db.session.execute(select(Archive.id, Archive.path, Archive.sha256).where(Archive.path != "")).all()
    try:
        left = set(store.shelf.names(before=now - UNKNOWN_AGE)) - {row.path for row in rows}
        for row in rows:
            try:
                store.shelf.open(row.path, row.sha256).close()
            except Damaged:
                yield Breach("archives", "archive", row.id, "is missing or does not hold the bytes it was made of")
    except Busy:
        yield Breach("archives", "store", "", "cannot be reached; its archives were not read")
        return
    for name in sorted(left)[:MOST]:
        yield Breach("archives", "file", name, "belongs to no archive, and tidying has left it for days")


def versions_name_their_own_evidence() -> Iterator[Breach]:
    """What a version or a check-in names was sent for the same assignment; a fingerprint belongs to a file we have."""
    owner = func.coalesce(Submission.assignment_id, CheckIn.assignment_id)
    strange = (
        select(Attachment.id, Attachment.evidence_id)
        .join(Evidence, Evidence.id == Attachment.evidence_id)
        .outerjoin(Submission, Submission.id == Attachment.submission_id)
        .outerjoin(CheckIn, CheckIn.id == Attachment.check_in_id)
        .where(or_(owner.is_(None), owner != Evidence.assignment_id))
        .limit(MOST)
    )
    for row in db.session.execute(strange):
        yield Breach("evidence", "evidence", row.evidence_id, "is named by a version of another assignment")
    same = and_(Upload.evidence_id == Evidence.id, Upload.sha256 != Evidence.sha256)
    for upload_id in db.session.execute(select(Upload.id).join(Evidence, same).limit(MOST)).scalars():
        yield Breach("uploads", "upload", upload_id, "became evidence of other bytes than were announced")
    unknown = ~select(Evidence.id).where(Evidence.sha256 == Fingerprint.sha256).exists()
    for sha256 in db.session.execute(select(Fingerprint.sha256).where(unknown).limit(MOST)).scalars():
        yield Breach("evidence", "fingerprint", sha256, "belongs to no file that a row names")
