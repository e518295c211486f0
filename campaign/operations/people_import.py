"""The import of people and their posts: all rows valid or nothing changed; adds and updates, never deletes."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice

from argon2 import PasswordHasher
from sqlalchemy import insert, or_, select, update

from ..db import db
from ..documents.tables import Table
from ..errors import Forbidden, say
from ..models import Person, Post, Unit
from ..rules.accounts import may_administer, may_administer_all, normal_password
from ..rules.organisation import SYSTEM_PERSON_ID, Actor, Line, Role
from .importing import Problems, Progress, headings_of, told
from .log import record
from .people import one_time_password
from .people_rows import COLUMNS, REQUIRED, PersonRow, read_people
from .signing_in import hash_password
from .unit_names import UnitNames

MOST_SHOWN = 200
ASKED_AT_ONCE = 500
# A one-time password is random (90 bits), so no guessing is fast enough, however cheap the hash; the first sign-in
# makes a proper one of it. A thousand people would otherwise hold the database for half a minute.
_quick = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)


@dataclass(frozen=True)
class FirstPassword:
    """What a new person needs for the first sign-in; it is kept nowhere else."""

    login: str
    name: str
    unit: str
    password: str


@dataclass(frozen=True)
class PeopleImported:
    """What an import did. `passwords` holds one entry for each new person without a password in the file."""

    added: int
    changed: int
    posts: int
    ended: int
    passwords: tuple[FirstPassword, ...]


@dataclass(frozen=True)
class PersonChange:
    """One change that the import would make, for the preview."""

    line: int
    login: str
    name: str
    unit: str
    role: Role
    is_new: bool
    old_name: str | None
    new_post: bool


@dataclass(frozen=True)
class PeoplePreview:
    """What an import would do. `changes` holds the first of them; the counts tell all."""

    rows: int
    added: int
    changed: int
    posts: int
    ended: int
    unchanged: int
    changes: tuple[PersonChange, ...]
    unused: tuple[str, ...]


@dataclass
class _Someone:
    """A person of the file: as they are in the database (id None: new), and as they shall be."""

    id: int | None
    name: str
    phone: str | None
    email: str | None
    is_mine: bool  # the actor administers all posts of this person
    rows: list[PersonRow] = field(default_factory=list)
    old: tuple[str, str | None, str | None] | None = None  # the former name, telephone number and address


@dataclass
class _PostPlan:
    """A post of the file. `id` None: new; `moved`: its last day changes."""

    id: int | None
    row: PersonRow
    unit_id: int
    unit_name: str
    valid_from: date
    valid_to: date | None
    moved: bool = False


@dataclass
class _Plan:
    people: dict[str, _Someone]
    posts: list[_PostPlan]
    unused: tuple[str, ...]

    def counts(self) -> tuple[int, int, int, int]:
        """People added, people changed, posts added, last days of posts changed."""
        new = sum(someone.id is None for someone in self.people.values())
        changed = sum(someone.old is not None for someone in self.people.values())
        posts = sum(post.id is None for post in self.posts)
        return new, changed, posts, sum(post.moved for post in self.posts)


def preview_people(table: Table, *, actor: Actor, today: date, progress: Progress | None = None) -> PeoplePreview:
    """What `import_people` would do with this table, without doing it. Raises the same refusals."""
    plan = _plan(table, actor, today, progress)
    added, changed, posts, ended = plan.counts()
    touched = [
        PersonChange(
            post.row.at, post.row.login, someone.name, post.unit_name, post.row.role, someone.id is None,
            someone.old[0] if someone.old else None, post.id is None,
        )
        for post in plan.posts
        if (someone := plan.people[post.row.login]).id is None or someone.old or post.id is None or post.moved
    ]  # fmt: skip
    rows = len(plan.posts)
    changes = tuple(islice(touched, MOST_SHOWN))
    return PeoplePreview(rows, added, changed, posts, ended, rows - len(touched), changes, plan.unused)


def import_people(
    table: Table, *, actor: Actor, now: datetime, today: date, progress: Progress | None = None
) -> PeopleImported:
    """Adds the people of the table that are new, each with a first password, updates the others, and adds their posts.

    Invalid, with every bad row and its line, when any row does not hold; Forbidden unless the actor is an
    administrator. Units outside what the actor administers are unknown.
    """
    plan = _plan(table, actor, today, progress)
    added, changed, posts, ended = plan.counts()
    passwords = _write_people(plan, now, progress)
    _write_posts(plan)
    if added or changed or posts or ended:
        logins = "\n".join(sorted(plan.people))
        data = {"added": added, "changed": changed, "posts": posts,
                "digest": hashlib.sha256(logins.encode()).hexdigest()}  # fmt: skip
        record(tag="organisation:people:import", subject="person", subject_id=actor.person_id, actor=actor, now=now,
               data=data)  # fmt: skip
    return PeopleImported(added, changed, posts, ended, passwords)


def _plan(table: Table, actor: Actor, today: date, progress: Progress | None) -> _Plan:
    if not actor.is_system and not actor.has_role(Role.ADMINISTRATOR):
        raise Forbidden(say("Only an administrator may do this."))
    headings = headings_of(table, COLUMNS, REQUIRED)
    problems = Problems(table)
    rows = list(read_people(table, headings, problems, progress))
    people = _people(rows, actor, today, problems)
    posts = _posts(rows, people, actor, today, problems)
    problems.refuse()
    return _Plan(people, posts, headings.unused)


def _people(rows: list[PersonRow], actor: Actor, today: date, problems: Problems) -> dict[str, _Someone]:
    """The people of the file by login, and what shall become of them. One login is one person."""
    people = _known_people({row.login for row in rows}, actor, today)
    for row in rows:
        someone = people.get(row.login)
        if someone is None:
            someone = people[row.login] = _Someone(None, row.name, row.phone, row.email, True)
        elif someone.rows and row.name != someone.rows[0].name:
            problems.add(row.at, say("The login name %(login)s stands in line %(line)s for %(name)s.",
                                     login=row.login, line=someone.rows[0].at, name=someone.rows[0].name))  # fmt: skip
            continue
        someone.rows.append(row)
    for someone in people.values():
        if someone.id is not None:
            _update(someone, problems)
    return people


def _update(someone: _Someone, problems: Problems) -> None:
    """Takes over what the rows say about a known person; of somebody else's people only the name is compared."""
    first = someone.rows[0]
    phone = next((row.phone for row in someone.rows if row.phone), someone.phone)
    email = next((row.email for row in someone.rows if row.email), someone.email)
    old = (someone.name, someone.phone, someone.email)
    if not someone.is_mine:
        if first.name != someone.name:
            problems.add(first.at, say("The login name %(login)s is taken by somebody outside your units.",
                                       login=first.login))  # fmt: skip
    elif (first.name, phone, email) != old:
        someone.name, someone.phone, someone.email = first.name, phone, email
        someone.old = old


