"""What stands beside a submission under review: who has it in hand, its chain, the reader's phrases, the thread."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Integer, Select, String, cast, func, literal, null, select, union_all

from ..db import Instant, db, listed
from ..models import Claim, Flag, Person, Phrase, Post, Remark, Unit
from ..models.facts import Standing
from ..models.organisation import acted_for
from ..rules.organisation import Actor
from ..rules.permissions import Here, Holder, levels

FROM_UNIT = (
    select(Unit.name)
    .join(Post, Post.unit_id == Unit.id)
    .where(Post.id == Remark.post_id)
    .correlate(Remark)
    .scalar_subquery()
)
COLUMNS: dict[str, Any] = {
    "id": BigInteger, "n": Integer, "words": String, "at": Instant, "until": Instant, "name": String, "place": String,
    "by": String,
}  # fmt: skip
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
    """All of it; of the flags only how many there are."""

    claim: InHand | None
    chain: tuple[StandsAt, ...]
    phrases: tuple[Words, ...]
    thread: tuple["Said", ...] = ()
    flags: int = 0


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
    """Claim, chain, phrases and thread, and how many flags there are. One statement."""

    def row(what: str, **values: Any) -> list[Any]:
        given: dict[str, Any] = {
            name: values.get(name, null()) for name in ("id", "n", "words", "at", "until", "name", "place", "by")
        }
        types: dict[str, Any] = dict.fromkeys(given, String) | {
            "id": BigInteger,
            "n": Integer,
            "at": Instant,
            "until": Instant,
        }
        return [literal(what).label("what"), *(cast(value, types[name]).label(name) for name, value in given.items())]

    parts = union_all(
        select(*row("claim", id=Claim.person_id, name=Person.name, at=Claim.at, until=Claim.until))
        .join(Person, Person.id == Claim.person_id)
        .where(Claim.assignment_id == facts.id, Claim.until > now),
        select(*row("unit", id=Unit.id, name=Unit.name)).where(Unit.id.in_(listed(facts.chain))),
        select(*row("phrase", id=Phrase.id, n=Phrase.used, words=Phrase.words))
        .where(Phrase.person_id == actor.person_id),
        select(*row("flags", n=func.count())).select_from(Flag).where(Flag.submission_id == facts.submission_id),
        _remarks(*row("remark", id=Remark.person_id, n=Remark.id, words=Remark.words, at=Remark.at, name=Person.name,
                      place=FROM_UNIT, by=FOR_NAME)).where(Remark.assignment_id == facts.id),
    )  # fmt: skip
    rows: dict[str, list[Any]] = defaultdict(list)
    for each in db.session.execute(parts):
        rows[each.what].append(each)
    names = {each.id: each.name for each in rows["unit"]}
    stands = zip(facts.chain, levels(facts.state, facts.chain, facts.review_step), strict=True)
    said = sorted(rows["remark"], key=lambda each: each.n)
    return Beside(
        next((InHand(each.id, each.name, each.at, each.until) for each in rows["claim"]), None),
        tuple(StandsAt(unit, names.get(unit, ""), here) for unit, here in stands),
        tuple(Words(each.id, each.words, each.n) for each in sorted(rows["phrase"], key=lambda one: (-one.n, one.id))),
        tuple(Said(each.words, each.id, each.name, each.place, each.at, each.by) for each in said),
        rows["flags"][0].n,
    )


def phrases_of(actor: Actor) -> list[Words]:
    """The reader's phrases, those used most in front."""
    rows = select(Phrase.id, Phrase.words, Phrase.used).where(Phrase.person_id == actor.person_id)
    return [Words(*row) for row in db.session.execute(rows.order_by(Phrase.used.desc(), Phrase.id))]


def thread_of(assignment_id: int) -> tuple[Said, ...]:
    """The remarks to an assignment that the reader was found to see, the oldest first. One statement."""
    columns = (Remark.words, Remark.person_id, Person.name, FROM_UNIT, Remark.at, FOR_NAME)
    rows = _remarks(*columns).where(Remark.assignment_id == assignment_id).order_by(Remark.id)
    return tuple(Said(*row) for row in db.session.execute(rows))


def _remarks(*columns: Any) -> Select[Any]:
    return select(*columns).join(Person, Person.id == Remark.person_id)
