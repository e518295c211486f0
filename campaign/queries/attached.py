"""What must be attached to the report of an assignment, and the files that are there."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import and_, literal, null, select, type_coerce, union_all

from ..db import Instant, db
from ..models import Attachment, Capture, ChecklistItem, Evidence, EvidenceRule
from ..rules.media import Kept
from ..rules.plans import EvidenceKind
from ..rules.requirements import EvidenceNeed


@dataclass(frozen=True)
class Rule:
    """What must be attached."""

    id: int
    name: str
    kind: EvidenceKind
    min_count: int
    ground: str
    in_time: bool = False
    metric_id: int | None = None  # the checklist, the position and the name of the item that it proves
    item: int | None = None
    item_name: str = ""

    @property
    def need(self) -> EvidenceNeed:
        """What the law asks."""
        return EvidenceNeed(
            self.id, self.name, self.kind, self.min_count, self.in_time, self.metric_id, self.item, self.item_name
        )


@dataclass(frozen=True)
class File(Kept):
    """A file uploaded for the assignment; `attached`: the latest version names it, for the rule `rule_id`."""

    id: int
    name: str
    media_type: str
    size: int
    attached: bool
    rule_id: int | None
    sha256: str = ""
    at: datetime | None = None
    taken_at: datetime | None = None  # for the rules alone: no page shows it here


def asked_and_attached(
    task_id: int, assignment_id: int, submission_id: int | None
) -> tuple[tuple[Rule, ...], tuple[File, ...]]:
    """The rules in their order, and the files as they came; `submission_id`: the latest version. One statement."""
    asked = select(
        literal(0).label("part"), EvidenceRule.id, EvidenceRule.name, EvidenceRule.kind, EvidenceRule.min_count,
        EvidenceRule.ground, EvidenceRule.in_time, ChecklistItem.metric_id, ChecklistItem.position.label("item"),
        ChecklistItem.name.label("item_name"), type_coerce(null(), Instant).label("at"),
        type_coerce(null(), Instant).label("taken_at"),
        null().label("media_type"), null().label("size"), null().label("attachment_id"),
        null().label("rule_id"), null().label("sha256"), EvidenceRule.position.label("place"),
    ).outerjoin(ChecklistItem, ChecklistItem.id == EvidenceRule.item_id)  # fmt: skip
    asked = asked.where(EvidenceRule.task_id == task_id)
    named = and_(Attachment.evidence_id == Evidence.id, Attachment.submission_id == (submission_id or 0))
    there = (
        select(
            literal(1), Evidence.id, Evidence.name, null(), null(), null(), null(), null(), null(), null(),
            Evidence.at, Capture.captured_at, Evidence.media_type, Evidence.size,
            Attachment.id, Attachment.rule_id, Evidence.sha256, literal(0),
        )
        .outerjoin(Attachment, named)
        .outerjoin(Capture, Capture.evidence_id == Evidence.id)
        .where(Evidence.assignment_id == assignment_id)
    )  # fmt: skip
    both = union_all(asked, there).subquery()
    rules: list[Rule] = []
    files: list[File] = []
    for row in db.session.execute(select(both).order_by(both.c.part, both.c.place, both.c.id)):
        if row.part:
            attached = row.attachment_id is not None
            file = File(row.id, row.name, row.media_type, row.size, attached, row.rule_id, row.sha256)
            files.append(replace(file, at=row.at, taken_at=row.taken_at))
        else:
            head = row.id, row.name, row.kind, row.min_count, row.ground, bool(row.in_time)
            rules.append(Rule(*head, row.metric_id, row.item, row.item_name or ""))
    return tuple(rules), tuple(files)


def file_of(assignment_id: int, evidence_id: int) -> File:
    """One file of the assignment, as a form that has just got it shows it; whoever asks has just sent it."""
    row = db.session.execute(
        select(
            Evidence.id, Evidence.name, Evidence.media_type, Evidence.size, Evidence.sha256, Evidence.at,
            Capture.captured_at,
        )
        .outerjoin(Capture, Capture.evidence_id == Evidence.id)
        .where(Evidence.id == evidence_id, Evidence.assignment_id == assignment_id)
    ).one()  # fmt: skip
    head = row.id, row.name, row.media_type, row.size
    return File(*head, attached=False, rule_id=None, sha256=row.sha256, at=row.at, taken_at=row.captured_at)
