"""How far a figure is from its target, and units side by side where a campaign allows that they are compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from .metrics import Comparator, MetricKind

# Below this part of approved units a figure speaks of too few to be set beside others.
LEAST_COVERED = Decimal("0.8")
OUTCOMES = (MetricKind.COUNT, MetricKind.AMOUNT, MetricKind.RATE)
UPWARDS = (Comparator.AT_LEAST, Comparator.MORE_THAN)
DOWNWARDS = (Comparator.AT_MOST,)


def left_to(figure: Decimal | None, comparator: Comparator, target: Decimal | None) -> Decimal | None:
    """How much is missing to the target, or is too much for a target from above; zero when it is reached."""
    if figure is None or target is None or comparator is Comparator.NONE:
        return None
    if comparator in DOWNWARDS:
        return max(figure - target, Decimal(0))
    return abs(target - figure) if comparator is Comparator.EQUAL else max(target - figure, Decimal(0))


def share_of(figure: Decimal | None, target: Decimal | None) -> Decimal | None:
    """The figure in percent of its target; None without either, or for a target of nothing."""
    return None if figure is None or not target else figure / target * 100


def comparable(kind: MetricKind, comparator: Comparator, required: bool) -> bool:
    """Whether units may be compared by such a metric: an outcome with a direction that everybody must report. How
    often somebody was busy, words, and what is only there or not there set nobody beside others."""
    return required and kind in OUTCOMES and comparator in (*UPWARDS, *DOWNWARDS)


@dataclass(frozen=True)
class Entry:
    """One unit in a comparison: its figure on the scale on which all are compared, None where it has none, and the part
    of its units that is approved, 0 to 1."""

    key: int
    scale: Decimal | None
    coverage: Decimal


@dataclass(frozen=True)
class Order:
    """`placed`: (place, key), ties with the same place and the place after them left free; `apart`: keys of those that
    are listed without a place, in the order in which they came."""

    placed: tuple[tuple[int, int], ...]
    apart: tuple[int, ...]


def compared(entries: Sequence[Entry], *, downwards: bool = False, least: Decimal = LEAST_COVERED) -> Order:
    """Side by side: the best first; who is covered too thinly or has no figure has no place."""
    ranked = [entry for entry in entries if entry.scale is not None and entry.coverage >= least]
    order = sorted(ranked, key=lambda entry: _scale(entry) if downwards else -_scale(entry))
    placed: list[tuple[int, int]] = []
    for at, entry in enumerate(order, 1):
        same = at > 1 and _scale(entry) == _scale(order[at - 2])
        placed.append((placed[-1][0] if same else at, entry.key))
    kept = {key for _place, key in placed}
    return Order(tuple(placed), tuple(entry.key for entry in entries if entry.key not in kept))


def _scale(entry: Entry) -> Decimal:
    return Decimal(0) if entry.scale is None else entry.scale
