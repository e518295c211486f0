"""The page on which something is split: its figures, the units below with what they have of it, and what to split by.

At most six statements, whatever the number of units.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, false, func, literal, or_, select, true, union
from sqlalchemy.orm import aliased

from ..clock import local_today
from ..db import db, listed
from ..models import (
    Allocation,
    Area,
    Assignment,
    Metric,
    Person,
    Post,
    Register,
    Share,
    Target,
    Task,
    TaskLine,
    TaskUnit,
    Unit,
)
from ..models.following import Following
from ..models.gathering import gathered
from ..models.organisation import holds_on
from ..models.splits import Part, Whole, below, parts_of_whole, whole_of
from ..rules.metrics import Aggregation, Comparator
from ..rules.organisation import DELEGABLE, Actor, Level, Line, Role
from ..rules.splitting import SPLITTABLE
from ..rules.states import CLOSED, OPEN, State
from ..rules.targets import Quota
from .cascade_places import Place, place_in, way_to
from .scope import visible_assignments

MOST_UNITS = 3_000


@dataclass
class Row:
    """A unit of the page. `place`: the area above it. `mine`: it has its part already; `elsewhere`: it has the task
    from another unit. `load`: its open assignments. `people`: who may be named as in charge. `granted`: the targets
    that a decision gave it since, other than its shares."""

    unit_id: int
    name: str
    code: str
    area: str
    place: str
    level: Level
    load: int
    assignment_id: int | None
    state: State | None
    mine: bool
    in_charge_id: int | None
    shares: dict[int, Decimal] = field(default_factory=dict)
    granted: dict[int, Decimal] = field(default_factory=dict)
    people: tuple[tuple[int, str], ...] = ()

    @property
    def holds(self) -> dict[int, Decimal]:
        """What it must reach now."""
        return self.shares | self.granted

    @property
    def elsewhere(self) -> bool:
        """Whether nothing can be given here."""
        return self.assignment_id is not None and not self.mine

    @property
    def fixed(self) -> bool:
        """Whether its part no longer changes: it is finished."""
        return self.state in CLOSED


@dataclass(frozen=True)
class Splitting:
    """Everything the page tells. `levels`: how many units lie below at which level; `registers`: what may be split
    by. `too_many`: there are more units than one page splits. Of a task, `place`: the area to which the page is
    narrowed, and `outside`: what the units elsewhere hold of each figure together; `issuers`: that area, or the
    issuer's own; `receives`: a clause over Unit, those who receive it."""

    whole: Whole
    parts: tuple[Part, ...]
    rows: tuple[Row, ...]
    level: Level | None = None
    levels: tuple[tuple[Level, int], ...] = ()
    registers: tuple[tuple[int, str], ...] = ()
    too_many: bool = False
    outside: dict[int, Decimal] = field(default_factory=dict)
    place: Place | None = None
    issuers: Place | None = None
    receives: ColumnElement[bool] = field(default_factory=false)

    @property
    def place_id(self) -> int | None:
        """The id of the area to which it is narrowed."""
        return self.place.id if self.place else None

    @property
    def split(self) -> tuple[Part, ...]:
        """The figures that are split."""
        return tuple(part for part in self.parts if part.split)

    @property
    def unchanged(self) -> tuple[Part, ...]:
        """Those that go down as they are, or follow from a quota."""
        return tuple(part for part in self.parts if not part.split)


def may_split(whole: Whole, actor: Actor) -> bool:
    """Whether this actor may split it now: a dispatcher of the assignment's unit."""
    return whole.state in SPLITTABLE and actor.post_in(whole.unit_id, Role.DISPATCHER) is not None


def seen_whole(assignment_id: int, actor: Actor) -> Whole | None:
    """The assignment as something that is split, for those who see it."""
    return whole_of(assignment_id, seen=visible_assignments(actor))


