"""What happened with one assignment: versions with their decisions, check-ins, the last urge; and who is above it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Integer, Select, and_, cast, func, literal, null, select, union_all
from sqlalchemy.orm import aliased

from ..db import db
from ..models import CheckIn, Event, Person, Review, Submission, Unit
from ..models.facts import superiors_of
from ..models.organisation import acted_for
from ..models.reporting import STANDS
from ..rules.states import Action, CheckInKind, ReturnReason
from .urging import URGED, Urge

ABOVE, URGE = 2, 3  # rows that are neither versions nor check-ins


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


def history(
    assignment_id: int, unit_id: int, *, urged: bool
) -> tuple[tuple[Version, ...], tuple[Note, ...], list[Higher], Urge | None]:
    """Versions with their decisions, and check-ins, oldest first; the units above, the nearest first; the last urge,
    where it was ever `urged`. The reader's scope is asked before. One statement."""
    decider = aliased(Person)
    versions = (
        select(
            literal(0).label("checked"), Submission.id, Submission.number.label("number"), Submission.words,
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
    checks = (
        select(
            literal(1), CheckIn.id, CheckIn.kind, CheckIn.words, Person.name, CheckIn.at,
            literal(""), null(), null(), null(), null(), null(), null(), null(),
            acted_for(CheckIn.post_id, CheckIn.person_id), null(), literal(0),
        )
        .join(Person, Person.id == CheckIn.person_id)
        .where(CheckIn.assignment_id == assignment_id)
    )  # fmt: skip
    more = [_above(unit_id)]
    if urged:
        more.append(_last_urge(assignment_id))
    both = union_all(versions, checks, *more).subquery()
    heads: dict[int, tuple[Any, ...]] = {}
    decisions: dict[int, list[Decision]] = {}
    notes: list[Note] = []
    above: list[Higher] = []
    last = None
    for row in db.session.execute(select(both).order_by(both.c.checked, both.c.step, both.c.id)):
        if row.checked == ABOVE:
            above.append(Higher(row.id, row.number, row.lft, row.name))
            continue
        if row.checked == URGE:
            last = Urge(row.name, row.for_name, row.at, row.words)
            continue
        if row.checked:
            notes.append(Note(*(row[1], CheckInKind(row[2]), *row[3:6], row.for_name)))
            continue
        heads[row[1]] = (*row[1:6], tuple(int(part) for part in row.chain.split(",") if part), row.for_name)
        if row.decided_at is not None:
            decisions.setdefault(row[1], []).append(Decision(*(*row[7:13], row.decided_for)))
    heads = {key: (*head[:-1], tuple(decisions.get(key, ())), head[-1]) for key, head in heads.items()}
    return tuple(Version(*heads[key]) for key in sorted(heads)), tuple(notes), above, last


def _above(unit_id: int) -> Select[Any]:
    """The units above it, as rows of the history: `number` is the level, `step` how far above."""
    above = superiors_of([unit_id]).subquery()
    return select(
        literal(ABOVE), above.c.id, cast(above.c.level, Integer), literal(""), Unit.name, null(), literal(""), null(),
        null(), null(), null(), null(), null(), above.c.steps, null(), null(), above.c.lft,
    ).join(Unit, Unit.id == above.c.id)  # fmt: skip


def _last_urge(assignment_id: int) -> Select[Any]:
    """Who urged it last, as a row of the history."""
    urges = Event.subject == "assignment", Event.subject_id == assignment_id, Event.tag == URGED
    return (
        select(
            literal(URGE), Event.id, literal(0), Event.reason, Person.name, Event.at, literal(""), null(),
            null(), null(), null(), null(), null(), literal(0), acted_for(Event.post_id, Event.person_id), null(),
            literal(0),
        )
        .join(Person, Person.id == Event.person_id)
        .where(Event.id == select(func.max(Event.id)).where(*urges).scalar_subquery())
    )  # fmt: skip
