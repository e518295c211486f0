"""What stands to be drawn for a random re-check of a task, and which units could check it: shared by verb and page."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, literal, or_, select
from sqlalchemy.orm import aliased

from ..clock import local_today
from ..db import Instant, db, listed
from ..rules.former_tree import read_moves
from ..rules.organisation import Level, Line, Role
from ..rules.rechecks import checker_for, digest_of, drawn
from ..rules.states import State
from .assignments import Assignment
from .climbing import moved_since
from .log import Event
from .organisation import Area, Unit, manned_on
from .reporting import Submission


@dataclass(frozen=True)
class Chance:
    """An approved assignment that may be drawn. `chain`: the units that reviewed it."""

    id: int
    unit_id: int
    stratum_id: int
    submission_id: int
    superior_id: int | None
    line: Line
    chain: tuple[int, ...]


@dataclass(frozen=True)
class Pick:
    """One that was drawn, and who checks it; None where no unit is left that could."""

    chance: Chance
    unit_id: int | None


@dataclass(frozen=True)
class Draw:
    """A draw: what it was drawn from, and what was drawn. `sizes`: by stratum, how many stood to be drawn."""

    picks: tuple[Pick, ...]
    population: int
    drawn_from: str
    sizes: dict[int, int]

    @property
    def ids(self) -> list[int]:
        """What was drawn, ascending."""
        return sorted(pick.chance.id for pick in self.picks)

    @property
    def digest(self) -> str:
        """Of what was drawn."""
        return digest_of(self.ids)


def chances(task_id: int, level: Level, at: datetime) -> list[Chance]:
    """What stood approved at that instant, by the log, in areas of that level as the tree was then: who draws again
    after a village moved draws the same. Two statements, and one more where anything moved since."""
    moved = (
        select(Event.subject_id, func.max(Event.id).label("id"))
        .join(Assignment, Assignment.id == Event.subject_id)
        .where(Event.subject == "assignment", Assignment.task_id == task_id, Event.to_state.is_not(None),
               Event.at <= at)
        .group_by(Event.subject_id)
        .subquery()
    )  # fmt: skip
    stratum = aliased(Area)
    latest = (
        select(func.max(Submission.id))
        .where(Submission.assignment_id == Assignment.id, Submission.at <= at)
        .correlate(Assignment)
        .scalar_subquery()
    )
    statement = (
        select(
            Assignment.id,
            Assignment.unit_id,
            stratum.id,
            Submission.id,
            Unit.superior_id,
            Unit.line,
            Submission.chain,
            Unit.lft,
        )
        .join(moved, moved.c.subject_id == Assignment.id)
        .join(Event, Event.id == moved.c.id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .outerjoin(stratum, (stratum.level == level) & Unit.lft.between(stratum.lft, stratum.rgt))
        .join(Submission, Submission.id == latest)
        .where(Event.to_state == State.APPROVED.name.lower())
        .order_by(Assignment.id)
    )
    then = _strata(level, at)
    return [
        Chance(*row[:2], *(place, *row[3:6], tuple(int(part) for part in row.chain.split(",") if part)))
        for row in db.session.execute(statement)
        if (place := then(row.lft) if then else row[2]) is not None
    ]


def _strata(level: Level, at: datetime) -> Callable[[int], int | None] | None:
    """What tells the stratum of a place as the tree was then; None where nothing moved since."""
    tree = read_moves(db.session.execute(select(moved_since(literal(at, Instant())))).scalar_one())
    if not tree.moves:
        return None
    strata = select(Area.lft, Area.rgt, Area.id).where(Area.level == level).order_by(Area.lft)
    ids = {(lft, rgt): id for lft, rgt, id in db.session.execute(strata)}
    tops = list(ids)

    def stratum(place: int) -> int | None:
        top = tree.top_of(tops, place)
        return None if top is None else ids[top]

    return stratum


def draw(task_id: int, level: Level, share: int, seed: str, *, at: datetime) -> Draw:
    """Draws, and finds who checks: a unit beside it, else the one above, else one beside that; where somebody is."""
    found = chances(task_id, level, at)
    strata: dict[int, list[int]] = {}
    for chance in found:
        strata.setdefault(chance.stratum_id, []).append(chance.id)
    by_id = {chance.id: chance for chance in found}
    chosen = [by_id[id] for ids in drawn(strata, share, seed).values() for id in ids]
    near = _neighbours(chosen, at)
    picks = tuple(
        Pick(chance, checker_for(chance.id, near(chance), (chance.unit_id, *chance.chain), seed)) for chance in chosen
    )
    sizes = {stratum: len(ids) for stratum, ids in strata.items()}
    return Draw(picks, len(found), digest_of(by_id), sizes)


def _neighbours(chosen: Iterable[Chance], at: datetime) -> Any:
    """What finds the groups of candidates of a chance. Two statements, whatever their number."""
    above = {chance.superior_id for chance in chosen if chance.superior_id is not None}
    superiors = select(Unit.id, Unit.superior_id).where(Unit.id.in_(listed(above)))
    higher = {row.id: row.superior_id for row in db.session.execute(superiors)}
    tops = {unit for unit in higher.values() if unit is not None}
    below: dict[int, list[Any]] = {}
    for row in db.session.execute(_manned(above | tops, at)):
        below.setdefault(row.superior_id, []).append(row)

    def near(chance: Chance) -> list[list[int]]:
        siblings = [row.id for row in below.get(chance.superior_id or 0, ()) if row.line is chance.line]
        top = higher.get(chance.superior_id or 0)
        aunts = [row.id for row in below.get(top or 0, ()) if row.line is chance.line]
        return [siblings, [chance.superior_id] if chance.superior_id else [], aunts]

    return near


def _manned(superiors: Iterable[int], at: datetime) -> Select[Any]:
    today = local_today(at)
    there = or_(*(manned_on(Unit.id, role, today) for role in (Role.OFFICER, Role.SUPERVISOR)))
    return select(Unit.id, Unit.line, Unit.superior_id).where(Unit.superior_id.in_(listed(superiors)), there)
