"""What is asked of a unit per week: forms, fields and photos, spread over the time that is left for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from .metrics import MetricKind

WEEK = timedelta(days=7)
UNDATED_WEEKS = 4  # what has no due date is taken as a month's work, so that it is not left out
TENTH = Decimal("0.1")
TWO_PARTS = (MetricKind.RATE,)
# What is the same figure wherever it stands under the same name. Yes to “held” and words are about one task alone.
SAME_ANYWHERE = (MetricKind.COUNT, MetricKind.AMOUNT, MetricKind.RATE)


@dataclass(frozen=True)
class Ask:
    """What one open assignment asks: `fields` to be filled in, `photos` to be attached at least. `n`: how many such."""

    due_at: datetime | None
    fields: int
    photos: int
    n: int = 1


@dataclass(frozen=True)
class Burden:
    """`open`: open assignments; the others per week, to one decimal."""

    open: int = 0
    forms: Decimal = Decimal(0)
    fields: Decimal = Decimal(0)
    photos: Decimal = Decimal(0)

    def __add__(self, other: "Burden") -> "Burden":
        return Burden(
            self.open + other.open, self.forms + other.forms, self.fields + other.fields, self.photos + other.photos
        )


def weeks_left(due_at: datetime | None, now: datetime) -> Decimal:
    """Over how many weeks the work is spread: until the due date, one at least. What is late is this week's work."""
    if due_at is None:
        return Decimal(UNDATED_WEEKS)
    return max(Decimal(1), Decimal((due_at - now).total_seconds()) / Decimal(WEEK.total_seconds()))


def burden(asks: Iterable[Ask], now: datetime) -> Burden:
    """All of them together, per week."""
    n, forms, fields, photos = 0, Decimal(0), Decimal(0), Decimal(0)
    for ask in asks:
        each = ask.n / weeks_left(ask.due_at, now)
        n += ask.n
        forms += each
        fields += ask.fields * each
        photos += ask.photos * each
    return Burden(n, *(total.quantize(TENTH, ROUND_HALF_UP) for total in (forms, fields, photos)))


def same_period(today: date, opened_on: date | None) -> date:
    """From which day on a figure reported elsewhere is of the same period: the opening of the recurring task's own
    period, otherwise the first day of the quarter."""
    return opened_on or date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
