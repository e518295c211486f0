"""One metric of an issued campaign: the tree of targets and actuals, level by level, and how the figure moved.

At most six statements, whatever the size, and one of the session: the metric with its campaign, the areas, two for the
roll-up, one for the splits, what re-checks found and what it is compared with, the record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Select,
    and_,
    case,
    func,
    literal,
    select,
    type_coerce,
)

from ..db import Exact
from ..errors import NotFound, say
from ..models import Assignment, Share, Unit
from ..models.splits import granted_since, handed_back, in_force
from ..models.targets import Allocation, AllocationTotal
from ..rules.figures import Standing
from ..rules.metrics import Aggregation, Comparator, OverTime
from ..rules.organisation import LEAF_LEVELS, Actor, Line
from ..rules.rechecks import RecheckResult
from ..rules.targets import Compares, Quota
from .board import Head, lines_of, way_to, windows_of
from .board_figures import Place, stretches_of
from .history import FigurePoint, figure_trend
from .metric_facts import AskedMetric, Found, MetricFact, metric_head, turn_of
from .quota_targets import quotas_in
from .rechecks import Confidence, confidence_of, found_inside
from .rollup import RollUp, rollup
from .rollup_compared import (
    AgainstBefore,
    Before,
    LastYear,
    Told,
    a_year_before,
    against_before,
    approved_then,
    befores_beside,
    known_by,
    same_day_last_year,
)
from .rollup_facts import RolledUp, Sums
from .stands import Stand, stand_of

PAGE = 100
BELOW, CHECKED = 2, 3  # in the statement of the splits: what units inside were given, what a re-check found
TREND_DAYS = 3 * 366


@dataclass(frozen=True)
class Split:
    """What an area's own unit gave to those below, and what it holds back; None where it has not split."""

    given: Decimal | None = None
    reserve: Decimal = Decimal(0)
    below: Decimal | None = None  # what others gave to units inside the area


@dataclass(frozen=True)
class Branch:
    """One row of the tree. `kind`: 'total', 'own' (what the unit of the shown area did itself), 'area' or 'leaf'."""

    place: Place
    kind: str
    stand: Stand
    split: Split = Split()
    against: AgainstBefore | None = None

    @property
    def opens(self) -> bool:
        """Whether there is anything below it."""
        return self.kind == "area" and self.place.rgt > self.place.lft

    @property
    def gap(self) -> Decimal | None:
        """What of its target is neither given nor held back; below zero: more was given than there is."""
        if self.split.given is None or self.stand.target is None:
            return None
        return self.stand.target - self.split.given - self.split.reserve


@dataclass(frozen=True)
class MetricPage:
    """The page. `lines`: those that may be chosen; `points`: the record of the shown area; `checked`: what
    random re-checks say of it; `next`: the page after."""

    head: Head
    metric: MetricFact
    lines: tuple[Line, ...]
    chosen: tuple[Line, ...] | None
    above: tuple[Place, ...]
    total: Branch
    rows: tuple[Branch, ...]
    points: tuple[FigurePoint, ...]
    checked: Confidence
    paged: bool
    next: int | None

    @property
    def each_measured(self) -> bool:
        """Whether units have targets of their own, so that it can be told how many of them meet."""
        metric, split = self.metric, self.total.split
        if metric.target is None or metric.comparator is Comparator.NONE:
            return False
        given = split.given is not None or split.below is not None
        return metric.aggregation is not Aggregation.SUM or metric.quota is Quota.PER_UNIT or given


def metric_page(metric_id: int, asked: AskedMetric, *, actor: Actor, now: datetime, today: date) -> MetricPage:
    """The metric for this reader. Raises NotFound for one, or for an area, outside their scope."""
    found = metric_head(metric_id, actor)
    head, metric = found.head, found.metric
    windows = windows_of(head, actor)
    most = 2**31 if asked.whole else PAGE + 1
    above, below = way_to(head, asked.area_id, actor, windows, below=most, after=asked.after or 0)
    shown, more = above[-1], not asked.whole and len(below) > PAGE
    lines, chosen = lines_of(found.lines, asked.line, shown, windows)
    below = below if asked.whole else below[:PAGE]
    places = [shown, *below]
    rolled, former = _rolled(found, [place.id for place in places], today, chosen, asked.period)
    if (metric_id, shown.id) not in rolled:  # no line of the reader's is asked here
        raise NotFound(say("There is no such metric, or it is not yours to see."))
    turn = turn_of(rolled[metric_id, shown.id], asked.period)
    beside = _beside(head, metric, above, below, chosen, turn)
    before, told = _before(found, places, rolled, former, today, turn, lines=chosen, beside=beside)
    splits, checked = _splits(told)
    total = _branch(shown, "total", metric, rolled, splits, head)
    rows = [_branch(p, "leaf" if p.level in LEAF_LEVELS else "area", metric, rolled, splits, head) for p in below]
    rows = [row for row in rows if row.stand.rolled.asked or row.split.below or _credited(row)]
    paged = more or bool(asked.after)
    total, rows = _against(total, before), [_against(row, before) for row in rows]
    own = _own(total, rows) if rows and not paged else None
    points = figure_trend(
        metric_id, shown.id, chosen, sums_periods=metric.over_time is OverTime.SUM,
        since=now - timedelta(days=TREND_DAYS), until=now,
    )  # fmt: skip
    return MetricPage(
        head=head, metric=metric, lines=lines, chosen=chosen, above=above, total=total,
        rows=(own, *rows) if own else tuple(rows), points=tuple(points), checked=checked, paged=paged,
        next=below[-1].lft if more else None,
    )  # fmt: skip


