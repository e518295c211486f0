"""The figures of the board: how many assignments show which light, per area and task, in one statement."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    FromClause,
    Select,
    SmallInteger,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    select,
    true,
    type_coerce,
    union_all,
)

from ..db import db, listed, micros
from ..models import Area, Assignment, Batch, Tally, TallyDelta, Unit
from ..models.climbing import stretch_rows
from ..models.pending import dispatched, left_and_reached
from ..rules.dates import NEAR_DUE, Light, light_of
from ..rules.former_tree import FormerTree
from ..rules.organisation import LEAF_LEVELS, Level, Line
from ..rules.states import NOT_ASKED, State
from .lights import stands_still

UNSIGNED = (State.ISSUED, State.DISPUTED)
OWN = 0  # stands for the units of the shown area itself, beside its subtree
# What a dispatcher looks for first. A returned task waits for its officer, an overdue one for everybody.
URGENCY = (
    Light.OVERDUE, Light.RETURNED, Light.BEHIND, Light.DUE, Light.NEW, Light.OPEN, Light.DISPUTED,
    Light.WAITING, Light.DONE, Light.NOT_APPLICABLE, Light.CANCELLED,
)  # fmt: skip
NOTHING_MOVED = FormerTree()
NO_ASSIGNMENT = cast(null(), BigInteger)
FAR, NEAR, SLOW, LATE, STILL = range(5)  # how the dates stand to now, or that the clock stands still: all a light needs


@dataclass(frozen=True)
class Place:
    """An area on the board, with its preorder interval of today. `today`: the name of the area below which it stands
    now, where that is another one than on the day of the campaign."""

    id: int
    name: str
    level: Level
    lft: int
    rgt: int
    today: str = ""


@dataclass(frozen=True)
class Cell:
    """The assignments behind one cell. What was cancelled or does not apply is asked of nobody and leaves the total.

    `assignment_id`: the assignment, where there is only one, and `suspended`: its clock stands still.
    """

    states: dict[State, int] = field(default_factory=dict)
    lights: dict[Light, int] = field(default_factory=dict)
    assignment_id: int | None = None
    suspended: bool = False

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
        """How many there are, also those that nobody is asked for."""
        return sum(self.states.values())

    @property
    def total(self) -> int:
        """How many are asked for."""
        return self.every - sum(self.states.get(state, 0) for state in NOT_ASKED)

    @property
    def not_applicable(self) -> int:
        """Of how many it was decided that they do not apply."""
        return self.states.get(State.NOT_APPLICABLE, 0)

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
        return sum(self.states.get(state, 0) for state in (State.ISSUED, State.ACKNOWLEDGED, State.DISPUTED))

    @property
    def signed(self) -> int:
        """How many were signed for, wherever they stand now."""
        return self.total - sum(self.states.get(state, 0) for state in UNSIGNED)

    @property
    def handed_in(self) -> int:
        """How many were submitted at least once, those returned since included."""
        return self.approved + self.pending + self.returned

    @property
    def share(self) -> float:
        """The part that is done, 0 to 1."""
        return self.approved / self.total if self.total else 0.0


Figures = dict[int, dict[int, Cell]]  # area (or OWN) -> task -> cell


def figures_of(
    shown: Place, rows: Sequence[Place], tasks: Sequence[int], lines: Sequence[Line] | None, now: datetime,
    tree: FormerTree = NOTHING_MOVED,
) -> Figures:  # fmt: skip
    """The cells of the shown area, of its own units (under `OWN`) and of every row; empty cells are left out. `tree`:
    what moved since the day of the campaign.

    One statement, so that a fold in the same moment is seen either wholly or not at all.
    """
    if not tasks or (lines is not None and not lines):
        return {}
    places = [shown, *rows]
    upper = [place for place in places if place.level not in LEAF_LEVELS]
    tallied = [place.id for place in upper]
    stretches = stretches_of(upper, tree)
    leaves = [place for place in places if place.level in LEAF_LEVELS]
    # SQLite would begin with the line, which has every unit of the country: the sum keeps it from that.
    line = type_coerce(Unit.line, SmallInteger) + 0
    chosen = true() if lines is None else line.in_([int(each) for each in lines])
    parts: list[Select[Any]] = []
    if tallied:
        parts.append(_folded(tallied, tasks, lines))
        parts += [_spread(part, stretches, chosen) for part in (*_unfolded(tasks), *_standing_still(tasks))]
    # Most leaves have nothing below them, then or now: their units are found by the area, without a range.
    lowest: list[Place] = []
    hollow: list[Place] = []
    for place in leaves:
        alone = tree.stretches((place.lft, place.rgt)) == ((place.lft, place.lft),)
        (lowest if alone else hollow).append(place)
    there = Unit.area_id == Area.id
    if lowest:
        few = and_(Area.id.in_(listed(place.id for place in lowest)), there)
        parts.append(_facts(Area, Area.id, few, tasks, chosen))
    if hollow:
        below = stretches_of(hollow, tree)
        parts.append(_facts(below, below.c.id, Unit.lft.between(below.c.lft, below.c.rgt), tasks, chosen))
    parts.append(_facts(Area, literal(OWN).label("id"), and_(Area.id == shown.id, there), tasks, chosen))
    return _cells(parts, now)


def _folded(areas: list[int], tasks: Sequence[int], lines: Sequence[Line] | None) -> Select[Any]:
    query = select(
        Tally.area_id.label("id"), Tally.task_id, Tally.state, Tally.due, Tally.behind, literal(0).label("still"),
        Tally.n, NO_ASSIGNMENT.label("assignment_id"),
    ).where(Tally.task_id.in_(tasks), Tally.area_id.in_(listed(areas)), Tally.n != 0)  # fmt: skip
    return query if lines is None else query.where(Tally.line.in_(lines))


def _unfolded(tasks: Sequence[int]) -> list[Select[Any]]:
    found = [
        *left_and_reached(TallyDelta.task_id.in_(tasks)),
        dispatched(and_(Batch.task_id.in_(tasks), Batch.folded.is_(False))),
    ]
    return [part.add_columns(literal(0).label("still")) for part in found]


def _standing_still(tasks: Sequence[int]) -> list[Select[Any]]:
    """The tallies do not know that a clock stands still: each such assignment is taken from where it is counted with
    its dates, and counted as still. They are few, and have an index of their own."""
    parts = []
    for still, n in ((0, -1), (1, 1)):
        columns = (
            Assignment.task_id, Assignment.unit_id, Assignment.state, *_dates(), literal(n).label("n"),
            literal(still).label("still"),
        )  # fmt: skip
        # SQLite would rather look through a million assignments than through the few that the index holds.
        part = select(*columns).with_hint(Assignment, "INDEXED BY ix_assignment_suspended", "sqlite")
        parts.append(part.where(stands_still(), Assignment.task_id.in_(tasks)))
    return parts


def _dates() -> tuple[Any, Any]:
    """The dates of an assignment as the tallies hold them: in microseconds, 0 for none."""
    due, behind = (type_coerce(date, BigInteger) for date in (Assignment.due_at, Assignment.behind_at))
    return func.coalesce(due, 0).label("due"), func.coalesce(behind, 0).label("behind")


def stretches_of(places: Sequence[Place], tree: FormerTree) -> FromClause:
    """The areas as rows (id, lft, rgt): where in today's order those stand who lay in each on the day of the campaign.
    Where nothing moved, an area is its own interval."""
    if not tree.moves:
        return select(Area.id, Area.lft, Area.rgt).where(Area.id.in_(listed(place.id for place in places))).subquery()
    return stretch_rows((place.id, *each) for place in places for each in tree.stretches((place.lft, place.rgt)))


def _spread(part: Select[Any], stretches: FromClause, chosen: Any) -> Select[Any]:
    """What is pending, for each of the areas that it lies in."""
    rows = part.subquery()
    return (
        select(
            stretches.c.id, rows.c.task_id, rows.c.state, rows.c.due, rows.c.behind, rows.c.still, rows.c.n,
            NO_ASSIGNMENT.label("assignment_id"),
        )
        .select_from(rows)
        .join(Unit, Unit.id == rows.c.unit_id)
        .join(stretches, Unit.lft.between(stretches.c.lft, stretches.c.rgt))
        .where(chosen)
    )  # fmt: skip


def _facts(places: Any, key: Any, where: Any, tasks: Sequence[int], chosen: Any) -> Select[Any]:
    # The sum keeps SQLite from the index of the task, which has every unit of the country: the few units lead.
    of_tasks = (Assignment.task_id + 0).in_(tasks)
    still = case((stands_still(), 1), else_=0).label("still")
    return (
        select(
            key, Assignment.task_id, Assignment.state, *_dates(), still, literal(1).label("n"),
            Assignment.id.label("assignment_id"),
        )
        .select_from(places)
        .join(Unit, where)
        .join(Assignment, and_(Assignment.unit_id == Unit.id, of_tasks))
        .where(chosen)
    )  # fmt: skip


def _cells(parts: list[Select[Any]], now: datetime) -> Figures:
    rows = union_all(*parts).subquery()
    at, near = micros(now), micros(now + NEAR_DUE)
    due, behind = rows.c.due, rows.c.behind
    stand = case(
        (rows.c.still == 1, STILL),
        (and_(due != 0, due < at), LATE),
        (and_(behind != 0, behind <= at), SLOW),
        (and_(due != 0, due < near), NEAR),
        else_=FAR,
    )
    graded = select(
        rows.c.id, rows.c.task_id, rows.c.state, stand.label("stand"), rows.c.n, rows.c.assignment_id
    ).subquery()
    key = (graded.c.id, graded.c.task_id, graded.c.state, graded.c.stand)
    counted = select(*key, func.sum(graded.c.n).label("n"), func.min(graded.c.assignment_id).label("one"))
    dates = {NEAR: (now, None), SLOW: (None, now), LATE: (now - timedelta(microseconds=1), None)}
    found: Figures = {}
    ones: dict[tuple[int, int], tuple[int | None, bool]] = {}
    for row in db.session.execute(counted.group_by(*key).having(func.sum(graded.c.n) > 0)):
        cell = found.setdefault(row.id, {}).setdefault(row.task_id, Cell())
        state, n, suspended = State(row.state), int(row.n), row.stand == STILL
        light = light_of(state, *dates.get(row.stand, (None, None)), now, suspended)
        cell.states[state] = cell.states.get(state, 0) + n
        cell.lights[light] = cell.lights.get(light, 0) + n
        ones[row.id, row.task_id] = row.one, suspended
    for (area, task), (one, suspended) in ones.items():
        cell = found[area][task]
        if one is not None and cell.every == 1:
            found[area][task] = Cell(cell.states, cell.lights, one, suspended)
    return found
