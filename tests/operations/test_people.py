"""Accounts, passwords and posts; the first administrator; who administers whom."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from campaign.db import db, unit_of_work
from campaign.errors import Forbidden, Invalid, NotFound, Refused
from campaign.models import Event, Person, Post
from campaign.operations.people import (
    add_post,
    change_password,
    choose_language,
    create_first_administrator,
    create_person,
    disable_person,
    enable_person,
    end_post,
    reset_password,
    set_first_password,
)
from campaign.operations.signing_in import Locked, digest_of, matches, open_session, reserve
from campaign.queries.people import actor_of, session_of
from campaign.rules.accounts import password_problems
from campaign.rules.organisation import SYSTEM, Level, Line, Role
from tests import make
from tests.together import at_once

TODAY = make.TODAY
GOOD = "Plum-blossom-77"


@pytest.fixture
def county(app):
    """A county with 党委 and 妇联, a township below it, and an administrator of the county's 党委."""
    top = make.area("清河县")
    below = make.area("石桥镇", Level.TOWNSHIP, top)
    units = {
        "party": make.unit(top, Line.PARTY),
        "women": make.unit(top, Line.WOMEN),
        "town": make.unit(below, Line.WOMEN),
        "town union": make.unit(below, Line.UNION),
    }
    units["admin"] = make.actor(make.holder(units["party"], Role.ADMINISTRATOR))
    return units


def last_tag(person_id: int) -> str:
    """The last thing the log tells of a person."""
    rows = select(Event.tag).where(Event.subject == "person", Event.subject_id == person_id).order_by(Event.id.desc())
    return db.session.scalars(rows).first()


def right(login: str, password: str, now) -> bool:
    """Whether the password opens the account."""
    with unit_of_work():
        return matches(reserve(login, now=now), password)


BAD = {
    "Ab1-": "Use at least",
    "onlysmallletters": "three of these four",
    "ONLY-SIGNS-AND-CAPITALS": "three of these four",
    "Liying-is-in-99": "your login name",
    "xX9-李迎-tree-top": "your login name",
    "Password-2026!": "Too many people",
    "P@ssw0rd2026": "Too many people",
    "Qwer1234qwer!": "Too many people",
    "x" * 130: "Use at most",
}


@pytest.mark.parametrize(("password", "sentence"), BAD.items())
def test_rules_for_passwords(password, sentence):
    told = [str(problem) for problem in password_problems(password, login="liying", name="李迎")]
    assert any(sentence in line for line in told), told


def test_good_passwords():
    for password in (GOOD, "梅花-three-7", "correct Horse 12", make.PASSWORD):
        assert password_problems(password, login="liying", name="李迎") == []


def test_an_account_begins_without_a_password(county, now):
    with unit_of_work():
        person_id = create_person(login=" LiYing ", name="李迎", actor=county["admin"], now=now)
    person = db.session.get_one(Person, person_id)
    assert (person.login, person.password_hash, person.must_change_password) == ("liying", None, True)
    assert not right("liying", "", now)
    assert last_tag(person_id) == "person:account:create"


@pytest.mark.parametrize("login", ["liying", "LIYING", "a", "with space", "x" * 65, "*system*", ""])
def test_logins_that_are_refused(county, now, login):
    make.person(login="liying")
    with pytest.raises(Invalid) as refusal, unit_of_work():
        create_person(login=login, name="李迎", actor=county["admin"], now=now)
    assert [problem.where for problem in refusal.value.problems] == ["login"]


def test_a_first_password_must_be_changed(county, now):
    person = make.person(login="liying", password_hash=None)
    with unit_of_work():
        set_first_password(person.id, GOOD, actor=county["admin"], now=now)
    assert person.must_change_password and right("liying", GOOD, now)
    with pytest.raises(Invalid, match="not changed") as refusal, unit_of_work():
        change_password(GOOD, actor=make.actor(person), now=now)
    assert "former" in str(refusal.value.problems[0].sentence)
    with unit_of_work():
        change_password(GOOD + "x", actor=make.actor(person), now=now)
    assert not person.must_change_password and right("liying", GOOD + "x", now)
    assert last_tag(person.id) == "person:password:change"


def test_a_new_password_ends_every_session(county, now):
    person = make.person(login="liying")
    with unit_of_work():
        digest = digest_of(open_session(actor=make.actor(person), now=now))
    with unit_of_work():
        change_password(GOOD, actor=make.actor(person), now=now)
    assert session_of(digest, now=now) is None


