"""Responsibility letters: one with its signatures, and the list of those that are still to be signed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select
from sqlalchemy.orm import aliased

from ..clock import zone
from ..db import db
from ..documents.duty_letters import digest_of, letter_text
from ..models import Assignment, Campaign, Letter, Person, Post, Signature, Task, Unit
from ..models.duties import Duty, duty_of
from ..models.organisation import acted_for
from ..rules.letters import SIGNS
from ..rules.organisation import Actor, Role
from ..rules.states import NOT_ASKED
from ..rules.targets import Party
from .scope import visible_assignments
from .spelled import unit_sounds_like

PAGE = 50


class Wanted(StrEnum):
    """Which letters are wanted: to be signed by the reader, lacking a signature, signed by both, all."""

    MINE = "mine"
    UNSIGNED = "unsigned"
    SIGNED = "signed"
    ALL = "all"


@dataclass(frozen=True)
class Signed:
    """A signature: who, in which post, for whom where a stand-in signed."""

    party: Party
    person_id: int
    who: str
    holder: str | None
    role: Role
    unit: str
    at: datetime
    digest: str


@dataclass(frozen=True)
class Shown:
    """A letter. `latest`: no newer one stands; `stands`: the assignment still says the same."""

    id: int
    number: int
    content: str
    digest: str
    at: datetime
    who: str
    assignment_id: int
    duty: Duty
    signatures: dict[Party, Signed]
    latest: bool
    stands: bool


@dataclass(frozen=True)
class Item:
    """A letter of the list."""

    id: int
    number: int
    at: datetime
    task: str
    campaign: str
    above: str
    below: str
    above_signed: bool
    below_signed: bool


def seen_duty(assignment_id: int, actor: Actor) -> Duty | None:
    """What a letter of that assignment would say, for those who see it."""
    found = db.session.execute(
        select(Assignment.id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(Assignment.id == assignment_id, visible_assignments(actor))
    ).first()
    return None if found is None else duty_of(assignment_id)


def letter(letter_id: int, actor: Actor) -> Shown | None:
    """One letter, for those who see its assignment."""
    any_of = aliased(Letter)
    last = select(func.max(any_of.number)).where(any_of.assignment_id == Letter.assignment_id).scalar_subquery()
    row = db.session.execute(
        select(Letter, Person.name, last.label("last"))
        .join(Assignment, Assignment.id == Letter.assignment_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Person, Person.id == Letter.person_id)
        .where(Letter.id == letter_id, visible_assignments(actor))
    ).one_or_none()
    duty = duty_of(row.Letter.assignment_id) if row else None
    if row is None or duty is None:
        return None
    held: Letter = row.Letter
    stands = digest_of(letter_text(duty, zone())) == held.digest
    return Shown(
        held.id, held.number, held.content, held.digest, held.at, row.name, held.assignment_id, duty,
        _signatures(letter_id), held.number == row.last, stands,
    )  # fmt: skip


def letters_of(assignment_id: int) -> tuple[Item, ...]:
    """All letters of one assignment, the latest first."""
    rows = db.session.execute(_items().where(Letter.assignment_id == assignment_id).order_by(Letter.number.desc()))
    return tuple(Item(*row) for row in rows)


def letters(
    actor: Actor, wanted: Wanted, *, text: str = "", before: int | None = None
) -> tuple[tuple[Item, ...], int, int | None]:
    """A page of the letters in force that the actor sees, the latest first; how many there are; where it goes on.
    `text` stands in the name of a unit, of the task or of the campaign."""
    query = _wanted(actor, wanted, text)
    n = db.session.execute(query.with_only_columns(func.count(Letter.id))).scalar_one()
    if before is not None:
        query = query.where(Letter.id < before)
    rows = [Item(*row) for row in db.session.execute(query.order_by(Letter.id.desc()).limit(PAGE + 1))]
    return tuple(rows[:PAGE]), int(n), rows[PAGE - 1].id if len(rows) > PAGE else None


def everything(actor: Actor, wanted: Wanted, text: str = "") -> Iterator[Item]:
    """The whole list, for an export. One statement, read as it is written."""
    query = _wanted(actor, wanted, text).order_by(Letter.id.desc()).execution_options(yield_per=500)
    with db.session.execute(query) as rows:
        for row in rows:
            yield Item(*row)


def _wanted(actor: Actor, wanted: Wanted, text: str) -> Select[Any]:
    in_force = visible_assignments(actor), _in_force(), Assignment.state.not_in(NOT_ASKED), _is(wanted, actor)
    named = (Unit.name, ABOVE.name, Task.title, Campaign.title)
    found = (name.icontains(text, autoescape=True) for name in named)
    clauses = [or_(*found, unit_sounds_like(Unit.area_id, text))] if text else []
    return _items().where(*in_force, *clauses)


def _signatures(letter_id: int) -> dict[Party, Signed]:
    rows = db.session.execute(
        select(
            Signature.party, Signature.person_id, Person.name, acted_for(Signature.post_id, Signature.person_id),
            Post.role, Unit.name, Signature.at, Signature.digest,
        )
        .join(Person, Person.id == Signature.person_id)
        .join(Post, Post.id == Signature.post_id)
        .join(Unit, Unit.id == Post.unit_id)
        .where(Signature.letter_id == letter_id)
    )  # fmt: skip
    return {row.party: Signed(*row) for row in rows}


def _has(party: Party) -> ColumnElement[bool]:
    found = select(Signature.letter_id).where(Signature.letter_id == Letter.id, Signature.party == party)
    return found.correlate(Letter).exists()


def _in_force() -> ColumnElement[bool]:
    later = aliased(Letter)
    newer = select(later.id).where(later.assignment_id == Letter.assignment_id, later.number > Letter.number)
    return ~newer.correlate(Letter).exists()


def _is(wanted: Wanted, actor: Actor) -> ColumnElement[bool]:
    both = and_(_has(Party.ABOVE), _has(Party.BELOW))
    if wanted is Wanted.ALL:
        return literal(True)
    if wanted is Wanted.SIGNED:
        return both
    if wanted is Wanted.UNSIGNED:
        return ~both
    mine = (
        and_(~_has(party), unit_id.in_(actor.units(*SIGNS[party])))
        for party, unit_id in ((Party.ABOVE, _above_id()), (Party.BELOW, Assignment.unit_id))
    )
    return or_(*mine)


PARENT, ABOVE = aliased(Assignment), aliased(Unit)


def _above_id() -> Any:
    return case((PARENT.id.is_not(None), PARENT.unit_id), else_=Campaign.issuing_unit_id)


def _items() -> Select[Any]:
    return (
        select(
            Letter.id, Letter.number, Letter.at, Task.title, Campaign.title.label("campaign"), ABOVE.name,
            Unit.name.label("below"), _has(Party.ABOVE), _has(Party.BELOW),
        )
        .select_from(Letter)
        .join(Assignment, Assignment.id == Letter.assignment_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Task, Task.id == Assignment.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .outerjoin(PARENT, PARENT.id == Assignment.parent_id)
        .join(ABOVE, ABOVE.id == _above_id())
    )  # fmt: skip
