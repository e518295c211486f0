"""The import of areas and their units: all rows valid or nothing changed; adds, renames, moves and ends, never deletes.

First the whole tree is put together in memory, a few hundred bytes a node; then a fixed number of statements writes
what is new and what changed.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain, islice

from sqlalchemy import select

from ..db import db
from ..documents.tables import Table
from ..errors import Forbidden, Sentence, say
from ..models import Area, Unit
from ..rules.accounts import may_administer_all
from ..rules.organisation import Actor, Level, Role
from .area_moves import move_and_follow
from .area_rows import COLUMNS, NATION_CODE, REQUIRED, Node, lines_in, parent_code_of, read_nodes
from .area_writing import write_areas, write_units
from .bulk import write_alone
from .importing import Problems, Progress, headings_of, told
from .log import record

MOST_SHOWN = 200
FETCH = 5_000


@dataclass(frozen=True)
class AreaChange:
    """One change that the import would make, for the preview. `moves_from`, `moves_below`: the names of its former and
    its new parent, where it gets another one; `ends_on`, `successor`: where it ends, and who follows it."""

    line: int
    code: str
    name: str
    old_name: str | None  # None: the area is new
    level: Level
    moves_below: str = ""
    moves_from: str = ""
    ends_on: date | None = None
    successor: str = ""


@dataclass(frozen=True)
class AreaPreview:
    """What an import would do. `changes` holds the first of them; the counts tell all."""

    rows: int
    added: int
    changed: int
    units: int
    unchanged: int
    changes: tuple[AreaChange, ...]
    unused: tuple[str, ...]
    moved: int = 0


@dataclass(frozen=True)
class AreasImported:
    """What an import did: areas added, areas renamed or otherwise changed, units added."""

    added: int
    changed: int
    units: int


@dataclass
class _Plan:
    """The whole tree as it shall be. `order`: all nodes, parents before children, siblings by code."""

    order: list[Node]
    old: dict[str, str]
    unused: tuple[str, ...]
    first_new: int


def preview_areas(table: Table, *, actor: Actor, progress: Progress | None = None) -> AreaPreview:
    """What `import_areas` would do with this table, without doing it. Raises the same refusals."""
    plan = _plan(table, actor, progress)
    have = set(_existing_units())
    in_file = [node for node in plan.order if node.line]
    touched = (node for node in in_file if node.is_new or node.changed)
    first = sorted(islice(touched, MOST_SHOWN), key=lambda node: node.line)
    changes = tuple(_change(node, plan.old.get(node.code, node.name)) for node in first)
    added = sum(node.is_new for node in in_file)
    changed = sum(node.changed for node in in_file)
    units = sum((node.id, line) not in have for node in in_file for line in lines_in(node.lines))
    moved = sum(node.old_parent is not None for node in in_file)
    same = len(in_file) - added - changed
    return AreaPreview(len(in_file), added, changed, units, same, changes, plan.unused, moved)


def _change(node: Node, former: str) -> AreaChange:
    below, above = node.parent if node.old_parent else None, node.old_parent
    return AreaChange(
        node.line, node.code, node.name, None if node.is_new else former, Level(node.level),
        below.name if below else "", above.name if above else "", node.valid_to,
        node.successor.name if node.successor else "",
    )  # fmt: skip


def import_areas(table: Table, *, actor: Actor, now: datetime, progress: Progress | None = None) -> AreasImported:
    """Adds the areas of the table that are new, with a unit for each of their lines, and renames those that changed.
    One that names another parent moves there with all below it; where it stood is kept for the campaigns of before.

    Invalid, with every bad row and its line, when any row does not hold; Forbidden unless the actor administers
    something. Intervals and superiors are counted afresh for the whole tree.
    """
    write_alone(Area.__table__, Unit.__table__)  # type: ignore[arg-type]
    plan = _plan(table, actor, progress)
    touched = [node.code for node in plan.order if node.is_new or node.changed]
    added, changed = write_areas(plan.order, plan.first_new, progress, now=now)
    units = write_units(plan.order, plan.old, progress)
    if plan.order and (touched or units):
        record(
            tag="organisation:areas:import",
            subject="area",
            subject_id=plan.order[0].id,
            actor=actor,
            now=now,
            data={
                "added": added,
                "changed": changed,
                "digest": hashlib.sha256("\n".join(sorted(touched)).encode()).hexdigest(),
            },
        )
    return AreasImported(added, changed, units)


def _plan(table: Table, actor: Actor, progress: Progress | None) -> _Plan:
    """Reads, links and checks everything; raises `Invalid` when a row does not hold."""
    if not actor.is_system and not actor.has_role(Role.ADMINISTRATOR):
        raise Forbidden(say("Only an administrator may do this."))
    headings = headings_of(table, COLUMNS, REQUIRED)
    problems = Problems(table)
    known, first_new = _existing_areas()
    fresh: dict[str, Node] = {}
    old: dict[str, str] = {}
    for node in read_nodes(table, headings, problems, progress):
        there = known.get(node.code)
        other = fresh.get(node.code) if there is None else there
        if other is not None and other.line:
            problems.add(node.line, say("The code %(code)s stands already in line %(line)s.",
                                        code=node.code, line=other.line))  # fmt: skip
        elif there is not None:
            _merge(node, there, old, problems, actor)
        else:
            above = fresh.get(node.parent_code) or known.get(node.parent_code)
            node.parent_code = above.code if above else node.parent_code  # one text for all children of a parent
            fresh[node.code] = node
    _link(known, fresh, problems)
    move_and_follow(known, fresh, problems)
    _check_tops(known, fresh, problems)
    problems.refuse()
    order = _in_order(chain(known.values(), fresh.values()))
    _check_reach(order, actor, problems)
    problems.refuse()
    told(progress, "checked", len(fresh), len(fresh))
    return _Plan(order, old, headings.unused, first_new)


def _existing_areas() -> tuple[dict[str, Node], int]:
    """All areas there are, linked to their parents, by code; and the first id that is free."""
    area = Area.__table__.c
    statement = select(
        area.id, area.code, area.name, area.level, area.kind, area.parent_id, area.valid_from, area.valid_to, area.lft,
        area.rgt, area.depth,
    ).order_by(area.lft)  # fmt: skip
    by_id: dict[int, Node] = {}
    for row in db.session.execute(statement, execution_options={"yield_per": FETCH}):
        by_id[row.id] = Node(
            row.code, row.name, int(row.level), 0, None if row.kind is None else int(row.kind), 0, row.valid_from,
            row.valid_to, "", True, row.id, False, False, row.lft, row.rgt, row.depth, by_id.get(row.parent_id),
        )  # fmt: skip
    return {node.code: node for node in by_id.values()}, max(by_id, default=0) + 1


def _existing_units() -> Iterator[tuple[int, int]]:
    unit = Unit.__table__.c
    for row in db.session.execute(select(unit.area_id, unit.line), execution_options={"yield_per": FETCH}):
        yield row.area_id, row.line


def _merge(node: Node, there: Node, old: dict[str, str], problems: Problems, actor: Actor) -> None:
    """Takes over into a known area what the file says about it; `old` gets the former name of one that changes."""
    there.line, there.lines = node.line, node.lines
    above = there.parent.code if there.parent else ""
    if node.level_told and node.level != there.level:
        problems.add(node.line, say("%(code)s is there already at another level; an import does not change levels.",
                                    code=node.code))  # fmt: skip
    elif node.parent_code and node.parent_code != above:
        there.parent_code, there.changed = node.parent_code, True
    wanted = (node.name, node.kind or there.kind, node.valid_from or there.valid_from, node.valid_to or there.valid_to)
    there.successor_code = node.successor_code
    if wanted != (there.name, there.kind, there.valid_from, there.valid_to):
        old[there.code] = there.name
        there.name, there.kind, there.valid_from, there.valid_to = wanted
        there.changed = True
    if (there.changed or there.lines) and not _administers(actor, there.lft, there.lines):
        problems.add(node.line, _outside(there.code))


def _outside(code: str) -> Sentence:
    return say("%(code)s lies outside what you administer.", code=code)


def _administers(actor: Actor, lft: int, lines: int) -> bool:
    """Whether the actor administers something in that area, and the units of all of these lines there."""
    return actor.is_system or (
        any(post.role is Role.ADMINISTRATOR and post.lft <= lft <= post.rgt for post in actor.posts)
        and may_administer_all(actor, [(line, lft) for line in lines_in(lines)])
    )


def _link(known: dict[str, Node], fresh: dict[str, Node], problems: Problems) -> None:
    """Gives every new area its parent, which must be there and of a higher level."""
    for node in fresh.values():
        wanted = node.parent_code or parent_code_of(node.code, node.level)
        parent = None if wanted is None else known.get(wanted) or fresh.get(wanted)
        if parent is None:
            if node.parent_code:
                problems.add(node.line, say("The parent %(code)s is neither in the file nor in the system.",
                                            code=node.parent_code))  # fmt: skip
        elif parent.level >= node.level:
            node.parent_code = parent.code
            problems.add(node.line, say("%(code)s cannot stand below %(parent)s, which is not of a higher level.",
                                        code=node.code, parent=f"{parent.code} {parent.name}"))  # fmt: skip
        else:
            node.parent = parent


def _check_tops(known: dict[str, Node], fresh: dict[str, Node], problems: Problems) -> None:
    """One tree has one top: the first import may bring it, any other area without a parent lacks one."""
    tops = [node for node in fresh.values() if node.parent is None and not node.parent_code]
    if not known and tops:
        highest = min(node.level for node in tops)
        if sum(node.level == highest for node in tops) == 1:
            tops = [node for node in tops if node.level != highest]
    for node in tops:
        wanted = parent_code_of(node.code, node.level)
        if wanted is None or wanted == NATION_CODE:
            problems.add(node.line, say("%(code)s needs a parent: please fill in the column parent_code.",
                                        code=node.code))  # fmt: skip
        else:
            problems.add(node.line, say("The parent %(code)s, as this code tells it, is neither in the file nor in the "
                                        "system.", code=wanted))  # fmt: skip


def _in_order(nodes: Iterable[Node]) -> list[Node]:
    """All nodes in preorder, siblings by code, with depth and interval. Parents are always of a higher level."""
    tops: list[Node] = []
    for node in sorted(nodes, key=lambda node: node.code, reverse=True):
        if node.parent is None:
            tops.append(node)
        else:
            node.next, node.parent.first = node.parent.first, node
    order: list[Node] = []
    waiting = tops
    while waiting:
        node = waiting.pop()
        order.append(node)
        node.depth = node.parent.depth + 1 if node.parent else 0
        if node.next is not None:
            waiting.append(node.next)
        if node.first is not None:
            waiting.append(node.first)
    return order


def _check_reach(order: list[Node], actor: Actor, problems: Problems) -> None:
    """A new area must lie below one that the actor administers, and so must the place that a known one moves to."""
    if actor.is_system:
        return
    for node in order:
        if node.is_new or node.old_parent is not None:
            above = node.parent
            while above is not None and above.is_new:
                above = above.parent
            if above is None or not _administers(actor, above.lft, node.lines):
                problems.add(node.line, _outside(node.code))
