"""The demonstration: every state, light and queue has something in it, and what it holds keeps every law."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import flask_migrate
import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import func, select

from campaign import create_app
from campaign.clock import local_today, zone
from campaign.config import Settings
from campaign.db import db
from campaign.demo import load
from campaign.demo.load import PASSWORD, UNDISPATCHED, holds_demo, load_demo
from campaign.demo.scenes import LADDER
from campaign.documents.plans import read_plan
from campaign.errors import Refused
from campaign.models import (
    Assignment,
    Batch,
    Campaign,
    CheckIn,
    Delegation,
    Event,
    Evidence,
    JobRun,
    LadderVersion,
    Notice,
    Occasion,
    Period,
    Person,
    Post,
    Question,
    Review,
    Series,
    StateCount,
    Task,
)
from campaign.models.organisation import manned_on
from campaign.operations.folding import differences
from campaign.queries.checking import CHECKS
from campaign.rules.calendars import Roll
from campaign.rules.dates import DueKind, Light, light_of
from campaign.rules.organisation import Role
from campaign.rules.states import WITH_OFFICER, Action, CheckInKind, State
from tests import make

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """An application with the demonstration in it, for all tests of this file."""
    app = create_app(Settings(data_dir=str(tmp_path_factory.mktemp("demo")), env="demo", secret_key="x" * 40))
    with app.app_context():
        flask_migrate.upgrade()
        app.accounts = load_demo(now=make.NOW)
        db.session.remove()
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def demo(city: Flask):
    with city.app_context():
        yield city
        db.session.remove()


def count(*where) -> int:
    return db.session.scalar(select(func.count()).where(*where)) or 0


def test_every_state_and_every_light_is_there(demo):
    rows = db.session.execute(select(Assignment.state, Assignment.due_at, Assignment.behind_at)).all()
    assert {row.state for row in rows} == set(State)
    assert {light_of(row.state, row.due_at, row.behind_at, make.NOW) for row in rows} == set(Light)


def test_all_ten_campaigns_are_dispatched_but_for_the_task_that_waits_for_the_visitor(demo):
    assert count(Campaign.id > 0) == 10
    dispatched = set(db.session.scalars(select(Batch.task_id)))
    assert list(db.session.scalars(select(Task.key).where(Task.id.not_in(dispatched)))) == [UNDISPATCHED]


def test_work_of_every_kind_has_been_done(demo):
    decided = set(db.session.execute(select(Review.decision, Review.step)).tuples())
    assert {(Action.APPROVE, 0), (Action.APPROVE, 1), (Action.RETURN, 0)} <= decided
    assert set(db.session.scalars(select(CheckIn.kind))) == set(CheckInKind)
    assert {"image/jpeg"} < set(db.session.scalars(select(Evidence.media_type)))
    told = set(db.session.scalars(select(Notice.tag)))
    clock = {f"assignment:clock:{what}" for what in ("remind", "escalate", "escalate-further")}
    assert clock | {"assignment:review:return"} <= told
    assert 0 < count(Notice.delivered_at.is_(None)) < 1000
    assert count(Notice.delivered_at.is_(None), Notice.created_at < make.NOW - timedelta(days=1)) == 0


def test_what_the_clock_can_do_has_been_done(demo):
    occasion = db.session.scalars(select(Occasion)).one()
    assert occasion.happens_on > local_today(make.NOW) and occasion.version == 2
    moved = count(Assignment.first_due_at < Assignment.due_at, Task.id == Assignment.task_id, Task.occasion_id > 0)
    assert moved > 50
    reasons = db.session.scalars(select(Event.reason).where(Event.tag == "assignment:occasion:move"))
    assert list(reasons) != [""]
    rolled = db.session.scalars(select(Assignment.due_at).join(Task).where(Task.roll == Roll.NEXT)).first()
    assert rolled.astimezone(ZoneInfo(zone())).weekday() < 5
    assert set(db.session.scalars(select(LadderVersion.key))) == {"default", LADDER}
    assert count(Assignment.urged_at.is_not(None)) > 5
    assert count(Assignment.in_charge_id.is_not(None)) > 50
    answered, pending = db.session.scalars(select(Question).order_by(Question.id))
    assert answered.answered_at and answered.answer and not pending.answered_at
    given = db.session.get(Assignment, answered.assignment_id)
    assert given.due_at > given.first_due_at
    assert db.session.get(Assignment, pending.assignment_id).suspended_at == pending.asked_at


def test_what_comes_round_was_opened_and_missed_by_some(demo):
    periods = db.session.execute(select(Task.key, Period.number, Period.unit_id).join(Task)).all()
    monthly = {number for key, number, _unit in periods if key == "C002-10-03"}
    turns = [unit for key, _number, unit in periods if key == "C002-12-01"]
    assert len(monthly) >= 2 and len(turns) >= 2 and len(set(turns)) == len(turns)
    assert all(day > local_today(make.NOW) for day in db.session.scalars(select(Series.next_on)))
    opened = Task.key == "C002-10-03", Task.id == Assignment.task_id
    past = count(Assignment.cut_off_at < make.NOW, *opened)
    missed = count(Assignment.cut_off_at < make.NOW, Assignment.state.in_(WITH_OFFICER), *opened)
    assert 0 < missed < past


def test_posts_are_lent_left_and_handed_over(demo):
    lent = db.session.scalars(select(Delegation)).one()
    assert lent.valid_from < local_today(make.NOW) < lent.valid_to and lent.ended_at is None
    assert count(Review.post_id == lent.post_id, Review.person_id == lent.delegate_id) > 0
    assert count(Event.tag == "person:post:hand-over") == 1
    gone = select(Post.unit_id).where(Post.disabled_at.is_not(None), Post.role == Role.OFFICER)
    [vacant] = db.session.scalars(gone)
    assert not db.session.execute(select(manned_on(vacant, Role.OFFICER, local_today(make.NOW)))).scalar()
    assert count(Assignment.unit_id == vacant, Assignment.state.in_(WITH_OFFICER)) > 0


def test_a_week_of_states_is_recorded(demo):
    slots = {slot.date() for slot in db.session.scalars(select(StateCount.slot).distinct())}
    assert len(slots) >= 7
    assert count(JobRun.name == "record_states") >= 7


def test_accounts_of_all_roles_open_with_the_documented_password(demo):
    assert {account.role for account in demo.accounts} == set(Role)
    for account in demo.accounts:
        person = db.session.scalars(select(Person).where(Person.login == account.login)).one()
        assert not person.must_change_password
        assert account.posts
    assert account.password == PASSWORD
    assert PasswordHasher().verify(person.password_hash, PASSWORD)


def test_it_keeps_every_law(demo):
    assert differences() == []
    for check in CHECKS:
        assert list(check()) == []


def test_it_is_loaded_once_and_never_beside_anything_else(demo):
    assert holds_demo()
    with pytest.raises(Refused):
        load_demo(now=make.NOW)


def test_a_failed_load_leaves_nothing(app, monkeypatch):
    def broken(*_args, **_kwargs):
        raise RuntimeError("the power went")

    monkeypatch.setattr(load, "_play", broken)
    with pytest.raises(RuntimeError):
        load_demo(now=make.NOW)
    assert not holds_demo()
    assert count(Person.id > 1) == 0


@pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
def test_a_few_days_of_it_load_on_both_databases(app, monkeypatch):
    monkeypatch.setattr(load, "DAYS", 4)
    monkeypatch.setattr(load, "BEGUN", {})
    monkeypatch.setattr(load, "ISSUED", dict.fromkeys(load.ISSUED, (2, 0.1)))
    load_demo(now=make.NOW)
    assert count(Assignment.id > 0) > 1000
    assert differences() == []


def test_dates_move_in_their_order_and_missing_ones_stay_missing():
    today = date(2026, 11, 20)
    for path in (load.HERE / "campaigns").glob("*.yaml"):
        plan = read_plan(path)
        new = load.moved(plan, today - timedelta(days=9), today)
        pairs = sorted((old.due_on, task.due_on) for old, task in zip(plan.tasks, new.tasks, strict=True) if old.due_on)
        assert [after for _before, after in pairs] == sorted(after for _before, after in pairs)
        assert all(abs((after - today).days) < 20 for _before, after in pairs)
        for old, task in zip(plan.tasks, new.tasks, strict=True):
            assert (old.due_kind is DueKind.FIXED) == (task.due_on is not None)
