"""Areas that move below another parent, end, or are followed by another: what an import does with them.

Where an area stood stays in `placement`: campaigns issued before are added up along the tree of their day.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, MetaData, SmallInteger, String, Table, bindparam, or_, update

from ..db import db, micros
from ..errors import say
from ..models import Area, Placement, Unit
from .area_rows import Node
from .bulk import insert_rows
from .importing import Problems

AREAS: Table = Area.__table__  # type: ignore[assignment]
UNITS: Table = Unit.__table__  # type: ignore[assignment]
PLACEMENTS: Table = Placement.__table__  # type: ignore[assignment]
UNSEEN = {"synchronize_session": False}

_scratch = MetaData()
MOVED_AREA = Table(
    "moved_area", _scratch,
    Column("id", BigInteger, primary_key=True),
    Column("parent_id", BigInteger), Column("path", String), Column("depth", SmallInteger),
    prefixes=["TEMPORARY"],
)  # fmt: skip


def move_and_follow(known: dict[str, Node], fresh: dict[str, Node], problems: Problems) -> None:
    """Gives the areas that the file moves their new parents, and those that end their successors; what cannot be is
    added to the problems."""
    for node in known.values():
        if node.parent_code:
            parent = known.get(node.parent_code) or fresh.get(node.parent_code)
            if parent is None:
                problems.add(node.line, say("The parent %(code)s is neither in the file nor in the system.",
                                            code=node.parent_code))  # fmt: skip
            elif parent.level >= node.level or node.parent is None:
                problems.add(node.line, say("%(code)s cannot stand below %(parent)s, which is not of a higher level.",
                                            code=node.code, parent=f"{parent.code} {parent.name}"))  # fmt: skip
            else:
                node.old_parent, node.parent = node.parent, parent
    for node in (*known.values(), *fresh.values()):
        if node.successor_code:
            node.successor = known.get(node.successor_code) or fresh.get(node.successor_code)
            if node.successor is None or node.successor is node:
                problems.add(node.line, say("The successor %(code)s is neither in the file nor in the system.",
                                            code=node.successor_code))  # fmt: skip


def write_moves(order: list[Node], *, now: datetime) -> None:
    """Writes the new places of what moved, keeps the former ones, and ends the units of areas that end. After the
    areas of the file have their ids and intervals."""
    moved = [node for node in order if node.old_parent is not None]
    if moved:
        rows = ((node.id, micros(now), node.old_parent.id) for node in moved if node.old_parent is not None)
        insert_rows(PLACEMENTS, ("area_id", "until", "parent_id"), rows)
        MOVED_AREA.create(db.session.connection())
        insert_rows(MOVED_AREA, ("id", "parent_id", "path", "depth"), _subtrees(order))
        taken = {name: MOVED_AREA.c[name] for name in ("parent_id", "path", "depth")}
        placing = update(AREAS).where(AREAS.c.id == MOVED_AREA.c.id).values(taken)
        db.session.execute(placing, execution_options=UNSEEN)
        MOVED_AREA.drop(db.session.connection())
    followed = [{"ended": node.id, "by": node.successor.id} for node in order if node.successor is not None]
    if followed:
        naming = update(AREAS).where(AREAS.c.id == bindparam("ended")).values(successor_id=bindparam("by"))
        db.session.connection().execute(naming, followed)
    if any(node.changed and node.valid_to is not None for node in order):
        late = or_(UNITS.c.valid_to.is_(None), UNITS.c.valid_to > AREAS.c.valid_to)
        ending = update(UNITS).where(UNITS.c.area_id == AREAS.c.id, AREAS.c.valid_to.is_not(None), late)
        db.session.execute(ending.values(valid_to=AREAS.c.valid_to), execution_options=UNSEEN)


def _subtrees(order: list[Node]) -> Iterator[tuple[Any, ...]]:
    """All areas that moved, and all below them, with their new parents and paths."""
    paths = ["/"]
    end = 0  # the last place of the subtree that moves
    for node in order:
        del paths[node.depth + 1 :]
        paths.append(f"{paths[-1]}{node.id}/")
        if node.old_parent is not None:
            end = max(end, node.rgt)
        if node.lft <= end and node.parent is not None:
            yield node.id, node.parent.id, paths[-1], node.depth
