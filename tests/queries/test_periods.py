"""The periods of a recurring task as pages ask for them: figures in scope, the same law in SQL, turns announced."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, text

from campaign.db import db, unit_of_work
from campaign.models import Assignment, Period, Submission, Unit
from campaign.operations.periods import due_series, end_series, open_due, send
from campaign.queries.campaigns import head_of, tasks_of
from campaign.queries.checking import periods_are_whole
from campaign.queries.periods import AHEAD, PAGE, outcome_is, series_of, units_of
from campaign.rules.dates import DueKind
from campaign.rules.organisation import Role
from campaign.rules.periods import Outcome, period_outcome
from campaign.rules.plans import PeriodState
from campaign.rules.states import State
from tests import make
from tests.counting import statements

TUESDAY = date(2026, 11, 3)


@pytest.fixture
def tree(app):
    return make.small_tree()


def at(day: date, hour: int = 9) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC) - timedelta(hours=8)


def begun(tree, weeks=3, **fields):
    """A task of every Tuesday with so many periods behind it, six villages each."""
    plan = make.campaign(tree.unit(tree.county), ends_on=date(2027, 12, 31))
    plain = {"due_kind": DueKind.NONE, "due_on": None, "window_days": 4, "rrule": "FREQ=WEEKLY;BYDAY=TU"}
    task = make.task(plan, **(plain | fields))
    with unit_of_work():
        send(task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=at(TUESDAY))
    for week in range(1, weeks):
        tick(TUESDAY + timedelta(weeks=week))
    return task


def tick(day):
    for task_id in due_series(now=at(day)):
        with unit_of_work():
            open_due(task_id, now=at(day))


def seen(task, actor, day, **asked):
    head = head_of(task.campaign_id, actor)
    (fact,) = tasks_of(task.campaign_id)
    return series_of(task.id, head, fact, actor=actor, now=at(day), **asked)


def put(task, number, states):
    """Sets the states of one period as they came to be; the moves themselves are other tests' business."""
    found = select(Assignment).join(Unit, Unit.id == Assignment.unit_id).where(Assignment.task_id == task.id)
    with unit_of_work() as session:
        rows = session.scalars(found.where(Assignment.period == number).order_by(Unit.lft))
        for row, (state, reported) in zip(rows, states, strict=False):
            row.state = state
            if state is State.SUBMITTED:
                row.reviewer_unit_id = session.get(Unit, row.unit_id).superior_id
            if reported:
                make.submission.__wrapped__(row)


STATES = [
    (State.APPROVED, True),
    (State.SUBMITTED, True),
    (State.RETURNED, True),
    (State.ACKNOWLEDGED, True),
    (State.ISSUED, False),
    (State.CANCELLED, False),
]


def test_each_period_says_how_its_units_stand(tree):
    task = begun(tree)
    put(task, 1, STATES)
    shown = seen(task, tree.actor(tree.county, Role.DISPATCHER), TUESDAY + timedelta(weeks=2))
    third, second, first = shown.lines
    assert first.counts == {
        Outcome.APPROVED: 1,
        Outcome.WAITING: 1,
        Outcome.WITH_OFFICER: 2,
        Outcome.MISSED: 1,
        Outcome.CANCELLED: 1,
    }
    assert first.total == 5
    assert second.counts == {Outcome.MISSED: 6}
    assert third.counts == {Outcome.WITH_OFFICER: 6}


def test_with_a_cut_off_a_past_period_may_still_be_reported_until_then(tree):
    task = begun(tree, weeks=2, grace_days=6)
    actor, later = tree.actor(tree.county, Role.DISPATCHER), TUESDAY + timedelta(days=10)
    assert seen(task, actor, later).lines[1].counts == {Outcome.WITH_OFFICER: 6}
    assert seen(task, actor, later + timedelta(days=1)).lines[1].counts == {Outcome.MISSED: 6}


def test_everybody_counts_what_they_see(tree):
    task = begun(tree)
    officer = tree.actor(tree.villages[0], Role.OFFICER)
    township = tree.actor(tree.townships[0], Role.SUPERVISOR)
    day = TUESDAY + timedelta(weeks=2)
    assert [line.total for line in seen(task, officer, day).lines] == [1, 1, 1]
    assert [line.total for line in seen(task, township, day).lines] == [3, 3, 3]
    found = units_of(task.id, 2, actor=officer, now=at(day))
    assert [row.unit_name for row in found.rows] == [tree.unit(tree.villages[0]).name]
    assert units_of(task.id, 9, actor=officer, now=at(day)) is None


@pytest.mark.parametrize("following", [None, TUESDAY + timedelta(weeks=1)])
def test_the_clause_says_what_the_law_says(tree, following):
    task = begun(tree, weeks=1)
    put(task, 1, STATES)
    now = at(TUESDAY + timedelta(weeks=1, days=1))
    next_opens_at = at(following, 0) if following else None
    for cut_off in (None, now - timedelta(hours=1), now, now + timedelta(hours=1)):
        with unit_of_work() as session:
            session.query(Assignment).update({"cut_off_at": cut_off})
        reported = set(db.session.scalars(select(Submission.assignment_id)))
        rows = db.session.scalars(select(Assignment)).all()
        for outcome in Outcome:
            by_law = {
                row.id
                for row in rows
                if period_outcome(row.state, row.id in reported, row.cut_off_at, next_opens_at, now) is outcome
            }
            by_clause = set(db.session.scalars(select(Assignment.id).where(outcome_is(outcome, next_opens_at, now))))
            assert by_clause == by_law, (outcome, cut_off)


