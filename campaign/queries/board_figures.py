"""The figures of the board: how many assignments show which light, per area and task, in one statement."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Select, and_, case, cast, func, literal, null, select, true, type_coerce, union_all

from ..db import db, micros
from ..models import Area, Assignment, Batch, Tally, TallyDelta, Unit
from ..models.pending import dispatched, left_and_reached
from ..rules.dates import NEAR_DUE, Light, light_of
from ..rules.organisation import LEAF_LEVELS, Level, Line
from ..rules.states import State

OWN = 0  # stands for the units of the shown area itself, beside its subtree
# What a dispatcher looks for first. A returned task waits for its officer, an overdue one for everybody.
URGENCY = (
    Light.OVERDUE, Light.RETURNED, Light.DUE, Light.NEW, Light.OPEN, Light.WAITING, Light.DONE, Light.CANCELLED,
)  # fmt: skip
NO_ASSIGNMENT = cast(null(), BigInteger)
FAR, NEAR, LATE = 0, 1, 2  # how a due date stands to now: all that a light needs of it


@dataclass(frozen=True)
class Place:
    """An area on the board, with its preorder interval."""

    id: int
    name: str
    level: Level
    lft: int
    rgt: int


@dataclass(frozen=True)
class Cell:
    """The assignments behind one cell. What was cancelled is asked of nobody and leaves the total.

    `assignment_id`: the assignment, where there is only one.
    """

    states: dict[State, int] = field(default_factory=dict)
    lights: dict[Light, int] = field(default_factory=dict)
    assignment_id: int | None = None

    @classmethod
    def added(cls, cells: Iterable["Cell"]) -> "Cell":
        """All of them together."""
        states: dict[State, int] = {}
        lights: dict[Light, int] = {}
        for cell in cells:
            for state, n in cell.states.items():
                states[state] = states.get(state, 0) + n
            for light, n in cell.lights.items():
                lights[light] = lights.get(light, 0) + n
        return cls(states, lights)

    @property
    def light(self) -> Light | None:
        """The most urgent light; None where there is nothing."""
        return next((light for light in URGENCY if self.lights.get(light)), None)

    @property
    def number(self) -> int:
        """How many show the most urgent light."""
        return self.lights[self.light] if self.light is not None else 0

    @property
    def every(self) -> int:
        """How many there are, cancelled ones too."""
        return sum(self.states.values())

    @property
    def total(self) -> int:
        """How many are asked for."""
        return self.every - self.states.get(State.CANCELLED, 0)

    @property
    def approved(self) -> int:
        """How many are done."""
        return self.states.get(State.APPROVED, 0)

    @property
    def pending(self) -> int:
        """How many wait for a review."""
        return self.states.get(State.SUBMITTED, 0)

    @property
    def returned(self) -> int:
        """How many were returned."""
        return self.states.get(State.RETURNED, 0)

    @property
    def missing(self) -> int:
        """How many have reported nothing yet."""
        return self.states.get(State.ISSUED, 0) + self.states.get(State.ACKNOWLEDGED, 0)

    @property
    def share(self) -> float:
        """The part that is done, 0 to 1."""
        return self.approved / self.total if self.total else 0.0


Figures = dict[int, dict[int, Cell]]  # area (or OWN) -> task -> cell


def figures_of(
    shown: Place, rows: Sequence[Place], tasks: Sequence[int], lines: Sequence[Line] | None, now: datetime
) -> Figures:
    """The cells of the shown area, of its own units (under `OWN`) and of every row; empty cells are left out.

    One statement, so that a fold in the same moment is seen either wholly or not at all.
    """
    if not tasks or (lines is not None and not lines):
        return {}
    places = [shown, *rows]
    tallied = [place.id for place in places if place.level not in LEAF_LEVELS]
    leaves = [place for place in places if place.level in LEAF_LEVELS]
    chosen = true() if lines is None else Unit.line.in_(lines)
    parts: list[Select[Any]] = []
    if tallied:
        parts.append(_folded(tallied, tasks, lines))
        parts += [_spread(part, tallied, chosen) for part in _unfolded(tasks)]
    # Most leaves have nothing below them: their units are found by the area, without a range.
    if lowest := [place.id for place in leaves if place.lft == place.rgt]:
        parts.append(_facts(Area.id, and_(Area.id.in_(lowest), Unit.area_id == Area.id), tasks, chosen))
    if hollow := [place.id for place in leaves if place.lft < place.rgt]:
        parts.append(_facts(Area.id, and_(Area.id.in_(hollow), Unit.lft.between(Area.lft, Area.rgt)), tasks, chosen))
    own = and_(Area.id == shown.id, Unit.area_id == Area.id)
    parts.append(_facts(literal(OWN).label("id"), own, tasks, chosen))
    return _cells(parts, now)


def _folded(areas: list[int], tasks: Sequence[int], lines: Sequence[Line] | None) -> Select[Any]:
    query = select(
        Tally.area_id.label("id"), Tally.task_id, Tally.state, Tally.due, Tally.n, NO_ASSIGNMENT.label("assignment_id")
    ).where(Tally.task_id.in_(tasks), Tally.area_id.in_(areas), Tally.n != 0)
    return query if lines is None else query.where(Tally.line.in_(lines))


def _unfolded(tasks: Sequence[int]) -> list[Select[Any]]:
    return [
        *left_and_reached(TallyDelta.task_id.in_(tasks)),
        dispatched(and_(Batch.task_id.in_(tasks), Batch.folded.is_(False))),
    ]


def _spread(part: Select[Any], areas: list[int], chosen: Any) -> Select[Any]:
    """What is pending, for each of the areas that it lies in."""
    rows = part.subquery()
    return (
        select(Area.id, rows.c.task_id, rows.c.state, rows.c.due, rows.c.n, NO_ASSIGNMENT.label("assignment_id"))
        .select_from(rows)
        .join(Unit, Unit.id == rows.c.unit_id)
        .join(Area, and_(Area.id.in_(areas), Unit.lft.between(Area.lft, Area.rgt)))
        .where(chosen)
    )


def _facts(key: Any, where: Any, tasks: Sequence[int], chosen: Any) -> Select[Any]:
    # The sum keeps SQLite from the index of the task, which has every unit of the country: the few units lead.
    of_tasks = (Assignment.task_id + 0).in_(tasks)
    due = func.coalesce(type_coerce(Assignment.due_at, BigInteger), 0)
    return (
        select(
            key, Assignment.task_id, Assignment.state, due.label("due"), literal(1).label("n"),
            Assignment.id.label("assignment_id"),
        )
        .select_from(Area)
        .join(Unit, where)
        .join(Assignment, and_(Assignment.unit_id == Unit.id, of_tasks))
        .where(chosen)
    )  # fmt: skip


def _cells(parts: list[Select[Any]], now: datetime) -> Figures:
    rows = union_all(*parts).subquery()
    at, near = micros(now), micros(now + NEAR_DUE)
    stand = case((rows.c.due == 0, FAR), (rows.c.due < at, LATE), (rows.c.due < near, NEAR), else_=FAR)
    graded = select(
        rows.c.id, rows.c.task_id, rows.c.state, stand.label("stand"), rows.c.n, rows.c.assignment_id
    ).subquery()
    key = (graded.c.id, graded.c.task_id, graded.c.state, graded.c.stand)
    counted = select(*key, func.sum(graded.c.n).label("n"), func.min(graded.c.assignment_id).label("one"))
    dues = {FAR: None, NEAR: now, LATE: now - timedelta(microseconds=1)}
    found: Figures = {}
    ones: dict[tuple[int, int], int | None] = {}
    for row in db.session.execute(counted.group_by(*key).having(func.sum(graded.c.n) > 0)):
        cell = found.setdefault(row.id, {}).setdefault(row.task_id, Cell())
        state, n = State(row.state), int(row.n)
        light = light_of(state, dues[row.stand], now)
        cell.states[state] = cell.states.get(state, 0) + n
        cell.lights[light] = cell.lights.get(light, 0) + n
        ones[row.id, row.task_id] = row.one
    for (area, task), one in ones.items():
        cell = found[area][task]
        if one is not None and cell.every == 1:
            found[area][task] = Cell(cell.states, cell.lights, one)
    return found
