"""Targets that are said relative to what was: ten per cent more than last year, half as many, 200 more.

`change` is in per cent or in the unit of the metric, money in 元; of a rate in points where it is not in per cent.
"""

from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from ..errors import Problem, say
from .metrics import KINDS, LARGEST, Comparator, MetricKind
from .planned import MetricPlan
from .targets import Compares, Quota, Relative

RAISES = (Relative.RAISE_PERCENT, Relative.RAISE_BY)
IN_PERCENT = (Relative.RAISE_PERCENT, Relative.REDUCE_PERCENT)
NUMBERS = (MetricKind.COUNT, MetricKind.AMOUNT, MetricKind.RATE)
FITTING = {True: (Comparator.AT_LEAST, Comparator.MORE_THAN), False: (Comparator.AT_MOST,)}


def resolve(relative: Relative, change: Decimal, base: Decimal, kind: MetricKind) -> Decimal:
    """The figure that must be reached, where it was `base`: rounded to what the kind can show, never in favour of those
    who must reach it. Below nothing there is none."""
    by = base * change / 100 if relative in IN_PERCENT else change
    up = relative in RAISES
    exact = base + by if up else base - by
    step = Decimal(1).scaleb(-(KINDS[kind].places or 0))
    return max(exact.quantize(step, ROUND_CEILING if up else ROUND_FLOOR), Decimal(0))


def comparator_of(relative: Relative, said: Comparator) -> Comparator:
    """How the figure is compared: as the plan says, else at least where it shall rise, at most where it shall fall."""
    if relative is Relative.NOTHING or said is not Comparator.NONE:
        return said
    return FITTING[relative in RAISES][0]


def target_of(metric: MetricPlan) -> Decimal | None:
    """The target of a plan as far as it is known: given, or from the figure of then."""
    if metric.relative is Relative.NOTHING or metric.change is None or metric.base is None:
        return metric.target
    return resolve(metric.relative, metric.change, metric.base, metric.kind)


def check_relative(at: str, metric: MetricPlan) -> Iterator[Problem]:
    """Everything wrong with what is said relative to what was; paths begin with `at`."""
    if metric.relative is Relative.NOTHING:
        for name, figure in (("change", metric.change), ("base", metric.base)):
            if figure is not None:
                yield Problem(f"{at}{name}", say("Please say whether it shall rise or fall, or leave this empty."))
        return
    if metric.kind not in NUMBERS:
        yield Problem(f"{at}relative", say("Only numbers are compared with what was before."))
        return
    if metric.compares is Compares.NOTHING:
        yield Problem(f"{at}compares", say("Please say what it is relative to: its own baseline, or last year."))
    if metric.target is not None:
        yield Problem(f"{at}target", say("Please give the target as a figure or relative to what was, not both."))
    if metric.quota is not Quota.TOTAL:
        yield Problem(f"{at}quota", say("What is relative to what was is the target of all units together."))
    fitting = FITTING[metric.relative in RAISES]
    if metric.comparator not in (Comparator.NONE, *fitting):
        yield Problem(f"{at}comparator", say("What shall rise must be at least its target, what shall fall at most."))
    yield from _figures(at, metric)


def _figures(at: str, metric: MetricPlan) -> Iterator[Problem]:
    change, base = metric.change, metric.base
    if change is None or change <= 0:
        yield Problem(f"{at}change", say("Please say by how much, as a figure above zero."))
        return
    if metric.relative is Relative.REDUCE_PERCENT and change > 100:
        yield Problem(f"{at}change", say("Nothing comes down by more than 100 per cent."))
    if base is None:
        return
    if not 0 <= base <= LARGEST or (metric.kind is MetricKind.RATE and base > 100):
        yield Problem(f"{at}base", say("The figure of then is out of range."))
        return
    resolved = resolve(metric.relative, change, base, metric.kind)
    if resolved > LARGEST or (metric.kind is MetricKind.RATE and resolved > 100):
        yield Problem(f"{at}change", say("That would be more than there can be."))


def unfounded(metric: MetricPlan) -> bool:
    """Whether nothing is known of then: neither the figure itself nor which metric it was. Holds up the issue."""
    return metric.relative is not Relative.NOTHING and metric.base is None and metric.former is None
