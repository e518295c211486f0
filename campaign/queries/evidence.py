"""Evidence: one piece for a reader who may see its assignment; the pieces that a report or a version names."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select

from ..db import db, listed
from ..models import Assignment, Attachment, Evidence, Submission, Unit
from ..rules.organisation import Actor
from .scope import visible_assignments


@dataclass(frozen=True)
class EvidenceFact:
    """What is kept of a file beside its bytes."""

    id: int
    assignment_id: int
    sha256: str
    size: int
    media_type: str
    name: str


FACTS = (Evidence.id, Evidence.assignment_id, Evidence.sha256, Evidence.size, Evidence.media_type, Evidence.name)


def evidence_of(evidence_id: int, actor: Actor) -> EvidenceFact | None:
    """The evidence with that id; None when there is none or its assignment is outside the actor's scope."""
    row = db.session.execute(
        select(*FACTS)
        .join(Assignment, Assignment.id == Evidence.assignment_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(Evidence.id == evidence_id, visible_assignments(actor))
    ).one_or_none()
    return None if row is None else EvidenceFact(*row)


def evidence_named(assignment_id: int, evidence_ids: Iterable[int]) -> list[EvidenceFact]:
    """Those of these pieces that belong to the assignment; whoever asks may see it already."""
    mine = select(*FACTS).where(Evidence.assignment_id == assignment_id, Evidence.id.in_(listed(evidence_ids)))
    return [EvidenceFact(*row) for row in db.session.execute(mine)]


def evidence_submitted(assignment_id: int) -> list[EvidenceFact]:
    """The pieces that the latest version of the assignment names; whoever asks may see it already."""
    latest = select(func.max(Submission.id)).where(Submission.assignment_id == assignment_id).scalar_subquery()
    rows = select(*FACTS).join(Attachment, Attachment.evidence_id == Evidence.id)
    return [EvidenceFact(*row) for row in db.session.execute(rows.where(Attachment.submission_id == latest))]
