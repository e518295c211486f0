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
from ..rules.milestones import step_for
from .access import page_now
from .board_parts import MOST_LABELS, Picture
from .filters import day as day_words
from .filters import day_number, local, number, percent
from .pictures import Number, Series, lines, split
from .stand_words import bare, full, plain

MOST_DOTS = 40  # more of them would hide the line
ONE_DAY = 86_400.0
AHEAD = 2  # times as long as the record reaches back
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
    over = max(-gap, Decimal(0))
    # What is too much stands at the end of the bar, not inside what was given.
    drawn = [(kind, n - over if kind == "split" else n) for kind, _text, n in parts]
    return Picture(split("alloc", title, told, drawn), (), rows)


def trend_of(shown: MetricPage) -> Picture | None:
    """How the approved figure moved until now, against the milestones and the target."""
    known = _known(shown)
    if not known:
        return None
    metric, stand = shown.metric, shown.total.stand
    first, last = known[0][0], known[-1][0]
    steps, last = _milestones(shown, first, last)
    wide = max((last - first).total_seconds(), 1.0)

    def placed(points: Sequence[At]) -> tuple[tuple[float, Number], ...]:
        return tuple(((at - first).total_seconds() / wide, plain(n, metric, stand.of_units) or 0) for at, n in points)

    series = [Series("approved", placed(known), dots=len(known) <= MOST_DOTS)]
    if stand.target is not None:
        series.insert(0, Series("target", placed([(first, stand.target), (last, stand.target)])))
    if steps:
        series.insert(1, Series("expected", placed(steps)))
    ticks = [first + (last - first) * at / (MOST_LABELS - 1) for at in range(MOST_LABELS)]
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


def _milestones(shown: MetricPage, first: datetime, last: datetime) -> tuple[list[At], datetime]:
    """What had to be reached at any moment, as a stair: each milestone counts until its day has passed, then the next,
    then the target; of a sum in proportion to the target of the shown area. And the moment at which the picture ends:
    the next milestones are looked ahead to, but not so far that what was recorded becomes a dot."""
    stand = shown.total.stand
    metric = stand.rolled.metric
    ends = [(end_of_day(step.due_on, zone()), step.target) for step in metric.milestones]
    shared = metric.aggregation is Aggregation.SUM and stand.target != metric.target
    asked = [(due_at, step_for(stand.target, metric.target, n, shared=shared)) for due_at, n in ends]
    steps = [(due_at, n) for due_at, n in asked if n is not None]
    if stand.of_units or stand.target is None or not steps or steps[-1][0] < first:
        return [], last
    furthest = min(max(last, ends[-1][0]), last + AHEAD * (last - first))
    stair: list[At] = []
    at = first
    for due_at, n in steps:
        if due_at >= first and at < furthest:
            stair += [(at, n), (min(due_at, furthest), n)]
            at = due_at
    if at < furthest:
        stair += [(at, stand.target), (furthest, stand.target)]
    return stair, furthest
