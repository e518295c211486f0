"""Beside a rolled-up figure: the baseline of the same area, or what was approved of another metric or turn."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Label,
    Select,
    and_,
    case,
    exists,
    func,
    literal,
    literal_column,
    select,
    true,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import aliased

from ..clock import zone
from ..db import Instant, db
from ..models import Area, Assignment, Baseline, FigureCount, Metric, Unit
from ..models.climbing import SUMS
from ..models.contributions import ADDED_UP
from ..models.past import A_YEAR, ABOUT
from ..rules.dates import end_of_day
from ..rules.figures import Standing
from ..rules.former_tree import FormerTree
from ..rules.metrics import KINDS, Aggregation, Comparator, OverTime, Value, meets
from ..rules.organisation import LEAF_LEVELS, Line
from .board_figures import Place, stretches_of
from .rollup_facts import RolledUp, exact
from .rollup_past import leaves_at

BESIDE = -1  # in place of a standing: a row of another question
DOWNWARDS = (Comparator.AT_MOST, Comparator.EQUAL)  # what shall come down: equal is mostly to nothing


@dataclass(frozen=True)
class Before:
    """What was before in an area, added up; rates as sum over sum. `units`: how many units have a figure of then.
    `until`: the day up to which it counts; None for a baseline, and for a whole year."""

    value: Value
    units: int
    until: date | None = None


@dataclass(frozen=True)
class LastYear:
    """The metrics that are looked at as of the end of a day of last year: by id the turn of a recurring task, None for
    the latest turn or all of them, as the metric adds up over time."""

    turns: Mapping[int, int | None]
    day: date


class Told(NamedTuple):
    """A row of another question: what it tells, of whom, and how much."""

    what: int
    key: int
    value: Decimal | None


Befores = dict[tuple[int, int], Before]


def same_day_last_year(day: date) -> date:
    """The 28th for a 29 February."""
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)


def known_by(since: datetime | None, day: date) -> bool:
    """Whether anything had been asked when that day was over, so that its figures can be told."""
    return since is not None and since <= end_of_day(day, zone())


def baselines_in(
    metric_ids: Sequence[int], places: Sequence[Place], tree: FormerTree, *, lines: Sequence[Line] | None = None
) -> Befores:
    """(metric, area) -> the baselines of the units below it on the day of the campaign (`tree`: what moved since), also
    of areas that ended before they were asked and named one below it as their successor. Only where there is any. One
    statement, over all baselines of these metrics."""
    return befores_in(metric_ids, None, places, tree, lines=lines)


def befores_in(
    frozen: Sequence[int], then: LastYear | None, places: Sequence[Place], tree: FormerTree, *,
    lines: Sequence[Line] | None = None,
) -> Befores:  # fmt: skip
    """The same of the baselines of those metrics, and of what had been approved of others by a day of last year: of
    areas from the record of the slots, of leaves from what was logged and submitted until then. One statement."""
    return befores_beside(frozen, then, places, tree, (), lines=lines)[0]


def befores_beside(
    frozen: Sequence[int], then: LastYear | None, places: Sequence[Place], tree: FormerTree,
    beside: Sequence[Select[Any]], *, lines: Sequence[Line] | None = None,
) -> tuple[Befores, list[Told]]:  # fmt: skip
    """The same, and in the same statement the rows of others, each (what, key, value with its decimals); none where
    there is nothing to ask. They stand side by side in one UNION: one inside another overflows SQLite's parser."""
    nobody = lines is not None and not lines
    parts = [_told_beside(part) for part in beside]
    parts += [_frozen(frozen, places, tree, lines)] if frozen and places and not nobody else []
    parts += _approved_by(then, places, lines) if then and then.turns and places and not nobody else []
    rows = db.session.execute(union_all(*parts)).all() if parts else []
    told = [Told(row[0], row[1], None if row[6] is None else exact(row[6])) for row in rows if row[3] == BESIDE]
    alone = lines is not None and len(lines) == 1
    return _befores([row for row in rows if row[3] != BESIDE], then, alone), told


