"""What must be attached to the report of an assignment, and the files that are there."""

from dataclasses import dataclass

from sqlalchemy import and_, literal, null, select, union_all

from ..db import db
from ..models import Attachment, Evidence, EvidenceRule
from ..rules.plans import EvidenceKind


@dataclass(frozen=True)
class Rule:
    """What must be attached."""

    id: int
    name: str
    kind: EvidenceKind
    min_count: int
    ground: str


@dataclass(frozen=True)
class File:
    """A file uploaded for the assignment; `attached`: the latest version names it, for the rule `rule_id`."""

    id: int
    name: str
    media_type: str
    size: int
    attached: bool
    rule_id: int | None
    sha256: str = ""

    @property
    def is_photo(self) -> bool:
        """Whether it can be shown as a picture."""
        return self.media_type.startswith("image/")


def asked_and_attached(
    task_id: int, assignment_id: int, submission_id: int | None
) -> tuple[tuple[Rule, ...], tuple[File, ...]]:
    """The rules in their order, and the files as they came; `submission_id`: the latest version. One statement."""
    asked = select(
        literal(0).label("part"), EvidenceRule.id, EvidenceRule.name, EvidenceRule.kind, EvidenceRule.min_count,
        EvidenceRule.ground, null().label("media_type"), null().label("size"), null().label("attachment_id"),
        null().label("rule_id"), null().label("sha256"), EvidenceRule.position.label("place"),
    ).where(EvidenceRule.task_id == task_id)  # fmt: skip
    named = and_(Attachment.evidence_id == Evidence.id, Attachment.submission_id == (submission_id or 0))
    there = (
        select(
            literal(1), Evidence.id, Evidence.name, null(), null(), null(), Evidence.media_type, Evidence.size,
            Attachment.id, Attachment.rule_id, Evidence.sha256, literal(0),
        )
        .outerjoin(Attachment, named)
        .where(Evidence.assignment_id == assignment_id)
    )  # fmt: skip
    both = union_all(asked, there).subquery()
    rules: list[Rule] = []
    files: list[File] = []
    for row in db.session.execute(select(both).order_by(both.c.part, both.c.place, both.c.id)):
        if row.part:
            attached = row.attachment_id is not None
            files.append(File(row.id, row.name, row.media_type, row.size, attached, row.rule_id, row.sha256))
        else:
            rules.append(Rule(row.id, row.name, row.kind, row.min_count, row.ground))
    return tuple(rules), tuple(files)