def _against(row: Branch, before: Mapping[int, Before | None]) -> Branch:
    return replace(row, against=against_before(row.stand.rolled, before.get(row.place.id)))


def _told_whole(found: Found, today: date) -> bool:
    """Whether last year is told as a whole, because nothing had been asked by the same day of it."""
    since = found.former_since if found.metric.former else found.own_since
    return found.metric.compares is Compares.LAST_YEAR and not known_by(since, same_day_last_year(today))


def _rolled(
    found: Found, ids: Sequence[int], today: date, lines: Sequence[Line] | None, period: int | None
) -> tuple[RollUp, RollUp]:
    """The metric in these areas; and, where last year is told as a whole, every turn of what it is compared with, in
    the same statements."""
    if not _told_whole(found, today):
        rolled = rollup([found.metric.id], ids, on=today, lines=lines, period=period)
        return rolled, rolled
    both = {found.metric.id, found.metric.former or found.metric.id}
    every = rollup(sorted(both), ids, on=today, lines=lines)
    return every.of_turn(period), every


def _before(
    found: Found, places: Sequence[Place], rolled: RollUp, former: RollUp, today: date, turn: int | None, *,
    lines: Sequence[Line] | None, beside: Sequence[Select[Any]],
) -> tuple[dict[int, Before | None], list[Told]]:  # fmt: skip
    """What the plan compares the metric with, per area, and what is asked beside it; one statement. Last year is told
    up to the same day, and as a whole where nothing had been asked by then (`former`). `turn`: the one that is shown.
    """
    metric, tree, ids = found.metric, found.head.tree, [place.id for place in places]
    other = metric.former or metric.id
    turns: dict[int, int | None] = {}
    if metric.compares is Compares.LAST_YEAR:
        one = None if metric.former or turn is None else a_year_before(found.turns, turn)
        if metric.former or one is not None:
            turns = {other: one}
    fixed = [metric.id] if metric.compares is Compares.BASELINE else []
    whole = bool(turns) and _told_whole(found, today)
    by_then = LastYear(turns, same_day_last_year(today)) if turns and not whole else None
    befores, told = befores_beside(fixed, by_then, places, tree, beside, lines=lines)
    if whole:
        then = former.of_turn(turns[other])
        return {id: approved_then(then.get((other, id))) for id in ids}, told
    return {id: befores.get((other, id)) for id in ids}, told


def _branch(
    place: Place, kind: str, metric: MetricFact, rolled: RollUp, splits: dict[int, Split], head: Head
) -> Branch:
    found = rolled.get((metric.id, place.id))
    if found is None:  # no line of the reader's is asked here
        raise NotFound(say("There is no such metric, or it is not yours to see."))
    split = splits.get(place.id, Split())
    whole = head.tree.holds((place.lft, place.rgt), head.lft)
    return Branch(place, kind, stand_of(found, whole=whole, given=split.below), split)


def _credited(row: Branch) -> bool:
    """Whether anything done there together with another line counts, although nobody there is asked any more."""
    return row.stand.rolled.alone and any(sums.credited for sums in row.stand.rolled.standings.values())


def _own(total: Branch, rows: Sequence[Branch]) -> Branch | None:
    """What the units of the shown area did themselves: the whole without the rows, so that all adds up."""
    standings: dict[Standing, Sums] = {}
    for standing, sums in total.stand.rolled.standings.items():
        left = sums
        for row in rows:
            minus = row.stand.rolled.sums(standing)
            left = Sums(*(getattr(left, name) - getattr(minus, name) for name in Sums.__dataclass_fields__))
        if left.n:
            standings[standing] = left
    if not standings:
        return None
    rest = replace(total.stand.rolled, standings=standings, own_target=None)
    stand = stand_of(RolledUp(rest.metric, rest.area_id, standings, None, rest.alone))
    if rest.metric.aggregation is Aggregation.SUM:  # its share of the target is what was held back
        stand = replace(stand, target=None, by_now=None, left=None, share=None, reached=None)
    return Branch(total.place, "own", stand)


