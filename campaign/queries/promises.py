"""Before a dispatch: what will be sent to how many people and when, and who they would be for one of the units.

The rungs are foreseen as the sweep will decide them if nothing is done; a test holds the page and the clock together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, not_, or_, select, union
from sqlalchemy.orm import aliased

from ..clock import local_today
from ..db import db
from ..models import Batch, Delegation, LadderVersion, Person, Post, Unit
from ..models.gathering import gathered
from ..models.organisation import holds_on, manned_on, stands_in_on
from ..models.outlook import Outlook
from ..rules.foreseeing import Armed, foresee
from ..rules.ladder import AUDIENCES, Rung, Teller, first_step
from ..rules.organisation import Level, Role
from ..rules.states import State
from .campaigns import Head, TaskFact
from .outlook import Coming, told
from .preview import has_task, receivers

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


def promises(
    head: Head, task: TaskFact, outlook: Outlook, *, unit_id: int | None, issued_at: datetime, now: datetime
) -> Promises:
    """What a dispatch at `issued_at` promises to the units that do not have the task yet.

    `unit_id`: the unit to name people of; None, or one that receives nothing, for the first. Five statements.
    """
    today = local_today(now)
    receives = and_(receivers(head, task, today), not_(has_task(task.id)))
    ladder_id = outlook.ladder.id
    units, pinned, ladder = gathered(_example(receives, unit_id), _pinned(task.id), _version(literal(ladder_id)))
    example = Example(0, units[0].id, units[0].name, ladder_id=ladder_id) if units else None
    first = first_step(outlook.steps, issued_at)
    timers = [] if first is None else [Armed(max(first[1].when, issued_at), first[0])]
    foreseen = foresee(outlook.steps, State.ISSUED, outlook.behind_at, timers)
    row = example or Example(0, 0, "", ladder_id=ladder_id)
    coming = told(foreseen, row, now=now)
    speaking = {teller for each in coming if not each.overtaken for teller in each.rung.tells}
    rungs, dated = outlook.ladder.for_grade(outlook.grade), {step.rung.number for step in outlook.steps}
    return Promises(
        coming,
        _people(receives, sorted(speaking), outlook.ladder.stop_level, today),
        tuple(rung for rung in rungs if rung.number not in dated),
        len(outlook.ladder.rungs) - len(rungs),
        example,
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
    """The unit asked for, else the first in the order of the tree."""
    asked = Unit.id != (unit_id or 0)
    first = select(Unit.id, Unit.name).where(receives).order_by(asked, Unit.lft, Unit.id).limit(1)
    return select(*first.subquery().c)  # cut before anything is numbered


def _people(
    receives: ColumnElement[bool], tellers: Sequence[Teller], stop: Level | None, today: date
) -> dict[Teller, int]:
    """How many people each of these kinds of addressee has, for all the units together. One statement."""
    asked = {teller: _told(receives, teller, stop, today) for teller in tellers}
    counts = {teller: count.scalar_subquery() for teller, count in asked.items() if count is not None}
    row = db.session.execute(select(*counts.values())).one() if counts else ()
    return dict.fromkeys(tellers, 0) | dict(zip(counts, map(int, row), strict=True))


def _told(receives: ColumnElement[bool], teller: Teller, stop: Level | None, today: date) -> Select[Any] | None:
    """How many people hold the posts that such a rung tells, vacant ones passed over; None where it is nobody yet."""
    wanted = AUDIENCES[teller]
    if wanted.from_reviewer:
        return None  # nothing is submitted yet
    units = (
        select(Unit.id).where(receives) if wanted.steps == 0 else _above(receives, wanted.steps, wanted.roles, today)
    )
    if wanted.steps and stop is not None:
        units = units.where(Unit.level >= stop)
    posts = Post.unit_id.in_(units), Post.role.in_(wanted.roles)
    people = union(
        select(Post.person_id.label("id")).where(*posts, holds_on(today)),
        select(Delegation.delegate_id.label("id")).join(Post, stands_in_on(today)).where(*posts),
    ).subquery()
    return select(func.count()).select_from(people).join(Person, Person.id == people.c.id)


def _above(receives: ColumnElement[bool], steps: int, roles: Sequence[Role], today: date) -> Select[Any]:
    """The nearest units at least so many above, each with somebody in one of these roles: climbed set by set, so that
    half a million villages are a few thousand townships after the first step."""
    first = select(Unit.superior_id.label("id"), literal(1).label("steps"))
    climbing = (
        first.where(receives, Unit.superior_id.is_not(None)).distinct().cte(recursive=True)
    )  # anonymous: one statement counts several kinds
    here = aliased(Unit)
    answered = and_(climbing.c.steps >= steps, _held(climbing.c.id, roles, today))
    climbing = climbing.union(
        select(here.superior_id, climbing.c.steps + 1)
        .join(climbing, climbing.c.id == here.id)
        .where(here.superior_id.is_not(None), climbing.c.steps < MOST_STEPS, not_(answered))
    )
    reached = select(climbing.c.id).where(climbing.c.steps >= steps)
    return select(Unit.id).where(Unit.id.in_(reached), _held(Unit.id, roles, today))


def _held(unit_id: Any, roles: Sequence[Role], today: date) -> ColumnElement[bool]:
    """Whether anybody acts there, as the clock asks it: a post whose holder's account is closed is vacant."""
    return or_(*(manned_on(unit_id, role, today) for role in roles))
