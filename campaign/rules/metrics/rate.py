"""A share: both parts are reported, never the percentage alone."""

from collections.abc import Sequence
from decimal import Decimal

from ...errors import say
from .base import Aggregation, BadValue, OverTime, Value
from .numbers import read_number


class Rate:
    """A part of a whole."""

    parts: tuple[str, ...] = ("numerator", "denominator")
    fills = frozenset({"numerator", "denominator"})
    aggregations: tuple[Aggregation, ...] = (Aggregation.RATIO, Aggregation.COVERAGE)
    over_times: tuple[OverTime, ...] = (OverTime.LATEST,)
    places: int | None = 2

    def read(self, typed: dict[str, str]) -> Value | None:
        """Two whole numbers, the second above zero. A part above its whole is read: `rules/plausible.py` asks why."""
        texts = [typed.get(part, "").strip() for part in self.parts]
        if not any(texts):
            return None
        if not all(texts):
            raise BadValue(say("Please fill in both parts of the rate."))
        numerator, denominator = (read_number(text) for text in texts)
        if denominator == 0:
            raise BadValue(say("The whole cannot be zero. If there is nothing to count, say so in words."))
        return Value(numerator=numerator, denominator=denominator)

    def total(self, values: Sequence[Value]) -> Value | None:
        """Sum over sum; averages are never averaged."""
        if not values:
            return None
        return Value(
            numerator=sum((v.numerator or Decimal(0) for v in values), Decimal(0)),
            denominator=sum((v.denominator or Decimal(0) for v in values), Decimal(0)),
        )

    def figure(self, value: Value) -> Decimal | None:
        """The rate in percent."""
        if not value.denominator or value.numerator is None:
            return None
        return value.numerator / value.denominator * 100
