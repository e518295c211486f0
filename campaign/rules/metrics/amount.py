"""Money: kept in 元, exact to the fen; typed and shown in 元, 万元 or 亿元."""

from decimal import ROUND_HALF_EVEN, Decimal

from ...errors import say
from .base import BadValue
from .count import Count
from .numbers import LARGEST, read_number

FEN = 2
SHOWN_PLACES, SHOWN_DIGITS = 4, 3  # of 万元 that is 元, of 亿元 it is 万元; of what is less, so many digits
MONEY_UNITS: dict[int, str] = {0: "元", 4: "万元", 8: "亿元"}  # by the decimal places that each moves the point


class Amount(Count):
    """Money in 元."""

    places: int | None = FEN
    typed_places = FEN


def read_money(typed: str, money_places: int) -> Decimal:
    """The 元 that were typed in 元 (0), 万元 (4) or 亿元 (8): exact, at most to the fen. Raises BadValue."""
    number = read_number(typed, FEN + money_places).scaleb(money_places)
    if number > LARGEST:
        raise BadValue(say("The number is too large. Is the unit of measure right?"))
    return number


def money_in(yuan: Decimal, money_places: int) -> Decimal:
    """The same money in 元 (0), 万元 (4) or 亿元 (8): exact, without zeros at the end."""
    moved = yuan.scaleb(-money_places)
    whole = moved.to_integral_value()
    return whole if moved == whole else moved.normalize()


def short_money(yuan: Decimal, money_places: int) -> tuple[Decimal, bool]:
    """The same with no more digits than a column needs, and whether it is still exact: four places, or three digits
    where that would leave fewer."""
    moved = money_in(yuan, money_places)
    places = SHOWN_PLACES
    if moved:
        places = max(places, SHOWN_DIGITS - 1 - moved.adjusted())
    short = moved.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    return (moved, True) if short == moved else (short, False)
