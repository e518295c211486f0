"""Areas and units as administrators and auditors see them: the tree level by level, and found by name or code.

Their reach is the subtree of the areas in which they hold such a post; units there in the lines that the post sees.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, true
from sqlalchemy.orm import aliased

from ..db import db
from ..models import Area, Post, Unit
from ..rules.organisation import Actor, LeafKind, Level, Line, Role
from .scope import visible_units
from .spelled import sounds_like

PAGE = 50
MOST_COUNTED = 10_000
MOST_EXPORTED = 1_000_000
FETCH = 5_000


@dataclass(frozen=True)
class AreaRow:
    """An area on a list: its lines are those of its units within reach; `below` counts its subtree without itself."""

    id: int
    code: str
    name: str
    level: Level
    kind: LeafKind | None
    lft: int
    below: int
    parent_name: str | None
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True)
class AreaPage:
    """One page of areas; `next` is the place after which the next page begins."""

    rows: tuple[AreaRow, ...]
    next: int | None


@dataclass(frozen=True)
class Step:
    """An area on the way down from the top; `open` when it may be opened by this reader."""

    id: int
    name: str
    open: bool


@dataclass(frozen=True)
class UnitRow:
    """A unit of an area: its superior, and how many posts are valid today."""

    id: int
    name: str
    line: Line
    superior_name: str | None
    posts: int
    valid_from: date | None
    valid_to: date | None


@dataclass(frozen=True)
class AreaFact:
    """One area with the way that leads to it and its units within reach."""

    id: int
    code: str
    name: str
    level: Level
    kind: LeafKind | None
    below: int
    valid_from: date | None
    valid_to: date | None
    way: tuple[Step, ...]
    units: tuple[UnitRow, ...]


def overseer(actor: Actor) -> Actor:
    """The same person with only the posts that oversee: administrator and auditor."""
    kept = tuple(post for post in actor.posts if post.role in (Role.ADMINISTRATOR, Role.AUDITOR))
    return replace(actor, posts=kept)


def oversees_all(actor: Actor) -> bool:
    """Whether the reach is the whole tree in all lines: a 党委 post at its top, which has the preorder number one."""
    return actor.is_system or any(post.lft == 1 and post.line is Line.PARTY for post in overseer(actor).posts)


def areas_within(actor: Actor) -> ColumnElement[bool]:
    """A clause over Area: what lies in the reach of an administrator or auditor."""
    if actor.is_system:
        return true()
    inside = [Area.lft.between(post.lft, post.rgt) for post in overseer(actor).posts]
    return or_(*inside) if inside else false()


def tops(actor: Actor) -> AreaPage:
    """The areas at which this reader's reach begins."""
    posts = sorted(overseer(actor).posts, key=lambda post: (post.lft, -post.rgt))
    first: list[int] = []
    covered = 0
    for post in posts:
        if post.lft > covered:
            first.append(post.lft)
            covered = post.rgt
    clause = Area.parent_id.is_(None) if actor.is_system else Area.lft.in_(first)
    return _page(select(Area).where(clause), actor, None)


def children(area_id: int, actor: Actor, *, after: int | None = None) -> AreaPage:
    """The areas right below this one, by code."""
    return _page(select(Area).where(Area.parent_id == area_id, areas_within(actor)), actor, after)


def found(text: str, level: Level | None, actor: Actor, *, after: int | None = None) -> AreaPage:
    """The areas within reach whose name contains the text or sounds so, or whose code begins with it, in preorder."""
    return _page(select(Area).where(_matches(text, level), areas_within(actor)), actor, after)


def count_found(text: str, level: Level | None, actor: Actor) -> int:
    """How many that are, counted up to `MOST_COUNTED` and one."""
    some = select(Area.id).where(_matches(text, level), areas_within(actor)).limit(MOST_COUNTED + 1).subquery()
    return int(db.session.execute(select(func.count()).select_from(some)).scalar_one())


def _matches(text: str, level: Level | None) -> ColumnElement[bool]:
    clauses: list[ColumnElement[bool]] = []
    if text:
        named = Area.name.icontains(text, autoescape=True), Area.code.startswith(text, autoescape=True)
        clauses.append(or_(*named, sounds_like(Area.name, text)))
    if level is not None:
        clauses.append(Area.level == level)
    return and_(true(), *clauses)


