"""Accounts and posts: who there is, what they may do, and since when."""

import secrets
import string
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, and_, or_, select, true, update

from ..clock import local_today
from ..db import alone, db, insert
from ..errors import Forbidden, Invalid, NotFound, Problem, Refused, say
from ..models import Person, Post, Unit
from ..rules.accounts import (
    login_problem,
    may_administer,
    may_administer_all,
    normal_login,
    normal_password,
    password_problems,
)
from ..rules.organisation import SYSTEM, SYSTEM_PERSON_ID, Actor, Line, Role
from .delegation import end_for_person, end_for_post
from .log import record
from .signing_in import Try, close_all_sessions, hash_password, matches, unlock

# Without the signs that are mistaken for one another when read aloud or copied by hand.
READABLE = "".join(sign for sign in string.ascii_letters + string.digits if sign not in "0OoIl1")
ADMINISTRATORS = 5  # what those who let people in or out are alone with; notify/delivery.py has 1 and 2


def create_person(
    *,
    login: str,
    name: str,
    actor: Actor,
    now: datetime,
    phone: str | None = None,
    email: str | None = None,
    locale: str | None = None,
) -> int:
    """Adds an account without a password: nobody can sign in with it until one is set. Raises Invalid."""
    _administrator(actor)
    login, name = normal_login(login), name.strip()
    problems = []
    wrong = login_problem(login)
    if wrong is not None:
        problems.append(Problem("login", wrong))
    if not 1 <= len(name) <= 64:
        problems.append(Problem("name", say("A name has 1 to 64 characters.")))
    if problems:
        raise Invalid(say("The account could not be created."), problems)
    fields = {"login": login, "name": name, "phone": phone, "email": email, "locale": locale}
    added = insert(Person).values(**fields, must_change_password=True, created_at=now)
    person_id = db.session.execute(added.on_conflict_do_nothing(index_elements=["login"]).returning(Person.id)).scalar()
    if person_id is None:
        taken = say("The login name %(login)s is taken.", login=login)
        raise Invalid(taken, [Problem("login", taken)])
    _log("person:account:create", person_id, actor, now, login=login)
    return int(person_id)


def set_first_password(person_id: int, password: str, *, actor: Actor, now: datetime) -> None:
    """Sets a password that the person must change at the first sign-in. Raises Invalid with every broken rule."""
    person = _person(person_id, actor, now)
    _check_rules(person, password)
    _replace_password(person, password, must_change=True, now=now)
    _log("person:password:reset", person_id, actor, now)


def reset_password(person_id: int, *, actor: Actor, now: datetime) -> str:
    """A one-time password, to be shown once and changed at the first sign-in; ends the person's sessions and lock."""
    person = _person(person_id, actor, now)
    password = one_time_password(person.login, person.name)
    _replace_password(person, password, must_change=True, now=now)
    unlock(person.login)
    _log("person:password:reset", person_id, actor, now)
    return password


def change_password(password: str, *, actor: Actor, now: datetime) -> None:
    """The person's own new password; ends all their sessions, the present one too. Raises Invalid."""
    person = db.session.get_one(Person, actor.person_id, with_for_update=True)
    _check_rules(person, password)
    _replace_password(person, password, must_change=False, now=now)
    _log("person:password:change", person.id, actor, now)


def choose_language(locale: str, *, actor: Actor, now: datetime) -> None:
    """The language the person reads in."""
    changed = db.session.execute(
        update(Person)
        .where(Person.id == actor.person_id, or_(Person.locale.is_(None), Person.locale != locale))
        .values(locale=locale)
        .returning(Person.id)
    ).scalar()
    if changed is not None:
        _log("person:account:language", changed, actor, now, locale=locale)