def splitting(whole: Whole, *, now: datetime, level: Level | None = None) -> Splitting:
    """The page for an assignment. `level`: the level of units that is wanted; else that of the present split, or the
    nearest one below."""
    today, parts = local_today(now), parts_of_whole(whole)
    levels, given = _levels(whole, today)
    chosen = level if level in dict(levels) else given or (levels[0][0] if levels else None)
    mine = Assignment.parent_id == whole.parent_id
    inside = and_(below(whole, today), Unit.level == literal(int(chosen) if chosen is not None else -1))
    has = and_(Assignment.task_id == whole.task_id, Assignment.period == whole.period, Assignment.unit_id == Unit.id)
    # Two sets put together: an OR would look at every unit of the country.
    asked = union(select(Unit.id).where(inside), select(Assignment.unit_id).where(mine))
    rows = _rows(whole, Unit.id.in_(asked), has, mine)
    return Splitting(
        whole, parts, _peopled(rows[:MOST_UNITS], today), chosen, levels,
        _named(db.session.execute(_registers(whole))), len(rows) > MOST_UNITS,
    )  # fmt: skip


def splitting_task(whole: Whole, *, now: datetime, area_id: int | None = None) -> Splitting | None:
    """The page for a task as a whole, among the units that receive it. `area_id`: only among those in that area; None
    where it is none of the issuer's. Three statements."""
    task_id = whole.task_id
    parts, mine = parts_of_whole(whole), and_(Assignment.id.is_not(None), Assignment.parent_id.is_(None))
    latest = select(func.max(Assignment.period)).where(
        Assignment.task_id == task_id, Assignment.unit_id == Unit.id, Assignment.parent_id.is_(None)
    )
    has = and_(
        Assignment.task_id == task_id, Assignment.unit_id == Unit.id,
        Assignment.period == latest.correlate(Unit).scalar_subquery(),
    )  # fmt: skip
    way, asked, registers = gathered(way_to(whole, area_id), _asked(whole), _registers(whole))
    place, receives = place_in(way), _receives(whole, asked[0], local_today(now))
    if area_id is not None and place is None:
        return None
    within = Unit.lft.between(place.lft, place.rgt) if area_id is not None and place else true()
    rows = _rows(whole, and_(receives, within), has, mine)
    return Splitting(
        whole, parts, tuple(rows[:MOST_UNITS]), None, (), _named(registers), len(rows) > MOST_UNITS,
        place=None if area_id is None else place, issuers=place, receives=receives,
    )  # fmt: skip


def issuers_split(task_id: int) -> Select[Any]:
    """For the preview of a dispatch: the version of a task's split by its issuer, 0 for none; no row where none of its
    figures is split."""
    split = (Metric.quota == Quota.TOTAL, Metric.aggregation == Aggregation.SUM, Metric.comparator != Comparator.NONE)
    latest = select(func.coalesce(func.max(Allocation.version), 0)).where(
        Allocation.task_id == task_id, Allocation.parent_id.is_(None)
    )
    return select(latest.scalar_subquery().label("version")).where(
        select(Metric.id).where(Metric.task_id == task_id, Metric.target.is_not(None), *split).exists()
    )


def _levels(whole: Whole, today: date) -> tuple[tuple[tuple[Level, int], ...], Level | None]:
    """How many units there are at each level below, and the level of those that have their part already."""
    # By its unique key: looked for by its parent, SQLite would read all children once more for each unit.
    has = and_(Assignment.task_id == whole.task_id, Assignment.unit_id == Unit.id, Assignment.period == whole.period)
    ours = func.count(case((Assignment.parent_id == whole.parent_id, Assignment.id)))
    rows = db.session.execute(
        select(Unit.level, func.count(Unit.id), ours)
        .outerjoin(Assignment, has)
        .where(below(whole, today))
        .group_by(Unit.level)
        .order_by(Unit.level)
    ).all()
    levels = tuple((Level(row[0]), int(row[1])) for row in rows)
    return levels, next((Level(row[0]) for row in rows if row[2]), None)


def receivers_of(whole: Whole, today: date) -> ColumnElement[bool]:
    """The units that receive the task, as its dispatch takes them. One statement."""
    return _receives(whole, db.session.execute(_asked(whole)).one(), today)


def _asked(whole: Whole) -> Select[Any]:
    """The level and the lines that the task is meant for."""
    return (
        select(
            Task.receiving_level,
            func.aggregate_strings(func.coalesce(_text(TaskLine.line), ""), ",").label("lines"),
        )
        .outerjoin(TaskLine, TaskLine.task_id == Task.id)
        .where(Task.id == whole.task_id)
        .group_by(Task.receiving_level)
    )


