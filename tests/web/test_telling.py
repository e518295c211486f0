"""How I am told: wishes, a test message to myself, and my dates as a secret calendar link."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from icalendar import Calendar
from sqlalchemy import select, update

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Assignment, Event, Person
from campaign.rules.organisation import Role
from campaign.rules.states import State
from campaign.web import feed as feed_page
from tests import make
from tests.notify.sink import Sink, free_port, running


@pytest.fixture
def moments(monkeypatch, now):
    """The clock of the test; `moments[0]` is now."""
    held = [now]
    monkeypatch.setattr(clock, "now", lambda: held[0])
    return held


@pytest.fixture
def tree(app, moments, monkeypatch):
    monkeypatch.setattr(feed_page, "pace", feed_page.Pace())
    return make.small_tree()


@pytest.fixture
def officer(tree):
    return make.holder(tree.unit(tree.villages[0]), name="王芳", email="wang@county.example", locale="en")


@pytest.fixture
def sink(app):
    """Mail is set up."""
    with running(Sink()) as served:
        app.config["SETTINGS"] = replace(app.config["SETTINGS"], smtp_url=served.url, public_url="https://c.example")
        yield served


def kept(person) -> Person:
    db.session.rollback()
    return db.session.execute(select(Person).where(Person.id == person.id)).scalar_one()


def data_of(tag: str) -> list[str]:
    db.session.rollback()
    return list(db.session.execute(select(Event.data).where(Event.tag == tag).order_by(Event.id)).scalars())


# -- wishes ------------------------------------------------------------------------------------------------------------


def test_wishes_are_kept_and_what_is_as_for_everybody_is_no_wish(officer, visitor, sink):
    visitor.sign_in(officer)
    page = visitor.get("/me/messages")
    assert "Digest of the day at" in page.text
    page.submit("Save", digest_at="1080", quiet_from="-1", on_rest_days="y", channels=["1"], locale="en")
    person = kept(officer)
    assert (person.digest_at, person.quiet_from, person.quiet_until, person.on_rest_days) == (1080, 0, 0, True)
    assert person.channels is None
    assert data_of("person:messages:choose") == ['{"changed":["digest_at","quiet_from","quiet_until","on_rest_days"]}']
    page = visitor.get("/me/messages")
    usual = {"digest_at": "510", "quiet_from": "1260", "quiet_until": "450", "on_rest_days": []}
    page = page.submit("Save", **usual, channels=[], locale="zh_CN")
    assert page.has("已保存，从下一条消息起生效。", "消息接收设置")  # both in the language that was chosen just now
    person = kept(officer)
    assert (person.digest_at, person.quiet_from, person.quiet_until, person.on_rest_days) == (None, None, None, False)
    assert person.channels == ""


def test_a_digest_in_the_quiet_hours_is_refused_with_everything_kept(officer, visitor):
    visitor.sign_in(officer)
    page = visitor.get("/me/messages").submit("Save", status=422, digest_at="420", quiet_until="540")
    assert "lies within your quiet hours" in page.text
    assert kept(officer).digest_at is None


# -- a test message ----------------------------------------------------------------------------------------------------


def test_one_sends_oneself_a_message_once_in_five_minutes(officer, visitor, sink, moments):
    visitor.sign_in(officer)
    page = visitor.get("/me/messages").submit("/me/messages/test/1")
    assert "The test message was taken" in page.text
    assert sink.recipients == ["wang@county.example"]
    assert sink.letters[0]["Subject"] == "A test message"
    page = visitor.get("/me/messages").submit("/me/messages/test/1", status=429)
    assert "try again in 5 minutes" in page.text
    moments[0] += timedelta(minutes=5)
    visitor.get("/me/messages").submit("/me/messages/test/1")
    assert len(sink.letters) == 2
    assert data_of("person:channel:tried") == ['{"channel":1,"said":""}'] * 2


def test_the_providers_error_is_shown_and_logged(officer, visitor, sink):
    sink.answer_rcpt = "550 5.1.1 no such user"
    visitor.sign_in(officer)
    page = visitor.get("/me/messages").submit("/me/messages/test/1")
    assert "550 5.1.1 no such user" in page.text
    assert data_of("person:channel:tried") == ['{"channel":1,"said":"550 5.1.1 no such user"}']


def test_a_line_that_does_not_come_about_is_said_in_words(officer, visitor, sink, app):
    nobody = f"smtp://127.0.0.1:{free_port('127.0.0.1')}"
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], smtp_url=nobody)
    visitor.sign_in(officer)
    page = visitor.get("/me/messages").submit("/me/messages/test/1")
    assert page.text.count("The server of this channel cannot be reached") == 2
    assert "Error" not in page.text
    assert "ConnectionRefusedError" in data_of("person:channel:tried")[0]


def test_who_has_no_address_and_what_is_not_set_up_is_said(tree, visitor, app):
    visitor.sign_in(make.holder(tree.unit(tree.county), Role.ADMINISTRATOR, locale="en"))
    page = visitor.get("/me/messages")
    assert "No way outside these pages is set up here" in page.text
    assert "WeCom group" in page.text
    app.config["WTF_CSRF_ENABLED"] = False
    assert "This channel is not set up" in visitor.post("/me/messages/test/1", {}, status=409).text
    visitor.post("/me/messages/test/9", {}, status=404)


# -- the calendar ------------------------------------------------------------------------------------------------------


@pytest.fixture
def link(officer, visitor, sink):
    """The path of a link that the officer has just made."""
    visitor.sign_in(officer)
    page = visitor.get("/me/feed").submit("Make a link", status=200)
    address = page.html.split('value="https://c.example')[1].split('"')[0]
    assert kept(officer).feed_digest not in (None, address)
    return address


def events_of(answer) -> dict[str, dict]:
    calendar = Calendar.from_ical(answer.data)
    return {
        str(event["uid"]): {
            "on": event["dtstart"].dt, "words": str(event["summary"]), "url": str(event["url"]),
            "status": str(event["status"]), "stamp": event["dtstamp"].dt, "end": event["dtend"].dt,
        }
        for event in calendar.walk("VEVENT")
    }  # fmt: skip


def test_the_feed_holds_what_is_open_and_nothing_more(tree, officer, link, client):
    long = "巾帼建功活动任务：" + "带动妇女创业就业，" * 12 + "名册；照片, 一份\\报告"
    task = make.task(make.campaign(tree.unit(tree.county)), title=long)
    assignment = make.assignment(task, tree.unit(tree.villages[0]))
    make.assignment(make.task(make.campaign(tree.unit(tree.county))), tree.unit(tree.villages[0]), State.APPROVED)
    make.assignment(task, tree.unit(tree.villages[1]))  # somebody else's
    answer = client.get(link)
    assert answer.mimetype == "text/calendar"
    assert all(len(line) <= 75 for line in answer.data.split(b"\r\n"))
    found = events_of(answer)
    due = found[f"assignment-{assignment.id}-due-at@c.example"]
    assert (due["on"], due["end"]) == (date(2026, 11, 30), date(2026, 12, 1))
    assert due["words"] == f"Due today: {long} (柳林东村妇联)"
    assert due["url"] == f"https://c.example/assignments/{assignment.id}"
    assert due["status"] == "CONFIRMED"
    assert found[f"assignment-{assignment.id}-respond-by@c.example"]["on"] == date(2026, 11, 22)
    assert len(found) == 2


def test_a_moved_date_keeps_its_name_and_what_is_finished_disappears(tree, link, client):
    task = make.task(make.campaign(tree.unit(tree.county)))
    assignment = make.assignment(task, tree.unit(tree.villages[0]), State.ACKNOWLEDGED)
    first = client.get(link)
    again = client.get(link, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    with unit_of_work() as session:
        moved = update(Assignment).where(Assignment.id == assignment.id)
        session.execute(moved.values(due_at=assignment.due_at + timedelta(days=7)))
    second = client.get(link, headers={"If-None-Match": first.headers["ETag"]})
    assert second.status_code == 200
    before, after = events_of(first), events_of(second)
    assert before.keys() == after.keys()
    assert [event["on"] for event in after.values()] == [date(2026, 12, 7)]
    with unit_of_work() as session:
        session.execute(update(Assignment).values(state=State.APPROVED))
    assert events_of(client.get(link)) == {}


def test_a_supervisor_sees_until_when_to_review(tree, visitor, sink, client):
    supervisor = make.holder(tree.unit(tree.townships[0]), Role.SUPERVISOR, locale="zh_CN")
    visitor.sign_in(supervisor)
    page = visitor.get("/me/feed").submit("生成链接", status=200)
    waiting = make.assignment(
        make.task(make.campaign(tree.unit(tree.county))), tree.unit(tree.villages[0]), State.SUBMITTED
    )
    found = events_of(client.get(page.html.split('value="https://c.example')[1].split('"')[0]))
    assert found.keys() == {f"assignment-{waiting.id}-review-due-at@c.example"}


def test_a_wrong_or_withdrawn_link_and_a_closed_account_find_nothing(officer, visitor, link, client):
    assert client.get(link).status_code == 200
    assert client.get("/feed/wrong.ics").status_code == 404
    renewed = visitor.get("/me/feed").submit("Make a new link", status=200)
    newer = renewed.html.split('value="https://c.example')[1].split('"')[0]
    assert [client.get(path).status_code for path in (link, newer)] == [404, 200]
    with unit_of_work() as session:
        session.execute(update(Person).where(Person.id == officer.id).values(disabled_at=make.NOW))
    assert client.get(newer).status_code == 404
    with unit_of_work() as session:
        session.execute(update(Person).where(Person.id == officer.id).values(disabled_at=None))
    visitor.get("/me/feed").submit("Withdraw the link")
    assert client.get(newer).status_code == 404


def test_the_secret_is_in_no_log_and_links_and_questions_are_limited(officer, visitor, link, client):
    token = link.removeprefix("/feed/").removesuffix(".ics")
    assert token not in "".join(data_of("person:feed:open"))
    for _ in range(9):
        visitor.get("/me/feed").submit("Make a new link", status=200)
    assert "try again" in visitor.get("/me/feed").submit("Make a new link", status=429).text
    codes = [client.get("/feed/x.ics").status_code for _ in range(70)]
    assert set(codes[:50]) == {404}
    assert codes[-1] == 429