def disable_person(person_id: int, *, actor: Actor, now: datetime) -> None:
    """Closes an account; it acts at the person's next request. Raises Refused for oneself or the last administrator."""
    person = _person(person_id, actor, now)
    if person_id == actor.person_id:
        raise Refused(say("You cannot disable your own account. Ask another administrator."))
    if person.disabled_at is not None:
        return
    _keep_an_administrator(now, Post.person_id != person_id)
    person.disabled_at = now
    close_all_sessions(person_id, now=now)
    db.session.flush()
    end_for_person(person_id, actor=actor, now=now)
    _log("person:account:disable", person_id, actor, now)


def enable_person(person_id: int, *, actor: Actor, now: datetime) -> None:
    """Opens a disabled account again; the person signs in anew."""
    person = _person(person_id, actor, now)
    if person.disabled_at is None:
        return
    person.disabled_at = None
    db.session.flush()
    _log("person:account:enable", person_id, actor, now)


def add_post(
    person_id: int,
    unit_id: int,
    role: Role,
    *,
    valid_from: date,
    actor: Actor,
    now: datetime,
    valid_to: date | None = None,
) -> int:
    """Gives a person a role in a unit for a time. Raises Refused when they have it already, Invalid for a bad time.

    Administrators may give themselves one; the log then says so by a tag of its own.
    """
    _administrator(actor)
    unit = db.session.execute(select(Unit.line, Unit.lft).where(Unit.id == unit_id)).one_or_none()
    known = db.session.scalar(
        select(Person.id).where(Person.id == person_id, Person.id != SYSTEM_PERSON_ID).with_for_update()
    )
    if unit is None or known is None or not may_administer(actor, unit.line, unit.lft):
        raise NotFound(say("There is no such unit or person in your area."))
    if valid_to is not None and valid_to < valid_from:
        sentence = say("The last day must not lie before the first.")
        raise Invalid(sentence, [Problem("valid_to", sentence)])
    overlap = select(Post.id).where(
        Post.person_id == person_id,
        Post.unit_id == unit_id,
        Post.role == role,
        or_(Post.valid_from == valid_from, Post.disabled_at.is_(None)),
        or_(Post.valid_to.is_(None), Post.valid_to >= valid_from),
        true() if valid_to is None else Post.valid_from <= valid_to,
    )
    if db.session.scalar(overlap.limit(1)) is not None:
        raise Refused(say("This person already has this post at that time."))
    post = Post(person_id=person_id, unit_id=unit_id, role=role, valid_from=valid_from, valid_to=valid_to)
    db.session.add(post)
    db.session.flush()
    tag = "person:post:take" if person_id == actor.person_id else "person:post:add"
    _log(tag, person_id, actor, now, post=post.id, unit=unit_id, role=role.name.lower())
    return post.id


def end_post(post_id: int, *, actor: Actor, now: datetime, on: date | None = None) -> None:
    """Ends a post after its last day `on`, or at once without one. Raises Refused for the last administrator."""
    _administrator(actor)
    row = db.session.execute(
        select(Post, Unit.line, Unit.lft).join(Unit, Unit.id == Post.unit_id).where(Post.id == post_id)
    ).one_or_none()
    if row is None or not may_administer(actor, row.line, row.lft):
        raise NotFound(say("There is no such post in your area."))
    post: Post = row.Post
    if post.disabled_at is not None:
        return
    if on is not None and on < post.valid_from:
        sentence = say("The last day must not lie before the first.")
        raise Invalid(sentence, [Problem("on", sentence)])
    if post.role is Role.ADMINISTRATOR:
        _keep_an_administrator(now, Post.id != post_id)
    if on is None:
        post.disabled_at = now
    else:
        post.valid_to = on
    db.session.flush()
    end_for_post(post_id, actor=actor, now=now, on=on)
    _log("person:post:end", post.person_id, actor, now, post=post_id, on=None if on is None else on.isoformat())