def test_a_reset_gives_a_one_time_password_and_lifts_the_lock(county, now):
    person = make.holder(county["town"], login="liying", name="李迎")
    for _ in range(5):
        right("liying", "wrong", now)
    with pytest.raises(Locked), unit_of_work():
        reserve("liying", now=now)
    with unit_of_work():
        password = reset_password(person.id, actor=county["admin"], now=now)
    db.session.expire_all()
    assert right("liying", password, now) and db.session.get_one(Person, person.id).must_change_password
    assert last_tag(person.id) == "person:password:reset"
    assert password not in str(db.session.execute(select(Event.data)).all())


def test_disabling_acts_at_once_and_can_be_undone(county, now):
    person = make.holder(county["town"])
    with unit_of_work():
        digest = digest_of(open_session(actor=make.actor(person), now=now))
    for _ in range(2):
        with unit_of_work():
            disable_person(person.id, actor=county["admin"], now=now)
    assert session_of(digest, now=now) is None and actor_of(person.id, TODAY) is None
    with unit_of_work():
        enable_person(person.id, actor=county["admin"], now=now)
    assert session_of(digest, now=now) is None and actor_of(person.id, TODAY) is not None
    assert last_tag(person.id) == "person:account:enable"


def test_nobody_locks_the_door_from_inside(county, now):
    admin = county["admin"]
    with pytest.raises(Refused, match="your own"), unit_of_work():
        disable_person(admin.person_id, actor=admin, now=now)
    with pytest.raises(Refused, match="last administrator"), unit_of_work():
        disable_person(admin.person_id, actor=SYSTEM, now=now)
    with pytest.raises(Refused, match="last administrator"), unit_of_work():
        end_post(admin.posts[0].id, actor=admin, now=now)
    make.holder(county["women"], Role.ADMINISTRATOR)
    with unit_of_work():
        disable_person(admin.person_id, actor=SYSTEM, now=now)


def test_of_two_administrators_who_close_each_other_out_one_stays(app, county, now):
    peer = make.actor(make.holder(county["party"], Role.ADMINISTRATOR))
    pair = [county["admin"], peer]
    for _ in range(8):
        acts = [
            lambda by=by, out=out: disable_person(out.person_id, actor=by, now=now) for by, out in (pair, pair[::-1])
        ]
        assert sum(isinstance(answer, Refused) for answer in at_once(app, *acts)) == 1
        with unit_of_work() as session:
            closed = session.scalars(select(Person.id).where(Person.disabled_at.is_not(None))).one()
            enable_person(closed, actor=SYSTEM, now=now)


def test_a_post_given_twice_at_once_is_one(app, county, now):
    person, admin = make.person(), county["admin"]
    unit_id = county["women"].id
    acts = [
        lambda day=day: add_post(person.id, unit_id, Role.OFFICER, valid_from=day, actor=admin, now=now)
        for day in (TODAY, TODAY, TODAY + timedelta(days=1), TODAY + timedelta(days=2))
    ]
    assert sum(isinstance(answer, Refused) for answer in at_once(app, *acts)) == 3


def test_posts_count_while_they_are_valid(county, now):
    person = make.person()
    with unit_of_work():
        first = add_post(person.id, county["town"].id, Role.OFFICER, valid_from=TODAY, actor=county["admin"], now=now)
        add_post(
            person.id,
            county["women"].id,
            Role.AUDITOR,
            valid_from=TODAY,
            valid_to=TODAY,
            actor=county["admin"],
            now=now,
        )
    today, tomorrow, yesterday = TODAY, TODAY + timedelta(days=1), TODAY - timedelta(days=1)
    assert [len(actor_of(person.id, day).posts) for day in (yesterday, today, tomorrow)] == [0, 2, 1]
    with unit_of_work():
        end_post(first, on=tomorrow, actor=county["admin"], now=now)
    assert [len(actor_of(person.id, tomorrow + timedelta(days=more)).posts) for more in (0, 1)] == [1, 0]
    with unit_of_work():
        end_post(first, actor=county["admin"], now=now)
    assert len(actor_of(person.id, today).posts) == 1
    assert last_tag(person.id) == "person:post:end"
    admin = county["admin"]
    with unit_of_work():
        add_post(admin.person_id, county["women"].id, Role.SUPERVISOR, valid_from=TODAY, actor=admin, now=now)
    assert last_tag(admin.person_id) == "person:post:take", "what an administrator gives themselves stands out"


