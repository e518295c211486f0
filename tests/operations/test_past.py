"""What is known of a figure before it is reported, and what is kept of an implausible one."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from campaign.db import db, unit_of_work
from campaign.models import Assignment, Baseline, ChecklistItem, Milestone, Register, RegisterCount
from campaign.models.flags import Flag
from campaign.models.past import Here, Source, measures
from campaign.operations.issuing import reopen
from campaign.operations.reporting import Report, check_in, submit
from campaign.operations.reviewing import approve
from campaign.rules.flags import FlagKind
from campaign.rules.metrics import Comparator, MetricKind, Value
from campaign.rules.organisation import Role
from campaign.rules.states import State
from campaign.rules.targets import Compares
from tests import make


@pytest.fixture
def tree(app):
    return make.small_tree()


def number(n: int) -> Value:
    return Value(number=Decimal(n))


def add(*rows) -> None:
    db.session.add_all(rows)
    db.session.flush()


@dataclass
class World:
    """A year of one village: last year's task, another one of the quarter, and this year's with four metrics."""

    tree: make.SmallTree
    now: datetime

    def __post_init__(self):
        self.village, county = self.tree.unit(self.tree.villages[0]), self.tree.unit(self.tree.county)
        self.officer = self.tree.actor(self.tree.villages[0], Role.OFFICER)
        self.old = make.task(make.campaign(county), title="去年", due_on=None)
        self.other = make.task(self.old.campaign, title="同期另一项")
        self.task = task = make.task(self.old.campaign, title="今年")
        self.former = make.metric(self.old, target=5, name="建会")
        self.twin = make.metric(self.other, target=5, name="建会数")
        compares = {"compares": Compares.LAST_YEAR, "former_metric_id": self.former.id}
        self.count = make.metric(task, target=50, name="建会数", **compares)
        register = Register(unit_id=county.id, name="企业名册", condition="规模以上")
        add(register)
        compares = {"compares": Compares.BASELINE, "register_id": register.id}
        self.rate = make.metric(task, MetricKind.RATE, 90, name="建会率", **compares)
        self.gaps = make.metric(task, target=0, name="空白点", comparator=Comparator.AT_MOST, required=False)
        self.list = make.metric(task, MetricKind.CHECKLIST, 1, name="四有", required=False)
        frozen = {"metric_id": self.rate.id, "unit_id": self.village.id, "source": "2025年底", "at": self.now}
        counted = {"register_id": register.id, "unit_id": self.village.id, "at": self.now}
        add(
            ChecklistItem(metric_id=self.list.id, position=1, name="有挂牌"),
            Milestone(metric_id=self.count.id, due_on=self.now.date(), target=Decimal(20)),
            Baseline(**frozen, numerator=1, denominator=4),
            RegisterCount(**counted, version=1, n=Decimal(7)),
            RegisterCount(**counted, version=2, n=Decimal(8)),
        )

    def reported(self, task, metric, figure: int) -> None:
        """The village has reported that figure, and it was approved."""
        made = make.assignment(task, self.village, State.ACKNOWLEDGED)
        with unit_of_work():
            report = Report(values={metric.id: number(figure)})
            submit(made.id, report, actor=self.officer, now=self.now, seen=made.version)
            approve_all(self.tree, made, self.now)


def rate(part: int, whole: int) -> Value:
    return Value(numerator=Decimal(part), denominator=Decimal(whole))


def test_a_figure_is_known_from_all_sides_and_an_implausible_one_is_kept_with_its_reason(tree, now):
    """Check-ins, an approval, a reopening; each implausible figure leaves its flag, and none is refused."""
    world = World(tree, now)
    world.reported(world.old, world.former, 3)
    world.reported(world.other, world.twin, 4)
    officer, count, gaps = world.officer, world.count, world.gaps
    mine = make.assignment(world.task, world.village, State.ACKNOWLEDGED)
    here = Here(mine.id, world.task.id, world.village.id, 0, since=now - timedelta(days=1))
    known = {measure.id: measure for measure in measures(here)}
    assert list(known) == [count.id, world.rate.id, gaps.id, world.list.id]
    assert [(told.source, told.value.number) for told in known[count.id].told] == [
        (Source.LAST_YEAR, 3), (Source.ELSEWHERE, 4),
    ]  # fmt: skip
    assert [step.target for step in known[count.id].milestones] == [20]
    share = known[world.rate.id]
    assert share.latest(Source.BASELINE).value == rate(1, 4)
    assert share.latest(Source.REGISTER).value.denominator == 8
    assert (share.register_name, share.condition) == ("企业名册", "规模以上")
    assert known[world.list.id].items == ("有挂牌",)

    values = {count.id: number(45), world.rate.id: rate(9, 8)}
    with unit_of_work():
        check_in(mine.id, Report(words="在做", values={gaps.id: number(2)}), actor=officer, now=now)
        submit(
            mine.id, Report(values={**values, gaps.id: number(3)}, explanations={f"leap-{count.id}": " 补报了三个村 "}),
            actor=officer, now=now, seen=mine.version,
        )  # fmt: skip
        approve_all(tree, db.session.get_one(Assignment, mine.id), now)
    kept = {flag.kind: flag for flag in db.session.scalars(select(Flag).where(Flag.assignment_id == mine.id))}
    assert set(kept) == {FlagKind.LEAP, FlagKind.PART_ABOVE_WHOLE, FlagKind.AGAINST_TREND}
    assert kept[FlagKind.LEAP].explanation == "补报了三个村"
    assert json.loads(kept[FlagKind.LEAP].data) == {"name": "建会数", "other": "3", "times": "15", "value": "45"}

    dispatcher = tree.actor(tree.county, Role.DISPATCHER)
    with unit_of_work():
        stands = db.session.get_one(Assignment, mine.id, populate_existing=True)
        reopen(mine.id, actor=dispatcher, now=now, seen=stands.version, reason="数字有误")
        again = db.session.get_one(Assignment, mine.id, populate_existing=True)
        values = {count.id: number(44), world.rate.id: rate(7, 8)}
        second = submit(mine.id, Report(values=values), actor=officer, now=now, seen=again.version)
    flags = select(Flag.kind, Flag.metric_id).where(Flag.submission_id == second.submission_id).order_by(Flag.metric_id)
    assert db.session.execute(flags).tuples().all() == [
        (FlagKind.BELOW_APPROVED, count.id), (FlagKind.BELOW_APPROVED, world.rate.id),
    ]  # fmt: skip


def approve_all(tree, assignment: Assignment, now) -> None:
    """Every level approves, from the township up."""
    for area in (tree.townships[0], tree.county):
        stands = db.session.get_one(Assignment, assignment.id, populate_existing=True)
        if stands.state is State.SUBMITTED:
            approve(assignment.id, actor=tree.actor(area, Role.SUPERVISOR), now=now, seen=stands.version)