def _known_people(logins: set[str], actor: Actor, today: date) -> dict[str, _Someone]:
    """Who of these is there already; and whether the actor administers all their living posts, or all former ones
    when none lives."""
    found: dict[str, _Someone] = {}
    places: dict[str, dict[bool, list[tuple[Line, int]]]] = {}
    living = Post.disabled_at.is_(None) & or_(Post.valid_to.is_(None), Post.valid_to >= today)
    for chunk in _chunks(sorted(logins)):
        statement = (
            select(Person.id, Person.login, Person.name, Person.phone, Person.email, Unit.line, Unit.lft,
                   living.label("lives"))
            .outerjoin(Post, Post.person_id == Person.id)
            .outerjoin(Unit, Unit.id == Post.unit_id)
            .where(Person.login.in_(chunk), Person.id != SYSTEM_PERSON_ID)
        )  # fmt: skip
        for row in db.session.execute(statement):
            found[row.login] = _Someone(row.id, row.name, row.phone, row.email, True)
            if row.lft is not None:
                places.setdefault(row.login, {}).setdefault(bool(row.lives), []).append((row.line, row.lft))
    for login, theirs in places.items():
        found[login].is_mine = may_administer_all(actor, theirs.get(True) or theirs[False])
    return found


def _chunks(values: list[str]) -> Iterable[list[str]]:
    return (values[start : start + ASKED_AT_ONCE] for start in range(0, len(values), ASKED_AT_ONCE))


