"""A unit's own page: asked, metrics, load, figures offered again, units below, people; and out as tables."""

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from flask_babel import force_locale
from sqlalchemy import select, update

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Assignment, MetricValue, Submission, Task
from campaign.rules.dates import DueKind
from campaign.rules.metrics import MetricKind
from campaign.rules.organisation import Line, Role
from campaign.rules.states import State
from campaign.web.stand_words import full
from tests import make

from .boards import cost, sign_in


@pytest.fixture
def work(app, monkeypatch, now, client):
    """A village that reported its loans in one campaign and is asked for them again in another."""
    monkeypatch.setattr(clock, "now", lambda: now)
    tree = make.small_tree()
    tree.first, tree.second = (make.campaign(tree.unit(tree.county), title=title) for title in ("巾帼建功", "普惠金融"))
    tree.unit_here = tree.unit(tree.villages[0])
    for plan, state in ((tree.first, State.APPROVED), (tree.second, State.ACKNOWLEDGED)):
        task = make.task(plan, title=f"{plan.title}报表")
        metric = make.metric(task, target=30, name="贷款户数", unit_of_measure="户")
        made = make.assignment(task, tree.unit_here, state, due_at=now + timedelta(days=14))
        if state is State.APPROVED:
            with unit_of_work() as session:
                submitted = session.scalar(select(Submission.id).where(Submission.assignment_id == made.id))
                session.add(MetricValue(submission_id=submitted, metric_id=metric.id, number=Decimal(32)))
        else:
            make.evidence_rule(task, min_count=4)
    make.assignment(make.task(tree.first, title="不再办理"), tree.unit_here, State.CANCELLED)
    sign_in(client, tree.holder(tree.county, Role.DISPATCHER), now)
    return tree


def test_the_page_says_what_was_asked_how_it_stands_and_what_is_asked_twice(work, visitor, client):
    page = visitor.get(f"/units/{work.unit_here.id}?back=/assignments")
    assert page.has("柳林东村妇联", "Forms a week 0.5", "Fields a week 0.5", "Photos a week 2", "普惠金融报表")
    assert page.has("1 figure was reported already for the period", "贷款户数 32 户", "for “巾帼建功报表”")
    assert page.has("reached", "Distance to the target", "No unit reports to this one.")
    assert not page.has("不再办理")
    assert page.click("All 3").has("不再办理", "Cancelled")
    assert page.links["Back"] == "/assignments"
    town = page.click("柳林镇妇联")
    assert town.has("Units right below", "柳林东村妇联", "1/2")
    text = client.get(f"/units/{work.unit_here.id}/metrics.csv").get_data().decode("utf-8-sig")
    rows = [(row["Task"], row["Target"], row["Approved"], row["Stand"]) for row in csv.DictReader(io.StringIO(text))]
    assert sorted(rows) == [("巾帼建功报表", "30", "32", "reached"), ("普惠金融报表", "30", "", "nothing approved yet")]
    xlsx = client.get(f"/units/{work.unit_here.id}/assignments.xlsx?show=all")
    assert xlsx.headers["Content-Disposition"].endswith(f"unit-{work.unit_here.id}.xlsx")
    assert _held_is_said_of_one_task_alone(work, visitor)


def _held_is_said_of_one_task_alone(work, visitor) -> bool:
    """Yes to “held” in one task is nothing that another task had been told: neither counted nor filled in."""
    done, asked = db.session.scalars(
        select(Task).where(Task.title.in_(("巾帼建功报表", "普惠金融报表"))).order_by(Task.id)
    )
    held, other = (make.metric(task, MetricKind.BOOLEAN, 1, name="已开展") for task in (done, asked))
    with unit_of_work() as session:
        submitted = session.scalar(select(Submission.id).join(Assignment).where(Assignment.task_id == done.id))
        session.add(MetricValue(submission_id=submitted, metric_id=held.id, number=Decimal(1)))
        session.execute(update(Assignment).where(Assignment.task_id == done.id).values(since=make.NOW))
    assert visitor.get(f"/units/{work.unit_here.id}").has("1 figure was reported already for the period")
    waits = db.session.scalars(select(Assignment.id).where(Assignment.task_id == asked.id)).one()
    visitor.sign_out()
    visitor.sign_in(work.holder(work.villages[0], Role.OFFICER))
    form = visitor.get(f"/assignments/{waits}").html
    return 'value="32"' in form and not re.search(rf'name="metric-{other.id}" value="1"[^>]* checked', form)


