"""Recurring tasks: begun by hand, opened by the clock once each, missed with a reason, given in turn, ended."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select

from campaign.db import db, unit_of_work
from campaign.errors import Forbidden, Invalid, Refused
from campaign.models import Assignment, Batch, Event, Notice, Period, Series, Timer, Unit
from campaign.models.prospects import prospects
from campaign.operations.issuing import dispatch
from campaign.operations.periods import due_series, end_series, open_due, send
from campaign.rules.dates import DueKind, end_of_day
from campaign.rules.organisation import Role
from campaign.rules.periods import STOOD_STILL
from campaign.rules.plans import PeriodState
from tests import make

OPENED, LATE, MISSED = PeriodState.OPENED, PeriodState.LATE, PeriodState.MISSED
TUESDAYS = "FREQ=WEEKLY;BYDAY=TU"
MONTHLY = "FREQ=MONTHLY;BYMONTHDAY=14"


@pytest.fixture
def tree(app):
    return make.small_tree()


def at(day: date, hour: int = 9) -> datetime:
    """That hour of the day in Shanghai."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC) - timedelta(hours=8)


def recurring(tree, rrule=TUESDAYS, **fields):
    """A recurring task of the county for its six villages, each period for four days."""
    plan = make.campaign(tree.unit(tree.county), ends_on=fields.pop("ends_on", None))
    plain = {"due_kind": DueKind.NONE, "due_on": None, "respond_days": 1, "window_days": 4, "rrule": rrule}
    return make.task(plan, **(plain | fields))


def dispatcher(tree):
    return tree.actor(tree.county, Role.DISPATCHER)


def begin(tree, task, day):
    with unit_of_work():
        return send(task.id, actor=dispatcher(tree), now=at(day))


def tick(now: datetime) -> None:
    """What the job does."""
    for task_id in due_series(now=now):
        with unit_of_work():
            open_due(task_id, now=now)


def periods(task) -> list[tuple[int, date, PeriodState]]:
    rows = db.session.execute(
        select(Period.number, Period.opens_on, Period.state).where(Period.task_id == task.id).order_by(Period.number)
    )
    return [tuple(row) for row in rows]


def items(task) -> dict[int, int]:
    """How many assignments each period has."""
    rows = select(Assignment.period, func.count()).where(Assignment.task_id == task.id).group_by(Assignment.period)
    return {row[0]: row[1] for row in db.session.execute(rows)}


def test_the_hand_begins_and_the_clock_goes_on(tree):
    task = recurring(tree)
    done = begin(tree, task, date(2026, 11, 20))  # a Friday
    assert (done.batch_id, done.items, periods(task)) == (None, 0, [])
    assert db.session.scalar(select(Series.next_on)) == date(2026, 11, 24)
    tick(at(date(2026, 11, 23), 23))
    assert periods(task) == []
    for day in (24, 24, 25):
        tick(at(date(2026, 11, day), 1))
    assert periods(task) == [(1, date(2026, 11, 24), OPENED)]
    tick(at(date(2026, 12, 1)))
    assert periods(task) == [(1, date(2026, 11, 24), OPENED), (2, date(2026, 12, 1), OPENED)]
    assert items(task) == {1: 6, 2: 6}
    batch = db.session.scalars(select(Batch).where(Batch.period == 2)).one()
    assert batch.due_at == end_of_day(date(2026, 12, 5), make.ZONE)
    assert db.session.scalar(select(func.count()).select_from(Timer)) == 12


def test_opening_is_logged_and_told_as_a_dispatch_by_the_system(tree):
    task = recurring(tree)
    begin(tree, task, date(2026, 11, 20))
    tick(at(date(2026, 11, 24)))
    (row,) = db.session.scalars(select(Event).where(Event.tag == "assignment:dispatch:issue")).all()
    assert row.person_id == 1
    assert db.session.scalar(select(func.count(Notice.id)).where(Notice.event_id == row.id)) == 1


def test_a_dispatch_on_its_day_opens_the_first_period_at_once(tree):
    task = recurring(tree)
    assert begin(tree, task, date(2026, 11, 24)).items == 6
    assert periods(task) == [(1, date(2026, 11, 24), OPENED)]


def test_a_period_that_is_open_at_the_dispatch_is_opened_late_and_what_was_over_is_not_asked(tree):
    task = recurring(tree, repeats_from=date(2026, 11, 1))
    begin(tree, task, date(2026, 11, 27))
    assert periods(task) == [(1, date(2026, 11, 24), LATE)]
    due, respond_by = db.session.execute(select(Batch.due_at, Batch.respond_by)).one()
    assert due == end_of_day(date(2026, 11, 28), make.ZONE)
    assert respond_by == end_of_day(date(2026, 11, 28), make.ZONE)


