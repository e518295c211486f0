"""The figures of the boards counted once more, from the tables alone and one assignment after the other.

It shares nothing with the product: no model, no statement, no law. Numbers are kept as they are stored, in whole
ten-thousandths, and divided only at the end.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from .walk_people import Tables

MISSING, PENDING, RETURNED, APPROVED = "missing", "pending", "returned", "approved"
STANDING = {
    1: MISSING,
    2: MISSING,
    7: MISSING,
    3: PENDING,
    4: RETURNED,
    5: APPROVED,
}  # by state; 6 and 8: asked of nobody
RATE, BOOLEAN, TEXT, CHECKLIST = 3, 4, 5, 6
SUM, RATIO, LATEST_VALUE = 1, 2, 4
PER_UNIT, PER_PERSON = 1, 2
AT_LEAST, AT_MOST, EXACTLY = 1, 2, 3
SCALE = Decimal(10_000)


def number(stored: int | None) -> Decimal:
    """A stored number."""
    return Decimal(stored or 0) / SCALE


@dataclass
class Counted:
    """One metric in one area: how many units stand how, the sums of each standing, how many meet what they must."""

    n: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    sums: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0]))
    met: int = 0
    own: int | None = None  # what the area's own units were given together
    own_each: list[int] = field(default_factory=list)

    @property
    def asked(self) -> int:
        """Of how many it is asked."""
        return sum(self.n.values())


@dataclass(frozen=True)
class Expected:
    """What a board must say of a metric in an area; None where it must say nothing."""

    target: Decimal | None
    by_now: Decimal | None
    approved: Decimal | None
    waiting: Decimal
    share: Decimal | None
    left: Decimal | None
    stand: str
    units: tuple[int, int, int, int, int]


class Recount:
    """Reads everything once; then answers for any metric, area and line."""

    def __init__(self, tables: Tables, today: date) -> None:
        self.today = today
        self.areas = {row["id"]: row for row in tables.rows("SELECT * FROM area")}
        self.units = {row["id"]: row for row in tables.rows("SELECT * FROM unit")}
        self.metrics = {row["id"]: row for row in tables.rows("SELECT * FROM metric ORDER BY task_id, position, id")}
        self.tasks = {row["id"]: row for row in tables.rows("SELECT * FROM task ORDER BY campaign_id, position, id")}
        self.campaigns = {row["id"]: row for row in tables.rows("SELECT * FROM campaign")}
        self.assignments = {row["id"]: row for row in tables.rows("SELECT * FROM assignment")}
        self.moves = tables.rows("SELECT * FROM placement ORDER BY until")
        self.steps: dict[int, list[tuple[str, int]]] = defaultdict(list)
        for row in tables.rows("SELECT metric_id, due_on, target FROM milestone ORDER BY due_on"):
            self.steps[row["metric_id"]].append((row["due_on"], row["target"]))
        self.goals = {
            (row["assignment_id"], row["metric_id"]): row["value"] for row in tables.rows("SELECT * FROM target")
        }
        self.last = {row[0]: row[1] for row in tables.rows("SELECT task_id, max(period) FROM batch GROUP BY task_id")}
        self.children: dict[int, list[int]] = defaultdict(list)
        self.of_task: dict[int, list[Any]] = defaultdict(list)
        for row in self.assignments.values():
            self.children[row["parent_id"]].append(row["id"])
            self.of_task[row["task_id"]].append(row)
        self._read_reports(tables)
        self._read_splits(tables)
        self.ways: dict[tuple[int, int], tuple[int, ...]] = {}
        self.kept: dict[tuple[int, int | None], dict[int, Counted]] = {}

    def _read_reports(self, tables: Tables) -> None:
        latest: dict[int, Any] = {}
        for row in tables.rows("SELECT id, assignment_id, number FROM submission ORDER BY number"):
            latest[row["assignment_id"]] = row["id"]
        values = {
            (row["submission_id"], row["metric_id"]): row
            for row in tables.rows("SELECT * FROM metric_value WHERE submission_id IS NOT NULL")
        }
        self.values = {
            (assignment, metric): values[submission, metric]
            for assignment, submission in latest.items()
            for metric in self.metrics
            if (submission, metric) in values
        }
        current = {submission: assignment for assignment, submission in latest.items()}
        self.credits: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for row in tables.rows("SELECT * FROM joint"):
            if row["submission_id"] in current:
                given = (current[row["submission_id"]], row["partner_unit_id"], row["number"])
                self.credits[row["metric_id"]].append(given)

    def _read_splits(self, tables: Tables) -> None:
        self.splits: dict[tuple[int, int, int | None], Any] = {}
        for row in tables.rows("SELECT * FROM allocation ORDER BY version"):
            self.splits[row["task_id"], row["period"], row["parent_id"]] = row
        self.shares: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)
        for row in tables.rows("SELECT * FROM share"):
            self.shares[row["allocation_id"], row["metric_id"]][row["unit_id"]] = row["value"]
        self.reserves = {
            (row["allocation_id"], row["metric_id"]): row["reserve"]
            for row in tables.rows("SELECT * FROM allocation_total")
        }

    def way(self, area: int, campaign: int) -> tuple[int, ...]:
        """The area and those above it, as they stood when the campaign was issued."""
        if (area, campaign) not in self.ways:
            issued, found = self.campaigns[campaign]["issued_at"], list[int]()
            at: int | None = area
            while at is not None:
                found.append(at)
                former = [row for row in self.moves if row["area_id"] == at and row["until"] > (issued or 0)]
                at = former[0]["parent_id"] if former else self.areas[at]["parent_id"]
            self.ways[area, campaign] = tuple(found)
        return self.ways[area, campaign]

    def campaign_of(self, metric: int) -> int:
        """The campaign of a metric."""
        return int(self.tasks[self.metrics[metric]["task_id"]]["campaign_id"])

    def counted(self, metric: int, line: int | None) -> dict[int, Counted]:
        """By area; of one line, or of all."""
        if (metric, line) not in self.kept:
            found: dict[int, Counted] = defaultdict(Counted)
            for each in self.asked_now(metric):
                self._count(metric, each, line, found)
            self.kept[metric, line] = found
        return self.kept[metric, line]

    def asked_now(self, metric: int) -> Iterator[Any]:
        """Its assignments; of what is told anew each time those of the latest turn."""
        fact = self.metrics[metric]
        last = self.last.get(fact["task_id"])
        for each in self.of_task[fact["task_id"]]:
            if fact["over_time"] == 1 or each["period"] == last:
                yield each

    def _count(self, metric: int, each: Any, line: int | None, found: dict[int, Counted]) -> None:
        fact, unit = self.metrics[metric], self.units[each["unit_id"]]
        adds = fact["aggregation"] in (SUM, RATIO)
        mine, standing = line is None or unit["line"] == line, STANDING.get(each["state"])
        campaign = self.campaign_of(metric)
        goal = self.goal(each["id"], metric)
        if mine and standing and goal is not None:
            here = found[unit["area_id"]]
            here.own = (here.own or 0) + goal
            here.own_each.append(goal)
        if standing is None or (self.children[each["id"]] and not adds):
            return
        value = self.values.get((each["id"], metric)) if standing != MISSING else None
        standing = standing if value is not None else MISSING
        if mine:
            meets = value is not None and standing == APPROVED and self.meets_own(each["id"], metric, value)
            for area in self.way(unit["area_id"], campaign):
                here = found[area]
                here.n[standing] += 1
                here.met += meets
                if value is not None:
                    parts = (value["number"], value["numerator"], value["denominator"])
                    here.sums[standing] = [
                        old + (new or 0) for old, new in zip(here.sums[standing], parts, strict=True)
                    ]
        if line is not None and value is not None and fact["aggregation"] == SUM:
            for assignment, partner, part in self.credits[metric]:
                other = self.units[partner]
                if assignment == each["id"] and other["line"] == line:
                    for area in self.way(other["area_id"], campaign):
                        found[area].sums[standing][0] += part

    def goal(self, assignment: int, metric: int) -> int | None:
        """What one assignment must reach."""
        fact = self.metrics[metric]
        if (assignment, metric) in self.goals:
            return int(self.goals[assignment, metric])
        each = fact["aggregation"] != SUM or fact["quota"] == PER_UNIT
        return fact["target"] if each else None

    def meets_own(self, assignment: int, metric: int, value: Any) -> bool:
        """Whether the unit reaches what it must itself: what it gave to units that are asked is not asked of it."""
        fact, goal = self.metrics[metric], self.goal(assignment, metric)
        if fact["comparator"] == 0 or goal is None:
            return fact["kind"] in (BOOLEAN, CHECKLIST) and value["number"] == 10_000
        goal = self.kept_back(assignment, metric, goal)
        figure = Fraction(value["number"] or 0)
        if fact["kind"] == RATE:
            if not value["denominator"]:
                return False
            figure = Fraction(value["numerator"] or 0, value["denominator"]) * 100 * 10_000
        return bool(_meets(figure, self.towards(metric), self.goal_now(metric, goal)))

    def kept_back(self, assignment: int, metric: int, goal: int) -> int:
        """What of its target a unit must reach itself: of a sum, what it did not give to units that are asked."""
        if self.metrics[metric]["aggregation"] != SUM:
            return goal
        asked = [child for child in self.children[assignment] if STANDING.get(self.assignments[child]["state"])]
        return goal - int(sum(self.goals.get((child, metric), 0) for child in asked))

    def step(self, metric: int) -> int | None:
        """The milestone in force today: the next one due, its own day included; None where there is none."""
        return next((step for due, step in self.steps[metric] if due >= self.today.isoformat()), None)

    def towards(self, metric: int) -> int:
        """How a figure is compared with the milestone in force: what must be exactly so is reached from one side."""
        fact, step = self.metrics[metric], self.step(metric)
        if fact["comparator"] != EXACTLY or step is None or step == fact["target"]:
            return int(fact["comparator"])
        return AT_MOST if step > fact["target"] else AT_LEAST

    def goal_now(self, metric: int, goal: int) -> Fraction:
        """What the milestone in force asks of who must reach `goal` in the end, as stored: so much in proportion. Of
        nothing there is no proportion: what each must reach for itself may be above it by as much as the plan."""
        fact, step = self.metrics[metric], self.step(metric)
        if step is None:
            return Fraction(goal)
        if not fact["target"]:
            shared = fact["aggregation"] == SUM and fact["quota"] == 0
            return Fraction(goal if shared else goal + step)
        return Fraction(goal * step, fact["target"])

    def expected(
        self, metric: int, area: int, line: int | None = None, *, below: Decimal | None = None,
        counted: Counted | None = None,
    ) -> Expected:  # fmt: skip
        """What the board must say. `below`: what was given from above to units inside the area."""
        fact, here = self.metrics[metric], counted or self.counted(metric, line).get(area) or Counted()
        units = (here.n[APPROVED], here.n[PENDING], here.n[RETURNED], here.n[MISSING], here.asked)
        if fact["aggregation"] not in (SUM, RATIO):
            return _of_units(fact, here, units, underway=self.step(metric) is not None)
        approved, waiting = _figure(fact, here.sums[APPROVED]), Decimal(0)
        if fact["aggregation"] == SUM:
            waiting = number(here.sums[PENDING][0])
        if fact["quota"] == PER_PERSON:
            below = self._heads(metric, area, line)
        target = self._target(metric, area, here, below)
        step = self.step(metric)
        by_now = None if step is None else number(step)
        if by_now is not None and fact["aggregation"] == SUM:
            by_now = None if target is None or not fact["target"] else target * by_now / number(fact["target"])
        share = None if approved is None or not target else approved / target * 100
        left = _left(approved, fact["comparator"], target)
        stand = _stand(here.asked, approved, target, by_now, fact["comparator"], self.towards(metric))
        return Expected(target, by_now, approved, waiting, share, left, stand, units)

    def _target(self, metric: int, area: int, here: Counted, below: Decimal | None) -> Decimal | None:
        fact = self.metrics[metric]
        if fact["aggregation"] != SUM:
            return None if fact["target"] is None else number(fact["target"])
        if fact["quota"] == PER_UNIT and fact["target"] is not None:
            return number(fact["target"]) * here.asked
        if here.own is not None:
            return number(here.own)
        campaign = self.campaigns[self.campaign_of(metric)]
        issuing = self.units[campaign["issuing_unit_id"]]["area_id"]
        whole = area in self.way(issuing, campaign["id"])
        if whole and fact["target"] is not None and fact["quota"] != PER_PERSON:
            return number(fact["target"])
        return below

    def _heads(self, metric: int, area: int, line: int | None) -> Decimal | None:
        """What a quota for each person comes to there: the targets of the units that are asked; what one of them handed
        on to others of the same area counts with itself."""
        campaign, found = self.campaign_of(metric), []
        for each in self.asked_now(metric):
            mine, goal = self.units[each["unit_id"]], self.goals.get((each["id"], metric))
            above, twice = self.assignments.get(each["parent_id"]), False
            if above is not None and STANDING.get(above["state"]) is not None:
                twice = area in self.way(self.units[above["unit_id"]]["area_id"], campaign)
            asked = STANDING.get(each["state"]) is not None and line in (None, mine["line"])
            if goal is not None and asked and not twice and area in self.way(mine["area_id"], campaign):
                found.append(number(goal))
        return sum(found, Decimal(0)) if found else None


def _of_units(fact: Any, here: Counted, units: tuple[int, int, int, int, int], *, underway: bool) -> Expected:
    """What is not added up: how many units meet, of those asked. Who meets a milestone has not reached the end."""
    waiting = Decimal(units[1])
    if fact["target"] is None or fact["comparator"] == 0 or not here.asked:
        stand = "不涉及" if not here.asked else "未设目标"
        return Expected(None, None, None, waiting, None, None, stand, units)
    met, asked = Decimal(here.met), Decimal(here.asked)
    stand = "低于阶段目标" if underway and met < asked else "已达标" if met == asked and not underway else "推进中"
    return Expected(asked, asked if underway else None, met, waiting, met / asked * 100, asked - met, stand, units)


def _figure(fact: Any, sums: list[int]) -> Decimal | None:
    if fact["aggregation"] == RATIO:
        return Decimal(sums[1]) / Decimal(sums[2]) * 100 if sums[2] else None
    return number(sums[0])


def _meets(figure: Any, comparator: int, target: Any) -> Any:
    return {1: figure >= target, 2: figure <= target, 3: figure == target, 4: figure > target}[comparator]


def _left(figure: Decimal | None, comparator: int, target: Decimal | None) -> Decimal | None:
    if figure is None or target is None or comparator == 0:
        return None
    away = figure - target if comparator == 2 else abs(target - figure) if comparator == 3 else target - figure
    return max(away, Decimal(0))


def _stand(
    asked: int, figure: Decimal | None, target: Decimal | None, by_now: Decimal | None, comparator: int, towards: int
) -> str:
    """The word. `towards`: how the figure is compared with the milestone."""
    if not asked:
        return "不涉及"
    if target is None or comparator == 0:
        return "未设目标" if target is None else "尚无通过"
    if figure is None:
        return "尚无通过"
    if _meets(figure, comparator, target):
        return "已达标"
    return "推进中" if by_now is None or _meets(figure, towards, by_now) else "低于阶段目标"
