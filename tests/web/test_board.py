"""The board in a browser: lights with words, drill-down and the way back, filters, exports, print, both languages."""

import csv
import io
import secrets
from datetime import timedelta
from urllib.parse import parse_qs, quote, unquote, urlsplit

import openpyxl
import pytest

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.documents.tables import table_of
from campaign.models import LoginSession
from campaign.operations.areas import import_areas
from campaign.operations.recording import record_states
from campaign.rules.organisation import SYSTEM, Level, Line, Role
from campaign.rules.plans import CampaignStatus
from campaign.rules.states import State
from campaign.web.access import digest_of
from tests import make
from tests.counting import statements


@pytest.fixture
def work(app, monkeypatch, now):
    """A county campaign: one task for the villages of two lines, one for the townships."""
    monkeypatch.setattr(clock, "now", lambda: now)
    tree = make.small_tree()
    tree.campaign = make.campaign(tree.unit(tree.county, Line.PARTY), title="巾帼建功")
    tree.task = make.task(tree.campaign, title="建会率", lines=(Line.WOMEN, Line.UNION))
    tree.towns = make.task(tree.campaign, title="=重点", receiving_level=Level.TOWNSHIP)
    dues = [now - timedelta(days=1), now + timedelta(days=20)]
    for number, village in enumerate(tree.villages):
        state = list(State)[number]
        make.assignment(tree.task, tree.unit(village), state, due_at=dues[number % 2])
        make.assignment(tree.task, tree.unit(village, Line.UNION), State.APPROVED)
    make.assignment(tree.towns, tree.unit(tree.townships[0]), State.ACKNOWLEDGED)
    return tree


@pytest.fixture
def enter(client, now):
    """Signs somebody in on this client."""

    def sign_in(person, language="en"):
        secret = secrets.token_hex(16)
        kept = {"digest": digest_of(secret), "person_id": person.id, "started_at": now, "seen_at": now}
        with unit_of_work() as session:
            session.add(LoginSession(**kept, ends_at=now + timedelta(hours=8)))
        client.set_cookie("locale", language)
        with client.session_transaction() as cookie:
            cookie["_user_id"], cookie["_fresh"] = secret, True

    return sign_in


@pytest.fixture
def dispatcher(work, enter):
    enter(work.holder(work.county, Role.DISPATCHER, Line.PARTY))
    return work


def path(work, **asked) -> str:
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    return f"/campaigns/{work.campaign.id}/board" + (f"?{query}" if query else "")


def test_the_board_shows_lights_with_words_and_leads_down_and_back(dispatcher, visitor):
    page = visitor.get(path(dispatcher))
    assert page.has("巾帼建功", "清河县", "柳林镇", "石桥乡", "建会率", "Overdue 1", "7/11", "returned 1", "missing 3")
    town = page.click("柳林镇")
    assert town.has("柳林镇, own level", "柳林东村")
    assert town.links["清河县"].startswith(f"/campaigns/{dispatcher.campaign.id}/board?area={dispatcher.county.id}")
    [ledger] = {href for text, href in town.links.items() if text.startswith("In progress 柳林镇, own level")}
    assert ledger.startswith("/assignments/")
    assert "/ledger?back=/campaigns/" in ledger
    assert visitor.get(ledger).has("=重点")


def test_a_cell_of_many_leads_to_the_list_of_them_and_back(dispatcher, visitor):
    page = visitor.get(path(dispatcher, area=dispatcher.county.id))
    [href] = {href for text, href in page.links.items() if text.endswith("柳林镇 建会率")}
    asked = parse_qs(urlsplit(href).query)
    assert urlsplit(href).path == "/assignments"
    assert asked["campaign"] == [str(dispatcher.campaign.id)]
    assert asked["task"] == [str(dispatcher.task.id)]
    assert asked["area"] == [str(dispatcher.townships[0].id)]
    assert asked["light"] == ["overdue"]
    assert asked["back"] == [path(dispatcher, area=dispatcher.county.id)]


