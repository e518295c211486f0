"""Units by what somebody typed into a spreadsheet: their names, their areas' names, or these areas' codes."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, String, func, or_, select
from sqlalchemy.orm import aliased

from ..db import db, listed
from ..rules.naming_units import spellings
from .organisation import Area, Unit


def units_called(cells: Iterable[str], within: ColumnElement[bool]) -> dict[str, list[int]]:
    """The units `within` that may be meant by these cells, by all that they may be called: as
    `rules/pasting.read_pasted` wants to know it. A second statement asks for other spellings of what none bears."""
    wanted = {cell for cell in cells if cell}
    found: dict[str, list[int]] = {}
    _look(wanted, within, found)
    _look({each for cell in wanted - found.keys() for each in spellings(cell)} - wanted, within, found)
    return found


def _look(names: set[str], within: ColumnElement[bool], found: dict[str, list[int]]) -> None:
    if not names:
        return
    above, asked = aliased(Area), listed(sorted(names), String)
    rows = db.session.execute(
        select(Unit.id, Unit.name, Area.name.label("area"), Area.code, func.coalesce(above.name, "").label("place"))
        .join(Area, Area.id == Unit.area_id)
        .outerjoin(above, above.id == Area.parent_id)
        .where(within, or_(Unit.name.in_(asked), Area.name.in_(asked), Area.code.in_(asked)))
    )
    for row in rows:
        for name in {row.name, row.area, row.code, row.place + row.name, row.place + row.area}:
            known = found.setdefault(name, [])
            if row.id not in known:
                known.append(row.id)
