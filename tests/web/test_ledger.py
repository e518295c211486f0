"""The ledger of one assignment in a browser: for everybody who sees it, with the issuer's buttons and its exports."""

import re
import secrets
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Assignment, LoginSession
from campaign.operations import issuing
from campaign.operations.extending import extend
from campaign.operations.questions import ask
from campaign.operations.reporting import Report, acknowledge, check_in
from campaign.rules.organisation import Role
from campaign.rules.states import State
from campaign.web.access import digest_of
from tests import make

from .boards import cost


@pytest.fixture
def tree(app, monkeypatch, now):
    monkeypatch.setattr(clock, "now", lambda: now)
    return make.small_tree()


@pytest.fixture
def enter(client, now):
    """Signs somebody in on this client, speaking English."""

    def sign_in(person):
        secret = secrets.token_hex(16)
        fields = {"started_at": now, "seen_at": now, "ends_at": now + timedelta(hours=8)}
        with unit_of_work() as session:
            session.add(LoginSession(digest=digest_of(secret), person_id=person.id, **fields))
        client.set_cookie("locale", "en")
        with client.session_transaction() as cookie:
            cookie["_user_id"], cookie["_fresh"] = secret, True
        return client

    return sign_in


@pytest.fixture
def issuer(tree, enter):
    return enter(tree.holder(tree.county, Role.DISPATCHER))


@pytest.fixture
def given(tree, now):
    """An assignment as a dispatch makes it."""
    task = make.task(make.campaign(tree.unit(tree.county)), title="=1+1 培训")
    with unit_of_work():
        issuing.dispatch(task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now)
    unit_id = tree.unit(tree.villages[0]).id
    return db.session.execute(select(Assignment.id).where(Assignment.unit_id == unit_id)).scalar_one()


def text_of(answer):
    return answer.get_data(as_text=True)


def step(client, given, verb, **typed):
    page = text_of(client.get(f"/assignments/{given}/ledger"))
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    return client.post(f"/assignments/{given}/{verb}", data=hidden | {"client_action_id": str(uuid4())} | typed)


def state_of(given):
    return db.session.execute(select(Assignment.state).where(Assignment.id == given)).scalar_one()


def test_the_ledger_tells_the_batch_with_its_log_number(issuer, given):
    page = text_of(issuer.get(f"/assignments/{given}/ledger"))
    assert "dispatched it" in page
    assert "digest" in page
    assert re.search(r"Log \d+", page)
    assert "Nothing has been submitted yet." in page


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [("/campaigns/1/board?area=3", True), ("//evil.example", False), ("https://evil.example/", False),
     ("/\\evil.example", False), ("javascript:alert(1)", False)],
)  # fmt: skip
def test_back_leads_only_to_our_own_pages(issuer, given, wanted, kept):
    page = text_of(issuer.get(f"/assignments/{given}/ledger", query_string={"back": wanted}))
    assert ('class="back"' in page) is kept


def test_a_ledger_costs_at_most_eight_statements(issuer, tree, given, now):
    """Signed for, checked in, asked above, its date moved, a long history: it costs no more than the bare one."""
    url, asked = f"/assignments/{given}/ledger", []
    officer, dispatcher = tree.actor(tree.villages[0], Role.OFFICER), tree.actor(tree.county, Role.DISPATCHER)
    asked.append(cost(lambda: issuer.get(url)))
    with unit_of_work():
        acknowledge(given, actor=officer, now=now, seen=1)
    for hour in range(3):
        with unit_of_work():
            check_in(given, Report(words=f"第{hour}次"), actor=officer, now=now + timedelta(hours=hour))
    with unit_of_work():
        extend(given, clock.local_today(now) + timedelta(days=40), "等上级通知", actor=dispatcher, now=now, seen=2)
    asked.append(cost(lambda: issuer.get(url)))
    with unit_of_work():
        ask(given, "可否用电子名册", actor=officer, now=now)
    asked.append(cost(lambda: issuer.get(url)))
    page = text_of(issuer.get(url))
    assert "第2次" in page and "等上级通知" in page and "可否用电子名册" in page
    assert max(asked) <= 8, asked


def test_cancelling_needs_a_reason_and_keeps_what_was_typed(issuer, given):
    answer = step(issuer, given, "cancel", reason=" ")
    assert answer.status_code == 422
    assert "Please say why, in a few words." in text_of(answer)
    assert state_of(given) is State.ISSUED
    answer = step(issuer, given, "cancel", reason="村已合并", back="/campaigns")
    assert (answer.status_code, answer.location) == (303, f"/assignments/{given}/ledger?back=/campaigns")
    assert state_of(given) is State.CANCELLED
    page = text_of(issuer.get(answer.location))
    assert "Cancelled. The unit has been told." in page and "村已合并" in page


def test_an_approved_assignment_can_be_reopened(issuer, tree):
    task = make.task(make.campaign(tree.unit(tree.county)))
    one = make.assignment(task, tree.unit(tree.villages[0]), State.APPROVED)
    assert step(issuer, one.id, "reopen", reason="数字有误").status_code == 303
    assert state_of(one.id) is State.ACKNOWLEDGED


def test_others_see_the_ledger_without_the_buttons(app, enter, tree, given):
    app.config["WTF_CSRF_ENABLED"] = False  # their page shows no form to take a token from
    client = enter(tree.holder(tree.villages[0], Role.OFFICER))
    assert "For the issuing unit" not in text_of(client.get(f"/assignments/{given}/ledger"))
    answer = client.post(f"/assignments/{given}/cancel", data={"seen": "1", "reason": "不想办"})
    assert answer.status_code == 403


def test_outside_the_scope_there_is_no_ledger(enter, tree, given):
    client = enter(tree.holder(tree.villages[1], Role.OFFICER))
    assert client.get(f"/assignments/{given}/ledger").status_code == 404
    assert client.get(f"/assignments/{given}/ledger.xlsx").status_code == 404


def test_the_ledger_can_be_exported_without_formulas(issuer, given):
    answer = issuer.get(f"/assignments/{given}/ledger.csv")
    text = answer.data.decode("utf-8-sig")
    assert answer.headers["Content-Disposition"].endswith(f'filename="ledger-{given}.csv"')
    assert "'=1+1 培训" in text
    assert "dispatched it" in text
    assert issuer.get(f"/assignments/{given}/ledger.xlsx").data.startswith(b"PK")
