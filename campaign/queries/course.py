"""What happened with one assignment: versions with their decisions, check-ins, remarks, what was found on the latest
version, the last urge; and who is above it."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Integer, Select, and_, cast, func, literal, null, select, union_all
from sqlalchemy.orm import aliased

from ..db import db
from ..models import CheckIn, Event, Evidence, Flag, FlagDecision, Person, Remark, Review, Submission, Unit
from ..models.facts import superiors_of
from ..models.flags import LATEST_VERDICT
from ..models.organisation import acted_for
from ..models.reporting import STANDS
from ..rules.flags import FlagKind, Verdict
from ..rules.states import Action, CheckInKind, ReturnReason
from .beside import FROM_UNIT, Said
from .flags import Found
from .urging import URGED, Urge

VERSION, CHECK_IN, ABOVE, URGE, REMARK, FLAG = range(6)  # what a row tells of


@dataclass(frozen=True)
class Decision:
    """What one level decided on a version."""

    unit_name: str
    decision: Action
    reason: ReturnReason | None
    words: str
    person_name: str
    at: datetime
    for_name: str | None = None


@dataclass(frozen=True)
class Version:
    """A version that was submitted, with the decisions on it in their order; `chain` are the reviewing units."""

    id: int
    number: int
    words: str
    person_name: str
    at: datetime
    chain: tuple[int, ...]
    decisions: tuple[Decision, ...] = ()
    for_name: str | None = None


@dataclass(frozen=True)
class Note:
    """A check-in."""

    id: int
    kind: CheckInKind
    words: str
    person_name: str
    at: datetime
    for_name: str | None = None


class Higher(NamedTuple):
    """A unit above the one that is asked."""

    id: int
    level: int
    lft: int
    name: str


@dataclass(frozen=True)
class Course:
    """All of it, the oldest first; of the units above the nearest first; of what was found what is open first, and
    nothing of what it is against."""

    versions: tuple[Version, ...]
    notes: tuple[Note, ...]
    above: tuple[Higher, ...]
    urged: Urge | None
    said: tuple[Said, ...]
    flags: tuple[Found, ...]


def history(assignment_id: int, unit_id: int, *, urged: bool) -> Course:
    """The course of an assignment; the last urge only where it was ever `urged`. The reader's scope is asked before.
    One statement."""
    parts = [_versions(assignment_id), _check_ins(assignment_id), _above(unit_id)]
    parts += [_remarks(assignment_id), _flags(assignment_id)]
    if urged:
        parts.append(_last_urge(assignment_id))
    both = union_all(*parts).subquery()
    rows: dict[int, list[Any]] = {kind: [] for kind in (VERSION, CHECK_IN, ABOVE, URGE, REMARK, FLAG)}
    for row in db.session.execute(select(both).order_by(both.c.checked, both.c.step, both.c.id)):
        rows[row.checked].append(row)
    flags = [_found(row) for row in rows[FLAG]]
    return Course(
        _read_versions(rows[VERSION]),
        tuple(Note(*(row[1], CheckInKind(row[2]), *row[3:6], row.for_name)) for row in rows[CHECK_IN]),
        tuple(Higher(row.id, row.number, row.lft, row.name) for row in rows[ABOVE]),
        next((Urge(row.name, row.for_name, row.at, row.words) for row in rows[URGE]), None),
        tuple(Said(row.words, row.number, row.name, row.unit_name, row.at, row.for_name) for row in rows[REMARK]),
        tuple(sorted(flags, key=lambda flag: (not flag.is_open, flag.kind, flag.id))),
    )


def _read_versions(rows: list[Any]) -> tuple[Version, ...]:
    heads: dict[int, tuple[Any, ...]] = {}
    decisions: dict[int, list[Decision]] = {}
    for row in rows:
        heads[row[1]] = (*row[1:6], tuple(int(part) for part in row.chain.split(",") if part), row.for_name)
        if row.decided_at is not None:
            decisions.setdefault(row[1], []).append(Decision(*(*row[7:13], row.decided_for)))
    whole = {key: (*head[:-1], tuple(decisions.get(key, ())), head[-1]) for key, head in heads.items()}
    return tuple(Version(*whole[key]) for key in sorted(whole))


def _found(row: Any) -> Found:
    verdict = Verdict(row.lft) if row.lft else None
    return Found(
        row.id, FlagKind(row.number), row.step, None, None, row.name, "", json.loads(row.words), row.chain, verdict,
        row.unit_name, "", None, None,
    )  # fmt: skip


def _versions(assignment_id: int) -> Select[Any]:
    decider = aliased(Person)
    return (
        select(
            literal(VERSION).label("checked"), Submission.id, cast(Submission.number, BigInteger).label("number"),
            Submission.words,
            Person.name, Submission.at, Submission.chain, Unit.name.label("unit_name"), Review.decision, Review.reason,
            Review.words.label("said"), decider.name.label("decider"), Review.at.label("decided_at"),
            Review.step.label("step"), acted_for(Submission.post_id, Submission.person_id).label("for_name"),
            acted_for(Review.post_id, Review.person_id).label("decided_for"), literal(0).label("lft"),
        )
        .join(Person, Person.id == Submission.person_id)
        .outerjoin(Review, and_(Review.submission_id == Submission.id, STANDS))
        .outerjoin(Unit, Unit.id == Review.unit_id)
        .outerjoin(decider, decider.id == Review.person_id)
        .where(Submission.assignment_id == assignment_id)
    )  # fmt: skip


def _check_ins(assignment_id: int) -> Select[Any]:
    return (
        select(
            literal(CHECK_IN), CheckIn.id, cast(CheckIn.kind, BigInteger), CheckIn.words, Person.name, CheckIn.at,
            literal(""), null(), null(), null(), null(), null(), null(), null(),
            acted_for(CheckIn.post_id, CheckIn.person_id), null(), literal(0),
        )
        .join(Person, Person.id == CheckIn.person_id)
        .where(CheckIn.assignment_id == assignment_id)
    )  # fmt: skip


def _remarks(assignment_id: int) -> Select[Any]:
    """The thread, as rows of the history: `number` is who wrote it, `unit_name` for which unit."""
    return (
        select(
            literal(REMARK), Remark.id, cast(Remark.person_id, BigInteger), Remark.words, Person.name, Remark.at,
            literal(""), FROM_UNIT, null(), null(), null(), null(), null(), literal(0),
            acted_for(Remark.post_id, Remark.person_id), null(), literal(0),
        )
        .join(Person, Person.id == Remark.person_id)
        .where(Remark.assignment_id == assignment_id)
    )  # fmt: skip


def _flags(assignment_id: int) -> Select[Any]:
    """What was found on the latest version, as rows of the history: `number` is the kind, `words` the data, `name` the
    file, `chain` the officer's explanation, `step` how sure, `lft` the verdict and `unit_name` its words."""
    latest = select(func.max(Submission.id)).where(Submission.assignment_id == assignment_id).scalar_subquery()
    return (
        select(
            literal(FLAG), Flag.id, cast(Flag.kind, BigInteger), Flag.data, func.coalesce(Evidence.name, ""), Flag.at,
            Flag.explanation, func.coalesce(FlagDecision.words, ""), null(), null(), null(), null(), null(),
            Flag.score, null(), null(), func.coalesce(cast(FlagDecision.verdict, Integer), 0),
        )
        .outerjoin(Evidence, Evidence.id == Flag.evidence_id)
        .outerjoin(FlagDecision, FlagDecision.id == LATEST_VERDICT)
        .where(Flag.assignment_id == assignment_id, Flag.submission_id == latest)
    )  # fmt: skip


def _above(unit_id: int) -> Select[Any]:
    """The units above it, as rows of the history: `number` is the level, `step` how far above."""
    above = superiors_of([unit_id]).subquery()
    return select(
        literal(ABOVE), above.c.id, cast(above.c.level, BigInteger), literal(""), Unit.name, null(), literal(""),
        null(), null(), null(), null(), null(), null(), above.c.steps, null(), null(), above.c.lft,
    ).join(Unit, Unit.id == above.c.id)  # fmt: skip


def _last_urge(assignment_id: int) -> Select[Any]:
    """Who urged it last, as a row of the history."""
    urges = Event.subject == "assignment", Event.subject_id == assignment_id, Event.tag == URGED
    return (
        select(
            literal(URGE), Event.id, literal(0, BigInteger), Event.reason, Person.name, Event.at, literal(""), null(),
            null(), null(), null(), null(), null(), literal(0), acted_for(Event.post_id, Event.person_id), null(),
            literal(0),
        )
        .join(Person, Person.id == Event.person_id)
        .where(Event.id == select(func.max(Event.id)).where(*urges).scalar_subquery())
    )  # fmt: skip
