"""What had to be reached at a moment: as the split, the granted dispute and the register of then said."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from campaign.db import db, unit_of_work
from campaign.documents.tables import table_of
from campaign.models import (
    Allocation,
    Assignment,
    Batch,
    Metric,
    Proposal,
    Register,
    RegisterCount,
    Request,
    Share,
    Target,
)
from campaign.models.goals import goals_of
from campaign.operations.areas import import_areas
from campaign.operations.folding import fold
from campaign.operations.issuing import cancel, dispatch
from campaign.operations.registers import change_counts
from campaign.operations.reporting import Report, submit
from campaign.operations.reviewing import approve
from campaign.queries.board_figures import Place
from campaign.queries.rollup_past import rollup_at
from campaign.queries.rollup_since import rollup_since
from campaign.rules.former_tree import FormerTree
from campaign.rules.metrics import Aggregation, MetricKind, Value
from campaign.rules.organisation import SYSTEM, Level, Line, Role
from campaign.rules.requests import Decision, RequestKind
from campaign.rules.states import State
from campaign.rules.targets import Method, Quota
from tests import make

pytestmark = pytest.mark.usefixtures("app")
HOUR = timedelta(hours=1)


class Village:
    """A task of the county for its villages, and one of them."""

    def __init__(self, now, quota):
        self.now, self.tree = now, make.small_tree()
        plan = make.campaign(self.tree.unit(self.tree.county))
        self.task = make.task(plan, lines=[Line.WOMEN])
        self.metric = make.metric(self.task, MetricKind.COUNT, 8, aggregation=Aggregation.SUM, quota=quota).id
        self.place = self.tree.villages[0]
        self.unit = self.tree.unit(self.place)
        with unit_of_work():
            dispatch(self.task.id, actor=self.tree.actor(self.tree.county, Role.DISPATCHER), now=now)
        self.id = db.session.scalar(select(Assignment.id).where(Assignment.unit_id == self.unit.id))
        self.by = make.person().id
        db.session.commit()

    def split(self, version, value, hours):
        with unit_of_work():
            fields = {"method": Method.BY_HAND, "person_id": self.by, "at": self.now + hours * HOUR}
            made = Allocation(task_id=self.task.id, version=version, **fields)
            db.session.add(made)
            db.session.flush()
            db.session.add(Share(allocation_id=made.id, unit_id=self.unit.id, metric_id=self.metric, value=value))
            db.session.merge(Target(assignment_id=self.id, metric_id=self.metric, value=value, allocation_id=made.id))

    def grant(self, was, value, hours):
        with unit_of_work():
            post = make.post(make.person(), self.unit, Role.OFFICER)
            asked = Request(
                assignment_id=self.id, number=1, kind=RequestKind.DISPUTE, unit_id=self.unit.superior_id, reason="偏高",
                person_id=self.by, post_id=post.id, at=self.now, decision=Decision.GRANTED,
                decided_at=self.now + hours * HOUR,
            )  # fmt: skip
            db.session.add(asked)
            db.session.flush()
            db.session.add(Proposal(request_id=asked.id, metric_id=self.metric, was=was, value=value))
            db.session.merge(Target(assignment_id=self.id, metric_id=self.metric, value=value, request_id=asked.id))

    def targets(self, *hours):
        return [
            rollup_at([self.metric], self.place.id, at=self.now + hour * HOUR)[self.metric].own_target for hour in hours
        ]


def test_splits_and_a_grant_between_them_count_from_when_they_were_made(now):
    village = Village(now, Quota.TOTAL)
    village.split(1, Decimal(10), 1)
    village.grant(Decimal(10), Decimal(7), 3)
    assert village.targets(0, 2, 4) == [None, 10, 7]
    village.split(2, Decimal(9), 5)
    assert village.targets(0, 2, 4, 6) == [None, 10, 7, 9]


def test_before_a_grant_stood_what_it_replaced(now):
    village = Village(now, Quota.PER_UNIT)
    village.grant(None, Decimal(5), 3)
    assert village.targets(0, 2, 4) == [8, 8, 5]


def test_a_unit_that_is_cancelled_later_had_its_target_until_then(now):
    village = Village(now, Quota.PER_UNIT)
    with unit_of_work():
        dispatcher = village.tree.actor(village.tree.county, Role.DISPATCHER)
        cancel(village.id, actor=dispatcher, now=now + 3 * HOUR, seen=1, reason="不再承担这一部分。")
    assert village.targets(2, 4) == [8, None]


@pytest.mark.parametrize(("finished", "now_asked"), [(False, 32), (True, 24)])
def test_a_quota_follows_the_register_of_its_time_until_it_is_finished(now, finished, now_asked):
    village = Village(now, Quota.PER_PERSON)
    with unit_of_work():
        register = Register(unit_id=village.unit.id, name="妇联干部")
        db.session.add(register)
        db.session.flush()
        db.session.execute(update(Metric).where(Metric.id == village.metric).values(register_id=register.id))
        for version, people in ((1, 3), (2, 4)):
            fields = {"unit_id": village.unit.id, "version": version, "at": now + (2 * version - 1) * HOUR}
            db.session.add(RegisterCount(register_id=register.id, n=Decimal(people), **fields))
        db.session.add(Target(assignment_id=village.id, metric_id=village.metric, value=Decimal(now_asked)))
        if finished:
            done = {"state": State.APPROVED, "since": now + 2 * HOUR}
            db.session.execute(update(Assignment).where(Assignment.id == village.id).values(**done))
    assert village.targets(0, 2, 4) == [None, 24, now_asked]


def test_what_a_unit_had_given_to_one_that_is_cancelled_later_was_given_then(now):
    """Of its 8 a township gives away 1, then 5, and does 3. When the 5 are cancelled, they fall back from then on."""
    tree = make.small_tree()
    town, county = tree.townships[0], tree.county
    task = make.task(make.campaign(tree.unit(county)), lines=[Line.WOMEN])
    metric = make.metric(task, MetricKind.COUNT, 8, aggregation=Aggregation.SUM)
    mine = make.assignment(task, tree.unit(town), State.ACKNOWLEDGED)
    villages = [tree.unit(village) for village in tree.villages[:2]]
    first, below = (make.assignment(task, unit, State.ACKNOWLEDGED, parent_id=mine.id) for unit in villages)
    with unit_of_work() as session:
        for each, value in ((mine, 8), (first, 1), (below, 5)):
            session.add(Target(assignment_id=each.id, metric_id=metric.id, value=Decimal(value)))
        session.execute(update(Batch).where(Batch.id == below.batch_id).values(dispatched_at=now + 2 * HOUR))
        session.flush()
        report = Report(values={metric.id: Value(number=Decimal(3))})
        submit(mine.id, report, actor=make.actor(make.holder(tree.unit(town))), now=now + HOUR, seen=mine.version)
        approve(mine.id, actor=tree.actor(county, Role.SUPERVISOR), now=now + HOUR, seen=mine.version + 1)
    with unit_of_work():
        dispatcher = tree.actor(county, Role.DISPATCHER)
        cancel(below.id, actor=dispatcher, now=now + 3 * HOUR, seen=below.version, reason="不再承担这一部分。")
    met = [rollup_at([metric.id], town.id, at=now + n * HOUR)[metric.id].units_met for n in (0, 1, 2, 4)]
    assert met == [0, 0, 1, 0]
    with unit_of_work():
        while fold(now=now + 4 * HOUR):
            pass
    place = Place(town.id, town.name, town.level, town.lft, town.rgt)
    told = [rollup_since([metric.id], place, FormerTree(), at=now + n * HOUR) for n in (0, 1, 2, 4)]
    assert [each[metric.id].units_met for each in told] == met, "what changed is also what was given to who changed"


def test_a_village_that_moves_counts_for_its_quota_where_it_stood_on_the_day_of_the_campaign(now):
    """Two for each: the townships have 3 + 4 + 5 and 6 + 7 + 8. The first village moves to the other; then another one
    of those that stayed counts 10 more, and the one that moved 20."""
    tree = make.small_tree()
    issuer, women = tree.actor(tree.county, Role.DISPATCHER), [tree.unit(village).id for village in tree.villages]
    with unit_of_work():
        register = Register(unit_id=tree.unit(tree.county).id, name="妇女", version=0)
        db.session.add(register)
        db.session.flush()
        counts = {unit: Decimal(n) for n, unit in enumerate(women, 3)}
        change_counts(register.id, counts, actor=issuer, now=now - HOUR, seen=0)
    task = make.task(make.campaign(tree.unit(tree.county)), receiving_level=Level.TOWNSHIP)
    fields = {"aggregation": Aggregation.SUM, "quota": Quota.PER_PERSON, "register_id": register.id}
    metric = make.metric(task, MetricKind.COUNT, 2, **fields).id
    row = (tree.villages[0].code, tree.villages[0].name, "village", tree.townships[1].code)
    with unit_of_work():
        dispatch(task.id, actor=issuer, now=now)
        table = table_of("areas.csv", ("code", "name", "level", "parent_code"), [row])
        import_areas(table, actor=SYSTEM, now=now + 2 * HOUR)

    def then(hours):
        at = now + hours * HOUR
        return [rollup_at([metric], town.id, at=at)[metric].own_target for town in tree.townships]

    assert then(1) == then(3) == [24, 42]
    with unit_of_work():
        counts = {women[1]: Decimal(14), women[0]: Decimal(23)}
        change_counts(register.id, counts, actor=issuer, now=now + 4 * HOUR, seen=1)
    ids = [
        db.session.scalar(select(Assignment.id).where(Assignment.unit_id == tree.unit(town).id))
        for town in tree.townships
    ]
    assert [goals_of(ids)[id][metric].target for id in ids] == then(5) == [84, 42]
    assert then(3) == [24, 42]
