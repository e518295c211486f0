"""One assignment as its reviewers see it: all versions with figures and evidence, the decisions, the last look."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import aliased

from ..db import db
from ..models import (
    Assignment,
    Attachment,
    Batch,
    Campaign,
    CheckIn,
    Evidence,
    EvidenceRule,
    Joint,
    Metric,
    MetricValue,
    Period,
    Person,
    Review,
    Seen,
    Submission,
    Task,
    Unit,
)
from ..models.organisation import acted_for
from ..models.reporting import STANDS
from ..rules.calendars import Roll
from ..rules.differences import LOOKED, LOOKED_BEFORE, Content, Differences, Shared, Together, differences
from ..rules.metrics import KINDS, Comparator, MetricKind, Value, meets
from ..rules.organisation import Actor
from ..rules.states import Action, CheckInKind, ReturnReason, State
from .dating import has_story
from .scope import given_to_check, visible_assignments


@dataclass(frozen=True)
class Figure:
    """A metric that the task asks for."""

    id: int
    name: str
    kind: MetricKind
    unit_of_measure: str
    comparator: Comparator
    target: Decimal | None
    numerator_name: str
    denominator_name: str

    def share(self, value: Value | None) -> Decimal | None:
        """How much of the target is reached, in percent; None where there is nothing to divide."""
        if value is None or not self.target or self.kind not in (MetricKind.COUNT, MetricKind.AMOUNT):
            return None
        figure = KINDS[self.kind].figure(value)
        upward = self.comparator in (Comparator.AT_LEAST, Comparator.MORE_THAN, Comparator.EQUAL)
        return figure / self.target * 100 if figure is not None and upward else None

    def met(self, value: Value | None) -> bool | None:
        """Whether the target is met; None where there is none, or no figure."""
        figure = None if value is None else KINDS[self.kind].figure(value)
        return meets(figure, self.comparator, self.target)


@dataclass(frozen=True)
class File:
    """A piece of evidence, with the name of the rule it answers, or ''."""

    id: int
    name: str
    media_type: str
    size: int
    at: datetime
    rule_name: str

    @property
    def is_photo(self) -> bool:
        """Whether it can be shown as a picture."""
        return self.media_type.startswith("image/")


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
    """The file of one assignment within the actor's scope, or None. Four statements, whatever it holds. `checking`: as
    a random re-check opens it to the unit that checks."""
    seen = or_(visible_assignments(actor), given_to_check(actor)) if checking else visible_assignments(actor)
    row = db.session.execute(_header(actor).where(Assignment.id == assignment_id, seen)).one_or_none()
    if row is None:
        return None
    header = Header(*row)
    values = _values(header.task_id, MetricValue.submission_id, _submissions(assignment_id))
    files = _files(Attachment.submission_id, _submissions(assignment_id))
    return Dossier(header, values.figures, _versions(assignment_id, values, files))


def check_ins(found: Dossier) -> tuple[Progress, ...]:
    """The check-ins of the assignment, newest first. Three statements."""
    header = found.header
    ids = select(CheckIn.id).where(CheckIn.assignment_id == header.id)
    values = _values(header.task_id, MetricValue.check_in_id, ids)
    files = _files(Attachment.check_in_id, ids)
    statement = (
        select(
            CheckIn.id, CheckIn.kind, CheckIn.words, Person.name, CheckIn.at,
            acted_for(CheckIn.post_id, CheckIn.person_id).label("for_name"),
        )
        .join(Person, Person.id == CheckIn.person_id)
        .where(CheckIn.assignment_id == header.id)
        .order_by(CheckIn.id.desc())
    )  # fmt: skip
    return tuple(
        Progress(*(*row[:5], values.by_owner.get(row.id, {}), tuple(files.get(row.id, ())), row.for_name))
        for row in db.session.execute(statement)
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
        )
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Task, Task.id == Assignment.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .join(issuer, issuer.id == Campaign.issuing_unit_id)
        .join(Batch, Batch.id == Assignment.batch_id)
        .outerjoin(reviewer, reviewer.id == Assignment.reviewer_unit_id)
        .outerjoin(Period, and_(Period.task_id == Task.id, Period.number == Assignment.period))
        .outerjoin(charged, charged.id == Assignment.in_charge_id)
    )  # fmt: skip
    for seen, subject in ((looked, LOOKED), (before, LOOKED_BEFORE)):
        mine = and_(seen.person_id == actor.person_id, seen.subject == subject, seen.subject_id == Assignment.id)
        statement = statement.outerjoin(seen, mine)
    return statement


def _submissions(assignment_id: int) -> Select[Any]:
    return select(Submission.id).where(Submission.assignment_id == assignment_id)


def _versions(assignment_id: int, values: "_Values", files: Mapping[int, list[File]]) -> tuple[Version, ...]:
    """The versions with their decisions, in one statement."""
    decider = aliased(Person)
    statement = (
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
    heads: dict[int, tuple[Any, ...]] = {}
    decisions: dict[int, list[Decision]] = defaultdict(list)
    for row in db.session.execute(statement):
        heads[row[0]] = (*row[:6], row.for_name, row.digest)
        if row.step is not None:
            decisions[row[0]].append(Decision(*(row[1], *row[6:15], row.named)))
    found = []
    for key, head in heads.items():
        said = values.by_owner.get(key, {}), tuple(files.get(key, ())), tuple(decisions[key])
        joint = {metric: tuple(shared) for metric, shared in values.joint.get(key, {}).items()}
        found.append(Version(*(*head[:6], *said, *head[6:], joint)))
    return tuple(found)


@dataclass(frozen=True)
class _Values:
    """The metrics of a task, and by what they belong to the values and what of them was done with others."""

    figures: tuple[Figure, ...]
    by_owner: Mapping[int, Mapping[int, Value]]
    joint: Mapping[int, Mapping[int, list[Together]]]


def _values(task_id: int, owner: Any, owners: Select[Any]) -> _Values:
    partner = aliased(Unit)
    statement = (
        select(
            Metric.id, Metric.name, Metric.kind, Metric.unit_of_measure, Metric.comparator, Metric.target,
            Metric.numerator_name, Metric.denominator_name,
            owner, MetricValue.number, MetricValue.numerator, MetricValue.denominator, MetricValue.text,
            partner.id, partner.name, Joint.number,
        )
        .select_from(Metric)
        .outerjoin(MetricValue, and_(MetricValue.metric_id == Metric.id, owner.in_(owners)))
        .outerjoin(Joint, and_(Joint.submission_id == MetricValue.submission_id, Joint.metric_id == Metric.id))
        .outerjoin(partner, partner.id == Joint.partner_unit_id)
        .where(Metric.task_id == task_id)
        .order_by(Metric.position, Metric.id, partner.id)
    )  # fmt: skip
    figures: dict[int, Figure] = {}
    values: dict[int, dict[int, Value]] = defaultdict(dict)
    joint: dict[int, dict[int, list[Together]]] = defaultdict(lambda: defaultdict(list))
    for row in db.session.execute(statement):
        figures.setdefault(row[0], Figure(*row[:8]))
        if row[8] is not None:
            values[row[8]][row[0]] = Value(*row[9:13])
        if row[13] is not None:
            joint[row[8]][row[0]].append(Together(*row[13:]))
    return _Values(tuple(figures.values()), values, joint)


def _files(owner: Any, owners: Select[Any]) -> dict[int, list[File]]:
    statement = (
        select(
            owner,
            Evidence.id,
            Evidence.name,
            Evidence.media_type,
            Evidence.size,
            Evidence.at,
            func.coalesce(EvidenceRule.name, ""),
        )
        .select_from(Attachment)
        .join(Evidence, Evidence.id == Attachment.evidence_id)
        .outerjoin(EvidenceRule, EvidenceRule.id == Attachment.rule_id)
        .where(owner.in_(owners))
        .order_by(EvidenceRule.position, Evidence.id)
    )
    found: dict[int, list[File]] = defaultdict(list)
    for row in db.session.execute(statement):
        found[row[0]].append(File(*row[1:]))
    return found
