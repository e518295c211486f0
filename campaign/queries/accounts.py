"""People as administrators and auditors see them: the list with their posts, one of them, and the list as a table."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, not_, or_, select

from ..db import db
from ..models import Person, Post, Unit
from ..rules.organisation import SYSTEM_PERSON_ID, Actor, Line, Role
from .organisation import overseer, oversees_all
from .scope import visible_units
from .spelled import sounds_like

PAGE = 50
MOST_COUNTED = 10_000
CHUNK = 500


class Standing(Enum):
    """How an account stands."""

    OPEN = "open"
    DISABLED = "disabled"
    NO_POST = "no-post"
    FIRST_PASSWORD = "first-password"  # noqa: S105 (the word, not a password)


@dataclass(frozen=True)
class Filters:
    """Which people are wanted; None and '' stand for all."""

    text: str = ""
    role: Role | None = None
    line: Line | None = None
    standing: Standing | None = None
    unit_id: int | None = None


@dataclass(frozen=True)
class PostRow:
    """A post of a person. `living`: not ended on the day of the reading; it may begin later."""

    id: int
    unit_id: int
    unit_name: str
    line: Line
    role: Role
    valid_from: date
    valid_to: date | None
    disabled_at: datetime | None
    lft: int
    living: bool


@dataclass(frozen=True)
class PersonRow:
    """A person on the list, with the living posts."""

    id: int
    login: str
    name: str
    phone: str | None
    email: str | None
    disabled_at: datetime | None
    must_change_password: bool
    created_at: datetime
    posts: tuple[PostRow, ...] = ()


@dataclass(frozen=True)
class PersonPage:
    """One page of people; `next` is the login after which the next page begins."""

    rows: tuple[PersonRow, ...]
    next: str | None


def people(actor: Actor, filters: Filters, *, on: date, after: str = "") -> PersonPage:
    """The people within reach, by login: two statements."""
    statement = _rows(_wanted(actor, filters, on)).limit(PAGE + 1)
    rows = db.session.execute(statement.where(Person.login > after) if after else statement).all()
    shown = _with_posts(rows[:PAGE], on)
    return PersonPage(tuple(shown), shown[-1].login if len(rows) > PAGE else None)


def count_people(actor: Actor, filters: Filters, *, on: date) -> int:
    """How many match, counted up to `MOST_COUNTED` and one."""
    some = _wanted(actor, filters, on).limit(MOST_COUNTED + 1).subquery()
    return int(db.session.execute(select(func.count()).select_from(some)).scalar_one())


def everybody(actor: Actor, filters: Filters, *, on: date) -> Iterator[PersonRow]:
    """All people who match, for an export; in chunks by key."""
    after = ""
    while True:
        statement = _rows(_wanted(actor, filters, on)).where(Person.login > after).limit(CHUNK)
        rows = db.session.execute(statement).all()
        yield from _with_posts(rows, on)
        if len(rows) < CHUNK:
            return
        after = rows[-1].login


def person(person_id: int, actor: Actor, *, on: date) -> PersonRow | None:
    """One person with all posts, the ended ones too, when within reach; None otherwise."""
    wanted = _wanted(actor, Filters(), on).where(Person.id == person_id)
    rows = db.session.execute(_rows(wanted)).all()
    return next(iter(_with_posts(rows, on, ended_too=True)), None)


def unit_name(unit_id: int, actor: Actor) -> str | None:
    """The name of a unit within reach, for the heading of a list; None otherwise."""
    statement = select(Unit.name).where(Unit.id == unit_id, visible_units(overseer(actor)))
    return db.session.execute(statement).scalar_one_or_none()


def _living(on: date) -> ColumnElement[bool]:
    return and_(Post.disabled_at.is_(None), or_(Post.valid_to.is_(None), Post.valid_to >= on))


def people_within(actor: Actor, on: date) -> ColumnElement[bool]:
    """A clause over Person: those with a post in a unit within reach; those without a post who had their last one there
    or never had any. Who has left for posts elsewhere is looked after there and is not shown any more."""
    real = Person.id != SYSTEM_PERSON_ID
    if oversees_all(actor):
        return real
    own = Post.person_id == Person.id
    here = (own, Post.unit_id.in_(select(Unit.id).where(visible_units(overseer(actor)))))
    at_home = or_(exists().where(*here), not_(exists().where(own)))
    return and_(real, or_(exists().where(*here, _living(on)), and_(at_home, not_(exists().where(own, _living(on))))))


def _wanted(actor: Actor, filters: Filters, on: date) -> Select[tuple[int]]:
    clauses = [people_within(actor, on)]
    if filters.text:
        text = filters.text
        clauses.append(or_(
            Person.name.icontains(text, autoescape=True), Person.login.icontains(text, autoescape=True),
            Person.phone.startswith(text, autoescape=True), sounds_like(Person.name, text),
        ))  # fmt: skip
    posts = [Post.person_id == Person.id, _living(on)]
    if filters.role is not None:
        posts.append(Post.role == filters.role)
    if filters.line is not None:
        posts.append(Post.unit_id.in_(select(Unit.id).where(Unit.line == filters.line)))
    if filters.unit_id is not None:
        posts.append(Post.unit_id == filters.unit_id)
    if len(posts) > 2:
        clauses.append(exists().where(*posts))
    if filters.standing is Standing.NO_POST:
        clauses.append(not_(exists().where(Post.person_id == Person.id, _living(on))))
    elif filters.standing is Standing.DISABLED:
        clauses.append(Person.disabled_at.is_not(None))
    elif filters.standing is Standing.OPEN:
        clauses.append(Person.disabled_at.is_(None))
    elif filters.standing is Standing.FIRST_PASSWORD:
        clauses.append(and_(Person.disabled_at.is_(None), Person.must_change_password))
    return select(Person.id).where(*clauses)


def _rows(wanted: Select[Any]) -> Select[Any]:
    return wanted.with_only_columns(
        Person.id, Person.login, Person.name, Person.phone, Person.email, Person.disabled_at,
        Person.must_change_password, Person.created_at,
    ).order_by(Person.login)  # fmt: skip


def _with_posts(rows: Any, on: date, ended_too: bool = False) -> list[PersonRow]:
    """The rows with their posts, all of them in one statement."""
    ids = [row.id for row in rows]
    posts: dict[int, list[PostRow]] = {}
    if ids:
        statement = (
            select(
                Post.person_id, Post.id, Post.unit_id, Unit.name, Unit.line, Post.role, Post.valid_from, Post.valid_to,
                Post.disabled_at, Unit.lft,
            )
            .join(Unit, Unit.id == Post.unit_id)
            .where(Post.person_id.in_(ids))
            .order_by(Post.valid_from, Post.id)
        )  # fmt: skip
        if not ended_too:
            statement = statement.where(_living(on))
        for person_id, *post in db.session.execute(statement):
            living = post[7] is None and (post[6] is None or post[6] >= on)
            posts.setdefault(person_id, []).append(PostRow(*(*post, living)))
    return [PersonRow(*(*row, tuple(posts.get(row.id, ())))) for row in rows]
