"""Occasions at the door: from a draft without a day to a day that moves what was dispatched, seen before it happens."""

from datetime import date

import pytest
from sqlalchemy import select

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Assignment, Occasion, Task
from campaign.operations.extending import extend
from campaign.rules.calendars import DayKind, Roll
from campaign.rules.dates import CountsFrom, DueKind
from campaign.rules.organisation import Level, Role
from campaign.rules.plans import CampaignStatus
from tests import make


@pytest.fixture
def tree(app, monkeypatch, now):
    monkeypatch.setattr(clock, "now", lambda: now)
    return make.small_tree()


def sign_in(visitor, tree, place, role):
    person = tree.holder(place, role)
    with visitor.client.application.app_context():
        db.session.get(type(person), person.id).locale = "en"
        db.session.commit()
    visitor.sign_in(person)
    return visitor


@pytest.fixture
def signed_in(tree, visitor):
    """The dispatcher of the county's women's federation, reading in English."""
    return sign_in(visitor, tree, tree.county, Role.DISPATCHER)


def draft(tree, **fields):
    return make.campaign(tree.unit(tree.county), status=CampaignStatus.DRAFT, **fields)


def test_from_a_draft_without_a_day_to_a_day_that_moves_everything(tree, signed_in, now):
    plan = draft(tree)
    page = signed_in.get(f"/campaigns/{plan.id}").click("Add an occasion")
    assert page.submit("Add the occasion", status=422, name=" ").has("Please name the occasion")
    page = page.submit("Add the occasion", name="县党代会", on="")
    assert page.has("The occasion is added", "县党代会", "day not known yet")
    task = page.click("Add a task").submit(
        "Save the task", title="迎接党代会", receiving_level=str(int(Level.VILLAGE)),
        due_kind=str(int(DueKind.OCCASION)), occasion="县党代会", occasion_days="1", occasion_side="before",
        grace_days="5",
    )  # fmt: skip
    assert task.has("1 day before 县党代会", "The day of the occasion is not known yet")
    page = task.submit("Issue the campaign").click("Preview")
    assert page.has("The due date, and what is said before and after it, follows", "3 workdays before the due date")
    page = page.submit("Dispatch 6 assignments")
    page = signed_in.get(f"/campaigns/{plan.id}").click("Set the day")
    page = page.submit("Show what moves", on="2027-03-15")
    assert page.has(
        "No due date",
        "14 Mar 2027",
        "cut-off Fri 19 Mar 2027",
        "provisional",
        "known until 2026-12-31",
        "Move 6 assignments",
    )
    refused = page.submit("Move 6 assignments", status=422)
    assert refused.has("Please say why, in a few words.")
    page = refused.submit("Move 6 assignments", reason="县委已定会期")
    assert page.has("The day is kept.", "6 assignments have new dates")
    assert {each.isoformat() for each in db.session.scalars(select(Assignment.due_at))} == {
        "2027-03-14T15:59:59.999999+00:00"
    }


def test_days_from_the_sign_for_are_foreseen_before_the_dispatch(tree, signed_in):
    """The preview must not say that nobody is reminded of a date that only each unit's sign-for sets."""
    given = {"due_kind": DueKind.RELATIVE, "due_days": 20, "counts_from": CountsFrom.SIGN_FOR, "days": DayKind.WORKING}
    task = make.task(make.campaign(tree.unit(tree.county)), "走访企业", **given)
    page = signed_in.get(f"/campaigns/{task.campaign_id}/preview?task={task.id}")
    assert page.has("Fri 18 Dec for who signs on the day of the dispatch", "3 workdays before the due date")
    assert not page.has("nobody is reminded")


def occasion_in(plan, on=date(2027, 3, 15)):
    with unit_of_work() as session:
        made = Occasion(campaign_id=plan.id, position=1, name="县党代会", happens_on=on)
        session.add(made)
        session.flush()
        return made.id


