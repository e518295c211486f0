"""Whom a rung tells: officers, the person in charge, the head; and up the tree, passing over vacant posts."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import CompoundSelect, Select, select, union

from ..clock import local_today
from ..db import listed
from ..rules.ladder import AUDIENCES, Audience, Rung, Step, Teller
from ..rules.organisation import Level, Role
from .gathering import gathered
from .ladders import stop_levels
from .organisation import Delegation, Person, Post, Unit, holds_on, stands_in_on


@dataclass(frozen=True)
class Told:
    """Who is told what of an assignment: the holders of `posts` as (unit, role), and `people` by name."""

    assignment_id: int
    rung: Rung
    posts: Sequence[tuple[int, int]]
    people: Sequence[int]


def audience(
    said: Iterable[tuple[Any, Step]], *, now: datetime, stops: Mapping[int, Level] | None = None
) -> list[Told]:
    """For rows with (id, unit_id, reviewer_unit_id, in_charge_id, ladder_id) and what is said of each.

    Asks nothing of the database where nobody above is told, and otherwise two questions, however many there are: one
    for the `stops`, the highest level that each ladder tells, where these are not given.
    """
    said = list(said)
    above = _Above(_bases(said), now) if any(step.rung.steps for _, step in said) else None
    if above and stops is None:
        stops = stop_levels({row.ladder_id for row, _ in said})
    stops = stops or {}
    return [_told(row, step.rung, above, stops.get(row.ladder_id)) for row, step in said]


def _told(row: Any, rung: Rung, above: "_Above | None", stop: Level | None) -> Told:
    posts: list[tuple[int, int]] = []
    people: list[int] = []
    for teller in rung.tells:
        if teller is Teller.IN_CHARGE and row.in_charge_id is not None:
            people.append(row.in_charge_id)
            continue
        wanted = AUDIENCES[teller]
        unit = row.reviewer_unit_id if wanted.from_reviewer else row.unit_id
        if wanted.steps and unit is not None and above is not None:
            unit = above.nearest(unit, wanted, stop)
        if unit is not None:
            posts += [(unit, int(role)) for role in wanted.roles]
    return Told(row.id, rung, posts, people)


def _bases(said: list[tuple[Any, Step]]) -> set[int]:
    """The units from which somebody looks up."""
    return {row.unit_id for row, _ in said} | {row.reviewer_unit_id for row, _ in said if row.reviewer_unit_id}


def _manned(units: Select[tuple[int]], day: date) -> CompoundSelect[Any]:
    """The roles in which somebody acts in these units, held or stood in for, by a person whose account is open."""
    here = Post.unit_id.in_(units), Person.disabled_at.is_(None)
    roles = select(Post.unit_id, Post.role)
    held = roles.join(Person, Person.id == Post.person_id).where(*here, holds_on(day))
    stood_in = roles.join(Delegation, stands_in_on(day)).join(Person, Person.id == Delegation.delegate_id).where(*here)
    return union(held, stood_in)


class _Above:
    """The units above a set of units, and which roles are held there today."""

    def __init__(self, units: set[int], now: datetime) -> None:
        start = select(Unit.id, Unit.superior_id, Unit.level).where(Unit.id.in_(listed(units))).cte(recursive=True)
        upper = Unit.__table__.alias()
        climbed = start.union(
            select(upper.c.id, upper.c.superior_id, upper.c.level).join(start, start.c.superior_id == upper.c.id)
        )
        superiors = select(climbed.c.superior_id).where(climbed.c.superior_id.is_not(None))
        rows, held = gathered(select(climbed), select(_manned(superiors, local_today(now)).subquery()))
        self.superior: dict[int, int | None] = {row.id: row.superior_id for row in rows}
        self.level: dict[int, Level] = {row.id: Level(row.level) for row in rows}
        self.held: dict[int, set[Role]] = defaultdict(set)
        for unit_id, role in held:
            self.held[unit_id].add(role)

    def nearest(self, unit: int, wanted: Audience, stop: Level | None) -> int | None:
        """The nearest unit at least so many above that has somebody to tell, not higher than `stop`."""
        steps, at = 0, self.superior.get(unit)
        while at is not None and (stop is None or self.level[at] >= stop):
            steps += 1
            if steps >= wanted.steps and self.held[at].intersection(wanted.roles):
                return at
            at = self.superior.get(at)
        return None
