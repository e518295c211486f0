"""Figures rolled up: for every metric and area what is approved, pending, returned and missing.

One statement brings the facts of the metrics and the folded figures; where it says that there is more to look at than
was folded, a second one brings the figures anew. Both are written in `rollup_statements`.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from ..db import db, run
from ..rules.organisation import Line
from .rollup_facts import RolledUp, Standings, own_target_of
from .rollup_metrics import heard, listing
from .rollup_statements import figures, folded_figures

RollUp = dict[tuple[int, int], RolledUp]  # (metric, area)


def rollup(
    metric_ids: Sequence[int],
    area_ids: Sequence[int],
    *,
    on: date,
    lines: Sequence[Line] | None = None,
    period: int | None = None,
) -> RollUp:
    """Every metric in every area, with all below it; one that is asked of nobody there has nothing but zeros.

    `on`: the day whose milestone is in force. `lines`: of these alone. `period`: that turn of a recurring task; None:
    the latest turn, or all of them where the metric adds up over time. One or two statements,
    whatever the number.
    """
    if not metric_ids or not area_ids or (lines is not None and not lines):
        return {}
    values: dict[str, Any] = {"metrics": listing(metric_ids), "areas": listing(area_ids)}
    if lines is not None:
        values["lines"] = listing(lines)
    if period is not None:
        values["period"] = period
    way = db.session.get_bind().dialect.name, lines is not None, period is not None
    found: dict[tuple[int, int], list[Any]] = {}
    told = _sorted(folded_figures(*way), values, found)
    facts, ahead = heard(told, on)
    if not ahead.plain:
        found = {}
        _sorted(figures(*way, ahead), values, found)
    alone = lines is not None and len(lines) == 1
    rolled: RollUp = {}
    for metric in facts.values():
        turn = None if period is not None or metric.every_turn else metric.last_period
        for area_id in area_ids:
            rows = found.get((metric.id, area_id), [])
            if turn:
                rows = [row for row in rows if row[2] == turn]
            rolled[metric.id, area_id] = RolledUp(metric, area_id, Standings(rows), own_target_of(metric, rows), alone)
    return rolled


def _sorted(statement: Any, values: dict[str, Any], found: dict[tuple[int, int], list[Any]]) -> list[Any]:
    """Puts the rows of figures to their metrics and areas; the rows of facts."""
    told = []
    for row in run(statement, values):
        if row[3] <= 0:
            told.append(row)
        elif (key := (row[0], row[1])) in found:
            found[key].append(row)
        else:
            found[key] = [row]
    return told
