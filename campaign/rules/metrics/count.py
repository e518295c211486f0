"""How many: whole numbers, added up over units."""

from collections.abc import Sequence
from decimal import Decimal

from .base import Aggregation, OverTime, Value
from .numbers import read_number


class Count:
    """A whole number."""

    parts: tuple[str, ...] = ("value",)
    fills = frozenset({"number"})
    aggregations: tuple[Aggregation, ...] = (Aggregation.SUM, Aggregation.LATEST, Aggregation.COVERAGE)
    over_times: tuple[OverTime, ...] = (OverTime.SUM, OverTime.LATEST)
    places: int | None = 0
    typed_places = 0

    def read(self, typed: dict[str, str]) -> Value | None:
        """A whole number."""
        text = typed.get("value", "").strip()
        return Value(number=read_number(text, self.typed_places)) if text else None

    def total(self, values: Sequence[Value]) -> Value | None:
        """The sum."""
        return Value(number=sum((v.number or Decimal(0) for v in values), Decimal(0))) if values else None

    def figure(self, value: Value) -> Decimal | None:
        """The number itself."""
        return value.number
