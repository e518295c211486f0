"""Beside a rolled-up figure: the baseline of the same area, or what was approved of another metric or turn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import BigInteger, func, select, true, type_coerce

from ..db import db
from ..models import Area, Baseline, Unit
from ..models.past import A_YEAR, ABOUT
from ..rules.former_tree import FormerTree
from ..rules.metrics import KINDS, Aggregation, Comparator, Value, meets
from ..rules.organisation import Line
from .board_figures import Place, stretches_of
from .rollup_facts import RolledUp, exact

DOWNWARDS = (Comparator.AT_MOST, Comparator.EQUAL)  # what shall come down: equal is mostly to nothing


@dataclass(frozen=True)
class Before:
    """The baselines of an area added up; rates as sum over sum. `units`: how many units have one."""

    value: Value
    units: int


def baselines_in(
    metric_ids: Sequence[int], places: Sequence[Place], tree: FormerTree, *, lines: Sequence[Line] | None = None
) -> dict[tuple[int, int], Before]:
    """(metric, area) -> the baselines of the units below it on the day of the campaign (`tree`: what moved since), also
    of areas that ended there and named one below it as their successor. Only where there is any. One statement, over
    all baselines of these metrics."""
    if not metric_ids or not places:
        return {}
    home, follower = Area.__table__.alias("home"), Area.__table__.alias("follower")
    top = stretches_of(places, tree)
    place = func.coalesce(follower.c.lft, home.c.lft)  # who was merged counts where its successor stands
    sums = [func.sum(type_coerce(column, BigInteger)) for column in (
        Baseline.number, Baseline.numerator, Baseline.denominator,
    )]  # fmt: skip
    rows = db.session.execute(
        select(Baseline.metric_id, top.c.id, func.count(), *sums)
        .join(Unit, Unit.id == Baseline.unit_id)
        .join(home, home.c.id == Unit.area_id)
        .outerjoin(follower, follower.c.id == home.c.successor_id)
        .join(top, place.between(top.c.lft, top.c.rgt))
        .where(Baseline.metric_id.in_(metric_ids), true() if lines is None else Unit.line.in_(lines))
        .group_by(Baseline.metric_id, top.c.id)
    )
    found: dict[tuple[int, int], Before] = {}
    for metric, area, units, *sums_there in rows:
        number, numerator, denominator = (None if part is None else exact(int(part)) for part in sums_there)
        found[metric, area] = Before(Value(number, numerator, denominator), int(units))
    return found


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
    of how many `asked` now."""

    before: Decimal
    change: Decimal | None
    percent: Decimal | None
    held: bool | None
    units: int
    asked: int

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
        return AgainstBefore(stood, None, None, None, before.units, rolled.asked)
    change = figure - stood
    rated = rolled.metric.aggregation is Aggregation.RATIO
    percent = None if rated or not stood else change * 100 / stood
    better = Comparator.AT_MOST if rolled.metric.comparator in DOWNWARDS else Comparator.AT_LEAST
    return AgainstBefore(stood, change, percent, bool(meets(figure, better, stood)), before.units, rolled.asked)
