"""A figure with its unit behind it, as spreadsheets and plans have it: 3万元, 1.2万, 12个, ￥300."""

import re
import unicodedata
from decimal import Decimal

from ...errors import say
from .amount import read_money
from .base import BadValue, MetricKind
from .numbers import LARGEST, read_number

SCALES = {"": 0, "万": 4, "亿": 8}
WRITTEN = re.compile(r"(¥?)\s*([-+−]?\d[\d,. ]*)([万亿]?)(\D*)")


def read_worded(text: str, kind: MetricKind, *, unit: str = "", money_places: int = 0, decimals: int = 0) -> Decimal:
    """The number in the metric's own unit, money in 元. A bare figure is meant in `unit`, money in 元, 万元 or 亿元 as
    `money_places` says; a figure that names its unit is what it says. Raises BadValue for any other word."""
    found = WRITTEN.fullmatch(unicodedata.normalize("NFKC", text).strip())
    sign, figure, scale, word = (part.strip() for part in found.groups()) if found else ("", "", "", "")
    if kind is MetricKind.AMOUNT:
        if (sign or scale or word) and word in ("", "元"):
            return read_money(figure, SCALES[scale] if scale or word else money_places)
        return read_money(text, money_places)
    if sign or not (scale or word):
        return read_number(text, decimals)
    if unit.startswith(scale + word):
        return read_number(figure, decimals)
    if not unit.startswith(word):
        return read_number(text, decimals)  # it says what is wrong
    number = read_number(figure, decimals + SCALES[scale]).scaleb(SCALES[scale])
    if number > LARGEST:
        raise BadValue(say("The number is too large. Is the unit of measure right?"))
    return number
