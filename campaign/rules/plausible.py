"""Figures that may be right and should be looked at: each raises a flag that the officer can explain, never a wall."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from .flags import FlagKind, Found
from .metrics import KINDS, Comparator, MetricKind, OverTime, Value

LEAP = 10  # so many times what was reported last
SMALLEST_LEAP = 10  # from 1 to 9 is no leap
LONG_ENOUGH = 3  # so many figures in one direction are a trend
NUMBERS = (MetricKind.COUNT, MetricKind.AMOUNT, MetricKind.RATE)


@dataclass(frozen=True)
class Past:
    """A metric and what its unit reported of it before. `history`: the figures of former reports, oldest first;
    `approved`: the one approved last that still counts (of this period; of an earlier one where the latest figure
    counts); `here`: the last one for this very period; `other_than`: what it is compared with besides, a baseline or
    the same period last year."""

    metric_id: int
    name: str
    kind: MetricKind
    comparator: Comparator = Comparator.NONE
    over_time: OverTime = OverTime.LATEST
    parent_id: int | None = None
    adds_up: bool = False
    history: tuple[Value, ...] = ()
    approved: Value | None = None
    here: Value | None = None
    other_than: Value | None = None


def doubts(metrics: Sequence[Past], values: Mapping[int, Value]) -> list[Found]:
    """What is implausible in these values, by metric id, in the order of the metrics; of one metric at most one finding
    about its past, and one about its parts."""
    found: list[Found] = []
    for metric in metrics:
        value = values.get(metric.metric_id)
        if value is None or metric.kind not in NUMBERS:
            continue
        found += list(_inside(metric, value))
        against_past = next(_against_past(metric, value), None)
        found += [against_past] if against_past else []
        found += list(_parts(metric, value, metrics, values))
    return found


def _inside(metric: Past, value: Value) -> Iterator[Found]:
    if metric.kind is MetricKind.RATE and (value.numerator or 0) > (value.denominator or 0):
        yield _found(FlagKind.PART_ABOVE_WHOLE, metric, value=value.numerator, other=value.denominator)


def _against_past(metric: Past, value: Value) -> Iterator[Found]:
    """The weightiest first."""
    law = KINDS[metric.kind]
    now = law.figure(value)
    if now is None:
        return
    past = [figure for each in metric.history if (figure := law.figure(each)) is not None]
    approved = law.figure(metric.approved) if metric.approved else None
    if approved is not None and now < approved and metric.comparator is not Comparator.AT_MOST:
        yield _found(FlagKind.BELOW_APPROVED, metric, value=now, other=approved)
    last = past[-1] if past else (law.figure(metric.other_than) if metric.other_than else None)
    if metric.kind is not MetricKind.RATE and last and now >= LEAP * last and now - last >= SMALLEST_LEAP:
        yield _found(FlagKind.LEAP, metric, value=now, other=last, times=int(now / last))
    if past and _against_trend(metric, past, now):
        yield _found(FlagKind.AGAINST_TREND, metric, value=now, other=past[-1])


def _against_trend(metric: Past, past: Sequence[Decimal], now: Decimal) -> bool:
    """Worse than the last of the same period, or of all where the latest figure counts, when the plan says which way is
    better; or the other way than all the figures before."""
    if metric.over_time is OverTime.LATEST or metric.here is not None:
        if metric.comparator is Comparator.AT_MOST:
            return now > past[-1]
        if metric.comparator in (Comparator.AT_LEAST, Comparator.MORE_THAN):
            return now < past[-1]
    if len(past) < LONG_ENOUGH:
        return False
    steps = list(itertools.pairwise(past))
    rising, falling = all(a < b for a, b in steps), all(a > b for a, b in steps)
    return (rising and now < past[-1]) or (falling and now > past[-1])


def _parts(whole: Past, value: Value, metrics: Sequence[Past], values: Mapping[int, Value]) -> Iterator[Found]:
    """Each part is at most its whole; where the parts make up the whole, they add up to it once all are there."""
    if value.number is None:
        return
    parts = [metric for metric in metrics if metric.parent_id == whole.metric_id]
    told = [(part, figure) for part in parts if (figure := _number(values.get(part.metric_id))) is not None]
    above = [(part, figure) for part, figure in told if figure > value.number]
    for part, figure in above:
        yield _found(FlagKind.PART_ABOVE_WHOLE, part, value=figure, other=value.number, whole=whole.name)
    total = sum((figure for _part, figure in told), Decimal(0))
    differ = total > value.number or (len(told) == len(parts) and total != value.number)
    if whole.adds_up and parts and not above and differ:
        yield _found(FlagKind.PARTS_DIFFER, whole, value=total, other=value.number)


def _number(value: Value | None) -> Decimal | None:
    return value.number if value else None


def _found(
    kind: FlagKind, metric: Past, *, value: Decimal | None, other: Decimal | None, times: int = 0, whole: str = ""
) -> Found:
    data = {"name": metric.name, "value": _plain(value), "other": _plain(other)}
    data |= ({"times": str(times)} if times else {}) | ({"whole": whole} if whole else {})
    key = f"{kind.name.lower().replace('_', '-')}-{metric.metric_id}"
    return Found(kind, key, metric_id=metric.metric_id, data=data)


def _plain(number: Decimal | None) -> str:
    """To the fen, or to the hundredth of a per cent, without needless zeros."""
    text = f"{(number or Decimal(0)).quantize(Decimal('0.01')):f}"
    return text.rstrip("0").rstrip(".")
