"""Signing in and out, and the guard against guessing.

A try has three steps: `reserve` it and commit, compare with `matches` outside any transaction, then `admit` or
`refuse`. Because a try is counted before the password is looked at, tries in parallel cannot exceed the limit.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import case, delete, or_, select, update

from ..db import db, insert
from ..errors import CampaignError, Sentence, say
from ..models import LoginGuard, LoginSession, Person
from ..rules.accounts import LONGEST, normal_login, normal_password
from ..rules.organisation import SYSTEM, Actor
from .log import record

MOST_TRIES = 5
WINDOW = timedelta(minutes=15)
LOCKED_FOR = timedelta(minutes=30)
LONGEST_SESSION = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=1)
KEPT = timedelta(days=7)  # ended sessions, for questions about last week

_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
# Compared with when there is nothing to compare with, so that an unknown name takes as long as a known one.
_nobody = _hasher.hash(secrets.token_urlsafe(16))


class Locked(CampaignError):
    """Too many wrong tries; even the right password waits."""

    status = 423

    def __init__(self, until: datetime) -> None:
        super().__init__(
            say("Too many wrong tries. This login name is locked until %(until)s, also for the right password.", until=until)
        )
        self.until = until


@dataclass(frozen=True)
class Try:
    """A reserved try: the how-manieth of its window, and what the password will be compared with."""

    login: str
    number: int
    person_id: int | None
    name: str
    password_hash: str | None


def hash_password(password: str) -> str:
    """The Argon2id hash to store."""
    return _hasher.hash(normal_password(password))


def digest_of(secret: str) -> str:
    """What the database keeps of a session's secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def guard_key(login: str) -> str:
    """The name under which tries are counted: a digest, since people type passwords into the wrong field."""
    return hashlib.sha256(normal_login(login).encode("utf-8", "replace")).hexdigest()


def reserve(login: str, *, now: datetime) -> Try:
    """Counts a try before it is made; commit it before comparing. Raises Locked when there is none left.

    Each try restarts the window, so no fifteen minutes ever hold more than five; the fifth locks at once.
    """
    key = guard_key(login)
    fresh = or_(LoginGuard.locked_until.is_not(None), LoginGuard.window_from <= now - WINDOW)
    until = now + LOCKED_FOR
    statement = insert(LoginGuard).values(login=key, window_from=now, tries=1, locked_until=None)
    number = db.session.execute(
        statement.on_conflict_do_update(
            index_elements=[LoginGuard.login],
            set_={
                "tries": case((fresh, 1), else_=LoginGuard.tries + 1),
                "window_from": now,
                "locked_until": case(
                    (fresh, None), (LoginGuard.tries + 1 >= MOST_TRIES, statement.excluded.locked_until), else_=None
                ),
            },
            where=or_(LoginGuard.locked_until.is_(None), LoginGuard.locked_until <= now),
        ).returning(LoginGuard.tries)
    ).scalar()
    if number is None:
        raise Locked(_locked_until(key) or until)
    if number >= MOST_TRIES:
        db.session.execute(update(LoginGuard).where(LoginGuard.login == key).values(locked_until=until))
    person = db.session.execute(
        select(Person.id, Person.name, Person.password_hash).where(Person.login == normal_login(login))
    ).one_or_none()
    if person is None:
        return Try(login=key, number=number, person_id=None, name="", password_hash=None)
    return Try(login=key, number=number, person_id=person.id, name=person.name, password_hash=person.password_hash)


def _locked_until(key: str) -> datetime | None:
    return db.session.execute(select(LoginGuard.locked_until).where(LoginGuard.login == key)).scalar()