def _receives(whole: Whole, asked: Any, today: date) -> ColumnElement[bool]:
    valid = and_(
        or_(Unit.valid_from.is_(None), Unit.valid_from <= today), or_(Unit.valid_to.is_(None), Unit.valid_to >= today)
    )
    if asked.receiving_level is None:
        return and_(Unit.id.in_(select(TaskUnit.unit_id).where(TaskUnit.task_id == whole.task_id)), valid)
    lines = [Line(int(part)) for part in (asked.lines or "").split(",") if part]
    inside = Unit.lft.between(whole.lft, whole.rgt)
    return and_(Unit.line.in_(lines), Unit.level == asked.receiving_level, inside, valid)


def _text(column: Any) -> Any:
    return case(*((column == line, str(int(line))) for line in Line))


def _rows(whole: Whole, which: ColumnElement[bool], has: ColumnElement[bool], mine: ColumnElement[bool]) -> list[Row]:
    """The units with what they were given in the split in force, one after the other as the tree has them."""
    above, work = aliased(Area), aliased(Assignment)
    load = select(func.count(work.id)).where(work.unit_id == Unit.id, work.state.in_(OPEN)).correlate(Unit)
    units = (
        select(
            Unit.id, Unit.name, Area.code, Area.name.label("area"), above.name.label("place"), Unit.level, Unit.lft,
            load.scalar_subquery().label("load"), Assignment.id.label("assignment_id"), Assignment.state,
            mine.label("mine"), Assignment.in_charge_id,
        )
        .join(Area, Area.id == Unit.area_id)
        .outerjoin(above, above.id == Area.parent_id)
        .outerjoin(Assignment, has)
        .where(which)
        .order_by(Unit.lft, Unit.line)
        .limit(MOST_UNITS + 1)
        .subquery()
    )  # fmt: skip
    given = and_(Share.allocation_id == whole.allocation_id, Share.unit_id == units.c.id)
    since = and_(
        Target.assignment_id == units.c.assignment_id, Target.metric_id == Share.metric_id,
        Target.request_id.is_not(None), units.c.mine,
    )  # fmt: skip
    query = (
        select(units, Share.metric_id, Share.value, Target.value.label("granted"))
        .outerjoin(Share, given)
        .outerjoin(Target, since)
        .order_by(units.c.lft, units.c.id)
    )
    found: dict[int, Row] = {}
    for row in db.session.execute(query):
        unit = found.get(row.id)
        if unit is None:
            unit = found[row.id] = Row(
                row.id, row.name, row.code, row.area, row.place or "", row.level, row.load, row.assignment_id,
                row.state, bool(row.mine), row.in_charge_id,
            )  # fmt: skip
        if row.metric_id is not None:
            unit.shares[row.metric_id] = row.value
            if row.granted is not None and row.granted != row.value:
                unit.granted[row.metric_id] = row.granted
    return list(found.values())


def _peopled(rows: Iterable[Row], today: date) -> tuple[Row, ...]:
    """The same rows, with the people who do the work there."""
    found = {row.unit_id: row for row in rows}
    people = db.session.execute(
        select(Post.unit_id, Person.id, Person.name)
        .join(Person, Person.id == Post.person_id)
        .where(Post.unit_id.in_(listed(found)), Post.role.in_(DELEGABLE), holds_on(today), Person.disabled_at.is_(None))
        .distinct()
        .order_by(Post.unit_id, Person.name, Person.id)
    )
    for unit_id, person_id, name in people:
        found[unit_id].people += ((person_id, name),)
    return tuple(found.values())


def _registers(whole: Whole) -> Select[Any]:
    """The registers kept by the unit itself or above it."""
    return (
        select(Register.id, Register.name)
        .join(Unit, Unit.id == Register.unit_id)
        .join(Area, Area.id == Unit.area_id)
        .where(Area.lft <= whole.lft, Area.rgt >= whole.rgt, Following(Unit.line).in_((whole.line, Line.PARTY)))
        .order_by(Area.lft.desc(), Register.name)
    )


def _named(registers: Iterable[Any]) -> tuple[tuple[int, str], ...]:
    return tuple((row.id, row.name) for row in registers)