def test_a_post_holds_what_the_law_needs(county):
    person = make.holder(county["town"], Role.SUPERVISOR)
    assert actor_of(person.id, TODAY) == make.actor(person)
    assert actor_of(10**9, TODAY) is None


def test_the_same_post_is_not_given_twice(county, now):
    person = make.holder(county["town"])
    with pytest.raises(Refused, match="already"), unit_of_work():
        add_post(person.id, county["town"].id, Role.OFFICER, valid_from=TODAY, actor=county["admin"], now=now)
    with pytest.raises(Invalid), unit_of_work():
        add_post(
            person.id,
            county["town"].id,
            Role.AUDITOR,
            valid_from=TODAY,
            valid_to=date(2020, 1, 1),
            actor=county["admin"],
            now=now,
        )


def test_administrators_keep_to_their_line_and_subtree(county, now):
    """党委 administers all lines below it, other units their own; a higher post is not reached through a lower one."""
    town = make.actor(make.holder(county["town"], Role.ADMINISTRATOR))
    officer = make.holder(county["town"])
    with unit_of_work():
        reset_password(officer.id, actor=town, now=now)
    both = make.holder(county["town"])
    make.post(both, county["women"])
    strangers = [both, make.holder(county["women"]), make.holder(county["town union"]), db.session.get_one(Person, 1)]
    for person in strangers:
        with pytest.raises(NotFound), unit_of_work():
            reset_password(person.id, actor=town, now=now)
    for unit in ("women", "town union"):
        with pytest.raises(NotFound), unit_of_work():
            add_post(officer.id, county[unit].id, Role.OFFICER, valid_from=TODAY, actor=town, now=now)
    for person in strangers[:3]:
        with unit_of_work():
            reset_password(person.id, actor=county["admin"], now=now)


def test_only_administrators(county, now):
    officer = make.actor(make.holder(county["party"], Role.DISPATCHER))
    post_id = officer.posts[0].id
    acts = [
        lambda: create_person(login="new", name="新", actor=officer, now=now),
        lambda: set_first_password(officer.person_id, GOOD, actor=officer, now=now),
        lambda: reset_password(officer.person_id, actor=officer, now=now),
        lambda: disable_person(officer.person_id, actor=officer, now=now),
        lambda: enable_person(officer.person_id, actor=officer, now=now),
        lambda: add_post(officer.person_id, 1, Role.AUDITOR, valid_from=TODAY, actor=officer, now=now),
        lambda: end_post(post_id, actor=officer, now=now),
    ]
    for act in acts:
        with pytest.raises(Forbidden), unit_of_work():
            act()


def test_the_first_administrator(app, now):
    with pytest.raises(Refused, match="Import the areas"), unit_of_work():
        create_first_administrator(login="root", name="管理员", password=GOOD, now=now)
    top = make.area("清河县")
    make.unit(top, Line.WOMEN)
    party = make.unit(top, Line.PARTY)
    with pytest.raises(Invalid), unit_of_work():
        create_first_administrator(login="chenmin", name="陈敏", password="short", now=now)
    with unit_of_work():
        person_id = create_first_administrator(login="chenmin", name="陈敏", password=GOOD, now=now)
    post = db.session.scalars(select(Post)).one()
    assert (post.person_id, post.unit_id, post.role) == (person_id, party.id, Role.ADMINISTRATOR)
    assert right("chenmin", GOOD, now) and not db.session.get_one(Person, person_id).must_change_password
    with pytest.raises(Refused, match="administrator already"), unit_of_work():
        create_first_administrator(login="second", name="第二", password=GOOD, now=now)


def test_nobody_can_sign_in_to_a_fresh_system(app):
    assert db.session.scalars(select(Person.login).where(Person.password_hash.is_not(None))).all() == []


def test_a_language_is_chosen_once(app, now):
    person = make.person()
    for _ in range(2):
        with unit_of_work():
            choose_language("en", actor=make.actor(person), now=now)
    assert db.session.scalar(select(Person.locale).where(Person.id == person.id)) == "en"
    assert len(db.session.scalars(select(Event.id)).all()) == 1