def test_the_page_is_there_for_whom_the_unit_is_and_costs_few_statements(work, client, now):
    here = f"/units/{work.unit_here.id}"
    for page in (here, f"/units/{work.unit(work.county).id}"):
        assert cost(lambda page=page: client.get(page)) <= 8
    leads = client.get(f"/areas/{work.villages[0].id}/unit?line=women")
    assert (leads.status_code, leads.location) == (303, here)
    sign_in(client, work.holder(work.villages[1], Role.OFFICER), now)
    assert (client.get(here).status_code, client.get(f"/areas/{work.villages[0].id}/unit").status_code) == (404, 404)
    sign_in(client, work.holder(work.county, Role.SUPERVISOR, Line.PARTY), now, "zh_CN")
    assert "每周表格" in client.get(here).get_data(as_text=True)


def test_the_preview_of_a_dispatch_shows_the_load_and_what_is_known_already(work, visitor, client, monkeypatch, now):
    plan = make.campaign(work.unit(work.county), title="再报一次")
    due = {"due_on": make.TODAY + timedelta(days=7)}
    task = make.task(plan, title="贷款月报", min_characters=20, **due)
    make.metric(task, name="贷款户数", unit_of_measure="户")
    page = visitor.get(f"/campaigns/{plan.id}/preview?task={task.id}")
    assert page.has("One form: 2 fields to fill in, no photos.", "More for each unit in a week: 0.9 forms, 1.8 fields.")
    assert page.has("贷款户数 by 1 of these units; it is filled in there")
    assert page.has("Load of the units on this page", "柳林东村妇联 0.5 now, 1.4 with this task")
    monthly = make.task(
        plan, title="贷款月月报", rrule="FREQ=MONTHLY;BYMONTHDAY=23", due_kind=DueKind.NONE, window_days=4
    )
    make.metric(monthly, name="贷款户数", unit_of_measure="户")
    later = now + timedelta(days=3)
    monkeypatch.setattr(clock, "now", lambda: later)
    sign_in(client, work.holder(work.county, Role.DISPATCHER), later)
    page = visitor.get(f"/campaigns/{plan.id}/preview?task={monthly.id}")
    assert not page.has("by 1 of these units"), "its period begins today, and the form asks for what is of the period"
    bare = make.task(plan, title="学习文件", **due)
    assert visitor.get(f"/campaigns/{plan.id}/preview?task={bare.id}").has("One form: no figures, no photos.")


def test_the_load_is_the_same_on_the_page_of_the_unit_as_before_a_dispatch(work, visitor, monkeypatch):
    """What waits for a decision is off its desk, and what is not listed any more is on it."""
    for state in (State.DISPUTED, State.SUBMITTED, State.RETURNED, State.ISSUED):
        make.assignment(make.task(work.first, title=f"任务{state}"), work.unit_here, state)
    monkeypatch.setattr("campaign.queries.unit_page.MOST", 2)
    assert visitor.get(f"/units/{work.unit_here.id}").has("Open assignments 3")
    task = make.task(work.second, title="再报")
    assert visitor.get(f"/campaigns/{work.second.id}/preview?task={task.id}").has("3 open, 4 with this one")


def test_one_unit_is_told_as_one(app):
    with app.test_request_context(), force_locale("en"):
        assert [full(Decimal(n), None, True) for n in (1, 1200)] == ["1 unit", "1,200 units"]
