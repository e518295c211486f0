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
from sqlalchemy import case, delete, or_, select, true, update

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

_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
# Compared with when there is nothing to compare with, so that an unknown name takes as long as a known one.
_nobody = _hasher.hash(secrets.token_urlsafe(16))


class Locked(CampaignError):
    """Too many wrong tries; even the right password waits."""

    status = 423

    def __init__(self, until: datetime) -> None:
        super().__init__(
            say(
                "Too many wrong tries. This login name is locked until %(until)s, also for the right password.",
                until=until,
            )
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
    number = db.session.execute(
        insert(LoginGuard)
        .values(login=key, window_from=now, tries=1)
        .on_conflict_do_update(
            index_elements=[LoginGuard.login],
            set_={"tries": case((fresh, 1), else_=LoginGuard.tries + 1), "window_from": now, "locked_until": None},
            where=or_(LoginGuard.locked_until.is_(None), LoginGuard.locked_until <= now),
        )
        .returning(LoginGuard.tries)
    ).scalar()
    if number is None:
        raise Locked(_locked_until(key) or now + LOCKED_FOR)
    if number >= MOST_TRIES:
        db.session.execute(update(LoginGuard).where(LoginGuard.login == key).values(locked_until=now + LOCKED_FOR))
    person = db.session.execute(
        select(Person.id, Person.name, Person.password_hash).where(Person.login == normal_login(login))
    ).one_or_none()
    if person is None:
        return Try(login=key, number=number, person_id=None, name="", password_hash=None)
    return Try(login=key, number=number, person_id=person.id, name=person.name, password_hash=person.password_hash)


def _locked_until(key: str) -> datetime | None:
    return db.session.execute(select(LoginGuard.locked_until).where(LoginGuard.login == key)).scalar()


def matches(attempt: Try, password: str) -> bool:
    """Whether the password is the person's. Takes the same time when there is no such person or no password."""
    usable = attempt.password_hash is not None and len(password) <= LONGEST
    stored = attempt.password_hash if usable and attempt.password_hash else _nobody
    try:
        _hasher.verify(stored, normal_password(password[:LONGEST]))
    except (VerificationError, InvalidHashError):
        return False
    return usable


def admit(attempt: Try, password: str, *, now: datetime) -> str | None:
    """Opens a session after a right password and returns its secret; None when the account was closed meanwhile."""
    if attempt.person_id is None or not confirm(attempt, now=now):
        return None
    if _hasher.check_needs_rehash(attempt.password_hash or ""):
        stronger = update(Person).where(Person.id == attempt.person_id).values(password_hash=hash_password(password))
        db.session.execute(stronger)
    return open_session(actor=Actor(attempt.person_id, attempt.name), now=now)


def confirm(attempt: Try, *, now: datetime) -> bool:
    """After a right password: gives the tries free again. False when the account or its password changed meanwhile.

    A lock that other tries brought about while this one was compared stays.
    """
    person = db.session.execute(
        select(Person.id)
        .where(
            Person.id == attempt.person_id,
            Person.disabled_at.is_(None),
            Person.password_hash == attempt.password_hash,
        )
        .with_for_update()
    ).one_or_none()
    if person is None:
        return False
    own_lock = attempt.number >= MOST_TRIES
    unlocked = true() if own_lock else LoginGuard.locked_until.is_(None)
    db.session.execute(delete(LoginGuard).where(LoginGuard.login == attempt.login, unlocked))
    return True


def refuse(attempt: Try, *, now: datetime) -> Sentence:
    """Writes down a wrong try and returns what to tell: the same for a wrong password and an unknown name."""
    subject_id = attempt.person_id or 0
    # Of an unknown name only the digest is kept: it may be a password typed into the wrong field.
    data = {"login": attempt.login}
    refused = "person:session:sign-in-refused"
    record(tag=refused, subject="person", subject_id=subject_id, actor=SYSTEM, now=now, data=data)
    if attempt.number < MOST_TRIES:
        return say(
            "The login name or the password is wrong. Tries left before this name is locked for %(minutes)s minutes: "
            "%(left)s.",
            minutes=LOCKED_FOR // timedelta(minutes=1),
            left=MOST_TRIES - attempt.number,
        )
    until = now + LOCKED_FOR
    lock = {"login": attempt.login, "until": until.isoformat()}
    record(tag="person:session:lock", subject="person", subject_id=subject_id, actor=SYSTEM, now=now, data=lock)
    return Locked(until).sentence


def unlock(login: str) -> None:
    """Gives a login name all its tries back."""
    db.session.execute(delete(LoginGuard).where(LoginGuard.login == guard_key(login)))


def open_session(*, actor: Actor, now: datetime) -> str:
    """A new session of the person; returns the secret for the cookie, of which only the digest is kept."""
    secret = secrets.token_urlsafe(32)
    db.session.add(
        LoginSession(
            digest=digest_of(secret),
            person_id=actor.person_id,
            started_at=now,
            seen_at=now,
            ends_at=now + LONGEST_SESSION,
        )
    )
    db.session.flush()
    record(tag="person:session:sign-in", subject="person", subject_id=actor.person_id, actor=actor, now=now)
    return secret


def close_session(digest: str, *, actor: Actor, now: datetime) -> None:
    """Ends one session for good; a copy of its cookie opens nothing afterwards."""
    ended = db.session.execute(
        update(LoginSession)
        .where(LoginSession.digest == digest, LoginSession.ended_at.is_(None))
        .values(ended_at=now)
        .returning(LoginSession.person_id)
    ).scalar()
    if ended is not None:
        record(tag="person:session:sign-out", subject="person", subject_id=ended, actor=actor, now=now)


def close_all_sessions(person_id: int, *, now: datetime) -> None:
    """Ends every session of the person: after a new password, or with the account."""
    open_ones = update(LoginSession).where(LoginSession.person_id == person_id, LoginSession.ended_at.is_(None))
    db.session.execute(open_ones.values(ended_at=now))


def touch(digest: str, *, now: datetime) -> None:
    """Notes that the session is in use; at most once a minute, so that reading pages writes next to nothing."""
    db.session.execute(
        update(LoginSession)
        .where(LoginSession.digest == digest, LoginSession.seen_at <= now - SEEN_EVERY)
        .values(seen_at=now)
    )
