"""One assignment as its reviewers see it: all versions with figures and evidence, the decisions, the last look."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from ..clock import zone
from ..db import db
from ..models import (
    Assignment,
    Attachment,
    Batch,
    Campaign,
    CheckIn,
    EvidenceRule,
    MetricValue,
    Period,
    Person,
    Question,
    Request,
    Review,
    Seen,
    Submission,
    Task,
    Unit,
)
from ..models.clockwork import Calendar as CalendarRow
from ..models.gathering import gathered
from ..models.ladders import EVERYBODYS
from ..models.organisation import acted_for
from ..models.reporting import STANDS
from ..rules.calendars import Calendar, Roll, is_provisional
from ..rules.differences import LOOKED, LOOKED_BEFORE, Content, Differences, Shared, differences
from ..rules.metrics import Value
from ..rules.organisation import Actor
from ..rules.states import OPEN, Action, CheckInKind, ReturnReason, State
from .dating import has_story
from .reported import Figure, File, Values, files_of, read_files, read_values, values_of
from .scope import given_to_check, visible_assignments


@dataclass(frozen=True)
class Decision:
    """What one level decided on one version."""

    number: int
    step: int
    unit_name: str
    decision: Action
    reason: ReturnReason | None
    words: str
    person_id: int
    person_name: str
    at: datetime
    for_name: str | None = None
    digest: str = ""


@dataclass(frozen=True)
class Version:
    """A numbered version of the report with what was decided on it."""

    id: int
    number: int
    words: str
    person_id: int
    person_name: str
    at: datetime
    values: Mapping[int, Value] = field(default_factory=dict)
    files: tuple[File, ...] = ()
    decisions: tuple[Decision, ...] = ()
    for_name: str | None = None
    digest: str = ""
    joint: Shared = field(default_factory=dict)

    @property
    def content(self) -> Content:
        """What is compared between versions."""
        return Content(self.words, self.values, {file.id: file.name for file in self.files}, self.joint)

    @property
    def last_decision(self) -> Decision | None:
        """The decision that was taken last on this version."""
        return self.decisions[-1] if self.decisions else None


@dataclass(frozen=True)
class Header:
    """What is asked of whom until when, where it stands, and what this reader looked at last."""

    id: int
    state: State
    version: int
    unit_id: int
    unit_name: str
    task_id: int
    task_title: str
    what: str
    campaign_id: int
    campaign_title: str
    campaign_number: str | None
    issuing_unit_name: str
    batch_id: int
    dispatched_at: datetime
    respond_by: datetime | None
    due_at: datetime | None
    first_due_at: datetime | None
    cut_off_at: datetime | None
    reviewer_unit_id: int | None
    reviewer_unit_name: str | None
    review_due_at: datetime | None
    review_step: int
    evidence_asked: int | None
    looked_number: int | None
    looked_at: datetime | None
    before_number: int | None
    before_at: datetime | None
    roll: Roll
    rrule: str | None
    period: int
    opens_on: date | None  # of its period; None where the task does not recur
    in_charge_name: str | None
    was_asked_about: bool  # whether a question was ever asked upwards
    was_requested_for: bool  # whether more time, another target or an exemption was ever requested
    known_until: date | None  # the last day whose holidays the assignment's calendar knows

    @property
    def is_provisional(self) -> bool:
        """Whether the due date of open work lies beyond what the calendar knows, so that it may still move."""
        return self.state in OPEN and is_provisional(self.due_at, Calendar(known_until=self.known_until), zone())

    @property
    def date_has_story(self) -> bool:
        """Whether there may be something to tell of the due date; `queries/dating.py` tells it."""
        return has_story(self.due_at, self.first_due_at, self.roll)


@dataclass(frozen=True)
class Dossier:
    """The whole file of one assignment; versions in the order of their numbers."""

    header: Header
    figures: tuple[Figure, ...]
    versions: tuple[Version, ...]

    @property
    def latest(self) -> Version | None:
        """The version that waits or was decided last."""
        return self.versions[-1] if self.versions else None

    @property
    def former(self) -> Version | None:
        """The version before the latest."""
        return self.versions[-2] if len(self.versions) > 1 else None

    def version(self, number: int | None) -> Version | None:
        """The version with that number, or None."""
        return next((version for version in self.versions if version.number == number), None)

    @property
    def last_look(self) -> tuple[Version, datetime] | None:
        """The version this reader looked at before the latest one, and when; None when there was none."""
        head = self.header
        for number, at in ((head.looked_number, head.looked_at), (head.before_number, head.before_at)):
            version = self.version(number)
            if version is not None and at is not None and version is not self.latest:
                return version, at
        return None

    def changes(self, since: Version | None) -> Differences:
        """What changed from that version to the latest; nothing when there is no such version."""
        if since is None or self.latest is None:
            return Differences()
        return differences(since.content, self.latest.content)


@dataclass(frozen=True)
class Progress:
    """A check-in of the receiving unit."""

    id: int
    kind: CheckInKind
    words: str
    person_name: str
    at: datetime
    values: Mapping[int, Value] = field(default_factory=dict)
    files: tuple[File, ...] = ()
    for_name: str | None = None


def dossier(assignment_id: int, actor: Actor, *, checking: bool = False) -> Dossier | None:
    """The file of one assignment within the actor's scope, or None. Two statements, whatever it holds. `checking`: as
    a random re-check opens it to the unit that checks."""
    header = header_of(assignment_id, actor, checking=checking)
    return None if header is None else dossier_from(header, gathered(*file_of(header)))


def header_of(assignment_id: int, actor: Actor, *, checking: bool = False) -> Header | None:
    """What stands above the file, within the actor's scope. One statement."""
    seen = or_(visible_assignments(actor), given_to_check(actor)) if checking else visible_assignments(actor)
    row = db.session.execute(_header(actor).where(Assignment.id == assignment_id, seen)).one_or_none()
    return None if row is None else Header(*row)


