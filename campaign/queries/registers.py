"""Registers for those who keep them, for those below who are counted, and for those above."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import aliased

from ..db import db
from ..models import Area, Event, Metric, Person, Register, RegisterCount, Unit
from ..models.naming import units_called as called
from ..models.quotas import in_force
from ..rules.organisation import Actor, Level, Line, Role
from .scope import visible_units

PAGE = 50
CHUNK = 1_000


@dataclass(frozen=True)
class Head:
    """A register. `counted`: how many units have a number; `used`: how many metrics go by it."""

    id: int
    name: str
    condition: str
    unit_of_measure: str
    version: int
    unit_id: int
    unit_name: str
    line: Line
    lft: int
    rgt: int
    counted: int
    used: int

    def kept_by(self, actor: Actor) -> bool:
        """Whether this actor may change its numbers."""
        return actor.post_in(self.unit_id, Role.DISPATCHER) is not None


@dataclass(frozen=True)
class Count:
    """A unit with its number, None for none yet."""

    unit_id: int
    name: str
    place: str
    code: str
    level: Level
    lft: int
    n: Decimal | None
    version: int | None
    at: datetime | None


@dataclass(frozen=True)
class Counts:
    """A page of units at one level. `levels`: how many there are at each, and how many of them have a number."""

    rows: tuple[Count, ...]
    level: Level | None
    levels: tuple[tuple[Level, int, int], ...]
    next: str


@dataclass(frozen=True)
class Change:
    """An entry of its history."""

    at: datetime
    who: str
    version: int
    units: int
    targets: int


def registers(actor: Actor) -> tuple[Head, ...]:
    """All registers that the actor sees, by name: their own, those of units above, those of units they see."""
    return tuple(Head(*row) for row in db.session.execute(_heads(actor).order_by(Unit.lft, Register.name)))


def register_of(register_id: int, actor: Actor) -> Head | None:
    """One of them; None where the actor does not see it."""
    row = db.session.execute(_heads(actor).where(Register.id == register_id)).first()
    return None if row is None else Head(*row)


def counts(head: Head, *, level: Level | None = None, text: str = "", after: str = "") -> Counts:
    """A page of the units below with their numbers, at one level: the lowest by itself. Two statements."""
    levels = tuple(
        (Level(row[0]), int(row[1]), int(row[2]))
        for row in db.session.execute(
            select(Unit.level, func.count(Unit.id), func.count(RegisterCount.unit_id))
            .outerjoin(RegisterCount, _counted(head))
            .where(_inside(head))
            .group_by(Unit.level)
            .order_by(Unit.level)
        )
    )
    known = [each[0] for each in levels]
    counted = [each[0] for each in levels if each[2]]
    if not known:
        return Counts((), None, (), "")
    most = max(levels, key=lambda each: each[1])[0]
    chosen = level if level in known else counted[-1] if counted else most
    query = _rows(head).where(Unit.level == chosen)
    if text:
        query = query.where(Unit.name.contains(text, autoescape=True))
    edge = [int(part) for part in after.split("-") if part.isdecimal() and len(part) < 19]
    if len(edge) == 2:
        query = query.where(or_(Unit.lft > edge[0], and_(Unit.lft == edge[0], Unit.id > edge[1])))
    found = [Count(*row) for row in db.session.execute(query.limit(PAGE + 1))]
    page = tuple(found[:PAGE])
    return Counts(page, chosen, levels, f"{page[-1].lft}-{page[-1].unit_id}" if len(found) > PAGE else "")


def everything(head: Head) -> Iterator[Count]:
    """Every unit that has a number, for an export."""
    query = _rows(head).where(RegisterCount.n.is_not(None))
    for row in db.session.execute(query.execution_options(yield_per=CHUNK)):
        yield Count(*row)


def units_called(head: Head, cells: Iterable[str]) -> dict[str, list[int]]:
    """Who of the units below is meant by these cells of a spreadsheet. At most two statements."""
    return called(cells, _inside(head))


def history(register_id: int) -> tuple[Change, ...]:
    """What was changed, the latest first."""
    rows = db.session.execute(
        select(Event.at, Person.name, Event.data)
        .join(Person, Person.id == Event.person_id)
        .where(Event.subject == "register", Event.subject_id == register_id, Event.tag == "register:counts:change")
        .order_by(Event.id.desc())
        .limit(PAGE)
    )
    said = ((row.at, row.name, json.loads(row.data)) for row in rows)
    return tuple(Change(at, who, data["version"], data["units"], data["targets"]) for at, who, data in said)


def _heads(actor: Actor) -> Select[Any]:
    counted = select(func.count(RegisterCount.unit_id.distinct())).where(RegisterCount.register_id == Register.id)
    used = select(func.count(Metric.id)).where(Metric.register_id == Register.id)
    return (
        select(
            Register.id, Register.name, Register.condition, Register.unit_of_measure, Register.version, Unit.id,
            Unit.name, Unit.line, Area.lft, Area.rgt, counted.correlate(Register).scalar_subquery(),
            used.correlate(Register).scalar_subquery(),
        )
        .join(Unit, Unit.id == Register.unit_id)
        .join(Area, Area.id == Unit.area_id)
        .where(or_(visible_units(actor), *_above(actor)))
    )  # fmt: skip


def _above(actor: Actor) -> list[ColumnElement[bool]]:
    """Kept by a unit in whose area one of the actor's posts lies, of the same line or the Party's."""
    return [
        and_(Area.lft <= post.lft, Area.rgt >= post.rgt, Unit.line.in_((post.line, Line.PARTY))) for post in actor.posts
    ]


def _inside(head: Head) -> ColumnElement[bool]:
    inside = Unit.lft.between(head.lft, head.rgt)
    return inside if head.line is Line.PARTY else and_(inside, Unit.line == head.line)


def _counted(head: Head) -> ColumnElement[bool]:
    return and_(RegisterCount.unit_id == Unit.id, RegisterCount.register_id == head.id, in_force())


def _rows(head: Head) -> Select[Any]:
    above = aliased(Area)
    return (
        select(
            Unit.id, Unit.name, func.coalesce(above.name, ""), Area.code, Unit.level, Unit.lft, RegisterCount.n,
            RegisterCount.version, RegisterCount.at,
        )
        .join(Area, Area.id == Unit.area_id)
        .outerjoin(above, above.id == Area.parent_id)
        .outerjoin(RegisterCount, _counted(head))
        .where(_inside(head))
        .order_by(Unit.lft, Unit.id)
    )  # fmt: skip
