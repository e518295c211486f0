"""Figures rolled up: for every metric and area what is approved, pending, returned and missing, in two statements.

The first brings the facts of the metrics and says what lies ahead; the second is written in `rollup_statements`.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from ..db import db, run
from ..rules.organisation import Line
from .rollup_facts import RolledUp, Standings, facts_of, listing, own_target_of
from .rollup_statements import statement

RollUp = dict[tuple[int, int], RolledUp]  # (metric, area)
NONE_YET = -1  # the turn of a metric that came between the two statements


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
    the latest turn, or all of them where the metric adds up over time. Two statements, whatever the number.
    """
    if not metric_ids or not area_ids or (lines is not None and not lines):
        return {}
    values: dict[str, Any] = {"metrics": listing(metric_ids), "areas": listing(area_ids)}
    facts, ahead = facts_of(values, on)
    if lines is not None:
        values["lines"] = listing(lines)
    if period is not None:
        values["period"] = period
    dialect = db.session.get_bind().dialect.name
    asking = statement(dialect, lines is not None, period is not None, ahead)
    turns = {id: None if period is not None or one.every_turn else one.last_period for id, one in facts.items()}
    found: dict[tuple[int, int], list[Any]] = {(metric, area): [] for metric in facts for area in area_ids}
    for row in run(asking, values):
        turn = turns.get(row[0], NONE_YET)
        if turn is None or turn == row[2]:
            found[row[0], row[1]].append(row)
    alone = lines is not None and len(lines) == 1
    return {
        key: RolledUp(facts[key[0]], key[1], Standings(rows), own_target_of(facts[key[0]], rows), alone)
        for key, rows in found.items()
    }
