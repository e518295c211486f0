"""One piece of evidence, for a reader who may see its assignment."""

from dataclasses import dataclass

from sqlalchemy import select

from ..db import db
from ..models import Assignment, Evidence, Unit
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


def evidence_of(evidence_id: int, actor: Actor) -> EvidenceFact | None:
    """The evidence with that id; None when there is none or its assignment is outside the actor's scope."""
    row = db.session.execute(
        select(Evidence.id, Evidence.assignment_id, Evidence.sha256, Evidence.size, Evidence.media_type, Evidence.name)
        .join(Assignment, Assignment.id == Evidence.assignment_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(Evidence.id == evidence_id, visible_assignments(actor))
    ).one_or_none()
    return None if row is None else EvidenceFact(*row)
