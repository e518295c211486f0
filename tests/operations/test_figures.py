"""Figures rolled up: at every step, folded or not, every level equals what is counted again one by one."""

import random
import threading
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import delete, insert, select, text, update

from campaign.db import db, unit_of_work
from campaign.documents.tables import table_of
from campaign.models import (
    Area,
    Assignment,
    Batch,
    Contribution,
    Figure,
    FigureCount,
    FigureTouch,
    Joint,
    Metric,
    MetricValue,
    Milestone,
    Submission,
    TallyDelta,
    Target,
    Unit,
)
from campaign.operations.areas import import_areas
from campaign.operations.figure_checks import figure_gaps, rebuild_figures, wrong_contributions
from campaign.operations.folding import differences, fold
from campaign.operations.milestones import bring_milestones
from campaign.operations.recording import record_states
from campaign.queries.rollup import rollup
from campaign.rules.metrics import Aggregation, Comparator, MetricKind, OverTime
from campaign.rules.organisation import LEAF_LEVELS, SYSTEM, Line
from campaign.rules.states import NOT_ASKED, State
from campaign.rules.targets import Quota
from tests import make
from tests.recount import recount

SUMS = ("n", "met", "number", "numerator", "denominator", "credited")
LATER = make.NOW + timedelta(hours=1)
REPORTABLE = (State.SUBMITTED, State.RETURNED, State.APPROVED)


def folded() -> dict:
    """The figures as they are stored, without those that add up to nothing."""
    keys = (Figure.metric_id, Figure.area_id, Figure.line, Figure.period, Figure.standing)
    rows = db.session.execute(select(*keys, *(getattr(Figure, name) for name in SUMS)))
    found = {tuple(map(int, row[:5])): list(row[5:]) for row in rows}
    return {key: sums for key, sums in found.items() if any(sums)}


def without_leaves(counted: dict) -> dict:
    level = dict(db.session.execute(select(Area.id, Area.level)).all())
    return {key: sums for key, sums in counted.items() if level[key[1]] not in LEAF_LEVELS}


def read(now) -> dict:
    """The figures of every area as the query answers, asked line by line and turn by turn."""
    metrics = list(db.session.scalars(select(Metric.id)))
    areas = list(db.session.scalars(select(Area.id)))
    periods = set(db.session.scalars(select(Assignment.period)))
    found = {}
    for line in set(db.session.scalars(select(Unit.line))):
        for period in periods:
            for (metric, area), rolled in rollup(metrics, areas, on=now.date(), lines=[line], period=period).items():
                for standing, sums in rolled.standings.items():
                    key = metric, area, int(line), period, int(standing)
                    found[key] = [getattr(sums, name) for name in SUMS]
    return {key: sums for key, sums in found.items() if any(sums)}


