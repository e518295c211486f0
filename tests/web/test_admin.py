"""The administration in a browser: who comes in, the tree, people and posts, imports, jobs, the log."""

import io

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Area, Event, Person, Post, Unit
from campaign.operations.log import record
from campaign.rules.organisation import SYSTEM, Line, Role
from tests import make
from tests.counting import statements

PAGES = (
    "/admin", "/admin/areas", "/admin/areas?text=村", "/admin/people", "/admin/people?standing=no-post",
    "/admin/import/areas", "/admin/import/people", "/admin/people/new", "/admin/jobs", "/admin/jobs?state=faulty",
    "/admin/deliveries", "/admin/log", "/admin/log?subject=person&person=x&since=2026-11-01&until=2026-11-30",
    "/admin/log/verification",
)  # fmt: skip


@pytest.fixture
def tree(app, monkeypatch, now):
    monkeypatch.setattr(clock, "now", lambda: now)
    return make.small_tree()


def enters(visitor, unit, role=Role.ADMINISTRATOR):
    """Signs in somebody with that post, speaking English; the person."""
    person = make.holder(unit, role, name="管理者", locale="en")
    visitor.sign_in(person)
    return person


@pytest.fixture
def county(tree, visitor):
    """The county's 党委 administrator at the browser."""
    enters(visitor, tree.unit(tree.county, Line.PARTY))
    return visitor


def count(noun):
    return db.session.execute(select(func.count()).select_from(noun)).scalar_one()


def upload(visitor, what, text, status=200):
    form = visitor.get(f"/admin/import/{what}")
    return form.submit("Show the preview", status=status, file=(io.BytesIO(text.encode("gb18030")), "名册.csv"))


# -- who comes in ----------------------------------------------------------------------------------------------------


def test_every_page_opens_for_administrators_and_says_no_to_others(tree, visitor):
    for path in PAGES:
        assert visitor.get(path).path.startswith("/sign-in"), path
    visitor.sign_in(tree.holder(tree.county, Role.DISPATCHER))
    for path in PAGES:
        visitor.get(path, status=403)
    visitor.sign_out()
    enters(visitor, tree.unit(tree.city, Line.PARTY))
    for path in PAGES:
        visitor.get(path)


def test_an_auditor_reads_and_changes_nothing(tree, visitor):
    enters(visitor, tree.unit(tree.city, Line.PARTY), Role.AUDITOR)
    for path in ("/admin", "/admin/areas", "/admin/people", "/admin/jobs", "/admin/log"):
        page = visitor.get(path)
        assert not page.has("Import"), path
        assert not page.has("Add a person"), path
    person = tree.holder(tree.villages[0], Role.OFFICER)
    assert not visitor.get(f"/admin/people/{person.id}").has("Disable the account")
    token = next(e for e in visitor.get("/me").root.all("input") if e.get("name") == "csrf_token").get("value")
    for path in (f"/admin/people/{person.id}/disable", "/admin/import/areas", "/admin/deliveries/1/resend"):
        visitor.post(path, {"csrf_token": token}, status=403)
    assert db.session.get_one(Person, person.id).disabled_at is None


def test_a_stranger_who_sends_a_form_gets_a_page_not_a_failure(tree, visitor):
    assert visitor.client.post("/admin/people/1/disable").status_code in (400, 401)


# -- areas -----------------------------------------------------------------------------------------------------------


def test_the_tree_is_walked_level_by_level(tree, county):
    top = county.get("/admin/areas")
    assert top.has("清河县")
    assert "云川市" not in top.main
    page = county.get(f"/admin/areas?area={tree.county.id}")
    assert page.has("清河县妇联", "柳林镇", "石桥乡", "County")
    assert page.click("柳林镇").has("柳林东村", "柳林西村", "柳林新村")


def test_areas_are_found_by_name_and_by_the_beginning_of_the_code(tree, county):
    found = county.get("/admin/areas").submit("Search", text="东村")
    assert found.has("柳林东村", "石桥东村", "2 areas")
    assert "柳林西村" not in found.main
    assert county.get("/admin/areas").submit("Search", text=tree.villages[0].code).has("柳林东村", "1 area")
    assert county.get("/admin/areas").submit("Search", text="没有").has("Nothing matches")


