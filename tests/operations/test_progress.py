"""What is reported moves the moment of lagging behind: the light, the roll-up and the clock follow in one breath."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from campaign.db import db, unit_of_work
from campaign.models import Assignment, Milestone, Tally, Timer
from campaign.operations.cascading import Plan, split_task
from campaign.operations.extending import extend
from campaign.operations.folding import differences, fold
from campaign.operations.issuing import dispatch
from campaign.operations.registers import change_counts, create_register
from campaign.operations.reporting import Report, acknowledge, check_in, submit, withdraw
from campaign.queries.checking import curves_are_followed, nothing_waits_unheard
from campaign.rules.curves import behind_at, knots_of
from campaign.rules.dates import Light, end_of_day, light_of
from campaign.rules.metrics import Aggregation, Comparator, MetricKind, Value
from campaign.rules.milestones import Step
from campaign.rules.organisation import Role
from campaign.rules.targets import Method, Quota
from tests import make
from tests.counting import statements

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
        with statements() as sent:
            case.report(day, *values)
        return len(sent)

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
    assert case.row.behind_at == case.after("0.25")
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


class Parts:
    """A total of the county for its villages, with a milestone half way, and so much per person of a register."""

    def __init__(self, now, *, target=60, **fields) -> None:
        self.now, self.tree = now, make.small_tree()
        self.villages = [self.tree.unit(area) for area in self.tree.villages]
        self.issuer = self.tree.actor(self.tree.county, Role.DISPATCHER)
        self.task = make.task(make.campaign(self.tree.unit(self.tree.county)), due_on=make.TODAY + timedelta(days=DAYS))
        self.metric = make.metric(self.task, target=target, aggregation=Aggregation.SUM, **fields).id
        self.versions = 0

    def dispatch(self) -> None:
        with unit_of_work():
            dispatch(self.task.id, actor=self.issuer, now=self.now)

    def split(self, *figures, days=0) -> None:
        shares = {unit.id: {self.metric: Decimal(figure)} for unit, figure in zip(self.villages, figures, strict=False)}
        plan = Plan(Method.BY_HAND, shares, reason="调整")
        with unit_of_work():
            split_task(self.task.id, plan, actor=self.issuer, now=self.now + timedelta(days), seen=self.versions)
        self.versions += 1

    def of(self, at: int) -> Assignment:
        db.session.expire_all()
        where = Assignment.task_id == self.task.id, Assignment.unit_id == self.villages[at].id
        return db.session.scalars(select(Assignment).where(*where)).one()

    def report(self, at: int, number, days=1) -> None:
        officer, id = self.tree.actor(self.tree.villages[at], Role.OFFICER), self.of(at).id
        if self.of(at).version == 1:
            with unit_of_work():
                acknowledge(id, actor=officer, now=self.now, seen=1)
        with unit_of_work():
            check_in(id, Report("进展", {self.metric: count(number)}), actor=officer, now=self.now + timedelta(days))

    def after(self, share, knots=()) -> object:
        return behind_at(self.now, self.of(0).due_at, Decimal(share), make.ZONE, knots)

    def moments(self, *at) -> list:
        return [self.of(each).behind_at for each in at or (0, 1, 2)]

    def sound(self) -> None:
        assert list(curves_are_followed()) == list(nothing_waits_unheard()) == differences() == []


def test_each_is_measured_by_its_own_part_of_a_total(app, now):
    story = Parts(now)
    story.dispatch()
    assert story.moments() == [None] * 3  # a total that is not split is nobody's own
    story.split(40, 20, 0)
    nothing = story.after(0)
    assert story.moments() == [nothing, nothing, None]  # of whom nothing is asked is not behind
    story.sound()
    story.report(0, 10)
    story.report(1, 10)
    assert story.moments() == [story.after("0.25"), story.after("0.5"), None]
    story.split(10, 40, 10, days=2)
    assert story.moments() == [None, story.after("0.25"), nothing]
    story.sound()
    with unit_of_work():
        fold(now=now)
    assert differences() == []
    extended = make.TODAY + timedelta(days=60)
    with unit_of_work():
        extend(story.of(1).id, extended, "道路中断", actor=story.issuer, now=now + timedelta(3), seen=2)
    exact = behind_at(now, story.of(1).due_at, Decimal("0.25"), make.ZONE)
    assert story.moments(1) == [exact]
    with unit_of_work():
        extend(story.of(5).id, extended, "道路中断", actor=story.issuer, now=now, seen=1)
    assert story.moments(5) == [None]
    story.sound()


def test_a_split_before_the_dispatch_and_a_milestone_say_when_it_lags(app, now):
    story = Parts(now)
    with unit_of_work() as session:
        session.add(Milestone(metric_id=story.metric, due_on=make.TODAY + timedelta(days=15), target=Decimal(45)))
    story.split(40, 20, 0)
    story.dispatch()
    knots = knots_of(Decimal(60), [Step(make.TODAY + timedelta(days=15), Decimal(45))], make.ZONE)
    assert story.after(0, knots) < story.after(0)  # three quarters by the middle
    assert story.moments() == [story.after(0, knots), story.after(0, knots), None]
    story.report(1, 15)
    assert story.moments(1) == [end_of_day(make.TODAY + timedelta(days=15), make.ZONE)]
    story.report(0, 35)
    assert story.moments(0) == [story.after("0.875", knots)]
    story.sound()


def test_a_quota_for_each_person_is_measured_by_the_register(app, now):
    story = Parts(now)
    head = story.tree.actor(story.tree.county, Role.DISPATCHER)
    with unit_of_work():
        register = create_register(story.tree.unit(story.tree.county).id, "在册妇女", actor=head, now=now)
    counts = {story.villages[0].id: Decimal(10)}
    with unit_of_work():
        change_counts(register, counts, actor=head, now=now, seen=1)
        update_metric = {"quota": Quota.PER_PERSON, "register_id": register, "target": Decimal(2)}
        db.session.execute(update(make.Metric).where(make.Metric.id == story.metric).values(update_metric))
    story.dispatch()
    assert story.moments() == [story.after(0), None, None]  # who was not counted has no figure
    story.report(0, 10)
    assert story.moments(0) == [story.after("0.5")]
    story.sound()
    with unit_of_work():
        counts = {story.villages[0].id: Decimal(20), story.villages[1].id: Decimal(1)}
        change_counts(register, counts, actor=head, now=now + timedelta(1), seen=2)
    assert story.moments() == [story.after("0.25"), story.after(0), None]
    story.sound()