class Play:
    """Assignments that are moved about as the verbs would leave them: rows, deltas, touches."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.tree = make.small_tree()
        plan = make.campaign(self.tree.unit(self.tree.county))
        self.task = make.task(plan, lines=(Line.WOMEN, Line.UNION), due_on=None)
        make.task(plan)  # one without metrics
        each = {"quota": Quota.PER_UNIT, "aggregation": Aggregation.SUM, "over_time": OverTime.SUM}
        least = {"comparator": Comparator.AT_LEAST}
        self.metrics = [
            make.metric(self.task, MetricKind.COUNT, 5, **each),
            make.metric(self.task, MetricKind.AMOUNT, 1000, aggregation=Aggregation.SUM),
            make.metric(self.task, MetricKind.RATE, 90),
            make.metric(self.task, MetricKind.BOOLEAN),
            make.metric(self.task, MetricKind.CHECKLIST, 1, aggregation=Aggregation.COVERAGE, **least),
            make.metric(self.task, MetricKind.COUNT, 0, comparator=Comparator.EQUAL),
            make.metric(self.task, MetricKind.TEXT),
        ]
        for metric, steps in ((0, (2, 4)), (1, (300, 600)), (2, (40, 70)), (5, (6, 3))):
            for months, step in zip((1, 2), steps, strict=True):
                due = {"due_on": make.NOW.date() + timedelta(days=30 * months), "target": step}
                db.session.add(Milestone(metric_id=self.metrics[metric].id, **due))
        bring_milestones(now=make.NOW)

    def assignments(self) -> list[Assignment]:
        db.session.expire_all()
        return list(db.session.scalars(select(Assignment).order_by(Assignment.id)))

    def dispatch(self, units: list[Unit], period: int = 0, parent: Assignment | None = None) -> None:
        there = {(one.unit_id, one.period) for one in self.assignments()}
        units = [unit for unit in units if (unit.id, period) not in there]
        batch = Batch(
            task_id=self.task.id, dispatched_at=make.NOW, items=len(units), digest="0" * 64, folded=False, period=period
        )
        db.session.add(batch)
        db.session.flush()
        for unit in units:
            row = {"task_id": self.task.id, "unit_id": unit.id, "batch_id": batch.id, "period": period}
            db.session.add(Assignment(**row, parent_id=parent.id if parent else None))
        db.session.flush()

    def move(self, one: Assignment, state: State) -> None:
        delta = {"from_state": one.state, "from_due": 0, "to_state": state, "to_due": 0}
        db.session.add(TallyDelta(task_id=one.task_id, unit_id=one.unit_id, **delta))
        waits = db.session.get_one(Unit, one.unit_id).superior_id if state is State.SUBMITTED else None
        if state is State.SUBMITTED:
            self.report(one)
        if one.parent_id and (state in NOT_ASKED) != (one.state in NOT_ASKED):
            db.session.add(FigureTouch(assignment_id=one.parent_id))  # its part falls back to who gave it
        values = {"state": state, "reviewer_unit_id": waits}
        db.session.execute(update(Assignment).where(Assignment.id == one.id).values(values))

    def report(self, one: Assignment) -> None:
        last = max(db.session.scalars(select(Submission.number).where(Submission.assignment_id == one.id)), default=0)
        version = make.submission(one, number=last + 1)
        small = self.chance.randint
        for metric in self.metrics:
            if small(0, 9) == 0:
                continue  # not required, left out
            value = {"submission_id": version.id, "metric_id": metric.id}
            if metric.kind is MetricKind.RATE:
                whole = small(1, 20)
                value |= {"numerator": small(0, whole), "denominator": whole}
            elif metric.kind is MetricKind.TEXT:
                value |= {"text": "已办"}
            elif metric.kind in (MetricKind.BOOLEAN, MetricKind.CHECKLIST):
                value |= {"number": small(0, 1)}
            else:
                value |= {"number": Decimal(small(0, 900)) / 100 if metric.kind is MetricKind.AMOUNT else small(0, 9)}
            db.session.add(MetricValue(**value))
        self.join_in(one, version)
        db.session.flush()

    def join_in(self, one: Assignment, version: Submission) -> None:
        unit = db.session.get_one(Unit, one.unit_id)
        partners = db.session.scalars(select(Unit).where(Unit.area_id == unit.area_id, Unit.line != unit.line))
        for partner in partners:
            if self.chance.random() < 0.3:
                number = {"number": self.chance.randint(1, 3), "metric_id": self.metrics[0].id}
                db.session.execute(insert(Joint).values(submission_id=version.id, partner_unit_id=partner.id, **number))

    def split(self, one: Assignment) -> None:
        """Among the units of the same line right below, with targets of their own."""
        below = db.session.scalars(select(Unit).where(Unit.superior_id == one.unit_id)).all()
        self.dispatch(list(below), one.period, one)
        for child in self.assignments():
            if child.parent_id == one.id or child.id == one.id:
                for metric in self.metrics[:2]:
                    goal = {"assignment_id": child.id, "metric_id": metric.id}
                    if db.session.get(Target, tuple(goal.values())) is None:
                        db.session.add(Target(**goal, value=self.chance.randint(1, 6)))
                db.session.add(FigureTouch(assignment_id=child.id))
        db.session.flush()

    def step(self) -> None:
        """One thing that happens, by chance."""
        chosen = self.chance.sample(self.assignments(), 3)
        if self.chance.random() < 0.15:
            return self.split(chosen[0])
        for one in chosen:
            state = self.chance.choice(list(State))
            if one.state in REPORTABLE or state not in REPORTABLE:
                self.move(one, state)
            else:
                self.move(one, State.SUBMITTED)
        return None


def test_whatever_happens_every_level_is_what_is_counted_again(app, now):
    with unit_of_work():
        play = Play(now.day)
        villages = [play.tree.unit(place) for place in play.tree.villages]
        towns = [play.tree.unit(place) for place in play.tree.townships]
        play.dispatch(villages[:4] + towns + [play.tree.unit(play.tree.villages[0], Line.UNION)])
    for turn in range(10):
        with unit_of_work():
            if turn == 5:
                play.dispatch(villages)
            if turn == 3:  # a village goes to the other township: this campaign goes on as on its day
                gone, to = play.tree.villages[0], play.tree.townships[-1]
                row = (gone.code, gone.name, "village", to.code)
                import_areas(
                    table_of("areas.csv", ("code", "name", "level", "parent_code"), [row]), actor=SYSTEM, now=LATER
                )
            if turn == 8:
                play.dispatch(villages[:3], period=1)
            play.step()
        counted = recount()
        assert read(now) == counted
        assert (differences(), figure_gaps(), wrong_contributions()) == ([], [], [])
        with unit_of_work():
            fold(now=now, limit=play.chance.randint(1, 5))
        assert read(now) == counted
    with unit_of_work():
        while fold(now=now):
            pass
    assert folded() == without_leaves(recount())


def test_the_day_of_a_milestone_passes_though_nobody_acts(app, now):
    with unit_of_work():
        play = Play(8)
        play.dispatch([play.tree.unit(place) for place in (*play.tree.villages, *play.tree.townships)])
    for _turn in range(12):
        with unit_of_work():
            play.step()
            fold(now=now, limit=5)
    met = []
    for days in (0, 30, 31, 61, 90):
        then = now + timedelta(days=days)
        with unit_of_work():
            bring_milestones(now=then)
        counted = recount(then.date())
        assert read(then) == counted, "at once, before anything is folded"
        with unit_of_work():
            while fold(now=then):
                pass
        assert (read(then), figure_gaps(), wrong_contributions()) == (counted, [], [])
        met.append(sum(row[1] for key, row in counted.items() if key[1] == play.tree.county.id))
    assert met[0] == met[1] != met[2] != met[3] == met[4], "its own day counts to the milestone"
    with unit_of_work():
        assert bring_milestones(now=now + timedelta(days=90)) == 0


def test_a_planted_fault_is_found_and_put_right(app, now):
    with unit_of_work():
        play = Play(3)
        play.dispatch([play.tree.unit(place) for place in play.tree.villages])
    for _turn in range(5):
        with unit_of_work():
            play.step()
    with unit_of_work():
        while fold(now=now):
            pass
    with unit_of_work():
        db.session.execute(update(Figure).where(Figure.area_id == play.tree.county.id).values(n=Figure.n + 1))
    assert {gap.area_id for gap in figure_gaps()} == {play.tree.county.id}
    with unit_of_work():
        one = db.session.scalars(select(Contribution).where(Contribution.n == 1)).first()
        assert one is not None
        db.session.execute(
            update(Contribution).where(Contribution.assignment_id == one.assignment_id).values(met=Contribution.met + 1)
        )
    assert {found.assignment_id for found in wrong_contributions()} == {one.assignment_id}
    with unit_of_work():
        play.step()
        assert rebuild_figures(now=now)
    assert (figure_gaps(), wrong_contributions()) == ([], [])
    with unit_of_work():
        fold(now=now)
    assert (figure_gaps(), read(now)) == ([], recount())
    with unit_of_work():
        play.step()
        db.session.execute(delete(Figure))
        db.session.execute(delete(Contribution))
        rebuild_figures(now=now)  # from nothing, while something is pending
        fold(now=now)
    assert (figure_gaps(), wrong_contributions(), read(now)) == ([], [], recount())


def test_two_folders_at_one_assignment_count_it_once(app, now):
    with unit_of_work():
        play = Play(11)
        play.dispatch([play.tree.unit(place) for place in play.tree.villages])
    with unit_of_work():
        one = play.assignments()[0]
        play.move(one, State.SUBMITTED)
        fold(now=now)
        db.session.execute(update(Assignment).values(state=State.RETURNED, reviewer_unit_id=None))
        db.session.add_all([FigureTouch(assignment_id=one.id) for _ in range(2)])  # no tally lets the second one wait
    first_has_added = threading.Event()

    def folder(first: bool) -> None:
        with app.app_context():
            if not first:
                first_has_added.wait(5)
            with unit_of_work():
                fold(now=now, limit=1)
                if first:
                    first_has_added.set()
                    time.sleep(0.3)  # the second one begins before this is committed
            db.session.remove()

    threads = [threading.Thread(target=folder, args=(first,)) for first in (True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert folded() == without_leaves(recount())
    assert (fold(now=now), wrong_contributions()) == (0, [])


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_what_a_fold_compared_leaves_nothing_for_the_next_one_to_read(app, now):
    with unit_of_work():
        play = Play(3)
        play.dispatch([play.tree.unit(place) for place in play.tree.villages])
    with unit_of_work():
        play.step()
        fold(now=now)
        size = text("SELECT pg_relation_size('pg_temp.changed_figure')")
        assert db.session.scalar(size) > 0
    assert db.session.scalar(size) == 0


def test_what_is_recorded_at_a_slot_is_how_the_figures_stood(app, now):
    with unit_of_work():
        play = Play(5)
        play.dispatch([play.tree.unit(place) for place in play.tree.villages])
    stood, slots = [], [now + timedelta(hours=hour) for hour in range(4)]
    for slot in slots:
        with unit_of_work():
            record_states(slot, now=slot)
        stood.append(folded())
        assert recorded(slot) == stood[-1]
        with unit_of_work():
            play.step()
    assert [recorded(slot) for slot in slots] == stood
    with unit_of_work():
        record_states(slots[-1], now=slots[-1])  # the first record of a slot stands
    assert recorded(slots[-1]).items() >= stood[-1].items()


def recorded(slot) -> dict:
    """The last record of every key up to that slot."""
    keys = (FigureCount.metric_id, FigureCount.area_id, FigureCount.line, FigureCount.period)
    rows = db.session.execute(
        select(*keys, FigureCount.standing, FigureCount.slot, *(getattr(FigureCount, name) for name in SUMS))
        .where(FigureCount.slot <= slot)
        .order_by(FigureCount.slot)
    ).all()
    last = {tuple(row[:4]): row.slot for row in rows}
    found = {tuple(map(int, row[:5])): list(row[6:]) for row in rows if row.slot == last[tuple(row[:4])]}
    return {key: sums for key, sums in found.items() if any(sums)}
