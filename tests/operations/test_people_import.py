"""Importing people: one row a post, all rows valid or nothing changed, first passwords told once."""

from datetime import date

import pytest
from sqlalchemy import func, select

from campaign.db import db, unit_of_work
from campaign.documents.tables import table_of
from campaign.errors import Forbidden, Invalid
from campaign.models import Event, Person, Post
from campaign.operations.people_import import import_people, preview_people
from campaign.operations.signing_in import admit, matches, reserve
from campaign.rules.organisation import SYSTEM, Line, Role
from tests import make
from tests.counting import statements

TODAY = date(2026, 11, 20)
HEADINGS = ("login", "name", "phone", "email", "unit", "line", "role", "valid_from", "valid_to", "password")


@pytest.fixture
def county(app):
    """清河县 with 党委 and 妇联, two towns with 妇联, one of them with 工会 too, and two villages of one name."""
    top = make.area("清河县", code="990100000000")
    towns = [
        make.area(name, 4, top, code=code) for name, code in (("石桥镇", "990101000000"), ("柳林镇", "990102000000"))
    ]
    villages = [make.area("新村", 5, town, code=f"{town.code[:6]}001001") for town in towns]
    for place in (top, *towns, *villages):
        make.unit(place, Line.WOMEN)
    return {"党委": make.unit(top, Line.PARTY), "工会": make.unit(towns[0], Line.UNION), "areas": (top, *towns)}


def row(login, name="张三", unit="石桥镇妇联", role="经办人", **more):
    cells = {"login": login, "name": name, "unit": unit, "role": role} | more
    return tuple(cells.get(heading, "") for heading in HEADINGS)


def table(rows, headings=HEADINGS):
    return table_of("people.csv", headings, rows)


def load(rows, now, actor=SYSTEM, **more):
    with unit_of_work():
        return import_people(table(rows), actor=actor, now=now, today=TODAY, **more)


def problems(rows, now, actor=SYSTEM):
    before = [db.session.execute(select(func.count()).select_from(noun)).scalar() for noun in (Person, Post, Event)]
    with pytest.raises(Invalid) as caught:
        load(rows, now, actor)
    assert before == [
        db.session.execute(select(func.count()).select_from(noun)).scalar() for noun in (Person, Post, Event)
    ]
    return [(problem.where, str(problem.sentence)) for problem in caught.value.problems]


def posts_of(login):
    rows = db.session.scalars(select(Post).join(Person).where(Person.login == login).order_by(Post.id)).all()
    return [(post.role, post.valid_from, post.valid_to) for post in rows]


def test_new_people_get_a_post_and_a_password_told_once(county, now):
    done = load([row("Zhang.San", phone="13800000000"), row("lisi", "李四", role="supervisor")], now)
    assert (done.added, done.posts, len(done.passwords)) == (2, 2, 2)
    first = done.passwords[0]
    assert (first.login, first.unit) == ("zhang.san", "石桥镇妇联")
    person = db.session.scalars(select(Person).where(Person.login == "zhang.san")).one()
    assert person.must_change_password
    assert first.password not in person.password_hash
    attempt = reserve("zhang.san", now=now)
    assert matches(attempt, first.password)
    assert admit(attempt, first.password, now=now)
    assert "m=19456,t=2" in db.session.get_one(Person, person.id, populate_existing=True).password_hash
    assert posts_of("lisi") == [(Role.SUPERVISOR, TODAY, None)]


def test_a_password_of_the_file_is_taken_and_not_told(county, now):
    done = load([row("lisi", "李四", password="Kept-by-hand-77")], now)
    assert done.passwords == ()
    assert matches(reserve("lisi", now=now), "Kept-by-hand-77")


def test_several_rows_of_one_login_are_several_posts(county, now):
    done = load([row("lisi"), row("lisi", role="审核人"), row("lisi", unit="990102000000", line="妇联")], now)
    assert (done.added, done.posts) == (1, 3)


def test_the_same_again_changes_nothing(county, now):
    rows = [row("lisi", valid_from="2026-03-01", valid_to="2027-03-01")]
    load(rows, now)
    again = load(rows, now)
    assert (again.added, again.changed, again.posts, again.ended, again.passwords) == (0, 0, 0, 0, ())
    assert db.session.execute(select(func.count()).select_from(Event)).scalar() == 1


def test_an_import_updates_and_adds_and_never_deletes(county, now):
    load([row("lisi", phone="13800000000"), row("wangwu", "王五")], now)
    done = load(
        [row("lisi", "李四", email="l@example.org", valid_to="2026-12-31"), row("lisi", "李四", role="审核人")], now
    )
    assert (done.added, done.changed, done.posts, done.ended) == (0, 1, 1, 1)
    person = db.session.scalars(select(Person).where(Person.login == "lisi")).one()
    assert (person.name, person.phone, person.email) == ("李四", "13800000000", "l@example.org")
    assert posts_of("lisi") == [(Role.OFFICER, TODAY, date(2026, 12, 31)), (Role.SUPERVISOR, TODAY, None)]
    assert len(posts_of("wangwu")) == 1