def _posts(
    rows: list[PersonRow], people: dict[str, _Someone], actor: Actor, today: date, problems: Problems
) -> list[_PostPlan]:
    """The posts of the file: those there already, by person, unit and role, and new ones."""
    units = UnitNames({row.unit for row in rows}, lambda line, lft: may_administer(actor, line, lft))
    there, ended = _known_posts([someone.id for someone in people.values() if someone.id is not None], today)
    planned: dict[tuple[str, int, Role], _PostPlan] = {}
    for row in rows:
        unit = units.find(row.unit, row.line)
        if unit.problem is not None:
            problems.add(row.at, unit.problem)
            continue
        key = (row.login, unit.id, row.role)
        if key in planned:
            problems.add(row.at, say("This post stands already in line %(line)s.", line=planned[key].row.at))
            continue
        person_id = people[row.login].id
        known = there.get((person_id, unit.id, row.role))
        if known is None:
            first = row.valid_from or min(today, row.valid_to or today)
            planned[key] = _PostPlan(None, row, unit.id, unit.name, first, row.valid_to)
            if (person_id, unit.id, row.role, first) in ended:
                problems.add(row.at, say("This post was ended before; please give a later first day."))
            continue
        post_id, first, last = known
        wanted = row.valid_to or last
        planned[key] = _PostPlan(post_id, row, unit.id, unit.name, first, wanted, wanted != last)
        if wanted is not None and wanted < first:
            problems.add(row.at, say("It would end before it begins."))
        if wanted != last and row.role is Role.ADMINISTRATOR:
            problems.add(row.at, say("An import does not end the post of an administrator; use the person's page."))
    return list(planned.values())


def _known_posts(
    person_ids: list[int], today: date
) -> tuple[dict[tuple[int | None, int, Role], tuple[int, date, date | None]], set[tuple[int | None, int, Role, date]]]:
    """The posts of these people: the living ones with id, first and last day; the first days of those that ended."""
    living: dict[tuple[int | None, int, Role], tuple[int, date, date | None]] = {}
    ended: set[tuple[int | None, int, Role, date]] = set()
    for start in range(0, len(person_ids), ASKED_AT_ONCE):
        statement = select(
            Post.person_id, Post.unit_id, Post.role, Post.id, Post.valid_from, Post.valid_to, Post.disabled_at
        ).where(Post.person_id.in_(person_ids[start : start + ASKED_AT_ONCE]))
        for row in db.session.execute(statement):
            if row.disabled_at is None and (row.valid_to is None or row.valid_to >= today):
                living[row.person_id, row.unit_id, row.role] = (row.id, row.valid_from, row.valid_to)
            else:
                ended.add((row.person_id, row.unit_id, row.role, row.valid_from))
    return living, ended


def _write_people(plan: _Plan, now: datetime, progress: Progress | None) -> tuple[FirstPassword, ...]:
    """Adds and updates people; `id` of the new ones is set. Gives back the first passwords that were made."""
    made: list[FirstPassword] = []
    new = {login: someone for login, someone in plan.people.items() if someone.id is None}
    unit_names = {post.row.login: post.unit_name for post in reversed(plan.posts)}
    rows = []
    for done, (login, someone) in enumerate(new.items(), 1):
        given = next((row.password for row in someone.rows if row.password), None)
        if given is None:
            password = one_time_password(login, someone.name)
            made.append(FirstPassword(login, someone.name, unit_names.get(login, ""), password))
        hashed = hash_password(given) if given is not None else _quick.hash(normal_password(password))
        rows.append({"login": login, "name": someone.name, "phone": someone.phone, "email": someone.email,
                     "password_hash": hashed, "must_change_password": True, "created_at": now})  # fmt: skip
        told(progress, "people", done, len(new))
    if rows:
        added = db.session.execute(insert(Person).returning(Person.id, Person.login), rows)
        for person_id, login in added:
            plan.people[login].id = person_id
    changed = [
        {"id": someone.id, "name": someone.name, "phone": someone.phone, "email": someone.email}
        for someone in plan.people.values()
        if someone.old is not None
    ]
    if changed:
        db.session.execute(update(Person), changed)
    return tuple(made)


def _write_posts(plan: _Plan) -> None:
    rows = [
        {"person_id": plan.people[post.row.login].id, "unit_id": post.unit_id, "role": post.row.role,
         "valid_from": post.valid_from, "valid_to": post.valid_to}
        for post in plan.posts if post.id is None
    ]  # fmt: skip
    if rows:
        db.session.execute(insert(Post), rows)
    moved = [{"id": post.id, "valid_to": post.valid_to} for post in plan.posts if post.moved]
    if moved:
        db.session.execute(update(Post), moved)
