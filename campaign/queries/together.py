"""The evidence of many submissions that wait, for whoever asks whether it all lies there before they are approved."""

from collections.abc import Collection

from sqlalchemy import func, select

from ..db import db, listed
from ..models import Attachment, Evidence, Submission


def evidence_of(assignment_ids: Collection[int]) -> list[tuple[int, str, int]]:
    """Assignment id, hash and size of each piece that the latest versions name. One statement."""
    latest = (
        select(func.max(Submission.id))
        .where(Submission.assignment_id.in_(listed(assignment_ids)))
        .group_by(Submission.assignment_id)
    )
    rows = (
        select(Submission.assignment_id, Evidence.sha256, Evidence.size)
        .join(Attachment, Attachment.submission_id == Submission.id)
        .join(Evidence, Evidence.id == Attachment.evidence_id)
        .where(Submission.id.in_(latest))
    )
    return [(id, sha256, size) for id, sha256, size in db.session.execute(rows)]