def _told_beside(part: Select[Any]) -> Select[Any]:
    """Such a row as one of `befores_in`, its value in ten-thousandths."""
    what, key, value = part.selected_columns
    number = type_coerce(value.element if isinstance(value, Label) else value, BigInteger)
    keys = (type_coerce(what, BigInteger), type_coerce(key, BigInteger), _whole(0), _whole(BESIDE), _whole(0))
    return part.with_only_columns(*keys, _whole(0), number, *(_whole(0) for _rest in range(3)))


def _befores(rows: Sequence[Any], then: LastYear | None, alone: bool) -> Befores:
    """What was before from those rows. `alone`: of one line, so that what others credit to it counts."""
    turns: dict[tuple[int, int], dict[int, list[int]]] = defaultdict(dict)
    every: dict[int, bool] = {}
    for metric, area, turn, standing, all_turns, *sums in rows:
        wanted = then.turns.get(metric) if then else None
        if wanted is not None and turn != wanted:
            continue
        every[metric] = bool(all_turns)
        known = turns[metric, area].setdefault(turn, [0] * 5)
        if standing == Standing.APPROVED:
            turns[metric, area][turn] = [one + int(more or 0) for one, more in zip(known, sums, strict=True)]
    found: Befores = {}
    for (metric, area), each in turns.items():
        counted = each.values() if every[metric] else [each[max(each)]]
        units, number, numerator, denominator, credited = (sum(column) for column in zip(*counted, strict=True))
        if units:
            day = then.day if then and metric in then.turns else None
            value = Value(exact(number + (credited if alone else 0)), exact(numerator), exact(denominator))
            found[metric, area] = Before(value, units, day)
    return found


def _frozen(
    metric_ids: Sequence[int], places: Sequence[Place], tree: FormerTree, lines: Sequence[Line] | None
) -> Select[Any]:
    home, follower = Area.__table__.alias("home"), Area.__table__.alias("follower")
    top = stretches_of(places, tree)
    asked = exists().where(Assignment.task_id == Metric.task_id, Assignment.unit_id == Baseline.unit_id)
    followed = and_(follower.c.id == home.c.successor_id, ~asked.correlate_except(Assignment))
    place = func.coalesce(follower.c.lft, home.c.lft)  # who was asked itself reports, and counts, where it stood
    sums = [func.sum(type_coerce(column, BigInteger), type_=BigInteger) for column in (
        Baseline.number, Baseline.numerator, Baseline.denominator,
    )]  # fmt: skip
    return (
        select(
            Baseline.metric_id, top.c.id, _whole(0), _whole(Standing.APPROVED), _whole(0), func.count(), *sums,
            _whole(0),
        )
        .join(Unit, Unit.id == Baseline.unit_id)
        .join(home, home.c.id == Unit.area_id)
        .join(Metric, Metric.id == Baseline.metric_id)
        .outerjoin(follower, followed)
        .join(top, place.between(top.c.lft, top.c.rgt))
        .where(Baseline.metric_id.in_(metric_ids), true() if lines is None else Unit.line.in_(lines))
        .group_by(Baseline.metric_id, top.c.id)
    )  # fmt: skip


