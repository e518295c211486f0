"""Archives: who may ask for which ledger, what was asked for, and what a ledger holds, a stretch of it at a time."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import aliased

from ..db import db, listed
from ..models import (
    Archive,
    Assignment,
    Attachment,
    Campaign,
    CampaignUnit,
    ChainLink,
    CheckIn,
    Event,
    Evidence,
    Metric,
    MetricValue,
    Person,
    Post,
    Question,
    Request,
    Review,
    Submission,
    Task,
    Unit,
)  # fmt: skip
from ..models.organisation import acted_for
from ..models.sealing import ENTRY, entry_of
from ..rules.organisation import Actor, Role
from ..rules.rechecks import ArchiveState
from ..rules.sealing import Entry
from ..rules.standstill import BOSSES
from .scope import visible_campaigns, visible_units
from .spelled import unit_sounds_like

MOST_SUBJECTS = 200
MOST_LISTED = 50


@dataclass(frozen=True)
class Subject:
    """A ledger that can be asked for: of one unit, or of one task with its campaign."""

    unit_id: int | None
    task_id: int | None
    name: str
    beside: str = ""


@dataclass(frozen=True)
class Asked:
    """An archive that was asked for."""

    id: int
    unit_id: int | None
    task_id: int | None
    name: str
    asked_at: datetime
    person_name: str
    state: ArchiveState
    done: int
    total: int
    progress: int
    size: int
    sha256: str
    path: str
    error: str
    finished_at: datetime | None

    @property
    def busy(self) -> bool:
        """Whether it is still being made."""
        return self.state in (ArchiveState.WAITING, ArchiveState.RUNNING)


def may_unit(actor: Actor) -> ColumnElement[bool]:
    """A clause over Unit: its ledger is the reader's to ask for: its own people, and auditors who see it."""
    audits = any(post.role is Role.AUDITOR for post in actor.posts)
    own = Unit.id.in_(actor.units())
    return or_(own, visible_units(actor)) if audits else own


def may_task(actor: Actor) -> ColumnElement[bool]:
    """A clause over Task joined with Campaign: supervisors and dispatchers of an issuing unit, and auditors who see the
    campaign."""
    units = actor.units(*BOSSES)
    partner = select(CampaignUnit.campaign_id).where(CampaignUnit.unit_id.in_(units))
    issues = or_(Campaign.issuing_unit_id.in_(units), Campaign.id.in_(partner))
    audits = any(post.role is Role.AUDITOR for post in actor.posts)
    return or_(issues, visible_campaigns(actor)) if audits else issues


def subjects(actor: Actor, text: str = "") -> list[Subject]:
    """The ledgers that the reader may ask for, units first, at most so many of each. Two statements."""
    named = or_(Unit.name.icontains(text, autoescape=True), unit_sounds_like(Unit.area_id, text))
    units = select(Unit.id, Unit.name).where(may_unit(actor), named).order_by(Unit.lft, Unit.line)
    titled = or_(*(title.icontains(text, autoescape=True) for title in (Task.title, Campaign.title)))
    tasks = (
        select(Task.id, Task.title, Campaign.title)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .where(may_task(actor), Campaign.issued_at.is_not(None), titled)
        .order_by(Campaign.id.desc(), Task.id)
    )
    found = [Subject(id, None, name) for id, name in db.session.execute(units.limit(MOST_SUBJECTS)).tuples()]
    found += [
        Subject(None, id, name, beside) for id, name, beside in db.session.execute(tasks.limit(MOST_SUBJECTS)).tuples()
    ]
    return found


def asked_for(actor: Actor) -> list[Asked]:
    """The archives that the reader asked for, the latest first. One statement."""
    rows = db.session.execute(
        _archives().where(Archive.person_id == actor.person_id).order_by(Archive.id.desc()).limit(MOST_LISTED)
    )
    return [Asked(*row) for row in rows]


def archive_of(archive_id: int, actor: Actor) -> Asked | None:
    """One archive of the reader's own, as long as the ledger is still theirs to ask for: one that holds the originals
    of photos as long as they are an officer of the unit. One statement."""
    copies = or_(Post.unit_id != Archive.unit_id, Post.role != Role.OFFICER)
    still = or_(
        and_(Archive.unit_id.is_not(None), copies, may_unit(actor)),
        Archive.unit_id.in_(actor.units(Role.OFFICER)),
        and_(Archive.task_id.is_not(None), may_task(actor)),
    )
    mine = Archive.id == archive_id, Archive.person_id == actor.person_id, still
    row = db.session.execute(_archives().join(Post, Post.id == Archive.post_id).where(*mine)).one_or_none()
    return None if row is None else Asked(*row)


def _archives() -> Any:
    return (
        select(
            Archive.id, Archive.unit_id, Archive.task_id, func.coalesce(Unit.name, Task.title), Archive.asked_at,
            Person.name, Archive.state, Archive.done, Archive.total, Archive.progress, Archive.size, Archive.sha256,
            Archive.path, Archive.error, Archive.finished_at,
        )
        .outerjoin(Unit, Unit.id == Archive.unit_id)
        .outerjoin(Task, Task.id == Archive.task_id)
        .outerjoin(Campaign, Campaign.id == Task.campaign_id)
        .join(Person, Person.id == Archive.person_id)
    )  # fmt: skip


# -- what a ledger holds -----------------------------------------------------------------------------------------------


