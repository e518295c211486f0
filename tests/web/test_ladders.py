"""Ladders in the browser: read as sentences, written row by row without a script, kept in versions."""

import io

import pytest
from sqlalchemy import select

from campaign import clock
from campaign.db import db
from campaign.models import Campaign, Event, LadderVersion, Task
from campaign.models.ladders import read
from campaign.rules.organisation import Line, Role
from campaign.rules.plans import CampaignStatus
from tests import make


@pytest.fixture
def tree(app, monkeypatch, now):
    monkeypatch.setattr(clock, "now", lambda: now)
    return make.small_tree()


@pytest.fixture
def at_desk(app, visitor):
    """Signs somebody in, reading English; who attacks sends forms without a token."""

    def enter(person, attacks=False):
        app.config["WTF_CSRF_ENABLED"] = True
        visitor.sign_out()
        visitor.client.set_cookie("locale", "en")
        visitor.sign_in(person)
        app.config["WTF_CSRF_ENABLED"] = not attacks
        return visitor

    return enter


@pytest.fixture
def writer(tree, at_desk):
    return at_desk(tree.holder(tree.county, Role.DISPATCHER))


def made(writer, key="qh-strict"):
    page = writer.get("/ladders").click("New ladder")
    return page.submit("Keep this version", name="清河从严", key=key, reason="年底攻坚")


def newest(key):
    found = select(LadderVersion).where(LadderVersion.key == key).order_by(LadderVersion.version.desc())
    return db.session.scalars(found).first()


def test_the_default_reads_as_sentences_in_both_languages(writer):
    page = writer.get("/ladders").click("The default ladder")
    assert page.has("3 workdays before the due date, 09:00: reminds the officers (daily digest)")
    assert page.has("1 workday after the due date, 09:00: escalates to the officers, the unit one level up (at once)")
    assert "Next version" not in page.links
    writer.client.set_cookie("locale", "zh_CN")
    page = writer.get("/ladders/1")
    assert page.has("完成期限前3个工作日 09:00：提醒经办人（每日摘要）")


def test_a_copy_becomes_a_ladder_of_the_unit_with_rows_that_come_and_go(writer, tree):
    page = writer.get("/ladders/1").click("Copy as a new ladder")
    rows = len(newest("default").rungs and read(newest("default").rungs))
    page = page.submit("Add a rung")
    assert page.has(f"Rung {rows + 1}")
    page = page.submit(f"Remove Rung {rows + 1}")
    assert not page.has(f"Rung {rows + 1}")
    page = page.submit("Keep this version", name="清河从严", key="qh-strict", reason="年底攻坚")
    assert page.has("The version is kept.", "清河从严", "清河县妇联", "年底攻坚")
    kept = newest("qh-strict")
    assert (kept.version, kept.unit_id) == (1, tree.unit(tree.county).id)
    entry = db.session.scalar(select(Event.reason).where(Event.tag == "ladder:version:add"))
    assert entry == "年底攻坚"


def test_a_changed_rung_gets_a_new_number_and_the_others_keep_theirs(writer):
    made(writer)
    before = {rung.number: rung for rung in read(newest("qh-strict").rungs)}
    page = writer.get(f"/ladders/{newest('qh-strict').id}").click("Next version")
    page = page.submit("Keep this version", **{"rungs-3-offset": "5", "rungs-3-at": "08:30", "reason": "提前提醒"})
    assert page.has("Version 2", "5 workdays before the due date, 08:30: reminds the officers")
    after = {rung.number: rung for rung in read(newest("qh-strict").rungs)}
    assert set(after) - set(before) == {12}
    assert set(before) - set(after) == {4}
    former = db.session.scalar(
        select(LadderVersion.rungs).where(LadderVersion.version == 1, LadderVersion.key == "qh-strict")
    )
    assert {rung.number for rung in read(former)} == set(before)