def test_units_by_outcome_page_by_page(tree, monkeypatch):
    monkeypatch.setattr("campaign.queries.periods.UNITS", 2)
    task = begun(tree)
    put(task, 1, STATES)
    actor, now = tree.actor(tree.county, Role.DISPATCHER), at(TUESDAY + timedelta(weeks=2))
    whole = units_of(task.id, 1, actor=actor, now=now, whole=True)
    names, after = [], ""
    while True:
        page = units_of(task.id, 1, actor=actor, now=now, after=after)
        names += [row.unit_name for row in page.rows]
        if not page.next:
            break
        after = page.next
    assert names == [row.unit_name for row in whole.rows]
    assert len(names) == len(set(names)) == 6
    missed = units_of(task.id, 1, actor=actor, now=now, outcome=Outcome.MISSED)
    assert [row.outcome for row in missed.rows] == [Outcome.MISSED]


def test_what_is_announced_is_what_opens(tree):
    task = begun(tree, weeks=1, rotates=True)
    actor = tree.actor(tree.county, Role.DISPATCHER)
    coming = seen(task, actor, TUESDAY).ahead
    assert len(coming) == AHEAD
    for each in coming:
        tick(each.opens_on)
    opened = db.session.execute(
        select(Period.number, Period.opens_on, Unit.name)
        .join(Unit, Unit.id == Period.unit_id)
        .where(Period.number > 1)
        .order_by(Period.number)
    ).all()
    assert [tuple(row) for row in opened] == [(each.number, each.opens_on, each.unit_name) for each in coming]
    due = db.session.scalars(select(Assignment.due_at).where(Assignment.period > 1).order_by(Assignment.period)).all()
    assert due == [each.due_at for each in coming]


def test_before_the_dispatch_the_first_periods_are_shown_as_they_would_be(tree):
    plan = make.campaign(tree.unit(tree.county), ends_on=date(2027, 4, 30))
    fields = {"due_kind": DueKind.NONE, "due_on": None, "window_days": 10, "respond_days": None}
    last_day = "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1"
    task = make.task(plan, rrule=last_day, repeats_from=date(2026, 9, 1), **fields)
    shown = seen(task, tree.actor(tree.county, Role.DISPATCHER), date(2026, 12, 4))
    assert (shown.running, shown.lines) == (False, ())
    assert [str(each.opens_on) for each in shown.ahead] == [
        "2026-11-30", "2026-12-31", "2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30",
    ]  # fmt: skip
    assert [each.number for each in shown.ahead] == [1, 2, 3, 4, 5, 6]


def test_pages_of_many_periods(tree, monkeypatch):
    task = begun(tree, weeks=PAGE + 3, units=[tree.unit(tree.villages[0])], lines=[])
    actor, day = tree.actor(tree.county, Role.DISPATCHER), TUESDAY + timedelta(weeks=PAGE + 2)
    first = seen(task, actor, day)
    second = seen(task, actor, day, before=first.before)
    numbers = [line.number for line in (*first.lines, *second.lines)]
    assert numbers == list(range(PAGE + 3, 0, -1))
    assert (second.before, second.ahead) == (None, ())
    assert seen(task, actor, day, whole=True).lines == (*first.lines, *second.lines)


def test_missed_and_ended_say_why(tree):
    task = begun(tree, weeks=1)
    actor = tree.actor(tree.county, Role.DISPATCHER)
    tick(TUESDAY + timedelta(days=15))
    with unit_of_work():
        end_series(task.id, actor=actor, now=at(TUESDAY + timedelta(days=16)), reason="改按月报送")
    shown = seen(task, actor, TUESDAY + timedelta(days=20))
    assert [line.state for line in shown.lines] == [PeriodState.LATE, PeriodState.MISSED, PeriodState.OPENED]
    assert shown.lines[1].reason
    assert (shown.running, shown.ahead, shown.reason) == (False, (), "改按月报送")


def test_a_task_that_does_not_recur_has_no_series(tree):
    task = make.task(make.campaign(tree.unit(tree.county)))
    assert seen(task, tree.actor(tree.county, Role.DISPATCHER), TUESDAY) is None
    other = make.campaign(tree.unit(tree.county))
    recurring = begun(tree, weeks=1)
    actor = tree.actor(tree.county, Role.DISPATCHER)
    head = head_of(other.id, actor)
    (fact,) = tasks_of(recurring.campaign_id)
    assert series_of(recurring.id, replace(head), fact, actor=actor, now=at(TUESDAY)) is None


def test_the_list_asks_no_more_for_many_periods_and_units(tree):
    task = begun(tree, weeks=2, rotates=False)
    actor = tree.actor(tree.county, Role.DISPATCHER)
    counts = []
    for week in (2, 12):
        tick(TUESDAY + timedelta(weeks=week))
        db.session.commit()
        with statements() as ran:
            seen(task, actor, TUESDAY + timedelta(weeks=week))
        counts.append(len(ran))
    assert counts[0] == counts[1]
    assert counts[1] <= 10


PLANTED = {
    "a gap": "UPDATE period SET number = 7 WHERE number = 3",
    "opened without a batch": "UPDATE period SET batch_id = NULL WHERE number = 2",
    "missed with a batch": "UPDATE period SET state = 3 WHERE number = 2",
    "the batch of another period": "UPDATE period SET batch_id = (SELECT min(id) FROM batch) WHERE number = 2",
    "taken away": "DELETE FROM period WHERE number = 3",
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(tree, fault):
    begun(tree, weeks=3)
    assert list(periods_are_whole()) == []
    with unit_of_work() as session:
        session.execute(text(PLANTED[fault]))
    assert {breach.check for breach in periods_are_whole()} == {"periods"}
