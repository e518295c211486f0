"""Evidence: one piece for a reader who may see its assignment; the pieces that a report or a version names; what the
unit has sent before."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import BigInteger, Select, and_, case, exists, func, literal, or_, select
from sqlalchemy.orm import aliased

from ..clock import zone
from ..db import db, listed
from ..models import (
    Assignment,
    Attachment,
    Batch,
    Campaign,
    Capture,
    Evidence,
    EvidenceRule,
    Fingerprint,
    Period,
    Submission,
    Task,
    Unit,
    Upload,
)
from ..rules.media import UNSHOWN, Kept
from ..rules.organisation import Actor, Role
from ..rules.windows import When, first_moment, when_taken
from .scope import given_to_check, visible_assignments

MOST_EARLIER = 24
MOST_ALSO = 100


@dataclass(frozen=True)
class EvidenceFact:
    """What is kept of a file beside its bytes."""

    id: int
    assignment_id: int
    sha256: str
    size: int
    media_type: str
    name: str


@dataclass(frozen=True)
class Taken:
    """When and where a piece was captured, by its own words; None where it does not say."""

    at: datetime | None
    latitude: float | None
    longitude: float | None
    device: str


@dataclass(frozen=True)
class Earlier(Kept):
    """A piece that the unit has sent for another task. `here`: it serves this one already."""

    id: int
    name: str
    media_type: str
    size: int
    at: datetime
    task_title: str
    campaign_title: str
    here: bool


@dataclass(frozen=True)
class HalfUpload:
    """An upload under way, or what became of it."""

    id: str
    assignment_id: int
    sha256: str
    size: int
    name: str
    evidence_id: int | None


FACTS = (Evidence.id, Evidence.assignment_id, Evidence.sha256, Evidence.size, Evidence.media_type, Evidence.name)


def evidence_of(evidence_id: int, actor: Actor) -> EvidenceFact | None:
    """The evidence with that id; None when there is none, or its assignment is outside the actor's scope and
    not theirs to check."""
    row = db.session.execute(
        select(*FACTS)
        .join(Assignment, Assignment.id == Evidence.assignment_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(Evidence.id == evidence_id, or_(visible_assignments(actor), given_to_check(actor)))
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


def known_to_unit(assignment_id: int, sha256: str) -> EvidenceFact | None:
    """A piece with that hash that the assignment's own unit has sent, best for this very assignment; None otherwise.

    Of other units nothing is asked, so nothing can be learned of what they have.
    """
    unit = select(Assignment.unit_id).where(Assignment.id == assignment_id).scalar_subquery()
    row = db.session.execute(
        select(*FACTS)
        .join(Assignment, Assignment.id == Evidence.assignment_id)
        .where(Evidence.sha256 == sha256, Assignment.unit_id == unit)
        .order_by(case((Evidence.assignment_id == assignment_id, 0), else_=1), Evidence.id)
        .limit(1)
    ).one_or_none()
    return None if row is None else EvidenceFact(*row)


def half_upload(upload_id: str, assignment_id: int, actor: Actor) -> HalfUpload | None:
    """The upload that this person has begun for this assignment; None when there is no such."""
    row = db.session.execute(
        select(Upload.id, Upload.assignment_id, Upload.sha256, Upload.size, Upload.name, Upload.evidence_id).where(
            Upload.id == upload_id, Upload.assignment_id == assignment_id, Upload.person_id == actor.person_id
        )
    ).one_or_none()
    return None if row is None else HalfUpload(*row)


def earlier(assignment_id: int, *, before: int | None = None) -> tuple[list[Earlier], int | None]:
    """What the assignment's unit has sent for its other tasks, newest first, each content once; and the id after which
    the next page begins, or None. Whoever asks is an officer of the unit."""
    unit = select(Assignment.unit_id).where(Assignment.id == assignment_id).scalar_subquery()
    mine, other = aliased(Evidence), aliased(Evidence)
    theirs = aliased(Assignment)
    newer = (
        select(other.id)
        .join(theirs, theirs.id == other.assignment_id)
        .where(
            other.sha256 == Evidence.sha256,
            other.id > Evidence.id,
            theirs.unit_id == unit,
            other.assignment_id != assignment_id,
        )
    )
    rows = db.session.execute(
        select(
            Evidence.id, Evidence.name, Evidence.media_type, Evidence.size, Evidence.at, Task.title,
            Campaign.title,
            exists().where(mine.assignment_id == assignment_id, mine.sha256 == Evidence.sha256),
        )
        .join(Assignment, Assignment.id == Evidence.assignment_id)
        .join(Task, Task.id == Assignment.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .where(Assignment.unit_id == unit, Assignment.id != assignment_id, ~newer.exists())
        .where(Evidence.id < before if before else literal(value=True))
        .order_by(Evidence.id.desc())
        .limit(MOST_EARLIER + 1)
    ).all()  # fmt: skip
    shown = [Earlier(*row) for row in rows[:MOST_EARLIER]]
    return shown, shown[-1].id if len(rows) > MOST_EARLIER else None


@dataclass(frozen=True)
class AlsoServed:
    """Another task of the same unit to which files of a version were submitted as well, and the names of these files
    here."""

    assignment_id: int
    task_title: str
    names: tuple[str, ...]


def also_served_in(submission_id: int | None, actor: Actor) -> Select[Any]:
    """What `also_served_from` reads: within the reader's scope alone, of what stands in the latest version there.
    Without a version nothing: what check-ins name belongs to none either."""
    mine, there, other, here = aliased(Evidence), aliased(Evidence), aliased(Attachment), aliased(Assignment)
    latest = select(func.max(Submission.id)).where(Submission.assignment_id == Assignment.id).scalar_subquery()
    return (
        select(Assignment.id, Task.title, mine.name)
        .select_from(Attachment)
        .join(mine, mine.id == Attachment.evidence_id)
        .join(here, here.id == mine.assignment_id)
        .join(Assignment, and_(Assignment.unit_id == here.unit_id, Assignment.task_id != here.task_id))
        .join(there, and_(there.assignment_id == Assignment.id, there.sha256 == mine.sha256))
        .join(other, and_(other.evidence_id == there.id, other.submission_id == latest))
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Task, Task.id == Assignment.task_id)
        .where(Attachment.submission_id == literal(submission_id, BigInteger), visible_assignments(actor))
        .order_by(Assignment.id, mine.id)
        .limit(MOST_ALSO)
    )


def also_served_from(rows: Iterable[Any]) -> tuple[AlsoServed, ...]:
    """The other tasks from the rows of `also_served_in`, the earliest first."""
    grouped = groupby(rows, key=lambda row: (row[0], row[1]))
    return tuple(AlsoServed(*task, tuple(row[2] for row in each)) for task, each in grouped)


def has_earlier(assignment_id: int) -> bool:
    """Whether the unit has sent anything for another task."""
    unit = select(Assignment.unit_id).where(Assignment.id == assignment_id).scalar_subquery()
    found = (
        select(Evidence.id)
        .join(Assignment, Assignment.id == Evidence.assignment_id)
        .where(Assignment.unit_id == unit, Assignment.id != assignment_id)
        .limit(1)
    )
    return db.session.execute(found).first() is not None


def not_looked_at(assignment_id: int, evidence_ids: Iterable[int]) -> list[EvidenceFact]:
    """The pictures among these without a fingerprint: nobody had time when they came, or nothing is on them. What is
    too large to be unpacked never gets one."""
    rows = (
        select(*FACTS)
        .outerjoin(Fingerprint, Fingerprint.sha256 == Evidence.sha256)
        .where(
            Evidence.assignment_id == assignment_id,
            Evidence.id.in_(listed(evidence_ids)),
            Evidence.media_type.startswith("image/"),
            ~Evidence.media_type.endswith(UNSHOWN),
            Fingerprint.sha256.is_(None),
        )
    )
    return [EvidenceFact(*row) for row in db.session.execute(rows)]


def is_close(assignment_id: int, actor: Actor) -> bool:
    """Whether this person stands close enough to see when and where evidence was captured: as an officer of the unit
    that sent it, or as a supervisor of a unit that reviews it, by the chain of any version."""
    unit = select(Assignment.unit_id).where(Assignment.id == assignment_id)
    officers = [post.unit_id for post in actor.posts if post.role is Role.OFFICER]
    judges = [post.unit_id for post in actor.posts if post.role is Role.SUPERVISOR]
    if officers and db.session.execute(unit.where(Assignment.unit_id.in_(officers))).first():
        return True
    if not judges:
        return False
    in_chain = [("," + Submission.chain + ",").contains(f",{judge},") for judge in judges]
    waits = exists().where(Assignment.id == assignment_id, Assignment.reviewer_unit_id.in_(judges))
    found = exists().where(Submission.assignment_id == assignment_id, or_(*in_chain))
    return bool(db.session.execute(select(or_(waits, found))).scalar())


@dataclass(frozen=True)
class Captured(Kept):
    """A photo of the latest version, what it says of its taking, and where that lies in the task's time."""

    id: int
    name: str
    media_type: str
    size: int
    sent_at: datetime
    rule_name: str
    taken: Taken
    when: When


