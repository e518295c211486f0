"""An area within the issuer's, to which the page is narrowed that splits a task among very many units."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from ..models import Area
from ..models.splits import Whole


@dataclass(frozen=True)
class Place:
    """An area within the issuer's. `way`: the areas above it, up to the issuer's own."""

    id: int
    name: str
    lft: int
    rgt: int
    way: tuple[tuple[int, str], ...] = ()


def way_to(whole: Whole, area_id: int | None) -> Select[Any]:
    """The area with that id, None for the issuer's own, with those above it; nothing where it does not lie within."""
    upper = aliased(Area)
    here = Area.lft == whole.lft if area_id is None else Area.id == area_id
    return (
        select(Area.id, Area.name, Area.lft, Area.rgt, upper.id.label("upper_id"), upper.name.label("upper_name"))
        .join(upper, (upper.lft <= Area.lft) & (upper.rgt >= Area.rgt))
        .where(here, Area.lft >= whole.lft, Area.rgt <= whole.rgt, upper.lft >= whole.lft, upper.rgt <= whole.rgt)
        .order_by(upper.lft)
    )


def place_in(rows: Sequence[Any]) -> Place | None:
    """The place in the rows of `way_to`."""
    if not rows:
        return None
    first, way = rows[0], tuple((row.upper_id, row.upper_name) for row in rows)
    return Place(first.id, first.name, first.lft, first.rgt, way[:-1])