def create_first_administrator(
    *, login: str, name: str, password: str, now: datetime, unit_id: int | None = None
) -> int:
    """The first administrator, in the given unit or the highest one. Raises Refused when there is one already.

    The password was chosen by the person at the terminal, so it need not be changed.
    """
    alone(ADMINISTRATORS, 0)
    if db.session.scalar(_administrators(now).limit(1)) is not None:
        raise Refused(say("There is an administrator already. Ask that person to create further accounts."))
    if unit_id is None:
        highest = select(Unit.id).order_by(Unit.level, (Unit.line != Line.PARTY), Unit.lft, Unit.id).limit(1)
        unit_id = db.session.scalar(highest)
    if unit_id is None:
        raise Refused(say("There is no unit yet. Import the areas first."))
    person_id = create_person(login=login, name=name, actor=SYSTEM, now=now)
    person = db.session.get_one(Person, person_id)
    _check_rules(person, password)
    _replace_password(person, password, must_change=False, now=now)
    add_post(person_id, unit_id, Role.ADMINISTRATOR, valid_from=local_today(now), actor=SYSTEM, now=now)
    return person_id


def one_time_password(login: str, name: str) -> str:
    """Four random groups of four, readable aloud, that keep the rules for passwords."""
    while True:
        groups = ("".join(secrets.choice(READABLE) for _ in range(4)) for _ in range(4))
        password = "-".join(groups)
        if not password_problems(password, login=login, name=name):
            return password


def _log(tag: str, person_id: int, actor: Actor, now: datetime, **data: object) -> None:
    record(tag=tag, subject="person", subject_id=person_id, actor=actor, now=now, data=data)


def _administrator(actor: Actor) -> None:
    if not actor.is_system and not actor.has_role(Role.ADMINISTRATOR):
        raise Forbidden(say("Only an administrator may do this."))


def _person(person_id: int, actor: Actor, now: datetime) -> Person:
    """The account, if the actor administers every post of it: a higher post must not be taken over through a lower."""
    _administrator(actor)
    person = db.session.get(Person, person_id, with_for_update=True)
    if person is None or person_id == SYSTEM_PERSON_ID or not may_administer_all(actor, places_of(person_id, now=now)):
        raise NotFound(say("There is no such person in your area."))
    return person


def places_of(person_id: int, *, now: datetime) -> list[tuple[Line, int]]:
    """Where the person stands, as (line, lft): the places of the living posts; of the former ones when none lives,
    so that who has left does not fall to the first who asks."""
    rows = db.session.execute(
        select(Unit.line, Unit.lft, _living(now)).join(Post, Post.unit_id == Unit.id).where(Post.person_id == person_id)
    ).all()
    living = [(line, lft) for line, lft, lives in rows if lives]
    return living or [(line, lft) for line, lft, _lives in rows]


def _check_rules(person: Person, password: str) -> None:
    normal = normal_password(password)
    sentences = password_problems(normal, login=person.login, name=person.name)
    former = Try(login="", number=0, person_id=person.id, name=person.name, password_hash=person.password_hash)
    if person.password_hash is not None and matches(former, password):
        sentences.append(say("This is your former password. Choose a new one."))
    if sentences:
        raise Invalid(say("The password was not changed."), [Problem("password", sentence) for sentence in sentences])


def _replace_password(person: Person, password: str, *, must_change: bool, now: datetime) -> None:
    person.password_hash = hash_password(password)
    person.must_change_password = must_change
    close_all_sessions(person.id, now=now)
    db.session.flush()


def _living(now: datetime) -> ColumnElement[bool]:
    """Posts that are valid today or will be."""
    return and_(Post.disabled_at.is_(None), or_(Post.valid_to.is_(None), Post.valid_to >= local_today(now)))


def _administrators(now: datetime) -> Select[tuple[int]]:
    return (
        select(Post.id)
        .join(Person, Person.id == Post.person_id)
        .where(Post.role == Role.ADMINISTRATOR, _living(now), Person.disabled_at.is_(None))
    )


def _keep_an_administrator(now: datetime, others: ColumnElement[bool]) -> None:
    """Refuses to leave the system without anybody who can let people in, also when two send each other away."""
    alone(ADMINISTRATORS, 0)
    if db.session.scalar(_administrators(now).where(others).limit(1)) is None:
        raise Refused(say("This is the last administrator. Name another one first."))