def test_the_list_is_narrowed_ordered_and_exported_as_it_stands(writer, tree):
    made(writer)
    own, default = "清河从严", "The default ladder"
    unit = tree.unit(tree.county).id
    for asked, shown in (("", [default, own]), ("?sort=newest", [own, default]), ("?text=STRICT", [own]),
                         ("?text=default", [default]), ("?unit=0", [default]), (f"?unit={unit}&sort=used", [own]),
                         ("?unit=999999&sort=strange", [])):  # fmt: skip
        page = writer.get(f"/ladders{asked}")
        assert [link for link in page.links if link in (own, default)] == shown
        if shown:
            rows = page.click("CSV").response.get_data(as_text=True).splitlines()[1:]
            assert [row.split(",")[0] for row in rows] == shown
    assert page.has("No ladder fits these filters.")
    assert writer.get("/ladders?text=strict").has("1 of 2 ladders that your units may use")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"name": ""}, "Please give the ladder a name."),
        ({"key": "清河"}, "Please write a short name"),
        ({"key": "default"}, "Please write a short name"),
        ({"reason": ""}, "Please say why, in a few words."),
        ({"rungs-0-offset": "viele"}, "Please enter a whole number."),
        ({"rungs-0-offset": "61"}, "At most 60 before or after the date."),
        ({"rungs-0-offset": "241", "rungs-0-counts": "3"}, "At most 240 before or after the date."),
        ({"rungs-0-at": "25:00"}, "Please write the time as 09:00."),
        ({"rungs-0-at": "9:75"}, "Please write the time as 09:00."),
        ({"rungs-0-tells": []}, "Please choose at least one who is told."),
        ({"rungs-2-side": "before", "rungs-2-offset": "1"}, "This happens without notice"),
        ({"rungs-3-tells": ["7"]}, "The reviewer is told only of the review date"),
        ({"rungs-9-tells": ["1"]}, "Of the review date only the reviewer"),
        ({"rungs-8-when": "1"}, "the condition can never hold"),
        ({"rungs-4-offset": "3", "rungs-4-tells": ["1"]}, "Another rung says the same at the same time."),
        ({"stop_level": "4"}, "levels above the highest level that is told"),
        ({"rungs-3-tells": ["3"], "rungs-4-tells": ["3"], "rungs-5-tells": ["5"]}, "Whoever has to act"),
    ],
)  # fmt: skip
def test_what_does_not_hold_comes_back_with_a_sentence_at_its_row(writer, typed, sentence):
    page = writer.get("/ladders/new")
    given = {"name": "清河从严", "key": "qh-strict", "reason": "年底攻坚"} | typed
    page = page.submit("Keep this version", status=422, **given)
    assert page.has(sentence)
    assert newest("qh-strict") is None


def test_everything_wrong_is_told_at_once_with_the_rung_that_it_concerns(writer):
    typed = {"rungs-0-offset": "viele", "rungs-3-at": "25:00", "rungs-4-offset": "61"}
    page = writer.get("/ladders/new").submit("Keep this version", status=422, name="", key="Ä", reason="", **typed)
    summary = next(element for element in page.root.all("div") if element.get("id") == "problems")
    assert [entry.text for entry in summary.all("li")] == [
        "Please give the ladder a name.",
        "Please write a short name of small letters, digits and hyphens.",
        "Please say why, in a few words.",
        "Rung 1: Please enter a whole number.",
        "Rung 4: Please write the time as 09:00.",
        "Rung 5: At most 60 before or after the date.",
    ]


def test_a_short_name_is_used_once_and_a_stale_version_is_told_so(writer):
    made(writer)
    page = writer.get("/ladders/new")
    page = page.submit("Keep this version", status=422, name="另一套", key="qh-strict", reason="重名")
    assert page.has("A ladder with this short name exists already.")
    first = newest("qh-strict").id
    one, other = (writer.get(f"/ladders/{first}/next") for _ in range(2))
    one.submit("Keep this version", reason="第一个", **{"rungs-3-offset": "5"})
    late = other.submit("Keep this version", status=409, reason="第二个", **{"rungs-3-offset": "4"})
    assert late.has("Somebody was faster", "第二个")


