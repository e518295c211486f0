"""A task that more units receive than one page splits: area by area, with what each has of the total so far."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, func, select

from ..db import Exact, db
from ..models import Area, Unit
from ..models.gathering import gathered
from ..models.splits import Whole, held_elsewhere
from .cascade import Splitting, receivers_of
from .cascade_places import Place


@dataclass
class Part:
    """An area directly below: how many units there receive the task, and what they hold of each figure together."""

    id: int
    name: str
    units: int
    held: dict[int, Decimal] = field(default_factory=dict)


def parts_below(page: Splitting, place: Place) -> tuple[tuple[Part, ...], dict[int, Decimal]]:
    """The areas directly below a place in which units receive the task; and what the units outside it hold of each
    figure together, where the page was narrowed to it. One statement, whatever their number."""
    within = (Unit.lft >= Area.lft) & (Unit.lft <= Area.rgt)
    # Area by area: in a join SQLite would go from each unit of the country to the areas that begin before it.
    units = select(func.count(Unit.id)).where(within, page.receives).correlate(Area).scalar_subquery()
    counted = select(Area.id, Area.name, units).where(Area.parent_id == place.id).order_by(Area.lft)
    held = held_elsewhere(page.whole).subquery()
    sums = (
        select(Area.id, held.c.metric_id, func.sum(held.c.value, type_=Exact()).label("value"))
        .join(Unit, within)
        .join(held, held.c.unit_id == Unit.id)
        .where(Area.parent_id == place.id)
        .group_by(Area.id, held.c.metric_id)
    )
    asked = [counted, sums] if page.place is None else [counted, sums, _outside(page.whole, place)]
    areas, figures, *outside = gathered(*asked)
    found = {row[0]: Part(row[0], row[1], row[2]) for row in areas if row[2]}
    for row in figures:
        if row.id in found:
            found[row.id].held[row.metric_id] = row.value
    return tuple(found.values()), {row.metric_id: row.value for row in outside[0]} if outside else {}


def held_outside(whole: Whole, place: Place) -> dict[int, Decimal]:
    """What the units outside a place hold of each figure together. One statement."""
    return {row.metric_id: row.value for row in db.session.execute(_outside(whole, place))}


def _outside(whole: Whole, place: Place) -> Select[Any]:
    held: Any = held_elsewhere(whole, place.lft, place.rgt).subquery()
    return select(held.c.metric_id, func.sum(held.c.value, type_=Exact()).label("value")).group_by(held.c.metric_id)


def everyone(whole: Whole, today: date) -> list[int]:
    """The ids of all units that receive the task, as the tree has them."""
    ids = select(Unit.id).where(receivers_of(whole, today)).order_by(Unit.lft, Unit.line)
    return list(db.session.execute(ids).scalars())
