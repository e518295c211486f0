"""Job runs and letters that gave up, for administrators: listed, turned round, kept as a table, sent again."""

from datetime import timedelta

import pytest

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Delivery, JobRun, Notice
from campaign.operations.log import record
from campaign.rules.jobs import RunState
from campaign.rules.organisation import SYSTEM, Line, Role
from campaign.rules.telling import Channel, DeliveryState
from tests import make


@pytest.fixture
def tree(app, monkeypatch, now):
    monkeypatch.setattr(clock, "now", lambda: now)
    return make.small_tree()


@pytest.fixture
def county(tree, visitor):
    """The county's 党委 administrator at the browser."""
    visitor.sign_in(make.holder(tree.unit(tree.county, Line.PARTY), Role.ADMINISTRATOR, name="管理者", locale="en"))
    return visitor


@pytest.fixture
def clockwork(tree, now):
    """A good run, a bad run, and a parked delivery to a village officer."""
    with unit_of_work() as session:
        times = {"slot": now, "started_at": now, "finished_at": now + timedelta(seconds=2), "worker": "w:1"}
        session.add(JobRun(name="remind", state=RunState.DONE, done=3, **times))
        session.add(JobRun(name="deliver", state=RunState.DONE, done=1, failed=2, error="SMTP: refused", **times))
        officer = tree.holder(tree.villages[0], Role.OFFICER)
        number = record(tag="person:account:create", subject="person", subject_id=officer.id, actor=SYSTEM, now=now,
                        data={"login": officer.login})  # fmt: skip
        notice = Notice(tag="assignment:clock:remind", event_id=number, person_id=officer.id, created_at=now)
        session.add(notice)
        session.flush()
        parked = Delivery(notice_id=notice.id, person_id=officer.id, channel=Channel.MAIL, tries=5, next_try_at=now,
                          state=DeliveryState.PARKED, error="550 unknown")  # fmt: skip
        session.add(parked)
        session.flush()
        return parked.id


def test_job_runs_show_their_counts_and_first_error(clockwork, county):
    page = county.get("/admin/jobs")
    assert page.has("remind", "deliver", "SMTP: refused", "2.00", "with failures")
    faulty = page.submit("Filter", state="faulty")
    rows = [row.text for row in list(faulty.root.all("tbody"))[-1].all("tr")]
    assert len(rows) == 1
    assert "deliver" in rows[0]


def test_runs_that_found_nothing_are_listed_on_request(clockwork, county, now):
    with unit_of_work() as session:
        session.add(JobRun(name="fold", state=RunState.DONE, slot=now, started_at=now, finished_at=now, worker="w:1"))
    listed = list(county.get("/admin/jobs").root.all("tbody"))[-1].text
    assert "Send messages deliver" in listed
    assert "fold" not in listed
    assert "Add up the boards fold" in list(county.get("/admin/jobs?runs=all").root.all("tbody"))[-1].text


def test_a_parked_delivery_is_sent_again(clockwork, county, now):
    page = county.get("/admin/jobs").click("Parked deliveries")
    assert page.has("550 unknown")
    assert page.submit("resend").has("sent again within a minute", "Nothing is parked")
    delivery = db.session.get_one(Delivery, clockwork)
    assert (delivery.state, delivery.tries) == (DeliveryState.WAITING, 0)
    page.submit("resend", status=409)


def test_a_delivery_to_somebody_elses_people_is_not_there(clockwork, tree, visitor):
    visitor.sign_in(make.holder(tree.unit(tree.townships[1]), Role.ADMINISTRATOR, name="管理者", locale="en"))
    assert visitor.get("/admin/deliveries").has("Nothing is parked")
    token = next(e for e in visitor.get("/admin/people/new").root.all("input") if e.get("name") == "csrf_token")
    visitor.post(f"/admin/deliveries/{clockwork}/resend", {"csrf_token": token.get("value")}, status=404)


def test_both_lists_turn_round_and_come_as_tables(clockwork, county):
    """The table holds what the filters leave, in the order of the page."""
    page = county.get("/admin/jobs").click("Slot")
    rows = list(list(page.root.all("tbody"))[-1].all("tr"))
    assert ["remind" in rows[0].text, "deliver" in rows[1].text] == [True, True]
    table = page.click("CSV").response.get_data(as_text=True).splitlines()
    assert ["Send reminders" in table[1], "SMTP: refused" in table[2], len(table)] == [True, True, 3]
    assert county.get("/admin/jobs.csv?state=faulty").response.get_data(as_text=True).count("\n") == 2
    page = county.get("/admin/deliveries?fault=2").click("Given up at")
    assert page.click("Export as Excel").response.mimetype.endswith("sheet")
    table = page.click("CSV").response.get_data(as_text=True).splitlines()
    assert [len(table), "550 unknown" in table[1], "Mail" in table[1]] == [2, True, True]
    assert county.get("/admin/deliveries.csv?fault=1").response.get_data(as_text=True).count("\n") == 1