def _beside(
    head: Head,
    metric: MetricFact,
    above: Sequence[Place],
    below: Sequence[Place],
    lines: Sequence[Line] | None,
    turn: int | None,
) -> list[Select[Any]]:
    """Per area what its own unit gave and holds back, and what units inside it were given from above; and what
    re-checks found in the shown area: as rows that `_splits` reads."""
    inside = head.tree.stretches((above[-1].lft, above[-1].rgt))
    parts = [found_inside(metric.task_id, inside, lines, what=CHECKED)]
    summed = metric.aggregation is Aggregation.SUM and metric.comparator is not Comparator.NONE
    if summed and metric.quota is Quota.TOTAL:
        parts += _parts(metric, head, [above[-1], *below], [place.id for place in above], lines)
    if metric.quota is Quota.PER_PERSON:
        places = stretches_of([above[-1], *below], head.tree)
        parts.append(quotas_in(metric.id, metric.task_id, turn, places, lines, what=BELOW))
    return parts


def _splits(told: Sequence[Told]) -> tuple[dict[int, Split], Confidence]:
    found: dict[int, Split] = {}
    results: dict[RecheckResult, int] = {}
    for row in told:
        value = Decimal(0) if row.value is None else row.value
        if row.what == CHECKED:
            results[RecheckResult(row.key)] = int(value)
            continue
        split = found.get(row.key, Split())
        if row.what == 0:
            found[row.key] = replace(split, given=(split.given or Decimal(0)) + value)
        elif row.what == 1:
            found[row.key] = replace(split, reserve=split.reserve + value)
        else:
            found[row.key] = replace(split, below=(split.below or Decimal(0)) + value)
    return found, confidence_of(results)


def _parts(
    metric: MetricFact, head: Head, places: Sequence[Place], ways: Sequence[int], lines: Sequence[Line] | None
) -> list[Select[Any]]:
    """Rows (what, area_id as `key`, value): 0 what its unit gave (and decisions granted since), 1 what it
    holds back, 2 what was given inside."""
    ids, stretches = [place.id for place in places], stretches_of(places, head.tree)
    giver = (
        select(
            Allocation.id,
            func.coalesce(Unit.area_id, literal(head.area_id)).label("area_id"),
            Allocation.parent_id,
            granted_since(metric.id).label("granted"),
        )
        .outerjoin(Assignment, Assignment.id == Allocation.parent_id)
        .outerjoin(Unit, Unit.id == Assignment.unit_id)
        .where(Allocation.task_id == metric.task_id, in_force())
    )
    if lines is not None:
        giver = giver.where((Unit.line.in_(lines)) | (Allocation.parent_id.is_(None)))
    gave = giver.subquery()
    # What is asked of nobody any more is a gap again; of a split that is in force nothing given is 0, not unknown.
    gone = handed_back(gave.c.parent_id, metric.task_id)
    asked = case((gone, literal(0, BigInteger)), else_=type_coerce(Share.value, BigInteger))
    given = select(literal(0).label("what"), gave.c.area_id.label("key"), _total(asked))
    given = given.join(Share, and_(Share.allocation_id == gave.c.id, Share.metric_id == metric.id))
    held = select(literal(1), gave.c.area_id, _total(AllocationTotal.reserve))
    mine = and_(AllocationTotal.allocation_id == gave.c.id, AllocationTotal.metric_id == metric.id)
    held = held.join(AllocationTotal, mine)
    from_above = giver.where((Unit.area_id.in_(ways)) | (Allocation.parent_id.is_(None))).subquery()
    got = (
        select(literal(2), stretches.c.id, _total(Share.value))
        .select_from(from_above)
        .join(Share, and_(Share.allocation_id == from_above.c.id, Share.metric_id == metric.id))
        .join(Unit, Unit.id == Share.unit_id)
        .join(stretches, Unit.lft.between(stretches.c.lft, stretches.c.rgt))
        .where(from_above.c.area_id != stretches.c.id)  # what was handed on inside counts once
        .where(~handed_back(from_above.c.parent_id, metric.task_id))
        .group_by(stretches.c.id)
    )
    if lines is not None:
        got = got.where(Unit.line.in_(lines))
    granted = select(literal(0), gave.c.area_id, _total(gave.c.granted)).where(gave.c.granted.is_not(None))
    return [
        given.where(gave.c.area_id.in_(ids)).group_by(gave.c.area_id),
        granted.where(gave.c.area_id.in_(ids)).group_by(gave.c.area_id),
        held.where(gave.c.area_id.in_(ids)).group_by(gave.c.area_id), got,
    ]  # fmt: skip


def _total(column: Any) -> Any:
    return type_coerce(func.sum(type_coerce(column, BigInteger), type_=BigInteger()), Exact()).label("value")
