"""The trend counted again from the log: what every recorded point says, one event after the other in plain Python."""

import random
from collections import Counter
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select

from campaign.clock import local_today
from campaign.db import db, unit_of_work
from campaign.models import Area, Assignment, Event, MetricValue, Milestone, Submission, Unit
from campaign.operations.issuing import cancel, dispatch, reopen
from campaign.operations.milestones import bring_milestones
from campaign.operations.recording import record_states
from campaign.operations.reporting import Report, acknowledge, submit
from campaign.operations.reviewing import approve, return_for_changes
from campaign.queries.history import figure_trend, trend
from campaign.queries.rollup_facts import Sums
from campaign.queries.rollup_past import rollup_at
from campaign.rules.figures import Standing
from campaign.rules.metrics import Aggregation, Value
from campaign.rules.organisation import Line, Role
from campaign.rules.states import ReturnReason, State
from campaign.rules.targets import Quota
from tests import make

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LINES = (Line.WOMEN, Line.UNION)


class Months:
    """Villages of two lines that work day by day, by chance, through the verbs themselves; the clock records."""

    def __init__(self, now):
        self.chance, self.now, self.tree = random.Random(20), now, make.small_tree()
        plan = make.campaign(self.tree.unit(self.tree.county, Line.PARTY))
        self.task = make.task(plan, lines=LINES, review_levels="4", due_on=None)
        self.metric = make.metric(self.task, target=60, aggregation=Aggregation.SUM, quota=Quota.PER_UNIT)
        self.steps = {now.date() + 3 * DAY: 20, now.date() + 6 * DAY: 40}
        with unit_of_work() as session:
            session.add_all(Milestone(metric_id=self.metric.id, due_on=on, target=n) for on, n in self.steps.items())
        self.issuer = self.tree.actor(self.tree.county, Role.DISPATCHER, Line.PARTY)
        self.places = {
            self.tree.unit(village, line).id: (village, self.tree.townships[at // 3], line)
            for at, village in enumerate(self.tree.villages)
            for line in LINES
        }
        with unit_of_work():
            dispatch(self.task.id, actor=self.issuer, now=now)

    def act(self) -> None:
        """One thing that somebody does with one of them."""
        one = self.chance.choice(db.session.scalars(select(Assignment).order_by(Assignment.id)).all())
        village, town, line = self.places[one.unit_id]
        officer = self.tree.actor(village, Role.OFFICER, line)
        boss = self.tree.actor(town, Role.SUPERVISOR, line)
        seen = {"now": self.now, "seen": one.version}
        if one.state is not State.CANCELLED and self.chance.random() < 0.04 and one.state is not State.APPROVED:
            cancel(one.id, actor=self.issuer, reason="撤并", **seen)
        elif one.state is State.ISSUED:
            acknowledge(one.id, actor=officer, **seen)
        elif one.state in (State.ACKNOWLEDGED, State.RETURNED):
            value = Value(number=Decimal(self.chance.randint(1, 90)))
            submit(one.id, Report("已办", {self.metric.id: value}), actor=officer, **seen)
        elif one.state is State.SUBMITTED and self.chance.random() < 0.3:
            return_for_changes(one.id, actor=boss, reason=ReturnReason.FIGURES_WRONG, words="请核实", **seen)
        elif one.state is State.SUBMITTED:
            approve(one.id, actor=boss, **seen)
        elif one.state is State.APPROVED and self.chance.random() < 0.5:
            reopen(one.id, actor=self.issuer, reason="数字有误", **seen)

    def stood(self, slot, area, line) -> tuple[Counter, tuple[int, Decimal, int]]:
        """By the log: the states then; how many were approved, the sum of their latest versions of then, and how many
        of these reach the milestone of that day."""
        states, approved, total, met = Counter(), 0, Decimal(0), 0
        wanted = next((n for day, n in sorted(self.steps.items()) if day >= local_today(slot)), 60)
        for one in db.session.scalars(select(Assignment)):
            unit = db.session.get_one(Unit, one.unit_id)
            if not area.lft <= unit.lft <= area.rgt or unit.line not in line:
                continue
            moves = [each for each in self.events if each.subject_id == one.id and each.at <= slot]
            state = State[max(moves, key=lambda each: each.id).to_state.upper()] if moves else State.ISSUED
            states[state] += 1
            if state is State.APPROVED:
                said = [each for each in self.said if each.assignment_id == one.id and each.at <= slot]
                figure = max(said, key=lambda each: each.number).value
                approved, total, met = approved + 1, total + figure, met + (figure >= wanted)
        return states, (approved, total, met)

    def read(self) -> None:
        """The log, and what was reported."""
        moved = select(Event).where(Event.subject == "assignment", Event.to_state.is_not(None))
        self.events = list(db.session.scalars(moved))
        value = select(Submission.assignment_id, Submission.at, Submission.number, MetricValue.number.label("value"))
        self.said = db.session.execute(value.join(MetricValue, MetricValue.submission_id == Submission.id)).all()


def test_every_point_of_the_trend_is_what_the_log_says(app, now):
    months = Months(now)
    slots = []
    for day in range(9):
        for hour in (1, 5):
            months.now = now + day * DAY + hour * HOUR
            for _act in range(months.chance.randint(0, 9)):
                with unit_of_work():
                    months.act()
            slots.append(months.now + HOUR)
            with unit_of_work():
                bring_milestones(now=slots[-1])
                record_states(slots[-1], now=slots[-1])
    months.read()
    since, until = now - DAY, slots[-1]
    areas = [months.tree.county, *months.tree.townships]
    seen: Counter = Counter()
    for area in (db.session.get_one(Area, place.id) for place in areas):
        for lines in (None, *((line,) for line in LINES)):
            asked = [months.task.id], area.id, lines
            points = trend(*asked, since=since, until=until)
            days = trend(*asked, since=since, until=until, daily=True)
            assert len({point.slot.date() for point in days}) == len(days)
            for point in (*points, *days):
                states = {state: n for state, n in point.states.items() if n}
                assert states == dict(months.stood(point.slot, area, lines or LINES)[0]), (area.name, lines, point.slot)
                seen["states"] += 1
            figures = figure_trend(months.metric.id, area.id, lines, sums_periods=False, since=since, until=until)
            for drawn in figures:
                sums = drawn.sums.get(Standing.APPROVED, Sums())
                _states, wanted = months.stood(drawn.slot, area, lines or LINES)
                assert (sums.n, sums.number, sums.met) == wanted, (area.name, lines, drawn.slot)
                then = rollup_at([months.metric.id], area.id, at=drawn.slot, lines=lines)[months.metric.id]
                again = then.sums(Standing.APPROVED)
                assert (again.n, again.number, again.met) == wanted, (area.name, lines, drawn.slot)
                seen["figures"] += 1
                seen[f"met {wanted[2]} of {wanted[0]}"] += 1
    assert seen["states"] > 150 and seen["figures"] > 50 and len(seen) > 8
