"""How often, on the form of a task: chosen by name, kept when refused, read again as it was chosen."""

from datetime import date

import pytest
from sqlalchemy import select

from campaign import clock
from campaign.db import db
from campaign.models import Task
from campaign.rules.organisation import Level, Role
from campaign.rules.plans import CampaignStatus
from tests import make


@pytest.fixture
def tree(app, monkeypatch, now):
    monkeypatch.setattr(clock, "now", lambda: now)
    return make.small_tree()


@pytest.fixture
def form(tree, client, visitor):
    """The empty form of a new task, in English."""
    visitor.sign_in(tree.holder(tree.county, Role.DISPATCHER))
    client.set_cookie("locale", "en")
    draft = make.campaign(tree.unit(tree.county), status=CampaignStatus.DRAFT, ends_on=date(2027, 12, 31))
    return visitor.get(f"/campaigns/{draft.id}/tasks/new")


GIVEN = {"title": "每月报送", "receiving_level": str(int(Level.VILLAGE))}
SAVED = [
    ({"rhythm": "monthly", "month_day": "31", "window_days": "5"}, "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1"),
    ({"rhythm": "weekly", "weekday": "4", "month_day": "3"}, "FREQ=WEEKLY;BYDAY=FR"),
    ({"rhythm": "two_monthly", "month_day": "1", "repeats_from": "2026-11-01"}, "FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=1"),
    ({"rhythm": "quarterly", "month_day": "20", "nth": "1"}, "FREQ=MONTHLY;BYMONTH=1,4,7,10;BYMONTHDAY=20"),
    ({"rhythm": "seasons", "month_day": "10", "months": ["3", "9"]}, "FREQ=MONTHLY;BYMONTH=3,9;BYMONTHDAY=10"),
    ({"rhythm": "free", "rrule": "freq=monthly; byday=-1fr"}, "FREQ=MONTHLY;BYDAY=-1FR"),
    ({"rhythm": "once", "month_day": "3", "rrule": "nonsense", "due_kind": "0"}, ""),
]


@pytest.mark.parametrize(("typed", "kept"), SAVED)
def test_a_rhythm_is_kept_and_stands_on_the_form_again(form, typed, kept):
    page = form.submit("Save the task", **GIVEN, **typed)
    task = db.session.scalars(select(Task)).one()
    assert task.rrule == kept
    again = page.visitor.get(f"/campaigns/{task.campaign_id}/tasks/{task.id}")
    again.submit("Save the task")
    db.session.expire_all()
    assert db.session.scalars(select(Task)).one().rrule == kept


REFUSED = [
    ({"rhythm": "monthly"}, "month_day", "Please say the day of the month"),
    ({"rhythm": "monthly", "month_day": "40"}, "month_day", "Please say the day of the month"),
    ({"rhythm": "seasons", "month_day": "4"}, "months", "Please choose the months."),
    ({"rhythm": "quarterly", "month_day": "4", "nth": "4"}, "nth", "4 is not a number from 1 to 3."),
    ({"rhythm": "free", "rrule": "FREQ=DAILY"}, "rrule", "weekly, monthly or yearly"),
    ({"rhythm": "two_monthly", "month_day": "4"}, "repeats_from", "Please say from which day on it counts."),
    ({"rhythm": "monthly", "month_day": "4", "window_days": "900"}, "window_days", "A period lasts at most 366 days."),
    ({"rhythm": "daily"}, "rrule", "A rule is written like"),
]


@pytest.mark.parametrize(("typed", "field", "sentence"), REFUSED)
def test_what_is_missing_is_said_at_its_field(form, typed, field, sentence):
    page = form.submit("Save the task", status=422, **GIVEN, **typed)
    assert sentence in page.main
    assert f'href="#{field}"' in page.html
    assert f'id="{field}-error"' in page.html
    assert db.session.scalars(select(Task)).all() == []


def test_a_recurring_task_has_grace_without_a_due_date_of_its_own(form):
    form.submit("Save the task", **GIVEN, rhythm="monthly", month_day="4", window_days="9", grace_days="2", rotates="1")
    task = db.session.scalars(select(Task)).one()
    assert (task.window_days, task.grace_days, task.rotates, task.due_on) == (9, 2, True, None)
