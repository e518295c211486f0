"""Recurring tasks in a browser: the preview's promise, the begin, the list, one period, the end, tables, languages."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import openpyxl
import pytest
from sqlalchemy import select

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Assignment, Series
from campaign.operations.periods import due_series, open_due, send
from campaign.rules.dates import DueKind
from campaign.rules.organisation import Role
from tests import make

TUESDAY = date(2026, 11, 3)


def at(day: date, hour: int = 9) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC) - timedelta(hours=8)


@pytest.fixture
def tree(app, monkeypatch, now):
    """It is the 20th of November, a Friday."""
    monkeypatch.setattr(clock, "now", lambda: now)
    return make.small_tree()


@pytest.fixture
def task(tree):
    plan = make.campaign(tree.unit(tree.county), title="妇女之家", ends_on=date(2027, 12, 31))
    fields = {"due_kind": DueKind.NONE, "due_on": None, "window_days": 4, "rrule": "FREQ=WEEKLY;BYDAY=TU"}
    return make.task(plan, title="每周活动情况", **fields)


@pytest.fixture
def begun(tree, task):
    """Opened on the 3rd; the clock stood still until the 19th, so that the period of the 10th is lost."""
    with unit_of_work():
        send(task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=at(TUESDAY))
    for task_id in due_series(now=at(TUESDAY + timedelta(days=16))):
        with unit_of_work():
            open_due(task_id, now=at(TUESDAY + timedelta(days=16)))
    return task


@pytest.fixture
def enter(app, client, visitor):
    """Signs somebody in; gives the plain client, which follows nothing."""

    def sign_in(person, language="en"):
        visitor.sign_in(person)
        app.config["WTF_CSRF_ENABLED"] = False  # the views themselves are asked
        client.set_cookie("locale", language)
        return client

    return sign_in


@pytest.fixture
def dispatcher(tree, enter):
    return enter(tree.holder(tree.county, Role.DISPATCHER))


def path(task, more=""):
    return f"/campaigns/{task.campaign_id}/tasks/{task.id}/periods{more}"


def test_the_preview_promises_the_first_periods_and_begins_the_series(dispatcher, task):
    page = dispatcher.get(f"/campaigns/{task.campaign_id}/preview?task={task.id}").text
    assert "weekly on Tuesday" in page
    assert "Begin the series" in page
    assert page.count("No. ") >= 6
    assert "In the period that opens on Tue 24 Nov." in page
    answer = dispatcher.post(f"/campaigns/{task.campaign_id}/dispatch", data={"task_id": str(task.id)})
    assert (answer.status_code, answer.location) == (303, path(task))
    page = dispatcher.get(path(task)).text
    assert "No period has opened yet" in page
    assert "Tue 24 Nov" in page
    again = dispatcher.get(f"/campaigns/{task.campaign_id}/preview?task={task.id}").text
    assert "Begin the series" not in again


def test_a_dispatch_on_the_day_shows_the_receipt_as_ever(tree, enter, task, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: at(date(2026, 11, 24)))
    answer = enter(tree.holder(tree.county, Role.DISPATCHER)).post(
        f"/campaigns/{task.campaign_id}/dispatch", data={"task_id": str(task.id)}
    )
    assert "/dispatched/" in answer.location


def test_the_list_tells_what_was_missed_and_why(dispatcher, begun):
    page = dispatcher.get(path(begun)).text
    assert "No. 3 · 17 Nov" in page
    assert "Opened late" in page
    assert "The clock stood still while this period was open." in page
    assert f"{path(begun, '/1')}?outcome=missed" in page


def test_in_chinese(tree, enter, begun):
    page = enter(tree.holder(tree.county, Role.DISPATCHER), "zh_CN").get(path(begun)).text
    for words in ("每周二", "第2期 · 11月10日", "未下达", "本期开放期间系统停运，未能下达。", "漏报", "补下达"):
        assert words in page


def test_one_period_with_its_units(dispatcher, begun):
    page = dispatcher.get(path(begun, "/1")).text
    assert page.count("/ledger") == 6
    assert dispatcher.get(path(begun, "/1?outcome=approved")).text.count("/ledger") == 0
    assert "stood still" in dispatcher.get(path(begun, "/2")).text
    for wrong in ("/9", "/99999", "/1.pdf"):
        assert dispatcher.get(path(begun, wrong)).status_code == 404
    assert dispatcher.get(path(begun, "/1?outcome=nonsense&after=x-y")).status_code == 200


def test_an_officer_sees_the_own_unit_alone_and_cannot_end_it(tree, enter, begun):
    officer = enter(tree.holder(tree.villages[0], Role.OFFICER))
    assert officer.get(path(begun, "/1")).text.count("/ledger") == 1
    assert "End the series" not in officer.get(path(begun)).text
    answer = officer.post(path(begun, "/end"), data={"reason": "不想报"})
    assert answer.status_code == 403
    assert db.session.get(Series, begun.id).ended_at is None


def test_the_end_needs_a_reason_and_happens_once(dispatcher, begun):
    refused = dispatcher.post(path(begun, "/end"), data={"reason": " ", "client_action_id": str(uuid4())})
    assert refused.status_code == 422
    assert "Please say why" in refused.text
    long = dispatcher.post(path(begun, "/end"), data={"reason": "长" * 401})
    assert (long.status_code, "长" * 401 in long.text) == (422, True)
    given = {"reason": "改按月报送", "client_action_id": str(uuid4())}
    for _ in range(2):
        assert dispatcher.post(path(begun, "/end"), data=given).status_code == 303
    page = dispatcher.get(path(begun)).text
    assert "改按月报送" in page
    assert "End the series" not in page
    assert dispatcher.post(path(begun, "/end"), data={"reason": "再来"}).status_code == 409
    assert (
        dispatcher.post(f"/campaigns/{begun.campaign_id}/dispatch", data={"task_id": str(begun.id)}).status_code == 409
    )


def test_tables_to_take_away(dispatcher, begun):
    answer = dispatcher.get(path(begun, ".csv"))
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [row[1] for row in rows[1:]] == ["No. 3 · 17 Nov", "No. 2 · 10 Nov", "No. 1 · 3 Nov"]
    assert rows[2][6] == "The clock stood still while this period was open."
    book = openpyxl.load_workbook(io.BytesIO(dispatcher.get(path(begun, "/1.xlsx?outcome=missed")).data))
    assert book.active.max_row == 7


def test_the_officer_reads_which_period_it_is(tree, enter, begun):
    officer = enter(tree.holder(tree.villages[0], Role.OFFICER))
    assert "No. 3 · 17 Nov" in officer.get("/").text
    assert "No. 3 · 17 Nov" in officer.get("/assignments").text
    mine = select(Assignment.id).where(Assignment.unit_id == tree.unit(tree.villages[0]).id, Assignment.period == 3)
    assert "No. 3 · 17 Nov" in officer.get(f"/assignments/{db.session.scalar(mine)}").text
    assert "No. 3 · 17 Nov" in officer.get(f"/assignments/{db.session.scalar(mine)}/ledger").text


@pytest.mark.browser
@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_every_page_is_for_everybody(tree, begun, window, language):
    page, person = window.page, tree.holder(tree.county, Role.DISPATCHER)
    page.goto("/sign-in")
    page.fill('[name="login"]', person.login)
    page.fill('[name="password"]', make.PASSWORD)
    page.click("main button[type=submit]")
    preview = f"/campaigns/{begun.campaign_id}/preview?task={begun.id}"
    for address in (path(begun), path(begun, "/1"), path(begun, "/2"), preview):
        window.reads(language)
        page.goto(address)
        window.axe()
        window.fits()