def test_outside_the_reach_an_area_does_not_exist(tree, visitor):
    enters(visitor, tree.unit(tree.townships[0]))
    assert visitor.get(f"/admin/areas?area={tree.townships[0].id}").has("柳林镇妇联")
    assert "柳林镇工会" not in visitor.get(f"/admin/areas?area={tree.townships[0].id}").main
    visitor.get(f"/admin/areas?area={tree.townships[1].id}", status=404)
    visitor.get(f"/admin/areas?area={tree.county.id}", status=404)
    assert "石桥" not in visitor.get("/admin/areas?text=村").main


def test_pages_of_areas_follow_each_other_by_key(tree, county, monkeypatch):
    monkeypatch.setattr("campaign.queries.organisation.PAGE", 2)
    first = county.get("/admin/areas?text=村")
    second = first.click("Next page")
    third = second.click("Next page")
    assert first.has("柳林东村", "柳林西村")
    assert second.has("柳林新村", "石桥东村")
    assert third.has("石桥西村", "石桥新村")
    assert "Next page" not in third.links


def test_what_is_exported_can_be_imported_again(tree, county):
    answer = county.client.get(f"/admin/areas.csv?area={tree.townships[0].id}")
    text = answer.data.decode("utf-8-sig")
    assert text.splitlines()[0] == "code,name,level,parent_code,kind,lines,valid_from,valid_to"
    assert len(text.splitlines()) == 5
    assert upload(county, "areas", text).has("there is nothing to import")
    sheet = load_workbook(io.BytesIO(county.client.get("/admin/areas.xlsx?text=东村").data)).active
    assert [row[1].value for row in sheet.rows][1:] == ["柳林东村", "石桥东村"]


# -- people ----------------------------------------------------------------------------------------------------------


def test_the_list_shows_who_is_within_reach_and_filters(tree, visitor):
    inside, outside = tree.holder(tree.villages[0], Role.OFFICER), tree.holder(tree.villages[5], Role.OFFICER)
    enters(visitor, tree.unit(tree.townships[0]))
    page = visitor.get("/admin/people")
    assert page.has(inside.name)
    assert outside.login not in page.main
    visitor.get(f"/admin/people/{inside.id}")
    visitor.get(f"/admin/people/{outside.id}", status=404)
    supervisors = page.submit("Filter", role=str(int(Role.SUPERVISOR)))
    assert supervisors.has("1 person", "Supervisor")
    assert page.submit("Filter", text=inside.login).has("1 person")
    assert page.submit("Filter", standing="disabled").has("Nothing matches")


def test_people_are_paged_and_exported_one_row_a_post(tree, county, monkeypatch):
    monkeypatch.setattr("campaign.queries.accounts.PAGE", 20)
    monkeypatch.setattr("campaign.queries.accounts.CHUNK", 7)
    pages = [county.get("/admin/people")]
    while "Next page" in pages[-1].links:
        pages.append(pages[-1].click("Next page"))
    logins = [login for page in pages for login in _logins(page)]
    assert logins == sorted(logins)
    sheet = load_workbook(io.BytesIO(county.client.get("/admin/people.xlsx").data)).active
    assert {row[0].value for row in sheet.rows} - {"Login name"} == set(logins)


def _logins(page):
    body = next(page.root.all("tbody"))
    return [next(e for e in row.all("span") if e.get("class") == "frac").text for row in body.all("tr")]


def test_a_new_person_gets_a_post_and_a_password_shown_once(tree, county):
    form = county.get("/admin/people/new?unit=柳林镇妇联")
    wrong = form.submit("Add the person", status=422, login="a b", name="新人")
    assert wrong.has("letters, digits")
    assert form.submit("Add the person", status=422, login="xin.ren", name="新人", unit="月亮妇联").has("no unit")
    page = form.submit("Add the person", login="xin.ren", name="新人", role=str(int(Role.SUPERVISOR)))
    password = next(e for e in page.root.all("p") if "one-time" in e.get("class")).text
    person = db.session.scalars(select(Person).where(Person.login == "xin.ren")).one()
    post = db.session.scalars(select(Post).where(Post.person_id == person.id)).one()
    assert (post.unit_id, post.role) == (tree.unit(tree.townships[0]).id, Role.SUPERVISOR)
    assert password not in page.click("Done").html
    county.sign_out()
    assert county.sign_in(person, password).path == "/me/password"


