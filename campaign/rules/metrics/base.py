"""What every kind of metric has in common: its enums, a reported value, and the contract that each kind keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from typing import Protocol

from ...errors import Sentence


class MetricKind(IntEnum):
    """What is measured."""

    COUNT = 1
    AMOUNT = 2
    RATE = 3
    BOOLEAN = 4
    TEXT = 5
    CHECKLIST = 6


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
    COVERAGE = 5


class OverTime(IntEnum):
    """How values of one unit become its value over time."""

    SUM = 1
    LATEST = 2


@dataclass(frozen=True)
class Value:
    """A reported figure: `number` for count, amount, boolean and checklist (1 or 0), both parts for a rate, `text` for
    text; of a checklist `text` names the positions ticked, as '1,3,4'."""

    number: Decimal | None = None
    numerator: Decimal | None = None
    denominator: Decimal | None = None
    text: str | None = None


class BadValue(ValueError):
    """What was typed is not a value of this kind; `sentence` says what is."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


class Kind(Protocol):
    """What every kind of metric can do.

    `parts`: the typed fields, ('value',) or ('numerator', 'denominator'). `fills`: the parts of a value that it has.
    `aggregations`, `over_times`: what may be said of it, first what is meant when nothing is said.
    `places`: decimal places of its target; None where it has none.
    """

    parts: tuple[str, ...]
    fills: frozenset[str]
    aggregations: tuple[Aggregation, ...]
    over_times: tuple[OverTime, ...]
    places: int | None

    def read(self, typed: dict[str, str]) -> Value | None:
        """The value that was typed; None when nothing was. Raises BadValue."""

    def total(self, values: Sequence[Value]) -> Value | None:
        """The value of all units together; the order does not matter."""

    def figure(self, value: Value) -> Decimal | None:
        """The number that is compared with the target; None where it cannot be."""
