"""A unit's own page: asked, metrics, load, figures offered again, units below, people; and out as tables."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from flask_babel import force_locale
from sqlalchemy import select

from campaign import clock
from campaign.db import unit_of_work
from campaign.models import MetricValue, Submission
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


def test_the_preview_of_a_dispatch_shows_the_load_and_what_is_known_already(work, visitor, now):
    plan = make.campaign(work.unit(work.county), title="再报一次")
    task = make.task(plan, title="贷款月报", due_on=make.TODAY + timedelta(days=7))
    make.metric(task, name="贷款户数", unit_of_measure="户")
    page = visitor.get(f"/campaigns/{plan.id}/preview?task={task.id}")
    assert page.has("One form with 1 field and 0 photos.", "贷款户数 by 1 of these units")
    assert page.has("Load of the units on this page", "柳林东村妇联 0.5 now, 1.4 with this task")


def test_one_unit_is_told_as_one(app):
    with app.test_request_context(), force_locale("en"):
        assert [full(Decimal(n), None, True) for n in (1, 1200)] == ["1 unit", "1,200 units"]
