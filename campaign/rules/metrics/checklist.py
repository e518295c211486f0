"""A list of things that must all be there, as 有挂牌、有版面、有制度、有档案."""

from collections.abc import Sequence
from decimal import Decimal

from ...errors import say
from .base import Aggregation, BadValue, OverTime, Value

MOST_ITEMS = 20
NONE_OF_THEM = "0"


class Checklist:
    """Items by position, 1 to n. Typed are the positions ticked as '1,3' ('0': none of them) and `of`, how many items
    the list has."""

    parts: tuple[str, ...] = ("value",)
    fills = frozenset({"number", "text"})
    aggregations: tuple[Aggregation, ...] = (Aggregation.ALL, Aggregation.COVERAGE)
    over_times: tuple[OverTime, ...] = (OverTime.LATEST,)
    places: int | None = 0

    def read(self, typed: dict[str, str]) -> Value | None:
        """1 when all are ticked, else 0, and the positions that are."""
        names = {name.strip() for name in typed.get("value", "").split(",") if name.strip()}
        if not names:
            return None
        if names == {NONE_OF_THEM}:
            return Value(number=Decimal(0), text="")
        if NONE_OF_THEM in names:
            raise BadValue(say("Please tick either what is there, or that nothing is."))
        many = int(typed["of"]) if _is_position(typed.get("of", "")) else 0
        if not all(_is_position(name) and int(name) <= many for name in names):
            raise BadValue(say("Please tick what is there, from the list."))
        positions = sorted(int(name) for name in names)
        number = Decimal(int(len(positions) == many))
        return Value(number=number, text=",".join(map(str, positions)))

    def total(self, values: Sequence[Value]) -> Value | None:
        """Complete only when all are complete; there is only what all have."""
        if not values:
            return None
        shared = set.intersection(*(ticked(value) for value in values))
        number = Decimal(int(all(v.number == 1 for v in values)))
        return Value(number=number, text=",".join(map(str, sorted(shared))))

    def figure(self, value: Value) -> Decimal | None:
        """1 when everything is there, else 0."""
        return value.number


def _is_position(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 1 <= len(text) <= 2 and 1 <= int(text) <= MOST_ITEMS


def ticked(value: Value) -> set[int]:
    """The positions ticked in a value of a checklist."""
    return {int(name) for name in (value.text or "").split(",") if name}
