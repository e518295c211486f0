"""Who stands in for whom: what a person gave and was given, and who may be chosen as a stand-in."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, or_, select
from sqlalchemy.orm import aliased

from ..db import db
from ..models import Area, Delegation, Person, Post, Unit
from ..models.organisation import holds_on, works_near
from ..rules.organisation import DELEGABLE, Actor, Line, Role
from .organisation import overseer, oversees_all
from .scope import visible_units
from .spelled import sounds_like

MOST_FOUND = 30
MOST_SHOWN = 100


@dataclass(frozen=True)
class Link:
    """Somebody who stands in for a post, now or later. `giver_name` gave it: the holder, or a stand-in in turn."""

    id: int
    post_id: int
    unit_name: str
    role: Role
    holder_id: int
    holder_name: str
    giver_id: int
    giver_name: str
    delegate_id: int
    delegate_name: str
    valid_from: date
    valid_to: date
    reason: str
    ended_at: datetime | None


@dataclass(frozen=True)
class Lendable:
    """A post that may be lent: an own one, or one stood in for until `until`."""

    id: int
    unit_name: str
    role: Role
    holder_name: str
    own: bool
    line: Line
    lft: int
    rgt: int
    until: date | None


@dataclass(frozen=True)
class Candidate:
    """Somebody who may be chosen, with one of their posts."""

    id: int
    name: str
    unit_name: str
    role: Role


def links_of(person_id: int, *, on: date) -> list[Link]:
    """What concerns the person and is not over: posts of theirs, given by them, or given to them. One statement."""
    mine = or_(Post.person_id == person_id, Delegation.delegator_id == person_id, Delegation.delegate_id == person_id)
    ids = select(Delegation.id).join(Post, Post.id == Delegation.post_id).where(mine)
    living = Delegation.ended_at.is_(None), Delegation.valid_to >= on
    return _read(Delegation.id.in_(ids), *living)


def link(delegation_id: int) -> Link | None:
    """One of them, ended or not; its readers are asked for by the verb."""
    return next(iter(_read(Delegation.id == delegation_id)), None)


def _read(*clauses: ColumnElement[bool]) -> list[Link]:
    holder, giver, delegate = aliased(Person), aliased(Person), aliased(Person)
    statement: Select[Any] = (
        select(
            Delegation.id, Post.id, Unit.name, Post.role, holder.id, holder.name, giver.id, giver.name,
            delegate.id, delegate.name, Delegation.valid_from, Delegation.valid_to, Delegation.reason,
            Delegation.ended_at,
        )
        .join(Post, Post.id == Delegation.post_id)
        .join(Unit, Unit.id == Post.unit_id)
        .join(holder, holder.id == Post.person_id)
        .join(giver, giver.id == Delegation.delegator_id)
        .join(delegate, delegate.id == Delegation.delegate_id)
        .where(*clauses, Post.disabled_at.is_(None))
        .order_by(Delegation.valid_from, Delegation.id)
        .limit(MOST_SHOWN)
    )  # fmt: skip
    return [Link(*row) for row in db.session.execute(statement)]


def lendable(person_id: int, *, on: date) -> list[Lendable]:
    """The posts that the person may lend: own ones, and those lent to them that are not over. One statement."""
    holder = aliased(Person)
    given = and_(
        Delegation.post_id == Post.id, Delegation.delegate_id == person_id, Delegation.ended_at.is_(None),
        Delegation.valid_to >= on, Post.person_id != person_id,
    )  # fmt: skip
    lent = select(Delegation.post_id).where(
        Delegation.delegate_id == person_id, Delegation.ended_at.is_(None), Delegation.valid_to >= on
    )
    statement = (
        select(
            Post.id, Unit.name, Post.role, holder.name, Post.person_id == person_id, Unit.line, Area.lft, Area.rgt,
            Delegation.valid_to,
        )
        .join(Unit, Unit.id == Post.unit_id)
        .join(Area, Area.id == Unit.area_id)
        .join(holder, holder.id == Post.person_id)
        .outerjoin(Delegation, given)
        .where(
            or_(Post.person_id == person_id, Post.id.in_(lent)), Post.role.in_(DELEGABLE),
            Post.disabled_at.is_(None), or_(Post.valid_to.is_(None), Post.valid_to >= on),
        )
        .order_by(Post.person_id != person_id, Post.id)
    )  # fmt: skip
    found: dict[int, Lendable] = {}
    for row in db.session.execute(statement):
        found.setdefault(row[0], Lendable(*(*row[:4], bool(row[4]), *row[5:])))
    return list(found.values())


def candidates(post: Lendable, text: str, *, on: date, leave_out: set[int], keep: int | None = None) -> list[Candidate]:
    """People around the unit of the post whose name or unit has that text, the nearest first; at most thirty.

    `keep`: who was chosen already stays on the list, whatever is sought.
    """
    return _candidates(works_near(post.line, post.lft, post.rgt, on), post, text, leave_out, keep)


def candidates_of(
    actor: Actor, post: Lendable, text: str, *, on: date, leave_out: set[int], keep: int | None = None
) -> list[Candidate]:
    """The same for an administrator: everybody within reach as well."""
    near = works_near(post.line, post.lft, post.rgt, on)
    work = and_(Post.role.in_(DELEGABLE), holds_on(on))
    desk = overseer(actor)
    within = work if oversees_all(actor) else and_(work, visible_units(desk))
    return _candidates(or_(near, within), post, text, leave_out, keep)


def _candidates(
    clause: ColumnElement[bool], post: Lendable, text: str, leave_out: set[int], keep: int | None
) -> list[Candidate]:
    statement = (
        select(Person.id, Person.name, Unit.name, Post.role)
        .join(Post, Post.person_id == Person.id)
        .join(Unit, Unit.id == Post.unit_id)
        .where(clause, Person.disabled_at.is_(None), Person.id.not_in(leave_out))
        .order_by(
            case((Person.id == keep, 0), else_=1), Unit.lft != post.lft, Unit.lft, Unit.line != post.line, Person.id
        )
        .limit(4 * MOST_FOUND)
    )
    if text:
        named = or_(
            Person.id == keep, Person.name.icontains(text, autoescape=True), Unit.name.icontains(text, autoescape=True),
            sounds_like(Person.name, text),
        )  # fmt: skip
        statement = statement.where(named)
    found: dict[int, Candidate] = {}
    for row in db.session.execute(statement):
        found.setdefault(row[0], Candidate(*row))
    return list(found.values())[:MOST_FOUND]
