"""A task that more units receive than one page splits: area by area, with what each has of the total so far."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from ..clock import local_today
from ..db import Exact, db
from ..models import Area, Unit
from ..models.splits import Whole, held_elsewhere
from .cascade import receivers_of


@dataclass(frozen=True)
class Place:
    """An area within the issuer's. `way`: the areas above it, up to the issuer's own."""

    id: int
    name: str
    lft: int
    rgt: int
    way: tuple[tuple[int, str], ...] = ()


@dataclass
class Part:
    """An area directly below: how many units there receive the task, and what they hold of each figure together."""

    id: int
    name: str
    units: int
    held: dict[int, Decimal] = field(default_factory=dict)


def place_of(whole: Whole, area_id: int | None) -> Place | None:
    """The area with that id, None for the issuer's own; None where it does not lie within that. One statement."""
    upper = aliased(Area)
    here = Area.lft == whole.lft if area_id is None else Area.id == area_id
    rows = db.session.execute(
        select(Area.id, Area.name, Area.lft, Area.rgt, upper.id.label("upper_id"), upper.name.label("upper_name"))
        .join(upper, (upper.lft <= Area.lft) & (upper.rgt >= Area.rgt))
        .where(here, Area.lft >= whole.lft, Area.rgt <= whole.rgt, upper.lft >= whole.lft, upper.rgt <= whole.rgt)
        .order_by(upper.lft)
    ).all()
    if not rows:
        return None
    first, way = rows[0], tuple((row.upper_id, row.upper_name) for row in rows)
    return Place(first.id, first.name, first.lft, first.rgt, way[:-1])


def parts_below(whole: Whole, place: Place, *, now: datetime) -> tuple[Part, ...]:
    """The areas directly below a place in which units receive the task. Two statements, whatever their number."""
    within = (Unit.lft >= Area.lft) & (Unit.lft <= Area.rgt)
    receives = receivers_of(whole, local_today(now))
    rows = db.session.execute(
        select(Area.id, Area.name, func.count(Unit.id))
        .join(Unit, within)
        .where(Area.parent_id == place.id, receives)
        .group_by(Area.id, Area.name, Area.lft)
        .order_by(Area.lft)
    )
    found = {row[0]: Part(row[0], row[1], row[2]) for row in rows}
    held = held_elsewhere(whole).subquery()
    sums = (
        select(Area.id, held.c.metric_id, func.sum(held.c.value, type_=Exact()).label("value"))
        .join(Unit, within)
        .join(held, held.c.unit_id == Unit.id)
        .where(Area.parent_id == place.id)
        .group_by(Area.id, held.c.metric_id)
    )
    for row in db.session.execute(sums):
        if row.id in found:
            found[row.id].held[row.metric_id] = row.value
    return tuple(found.values())


def held_outside(whole: Whole, place: Place) -> dict[int, Decimal]:
    """What the units outside a place hold of each figure together. One statement."""
    held: Any = held_elsewhere(whole, place.lft, place.rgt).subquery()
    sums = select(held.c.metric_id, func.sum(held.c.value, type_=Exact()).label("value")).group_by(held.c.metric_id)
    return {row.metric_id: row.value for row in db.session.execute(sums)}


def everyone(whole: Whole, today: date) -> list[int]:
    """The ids of all units that receive the task, as the tree has them."""
    ids = select(Unit.id).where(receivers_of(whole, today)).order_by(Unit.lft, Unit.line)
    return list(db.session.execute(ids).scalars())