def test_ladders_of_others_are_neither_seen_nor_written(writer, tree, at_desk):
    made(writer)
    id = newest("qh-strict").id
    below = at_desk(tree.holder(tree.townships[0], Role.SUPERVISOR))
    assert below.get("/ladders").has("清河从严")  # of a unit above
    below.get(f"/ladders/{id}/next", status=403)
    for stranger in (tree.holder(tree.county, Role.DISPATCHER, Line.UNION),):
        visitor = at_desk(stranger, attacks=True)
        visitor.get(f"/ladders/{id}", status=404)
        visitor.get(f"/ladders/{id}/next", status=404)
        visitor.post(f"/ladders/{id}/next", {"name": "抢占", "seen": "1"}, status=404)
        fake = {"name": "冒名", "key": "fake", "reason": "试", "rungs-0-offset": "1", "rungs-0-tells": "1"}
        visitor.post("/ladders/new", fake | {"unit": str(tree.unit(tree.city).id)}, status=403)
    at_desk(tree.holder(tree.villages[0], Role.OFFICER)).get("/ladders", status=403)
    assert newest("fake") is None


def test_the_default_is_written_by_administrators_of_the_top_only(tree, at_desk):
    at_desk(make.holder(tree.unit(tree.county), Role.ADMINISTRATOR)).get("/ladders/1/next", status=404)
    page = at_desk(make.holder(tree.unit(tree.city, Line.PARTY), Role.ADMINISTRATOR)).get("/ladders/1/next")
    assert page.submit("Keep this version", reason="早一点", **{"rungs-3-at": "08:00"}).has("Version 2", "08:00")


def test_a_campaign_and_its_tasks_choose_among_the_ladders_in_sight(writer, tree, at_desk):
    made(writer)
    campaign = make.campaign(tree.unit(tree.county), status=CampaignStatus.DRAFT)
    task = make.task(campaign)
    page = writer.get(f"/campaigns/{campaign.id}/edit").submit("Save the draft", ladder="qh-strict")
    assert page.has("The draft is saved.")
    page = writer.get(f"/campaigns/{campaign.id}/tasks/{task.id}")
    assert page.has("清河从严 · qh-strict", "that of the campaign")
    page = page.submit("Save the task", status=422, ladder="nowhere")
    assert page.has("There is no ladder “nowhere” that this unit may use.")
    page.submit("Save the task", ladder="default")
    db.session.rollback()
    assert db.session.get(Campaign, campaign.id).ladder_key == "qh-strict"
    assert db.session.get(Task, task.id).ladder_key == "default"
    assert writer.get(f"/campaigns/{campaign.id}/preview?task={task.id}").has("The default ladder, version 1")


def test_a_plan_file_names_ladders_and_a_strange_one_is_refused(writer, tree):
    made(writer)
    text = """
title: 年底攻坚
issuing_unit: 清河县妇联
ladder: {campaign}
tasks:
  - title: 走访慰问
    lines: [women]
    receiving_level: village
    ladder: {task}
"""
    for wanted, status, said in (
        (("qh-strict", "default"), 200, "is loaded as a draft"),
        (("qh-strict", "fremd"), 422, "There is no ladder “fremd” that this unit may use."),
    ):
        content = text.format(campaign=wanted[0], task=wanted[1]).encode()
        page = writer.get("/campaigns/load")
        page = page.submit("Load as a draft", status=status, file=(io.BytesIO(content), "plan.yaml"))
        assert page.has(said)
    assert db.session.scalars(select(Campaign.ladder_key)).all() == ["qh-strict"]
    assert db.session.scalars(select(Task.ladder_key)).all() == ["default"]
