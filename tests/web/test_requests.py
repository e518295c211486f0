"""Asking for more time and deciding on it in the browser: what the pages say, what they cost."""

import io
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Assignment, Campaign, Request, Task
from campaign.models.goals import goals_of
from campaign.operations.issuing import dispatch
from campaign.operations.requests import Wish, ask
from campaign.rules.metrics import MetricKind
from campaign.rules.organisation import Role
from campaign.rules.requests import Decision, RequestKind
from campaign.rules.states import State
from campaign.rules.targets import Quota
from tests import make
from tests.evidence.hostile import picture

from .boards import cost, sign_in


@pytest.fixture
def tree(app, monkeypatch, now):
    monkeypatch.setattr(clock, "now", lambda: now)
    return make.small_tree()


@pytest.fixture
def given(tree, now):
    """The assignment of the first village and the metric that it disputes."""
    task = make.task(make.campaign(tree.unit(tree.county)), title="巾帼志愿服务")
    metric = make.metric(task, MetricKind.COUNT, target=10, quota=Quota.PER_UNIT, name="服务人次")
    with unit_of_work():
        dispatch(task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now)
    unit = tree.unit(tree.villages[0])
    return db.session.scalar(select(Assignment).where(Assignment.unit_id == unit.id)), metric


def test_a_dispute_is_asked_decided_and_read(tree, given, visitor):
    work, metric = given
    officer, boss = tree.holder(tree.villages[0], Role.OFFICER), tree.holder(tree.county, Role.DISPATCHER)
    visitor.client.set_cookie("locale", "en")
    visitor.sign_in(officer)
    page = visitor.get(f"/assignments/{work.id}").click("Dispute the target or the date")
    assert page.has("Target now: 10")
    refused = page.submit("Send the request", status=422, **{f"target-{metric.id}": "many", "due_on": "soon"})
    wrong = [refused.html.index(f'<a href="#{field}">') for field in (f"target-{metric.id}", "due_on", "reason")]
    assert wrong == sorted(wrong), "everything at once, in the order of the fields"
    assert "Something needs your attention" not in refused.html
    refused = page.submit("Send the request", status=422, **{f"target-{metric.id}": "8"})
    assert refused.has("Please say why, in a few words")
    page = refused.submit("Send the request", reason="名册只有六人")
    assert page.has("Waits for a decision", "名册只有六人", "Take the request back")
    visitor.sign_out()
    visitor.sign_in(boss)
    page = visitor.get("/requests")
    assert page.has("1 request waits for you", "Another target or date")
    page = page.click("Another target or date")
    assert page.has("What follows", "No other unit's date moves", "名册只有六人")
    page = page.submit("Grant", words="按名册核定", **{f"target-{metric.id}": "6"})
    assert page.has("Granted. The unit is told.", "No request waits for you")
    row = db.session.get(Assignment, work.id, populate_existing=True)
    assert (row.state, row.suspended_at) == (State.ISSUED, None)
    visitor.sign_out()
    visitor.sign_in(officer)
    assert visitor.get(f"/assignments/{work.id}").has("Requests and decisions", "按名册核定", "Sign for")


def test_money_is_disputed_in_the_unit_of_the_plan(tree, now, visitor):
    task = make.task(make.campaign(tree.unit(tree.county)), title="困难帮扶")
    metric = make.metric(
        task, MetricKind.AMOUNT, target=3_000_000, quota=Quota.PER_UNIT, name="帮扶资金", money_places=4
    )
    with unit_of_work():
        dispatch(task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now)
    unit, name = tree.unit(tree.villages[0]), f"target-{metric.id}"
    work = db.session.scalar(select(Assignment).where(Assignment.unit_id == unit.id))
    visitor.sign_in(tree.holder(tree.villages[0], Role.OFFICER))
    page = visitor.get(f"/assignments/{work.id}/request/dispute")
    assert page.has("帮扶资金（万元）", "300 万元")
    refused = page.submit("提交申请", status=422, reason="名册只有六户", **{name: "两百"})
    assert refused.has("请填数字") and "两百" in refused.html
    refused.submit("提交申请", reason="名册只有六户", **{name: "２００"})
    visitor.sign_out()
    visitor.sign_in(tree.holder(tree.county, Role.DISPATCHER))
    page = visitor.get("/requests").click("指标或期限异议")
    assert page.has("200 万元", "300 万元")
    visitor.client.set_cookie("locale", "en")  # where one button's word is not part of the other's
    visitor.get(page.path).submit("Grant", words="按名册核定")
    db.session.rollback()  # to see what the browser did
    assert goals_of([work.id])[work.id][metric.id].target == 2_000_000


