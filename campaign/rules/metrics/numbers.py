"""Numbers as people type them."""

import re
from decimal import Decimal, InvalidOperation

from ...errors import say
from .base import BadValue

LARGEST = Decimal("999999999999")  # 12 digits: more than any unit counts or pays, and hundreds of them add up exactly
HALF_WIDTH = str.maketrans("０１２３４５６７８９．，－−＋", "0123456789.,--+")
GROUPED = re.compile(r"[-+]?(\d{1,3}([, ]\d{3})+|\d{1,4}([, ]\d{4})+)(\.\d*)?")  # by thousands, or by 万


def read_number(typed: str, places: int = 0) -> Decimal:
    """The number that was typed, with or without thousands separators, full-width digits included."""
    plain = " ".join(typed.translate(HALF_WIDTH).split())
    if "," in plain or " " in plain:
        if not GROUPED.fullmatch(plain) and any(char.isdigit() for char in plain):
            raise BadValue(say("Please write the number without commas or blanks, as 1234.5."))
        plain = plain.replace(",", "").replace(" ", "")
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
