"""What a person who goes leaves behind: open work by unit and state, what waits for their review, drafts; and who
has just taken over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import aliased

from ..db import Instant, db, listed
from ..models import Assignment, Draft, Event, Notice, Person, Post, Unit
from ..models.organisation import holds_on
from ..rules.organisation import Actor, Role
from ..rules.states import WITH_OFFICER, State
from .accounts import people_within
from .scope import visible_assignments
from .spelled import sounds_like

MOST_FOUND = 30


@dataclass(frozen=True)
class Left:
    """Work of one unit in one state: how many, how many of these are late, and the earliest date."""

    unit_name: str
    state: State
    n: int
    late: int
    earliest: datetime | None


@dataclass(frozen=True)
class Estate:
    """All that goes with some posts: the officer's open work, what waits for a review, drafts, being in charge."""

    work: tuple[Left, ...]
    reviews: tuple[Left, ...]
    drafts: int
    in_charge: int


@dataclass(frozen=True)
class Somebody:
    """A person who may take over, with one of their posts where there is one."""

    id: int
    name: str
    login: str
    unit_name: str | None


@dataclass(frozen=True)
class Taken:
    """A hand-over that its successor has not marked as read yet."""

    from_name: str
    at: datetime
    note: str


def estate(person_id: int, posts: Sequence[tuple[int, Role]], *, now: datetime) -> Estate:
    """What goes with these posts, given as (unit, role). Four statements, whatever there is."""
    reports = [unit for unit, role in posts if role is Role.OFFICER]
    reviews = [unit for unit, role in posts if role is Role.SUPERVISOR]
    open_here = Assignment.unit_id.in_(listed(reports)), Assignment.state.in_(WITH_OFFICER)
    waits_here = Assignment.reviewer_unit_id.in_(listed(reviews)), Assignment.state == State.SUBMITTED
    drafts = (
        select(func.count())
        .select_from(Draft)
        .join(Assignment, Assignment.id == Draft.assignment_id)
        .where(Draft.person_id == person_id, *open_here)
    )
    units = [unit for unit, _role in posts]
    charge = select(func.count()).where(
        Assignment.unit_id.in_(listed(units)), Assignment.in_charge_id == person_id,
        Assignment.state.in_((*WITH_OFFICER, State.SUBMITTED)),
    )  # fmt: skip
    return Estate(
        _left(Assignment.unit_id, Assignment.due_at, open_here, now) if reports else (),
        _left(Assignment.reviewer_unit_id, Assignment.review_due_at, waits_here, now) if reviews else (),
        db.session.execute(drafts).scalar_one() if reports else 0,
        db.session.execute(charge).scalar_one(),
    )


def _left(unit: Any, until: Any, clauses: tuple[Any, ...], now: datetime) -> tuple[Left, ...]:
    statement = (
        select(
            Unit.name, Assignment.state, func.count(), func.count().filter(until < now),
            func.min(until, type_=Instant()),
        )
        .join(Unit, Unit.id == unit)
        .where(*clauses)
        .group_by(Unit.name, Unit.lft, Assignment.state)
        .order_by(Unit.lft, Assignment.state)
    )  # fmt: skip
    return tuple(Left(*row) for row in db.session.execute(statement))


def successors(
    actor: Actor, text: str, *, on: date, leave_out: int, units: Sequence[int] = (), keep: int | None = None
) -> list[Somebody]:
    """People within an administrator's reach, by name, login name or unit; at most thirty.

    Those of the `units` stand first. `keep`: who was chosen already stays on the list, whatever is sought.
    """
    unit, post, shown = aliased(Unit), aliased(Post), aliased(Post)  # the scope below speaks of the nouns themselves
    first = select(func.min(post.id)).where(post.person_id == Person.id, post.disabled_at.is_(None)).scalar_subquery()
    statement = (
        select(Person.id, Person.name, Person.login, unit.name)
        .select_from(Person)
        .outerjoin(shown, shown.id == first)
        .outerjoin(unit, unit.id == shown.unit_id)
        .where(people_within(actor, on), Person.disabled_at.is_(None), Person.id != leave_out)
        .order_by(case((Person.id == keep, 0), (shown.unit_id.in_(units), 1), else_=2), Person.login)
        .limit(MOST_FOUND)
    )
    if text:
        statement = statement.where(or_(
            Person.id == keep, Person.name.icontains(text, autoescape=True),
            Person.login.icontains(text, autoescape=True), unit.name.icontains(text, autoescape=True),
            sounds_like(Person.name, text),
        ))  # fmt: skip
    return [Somebody(*row) for row in db.session.execute(statement)]


def taken_over(person_id: int) -> list[Taken]:
    """Hand-overs to this person that they have not marked as read. One statement."""
    rows = db.session.execute(
        select(Person.name, Event.at, Event.reason)
        .select_from(Notice)
        .join(Event, Event.id == Notice.event_id)
        .join(Person, Person.id == Event.subject_id)
        .where(
            Notice.person_id == person_id, Notice.read_at.is_(None), Event.tag == "person:post:hand-over",
            Event.subject_id != person_id,
        )
        .order_by(Event.id.desc())
        .limit(3)
    )  # fmt: skip
    return [Taken(*row) for row in rows]


Charged = tuple[int, str]  # a person by id and name


@dataclass(frozen=True)
class InCharge:
    """Who is in charge of an assignment, with what its form needs."""

    unit_id: int
    state: State
    version: int
    person_id: int | None
    name: str | None


def in_charge_of(assignment_id: int, actor: Actor | None = None) -> InCharge | None:
    """Who is in charge; None where there is no such assignment (within the scope of the actor, if one is given)."""
    statement = (
        select(Assignment.unit_id, Assignment.state, Assignment.version, Person.id, Person.name)
        .join(Unit, Unit.id == Assignment.unit_id)
        .outerjoin(Person, Person.id == Assignment.in_charge_id)
        .where(Assignment.id == assignment_id)
    )
    if actor is not None:
        statement = statement.where(visible_assignments(actor))
    row = db.session.execute(statement).one_or_none()
    return None if row is None else InCharge(*row)


def colleagues_of(unit_id: int, *, on: date) -> list[Charged]:
    """Who has a post in the unit on that day and may be in charge there, by name. One statement."""
    statement = (
        select(Person.id, Person.name)
        .join(Post, Post.person_id == Person.id)
        .where(
            Post.unit_id == unit_id, Post.role.in_((Role.OFFICER, Role.SUPERVISOR, Role.DISPATCHER)), holds_on(on),
            Person.disabled_at.is_(None),
        )
        .distinct()
        .order_by(Person.name, Person.id)
    )  # fmt: skip
    return [(row.id, row.name) for row in db.session.execute(statement)]
