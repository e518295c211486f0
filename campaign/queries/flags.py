"""Flags as a reader may see them: each with its decision, and what it is against only inside the reader's scope."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import aliased

from ..db import db
from ..errors import Sentence
from ..models import Assignment, Evidence, Flag, FlagDecision, Person, Submission, Task, Unit
from ..models.flags import LATEST_VERDICT
from ..rules.flag_sentences import sentence
from ..rules.flags import FlagKind, Verdict
from ..rules.media import is_shown
from ..rules.organisation import Actor
from .scope import visible_assignments


@dataclass(frozen=True)
class Against:
    """What a flag is against, where the reader may see it."""

    assignment_id: int
    unit_id: int
    unit_name: str
    task_title: str
    number: int | None
    evidence_id: int | None
    evidence_name: str
    evidence_type: str

    @property
    def is_photo(self) -> bool:
        """Whether it can be shown as a picture."""
        return is_shown(self.evidence_type)


@dataclass(frozen=True)
class Found:
    """One flag. `elsewhere`: it is against something outside the reader's view, of which nothing more is said."""

    id: int
    kind: FlagKind
    score: int
    metric_id: int | None
    evidence_id: int | None
    evidence_name: str
    evidence_type: str
    data: Mapping[str, Any]
    explanation: str
    verdict: Verdict | None
    verdict_words: str
    verdict_by: str
    verdict_by_id: int | None
    verdict_at: datetime | None
    against: Against | None = None
    elsewhere: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it still speaks against the submission."""
        return self.verdict in (None, Verdict.STANDS)

    @property
    def is_photo(self) -> bool:
        """Whether what it speaks of can be shown as a picture."""
        return is_shown(self.evidence_type)

    @property
    def sentence(self) -> Sentence:
        """The flag in words."""
        return sentence(self.kind, {**self.data, "file": self.evidence_name, "score": str(self.score)})


def flags_of(submission_id: int, actor: Actor) -> tuple[Found, ...]:
    """The flags of a version, those still open first. One statement."""
    return flags_from(db.session.execute(flags_in(submission_id, actor)))


def flags_from(rows: Iterable[Any]) -> tuple[Found, ...]:
    """The flags from the rows of `flags_in`."""
    return tuple(sorted(map(_found, rows), key=lambda flag: not flag.is_open))


def flags_in(submission_id: int | None, actor: Actor) -> Select[Any]:
    """What `flags_from` reads."""
    own, other, against = aliased(Evidence), aliased(Evidence), aliased(Submission)
    there = func.coalesce(against.assignment_id, other.assignment_id)
    inside = and_(Assignment.id.is_not(None), visible_assignments(actor))
    return (
        select(
            Flag.id, Flag.kind, Flag.score, Flag.metric_id, Flag.evidence_id, func.coalesce(own.name, ""),
            func.coalesce(own.media_type, ""), Flag.data, Flag.explanation, FlagDecision.verdict,
            func.coalesce(FlagDecision.words, ""), func.coalesce(Person.name, ""), FlagDecision.person_id,
            FlagDecision.at,
            there.label("there"), case((inside, 1), else_=0).label("inside"),
            Unit.id.label("unit_id"), Unit.name.label("unit_name"), Task.title, against.number,
            other.id.label("other_id"), func.coalesce(other.name, "").label("other_name"),
            func.coalesce(other.media_type, "").label("other_type"),
        )
        .outerjoin(own, own.id == Flag.evidence_id)
        .outerjoin(FlagDecision, FlagDecision.id == LATEST_VERDICT)
        .outerjoin(Person, Person.id == FlagDecision.person_id)
        .outerjoin(against, against.id == Flag.against_submission_id)
        .outerjoin(other, other.id == Flag.against_evidence_id)
        .outerjoin(Assignment, Assignment.id == there)
        .outerjoin(Unit, Unit.id == Assignment.unit_id)
        .outerjoin(Task, Task.id == Assignment.task_id)
        .where(Flag.submission_id == submission_id)
        .order_by(Flag.kind, Flag.id)
    )  # fmt: skip


def _found(row: Any) -> Found:
    flag = Found(*(*row[:7], json.loads(row[7]), *row[8:14]))
    if row.there is None:
        return flag
    if not row.inside:
        return replace(flag, elsewhere=True)
    seen = Against(
        row.there, row.unit_id, row.unit_name, row.title, row.number, row.other_id, row.other_name, row.other_type
    )
    return replace(flag, against=seen)


@dataclass(frozen=True)
class Count:
    """How many flags of a kind there are, and what was decided on them."""

    kind: FlagKind
    total: int
    undecided: int
    stands: int
    false_alarms: int
    explained: int

    @property
    def false_share(self) -> float | None:
        """The share of false alarms among those decided on, in per cent."""
        decided = self.total - self.undecided
        return self.false_alarms / decided * 100 if decided else None


def counts(actor: Actor) -> list[Count]:
    """Flags by kind within the reader's scope. One statement."""

    def of(which: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count().filter(which)

    verdict = FlagDecision.verdict
    statement = (
        select(
            Flag.kind, func.count(), of(verdict.is_(None)), of(verdict == Verdict.STANDS),
            of(verdict == Verdict.FALSE_ALARM), of(verdict == Verdict.EXPLAINED),
        )
        .join(Assignment, Assignment.id == Flag.assignment_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .outerjoin(FlagDecision, FlagDecision.id == LATEST_VERDICT)
        .where(or_(visible_assignments(actor)))
        .group_by(Flag.kind)
        .order_by(Flag.kind)
    )  # fmt: skip
    return [Count(*row) for row in db.session.execute(statement)]