def test_after_three_weeks_nothing_is_dropped_and_nothing_doubled(tree):
    task = recurring(tree)
    begin(tree, task, date(2026, 11, 24))
    tick(at(date(2026, 12, 17)))
    tick(at(date(2026, 12, 17)))
    assert periods(task) == [
        (1, date(2026, 11, 24), OPENED),
        (2, date(2026, 12, 1), MISSED),
        (3, date(2026, 12, 8), MISSED),
        (4, date(2026, 12, 15), LATE),
    ]
    assert items(task) == {1: 6, 4: 6}
    reasons = db.session.scalars(select(Period.reason).where(Period.state == MISSED)).all()
    assert set(reasons) == {STOOD_STILL.text}
    assert db.session.scalar(select(func.count(Event.id)).where(Event.tag == "campaign:period:miss")) == 2


def test_a_period_that_ends_on_a_holiday_lasts_until_the_day_it_rolls_to(tree):
    """Due on a Saturday rolls to Monday: opened on that Monday it is late, not missed."""
    task = recurring(tree, roll=1)
    begin(tree, task, date(2026, 11, 20))
    tick(at(date(2026, 11, 30)))
    assert periods(task)[0] == (1, date(2026, 11, 24), LATE)


def test_the_campaigns_last_day_ends_the_series(tree):
    task = recurring(tree, ends_on=date(2026, 12, 1))
    begin(tree, task, date(2026, 11, 20))
    for day in range(21, 61):
        tick(at(date(2026, 11, 1) + timedelta(days=day - 1)))
    assert [row[1] for row in periods(task)] == [date(2026, 11, 24), date(2026, 12, 1)]
    assert db.session.scalar(select(Series.next_on)) is None


def test_a_task_that_never_comes_round_is_refused(tree):
    task = recurring(tree, MONTHLY, ends_on=date(2026, 12, 1))
    with pytest.raises(Refused):
        begin(tree, task, date(2026, 11, 20))


def test_nobody_else_begins_or_ends(tree):
    task = recurring(tree)
    stranger = tree.actor(tree.townships[0], Role.SUPERVISOR)
    with pytest.raises(Forbidden), unit_of_work():
        send(task.id, actor=stranger, now=at(date(2026, 11, 20)))
    begin(tree, task, date(2026, 11, 20))
    with pytest.raises(Forbidden), unit_of_work():
        end_series(task.id, actor=stranger, now=at(date(2026, 11, 21)), reason="不再需要")
    with pytest.raises(Refused), unit_of_work():
        dispatch(task.id, actor=dispatcher(tree), now=at(date(2026, 11, 21)))


def test_an_ended_series_opens_nothing_more_and_says_why(tree):
    task = recurring(tree)
    begin(tree, task, date(2026, 11, 24))
    with pytest.raises(Invalid), unit_of_work():
        end_series(task.id, actor=dispatcher(tree), now=at(date(2026, 11, 26)), reason="  ")
    with unit_of_work():
        end_series(task.id, actor=dispatcher(tree), now=at(date(2026, 11, 26)), reason="改为按季度报送")
    with pytest.raises(Refused), unit_of_work():
        end_series(task.id, actor=dispatcher(tree), now=at(date(2026, 11, 26)), reason="再来一次")
    tick(at(date(2026, 12, 1)))
    assert [number for number, *_ in periods(task)] == [1]
    assert db.session.scalar(select(Event.reason).where(Event.tag == "campaign:series:end")) == "改为按季度报送"
    assert items(task) == {1: 6}
    with pytest.raises(Refused):
        begin(tree, task, date(2026, 12, 2))


def test_units_that_came_since_get_the_periods_that_are_open(tree):
    task = recurring(tree)
    begin(tree, task, date(2026, 11, 24))
    village = make.area("柳林南村", parent=tree.townships[0], level=tree.villages[0].level)
    make.unit(village)
    assert begin(tree, task, date(2026, 11, 25)).items == 1
    assert begin(tree, task, date(2026, 11, 25)).items == 0
    assert begin(tree, task, date(2026, 11, 30)).items == 0  # the first is over
    tick(at(date(2026, 12, 1)))
    assert items(task) == {1: 7, 2: 7}