def test_posts_are_added_and_ended(tree, county):
    person = tree.holder(tree.villages[0], Role.OFFICER)
    page = county.get(f"/admin/people/{person.id}")
    code = tree.townships[0].code
    assert page.submit("Add the post", status=422, unit=code).has("several units")
    added = page.submit("Add the post", unit=code, line=str(int(Line.UNION)), role=str(int(Role.SUPERVISOR)))
    assert added.has("柳林镇工会", "The post was added")
    assert page.submit("Add the post", status=409, unit=code, line=str(int(Line.UNION)),
                       role=str(int(Role.SUPERVISOR))).has("already")  # fmt: skip
    ended = added.submit("End now")
    assert ended.has("The post was ended")
    assert db.session.execute(select(func.count()).where(Post.disabled_at.is_not(None))).scalar_one() == 1


def test_accounts_are_disabled_opened_and_given_a_new_password(tree, county):
    person = tree.holder(tree.villages[0], Role.OFFICER)
    page = county.get(f"/admin/people/{person.id}").submit("Disable the account")
    assert page.has("Disabled", "signed out everywhere")
    assert db.session.get_one(Person, person.id).disabled_at is not None
    assert page.submit("Open the account again").has("open again")
    assert page.submit("Make a new first password").has("shown here once")


def test_somebody_elses_posts_are_not_ended_from_here(tree, visitor):
    person = tree.holder(tree.villages[0], Role.OFFICER)
    make.post(person, tree.unit(tree.villages[5]), Role.OFFICER)
    enters(visitor, tree.unit(tree.townships[0]))
    page = visitor.get(f"/admin/people/{person.id}")
    assert page.has("looked after there")
    assert "Disable the account" not in page.main
    assert page.main.count("End now") == 1


# -- imports ---------------------------------------------------------------------------------------------------------


def test_areas_are_previewed_then_imported_without_asking_for_the_file_again(tree, county):
    code = tree.townships[0].code
    rows = (f"{code},柳林新镇,,,妇联,x", f"990000999001,南村,village,{code},妇联;工会,")
    text = "\n".join(("code,name,level,parent_code,lines,备注", *rows))
    before = count(Area)
    page = upload(county, "areas", text)
    assert page.has("名册.csv", "柳林镇", "柳林新镇", "南村", "备注")
    assert count(Area) == before
    done = page.submit("Import these areas")
    assert done.has("Imported: 1 areas added, 1 changed, 2 units added.")
    names = set(db.session.scalars(select(Unit.name)))
    assert {"柳林新镇妇联", "南村妇联", "南村工会"} <= names
    assert page.submit("Import these areas", status=409).has("upload it again")


def test_the_preview_of_a_move_says_from_where_to_where_and_what_follows(tree, county):
    one, other, ended = tree.villages[0], tree.townships[1], tree.villages[1]
    rows = (f"{one.code},{one.name},{other.code},,", f"{ended.code},{ended.name},,2026-11-30,{one.code}")
    page = upload(county, "areas", "\n".join(("code,name,parent_code,valid_to,successor_code", *rows)))
    assert page.has(
        "areas that move 1", f"moves from {tree.townships[0].name} to {other.name}", "where it stood on the day"
    )
    assert page.has(f"given up on 30 Nov, followed by {one.name}")


def test_bad_rows_are_listed_by_line_and_nothing_changes(tree, county):
    before = count(Area), count(Event)
    page = upload(county, "areas", "编码,名称,级别\n1.1E+11,坏村,村\n990199001001,孤村,村\n", status=422)
    rows = [row.text for row in next(page.root.all("tbody")).all("tr")]
    assert [row.split()[0] for row in rows] == ["2", "3"]
    assert "Excel turned the code" in rows[0]
    assert (count(Area), count(Event)) == before
    assert upload(county, "areas", "x", status=422).has("missing")
    page = county.get("/admin/import/areas").submit("Show the preview", status=422)
    assert page.has("choose a file")