def file_of(header: Header) -> tuple[Select[Any], ...]:
    """What `dossier_from` reads: values, files, versions."""
    ids = select(Submission.id).where(Submission.assignment_id == header.id)
    return (
        values_of(header.id, header.task_id, MetricValue.submission_id, ids),
        files_of(Attachment.submission_id, ids),
        _versions(header.id),
    )


def dossier_from(header: Header, rows: Sequence[Sequence[Any]]) -> Dossier:
    """The file from the rows of `file_of`."""
    values, files = read_values(rows[0]), read_files(rows[1])
    return Dossier(header, values.figures, _read_versions(rows[2], values, files))


def check_ins(found: Dossier) -> tuple[Progress, ...]:
    """The check-ins of the assignment, newest first. One statement."""
    return check_ins_from(gathered(*check_ins_of(found.header)))


def check_ins_of(header: Header) -> tuple[Select[Any], ...]:
    """What `check_ins_from` reads: values, files, check-ins."""
    ids = select(CheckIn.id).where(CheckIn.assignment_id == header.id)
    said = (
        select(
            CheckIn.id, CheckIn.kind, CheckIn.words, Person.name, CheckIn.at,
            acted_for(CheckIn.post_id, CheckIn.person_id).label("for_name"),
        )
        .join(Person, Person.id == CheckIn.person_id)
        .where(CheckIn.assignment_id == header.id)
        .order_by(CheckIn.id.desc())
    )  # fmt: skip
    values = values_of(header.id, header.task_id, MetricValue.check_in_id, ids)
    return values, files_of(Attachment.check_in_id, ids), said


def check_ins_from(rows: Sequence[Sequence[Any]]) -> tuple[Progress, ...]:
    """The check-ins from the rows of `check_ins_of`."""
    values, files = read_values(rows[0]), read_files(rows[1])
    return tuple(
        Progress(*(*row[:5], values.by_owner.get(row.id, {}), tuple(files.get(row.id, ())), row.for_name))
        for row in rows[2]
    )


