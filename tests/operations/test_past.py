"""What is known of a figure before it is reported, and what is kept of an implausible one."""

import json
from datetime import timedelta
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


def test_a_figure_is_known_from_all_sides_and_an_implausible_one_is_kept_with_its_reason(tree, now):
    """A year of one village: last year's task, another task of the quarter, check-ins, an approval, a reopening."""
    village, county = tree.unit(tree.villages[0]), tree.unit(tree.county)
    officer = tree.actor(tree.villages[0], Role.OFFICER)
    old = make.task(make.campaign(county), title="去年", due_on=None)
    other = make.task(old.campaign, title="同期另一项")
    task = make.task(old.campaign, title="今年", review_levels="", min_characters=0)
    former = make.metric(old, target=5, name="建会")
    twin = make.metric(other, target=5, name="建会数")
    count = make.metric(task, target=50, name="建会数", compares=Compares.LAST_YEAR, former_metric_id=former.id)
    register = Register(unit_id=county.id, name="企业名册", condition="规模以上")
    add(register)
    rate = make.metric(task, MetricKind.RATE, 90, name="建会率", compares=Compares.BASELINE, register_id=register.id)
    gaps = make.metric(task, target=0, name="空白点", comparator=Comparator.AT_MOST, required=False)
    list_ = make.metric(task, MetricKind.CHECKLIST, 1, name="四有", required=False)
    add(
        ChecklistItem(metric_id=list_.id, position=1, name="有挂牌"),
        Milestone(metric_id=count.id, due_on=now.date(), target=Decimal(20)),
        Baseline(metric_id=rate.id, unit_id=village.id, numerator=1, denominator=4, source="2025年底", at=now),
        RegisterCount(register_id=register.id, unit_id=village.id, version=1, n=Decimal(7), at=now),
        RegisterCount(register_id=register.id, unit_id=village.id, version=2, n=Decimal(8), at=now),
    )
    for done, metric, told in ((old, former, 3), (other, twin, 4)):
        made = make.assignment(done, village, State.ACKNOWLEDGED)
        with unit_of_work():
            submit(made.id, Report(values={metric.id: number(told)}), actor=officer, now=now, seen=made.version)
            done_by = db.session.get_one(Assignment, made.id)
            approve_all(tree, done_by, now)
    mine = make.assignment(task, village, State.ACKNOWLEDGED)
    here = Here(mine.id, task.id, village.id, 0, since=now - timedelta(days=1))
    known = {measure.id: measure for measure in measures(here)}
    assert list(known) == [count.id, rate.id, gaps.id, list_.id]
    assert [(told.source, told.value.number) for told in known[count.id].told] == [
        (Source.LAST_YEAR, 3), (Source.ELSEWHERE, 4),
    ]  # fmt: skip
    assert [step.target for step in known[count.id].milestones] == [20]
    assert known[rate.id].latest(Source.BASELINE).value == Value(numerator=Decimal(1), denominator=Decimal(4))
    assert known[rate.id].latest(Source.REGISTER).value.denominator == 8
    assert (known[rate.id].register_name, known[rate.id].condition) == ("企业名册", "规模以上")
    assert known[list_.id].items == ("有挂牌",)

    values = {count.id: number(45), rate.id: Value(numerator=Decimal(9), denominator=Decimal(8))}
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
        values = {count.id: number(44), rate.id: Value(numerator=Decimal(7), denominator=Decimal(8))}
        second = submit(mine.id, Report(values=values), actor=officer, now=now, seen=again.version)
    flags = select(Flag.kind, Flag.metric_id).where(Flag.submission_id == second.submission_id).order_by(Flag.metric_id)
    assert db.session.execute(flags).tuples().all() == [
        (FlagKind.BELOW_APPROVED, count.id), (FlagKind.BELOW_APPROVED, rate.id),
    ]  # fmt: skip


def approve_all(tree, assignment: Assignment, now) -> None:
    """Every level approves, from the township up."""
    for area in (tree.townships[0], tree.county):
        stands = db.session.get_one(Assignment, assignment.id, populate_existing=True)
        if stands.state is State.SUBMITTED:
            approve(assignment.id, actor=tree.actor(area, Role.SUPERVISOR), now=now, seen=stands.version)
