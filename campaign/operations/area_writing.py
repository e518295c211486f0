"""Writing a tree of areas and its units: what is new in bulk, what changed by one update from a scratch table."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Date, Integer, MetaData, Row, SmallInteger, String, Table, select, update

from ..db import db
from ..models import Area, Unit
from ..rules.organisation import LINE_NAMES, Line
from .area_moves import write_moves
from .area_rows import Node
from .bulk import continue_ids, insert_rows, next_id
from .importing import Progress, told

FETCH = 5_000
AREA_COLUMNS = (
    "id", "code", "name", "level", "kind", "parent_id", "path", "depth", "lft", "rgt", "valid_from", "valid_to",
)  # fmt: skip
UNIT_COLUMNS = ("id", "area_id", "line", "level", "lft", "name", "superior_id", "valid_from", "valid_to")
AREAS: Table = Area.__table__  # type: ignore[assignment]
UNITS: Table = Unit.__table__  # type: ignore[assignment]

_scratch = MetaData()
CHANGED_AREA = Table(
    "changed_area", _scratch,
    Column("id", BigInteger, primary_key=True),
    Column("name", String), Column("kind", SmallInteger), Column("lft", Integer), Column("rgt", Integer),
    Column("valid_from", Date), Column("valid_to", Date),
    prefixes=["TEMPORARY"],
)  # fmt: skip
CHANGED_UNIT = Table(
    "changed_unit", _scratch,
    Column("id", BigInteger, primary_key=True),
    Column("name", String), Column("superior_id", BigInteger),
    prefixes=["TEMPORARY"],
)  # fmt: skip


def write_areas(order: list[Node], first_new: int, progress: Progress | None, *, now: datetime) -> tuple[int, int]:
    """Numbers the tree afresh and writes what is new or changed; how many areas were added, and how many changed."""
    added = sum(node.is_new for node in order)
    changed = sum(node.changed for node in order)
    moved = _number(order, first_new)
    if moved:
        _update_areas(moved)
    insert_rows(AREAS, AREA_COLUMNS, _area_rows(order, added, progress))
    continue_ids(AREAS)
    write_moves(order, now=now)
    return added, changed


def _number(order: list[Node], first_new: int) -> list[Node]:
    """Gives new areas their ids and all of them their intervals; the known areas that must be written again."""
    size = [1] * len(order)
    before = [None if node.is_new else (node.lft, node.rgt) for node in order]
    for lft, node in enumerate(order, 1):
        node.lft = lft
        if node.is_new:
            node.id, first_new = first_new, first_new + 1
    for node in reversed(order):
        node.rgt = node.lft + size[node.lft - 1] - 1
        if node.parent is not None:
            size[node.parent.lft - 1] += size[node.lft - 1]
    return [
        node for node, was in zip(order, before, strict=True)
        if was is not None and (node.changed or was != (node.lft, node.rgt))
    ]  # fmt: skip


def _area_rows(order: list[Node], added: int, progress: Progress | None) -> Iterator[tuple[Any, ...]]:
    """The rows of the new areas, parents first; the path is carried along instead of kept for every node."""
    paths = ["/"]
    done = 0
    for node in order:
        del paths[node.depth + 1 :]
        paths.append(f"{paths[-1]}{node.id}/")
        if node.is_new:
            yield (
                node.id, node.code, node.name, node.level, node.kind, node.parent.id if node.parent else None,
                paths[-1], node.depth, node.lft, node.rgt, _day(node.valid_from), _day(node.valid_to),
            )  # fmt: skip
            done += 1
            told(progress, "areas", done, added)


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _update_areas(moved: list[Node]) -> None:
    CHANGED_AREA.create(db.session.connection())
    rows = (
        (node.id, node.name, node.kind, node.lft, node.rgt, _day(node.valid_from), _day(node.valid_to))
        for node in moved
    )
    insert_rows(CHANGED_AREA, [column.name for column in CHANGED_AREA.columns], rows)
    taken = {column.name: column for column in CHANGED_AREA.columns if column.name != "id"}
    db.session.execute(
        update(AREAS).where(AREAS.c.id == CHANGED_AREA.c.id).values(taken),
        execution_options={"synchronize_session": False},
    )
    CHANGED_AREA.drop(db.session.connection())


def write_units(order: list[Node], old_names: dict[str, str], progress: Progress | None) -> int:
    """Adds the units that the areas' lines ask for, and finds all superiors afresh; how many were added."""
    changed: list[tuple[Any, ...]] = []
    moved = any(node.old_parent is not None for node in order)
    new = _walk(order, _existing_units(moved), old_names, next_id(UNITS), changed)
    added = insert_rows(UNITS, UNIT_COLUMNS, _counted(new, progress))
    continue_ids(UNITS)
    db.session.execute(
        update(UNITS).where(UNITS.c.area_id == AREAS.c.id, UNITS.c.lft != AREAS.c.lft).values(lft=AREAS.c.lft),
        execution_options={"synchronize_session": False},
    )
    if changed:
        CHANGED_UNIT.create(db.session.connection())
        insert_rows(CHANGED_UNIT, [column.name for column in CHANGED_UNIT.columns], changed)
        taken = {column.name: column for column in CHANGED_UNIT.columns if column.name != "id"}
        db.session.execute(
            update(UNITS).where(UNITS.c.id == CHANGED_UNIT.c.id).values(taken),
            execution_options={"synchronize_session": False},
        )
        CHANGED_UNIT.drop(db.session.connection())
    return added


