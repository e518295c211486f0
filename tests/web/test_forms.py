"""Forms with mistakes in them: which field, what is expected of it, and in the order in which the page asks."""

from typing import Any

import pytest

from campaign import clock
from campaign.rules.organisation import Line, Role
from campaign.rules.plans import CampaignStatus
from tests import make


@pytest.fixture
def tree(app, monkeypatch, now):
    monkeypatch.setattr(clock, "now", lambda: now)
    return make.small_tree()


def told(page) -> list[str]:
    """What the summary says, entry by entry; that it keeps to the order of the fields, the page client sees to."""
    summary = next(element for element in page.root.all("div") if element.get("id") == "problems")
    return [entry.text for entry in summary.all("li")]


def test_a_day_that_is_none_is_asked_for_in_plain_words(tree, visitor):
    officer = make.holder(tree.unit(tree.villages[0]), Role.OFFICER, name="村干部")
    visitor.sign_in(make.holder(tree.unit(tree.county, Line.PARTY), Role.ADMINISTRATOR, name="管理者", locale="en"))
    said = "Please write the day as 2026-11-20."
    page = visitor.get("/admin/people/new").submit("Add the person", status=422, unit="", valid_from="2026-02-30")
    assert [entry.split(":")[0] for entry in told(page)] == [
        "Login name",
        "Name",
        "Unit, or the code of its area",
        "From",
    ]
    assert told(page)[-1] == f"From: {said}"
    page = page.submit("Add the person", status=422, login="a" * 65)
    assert told(page)[0] == "Login name: The text is too long: at most 64 characters."
    at = f"/admin/people/{officer.id}"
    page = visitor.get(at).submit("Add the post", status=422, unit="", valid_from="soon")
    assert told(page)[-1] == f"From: {said}"
    page = visitor.get(f"{at}/stand-in").submit("Name the stand-in", status=422, valid_from="明天", valid_to="31")
    assert told(page)[-2:] == [f"From: {said}", f"Last day: {said}"]
    page = visitor.get(f"{at}/hand-over").submit("Show the consequences", status=422, first_day="下周一")
    assert told(page)[-1] == f"First day of the successor: {said}"
    assert 'value="2026-11-23"' in visitor.get(f"{at}/hand-over").submit("Find", first_day="2026年11月23日 ").html


def test_a_task_with_many_mistakes_lists_them_from_top_to_bottom(tree, visitor):
    draft = make.campaign(tree.unit(tree.county), status=CampaignStatus.DRAFT)
    visitor.sign_in(make.holder(tree.unit(tree.county), Role.DISPATCHER, name="下达人", locale="en"))
    wrong: dict[str, Any] = {
        "due_on": "2026-02-30", "respond_days": "x", "rhythm": "monthly", "month_day": "40", "title": "",
        "min_characters": "many", "review": "chosen", "review_days": "-1",
    }  # fmt: skip
    page = visitor.get(f"/campaigns/{draft.id}/tasks/new").submit("Save the task", status=422, **wrong)
    assert len(told(page)) > 5
    counted = [
        entry.partition(": ") for entry in told(page) if "whole number" in entry or "Please enter a number" in entry
    ]
    assert counted
    assert all(label and sentence for label, _colon, sentence in counted)  # alike, so each says whose it is