def test_what_recomputes_dates_finds_those_of_every_period_as_they_are(tree):
    """Late openings and units that came later included: the rule says the same again."""
    task = recurring(tree, repeats_from=date(2026, 11, 1), grace_days=2, roll=1)
    begin(tree, task, date(2026, 11, 26))
    make.unit(make.area("柳林南村", parent=tree.townships[0], level=tree.villages[0].level))
    assert begin(tree, task, date(2026, 11, 27)).items == 1
    tick(at(date(2026, 12, 3)))
    found = prospects([task.id])
    assert [each.changes[0].group.n for each in found] == [6, 1, 7]
    assert [each.items for each in found] == [0, 0, 0]


def turns(task) -> list[str]:
    rows = select(Unit.name).join(Period, Period.unit_id == Unit.id).where(Period.task_id == task.id)
    return [name[2:4] for name in db.session.scalars(rows.order_by(Period.number))]


def test_each_period_another_unit_until_all_had_their_turn(tree):
    named = [tree.unit(village) for village in tree.villages[:3]]
    task = recurring(tree, MONTHLY, rotates=True, units=named, lines=[])
    begin(tree, task, date(2026, 1, 14))
    for month in range(2, 8):
        tick(at(date(2026, month, 14)))
    assert turns(task) == ["东村", "西村", "新村", "东村", "西村", "新村", "东村"]
    assert set(items(task).values()) == {1}


def test_units_that_end_lose_their_turn_and_new_ones_come_next(tree):
    task = recurring(tree, MONTHLY, rotates=True)
    begin(tree, task, date(2026, 1, 14))
    tick(at(date(2026, 2, 14)))
    with unit_of_work():
        db.session.get(Unit, tree.unit(tree.villages[2]).id).valid_to = date(2026, 2, 20)
    make.unit(make.area("柳林南村", parent=tree.townships[0], level=tree.villages[0].level))
    for month in range(3, 9):
        tick(at(date(2026, month, 14)))
    #                     柳林：                 石桥：                  从头
    assert turns(task) == ["东村", "西村", "南村", "东村", "西村", "新村", "东村", "西村"]


def test_where_nobody_can_receive_a_period_it_is_missed(tree):
    task = recurring(tree, units=[tree.unit(tree.villages[0])], lines=[], rotates=True)
    with unit_of_work():
        db.session.get(Unit, tree.unit(tree.villages[0]).id).valid_to = date(2026, 11, 1)
    begin(tree, task, date(2026, 11, 24))
    assert periods(task) == [(1, date(2026, 11, 24), MISSED)]


def test_opening_asks_no_more_for_sixty_units_than_for_six(tree, statements):
    counts = []
    for _ in range(2):
        task = recurring(tree)
        begin(tree, task, date(2026, 11, 20))
        statements.clear()
        tick(at(date(2026, 11, 24)))
        counts.append((sum(items(task).values()), len(statements)))
        for number in range(54 if len(counts) == 1 else 0):
            make.unit(make.area(f"新{number}村", parent=tree.townships[0], level=tree.villages[0].level))
    (few, before), (many, after) = counts
    assert (few, many) == (6, 60)
    assert after == before


def test_a_death_in_the_middle_has_opened_nothing(tree):
    task = recurring(tree)
    begin(tree, task, date(2026, 11, 24))

    def die(_connection, _cursor, statement, *_):
        if statement.startswith("INSERT INTO period"):
            raise KeyboardInterrupt

    event.listen(db.engine, "before_cursor_execute", die)
    try:
        with pytest.raises(KeyboardInterrupt):
            tick(at(date(2026, 12, 10)))
    finally:
        event.remove(db.engine, "before_cursor_execute", die)
    assert (len(periods(task)), items(task)) == (1, {1: 6})
    tick(at(date(2026, 12, 10)))
    assert [state for *_, state in periods(task)] == [OPENED, MISSED, LATE]


FIRST = date(2026, 11, 24)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(st.integers(0, 90), max_size=12))
def test_whenever_the_clock_runs_each_occurrence_is_opened_once_or_missed(tree, runs):
    """Clock set back included: the instants come in any order."""
    task = recurring(tree, units=[tree.unit(tree.villages[0])], lines=[])
    begin(tree, task, FIRST)
    for day in runs:
        tick(at(FIRST + timedelta(days=day)))
    found = periods(task)
    last = max([0, *runs])
    assert [row[:2] for row in found] == [(n + 1, FIRST + timedelta(weeks=n)) for n in range(last // 7 + 1)]
    assert items(task) == {number: 1 for number, _, state in found if state is not MISSED}
    with unit_of_work():
        end_series(task.id, actor=dispatcher(tree), now=at(FIRST), reason="完")
