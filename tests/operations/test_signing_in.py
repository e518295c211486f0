"""The guard against guessing, and sessions that live on the server."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from campaign.db import db, unit_of_work
from campaign.models import Event, LoginSession, Person
from campaign.operations.signing_in import (
    LOCKED_FOR,
    MOST_TRIES,
    Locked,
    admit,
    close_session,
    digest_of,
    matches,
    open_session,
    refuse,
    reserve,
    touch,
)
from campaign.queries.people import IDLE, session_of
from tests import make

MINUTE = timedelta(minutes=1)
WRONG = "Wrong-horse-2026"


def knock(login, password, now) -> str:
    """One whole try, as the door makes it: 'in', 'wrong', 'now locked' or 'locked'."""
    try:
        with unit_of_work():
            attempt = reserve(login, now=now)
    except Locked:
        return "locked"
    right = matches(attempt, password)
    with unit_of_work():
        if right and admit(attempt, password, now=now):
            return "in"
        return "now locked" if "%(until)s" in refuse(attempt, now=now).text else "wrong"


def tags(person_id: int) -> list[str]:
    """What the log tells of a person, in order."""
    rows = select(Event.tag).where(Event.subject == "person", Event.subject_id == person_id).order_by(Event.id)
    return list(db.session.scalars(rows))


# Each row: tries as (minutes since the first, right or wrong, what happens).
LOCK_OUT = {
    "a right password": [(0, "right", "in")],
    "four wrong ones and a right one": [(0, "wrong", "wrong")] * 4 + [(1, "right", "in")],
    "success gives all tries back": [(0, "wrong", "wrong")] * 4 + [(1, "right", "in")] + [(2, "wrong", "wrong")] * 4,
    "the fifth wrong one locks": [(0, "wrong", "wrong")] * 4 + [(0, "wrong", "now locked"), (0, "wrong", "locked")],
    "a right one is refused while locked": [(0, "wrong", "wrong")] * 4
    + [(0, "wrong", "now locked"), (1, "right", "locked"), (29, "right", "locked"), (30, "right", "in")],
    "after the lock all tries are there again": [(0, "wrong", "wrong")] * 4
    + [(0, "wrong", "now locked")]
    + [(30, "wrong", "wrong")] * 4
    + [(31, "wrong", "now locked")],
    "a quiet quarter of an hour forgets": [(0, "wrong", "wrong")] * 4 + [(15, "wrong", "wrong")] * 4,
    "no quarter of an hour holds more than five": [(0, "wrong", "wrong")]
    + [(14, "wrong", "wrong")] * 3
    + [(16, "wrong", "now locked"), (16, "wrong", "locked")],
    "tries while locked do not prolong it": [(0, "wrong", "wrong")] * 4
    + [(0, "wrong", "now locked"), (29, "wrong", "locked"), (30, "right", "in")],
}


@pytest.mark.parametrize("tries", LOCK_OUT.values(), ids=LOCK_OUT.keys())
def test_lock_out(app, now, tries):
    person = make.person(login="liying")
    passwords = {"right": make.PASSWORD, "wrong": WRONG}
    told = [knock(person.login, passwords[kind], now + minutes * MINUTE) for minutes, kind, _ in tries]
    assert told == [expected for _, _, expected in tries]


def test_the_name_is_the_same_in_every_spelling(app, now):
    make.person(login="liying")
    assert [knock(name, WRONG, now) for name in ("LiYing", " liying ", "ｌｉｙｉｎｇ", "liying", "LIYING")][
        -1
    ] == "now locked"
    assert knock("liying", make.PASSWORD, now) == "locked"


def test_an_unknown_name_behaves_exactly_alike(app, now):
    make.person(login="known")
    tries = [(0, WRONG)] * 6 + [(20, WRONG), (30, WRONG)]
    told = {
        name: [knock(name, password, now + minutes * MINUTE) for minutes, password in tries]
        for name in ("known", "unknown", "*system*")
    }
    assert told["known"] == told["unknown"] == told["*system*"]


def test_other_people_are_not_affected(app, now):
    make.person(login="liying")
    make.person(login="zhouyan")
    for _ in range(6):
        knock("liying", WRONG, now)
    assert knock("zhouyan", make.PASSWORD, now) == "in"


@pytest.mark.parametrize("password", [WRONG, make.PASSWORD], ids=["wrong", "right"])
def test_twenty_at_once_get_five_tries(app, now, password):
    """Each thread has its own context, session and connection, as processes have."""
    make.person(login="liying", password_hash=make.PASSWORD_HASH)
    db.session.remove()
    barrier = Barrier(20)

    def one(_number: int) -> bool:
        with app.app_context():
            barrier.wait()
            try:
                with unit_of_work():
                    reserve("liying", now=now)
                return True
            except Locked:
                return False

    with ThreadPoolExecutor(20) as pool:
        allowed = list(pool.map(one, range(20)))
    assert allowed.count(True) == MOST_TRIES
    assert knock("liying", password, now + MINUTE) == "locked"


def test_tries_and_sessions_are_in_the_log_without_passwords(app, now):
    person = make.person(login="liying")
    for _ in range(MOST_TRIES):
        knock("liying", WRONG, now)
    knock("liying", make.PASSWORD, now + LOCKED_FOR)
    assert tags(person.id) == ["person:session:sign-in-refused"] * 5 + [
        "person:session:lock",
        "person:session:sign-in",
    ]
    knock(WRONG, "x", now)  # the password typed into the wrong field
    everything = str(db.session.execute(select(Event.data, Event.reason)).all())
    assert WRONG not in everything and WRONG.lower() not in everything and make.PASSWORD not in everything


def test_a_weak_hash_is_made_strong_at_sign_in(app, now):
    weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(make.PASSWORD)
    person = make.person(login="liying", password_hash=weak)
    assert knock("liying", make.PASSWORD, now) == "in"
    stored = db.session.scalar(select(Person.password_hash).where(Person.id == person.id))
    assert "m=19456,t=2,p=1" in stored
    assert knock("liying", make.PASSWORD, now) == "in"
    assert db.session.scalar(select(Person.password_hash).where(Person.id == person.id)) == stored


def test_an_account_that_changed_while_the_password_was_compared_stays_shut(app, now):
    person = make.person(login="liying")
    with unit_of_work():
        attempt = reserve("liying", now=now)
    assert matches(attempt, make.PASSWORD)
    with unit_of_work() as session:
        session.get_one(Person, person.id).disabled_at = now
    with unit_of_work():
        assert admit(attempt, make.PASSWORD, now=now) is None


def opened(person, now) -> str:
    """The digest of a session just opened."""
    with unit_of_work():
        return digest_of(open_session(actor=make.actor(person), now=now))


def test_only_the_digest_of_a_session_is_kept(app, now):
    person = make.person()
    with unit_of_work():
        secret = open_session(actor=make.actor(person), now=now)
    assert len(secret) >= 43
    kept = db.session.scalars(select(LoginSession.digest)).one()
    assert kept == digest_of(secret) and secret not in kept


def test_a_session_idles_out_and_ends(app, now):
    digest = opened(make.person(), now)
    assert session_of(digest, now=now + IDLE - MINUTE) is not None
    assert session_of(digest, now=now + IDLE) is None
    moment = now
    while session_of(digest, now=moment) is not None:
        with unit_of_work():
            touch(digest, now=moment)
        moment += 20 * MINUTE
    assert moment == now + timedelta(hours=12)


def test_use_is_written_at_most_once_a_minute(app, now):
    digest = opened(make.person(), now)
    for seconds, seen in ((30, 0), (59, 0), (60, 60), (90, 60), (121, 121)):
        with unit_of_work():
            touch(digest, now=now + timedelta(seconds=seconds))
        assert session_of(digest, now=now + timedelta(seconds=seconds)).seen_at == now + timedelta(seconds=seen)


def test_a_closed_session_stays_closed(app, now):
    person = make.person()
    digest = opened(person, now)
    for _ in range(2):
        with unit_of_work():
            close_session(digest, actor=make.actor(person), now=now)
    assert session_of(digest, now=now) is None
    assert tags(person.id) == ["person:session:sign-in", "person:session:sign-out"]


def test_a_disabled_person_has_no_session(app, now):
    person = make.person()
    digest = opened(person, now)
    with unit_of_work() as session:
        session.get_one(Person, person.id).disabled_at = now
    assert session_of(digest, now=now) is None
