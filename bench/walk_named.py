"""The units behind a figure, counted once more: who has nothing approved, and who is approved and does not meet yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from .walk_reading import HALF, TENTH, Tally, decimal
from .walk_recount import APPROVED, BOOLEAN, CHECKLIST, MISSING, PENDING, RATE, RETURNED, STANDING, SUM, Recount

WHY = {MISSING: "未上报", PENDING: "待审核", RETURNED: "退回", APPROVED: "已通过但未达标"}
RATIO = 2


@dataclass(frozen=True)
class Lacking:
    """One unit: why it is named, what it must reach by now, what it reported; numbers as they are shown."""

    why: str
    goal: Decimal | None
    figure: Decimal | None
    rated: bool
    told: bool  # in words: yes, no


def compare_names(boards: Any) -> None:
    """Every metric of the walk in every area above the villages: its list of units as a file."""
    count = boards.recount
    for metric in count.metrics:
        for area in boards.upper if count.campaign_of(metric) in boards.walked else ():
            if count.expected(metric, area).units[4]:
                rows = boards.csv("named", f"/metrics/{metric}/units.csv?area={area}")
                where = f"named of metric {metric} in {area}"
                _same_names(boards.tally, where, rows, lacking(count, metric, area), boards.money_of(metric))


def lacking(count: Recount, metric: int, area: int) -> dict[tuple[str, int], Lacking]:
    """By name and turn, the units of all lines in that area that lack something."""
    fact, campaign, found = count.metrics[metric], count.campaign_of(metric), {}
    for each in count.asked_now(metric):
        unit, standing = count.units[each["unit_id"]], STANDING.get(each["state"])
        split = count.children[each["id"]] and fact["aggregation"] not in (SUM, RATIO)
        if standing is None or split or area not in count.way(unit["area_id"], campaign):
            continue
        value = count.values.get((each["id"], metric)) if standing != MISSING else None
        standing = standing if value is not None else MISSING
        if standing == APPROVED and (not _measured(count, metric) or count.meets_own(each["id"], metric, value)):
            continue
        told = fact["kind"] in (BOOLEAN, CHECKLIST)
        found[unit["name"], each["period"]] = Lacking(
            WHY[standing],
            _goal(count, metric, each["id"]),
            _figure(fact, value),
            fact["kind"] == RATE,
            told,
        )
    return found


def _measured(count: Recount, metric: int) -> bool:
    """Whether units have something of their own to reach: of a total only once it was split."""
    fact = count.metrics[metric]
    if fact["target"] is None or fact["comparator"] == 0:
        return fact["kind"] in (BOOLEAN, CHECKLIST)
    return fact["aggregation"] != SUM or fact["quota"] != 0 or any(of == metric for _id, of in count.shares)


def _goal(count: Recount, metric: int, assignment: int) -> Decimal | None:
    fact, goal = count.metrics[metric], count.goal(assignment, metric)
    if goal is None:
        return None
    shared = fact["aggregation"] == SUM and fact["quota"] == 0
    if count.step(metric) is not None and not fact["target"] and shared:
        return None  # of nothing there is no proportion
    return _shown(count.goal_now(metric, count.kept_back(assignment, metric, goal)) / 10_000)


def _figure(fact: Any, value: Any) -> Decimal | None:
    if value is None:
        return None
    if fact["kind"] == RATE:
        return _shown(Fraction(value["numerator"] or 0, value["denominator"]) * 100) if value["denominator"] else None
    return None if value["number"] is None else _shown(Fraction(value["number"], 10_000))


def _shown(n: Fraction) -> Decimal:
    return Decimal(n.numerator) / n.denominator


def _same_names(
    tally: Tally, where: str, rows: Sequence[dict[str, str]], expected: dict[tuple[str, int], Lacking], money: Decimal
) -> None:
    """An export beside what was counted; its last five columns are why, state, goal, figure, distance."""
    shown = {}
    for row in rows:
        cells = list(row.values())
        shown[cells[0], int(cells[3]) if len(cells) == 9 else 0] = cells[-5:]
    tally.same(where, "units", sorted(shown), sorted(expected))
    for key, (why, _state, goal, figure, _left) in shown.items():
        if key not in expected:
            continue
        each = expected[key]
        tally.same(where, f"{key[0]} why", why, each.why)
        if each.told:
            continue
        by = TENTH if each.rated else HALF
        for name, text, value in (("goal", goal, each.goal), ("figure", figure, each.figure)):
            tally.near(where, f"{key[0]} {name}", decimal(text), value if value is None else value / money, by)