def test_the_list_behind_a_cell_is_narrowed_to_it(dispatcher, visitor):
    """Only its area, its task and its light; and one comes back to the board."""
    board = path(dispatcher, area=dispatcher.county.id)
    narrow = f"/assignments?area={dispatcher.townships[0].id}&task={dispatcher.task.id}&line={int(Line.UNION)}"
    found = visitor.get(f"{narrow}&back={quote(board)}")
    assert found.has("柳林镇", "柳林东村", "建会率", "3 assignments")
    assert "石桥" not in found.main
    assert found.click("Back to the board").has("巾帼建功")


def test_a_cell_of_one_leads_straight_to_its_ledger_and_back(dispatcher, visitor, client):
    board = visitor.get(path(dispatcher, area=dispatcher.county.id))
    [href] = {href for text, href in board.links.items() if text.endswith("柳林镇 建会率")}
    answer = client.get(href)
    assert (answer.status_code, "/ledger?back=/campaigns/" in unquote(answer.location)) == (303, True)


def test_filters_choose_line_light_and_name(dispatcher, visitor):
    union = visitor.get(path(dispatcher)).submit("Show", line="union")
    assert union.has("6/6")
    assert not union.has("Overdue")
    late = visitor.get(path(dispatcher, area=dispatcher.townships[0].id, light="overdue"))
    assert late.has("柳林东村")
    assert not late.has("柳林西村")
    found = visitor.get(path(dispatcher)).submit("Show", q="西村")
    assert [name in found.main for name in ("柳林西村", "石桥西村", "柳林东村")] == [True, True, False]
    assert visitor.get(path(dispatcher, q="没有这个村")).has("No area matches.")


def test_nonsense_in_the_address_is_left_out(dispatcher, visitor):
    nonsense = {"area": "x", "line": "9", "light": "red", "sort": "'", "after": "-", "before": "z"}
    assert visitor.get(path(dispatcher, **nonsense)).has("柳林镇")


@pytest.mark.parametrize("sort", ["", "coverage", "task"])
def test_columns_sort(dispatcher, visitor, sort):
    page = visitor.get(path(dispatcher, sort=dispatcher.task.id if sort == "task" else sort))
    sorted_by = [head.text for head in page.root.all("th") if head.get("aria-sort")]
    assert sorted_by == [{"": "Area (in the order of the tree)", "coverage": "Coverage", "task": "建会率"}[sort]]


def test_the_export_is_exactly_what_is_shown_and_no_formula(dispatcher, client):
    where = f"/campaigns/{dispatcher.campaign.id}/board"
    answer = client.get(f"{where}.csv?area={dispatcher.townships[0].id}&line=women")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    rows = list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert [row[0] for row in rows[1:]] == ["柳林镇", "柳林镇, own level", "柳林东村", "柳林西村", "柳林新村"]
    assert rows[0][6].startswith("'=")
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"{where}.xlsx").get_data()))
    sheet = list(book.active.values)
    assert [row[0] for row in sheet[1:]] == ["清河县", "柳林镇", "石桥乡"]
    assert sheet[1][2:6] == ("Overdue", 1, 7, 11)
    assert sheet[1][-5:] == (7, 1, 1, 3, 12)
    assert sum(row[-1] for row in sheet[2:]) == sheet[1][-1]
    book.close()


def test_outside_the_scope_there_is_no_board(work, enter, client):
    other = make.area("石门县", Level.COUNTY, work.city)
    enter(make.holder(make.unit(other), Role.DISPATCHER))
    for address in (path(work), f"/campaigns/{work.campaign.id}/board.csv", "/campaigns/9999/board"):
        assert client.get(address).status_code == 404


def test_a_line_sees_its_own_subtree(work, enter, visitor):
    enter(work.holder(work.townships[1], Role.SUPERVISOR))
    page = visitor.get(path(work))
    assert page.has("石桥东村")
    assert not page.has("柳林镇")
    visitor.get(path(work, area=work.county.id), status=404)


