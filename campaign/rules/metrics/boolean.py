"""Done or not done."""

from collections.abc import Sequence
from decimal import Decimal

from ...errors import say
from .base import Aggregation, BadValue, OverTime, Value


class Boolean:
    """Yes or no, kept as 1 or 0."""

    parts: tuple[str, ...] = ("value",)
    fills = frozenset({"number"})
    aggregations: tuple[Aggregation, ...] = (Aggregation.ALL, Aggregation.COVERAGE)
    over_times: tuple[OverTime, ...] = (OverTime.LATEST,)
    places: int | None = 0

    def read(self, typed: dict[str, str]) -> Value | None:
        """'1' for yes, '0' for no."""
        text = typed.get("value", "").strip()
        if text not in ("", "0", "1"):
            raise BadValue(say("Please choose yes or no."))
        return Value(number=Decimal(text)) if text else None

    def total(self, values: Sequence[Value]) -> Value | None:
        """Yes only when all say yes."""
        return Value(number=Decimal(int(all(v.number == 1 for v in values)))) if values else None

    def figure(self, value: Value) -> Decimal | None:
        """1 or 0."""
        return value.number