def _header(actor: Actor) -> Select[Any]:
    issuer, reviewer, charged = aliased(Unit), aliased(Unit), aliased(Person)
    looked, before = aliased(Seen), aliased(Seen)
    asked = select(func.sum(EvidenceRule.min_count)).where(EvidenceRule.task_id == Task.id).scalar_subquery()
    statement = (
        select(
            Assignment.id, Assignment.state, Assignment.version, Assignment.unit_id, Unit.name,
            Task.id, Task.title, Task.what, Campaign.id, Campaign.title, Campaign.number, issuer.name,
            Batch.id, Batch.dispatched_at,
            Assignment.respond_by, Assignment.due_at, Assignment.first_due_at, Assignment.cut_off_at,
            Assignment.reviewer_unit_id, reviewer.name, Assignment.review_due_at, Assignment.review_step, asked,
            looked.number, looked.at, before.number, before.at, Task.roll,
            Task.rrule, Assignment.period, Period.opens_on, charged.name,
            exists().where(Question.assignment_id == Assignment.id),
            exists().where(Request.assignment_id == Assignment.id), CalendarRow.known_until,
        )
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Task, Task.id == Assignment.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .join(issuer, issuer.id == Campaign.issuing_unit_id)
        .join(Batch, Batch.id == Assignment.batch_id)
        .outerjoin(CalendarRow, CalendarRow.id == func.coalesce(Batch.calendar_id, EVERYBODYS))
        .outerjoin(reviewer, reviewer.id == Assignment.reviewer_unit_id)
        .outerjoin(Period, and_(Period.task_id == Task.id, Period.number == Assignment.period))
        .outerjoin(charged, charged.id == Assignment.in_charge_id)
    )  # fmt: skip
    for seen, subject in ((looked, LOOKED), (before, LOOKED_BEFORE)):
        mine = and_(seen.person_id == actor.person_id, seen.subject == subject, seen.subject_id == Assignment.id)
        statement = statement.outerjoin(seen, mine)
    return statement


def _versions(assignment_id: int) -> Select[Any]:
    """The versions with their decisions."""
    decider = aliased(Person)
    return (
        select(
            Submission.id, Submission.number, Submission.words, Submission.person_id, Person.name, Submission.at,
            Review.step, Unit.name, Review.decision, Review.reason, Review.words,
            Review.person_id, decider.name, Review.at, acted_for(Review.post_id, Review.person_id),
            acted_for(Submission.post_id, Submission.person_id).label("for_name"), Review.digest.label("named"),
            Submission.digest.label("digest"),
        )
        .join(Person, Person.id == Submission.person_id)
        .outerjoin(Review, and_(Review.submission_id == Submission.id, STANDS))
        .outerjoin(Unit, Unit.id == Review.unit_id)
        .outerjoin(decider, decider.id == Review.person_id)
        .where(Submission.assignment_id == assignment_id)
        .order_by(Submission.number, Review.step)
    )  # fmt: skip


def _read_versions(rows: Iterable[Any], values: Values, files: Mapping[int, list[File]]) -> tuple[Version, ...]:
    heads: dict[int, tuple[Any, ...]] = {}
    decisions: dict[int, list[Decision]] = defaultdict(list)
    for row in rows:
        heads[row[0]] = (*row[:6], row.for_name, row.digest)
        if row.step is not None:
            decisions[row[0]].append(Decision(*(row[1], *row[6:15], row.named)))
    found = []
    for key, head in heads.items():
        said = values.by_owner.get(key, {}), tuple(files.get(key, ())), tuple(decisions[key])
        joint = {metric: tuple(shared) for metric, shared in values.joint.get(key, {}).items()}
        found.append(Version(*(*head[:6], *said, *head[6:], joint)))
    return tuple(found)
