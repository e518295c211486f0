"""Kinds of metrics: how a figure is read, checked, added up and shown. One class and one registry line each."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import IntEnum
from typing import Protocol

from ..errors import Sentence, say

LARGEST = Decimal("99999999999999")  # 14 digits: more money than any plan moves, and safe to add up exactly
HALF_WIDTH = str.maketrans("０１２３４５６７８９．，－", "0123456789.,-")


class MetricKind(IntEnum):
    """What is measured."""

    COUNT = 1
    AMOUNT = 2
    RATE = 3
    BOOLEAN = 4
    TEXT = 5


class Comparator(IntEnum):
    """How a value stands to its target."""

    NONE = 0
    AT_LEAST = 1
    AT_MOST = 2
    EQUAL = 3
    MORE_THAN = 4


class Aggregation(IntEnum):
    """How values of units become the value of the unit above."""

    SUM = 1
    RATIO = 2
    ALL = 3
    LATEST = 4


class OverTime(IntEnum):
    """How values of one unit become its value over time."""

    SUM = 1
    LATEST = 2


@dataclass(frozen=True)
class Value:
    """A reported figure: `number` for count, amount and boolean (1 or 0), both parts for a rate, `text` for text."""

    number: Decimal | None = None
    numerator: Decimal | None = None
    denominator: Decimal | None = None
    text: str | None = None


class BadValue(ValueError):
    """What was typed is not a value of this kind; `sentence` says what is."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


def read_number(typed: str, places: int = 0) -> Decimal:
    """The number that was typed, with or without thousands separators, full-width digits included."""
    plain = typed.translate(HALF_WIDTH).replace(",", "").replace(" ", "").strip()
    try:
        number = Decimal(plain)
    except InvalidOperation:
        raise BadValue(say("Please enter a number, for example 12.")) from None
    if not number.is_finite() or any(letter in plain.lower() for letter in "e_"):
        raise BadValue(say("Please enter a number, for example 12."))
    if number < 0:
        raise BadValue(say("The number cannot be below zero."))
    if number > LARGEST:
        raise BadValue(say("The number is too large. Is the unit of measure right?"))
    if number != number.quantize(Decimal(1).scaleb(-places)):
        if places == 0:
            raise BadValue(say("Please enter a whole number."))
        raise BadValue(say("At most %(places)s decimal places.", places=places))
    return number


class Kind(Protocol):
    """What every kind of metric can do. `parts` are the typed fields: ('value',) or ('numerator', 'denominator')."""

    parts: tuple[str, ...]

    def read(self, typed: dict[str, str]) -> Value | None:
        """The value that was typed; None when nothing was. Raises BadValue."""

    def total(self, values: Sequence[Value]) -> Value | None:
        """The value of all units together; the order does not matter."""

    def figure(self, value: Value) -> Decimal | None:
        """The number that is compared with the target; None where it cannot be."""


class Count:
    """How many: whole numbers."""

    parts: tuple[str, ...] = ("value",)
    places = 0

    def read(self, typed: dict[str, str]) -> Value | None:
        """A whole number."""
        text = typed.get("value", "").strip()
        return Value(number=read_number(text, self.places)) if text else None

    def total(self, values: Sequence[Value]) -> Value | None:
        """The sum."""
        return Value(number=sum((v.number or Decimal(0) for v in values), Decimal(0))) if values else None

    def figure(self, value: Value) -> Decimal | None:
        """The number itself."""
        return value.number


class Amount(Count):
    """Money in 元, exact to the fen."""

    places = 2


class Rate:
    """A share: both parts are reported, never the percentage alone."""

    parts: tuple[str, ...] = ("numerator", "denominator")

    def read(self, typed: dict[str, str]) -> Value | None:
        """Two whole numbers; the first at most the second, the second above zero."""
        texts = [typed.get(part, "").strip() for part in self.parts]
        if not any(texts):
            return None
        if not all(texts):
            raise BadValue(say("Please fill in both parts of the rate."))
        numerator, denominator = (read_number(text) for text in texts)
        if denominator == 0:
            raise BadValue(say("The whole cannot be zero. If there is nothing to count, say so in words."))
        if numerator > denominator:
            raise BadValue(say("The part cannot be larger than the whole."))
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


class Boolean:
    """Done or not done."""

    parts: tuple[str, ...] = ("value",)

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


class Text:
    """A few words; not added up."""

    parts: tuple[str, ...] = ("value",)

    def read(self, typed: dict[str, str]) -> Value | None:
        """Up to 2,000 characters."""
        text = typed.get("value", "").strip()
        if len(text) > 2000:
            raise BadValue(say("At most 2,000 characters."))
        return Value(text=text) if text else None

    def total(self, values: Sequence[Value]) -> Value | None:
        """Words have no sum."""
        return None

    def figure(self, value: Value) -> Decimal | None:
        """Words have no figure."""
        return None


KINDS: dict[MetricKind, Kind] = {
    MetricKind.COUNT: Count(),
    MetricKind.AMOUNT: Amount(),
    MetricKind.RATE: Rate(),
    MetricKind.BOOLEAN: Boolean(),
    MetricKind.TEXT: Text(),
}


def meets(figure: Decimal | None, comparator: Comparator, target: Decimal | None) -> bool | None:
    """Whether the figure meets the target; None where there is nothing to compare."""
    if figure is None or target is None or comparator is Comparator.NONE:
        return None
    return {
        Comparator.AT_LEAST: figure >= target,
        Comparator.AT_MOST: figure <= target,
        Comparator.EQUAL: figure == target,
        Comparator.MORE_THAN: figure > target,
    }[comparator]