@dataclass(frozen=True)
class Captures:
    """The photos of the latest version of an assignment. `begins`: the first moment of the task's time."""

    title: str
    unit_name: str
    begins: datetime
    due_at: datetime | None
    photos: tuple[Captured, ...]


def captures_of(assignment_id: int, actor: Actor) -> Captures | None:
    """What the photos of the latest version say of their taking; None for whoever does not stand close."""
    if not is_close(assignment_id, actor):
        return None
    head = db.session.execute(
        select(Task.title, Unit.name, Batch.dispatched_at, Period.opens_on, Assignment.due_at)
        .join(Assignment, Assignment.task_id == Task.id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Batch, Batch.id == Assignment.batch_id)
        .outerjoin(Period, and_(Period.task_id == Task.id, Period.number == Assignment.period))
        .where(Assignment.id == assignment_id)
    ).one()
    begins = first_moment(head.dispatched_at, head.opens_on, zone())
    latest = select(func.max(Submission.id)).where(Submission.assignment_id == assignment_id).scalar_subquery()
    rows = db.session.execute(
        select(
            Evidence.id, Evidence.name, Evidence.media_type, Evidence.at, func.coalesce(EvidenceRule.name, ""),
            Capture.captured_at, Capture.latitude, Capture.longitude, func.coalesce(Capture.device, ""), Evidence.size,
        )
        .join(Attachment, Attachment.evidence_id == Evidence.id)
        .outerjoin(EvidenceRule, EvidenceRule.id == Attachment.rule_id)
        .outerjoin(Capture, Capture.evidence_id == Evidence.id)
        .where(Attachment.submission_id == latest, Evidence.media_type.startswith("image/"))
        .order_by(Evidence.id)
    )  # fmt: skip
    photos = []
    for row in rows:
        taken = Taken(*row[5:9])
        when = when_taken(taken.at, begins=begins, due_at=head.due_at, sent_at=row.at)
        photos.append(Captured(row.id, row.name, row.media_type, row.size, row.at, row[4], taken, when))
    return Captures(head.title, head.name, begins, head.due_at, tuple(photos))
