"""The law of splitting: parts that add up exactly, what is over or under, and quotas that grow on the way down."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import IntEnum

from .metrics import Aggregation, Comparator, MetricKind
from .states import State

ZERO = Decimal(0)
WHOLE, FEN, SMALLEST = Decimal(1), Decimal("0.01"), Decimal("0.0001")  # the last is what the database can hold
PLACES = 4
# In these an assignment may be split: somebody works on it, or reports what the own level did while others go on.
SPLITTABLE = (State.ISSUED, State.ACKNOWLEDGED, State.SUBMITTED, State.RETURNED)


class Balance(IntEnum):
    """How the parts stand to the whole. OPEN: there is no whole to compare with."""

    EVEN = 1
    UNDER = 2
    OVER = 3
    OPEN = 4


@dataclass(frozen=True)
class Sum:
    """The parts and the reserve against the whole. `gap`: what is not given out yet, below zero what is too much."""

    total: Decimal | None
    given: Decimal
    reserve: Decimal = ZERO

    @property
    def gap(self) -> Decimal | None:
        """What of the whole is neither given nor held back."""
        return None if self.total is None else self.total - self.given - self.reserve

    @property
    def balance(self) -> Balance:
        """Whether that is nothing, something, or less than nothing."""
        gap = self.gap
        if gap is None:
            return Balance.OPEN
        return Balance.EVEN if gap == 0 else Balance.UNDER if gap > 0 else Balance.OVER

    @property
    def growth(self) -> Decimal | None:
        """By how many percent more was given than the whole (层层加码); None where it was not more."""
        if not self.total or self.given <= self.total:
            return None
        return (self.given - self.total) / self.total * 100


def is_split(aggregation: Aggregation, comparator: Comparator) -> bool:
    """Whether the target of such a metric is split as a figure; all others go down unchanged."""
    return aggregation is Aggregation.SUM and comparator is not Comparator.NONE


def step_of(kind: MetricKind, money_places: int = 0) -> Decimal:
    """The smallest part that is given out: one whole, or of money two places of how it is typed."""
    return FEN.scaleb(money_places) if kind is MetricKind.AMOUNT else WHOLE


def parts_of(total: Decimal, weights: Sequence[Decimal], step: Decimal = WHOLE) -> list[Decimal]:
    """The total in parts by these weights (zero or more), by largest remainder: they add up to it exactly.

    Every part is a multiple of `step`, and less than a step away from its exact share. Where the total itself is none,
    the step is refined. Equal remainders go to the larger weight, then to whoever comes first. ValueError where there
    is nothing to go by: no weights, none above zero, or a total below zero.
    """
    whole = sum(weights, ZERO)
    if total < 0 or whole <= 0 or min(weights) < 0:
        raise ValueError("nothing to split by")
    while total % step:
        step /= 10
    steps = int(total / step)
    scale = Decimal(1).scaleb(PLACES)
    shares = [int(weight * scale) for weight in weights]
    all_shares = sum(shares)
    if not all_shares:
        raise ValueError("nothing to split by")
    given = [steps * share // all_shares for share in shares]
    order = sorted(range(len(shares)), key=lambda at: (-(steps * shares[at] % all_shares), -shares[at], at))
    for at in order[: steps - sum(given)]:
        given[at] += 1
    return [count * step for count in given]


def quota_of(per_head: Decimal, heads: Decimal, kind: MetricKind) -> Decimal:
    """The target that follows from a quota for so many: of things the next whole one, of money rounded up to the fen.

    `models/quotas.py` says the same in SQL; a test holds the two together.
    """
    exact = (per_head * heads.to_integral_value(ROUND_FLOOR)).quantize(SMALLEST)
    step = FEN if kind is MetricKind.AMOUNT else WHOLE
    return (exact / step).to_integral_value(ROUND_CEILING) * step
