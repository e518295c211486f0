"""A few words."""

from collections.abc import Sequence
from decimal import Decimal

from ...errors import say
from .base import Aggregation, BadValue, OverTime, Value

MOST_CHARACTERS = 2000


class Text:
    """Words; not added up, not compared."""

    parts: tuple[str, ...] = ("value",)
    fills = frozenset({"text"})
    aggregations: tuple[Aggregation, ...] = (Aggregation.LATEST, Aggregation.COVERAGE)
    over_times: tuple[OverTime, ...] = (OverTime.LATEST,)
    places: int | None = None

    def read(self, typed: dict[str, str]) -> Value | None:
        """Up to 2,000 characters."""
        text = typed.get("value", "").strip()
        if len(text) > MOST_CHARACTERS:
            raise BadValue(say("At most 2,000 characters."))
        return Value(text=text) if text else None

    def total(self, values: Sequence[Value]) -> Value | None:
        """Words have no sum."""
        return None

    def figure(self, value: Value) -> Decimal | None:
        """Words have no figure."""
        return None