def _counted(rows: Iterable[tuple[Any, ...]], progress: Progress | None) -> Iterator[tuple[Any, ...]]:
    for done, row in enumerate(rows, 1):
        yield row
        told(progress, "units", done, 0)


def _existing_units(moved: bool) -> Iterator[Row[Any]]:
    """All units there are, in the order of the tree as it was, by line within an area; read as they are asked for.
    Where areas moved, in the order as it is now.

    The sum keeps SQLite from walking an index into which new units are written meanwhile.
    """
    column = UNITS.c
    statement = select(
        column.area_id, column.line, column.id, column.name, column.superior_id
    )  # fmt: skip
    if moved:
        statement = statement.join(AREAS, AREAS.c.id == column.area_id).order_by(AREAS.c.lft + 0, column.line)
    else:
        statement = statement.order_by(column.lft + 0, column.line)
    return iter(db.session.execute(statement, execution_options={"yield_per": FETCH}))


def _walk(
    order: list[Node],
    units: Iterator[Row[Any]],
    old_names: dict[str, str],
    free_id: int,
    changed: list[tuple[Any, ...]],
) -> Iterator[tuple[Any, ...]]:
    """Goes down the tree with the units above at hand: gives the rows of new units, notes those of changed ones.

    New areas do not change the order of the known ones, so both are gone through side by side.
    """
    above: dict[Line, list[tuple[int, int]]] = {line: [] for line in Line}  # (rgt of the area, id of the unit)
    unit = next(units, None)
    for node in order:
        for line in Line:
            is_there = unit is not None and unit.area_id == node.id and unit.line is line
            if not is_there and not node.lines >> line & 1:
                continue
            superior = _nearest(above[line], node)
            if superior is None and line is not Line.PARTY:
                superior = _nearest(above[Line.PARTY], node)
            name = node.name + LINE_NAMES[line]
            if unit is not None and is_there:
                usual = old_names.get(node.code, node.name) + LINE_NAMES[line]
                name = name if unit.name == usual else unit.name  # a name of its own stays
                if (name, superior) != (unit.name, unit.superior_id):
                    changed.append((unit.id, name, superior))
                above[line].append((node.rgt, unit.id))
                unit = next(units, None)
            else:
                yield free_id, node.id, int(line), node.level, node.lft, name, superior, None, None
                above[line].append((node.rgt, free_id))
                free_id += 1


def _nearest(units: list[tuple[int, int]], node: Node) -> int | None:
    """The lowest of these units that is above the node, or in its own area; those whose subtree is over are dropped."""
    while units and units[-1][0] < node.lft:
        units.pop()
    return units[-1][1] if units else None