def _approved_by(then: LastYear, places: Sequence[Place], lines: Sequence[Line] | None) -> list[Select[Any]]:
    at, wanted = end_of_day(then.day, zone()), and_(Metric.id.in_(then.turns), Metric.aggregation.in_(ADDED_UP))
    leaves = [place.id for place in places if place.level in LEAF_LEVELS]
    uppers = [place.id for place in places if place.level not in LEAF_LEVELS]
    parts = []
    if leaves:
        parts.append(_added(leaves_at(wanted, leaves, at, lines).subquery().c))
    if uppers:
        later = aliased(FigureCount)
        same = [
            getattr(later, name) == getattr(FigureCount, name) for name in ("metric_id", "area_id", "line", "period")
        ]
        last = select(func.max(later.slot)).where(*same, later.slot <= literal(at, Instant())).scalar_subquery()
        record = select(FigureCount.__table__).where(
            FigureCount.metric_id.in_(then.turns), FigureCount.area_id.in_(uppers), FigureCount.slot == last,
            true() if lines is None else FigureCount.line.in_(lines),
        )  # fmt: skip
        parts.append(_added(record.subquery().c).where(wanted))
    return parts


def _added(rows: Any) -> Select[Any]:
    """Rows of `befores_in` from rows with their keys and sums."""
    key = (Metric.id, rows.area_id, rows.period, type_coerce(rows.standing, BigInteger), _every())
    sums = [func.sum(type_coerce(rows[name], BigInteger), type_=BigInteger) for name in SUMS if name != "met"]
    return select(*key, *sums).select_from(Metric).join(rows.standing.table, Metric.id == rows.metric_id).group_by(*key)


def _every() -> ColumnElement[int]:
    """Over Metric: 1 where all turns count together."""
    return case((Metric.over_time == OverTime.SUM, _whole(1)), else_=_whole(0))


def _whole(number: int) -> ColumnElement[int]:
    return literal_column(str(int(number)), BigInteger)


def approved_then(rolled: RolledUp | None) -> Before | None:
    """What was approved of another metric, or in another turn, as what is compared with; None where nothing was."""
    value = None if rolled is None else rolled.value()
    return None if rolled is None or value is None or not rolled.approved else Before(value, rolled.approved)


def a_year_before(turns: str | None, number: int) -> int | None:
    """The turn of a recurring task that began about a year before that one, of all its turns as
    'number:day' between commas; None where there is none."""
    began = {int(turn): date.fromisoformat(day) for turn, _colon, day in (
        each.partition(":") for each in (turns or "").split(",") if each
    )}  # fmt: skip
    if number not in began:
        return None
    wanted = began[number] - A_YEAR
    near = [turn for turn, day in began.items() if abs(day - wanted) <= ABOUT]
    return min(near, key=lambda turn: (abs(began[turn] - wanted), turn), default=None)


@dataclass(frozen=True)
class AgainstBefore:
    """A figure beside what was before. `change`: by how much it is another one, of a rate in points, None while nothing
    is approved; `percent`: that in percent of what was, None of rates and where that is nothing. `held`: it is no
    worse, by the metric's comparator (more is better where it has none). `units`: how many units have a figure of then,
    of how many `asked` now. `until`: the day up to which what was before counts, None for a baseline and a whole year.
    """

    before: Decimal
    change: Decimal | None
    percent: Decimal | None
    held: bool | None
    units: int
    asked: int
    until: date | None = None

    @property
    def whole(self) -> bool:
        """Every unit asked has a figure of then."""
        return self.units >= self.asked


def against_before(rolled: RolledUp, before: Before | None) -> AgainstBefore | None:
    """The approved figure of an area beside what was before; None where units have no figure together, or nothing is
    known of then."""
    figure, kind = rolled.figure(), KINDS[rolled.metric.kind]
    if before is None or not rolled.metric.adds_up or (stood := kind.figure(before.value)) is None:
        return None
    if figure is None or not rolled.approved:
        return AgainstBefore(stood, None, None, None, before.units, rolled.asked, before.until)
    change = figure - stood
    rated = rolled.metric.aggregation is Aggregation.RATIO
    percent = None if rated or not stood else change * 100 / stood
    better = Comparator.AT_MOST if rolled.metric.comparator in DOWNWARDS else Comparator.AT_LEAST
    return AgainstBefore(
        stood, change, percent, bool(meets(figure, better, stood)), before.units, rolled.asked, before.until
    )