def test_an_extension_with_a_photo_keeps_the_photo_when_the_form_fails(app, tree, given, client, now):
    app.config["WTF_CSRF_ENABLED"] = False  # the view itself is asked
    work, _metric = given
    sign_in(client, tree.holder(tree.villages[0], Role.OFFICER), now)
    path = f"/assignments/{work.id}/request/extension"
    sent = {"seen": "1", "files": (io.BytesIO(picture()), "塌方.jpg"), "reason": "道路不通", "due_on": "2020-01-01"}
    answer = client.post(path, data=sent, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert "塌方.jpg" in answer.text
    kept = answer.text.split('name="kept" value="')[1].split('"')[0]
    due_on = (now + timedelta(days=20)).date().isoformat()
    asked = {"seen": "1", "reason": "道路不通", "due_on": "2099-12-31", "kept": [kept, "987654"]}
    answer = client.post(path, data=asked)
    assert answer.status_code == 422 and "more than a year" in answer.text, "it is asked whether the year is right"
    assert client.post(path, data=asked | {"sure": "y", "due_on": due_on}).status_code == 303
    made = db.session.scalars(select(Request)).one()
    assert made.decision is Decision.PENDING
    assert "塌方.jpg" in client.get(f"/requests/{made.id}").text
    export = client.get("/requests/export.csv?view=mine").text
    assert "道路不通" in export
    boss = app.test_client()
    sign_in(boss, tree.holder(tree.county, Role.DISPATCHER), now)
    decide = f"/requests/{made.id}/decide"
    answer = boss.post(decide, data={"words": "同意", "decision": "grant", "due_on": "2099-12-31"})
    assert answer.status_code == 422 and "more than a year" in answer.text
    answer = boss.post(decide, data={"words": "再议一次"})
    assert answer.status_code == 422 and "Please grant the request or refuse it." in answer.text, "no silent refusal"
    assert client.post(f"/requests/{made.id}/withdraw").status_code == 303
    answer = boss.post(decide, data={"words": "同意延期到月底", "decision": "grant"})
    assert answer.status_code == 409 and "Taken back" in answer.text and "同意延期到月底" in answer.text


def test_what_the_rule_grants_is_said_as_far_as_it_reaches(tree, given, now, client):
    """Never past the date of what it was split from; nothing once it was granted as often as it may be, or late."""
    work, _metric = given
    whole = make.assignment(db.session.get_one(Task, work.task_id), tree.unit(tree.townships[0]), due_at=work.due_at)
    sign_in(client, tree.holder(tree.villages[0], Role.OFFICER), now)
    said = []
    for days, parent, past in ((7, None, 0), (7, 3, 0), (2, 3, 0), (7, 0, 0), (7, -1, 0), (7, None, 30), (0, None, 0)):
        with unit_of_work() as session:
            session.execute(update(Campaign).values(extension_days=days, extension_most=1))
            due_at = now + timedelta(days=10 - past)
            session.execute(update(Assignment).where(Assignment.id == work.id).values(due_at=due_at))
            further = due_at + timedelta(days=parent or 0)
            session.execute(update(Assignment).where(Assignment.id == whole.id).values(due_at=further))
            held = None if parent is None else whole.id
            session.execute(update(Assignment).where(Assignment.id == work.id).values(parent_id=held))
        page = client.get(f"/assignments/{work.id}/request/extension").text
        found = re.search(r"Up to (\d+) days? later", page)
        said.append(int(found[1]) if found else 0)
    assert said == [7, 3, 2, 0, 0, 0, 0]


def test_pages_cost_few_statements_whatever_waits(tree, given, client, now):
    rows = db.session.scalars(select(Assignment).order_by(Assignment.id)).all()
    later, other = (now + timedelta(days=20)).date(), {given[1].id: Decimal(8)}
    for village, row in zip(tree.villages, rows, strict=True):
        wish = Wish(RequestKind.EXTENSION, "道路不通", later)
        if row is rows[0]:
            wish = Wish(RequestKind.DISPUTE, "名册只有八人", later, other)
        with unit_of_work():
            ask(row.id, wish, actor=tree.actor(village, Role.OFFICER), now=now, seen=1)
    sign_in(client, tree.holder(tree.county, Role.DISPATCHER), now)
    dispute, extension = db.session.scalars(select(Request.id).order_by(Request.id).limit(2))
    pages = ("/requests", 8), (f"/requests/{dispute}", 8), (f"/requests/{extension}", 8)
    for page, most in (*pages, (f"/assignments/{rows[0].id}", 8)):
        asked = cost(lambda page=page: client.get(page))
        assert asked <= most, (page, asked)
