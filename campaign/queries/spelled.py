"""Names found by how they sound: a clause for any search that takes a name."""

from typing import Any

from sqlalchemy import ColumnElement, false, select

from ..models import Area, Spelling

LEAST = 2  # one letter begins half the names of a county


def sounds_like(name: Any, text: str) -> ColumnElement[bool]:
    """Whether that name (a column of areas or people) has these letters in its pinyin or in its initials; false for a
    text that is not letters alone."""
    letters = "".join(text.lower().split()).replace("'", "")
    if len(letters) < LEAST or not (letters.isascii() and letters.isalpha()):
        return false()
    return name.in_(select(Spelling.name).where(Spelling.sounds.contains(letters)))  # type: ignore[no-any-return]


def unit_sounds_like(area_id: Any, text: str) -> ColumnElement[bool]:
    """Whether the area of a unit (its column `area_id`) sounds so: 'sqz' finds all units of 石桥镇."""
    return area_id.in_(select(Area.id).where(sounds_like(Area.name, text)))  # type: ignore[no-any-return]