def test_the_page_says_what_stays_what_waits_and_what_would_be_late_at_once(tree, signed_in, now):
    plan = make.campaign(tree.unit(tree.county))
    occasion_id = occasion_in(plan)
    given = {"due_kind": DueKind.OCCASION, "due_on": None, "due_days": -1, "occasion_id": occasion_id}
    first = make.task(plan, "第一项", **given)
    make.task(plan, "第二项", **given)
    signed_in.get(f"/campaigns/{plan.id}/preview?task={first.id}").submit("Dispatch 6 assignments")
    issuer, id = tree.actor(tree.county, Role.DISPATCHER), db.session.scalars(select(Assignment.id)).first()
    with unit_of_work():
        extend(id, date(2027, 6, 1), "汛期", actor=issuer, now=now, seen=1)
    page = signed_in.get(f"/campaigns/{plan.id}/occasions/{occasion_id}?on=2026-11-10")
    assert page.has(
        "Move 5 assignments", "1 assignment stays where it is", "1 task that depends on it has not been dispatched",
        "would be overdue at once",
    )  # fmt: skip
    assert signed_in.get(f"/campaigns/{plan.id}/occasions/{occasion_id}?on=2027-03-15").has("Nothing would move")
    assert signed_in.get(f"/campaigns/{plan.id}/occasions/{occasion_id}?on=9999-12-31", status=422).has(
        "the year right?"
    )
    assert signed_in.get(f"/campaigns/{plan.id}/occasions/{occasion_id}?on=soon", status=422).has(
        "Please write the day"
    )


def test_a_page_that_is_too_old_shows_how_it_stands_now(tree, signed_in):
    plan = make.campaign(tree.unit(tree.county))
    occasion_id = occasion_in(plan)
    old = signed_in.get(f"/campaigns/{plan.id}/occasions/{occasion_id}?on=2027-04-01")
    old.submit("Keep the day", reason="一")
    page = old.submit("Keep the day", status=409, reason="二", client_action_id="")
    assert page.has("Not done", "Nothing would move")


def test_it_is_the_issuers_alone(tree, visitor):
    plan = make.campaign(tree.unit(tree.county))
    occasion_id = occasion_in(plan)
    for place, role in ((tree.county, Role.SUPERVISOR), (tree.villages[0], Role.OFFICER)):
        sign_in(visitor, tree, place, role)
        visitor.get(f"/campaigns/{plan.id}/occasions/{occasion_id}", status=404)
        visitor.sign_out()


def test_the_folded_part_of_the_dates_comes_back_as_it_was_typed(tree, signed_in):
    plan = draft(tree)
    page = signed_in.get(f"/campaigns/{plan.id}/tasks/new").submit(
        "Save the task", title="建家", receiving_level=str(int(Level.VILLAGE)), due_kind=str(int(DueKind.RELATIVE)),
        due_days="20", counts_from=str(int(CountsFrom.SIGN_FOR)), days=str(int(DayKind.WORKING)),
        roll=str(int(Roll.NEXT)), review_days="5",
    )  # fmt: skip
    assert page.has("20 working days after the sign-for", "next working day")
    row = db.session.scalars(select(Task)).one()
    assert (row.due_days, row.counts_from, row.days, row.roll, row.review_days) == (
        20, CountsFrom.SIGN_FOR, DayKind.WORKING, Roll.NEXT, 5,
    )  # fmt: skip
    again = signed_in.get(f"/campaigns/{plan.id}/tasks/{row.id}").submit("Save the task")
    assert again.has("The task is saved", "20 working days after the sign-for")
    wrong = signed_in.get(f"/campaigns/{plan.id}/tasks/{row.id}").submit(
        "Save the task", status=422, due_kind=str(int(DueKind.OCCASION)), due_days="", review_days="0"
    )
    assert wrong.has("Please choose the occasion", "Between 1 and 365.")