def _page(wanted: Select[Any], actor: Actor, after: int | None) -> AreaPage:
    """One page in preorder, with the lines of its areas: two statements."""
    parent = aliased(Area)
    statement = (
        wanted.with_only_columns(
            Area.id, Area.code, Area.name, Area.level, Area.kind, Area.lft, (Area.rgt - Area.lft).label("below"),
            parent.name.label("parent_name"),
        )
        .outerjoin(parent, parent.id == Area.parent_id)
        .order_by(Area.lft)
        .limit(PAGE + 1)
    )  # fmt: skip
    if after is not None:
        statement = statement.where(Area.lft > after)
    rows = db.session.execute(statement).all()
    shown = rows[:PAGE]
    lines: dict[int, list[Line]] = {}
    own = select(Unit.area_id, Unit.line).where(Unit.area_id.in_([row.id for row in shown]), _units(actor))
    for area_id, line in db.session.execute(own.order_by(Unit.line)):
        lines.setdefault(area_id, []).append(line)
    page = tuple(AreaRow(*(*row, tuple(lines.get(row.id, ())))) for row in shown)
    return AreaPage(page, shown[-1].lft if len(rows) > PAGE else None)


def _units(actor: Actor) -> ColumnElement[bool]:
    return visible_units(overseer(actor))


def area(area_id: int, actor: Actor, *, on: date) -> AreaFact | None:
    """The area, when it lies within reach; None otherwise."""
    row = db.session.execute(select(Area).where(Area.id == area_id, areas_within(actor))).scalar_one_or_none()
    if row is None:
        return None
    ids = [int(part) for part in row.path.strip("/").split("/")][:-1]
    names = db.session.execute(select(Area.id, Area.name, Area.lft).where(Area.id.in_(ids)).order_by(Area.lft)).all()
    posts = overseer(actor).posts
    way = tuple(
        Step(id, name, actor.is_system or any(post.lft <= lft <= post.rgt for post in posts)) for id, name, lft in names
    )
    return AreaFact(
        row.id, row.code, row.name, row.level, row.kind, row.rgt - row.lft, row.valid_from, row.valid_to, way,
        _units_of(area_id, actor, on),
    )  # fmt: skip


def _units_of(area_id: int, actor: Actor, on: date) -> tuple[UnitRow, ...]:
    superior = aliased(Unit)
    holding = (
        select(func.count())
        .select_from(Post)
        .where(Post.unit_id == Unit.id, Post.disabled_at.is_(None), Post.valid_from <= on,
               or_(Post.valid_to.is_(None), Post.valid_to >= on))
        .correlate(Unit)
        .scalar_subquery()
    )  # fmt: skip
    statement = (
        select(Unit.id, Unit.name, Unit.line, superior.name, holding, Unit.valid_from, Unit.valid_to)
        .outerjoin(superior, superior.id == Unit.superior_id)
        .where(Unit.area_id == area_id, _units(actor))
        .order_by(Unit.line)
    )
    return tuple(UnitRow(*row) for row in db.session.execute(statement))


@dataclass(frozen=True)
class AreaOut:
    """An area as a row of an export, in the columns of the import."""

    code: str
    name: str
    level: Level
    parent_code: str | None
    kind: LeafKind | None
    lines: tuple[Line, ...]
    valid_from: date | None
    valid_to: date | None


def exported(
    actor: Actor, *, text: str = "", level: Level | None = None, below: int | None = None
) -> Iterator[AreaOut]:
    """All areas that match, in the order of the tree, each with its lines; read as they come. One statement.

    `below`: only this area and its subtree.
    """
    parent = aliased(Area)
    statement = (
        select(Area.id, Area.code, Area.name, Area.level, parent.code.label("parent_code"), Area.kind, Area.valid_from,
               Area.valid_to, Unit.line)
        .outerjoin(parent, parent.id == Area.parent_id)
        .outerjoin(Unit, and_(Unit.area_id == Area.id, _units(actor)))
        .where(_matches(text, level), areas_within(actor))
        .order_by(Area.lft, Unit.line)
        .limit(MOST_EXPORTED)
    )  # fmt: skip
    if below is not None:
        root = aliased(Area)
        statement = statement.join(root, root.id == below).where(Area.lft.between(root.lft, root.rgt))
    last: Any = None
    lines: list[Line] = []
    for row in db.session.execute(statement.execution_options(yield_per=FETCH)):
        if last is not None and row.id != last.id:
            yield _out(last, lines)
            lines = []
        if row.line is not None:
            lines.append(row.line)
        last = row
    if last is not None:
        yield _out(last, lines)


def _out(row: Any, lines: list[Line]) -> AreaOut:
    return AreaOut(
        row.code, row.name, row.level, row.parent_code, row.kind, tuple(lines), row.valid_from, row.valid_to
    )  # fmt: skip
