"""How a metric stands in one area against what the area must reach, from its rolled-up figures."""

from dataclasses import dataclass
from decimal import Decimal

from ..rules.distances import left_to, share_of
from ..rules.figures import Standing
from ..rules.metrics import Aggregation, Comparator, meets
from ..rules.targets import Quota
from .rollup_facts import RolledUp


@dataclass(frozen=True)
class Stand:
    """`of_units`: the metric has no value of units together, so units that meet are counted against those asked.

    `figure`: approved; `waiting`: what the pending reports would add; `target`: what must be reached in the end, and
    `by_now` by the milestone in force. `left`: the distance to the target; `share`: the figure in percent of it.
    """

    rolled: RolledUp
    of_units: bool
    figure: Decimal | None
    waiting: Decimal
    target: Decimal | None
    by_now: Decimal | None
    left: Decimal | None
    share: Decimal | None
    reached: bool | None


def stand_of(rolled: RolledUp, *, whole: bool = False, given: Decimal | None = None) -> Stand:
    """The stand of one area. `whole`: it holds all of the campaign, so that the target of the plan is meant for it;
    `given`: what was split among the units of the area, where its own unit was given nothing."""
    metric = rolled.metric
    if not metric.adds_up:
        return _of_units(rolled)
    figure, target = rolled.figure(), rolled.target
    if target is None:
        meant = whole and metric.target is not None and metric.quota is not Quota.PER_PERSON
        target = metric.target if meant else given  # so much per person is not what all must reach together
    waiting = rolled.figure(Standing.PENDING) if metric.aggregation is Aggregation.SUM else None
    comparator = metric.comparator
    return Stand(
        rolled, False, figure, waiting or Decimal(0), target, _by_now(rolled, target, whole),
        left_to(figure, comparator, target), share_of(figure, target), meets(figure, comparator, target),
    )  # fmt: skip


def _of_units(rolled: RolledUp) -> Stand:
    measured = rolled.metric.target is not None and rolled.metric.comparator is not Comparator.NONE
    met, asked = Decimal(rolled.units_met), Decimal(rolled.asked)
    if not measured or not asked:
        return Stand(rolled, True, None, Decimal(rolled.pending), None, None, None, None, None)
    left, share = left_to(met, Comparator.AT_LEAST, asked), share_of(met, asked)
    underway = rolled.metric.milestone is not None  # they meet what it asks of them; the end is further on
    reached = met == asked and not underway
    return Stand(rolled, True, met, Decimal(rolled.pending), asked, asked if underway else None, left, share, reached)


def _by_now(rolled: RolledUp, target: Decimal | None, whole: bool) -> Decimal | None:
    """What the milestone in force asks of that area; a sum goes down in proportion. None without a milestone."""
    return None if rolled.metric.milestone is None else rolled.step_of(target, whole=whole)
