"""A figure against what it was before: its baseline, or the same period last year."""

from dataclasses import dataclass
from decimal import Decimal

from .metrics import KINDS, Comparator, MetricKind, Value, meets


@dataclass(frozen=True)
class Change:
    """`by`: how much more it is, in its unit; of a rate in percentage points. `met`: whether it is as the plan wants it
    against what was before; None where the metric has a target of its own, or no comparison."""

    by: Decimal
    met: bool | None


def change(
    kind: MetricKind, now: Value | None, then: Value | None, comparator: Comparator, target: Decimal | None
) -> Change | None:
    """The change from then to now; None where one of both is missing or has no figure."""
    law = KINDS[kind]
    figure = None if now is None else law.figure(now)
    former = None if then is None else law.figure(then)
    if figure is None or former is None:
        return None
    return Change(figure - former, meets(figure, comparator, former) if target is None else None)