def test_people_are_imported_and_their_passwords_shown_once(tree, county):
    text = "用户名,姓名,单位,角色\nnew1,新一,柳林镇妇联,经办人\nnew1,新一,柳林镇妇联,审核人\n"
    page = upload(county, "people", text)
    assert page.has("新一", "new person")
    done = page.submit("Import these people")
    assert done.has("1 first password", "new1", "柳林镇妇联")
    form = done.form("Save the list")
    listed = next(field for field in form.all("input") if field.get("name") == "list").get("value")
    token = next(field for field in form.all("input") if field.get("name") == "csrf_token").get("value")
    answer = county.client.post("/admin/import/people/passwords", data={"list": listed, "csrf_token": token})
    sheet = load_workbook(io.BytesIO(answer.data)).active
    assert sheet["A2"].value == "new1"
    password = sheet["D2"].value
    person = db.session.scalars(select(Person).where(Person.login == "new1")).one()
    assert person.must_change_password
    county.sign_out()
    assert county.sign_in(person, password).path == "/me/password"


def test_an_uploaded_file_belongs_to_who_sent_it(tree, visitor):
    enters(visitor, tree.unit(tree.county, Line.PARTY))
    page = upload(visitor, "areas", "code,name,parent_code\n990000999001,南村,\n", status=422)
    visitor.sign_out()
    enters(visitor, tree.unit(tree.city, Line.PARTY))
    visitor.get(page.path, status=409)
    visitor.get("/admin/import/areas?file=../../etc/passwd", status=409)


def test_the_sample_files_hold_text_and_are_read_back(tree, county):
    for what in ("areas", "people"):
        sheet = load_workbook(io.BytesIO(county.client.get(f"/admin/import/{what}.xlsx").data)).active
        assert all(cell.data_type == "s" for row in sheet.rows for cell in row if cell.value is not None)


# -- the log ---------------------------------------------------------------------------------------------------------


def test_the_log_is_filtered_paged_and_exported(tree, county, monkeypatch, now):
    monkeypatch.setattr("campaign.queries.log.PAGE", 3)
    with unit_of_work():
        for area in tree.villages[:4]:
            record(tag="organisation:areas:import", subject="area", subject_id=area.id, actor=SYSTEM, now=now,
                   data={"added": 1, "changed": 0, "digest": "d"})  # fmt: skip
    page = county.get("/admin/log").submit("Filter", subject="area")
    assert len(list(next(page.root.all("tbody")).all("tr"))) == 3
    assert len(list(next(page.click("Next page").root.all("tbody")).all("tr"))) == 1
    one = page.submit("Filter", subject="area", number=str(tree.villages[0].id))
    assert len(list(next(one.root.all("tbody")).all("tr"))) == 1
    assert page.submit("Filter", subject="", person="管理者").has("Signed in")
    assert page.submit("Filter", since="2026-11-21").has("Nothing matches")
    text = county.client.get("/admin/log.csv?subject=area").data.decode("utf-8-sig")
    assert len(text.splitlines()) == 5


def test_the_log_shows_only_what_lies_within_reach(tree, visitor, now):
    with unit_of_work():
        for place in (tree.villages[0], tree.villages[5]):
            record(tag="organisation:areas:import", subject="area", subject_id=place.id, actor=SYSTEM, now=now,
                   data={"added": 1, "changed": 0, "digest": "d"})  # fmt: skip
        outside = tree.holder(tree.villages[5], Role.OFFICER)
        record(tag="person:account:disable", subject="person", subject_id=outside.id, actor=SYSTEM, now=now)
    enters(visitor, tree.unit(tree.townships[0]))
    assert visitor.get("/admin/log?subject=area").has("1 row on this page")
    assert visitor.get("/admin/log?tag=person:account:disable").has("Nothing matches")


def test_the_verification_says_whether_the_log_holds(tree, county):
    assert county.get("/admin/log/verification").has("The log holds", "not sealed yet")


# -- weight ----------------------------------------------------------------------------------------------------------


def test_no_page_asks_more_often_when_there_is_more(tree, county):
    counts = []
    for _ in range(2):
        per_page = []
        for path in PAGES:
            with statements() as seen:
                county.get(path)
            per_page.append(sum(1 for text in seen if text.lstrip().upper().startswith(("SELECT", "WITH"))))
        counts.append(per_page)
        for village in tree.villages:
            for number in range(3):
                made = make.area(f"{village.name}{number}组", 6, village)
                make.holder(make.unit(made), Role.OFFICER)
    assert counts[0] == counts[1]
    assert max(counts[0]) <= 10
