"""The dispatcher at the door: a campaign from an empty list to its dispatch, with every page inspected on the way."""

from io import BytesIO

import pytest
from sqlalchemy import select

from campaign import clock
from campaign.db import db
from campaign.models import Assignment, Campaign, Metric, Task
from campaign.rules.dates import DueKind
from campaign.rules.metrics import Comparator, MetricKind
from campaign.rules.organisation import Level, Line, Role
from campaign.rules.plans import CampaignStatus
from tests import make

PLAN = """\
key: P1
title: 集中建会
issuing_unit: 清河县妇联
tasks:
  - {title: 建会, lines: [妇联], receiving_level: 村}
"""


@pytest.fixture
def tree(app, monkeypatch, now):
    monkeypatch.setattr(clock, "now", lambda: now)
    return make.small_tree()


@pytest.fixture
def signed_in(tree, visitor):
    """The dispatcher of the county's women's federation, reading in English."""
    person = tree.holder(tree.county, Role.DISPATCHER)
    with visitor.client.application.app_context():
        db.session.get(type(person), person.id).locale = "en"
        db.session.commit()
    visitor.sign_in(person)
    return visitor


def draft(tree, **fields):
    return make.campaign(tree.unit(tree.county), status=CampaignStatus.DRAFT, **fields)


def test_from_an_empty_list_to_the_dispatch(tree, signed_in):
    page = signed_in.get("/campaigns")
    assert page.has("There is no campaign yet")
    page = page.click("New campaign").submit(
        "Save the draft", title="集中建会行动", number="清妇〔2026〕9号", theme="建家"
    )
    assert page.has("The draft is saved", "集中建会行动", "No task yet")
    task = page.click("Add a task")
    page = task.submit("Save the task", title="企业建会", receiving_level=str(int(Level.VILLAGE)), due_on="2026-12-31")
    assert page.has("The task is added", "企业建会", "Village")
    page = page.submit("Issue the campaign")
    assert page.has("Nothing has been sent yet")
    preview = page.click("Preview")
    assert preview.has("Who will receive it", "6 units", "柳林东村妇联", "Notice of the task")
    page = preview.submit("Dispatch 6 assignments")
    assert preview.submit("Dispatch 6 assignments").path == page.path, "sent again where the answer was lost"
    assert page.has("6 units have received the task", "Digest of the units")
    assert len(db.session.scalars(select(Assignment)).all()) == 6
    again = signed_in.get(preview.path)
    assert again.has("Every unit has this task already", "Nothing: every unit") and not again.has("Notice of the task")
    assert signed_in.get("/campaigns").has("集中建会行动", "1 / 1")
    table = signed_in.client.get("/campaigns.csv?text=建会").text.splitlines()
    assert len(table) == 2 and "集中建会行动" in table[1] and table[1].endswith("1,1,6"), table
    assert len(signed_in.client.get("/campaigns.csv?text=没有").text.splitlines()) == 1


def test_what_was_typed_is_kept_with_a_sentence_at_each_field(tree, signed_in):
    page = signed_in.get("/campaigns/new").submit(
        "Save the draft", status=422, theme="建家", starts_on="2026-12-01", ends_on="2026-11-01"
    )
    assert page.has("2 things to correct", "Please give the campaign a title.", "The end lies before the start.")
    assert 'value="建家"' in page.html and 'value="2026-12-01"' in page.html
    assert db.session.scalars(select(Campaign)).all() == []


def test_rows_come_and_go_without_a_script(tree, signed_in):
    page = signed_in.get("/campaigns/new").submit("Add a phase", title="有期")
    page = page.submit("Add a phase", **{"phases-0-name": "动员"})
    assert page.has("Phase 1", "Phase 2") and 'value="动员"' in page.html and 'value="有期"' in page.html
    page = page.submit("Save the draft", **{"phases-1-name": "推进", "phases-1-ends_on": "2026-12-31"})
    assert page.has("动员", "推进")
    row = db.session.scalars(select(Campaign)).one()
    page = signed_in.get(f"/campaigns/{row.id}/edit")
    page = page.submit("Remove Phase 1")
    assert "动员" not in page.html and "推进" in page.html
    page.submit("Save the draft")
    assert [phase.name for phase in db.session.get(Campaign, row.id).phases] == ["推进"]


def test_units_are_sought_on_the_server(tree, signed_in):
    row = draft(tree)
    page = signed_in.get(f"/campaigns/{row.id}/tasks/new").submit(
        "Find units", title="点名", receivers="units", find="柳林东", due_kind="0"
    )
    assert page.has("1 unit found", "柳林东村妇联")
    page = page.submit("Find units", units=[str(tree.unit(tree.villages[0]).id)], find="工会")
    assert page.has("No unit in sight", "柳林东村妇联")
    page.submit("Save the task", receivers="units", units=[str(tree.unit(tree.villages[0]).id)])
    task = db.session.scalars(select(Task)).one()
    assert ([unit.unit_id for unit in task.units], task.due_kind) == ([tree.unit(tree.villages[0]).id], DueKind.NONE)


