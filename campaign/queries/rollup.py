"""Figures rolled up: for every metric and area what is approved, pending, returned and missing.

One statement brings the facts of the metrics and the folded figures; where it says that there is more to look at than
was folded, a second one brings the figures anew. Both are written in `rollup_statements`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from ..db import db, run
from ..rules.organisation import Line
from .rollup_facts import Facts, RolledUp, Standings, own_target_of
from .rollup_metrics import heard, listing
from .rollup_statements import LINES, Way, figures, folded_figures

Key = tuple[int, int]  # (metric, area)
Rows = dict[Key, list[Any]]


class RollUp(Mapping[Key, RolledUp]):
    """Every metric in every area that was asked for, made of the rows of its figures when it is first looked at.

    `alone`: a single line was asked for. `latest`: of metrics that do not add up over time the latest turn alone.
    """

    def __init__(
        self, facts: dict[int, Facts], area_ids: Sequence[int], rows: Rows, *, alone: bool, latest: bool
    ) -> None:
        self._facts, self._area_ids, self._rows, self._alone, self._latest = facts, area_ids, rows, alone, latest
        self._made: dict[Key, RolledUp] = {}

    def __getitem__(self, key: Key) -> RolledUp:
        if key not in self._made:
            metric, rows = self._facts[key[0]], self._rows.get(key)
            if rows is None and key[1] not in self._area_ids:
                raise KeyError(key)
            self._made[key] = self._put_together(metric, key[1], rows or [])
        return self._made[key]

    def _put_together(self, metric: Facts, area_id: int, rows: list[Any]) -> RolledUp:
        if self._latest and metric.last_period and not metric.every_turn:
            rows = [row for row in rows if row[2] == metric.last_period]
        return RolledUp(metric, area_id, Standings(rows), own_target_of(metric, rows), self._alone)

    def of_turn(self, period: int | None) -> "RollUp":
        """That turn of a recurring task alone, of a roll-up that was asked for without one; None: the same as it is."""
        if period is None:
            return self
        rows = {key: [row for row in each if row[2] == period] for key, each in self._rows.items()}
        return RollUp(self._facts, self._area_ids, rows, alone=self._alone, latest=False)

    def __iter__(self) -> Iterator[Key]:
        return ((metric_id, area_id) for metric_id in self._facts for area_id in self._area_ids)

    def __len__(self) -> int:
        return len(self._facts) * len(self._area_ids)


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
        return RollUp({}, (), {}, alone=False, latest=False)
    values: dict[str, Any] = {"metrics": listing(metric_ids), "areas": listing(area_ids)}
    if lines is not None:
        values["lines"] = listing(lines)
    if period is not None:
        values["period"] = period
    facts, found = _read(Way(by_line=lines is not None, by_period=period is not None), values, on)
    return RollUp(facts, area_ids, found, alone=lines is not None and len(lines) == 1, latest=period is None)


def rollup_of_each(
    metric_ids: Sequence[int], area_ids: Sequence[int], lines: Iterable[Line], *, on: date
) -> tuple[dict[Line, RollUp], RollUp]:
    """The same of each of these lines alone, and of all lines together. One or two statements."""
    values = {"metrics": listing(metric_ids), "areas": listing(area_ids)}
    facts, found = _read(Way(each_line=True), values, on)
    of_line: dict[int, Rows] = {int(line): {} for line in lines}
    together: Rows = defaultdict(list)
    for (metric_id, place), rows in found.items():
        area_id, line = divmod(place, LINES)
        together[metric_id, area_id] += rows
        of_line.setdefault(line, {})[metric_id, area_id] = rows
    each = {Line(line): RollUp(facts, area_ids, rows, alone=True, latest=True) for line, rows in of_line.items()}
    return each, RollUp(facts, area_ids, together, alone=False, latest=True)


def _read(way: Way, values: dict[str, Any], on: date) -> tuple[dict[int, Facts], Rows]:
    """The facts of the metrics, and the rows of their figures."""
    dialect = db.session.get_bind().dialect.name
    told, found = _sorted(folded_figures(dialect, way), values)
    facts, ahead = heard(told, on)
    if not ahead.plain:
        _none, found = _sorted(figures(dialect, way, ahead), values)
    return facts, found


def _sorted(statement: Any, values: dict[str, Any]) -> tuple[list[Any], Rows]:
    """The rows of facts, and those of figures by their metrics and areas."""
    told, found = [], defaultdict(list)
    for row in run(statement, values):
        if row[3] > 0:
            found[row[0], row[1]].append(row)
        else:
            told.append(row)
    return told, found
