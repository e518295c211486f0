"""What stands beside a submission under review: who has it in hand, its chain, the reader's phrases, the thread."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, literal, select

from ..db import db, listed
from ..models import Claim, Person, Phrase, Post, Remark, Unit
from ..models.facts import Standing
from ..models.gathering import gathered
from ..models.organisation import acted_for
from ..models.undoing import LastDecision, last_decision_of
from ..rules.organisation import Actor
from ..rules.permissions import Here, Holder, levels
from .evidence import AlsoServed, also_served_from, also_served_in
from .flags import Found, flags_from, flags_in

FROM_UNIT = (
    select(Unit.name)
    .join(Post, Post.unit_id == Unit.id)
    .where(Post.id == Remark.post_id)
    .correlate(Remark)
    .scalar_subquery()
)
FOR_NAME = acted_for(Remark.post_id, Remark.person_id)


@dataclass(frozen=True)
class InHand:
    """A claim that is alive."""

    person_id: int
    name: str
    at: datetime
    until: datetime

    @property
    def holder(self) -> Holder:
        """As the law asks for it."""
        return Holder(self.person_id, self.name)


@dataclass(frozen=True)
class StandsAt:
    """One level of the chain and how the submission stands there."""

    unit_id: int
    name: str
    here: Here


@dataclass(frozen=True)
class Words:
    """One of the reader's own phrases."""

    id: int
    words: str
    used: int


@dataclass(frozen=True)
class Beside:
    """All of it. `last`: the decision that may still be taken back. `also`: other tasks that files of it serve too."""

    claim: InHand | None
    chain: tuple[StandsAt, ...]
    phrases: tuple[Words, ...]
    thread: tuple["Said", ...] = ()
    flags: tuple[Found, ...] = ()
    last: LastDecision | None = None
    also: tuple[AlsoServed, ...] = ()


@dataclass(frozen=True)
class Said:
    """One remark of the thread."""

    words: str
    person_id: int
    person_name: str
    unit_name: str
    at: datetime
    for_name: str | None = None


def beside(facts: Standing, actor: Actor, *, now: datetime) -> Beside:
    """Claim, chain, phrases, thread, flags, the last decision and what else the files serve. One statement."""
    claims = (
        select(Claim.person_id, Person.name, Claim.at, Claim.until)
        .join(Person, Person.id == Claim.person_id)
        .where(Claim.assignment_id == facts.id, Claim.until > now)
    )
    units = select(Unit.id, Unit.name).where(Unit.id.in_(listed(facts.chain)))
    held, above, kept, said, flags, last, also = gathered(
        claims,
        units,
        _phrases(actor),
        _thread(facts.id),
        flags_in(facts.submission_id, actor),
        last_decision_of(literal(facts.id)),
        also_served_in(facts.submission_id, actor),
    )
    names = {row.id: row.name for row in above}
    stands = zip(facts.chain, levels(facts.state, facts.chain, facts.review_step), strict=True)
    return Beside(
        next((InHand(*row) for row in held), None),
        tuple(StandsAt(unit, names.get(unit, ""), here) for unit, here in stands),
        tuple(Words(*row) for row in kept),
        tuple(Said(*row) for row in said),
        flags_from(flags),
        next((LastDecision(*row) for row in last), None),
        also_served_from(also),
    )


def phrases_of(actor: Actor) -> list[Words]:
    """The reader's phrases, those used most in front."""
    return [Words(*row) for row in db.session.execute(_phrases(actor))]


def _phrases(actor: Actor) -> Select[Any]:
    rows = select(Phrase.id, Phrase.words, Phrase.used).where(Phrase.person_id == actor.person_id)
    return rows.order_by(Phrase.used.desc(), Phrase.id)


def thread_of(assignment_id: int) -> tuple[Said, ...]:
    """The remarks to an assignment that the reader was found to see, the oldest first. One statement."""
    return tuple(Said(*row) for row in db.session.execute(_thread(assignment_id)))


def _thread(assignment_id: int) -> Select[Any]:
    return (
        select(Remark.words, Remark.person_id, Person.name, FROM_UNIT, Remark.at, FOR_NAME)
        .join(Person, Person.id == Remark.person_id)
        .where(Remark.assignment_id == assignment_id)
        .order_by(Remark.id)
    )