def test_figures_evidence_and_levels_arrive(tree, signed_in):
    row = draft(tree)
    page = signed_in.get(f"/campaigns/{row.id}/tasks/new").submit("Add a figure", title="贷款", due_kind="0")
    page = page.submit("Add evidence")
    given = {
        "receiving_level": str(int(Level.VILLAGE)), "metrics-0-name": "贷款额", "metrics-0-kind": "2",
        "metrics-0-comparator": str(int(Comparator.AT_LEAST)), "metrics-0-target": "1,860.5",
        "metrics-0-scale": "4", "evidence-0-name": "现场照片", "evidence-0-kind": "2", "evidence-0-min": "2",
        "review": "chosen", "review_levels": [str(int(Level.COUNTY))],
    }  # fmt: skip
    page = page.submit("Save the task", status=422, **given)
    assert page.has("1 thing to correct", "A photo may be asked for only with a ground") and "1,860.5" in page.html
    page.submit("Save the task", **{"evidence-0-ground": "方案第三条"})
    metric = db.session.scalars(select(Metric)).one()
    assert (metric.kind, metric.target, metric.unit_of_measure) == (MetricKind.AMOUNT, 18_605_000, "元")
    task = db.session.scalars(select(Task)).one()
    assert (task.review_levels, task.evidence_rules[0].ground, task.respond_days) == ("3", "方案第三条", 3)
    page = signed_in.get(f"/campaigns/{row.id}/tasks/{task.id}")
    assert 'value="1860.5"' in page.html
    page.submit("Save the task", title="新题")
    assert db.session.scalars(select(Metric)).one().target == 18_605_000
    page = signed_in.get(f"/campaigns/{row.id}/tasks/{task.id}").submit("Remove from the draft")
    assert page.has("is removed from the draft") and db.session.scalars(select(Task)).all() == []


def test_a_number_that_is_none_is_kept_as_typed(tree, signed_in):
    row = draft(tree)
    page = signed_in.get(f"/campaigns/{row.id}/tasks/new").submit(
        "Save the task", status=422, title="天数", due_kind="2", due_days="zehn", receiving_level="5"
    )
    assert page.has("1 thing to correct", "Please enter a number") and 'value="zehn"' in page.html


def test_who_comes_second_keeps_what_they_typed(tree, signed_in):
    row = draft(tree)
    first, second = (signed_in.get(f"/campaigns/{row.id}/edit") for _ in range(2))
    first.submit("Save the draft", theme="先到")
    page = second.submit("Save the draft", status=409, theme="后到")
    assert page.has("Not saved yet", "Somebody changed this draft meanwhile") and 'value="后到"' in page.html
    page.submit("Save the draft")
    assert db.session.get(Campaign, row.id).theme == "后到"


def test_a_file_becomes_a_draft(tree, signed_in):
    page = signed_in.get("/campaigns/load").submit("Load as a draft", file=(BytesIO(PLAN.encode()), "plan.yaml"))
    assert page.has("plan.yaml is loaded as a draft", "集中建会", "建会")


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        (PLAN.replace("村}", "屯}"), 422, ("5", "tasks[1].receiving_level", "is not known here")),
        (PLAN.replace("清河县妇联", "无名妇联"), 422, ("3", "issuing_unit", "There is no unit")),
        (PLAN.replace("清河县妇联", "清河县工会"), 403, ("Only dispatchers of the issuing unit",)),
        ("#" * 300_000, 413, ("too large",)),
    ],
)
def test_a_file_that_does_not_hold_names_each_line(tree, signed_in, text, status, words):
    page = signed_in.get("/campaigns/load")
    page = page.submit("Load as a draft", status=status, file=(BytesIO(text.encode()), "plan.yaml"))
    assert page.has(*words)
    assert db.session.scalars(select(Campaign)).all() == []


def test_an_issued_campaign_is_not_edited(tree, signed_in):
    row = make.campaign(tree.unit(tree.county))
    signed_in.get(f"/campaigns/{row.id}/edit", status=409)
    signed_in.get(f"/campaigns/{row.id}/tasks/new", status=409)


def test_others_see_what_is_theirs_and_write_nothing(tree, visitor):
    mine, other = draft(tree), make.campaign(tree.unit(tree.county), title="已下发")
    make.assignment(make.task(other), tree.unit(tree.villages[0]))
    visitor.sign_in(tree.holder(tree.villages[0], Role.OFFICER))
    visitor.get(f"/campaigns/{mine.id}", status=404)
    assert visitor.get(f"/campaigns/{other.id}").has("已下发")
    for path in ("edit", "preview", "tasks/new"):
        assert visitor.client.get(f"/campaigns/{other.id}/{path}").status_code in (403, 404)
    assert visitor.client.get("/campaigns/new").status_code == 403


def test_the_preview_warns_before_anything_is_sent(tree, signed_in):
    row = make.campaign(tree.unit(tree.county))
    task = make.task(row, lines=(Line.WOMEN,), receiving_level=Level.TOWNSHIP)
    page = signed_in.get(f"/campaigns/{row.id}/preview?task={task.id}")
    assert page.has("2 units have no officer", "is not a working day", "Dispatch 2 assignments")
    signed_in.get(f"/campaigns/{row.id}/preview?task=999", status=404)