@dataclass
class Piece:
    """One assignment of a ledger, as plain values that go into a file."""

    id: int
    facts: dict[str, Any]
    submissions: list[dict[str, Any]] = field(default_factory=list)
    check_ins: list[dict[str, Any]] = field(default_factory=list)
    questions: list[dict[str, Any]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    evidence: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Sealed:
    """An event of the ledger with its link in the chain of the log; `former` is the digest of the link before."""

    entry: Entry
    seq: int | None
    digest: str | None
    former: str | None


def total(of: ColumnElement[bool]) -> int:
    """How many assignments a ledger has."""
    return int(db.session.execute(select(func.count(Assignment.id)).where(of)).scalar_one())


def pieces(of: ColumnElement[bool], after: int, limit: int) -> list[Piece]:
    """The next assignments of a ledger with all that belongs to them, in the order of their ids; seven statements."""
    rows = db.session.execute(
        select(
            Assignment.id, Unit.name.label("unit"), Task.title.label("task"), Campaign.title.label("campaign"),
            Campaign.number, Assignment.period, Assignment.state, Assignment.version, Assignment.respond_by,
            Assignment.due_at, Assignment.first_due_at, Assignment.cut_off_at,
        )
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Task, Task.id == Assignment.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .where(of, Assignment.id > after)
        .order_by(Assignment.id)
        .limit(limit)
    ).mappings()  # fmt: skip
    found = {row["id"]: Piece(row["id"], dict(row)) for row in rows}
    if found:
        _fill(found, listed(found))
    return list(found.values())


def _fill(found: dict[int, Piece], ids: Any) -> None:
    files = _files(ids)
    values = _values(ids)
    reviews = defaultdict(list)
    for row in _rows(Review, ids, Review.step, Review.decision, Review.reason, Review.words, Review.digest,
                     Review.submission_id):  # fmt: skip
        reviews[row["submission_id"]].append(row)
    named = (Submission.number, Submission.words, Submission.digest, Submission.chain)
    for row in _rows(Submission, ids, *named):
        more = {"values": values["submission", row["id"]], "files": files["submission", row["id"]]}
        found[row["assignment_id"]].submissions.append(row | more | {"reviews": reviews[row["id"]]})
    for row in _rows(CheckIn, ids, CheckIn.kind, CheckIn.words):
        more = {"values": values["check_in", row["id"]], "files": files["check_in", row["id"]]}
        found[row["assignment_id"]].check_ins.append(row | more)
    for row in _rows(Question, ids, Question.words, Question.answer, Question.answered_at, at=Question.asked_at):
        found[row["assignment_id"]].questions.append(row)
    asked = (Request.number, Request.kind, Request.reason, Request.due_at, Request.decision, Request.words,
             Request.decided_at)  # fmt: skip
    for row in _rows(Request, ids, *asked):
        found[row["assignment_id"]].requests.append(row)
    by_unit = select(Post.unit_id).where(Post.id == Evidence.post_id).scalar_subquery().label("by_unit")
    named_files = (Evidence.sha256, Evidence.size, Evidence.media_type, Evidence.name, by_unit)
    for row in _rows(Evidence, ids, *named_files):
        found[row["assignment_id"]].evidence.append(row)


def _rows(noun: Any, ids: Any, *columns: Any, at: Any = None) -> Iterator[dict[str, Any]]:
    """Rows of a noun that belongs to an assignment, with who did it and when."""
    statement = (
        select(noun.id, noun.assignment_id, *columns, (noun.at if at is None else at).label("at"),
               Person.name.label("person"), acted_for(noun.post_id, noun.person_id).label("acted_for"))
        .join(Person, Person.id == noun.person_id)
        .where(noun.assignment_id.in_(ids))
        .order_by(noun.id)
    )  # fmt: skip
    return (dict(row) for row in db.session.execute(statement).mappings())


def _values(ids: Any) -> dict[tuple[str, int], list[dict[str, Any]]]:
    """The figures of versions and check-ins."""
    of = or_(Submission.assignment_id.in_(ids), CheckIn.assignment_id.in_(ids))
    rows = db.session.execute(
        select(
            MetricValue.submission_id, MetricValue.check_in_id, Metric.name, Metric.unit_of_measure.label("unit"),
            MetricValue.number, MetricValue.numerator, MetricValue.denominator, MetricValue.text,
        )
        .join(Metric, Metric.id == MetricValue.metric_id)
        .outerjoin(Submission, Submission.id == MetricValue.submission_id)
        .outerjoin(CheckIn, CheckIn.id == MetricValue.check_in_id)
        .where(of)
        .order_by(Metric.position, MetricValue.id)
    ).mappings()  # fmt: skip
    return _by_owner(rows, ("name", "unit", "number", "numerator", "denominator", "text"))


def _files(ids: Any) -> dict[tuple[str, int], list[dict[str, Any]]]:
    rows = db.session.execute(
        select(Attachment.submission_id, Attachment.check_in_id, Evidence.name, Evidence.sha256)
        .join(Evidence, Evidence.id == Attachment.evidence_id)
        .where(Evidence.assignment_id.in_(ids))
        .order_by(Attachment.id)
    ).mappings()
    return _by_owner(rows, ("name", "sha256"))


def _by_owner(rows: Any, names: Sequence[str]) -> dict[tuple[str, int], list[dict[str, Any]]]:
    found: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        kind = "submission" if row["submission_id"] is not None else "check_in"
        found[kind, row[f"{kind}_id"]].append({name: row[name] for name in names})
    return found


def sealed(ids: Sequence[int]) -> list[Sealed]:
    """The entries of the log about these assignments, in their order. One statement."""
    before = aliased(ChainLink)
    rows = db.session.execute(
        select(*ENTRY, ChainLink.seq, ChainLink.digest, before.digest.label("former"))
        .outerjoin(ChainLink, ChainLink.event_id == Event.id)
        .outerjoin(before, before.seq == ChainLink.seq - 1)
        .where(Event.subject == "assignment", Event.subject_id.in_(listed(ids)))
        .order_by(Event.id)
    )
    return [Sealed(entry_of(row), row.seq, row.digest, row.former) for row in rows]
