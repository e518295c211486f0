"""The rest of what boards show, counted once more: rows below an area, what was split, lights, the slowest, places."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from .walk_recount import PENDING, RATIO, RETURNED, SUM, Counted, Expected, Recount, number

WORDS = {
    "returned": "退回", "overdue": "逾期", "behind": "滞后", "due": "临期", "new": "未签收", "open": "办理中",
    "disputed": "已提异议", "waiting": "待审核", "done": "办结", "not applicable": "不适用", "cancelled": "已撤销",
}  # fmt: skip
URGENCY = ("overdue", "returned", "behind", "due", "new", "open", "disputed", "waiting", "done", "not applicable",
           "cancelled")  # fmt: skip
FIXED = {7: "disputed", 3: "waiting", 5: "done", 8: "not applicable", 6: "cancelled"}
GONE = (6, 8)
AT_MOST, EQUAL = 2, 3
NEAR = timedelta(days=3)
ENOUGH = Decimal("0.8")
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
Cells = dict[str, dict[int, tuple[str, int, int, int]]]


@dataclass(frozen=True)
class Against:
    """A figure beside the one of then: that, the change, the change in percent, whether it is worse, of how many."""

    before: Decimal
    change: Decimal | None
    percent: Decimal | None
    worse: str
    units: int


def micros(moment: datetime) -> int:
    """An instant as the tables keep it."""
    return int((moment - EPOCH) / timedelta(microseconds=1))


class Tree(Recount):
    """The tree of a campaign on its own day, and everything that follows from it."""

    def read_lines(self, rows: Iterable[Any]) -> None:
        """Which lines each task is asked of."""
        self.lines: dict[int, list[int]] = defaultdict(list)
        for row in rows:
            self.lines[row["task_id"]].append(row["line"])

    def below(self, metric: int, area: int) -> list[int]:
        """The areas right below on the day of the metric's campaign, in the order of the tree."""
        return self.children_of(area, self.campaign_of(metric))

    def children_of(self, area: int, campaign: int) -> list[int]:
        """The same of a campaign."""
        found = [id for id in self.areas if (*self.way(id, campaign), None)[1] == area]
        return sorted(found, key=lambda id: int(self.areas[id]["lft"]))

    def _inside(self, unit: int, area: int, campaign: int) -> bool:
        return area in self.way(self.units[unit]["area_id"], campaign)

    def _followed(self, unit: int, area: int, metric: int) -> bool:
        """Whether the unit stands there; of one that ended without having been asked, whether who followed it does."""
        task, home = self.metrics[metric]["task_id"], self.areas[self.units[unit]["area_id"]]
        if home["successor_id"] is not None and not any(each["unit_id"] == unit for each in self.of_task[task]):
            home = self.areas[home["successor_id"]]
        return area in self.way(home["id"], self.campaign_of(metric))

    def _gone(self, unit: int, task: int) -> bool:
        return any(each["unit_id"] == unit and each["state"] in GONE for each in self.of_task[task])

    def _givers(self, metric: int, line: int | None) -> list[tuple[Any, int, bool]]:
        """Splits in force of the metric's task: (split, area of who split, whether it is the issuer's)."""
        task, campaign = self.metrics[metric]["task_id"], self.campaigns[self.campaign_of(metric)]
        found = []
        for (of_task, _period, parent), split in self.splits.items():
            if of_task != task:
                continue
            unit = self.units[campaign["issuing_unit_id"] if parent is None else self.assignments[parent]["unit_id"]]
            if line is None or parent is None or unit["line"] == line:
                found.append((split, int(unit["area_id"]), parent is None))
        return found

    def _splits_figures(self, metric: int) -> bool:
        fact = self.metrics[metric]
        return bool(fact["aggregation"] == SUM and fact["comparator"] != 0)

    def gave(self, metric: int, area: int, line: int | None) -> tuple[Decimal | None, Decimal]:
        """What the units of the area gave to those below together, None for nothing, and what they hold back. What was
        given to a unit that is asked no more has fallen back."""
        given, reserve, task = None, Decimal(0), self.metrics[metric]["task_id"]
        for split, where, _root in self._givers(metric, line) if self._splits_figures(metric) else ():
            if where == area:
                shares = self.shares.get((split["id"], metric))
                if shares:
                    left = (number(value) for unit, value in shares.items() if not self._gone(unit, task))
                    given = (given or Decimal(0)) + sum(left)
                reserve += number(self.reserves.get((split["id"], metric)))
        return given, reserve

    def given_inside(self, metric: int, shown: int, areas: Sequence[int], line: int | None) -> dict[int, Decimal]:
        """What those above each area, down to the one shown, gave to units inside it that are still asked."""
        campaign, found = self.campaign_of(metric), dict[int, Decimal]()
        ways = self.way(shown, campaign)
        for split, where, root in self._givers(metric, line) if self._splits_figures(metric) else ():
            if not root and where not in ways:
                continue
            for unit, value in self.shares.get((split["id"], metric), {}).items():
                other = line is not None and self.units[unit]["line"] != line
                if other or self._gone(unit, self.metrics[metric]["task_id"]):
                    continue
                for area in areas:
                    if where != area and self._inside(unit, area, campaign):
                        found[area] = found.get(area, Decimal(0)) + number(value)
        return found

    def read_baselines(self, rows: Iterable[Any]) -> None:
        """What each unit had before, by metric."""
        self.baselines: dict[int, list[Any]] = defaultdict(list)
        for row in rows:
            self.baselines[row["metric_id"]].append(row)

    def against(self, metric: int, area: int, line: int | None) -> Against | None:
        """The figure beside what the units inside had before; None where nothing is known of then."""
        fact = self.metrics[metric]
        mine = [row for row in self.baselines[metric] if self._followed(row["unit_id"], area, metric)
                and (line is None or self.units[row["unit_id"]]["line"] == line)]  # fmt: skip
        rate = fact["aggregation"] == RATIO
        if not mine or fact["aggregation"] not in (SUM, RATIO):
            return None
        sums = [sum(row[name] or 0 for row in mine) for name in ("number", "numerator", "denominator")]
        if rate and not sums[2]:
            return None
        before = Decimal(sums[1]) / Decimal(sums[2]) * 100 if rate else number(sums[0])
        now = self.expected(metric, area, line)
        if now.approved is None or not now.units[0]:
            return Against(before, None, None, "", len(mine))
        change = now.approved - before
        worse = change > 0 if fact["comparator"] in (AT_MOST, EQUAL) else change < 0
        percent = None if rate or not before else change / before * 100
        return Against(before, change, percent, "变差" if worse else "持平或向好", len(mine))

    @staticmethod
    def without(whole: Counted | None, rows: Iterable[Counted | None]) -> Counted:
        """What is left of the whole: the units of the area itself."""
        rest = Counted()
        if whole is None:
            return rest
        rest.n.update(whole.n)
        rest.met = whole.met
        for standing, sums in whole.sums.items():
            rest.sums[standing] = list(sums)
        for row in rows:
            if row is None:
                continue
            rest.met -= row.met
            for standing, n in row.n.items():
                rest.n[standing] -= n
            for standing, sums in row.sums.items():
                rest.sums[standing] = [a - b for a, b in zip(rest.sums[standing], sums, strict=True)]
        return rest

    def own_level(self, metric: int, area: int, own: Counted) -> Expected:
        """What the row of the own level says: of a sum no target, for its share of it was held back."""
        said = self.expected(metric, area, counted=own)
        if self.metrics[metric]["aggregation"] != SUM:
            return said
        return Expected(None, None, said.approved, said.waiting, None, None, "未设目标", said.units)

    def light(self, each: Any, now: int) -> str:
        """The light of one assignment."""
        if each["state"] in FIXED:
            return FIXED[each["state"]]
        quiet = "new" if each["state"] == 1 else "open"
        if each["suspended_at"] is not None:
            return quiet
        if each["state"] == 4:
            return "returned"
        if each["due_at"] is not None and each["due_at"] < now:
            return "overdue"
        if each["behind_at"] is not None and each["behind_at"] <= now:
            return "behind"
        near = each["due_at"] is not None and each["due_at"] < now + NEAR / timedelta(microseconds=1)
        return "due" if near and each["state"] != 1 else quiet

    def rows_of(self, campaign: int, area: int) -> dict[str, list[Any]]:
        """The assignments behind each row of a board, by the row's name."""
        mine = [each for task in self.tasks.values() if task["campaign_id"] == campaign
                for each in self.of_task[task["id"]]]  # fmt: skip
        found: dict[str, list[Any]] = defaultdict(list)
        for each in mine:
            way = self.way(self.units[each["unit_id"]]["area_id"], campaign)
            if area not in way:
                continue
            name = self.areas[area]["name"]
            found[name].append(each)
            at = way.index(area)
            found[self.areas[way[at - 1]]["name"] if at else f"{name}本级"].append(each)
        return found

    def cells(self, campaign: int, area: int, now: datetime) -> Cells:
        """By row and task: the word of the most urgent light, how many show it, how many are done and asked."""
        cells: Cells = {}
        for name, assignments in self.rows_of(campaign, area).items():
            of_task: dict[int, list[Any]] = defaultdict(list)
            for each in assignments:
                of_task[each["task_id"]].append(each)
            cells[name] = {}
            for task, some in of_task.items():
                lights = [self.light(each, micros(now)) for each in some]
                light = next(each for each in URGENCY if each in lights)
                done = sum(each["state"] == 5 for each in some)
                asked = sum(each["state"] not in GONE for each in some)
                cells[name][task] = (WORDS[light], lights.count(light), done, asked)
        return cells

    @staticmethod
    def whole(assignments: Iterable[Any]) -> tuple[int, int, int, int, int]:
        """Approved, in review, returned, missing, all that are asked."""
        states = [each["state"] for each in assignments]
        missing = sum(states.count(state) for state in (1, 2, 7))
        parts = (states.count(5), states.count(3), states.count(4), missing)
        return (*parts, sum(parts))

    def slow(self, campaign: int, area: int) -> list[tuple[str, str]]:
        """Unit and task of every open assignment there, the one whose next step has been due the longest first."""
        some = self.rows_of(campaign, area).get(self.areas[area]["name"], [])
        waiting = [each for each in some if each["state"] in (1, 2, 3, 4, 7)]

        def key(each: Any) -> tuple[bool, int, int]:
            at = each["review_due_at"] if each["state"] == 3 else each["due_at"]
            return at is None, at or 0, each["id"]

        order = sorted(waiting, key=key)
        return [(self.units[each["unit_id"]]["name"], self.tasks[each["task_id"]]["title"]) for each in order]

    def tree(self, metric: int) -> dict[str, tuple[Decimal | None, Decimal | None, Decimal, int]]:
        """By unit: its target, what it gave out, what it holds back, and to how many."""
        found = {}
        for each in self.of_task[self.metrics[metric]["task_id"]]:
            goal = self.goal(each["id"], metric)
            split = self.splits.get((each["task_id"], each["period"], each["id"]))
            shares = self.shares.get((split["id"], metric), {}) if split else {}
            left = [number(value) for unit, value in shares.items() if not self._gone(unit, each["task_id"])]
            given = sum(left, Decimal(0)) if shares else None
            units = {
                unit for (id, _metric), some in self.shares.items() if split and id == split["id"] for unit in some
                if not self._gone(unit, each["task_id"])
            }  # fmt: skip
            reserve = number(self.reserves.get((split["id"], metric))) if split else Decimal(0)
            name = self.units[each["unit_id"]]["name"]
            found[name] = (None if goal is None else number(goal), given, reserve, len(units))
        return found

    def place(self, metric: int, area: int, line: int, name: str) -> int | None:
        """Where the area of that name stands among its like right below; None where it has no place."""
        fact, entries = self.metrics[metric], []
        given = self.given_inside(metric, area, self.below(metric, area), line)
        level = next(self.areas[id]["level"] for id in self.below(metric, area) if self.areas[id]["name"] == name)
        for id in self.below(metric, area):
            said = self.expected(metric, id, line, below=given.get(id))
            direct = fact["kind"] == 3 or fact["comparator"] == 2
            scale = said.approved if direct else said.share
            covered = said.units[4] and Decimal(said.units[0]) / said.units[4] >= ENOUGH
            if self.areas[id]["level"] == level and scale is not None and covered:
                entries.append((scale, self.areas[id]["name"]))
        mine = next((scale for scale, each in entries if each == name), None)
        if mine is None:
            return None
        better = [scale for scale, _each in entries if (scale < mine if fact["comparator"] == 2 else scale > mine)]
        return 1 + len(better)


__all__ = ["PENDING", "RETURNED", "Tree"]