def test_every_bad_row_is_named_with_line_and_reason(county, now):
    make.person(name="外人", login="taken")
    load([row("gone", valid_from="2026-01-01", valid_to="2026-02-01")], now)
    bad = [
        (row(""), "login name is missing"),
        (row("a b"), "2 to 64"),
        (row("1.38E+10"), "Excel turned the login"),
        (row("a1", ""), "name is missing"),
        (row("a2", phone="1.38E+10"), "Excel turned the telephone"),
        (row("a3", phone="无"), "no telephone number"),
        (row("a4", email="x@y"), "no e-mail"),
        (row("a5", unit=""), "unit is missing"),
        (row("a6", unit="月亮妇联"), "no unit “月亮妇联”"),
        (row("a7", unit="新村妇联"), "Several units are called"),
        (row("a8", unit="9.9E+11"), "Excel turned the code"),
        (row("a9", unit="990101000000"), "several units; please"),
        (row("b1", line="商会"), "line “商会” is unknown"),
        (row("b2", role=""), "role is missing"),
        (row("b3", role="队长"), "role “队长” is unknown"),
        (row("b4", valid_from="昨天"), "is no date"),
        (row("b5", valid_from="2026-02-01", valid_to="2026-01-01"), "end before it begins"),
        (row("b6", password="short"), "at least"),
        (row("first", "李四", unit="柳林镇妇联"), "stands in line 2 for 张三"),
        (row("first"), "stands already in line 2"),
        (row("gone", valid_from="2026-01-01"), "was ended before"),
    ]
    found = problems([row("first"), *(given for given, _ in bad)], now)
    for line, (given, words) in enumerate(bad, 3):
        told = [sentence for where, sentence in found if where == f"people.csv:{line}"]
        assert any(words in sentence for sentence in told), (given, told)


def test_only_an_administrator_imports_and_only_into_their_units(county, now):
    top = county["areas"][0]
    officer = make.actor(make.holder(county["党委"], Role.DISPATCHER))
    with pytest.raises(Forbidden):
        load([row("lisi")], now, officer)
    town = make.unit(make.area("河西镇", 4, top, code="990103000000"), Line.WOMEN)
    admin = make.actor(make.holder(town, Role.ADMINISTRATOR))
    assert "no unit" in problems([row("lisi")], now, admin)[0][1]
    assert load([row("lisi", unit="河西镇妇联")], now, admin).added == 1
    union_admin = make.actor(make.holder(county["工会"], Role.ADMINISTRATOR))
    assert "no unit" in problems([row("zhaoliu")], now, union_admin)[0][1]
    party_admin = make.actor(make.holder(county["党委"], Role.ADMINISTRATOR))
    assert load([row("zhaoliu"), row("zhaoliu", unit="石桥镇工会")], now, party_admin).posts == 2


def test_somebody_elses_people_get_posts_but_keep_their_names(county, now):
    load([row("lisi", "李四", unit="柳林镇妇联")], now)
    admin = make.actor(make.holder(county["工会"], Role.ADMINISTRATOR))
    assert "outside your units" in problems([row("lisi", "冒名", unit="石桥镇工会")], now, admin)[0][1]
    assert load([row("lisi", "李四", unit="石桥镇工会", phone="13811111111")], now, admin).posts == 1
    assert db.session.scalars(select(Person).where(Person.login == "lisi")).one().phone is None


def test_the_system_cannot_be_imported_over(county, now):
    assert "2 to 64" in problems([row("*system*", "system")], now)[0][1]


def test_an_import_does_not_end_an_administrator(county, now):
    load([row("admin", role="管理员")], now)
    assert "administrator" in problems([row("admin", role="管理员", valid_to="2026-12-01")], now)[0][1]


def test_the_preview_tells_what_the_import_does(county, now):
    load([row("lisi")], now)
    rows = [row("lisi", "李四"), row("wangwu", "王五")]
    preview = preview_people(table(rows), actor=SYSTEM, today=TODAY)
    db.session.rollback()
    assert (preview.rows, preview.added, preview.changed, preview.posts, preview.unchanged) == (2, 1, 1, 1, 0)
    assert [(change.line, change.old_name, change.is_new) for change in preview.changes] == [
        (2, "张三", False), (3, None, True),
    ]  # fmt: skip
    done = load(rows, now)
    assert (done.added, done.changed, done.posts) == (preview.added, preview.changed, preview.posts)


def test_statements_do_not_grow_with_the_rows(county, now):
    counts = []
    for number in (10, 200):
        with statements() as seen:
            load([row(f"p{number}-{n}", f"人{n}") for n in range(number)], now)
        counts.append(len(seen))
    assert counts[0] == counts[1]
