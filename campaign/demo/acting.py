"""Simulated people: officers and supervisors act through the real operations at instants of the past weeks."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from random import Random
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from ..clock import local_today, zone
from ..db import db
from ..errors import Invalid, Refused
from ..evidence.store import Store
from ..models import Assignment, ChecklistItem, Post, Task, Unit
from ..models.facts import Standing, facts_of
from ..models.goals import goals_of
from ..models.organisation import holds_on
from ..operations.in_charge import name_in_charge
from ..operations.keeping import keep
from ..operations.reporting import Report, acknowledge, check_in, submit
from ..operations.reviewing import approve, return_for_changes
from ..queries.people import actor_of
from ..rules.metrics import MetricKind
from ..rules.organisation import Actor, Role
from ..rules.states import State
from .inventing import Cupboard, astonish, parts_of, progress_of, return_of, values_for, words_for

Act = str
# How many of a hundred assignments go which way.
WAYS: tuple[tuple[int, tuple[Act, ...]], ...] = (
    (20, ()),
    (20, ("acknowledge",)),
    (12, ("acknowledge", "check_in")),
    (13, ("acknowledge", "submit")),
    (8, ("acknowledge", "submit", "approve")),
    (8, ("acknowledge", "submit", "return")),
    (4, ("acknowledge", "check_in", "submit", "return", "submit")),
    (12, ("acknowledge", "submit", "finish")),
    (3, ("acknowledge", "submit", "return", "submit", "finish")),
)
# Days from one act to the next, at least and at most.
PACE = {
    "acknowledge": (0.05, 2.0),
    "check_in": (0.5, 4.0),
    "submit": (1.0, 7.0),
    "approve": (0.1, 2.5),
    "finish": (0.1, 2.0),
    "return": (0.1, 2.5),
}
# What is left waiting for a reviewer came in lately, but for one in so many: queues are worked off, mostly.
FRESH_DAYS, FORGOTTEN = 2.6, 6
LATELY = timedelta(days=21)  # what began before is past and done
COPIES = 30  # one report of so many is copied from another unit's
IN_CHARGE = 6  # in one assignment of so many a person in charge is named
OPENS, CLOSES = 8.5, 17.8  # hours of the day in which people act


def at_work(moment: datetime, chance: Random) -> datetime:
    """That instant, or one within the next working hours."""
    local = moment.astimezone(ZoneInfo(zone()))
    hour = local.hour + local.minute / 60
    if OPENS <= hour < CLOSES:
        return moment
    ahead = (OPENS - hour) % 24 + chance.random() * 3
    return moment + timedelta(hours=ahead)


@dataclass(order=True)
class Plan:
    """What happens next to one assignment."""

    at: datetime
    number: int
    pace: float = field(compare=False)
    assignment_id: int = field(compare=False)
    acts: tuple[Act, ...] = field(compare=False)


class Theatre:
    """Everybody with their posts, the files they attach, and what they are going to do."""

    def __init__(self, store: Store, chance: Random, today: datetime) -> None:
        self.chance = chance
        self.today = today
        self.cupboard = Cupboard(store, chance)
        self.names = Random(chance.random())  # noqa: S311 (who is in charge changes nothing of what else happens)
        self.holders: dict[tuple[int, Role], list[int]] = {}
        self.away: dict[tuple[int, Role], int] = {}  # who decides in a post whose holder is on leave
        self.actors: dict[int, Actor] = {}
        self.recast(today)
        self.tasks: dict[int, Task] = {}
        self.written: dict[int, str] = {}
        self.receivers: dict[int, int] = {}
        self.plans: list[Plan] = []
        self.numbers = count()

    def recast(self, now: datetime) -> None:
        """Who holds which post on that day; to be asked again after posts were lent, ended or handed over."""
        self.holders.clear()
        self.actors.clear()
        posts = select(Post.person_id, Post.unit_id, Post.role).where(holds_on(local_today(now))).order_by(Post.id)
        for person_id, unit_id, role in db.session.execute(posts):
            self.holders.setdefault((unit_id, role), []).append(person_id)

    def holder(self, unit_id: int | None, role: Role, now: datetime, but: tuple[int | None, ...] = ()) -> Actor | None:
        """Somebody who acts in that role there, none of those left out."""
        post = (unit_id or 0, role)
        there = [self.away[post]] if post in self.away else self.holders.get(post, [])
        for person_id in there:
            if person_id not in but:
                if person_id not in self.actors:
                    found = actor_of(person_id, local_today(now))
                    assert found is not None
                    self.actors[person_id] = found
                return self.actors[person_id]
        return None

    def cast(
        self, batch_id: int, dispatched_at: datetime, spare: Callable[[int], bool], *, eager: float, pace: float
    ) -> None:
        """Gives every assignment of the batch its way; those of the units to spare stay as they are.

        `eager`: the part of the units that does anything; `pace`: how much longer than usual everything takes.
        """
        rows = db.session.execute(
            select(Assignment.id, Assignment.unit_id, Assignment.task_id)
            .join(Unit, Unit.id == Assignment.unit_id)
            .where(Assignment.batch_id == batch_id)
            .order_by(Unit.lft, Unit.line)
        ).all()
        weights, ways = zip(*WAYS, strict=True)
        for id, unit_id, task_id in rows:
            self.receivers[task_id] = len(rows)
            [way] = self.chance.choices(ways, weights)
            if way and not spare(unit_id) and self.chance.random() < eager:
                self._next(id, way, dispatched_at, pace)

    def _next(self, assignment_id: int, acts: tuple[Act, ...], after: datetime, pace: float) -> None:
        least, most = PACE[acts[0]]
        at = at_work(after + timedelta(days=pace * self.chance.uniform(least, most)), self.chance)
        waits = acts in (("submit",), ("approve",)) and after > self.today - LATELY
        if waits and self.chance.randrange(FORGOTTEN):
            at = max(at, self.today - timedelta(days=self.chance.uniform(0.05, FRESH_DAYS)))
        heapq.heappush(self.plans, Plan(at, next(self.numbers), pace, assignment_id, acts))

    def play(self, until: datetime) -> int:
        """Everything that happens up to that instant, in its order; how many acts it was."""
        played = 0
        while self.plans and self.plans[0].at <= until:
            plan = heapq.heappop(self.plans)
            facts = facts_of(plan.assignment_id)
            assert facts is not None
            act, *rest = plan.acts
            try:
                self._act(act, facts, plan.at)
            except (Refused, Invalid):
                continue  # the cut-off has passed, or something is missing: so it goes in offices too
            played += 1
            if act == "finish" and facts.levels_remain:
                rest = ["finish"]
            if rest:
                self._next(plan.assignment_id, tuple(rest), plan.at, plan.pace)
        return played

    def _act(self, act: Act, facts: Standing, now: datetime) -> None:
        if act in ("acknowledge", "check_in", "submit"):
            officer = self.holder(facts.unit_id, Role.OFFICER, now)
            if officer is not None:
                self._report(act, facts, officer, now)
            return
        judge = self.holder(facts.reviewer_unit_id, Role.SUPERVISOR, now, (facts.submitter_id, *facts.reviewers_so_far))
        if judge is None or facts.state is not State.SUBMITTED:
            return
        if act == "return":
            reason, words = return_of(self.chance)
            return_for_changes(facts.id, actor=judge, now=now, seen=facts.version, reason=reason, words=words)
        else:
            approve(facts.id, actor=judge, now=now, seen=facts.version)

    def _report(self, act: Act, facts: Standing, officer: Actor, now: datetime) -> None:
        if act == "acknowledge":
            acknowledge(facts.id, actor=officer, now=now, seen=facts.version)
            if not self.names.randrange(IN_CHARGE):
                self._name_in_charge(facts, officer, now)
            return
        task = self._task(facts.task_id)
        if act == "check_in":
            kind, words = progress_of(task, self.chance)
            values = parts_of(task, self.receivers[task.id], self.chance, self._aims(facts))
            check_in(facts.id, Report(words=words, kind=kind, values=values), actor=officer, now=now)
            return
        evidence: dict[int, int | None] = {}
        used: set[str] = set()
        for rule in task.evidence_rules:
            for piece in self.cupboard.pick(rule, used, self.chance, now):
                used.add(piece.stored.sha256)
                kept = keep(facts.id, piece.stored, piece.looked, piece.name, actor=officer, now=now)
                evidence.setdefault(kept, rule.id)
        values = values_for(task, self.receivers[task.id], self._items(task), self.chance, self._aims(facts))
        if self.chance.randrange(COPIES) or task.id not in self.written:
            self.written[task.id] = words_for(task, self.chance)
        said = astonish(task, values, facts.id)
        report = Report(words=self.written[task.id], values=values, evidence=evidence, explanations=said)
        submit(facts.id, report, actor=officer, now=now, seen=facts.version)

    def _aims(self, facts: Standing) -> dict[int, Decimal]:
        """What the unit itself was given to reach, by metric."""
        goals = goals_of([facts.id])[facts.id].items()
        return {key: goal.target for key, goal in goals if goal.own and goal.target is not None}

    def _name_in_charge(self, facts: Standing, officer: Actor, now: datetime) -> None:
        """The unit names one of its own people, who is not always the officer."""
        here = (
            *self.holders.get((facts.unit_id, Role.OFFICER), ()),
            *self.holders.get((facts.unit_id, Role.SUPERVISOR), ()),
        )
        standing = facts_of(facts.id)
        assert standing is not None
        chosen = self.names.choice(here)
        name_in_charge(facts.id, chosen, actor=officer, now=now, seen=standing.version)

    def _items(self, task: Task) -> dict[int, int]:
        """How many items each checklist of the task has."""
        if not any(metric.kind is MetricKind.CHECKLIST for metric in task.metrics):
            return {}
        own = [metric.id for metric in task.metrics]
        counted = select(ChecklistItem.metric_id, func.count()).where(ChecklistItem.metric_id.in_(own))
        return dict(db.session.execute(counted.group_by(ChecklistItem.metric_id)).tuples().all())

    def _task(self, task_id: int) -> Task:
        if task_id not in self.tasks:
            loaded = select(Task).where(Task.id == task_id)
            loaded = loaded.options(selectinload(Task.metrics), selectinload(Task.evidence_rules))
            self.tasks[task_id] = db.session.scalars(loaded).one()
        return self.tasks[task_id]