def test_nothing_dispatched_says_what_comes_next(work, enter, visitor):
    draft = make.campaign(work.unit(work.county), status=CampaignStatus.DRAFT)
    make.task(draft)
    enter(work.holder(work.county, Role.DISPATCHER))
    assert visitor.get(f"/campaigns/{draft.id}/board").has("Nothing has been dispatched yet", "to be checked")


def test_the_record_of_the_last_days_stands_below(dispatcher, visitor, now):
    assert visitor.get(path(dispatcher)).has("Nothing is recorded yet.")
    for days in (2, 1):
        with unit_of_work():
            record_states(now - timedelta(days=days), now=now)
    page = visitor.get(path(dispatcher))
    assert page.has("Wed 18 Nov", "58.3%")


def test_the_slowest_stand_with_what_they_wait_for_and_from_whom(dispatcher, visitor, client):
    """Areas first, single assignments below them, each a way to its ledger and back; the export has the same rows."""
    where = f"/campaigns/{dispatcher.campaign.id}/board/slowest"
    page = visitor.get(path(dispatcher)).click("Slowest")
    assert page.has("Areas of 清河县", "to be signed for 1", "to be reviewed 1", "柳林东村妇联", "by 柳林东村妇联")
    town = page.click("柳林镇")
    assert town.has("Areas of 柳林镇", "柳林东村")
    assert not town.has("石桥东村妇联")
    assert town.links["清河县"] == f"{where}?area={dispatcher.county.id}"
    assert "/ledger?back=/campaigns/" in town.links["柳林东村妇联"]
    [head, *rows] = csv.reader(io.StringIO(client.get(f"{where}.csv?line=women").get_data().decode("utf-8-sig")))
    assert head[:4] == ["Unit", "Task", "Light", "Waits"]
    assert [row[3] for row in rows if row[0] == "柳林新村妇联"] == ["to be reviewed"]
    assert len(rows) == 5
    assert client.get(f"{where}.xlsx?line=union").status_code == 200


@pytest.mark.parametrize("page", ["", "/slowest"])
def test_a_page_costs_few_statements_and_speaks_chinese(work, enter, visitor, page):
    enter(work.holder(work.county, Role.DISPATCHER, Line.PARTY), "zh_CN")
    with statements() as seen:
        page = visitor.get(f"{path(work)}{page}")
    assert len(seen) <= 8
    assert page.has("柳林镇", "逾期 1", "跟踪", "导出 Excel")


def test_a_moved_village_stays_in_its_row_and_says_where_it_is_today(dispatcher, visitor, now):
    """Board, slowest and unit page: the tree of the day of issue, in words, and the way to where it is now."""
    home, other, village = dispatcher.townships[0], dispatcher.townships[1], dispatcher.villages[0]
    dispatcher.campaign.issued_at = now - timedelta(days=2)
    db.session.commit()
    row = (village.code, village.name, "village", other.code)
    with unit_of_work():
        moved = table_of("areas.csv", ("code", "name", "level", "parent_code"), [row])
        import_areas(moved, actor=SYSTEM, now=now - timedelta(days=1))
    page = visitor.get(path(dispatcher, area=home.id))
    assert page.has(village.name, f"today in {other.name}", "1 area has left since", "As of the day of issue")
    unit = page.click(f"today in {other.name}")
    assert unit.has("Areas have come here or left", other.name)
    there = visitor.get(path(dispatcher, area=other.id))
    assert there.has("1 area has come here since")
    assert village.name not in there.main
    alone = visitor.get(path(dispatcher, area=village.id))
    assert alone.has(f"{village.name} stands in {other.name} today.", home.name)
    slow = visitor.get(f"/campaigns/{dispatcher.campaign.id}/board/slowest?area={home.id}")
    assert slow.has(f"today in {other.name}")
    assert "As of the day of issue" not in visitor.get(path(dispatcher, area=dispatcher.county.id)).text
