"""Before a dispatch: what will be sent to how many people and when, and who they would be for one of the units.

The rungs are foreseen as the sweep will decide them if nothing is done; a test holds the page and the clock together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, not_, select, true, union

from ..db import db
from ..models import Batch, Delegation, LadderVersion, Person, Post, Unit
from ..models.organisation import holds_on, stands_in_on
from ..models.outlook import Outlook
from ..rules.foreseeing import Armed, Foreseen, foresee
from ..rules.ladder import AUDIENCES, Audience, Rung, Teller, first_step
from ..rules.organisation import Level
from ..rules.states import State
from .climb import Climb
from .outlook import Coming, told

MOST_STEPS = 12


@dataclass(frozen=True)
class Example:
    """A unit that stands for all: who would be told there."""

    id: int
    unit_id: int
    name: str
    reviewer_unit_id: int | None = None
    in_charge_id: int | None = None
    ladder_id: int = 1


@dataclass(frozen=True)
class Pinned:
    """A former dispatch of the task, and the version of the ladder that it goes by."""

    batch_id: int
    dispatched_at: datetime
    items: int
    ladder_id: int
    name: str
    version: int


@dataclass(frozen=True)
class Promises:
    """What a dispatch promises. `people`: how many each kind of addressee has over all units; `later`: the rungs whose
    date is not known yet. `left_out`: how many rungs a task of best effort does without."""

    coming: tuple[Coming, ...]
    people: dict[Teller, int]
    later: tuple[Rung, ...]
    left_out: int
    example: Example | None
    ladder: tuple[int, str, int]
    pinned: tuple[Pinned, ...]


def foreseen_of(outlook: Outlook, issued_at: datetime) -> tuple[Foreseen, ...]:
    """What the clock will say of a dispatch at that instant if nothing is done."""
    first = first_step(outlook.steps, issued_at)
    timers = [] if first is None else [Armed(max(first[1].when, issued_at), first[0])]
    return foresee(outlook.steps, State.ISSUED, outlook.behind_at, timers)


def asks(task_id: int, ladder_id: int) -> tuple[Select[Any], ...]:
    """The former dispatches of the task, and the ladder that it would go by now."""
    return _pinned(task_id), _version(literal(ladder_id))


def people_asks(
    receives: ColumnElement[bool], climb: Climb, foreseen: Iterable[Foreseen], unit_id: int | None, *,
    stop: Level | None, today: date,
) -> tuple[Select[Any], ...]:  # fmt: skip
    """Of the units that would receive it (a clause over Unit, and the way up from them): the one to name people of, or
    the first; and how many people each kind of addressee has over all of them."""
    counts = [
        _told(receives, climb, wanted, stop, today).label(f"n{place}") for place, wanted in enumerate(_wanted(foreseen))
    ]
    return (
        _example(receives, 0 if unit_id is None else unit_id),
        _example(receives, None),
        select(*counts) if counts else select(literal(0)),
    )


def _wanted(foreseen: Iterable[Foreseen]) -> list[Audience]:
    """Whom the rungs that speak tell, each once: who is in charge is not named yet, so that these are the officers."""
    speaking = {teller for each in foreseen for step in each.speak for teller in step.rung.tells}
    return list(dict.fromkeys(AUDIENCES[teller] for teller in sorted(speaking)))


def promises_from(
    outlook: Outlook, foreseen: Sequence[Foreseen], rows: Sequence[Sequence[Any]], *, now: datetime
) -> Promises:
    """What a dispatch promises to the units that do not have the task yet, from the rows of `asks` and `people_asks`;
    these are empty where nobody would receive it. Two statements: who is told there."""
    pinned, ladder, asked, first, counts = rows
    unit = next(iter([*asked, *first]), None)
    ladder_id = outlook.ladder.id
    row = Example(0, unit.id, unit.name, ladder_id=ladder_id) if unit else Example(0, 0, "", ladder_id=ladder_id)
    stops = {} if outlook.ladder.stop_level is None else {ladder_id: outlook.ladder.stop_level}
    coming = told(foreseen, row, now=now, stops=stops)
    speaking = {teller for each in coming if not each.overtaken for teller in each.rung.tells}
    people = dict(zip(_wanted(foreseen), counts[0] if counts else (), strict=False))
    rungs, dated = outlook.ladder.for_grade(outlook.grade), {step.rung.number for step in outlook.steps}
    return Promises(
        coming,
        {teller: int(people.get(AUDIENCES[teller], 0)) for teller in speaking},
        tuple(rung for rung in rungs if rung.number not in dated),
        len(outlook.ladder.rungs) - len(rungs),
        row if unit else None,
        tuple(ladder[0]),
        tuple(Pinned(*row) for row in pinned),
    )


def _pinned(task_id: int) -> Select[Any]:
    """The dispatches of a task, newest first, each with its ladder."""
    return (
        select(Batch.id, Batch.dispatched_at, Batch.items, LadderVersion.id, LadderVersion.name, LadderVersion.version)
        .join(LadderVersion, LadderVersion.id == func.coalesce(Batch.ladder_id, 1))
        .where(Batch.task_id == task_id)
        .order_by(Batch.id.desc())
        .limit(20)
    )


def ladder_of(batch_id: int) -> tuple[int, str, int]:
    """The ladder that a dispatch goes by: its id, name and version. One statement."""
    found = select(func.coalesce(Batch.ladder_id, 1)).where(Batch.id == batch_id).scalar_subquery()
    return db.session.execute(_version(found)).tuples().one()


def _version(ladder_id: Any) -> Select[tuple[int, str, int]]:
    columns = (LadderVersion.id, LadderVersion.name, LadderVersion.version)
    return select(*columns).where(LadderVersion.id == ladder_id)


def _example(receives: ColumnElement[bool], unit_id: int | None) -> Select[Any]:
    """The unit asked for, or the first in the order of the tree."""
    asked = true() if unit_id is None else Unit.id == unit_id
    first = select(Unit.id, Unit.name).where(receives, asked).order_by(Unit.lft, Unit.id).limit(1)
    return select(*first.subquery().c)  # cut before anything is numbered


def _told(receives: ColumnElement[bool], climb: Climb, wanted: Audience, stop: Level | None, today: date) -> Any:
    """How many people hold the posts that such a rung tells, vacant ones passed over; 0 where it is nobody yet."""
    if wanted.from_reviewer:
        return literal(0)  # nothing is submitted yet
    held = select(Post.person_id.label("id")).where(Post.role.in_(wanted.roles), holds_on(today))
    lent = select(Delegation.delegate_id.label("id")).join(Post, stands_in_on(today)).where(Post.role.in_(wanted.roles))
    if wanted.steps:
        units = _above(climb, wanted, stop, today)
        people = union(held.where(Post.unit_id.in_(units)), lent.where(Post.unit_id.in_(units))).subquery()
    else:  # who stands in is found from the few delegations, and not from every unit
        here = select(Unit.id).where(receives)
        there = here.where(Unit.id == Post.unit_id).correlate(Post).exists()
        people = union(held.where(Post.unit_id.in_(here)), lent.where(there)).subquery()
    count = select(func.count()).select_from(people).join(Person, Person.id == people.c.id)
    return count.correlate(None).scalar_subquery()


def _above(climb: Climb, wanted: Audience, stop: Level | None, today: date) -> Select[Any]:
    """The nearest units at least so many above, each with somebody in one of these roles: climbed set by set."""
    edges, acting = climb.edges, climb.acting(wanted.roles, today)
    climbing = select(climb.parents.c.id, literal(1).label("steps")).cte(recursive=True)
    answered = and_(climbing.c.steps >= wanted.steps, climbing.c.id.in_(select(acting.c.unit_id)))
    climbing = climbing.union(
        select(edges.c.superior_id, climbing.c.steps + 1)
        .join(climbing, climbing.c.id == edges.c.id)
        .where(edges.c.superior_id.is_not(None), climbing.c.steps < MOST_STEPS, not_(answered))
    )
    reached = select(climbing.c.id).where(climbing.c.steps >= wanted.steps)
    found = select(edges.c.id).where(edges.c.id.in_(reached), edges.c.id.in_(select(acting.c.unit_id)))
    return found if stop is None else found.where(edges.c.level >= stop)
