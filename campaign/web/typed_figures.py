"""A target as it is typed and shown in a field: in the unit in which the plan speaks of it, 万元 rather than 元."""

from decimal import Decimal

from ..rules.metrics import MONEY_UNITS, MetricKind, money_in, read_money, read_number
from .filters import chinese

ENGLISH_UNITS = {0: "yuan", 4: "10,000 yuan", 8: "100 million yuan"}
DECIMALS = 4


def read_figure(text: str, kind: MetricKind, money_places: int, decimals: int = DECIMALS) -> Decimal:
    """The figure in the metric's own unit, money in 元. Raises BadValue."""
    return read_money(text, money_places) if kind is MetricKind.AMOUNT else read_number(text, decimals)


def typed_figure(value: Decimal | None, kind: MetricKind, money_places: int) -> str:
    """The figure as one would type it; empty for none."""
    if value is None:
        return ""
    moved = money_in(value, money_places) if kind is MetricKind.AMOUNT else value
    text = format(moved, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def unit_beside(kind: MetricKind, unit_of_measure: str, money_places: int) -> str:
    """What the figure in the field is counted in."""
    if kind is MetricKind.AMOUNT:
        return (MONEY_UNITS if chinese() else ENGLISH_UNITS)[money_places]
    return "%" if kind is MetricKind.RATE else unit_of_measure
