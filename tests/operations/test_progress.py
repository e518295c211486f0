"""What is reported moves the moment of lagging behind: the light, the roll-up and the clock follow in one breath."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event as listen
from sqlalchemy import select, update

from campaign.db import db, unit_of_work
from campaign.models import Assignment, Tally, Timer
from campaign.operations.extending import extend
from campaign.operations.folding import differences, fold
from campaign.operations.issuing import dispatch
from campaign.operations.reporting import Report, acknowledge, check_in, submit, withdraw
from campaign.queries.checking import curves_are_followed, nothing_waits_unheard
from campaign.rules.curves import behind_at
from campaign.rules.dates import Light, light_of
from campaign.rules.metrics import Aggregation, Comparator, MetricKind, Value
from campaign.rules.organisation import Role
from tests import make

DAYS = 30


class Case:
    """A task due in thirty days with these figures, dispatched and signed for in the first village."""

    def __init__(self, now, *figures) -> None:
        self.now = now
        self.tree = make.small_tree()
        self.campaign = make.campaign(self.tree.unit(self.tree.county))
        self.task = make.task(self.campaign, due_on=make.TODAY + timedelta(days=DAYS))
        self.metrics = [
            make.metric(self.task, kind, target, name=f"指标{number}", **fields).id
            for number, (kind, target, fields) in enumerate(figures)
        ]
        self.officer = self.tree.actor(self.tree.villages[0], Role.OFFICER)
        unit_id = self.tree.unit(self.tree.villages[0]).id
        with unit_of_work():
            dispatch(self.task.id, actor=self.tree.actor(self.tree.county, Role.DISPATCHER), now=now)
        found = select(Assignment.id).where(Assignment.task_id == self.task.id, Assignment.unit_id == unit_id)
        self.id = db.session.scalars(found).one()
        with unit_of_work():
            acknowledge(self.id, actor=self.officer, now=now, seen=1)

    @property
    def row(self):
        db.session.expire_all()
        return db.session.get_one(Assignment, self.id)

    def after(self, share) -> object:
        """The moment when so much of the target is reported."""
        return behind_at(self.now, self.row.due_at, Decimal(share), make.ZONE)

    def report(self, days: int, *values: Value, verb=check_in, **more):
        """The report of these figures so many days after the dispatch."""
        report = Report("进展正常", dict(zip(self.metrics, values, strict=False)))
        with unit_of_work():
            return verb(self.id, report, actor=self.officer, now=self.now + timedelta(days=days), **more)

    def light(self, days: int) -> Light:
        row = self.row
        return light_of(row.state, row.due_at, row.behind_at, self.now + timedelta(days=days))

    def sound(self) -> None:
        """Every invariant that reporting could break holds, folded or not."""
        assert list(curves_are_followed()) == list(nothing_waits_unheard()) == differences() == []
        with unit_of_work():
            fold(now=self.now)
        assert differences() == []


def count(number) -> Value:
    return Value(number=Decimal(number))


COUNT = (MetricKind.COUNT, 40, {})


@pytest.fixture
def case(app, now):
    return Case(now, COUNT)


def test_what_is_reported_moves_the_moment_and_the_light(case):
    assert case.row.behind_at == case.after(0)
    assert [case.light(day) for day in (9, 11)] == [Light.OPEN, Light.BEHIND]
    case.report(11, count(10))
    assert case.row.behind_at == case.after("0.25")
    assert [case.light(day) for day in (11, 16)] == [Light.OPEN, Light.BEHIND]
    case.sound()
    case.report(12, count(5))  # corrected downwards: the latest figure counts, not the largest
    assert case.row.behind_at == case.after("0.125")
    case.report(13, count(40))
    assert case.row.behind_at is None
    assert case.light(26) is Light.OPEN
    case.sound()


def test_the_clock_speaks_by_the_new_moment(case):
    case.report(6, count(20))  # what comes before, the sign-for, has passed
    rung = select(Timer.fires_at).where(Timer.assignment_id == case.id, Timer.after == case.now + timedelta(days=6))
    [armed] = db.session.scalars(rung)
    assert armed.date() == case.row.behind_at.date()


def test_a_submission_takes_its_figures_along_and_a_withdrawal_keeps_them(case, now):
    case.report(11, count(30), verb=submit, seen=2)
    assert (case.row.behind_at, case.light(11)) == (case.after("0.75"), Light.WAITING)
    case.sound()
    with unit_of_work():
        withdraw(case.id, actor=case.officer, now=now + timedelta(days=12), seen=3)
    assert [case.light(day) for day in (12, 26)] == [Light.OPEN, Light.BEHIND]
    case.sound()


def test_the_smallest_share_decides_and_only_what_must_grow_counts(app, now):
    case = Case(
        now,
        COUNT,
        (MetricKind.RATE, 80, {"comparator": Comparator.EQUAL}),
        (MetricKind.AMOUNT, 100, {"required": False}),
        (MetricKind.COUNT, 3, {"comparator": Comparator.AT_MOST}),
        (MetricKind.BOOLEAN, None, {}),
    )
    case.report(3, count(40))
    assert case.row.behind_at == case.after(0)  # of the rate nothing is reported yet
    case.report(4, count(40), Value(numerator=Decimal(1), denominator=Decimal(5)))
    assert case.row.behind_at == case.after("0.25")  # 20 % of 80 %
    case.sound()


@pytest.mark.parametrize(
    "figure",
    [
        (MetricKind.COUNT, 3, {"comparator": Comparator.AT_MOST}),
        (MetricKind.COUNT, 0, {"comparator": Comparator.EQUAL}),
        (MetricKind.COUNT, 5, {"required": False}),
        (MetricKind.COUNT, None, {}),
        (MetricKind.TEXT, None, {}),
    ],
)
def test_what_does_not_grow_has_no_curve(app, now, figure):
    case = Case(now, figure)
    assert case.row.behind_at is None
    case.report(3, Value(text="好") if figure[0] is MetricKind.TEXT else count(0))
    assert (case.row.behind_at, case.light(25)) == (None, Light.OPEN)
    case.sound()


def test_a_report_costs_the_same_however_much_was_reported(case):
    def cost(day: int, *values: Value) -> int:
        sent = []
        listen.listen(db.engine, "before_cursor_execute", note := lambda *given: sent.append(given[2]))
        case.report(day, *values)
        listen.remove(db.engine, "before_cursor_execute", note)
        return len([text for text in sent if not text.startswith("BEGIN")])

    words = cost(1)
    first = cost(2, count(4))
    for day in range(3, 9):
        case.report(day, count(day))
    assert cost(9, count(16)) == first <= words + 10
    assert cost(9, count(16)) < first  # the moment stays


def test_a_due_date_that_is_moved_takes_the_moment_along(case, now):
    case.report(2, count(10))
    issuer = case.tree.actor(case.tree.county, Role.DISPATCHER)
    with unit_of_work():
        extend(case.id, make.TODAY + timedelta(days=60), "道路中断", actor=issuer, now=now + timedelta(3), seen=2)
    assert abs(case.row.behind_at - case.after("0.25")) <= timedelta(days=2)  # it is known to the day, which grew
    case.sound()
    case.report(4, count(20))
    assert case.row.behind_at == case.after("0.5")
    case.sound()


def test_the_check_finds_a_moment_that_is_wrong_and_the_folder_keeps_the_key(case, now):
    case.report(2, count(10))
    case.sound()
    held = select(Tally.behind).where(Tally.task_id == case.task.id, Tally.n > 0).distinct()
    assert len(set(db.session.scalars(held))) == 2
    with unit_of_work() as session:
        session.execute(update(Assignment).where(Assignment.id == case.id).values(behind_at=now))
    assert [(breach.check, breach.subject_id) for breach in curves_are_followed()] == [("curves", case.id)]


def test_the_target_of_a_sum_is_nobodys_own_and_has_no_curve(app, now):
    tree = make.small_tree()
    task = make.task(make.campaign(tree.unit(tree.county)))
    make.metric(task, target=200, aggregation=Aggregation.SUM)
    with unit_of_work():
        dispatch(task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now)
    assert db.session.scalars(select(Assignment.behind_at).distinct()).all() == [None]
