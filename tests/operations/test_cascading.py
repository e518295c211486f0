"""A total goes down through three levels: split before the dispatch, split again below, changed while people work."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from campaign.db import db, unit_of_work
from campaign.errors import Forbidden, Invalid, NotFound, Refused, Stale
from campaign.models import (
    Allocation,
    Area,
    Assignment,
    Batch,
    Event,
    FigureTouch,
    Notice,
    Register,
    RegisterCount,
    Target,
    Timer,
    Unit,
)
from campaign.models.goals import goals_of
from campaign.models.splits import whole_of
from campaign.operations.cascading import Plan, split, split_task
from campaign.operations.deciding import Ruling, decide
from campaign.operations.extending import extend
from campaign.operations.folding import differences
from campaign.operations.issuing import dispatch, reopen
from campaign.operations.registers import change_counts, create_register
from campaign.operations.reporting import acknowledge
from campaign.operations.requests import Wish, ask
from campaign.queries.cascade import splitting
from campaign.queries.cascade_checks import children_are_not_later, gaps, targets_are_the_shares
from campaign.queries.cascade_tree import level_of
from campaign.queries.cascade_weights import by_register
from campaign.queries.checking import curves_are_followed
from campaign.rules.metrics import Aggregation, MetricKind
from campaign.rules.organisation import Level, Line, Role
from campaign.rules.requests import RequestKind
from campaign.rules.splitting import quota_of
from campaign.rules.states import State
from campaign.rules.targets import Method, Quota
from tests import make
from tests.counting import statements

D = Decimal
DAY = timedelta(days=1)


class Story:
    """A county with a plan for its townships: a sum, a rate, and so much per person of a register."""

    def __init__(self) -> None:
        self.tree = tree = make.small_tree()
        self.county = tree.unit(tree.county)
        self.towns = [tree.unit(area) for area in tree.townships]
        self.villages = [tree.unit(area) for area in tree.villages]
        self.issuer = tree.actor(tree.county, Role.DISPATCHER)
        self.heads = [make.actor(make.holder(town, Role.DISPATCHER)) for town in self.towns]
        with unit_of_work():
            register = Register(unit_id=self.county.id, name="在册妇女")
            db.session.add(register)
            db.session.flush()
            for at, village in enumerate(self.villages):
                fields = {"register_id": register.id, "unit_id": village.id, "version": 1, "at": make.NOW}
                db.session.add(RegisterCount(n=D(30 + at), **fields))
        self.task = make.task(make.campaign(self.county), receiving_level=Level.TOWNSHIP)
        self.sum = make.metric(self.task, target=90, aggregation=Aggregation.SUM)
        self.rate = make.metric(self.task, MetricKind.RATE, target=65)
        self.quota = make.metric(
            self.task, target=D("0.5"), aggregation=Aggregation.SUM, quota=Quota.PER_PERSON, register_id=register.id
        )

    def dispatched(self, now) -> list[Assignment]:
        with unit_of_work():
            dispatch(self.task.id, actor=self.issuer, now=now)
        return [self.of(town) for town in self.towns]

    def of(self, unit) -> Assignment:
        return db.session.scalars(
            select(Assignment)
            .where(Assignment.unit_id == unit.id, Assignment.task_id == self.task.id)
            .execution_options(populate_existing=True)
        ).one()

    def plan(self, *figures, units=None, **fields) -> Plan:
        units = self.villages if units is None else units
        shares = {unit.id: {self.sum.id: D(figure)} for unit, figure in zip(units, figures, strict=False)}
        return Plan(fields.pop("method", Method.BY_HAND), shares, **fields)

    def targets(self, *units) -> list[Decimal | None]:
        ids = [self.of(unit).id for unit in units]
        found = goals_of(ids)
        return [found[id][self.sum.id].target for id in ids]


@pytest.fixture
def story(app) -> Story:
    return Story()


def done(function, *args, **kwargs):
    with unit_of_work():
        return function(*args, **kwargs)


def test_a_total_goes_down_through_three_levels(story, now):
    whole = story.plan(50, 40, units=story.towns, reserves={story.sum.id: D(5)})
    first = done(split_task, story.task.id, whole, actor=story.issuer, now=now, seen=0)
    assert (first.version, first.made, first.moved) == (1, 0, 0)
    assert db.session.scalar(select(func.count()).select_from(Assignment)) == 0
    one, two = story.dispatched(now)
    assert story.targets(*story.towns) == [50, 40]
    assert goals_of([one.id])[one.id][story.rate.id].target == 65
    assert goals_of([one.id])[one.id][story.quota.id].target == quota_of(D("0.5"), D(30 + 31 + 32), MetricKind.COUNT)

    named = story.tree.holder(story.tree.villages[0], Role.OFFICER)
    earlier = make.TODAY + timedelta(days=4)
    plan = story.plan(20, 20, 15, in_charge={story.villages[0].id: named.id}, due_on=earlier)
    key = str(uuid4())
    made = done(split, one.id, plan, actor=story.heads[0], now=now, seen=0, client_action_id=key)
    again = done(split, one.id, plan, actor=story.heads[0], now=now, seen=0, client_action_id=key)
    assert made == again
    assert (made.version, made.made, made.moved) == (1, 3, 0)
    children = [story.of(village) for village in story.villages[:3]]
    assert {child.parent_id for child in children} == {one.id}
    assert all(child.due_at < one.due_at and child.own_dates and child.state is State.ISSUED for child in children)
    assert children[0].in_charge_id == named.id
    assert story.targets(*story.villages[:3]) == [20, 20, 15]
    found = goals_of([children[1].id])[children[1].id]
    assert (found[story.rate.id].target, found[story.quota.id].target) == (65, 16)
    batch = db.session.get_one(Batch, children[0].batch_id)
    assert (batch.items, len(batch.digest), batch.folded) == (3, 64, False)
    assert db.session.scalar(select(func.count()).select_from(Notice).where(Notice.batch_id == batch.id)) == 1
    assert db.session.scalar(select(func.count()).select_from(Timer)) == 5
    tags = db.session.scalars(select(Event.tag).where(Event.tag.like("assignment:cascade:%")).order_by(Event.id))
    assert list(tags) == ["assignment:cascade:split"] * 2
    assert set(db.session.scalars(select(FigureTouch.assignment_id))) == {one.id}  # what is left to itself has changed

    # the same date as the whole: then it moves along with an occasion or a calendar
    done(split, two.id, story.plan(40, units=story.villages[3:4]), actor=story.heads[1], now=now, seen=0)
    assert (story.of(story.villages[3]).due_at, story.of(story.villages[3]).own_dates) == (two.due_at, False)


def test_a_change_is_a_new_version_and_tells_whom_it_moves(story, now):
    done(split_task, story.task.id, story.plan(50, 40, units=story.towns), actor=story.issuer, now=now, seen=0)
    one, _two = story.dispatched(now)
    head = story.heads[0]
    done(split, one.id, story.plan(20, 20), actor=head, now=now, seen=0)
    officer = story.tree.actor(story.tree.villages[0], Role.OFFICER)
    done(acknowledge, story.of(story.villages[0]).id, actor=officer, now=now, seen=1)

    with pytest.raises(Invalid, match="why"):
        done(split, one.id, story.plan(25, 20, 5), actor=head, now=now, seen=1)
    with pytest.raises(Invalid, match="part already"):
        done(split, one.id, story.plan(25, reason="少一个"), actor=head, now=now, seen=1)
    changed = done(split, one.id, story.plan(25, 20, 5, reason="新村加入"), actor=head, now=now, seen=1)
    assert (changed.version, changed.made, changed.moved) == (2, 1, 1)
    assert story.targets(*story.villages[:3]) == [25, 20, 5]
    moved = story.of(story.villages[0]).id
    assert set(db.session.scalars(select(FigureTouch.assignment_id))) == {one.id, moved}
    told = db.session.scalars(select(Notice).where(Notice.tag == "assignment:cascade:change")).all()
    assert [(notice.person_id, notice.assignment_id) for notice in told] == [(officer.person_id, moved)]
    versions = db.session.scalars(select(Allocation).where(Allocation.parent_id == one.id).order_by(Allocation.version))
    assert [(each.version, each.reason) for each in versions] == [(1, ""), (2, "新村加入")]

    # the issuer changes the total of a unit that has split it: its children keep theirs, the gap is data
    done(
        split_task, story.task.id, story.plan(60, units=story.towns, reason="调增"), actor=story.issuer, now=now, seen=1
    )
    assert story.targets(*story.towns) == [60, None]
    assert story.targets(*story.villages[:3]) == [25, 20, 5]


def test_what_is_refused(story, now):
    one, two = story.dispatched(now)
    head, plan = story.heads[0], story.plan(20, 20)
    with pytest.raises(Forbidden):
        done(split, one.id, plan, actor=story.heads[1], now=now, seen=0)
    with pytest.raises(Forbidden):
        done(split_task, story.task.id, story.plan(1, units=story.towns), actor=head, now=now, seen=0)
    with pytest.raises(NotFound):  # a village of another township
        done(split, two.id, plan, actor=story.heads[1], now=now, seen=0)
    with pytest.raises(Invalid, match="one unit"):
        done(split, one.id, story.plan(), actor=head, now=now, seen=0)
    late = story.plan(20, due_on=make.TODAY + timedelta(days=11))
    with pytest.raises(Invalid, match="never due later"):
        done(split, one.id, late, actor=head, now=now, seen=0)
    stranger = story.tree.holder(story.tree.villages[3], Role.OFFICER)
    with pytest.raises(Invalid, match="post in this unit"):
        done(split, one.id, story.plan(20, in_charge={story.villages[0].id: stranger.id}), actor=head, now=now, seen=0)
    done(split, one.id, plan, actor=head, now=now, seen=0)
    with pytest.raises(Stale):
        done(split, one.id, plan, actor=head, now=now, seen=0)
    finished = make.assignment(make.task(make.campaign(story.county)), story.towns[0], State.APPROVED)
    with pytest.raises(Refused):
        done(split, finished.id, plan, actor=head, now=now, seen=0)
    given = make.assignment(story.task, story.villages[5])
    with pytest.raises(Invalid, match="another unit already"):
        done(split, two.id, story.plan(5, units=[story.villages[5]]), actor=story.heads[1], now=now, seen=0)
    assert db.session.get_one(Assignment, given.id).parent_id is None


def test_sixty_units_take_no_more_statements_than_three(story, now):
    one, two = story.dispatched(now)
    few = _counted(lambda: done(split, two.id, story.plan(9, 9, 9, units=story.villages[3:]),
                                actor=story.heads[1], now=now, seen=0))  # fmt: skip
    town, units = story.tree.townships[0], []
    with unit_of_work() as session:
        for at in range(60):
            area = Area(code=f"97{at:010d}", name=f"新{at}村", level=Level.VILLAGE, parent_id=town.id, path=town.path,
                        depth=3, lft=0, rgt=0)  # fmt: skip
            session.add(area)
            session.flush()
            session.add(unit := Unit(area_id=area.id, line=Line.WOMEN, level=Level.VILLAGE, lft=0, name=f"新{at}村"))
            units.append(unit)
        make.straighten()
    many = _counted(lambda: done(split, one.id, story.plan(*[1] * 60, units=units), actor=story.heads[0], now=now,
                                 seen=0))  # fmt: skip
    assert db.session.scalar(select(func.count()).select_from(Target).where(Target.allocation_id.is_not(None))) == 63
    assert len(many) <= len(few) == 29


def _counted(call) -> list[str]:
    with statements() as sent:
        call()
    return sent


def test_the_check_finds_a_target_that_nobody_gave(story, now):
    done(split_task, story.task.id, story.plan(50, 40, units=story.towns), actor=story.issuer, now=now, seen=0)
    one, _two = story.dispatched(now)
    done(split, one.id, story.plan(20, 20), actor=story.heads[0], now=now, seen=0)
    assert list(targets_are_the_shares()) == []
    assert [(gap.sum.gap, gap.sum.given) for gap in gaps()] == [(10, 40)]
    child = story.of(story.villages[0])
    with unit_of_work():
        db.session.execute(update(Target).where(Target.assignment_id == child.id).values(value=D(7)))
        db.session.execute(update(Assignment).where(Assignment.id == child.id).values(due_at=one.due_at + DAY))
    (wrong,) = targets_are_the_shares()
    assert (wrong.assignment_id, wrong.target, wrong.share) == (child.id, 7, 20)
    assert list(children_are_not_later()) == [child.id]


def test_a_register_brings_its_quotas_along(story, now):
    one, _two = story.dispatched(now)
    register = db.session.scalars(select(Register)).one()
    counts = {story.villages[0].id: D(60), story.villages[1].id: D(31)}
    with pytest.raises(Forbidden):
        done(change_counts, register.id, counts, actor=story.heads[0], now=now, seen=1)
    changed = done(change_counts, register.id, counts, actor=story.issuer, now=now, seen=1)
    assert (changed.version, changed.units, changed.targets) == (2, 1, 1)
    assert goals_of([one.id])[one.id][story.quota.id].target == quota_of(D("0.5"), D(60 + 31 + 32), MetricKind.COUNT)
    assert list(db.session.scalars(select(FigureTouch.assignment_id))) == [one.id]
    with pytest.raises(Stale):
        done(change_counts, register.id, {story.villages[0].id: D(1)}, actor=story.issuer, now=now, seen=1)
    with pytest.raises(Refused, match="another one"):
        done(change_counts, register.id, counts, actor=story.issuer, now=now, seen=2)
    with pytest.raises(Invalid, match="name already"):
        done(create_register, story.county.id, "在册妇女", actor=story.issuer, now=now)
    own = done(create_register, story.county.id, "常住人口", actor=story.issuer, now=now)
    done(change_counts, own, {story.towns[0].id: D(900)}, actor=story.issuer, now=now, seen=1)
    assert by_register(own, [story.towns[0].id, story.towns[1].id]) == {story.towns[0].id: 900}
    assert by_register(register.id, [story.county.id]) == {story.county.id: 60 + 31 + 32 + 33 + 34 + 35}


def test_nothing_is_due_later_than_what_it_came_out_of(story, now):
    one, _two = story.dispatched(now)
    done(split, one.id, story.plan(20, 20), actor=story.heads[0], now=now, seen=0)
    child, first = story.of(story.villages[0]), one.due_at
    later = make.TODAY + timedelta(days=20)
    with pytest.raises(Invalid, match="never due later"):
        done(extend, child.id, later, "路途远", actor=story.issuer, now=now, seen=1)
    done(extend, one.id, later, "延期", actor=story.issuer, now=now, seen=1)
    assert story.of(story.villages[0]).due_at == first  # more time for the whole is not handed on by itself
    done(extend, child.id, later, "一并延期", actor=story.issuer, now=now, seen=1)
    done(extend, one.id, make.TODAY + timedelta(days=4), "提前", actor=story.issuer, now=now, seen=2)
    pulled = [story.of(village) for village in story.villages[:2]]
    assert {each.due_at for each in pulled} == {story.of(story.towns[0]).due_at}
    assert all(each.own_dates and each.first_due_at == first for each in pulled)
    assert list(children_are_not_later()) == differences() == []


def test_what_was_granted_stands_until_somebody_decides_otherwise(story, now):
    done(split_task, story.task.id, story.plan(50, 40, units=story.towns), actor=story.issuer, now=now, seen=0)
    one, _two = story.dispatched(now)
    head = story.heads[0]
    done(split, one.id, story.plan(20, 20, 10), actor=head, now=now, seen=0)
    child = story.of(story.villages[0])
    officer = story.tree.actor(story.tree.villages[0], Role.OFFICER)
    wish = Wish(RequestKind.DISPUTE, "人口外流", None, {story.sum.id: D(12), story.quota.id: D(9)})
    request = done(ask, child.id, wish, actor=officer, now=now, seen=1)
    done(decide, request, Ruling(True, "同意"), actor=head, now=now + DAY)

    def goals():
        found = goals_of([child.id])[child.id]
        return found[story.sum.id].target, found[story.quota.id].target

    assert goals() == (12, 9)
    assert list(targets_are_the_shares()) == list(curves_are_followed()) == differences() == []
    (short,) = [gap.sum.gap for gap in gaps()]
    assert short == 8  # what was granted is free to be given out
    [notice] = db.session.scalars(select(Notice).where(Notice.tag == "assignment:cascade:grant"))
    assert (notice.person_id, notice.assignment_id) == (head.person_id, one.id)
    register = db.session.scalars(select(Register)).one()
    counts = {story.villages[0].id: D(99), story.villages[1].id: D(98)}
    assert done(change_counts, register.id, counts, actor=story.issuer, now=now, seen=1).targets == 2
    assert goals() == (12, 9)

    page = splitting(whole_of(one.id), now=now)
    [row] = [row for row in page.rows if row.granted]
    assert (row.unit_id, row.shares, row.granted) == (child.unit_id, {story.sum.id: 20}, {story.sum.id: 12})
    stage = level_of(story.task.id, story.sum, actor=head, parent_id=one.id)
    assert (stage.node.granted, stage.node.sum.gap) == (-8, 8)
    assert [bool(each.request_id) for each in stage.rows] == [True, False, False]
    done(split, one.id, story.plan(12, 25, 13, reason="补足"), actor=head, now=now, seen=1)
    assert story.targets(*story.villages[:3]) == [12, 25, 13]
    assert list(gaps()) == list(targets_are_the_shares()) == []


def test_what_is_open_again_follows_its_targets_again(story, now):
    done(split_task, story.task.id, story.plan(50, 40, units=story.towns), actor=story.issuer, now=now, seen=0)
    one, _two = story.dispatched(now)
    with unit_of_work():
        db.session.execute(update(Assignment).where(Assignment.id == one.id).values(state=State.APPROVED))
    register = db.session.scalars(select(Register)).one()
    counts = {story.villages[0].id: D(60)}
    assert done(change_counts, register.id, counts, actor=story.issuer, now=now, seen=1).targets == 0
    plan = story.plan(40, units=story.towns[1:], reason="已完成的不再列入")
    done(split_task, story.task.id, plan, actor=story.issuer, now=now, seen=1)
    assert story.targets(*story.towns) == [50, 40]  # what is finished keeps what it was finished under
    make.holder(story.towns[0], Role.OFFICER)
    done(reopen, one.id, actor=story.issuer, now=now + DAY, seen=1, reason="数据有误")
    assert story.targets(*story.towns) == [None, 40]
    assert goals_of([one.id])[one.id][story.quota.id].target == quota_of(D("0.5"), D(60 + 31 + 32), MetricKind.COUNT)
    assert list(targets_are_the_shares()) == list(curves_are_followed()) == []
    told = select(func.count()).select_from(Notice).where(Notice.assignment_id == one.id)
    assert db.session.scalar(told.where(Notice.tag == "assignment:cascade:follow")) == 1


def test_a_split_of_one_area_keeps_what_the_others_hold(story, now):
    done(split_task, story.task.id, story.plan(50, 40, units=story.towns), actor=story.issuer, now=now, seen=0)
    _one, two = story.dispatched(now)
    make.holder(story.towns[1], Role.OFFICER)
    wish = Wish(RequestKind.DISPUTE, "人口外流", None, {story.sum.id: D(30)})
    request = done(ask, two.id, wish, actor=make.actor(make.holder(story.towns[1], Role.OFFICER)), now=now, seen=1)
    done(decide, request, Ruling(True, "同意"), actor=story.issuer, now=now)
    here = {"units": story.towns[:1], "within": story.tree.townships[0].id, "reason": "只调一个乡镇"}
    with pytest.raises(NotFound):
        wrong = story.plan(9, units=story.towns[1:], within=story.tree.townships[0].id, reason="不在这里")
        done(split_task, story.task.id, wrong, actor=story.issuer, now=now, seen=1)
    changed = done(split_task, story.task.id, story.plan(60, **here), actor=story.issuer, now=now, seen=1)
    assert (changed.version, changed.moved) == (2, 1)
    assert story.targets(*story.towns) == [60, 30]  # what was granted is carried on
    assert list(targets_are_the_shares()) == list(gaps()) == list(curves_are_followed()) == []
