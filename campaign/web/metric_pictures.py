"""The pictures of a metric's page: how its target was split, and how the approved figure moved."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from flask_babel import gettext as _

from ..clock import zone
from ..queries.metric_page import MetricPage
from ..queries.rollup_facts import RolledUp
from ..queries.stands import stand_of
from ..rules.dates import end_of_day
from ..rules.metrics import Aggregation, MetricKind
from .access import page_now
from .board_parts import MOST_LABELS, Picture
from .filters import day as day_words
from .filters import day_number, local, number, percent
from .pictures import Number, Series, lines, split
from .stand_words import bare, full, plain

MOST_DOTS = 40  # more of them would hide the line
ONE_DAY = 86_400.0
At = tuple[datetime, Decimal]


def split_of(shown: MetricPage) -> Picture | None:
    """How the target of the shown area was split, where it was; rows are (kind, word, number)."""
    total, metric = shown.total, shown.metric
    if total.split.given is None or total.stand.target is None:
        return None
    gap = total.gap or Decimal(0)
    last = ("gap", _("Not given out yet")) if gap >= 0 else ("over", _("Given beyond the target"))
    parts = (
        ("split", _("Given to units below"), total.split.given), ("kept", _("Held back"), total.split.reserve),
        (*last, abs(gap)),
    )  # fmt: skip
    rows = tuple((kind, text, bare(n, metric, False)) for kind, text, n in parts)
    told = _(", ").join(f"{text} {n}" for _kind, text, n in rows)
    title = _("How %(target)s was split", target=full(total.stand.target, metric, False))
    drawn = [(kind, n) for kind, _text, n in parts if kind != "over"]
    return Picture(split("alloc", title, told, drawn), (), rows)


def trend_of(shown: MetricPage) -> Picture | None:
    """How the approved figure moved until now, against the milestones and the target."""
    known = _known(shown)
    if not known:
        return None
    metric, stand = shown.metric, shown.total.stand
    steps = _milestones(shown)
    ends = [at for at, _n in (*known, *steps)]
    first, wide = min(ends), max((max(ends) - min(ends)).total_seconds(), 1.0)

    def placed(points: Sequence[At]) -> tuple[tuple[float, Number], ...]:
        return tuple(((at - first).total_seconds() / wide, plain(n, metric, stand.of_units) or 0) for at, n in points)

    series = [Series("approved", placed(known), dots=len(known) <= MOST_DOTS)]
    if stand.target is not None:
        series.insert(0, Series("target", placed([(first, stand.target), (max(ends), stand.target)])))
    if steps:
        series.insert(1, Series("expected", placed(steps), dots=True))
    ticks = [first + (max(ends) - first) * at / (MOST_LABELS - 1) for at in range(MOST_LABELS)]
    labels = [((tick - first).total_seconds() / wide, day_number(local(tick).date())) for tick in ticks]
    if wide < ONE_DAY * MOST_LABELS:  # the same day several times says nothing
        labels = labels[:: MOST_LABELS - 1] if wide >= ONE_DAY else labels[:1]
    told = _(
        "On %(day)s %(first)s were approved, now %(now)s.", day=day_number(local(known[0][0]).date()),
        first=full(known[0][1], metric, stand.of_units), now=full(known[-1][1], metric, stand.of_units),
    )  # fmt: skip
    rows = tuple((day_words(local(at).date()), bare(n, metric, stand.of_units)) for at, n in reversed(known))
    words = percent if metric.kind is MetricKind.RATE and not stand.of_units else number
    drawn = lines("trend", _("Over time: %(metric)s", metric=metric.name), told, series, labels, words)
    return Picture(drawn, (_("Day"), _("Approved")), rows)


def _known(shown: MetricPage) -> list[At]:
    """The recorded figures, the last of each day, and the present one."""
    now, stand = page_now(), shown.total.stand
    found: dict[object, At] = {}
    for point in shown.points:
        rolled = RolledUp(stand.rolled.metric, stand.rolled.area_id, point.sums, stand.rolled.own_target, False)
        figure = stand_of(rolled).figure
        if figure is not None:
            found[local(point.slot).date()] = (point.slot, figure)
    if found and stand.figure is not None:
        found[local(now).date()] = (now, stand.figure)
    return list(found.values())


def _milestones(shown: MetricPage) -> list[At]:
    """What must be reached by which end of day; of a sum in proportion to the target of the shown area."""
    stand = shown.total.stand
    metric = stand.rolled.metric
    if stand.of_units or not metric.milestones:
        return []
    part = Decimal(1)
    if metric.aggregation is Aggregation.SUM:
        if not stand.target or not metric.target:
            return []
        part = stand.target / metric.target
    return [(end_of_day(step.due_on, zone()), step.target * part) for step in metric.milestones]
