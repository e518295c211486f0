"""Before a task is dispatched: which units it would reach, how loaded they are, and what would not work there.

One statement, and another one where posts are vacant, however many units there are. The units are those that
`operations/issuing.dispatch` takes; a test holds the two together.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal, not_, or_, select
from sqlalchemy.orm import aliased

from ..clock import local_today
from ..db import db
from ..models import Area, Assignment, Person, Post, TaskLine, TaskUnit, Unit
from ..models.gathering import gathered
from ..rules.organisation import Level, Role
from ..rules.states import OPEN
from .campaigns import Head, TaskFact

PAGE = 50
MOST_NAMED = 8


@dataclass(frozen=True)
class Receiver:
    """A unit that would receive the task. `load`: its open assignments now; `has`: it has this task already."""

    id: int
    name: str
    level: Level
    lft: int
    load: int
    has: bool
    officer: str | None


@dataclass(frozen=True)
class Share:
    """How many units of a level lie in one area below the issuing one; no area: in the issuing area itself."""

    area: str | None
    level: Level
    n: int


@dataclass(frozen=True)
class Named:
    """A few units by name, and how many there are in all."""

    units: tuple[tuple[int, str, int], ...]
    n: int


@dataclass(frozen=True)
class Preview:
    """What a dispatch would do now. `units` would have the task; `new` of them have it not yet; `people` are told."""

    units: int
    new: int
    open: int
    people: int
    vacant: int
    shares: tuple[Share, ...]
    loaded: tuple[tuple[int, str, int], ...]
    without_officer: Named
    without_supervisor: Named
    page: tuple[Receiver, ...]
    next: str

    @property
    def average(self) -> float:
        """Open assignments per unit."""
        return self.open / self.units if self.units else 0.0

    @property
    def full(self) -> int:
        """The scale of the bars: the most loaded unit with this task added."""
        return max([1, *(load + 1 for _, _, load in self.loaded)])


def preview(head: Head, task: TaskFact, *, now: datetime, after: str = "") -> Preview:
    """What a dispatch of this task would do at that instant; `after` is the key of the page before."""
    today = local_today(now)
    receives = receivers(head, task, today)
    found = gathered(
        _totals(receives, task.id, today), _page(receives, task.id, today, after), _shares(head, task, receives),
        _loaded(receives), _unsupervised(head, task, receives, today),
    )  # fmt: skip
    (totals,), rows, shares, loaded, unsupervised = found
    page = tuple(Receiver(*row) for row in rows[:PAGE])
    return Preview(
        units=totals.units,
        new=totals.units - totals.has,
        open=totals.open,
        people=totals.people,
        vacant=totals.units - totals.staffed,
        shares=tuple(Share(row[0], Level(row[1]), row[2]) for row in shares if row[2]),
        loaded=tuple((row[0], row[1], row[2]) for row in loaded),
        without_officer=_without_officer(receives, today, totals.units - totals.staffed),
        without_supervisor=_named(unsupervised, unsupervised[0].n if unsupervised else 0),
        page=page,
        next=f"{page[-1].lft}-{page[-1].id}" if len(rows) > PAGE else "",
    )


def receivers(head: Head, task: TaskFact, today: date) -> ColumnElement[bool]:
    """A clause over Unit: the units that a dispatch would reach."""
    valid = and_(
        or_(Unit.valid_from.is_(None), Unit.valid_from <= today), or_(Unit.valid_to.is_(None), Unit.valid_to >= today)
    )
    if task.named:
        return and_(Unit.id.in_(select(TaskUnit.unit_id).where(TaskUnit.task_id == task.id)), valid)
    lines = select(TaskLine.line).where(TaskLine.task_id == task.id)
    level = Unit.level == task.receiving_level
    return and_(Unit.line.in_(lines), level, Unit.lft.between(head.lft, head.rgt), valid)


def _holder(role: Role, today: date) -> Select[Any]:
    """The people who hold that role in Unit on that day; narrow it or add columns as needed."""
    return (
        select(Person.name)
        .join(Post, Post.person_id == Person.id)
        .where(
            Post.unit_id == Unit.id,
            Post.role == role,
            Post.disabled_at.is_(None),
            Post.valid_from <= today,
            or_(Post.valid_to.is_(None), Post.valid_to >= today),
            Person.disabled_at.is_(None),
        )
        .correlate(Unit)
    )


def _open() -> Any:
    """How many open assignments Unit has."""
    return (
        select(func.count(Assignment.id))
        .where(Assignment.unit_id == Unit.id, Assignment.state.in_(OPEN))
        .correlate(Unit)
        .scalar_subquery()
    )


def has_task(task_id: int) -> ColumnElement[bool]:
    """A clause over Unit: it has that task already."""
    found = select(Assignment.id).where(Assignment.task_id == task_id, Assignment.unit_id == Unit.id)
    return exists(found.correlate(Unit))


def _totals(receives: ColumnElement[bool], task_id: int, today: date) -> Select[Any]:
    """Every number by a join of its own over whole sets: asking unit by unit is slow on PostgreSQL."""
    officers = (
        select(Post.id)
        .join(Unit, Unit.id == Post.unit_id)
        .join(Person, Person.id == Post.person_id)
        .where(
            receives,
            Post.role == Role.OFFICER,
            Post.disabled_at.is_(None),
            Post.valid_from <= today,
            or_(Post.valid_to.is_(None), Post.valid_to >= today),
            Person.disabled_at.is_(None),
        )
    )
    given = select(Assignment.id).join(Unit, Unit.id == Assignment.unit_id).where(receives)
    had = given.where(Assignment.task_id == task_id)
    parts = {
        "units": select(func.count(Unit.id)).where(receives),
        "has": had.with_only_columns(func.count(Assignment.unit_id.distinct())),
        "open": given.where(Assignment.state.in_(OPEN)).with_only_columns(func.count(Assignment.id)),
        "staffed": officers.with_only_columns(func.count(Post.unit_id.distinct())),
        "people": officers.where(not_(has_task(task_id))).with_only_columns(func.count(Post.person_id.distinct())),
    }
    return select(*(part.correlate(None).scalar_subquery().label(name) for name, part in parts.items()))


def _shares(head: Head, task: TaskFact, receives: ColumnElement[bool]) -> Select[Any]:
    """Per area right below the issuing one; what lies in the issuing area itself stands first.

    A level is counted by one stretch of the index for each area below. Named units are few, and of any level.
    """
    below = aliased(Area)
    inside = Unit.lft.between(below.lft, below.rgt)
    if task.receiving_level is not None and not task.named:
        n = select(func.count(Unit.id)).where(receives, inside).correlate(below).scalar_subquery().label("n")
        level = literal(int(task.receiving_level)).label("level")
        return select(below.name, level, n).where(below.parent_id == head.area_id).order_by(below.lft)
    return (
        select(below.name, Unit.level, func.count(Unit.id).label("n"))
        .select_from(Unit)
        .outerjoin(below, and_(below.parent_id == head.area_id, inside))
        .where(receives)
        .group_by(below.id, below.name, below.lft, Unit.level)
        .order_by(func.coalesce(below.lft, literal(0)), Unit.level)
    )


def _loaded(receives: ColumnElement[bool]) -> Select[Any]:
    """The units with the most open assignments: id, name and how many."""
    load = func.count(Assignment.id)
    few = (
        select(Unit.id, Unit.name, load.label("load"))
        .join(Assignment, and_(Assignment.unit_id == Unit.id, Assignment.state.in_(OPEN)))
        .where(receives)
        .group_by(Unit.id, Unit.name)
        .order_by(load.desc(), Unit.id)
        .limit(3)
        .subquery()
    )
    return select(*few.c).order_by(few.c.load.desc(), few.c.id)


def _page(receives: ColumnElement[bool], task_id: int, today: date, after: str) -> Select[Any]:
    """Fifty units in the order of the tree, and one more where there are more."""
    officer = _holder(Role.OFFICER, today).order_by(Post.id).limit(1).scalar_subquery()
    query = select(
        Unit.id, Unit.name, Unit.level, Unit.lft, _open().label("load"), has_task(task_id).label("has"),
        officer.label("officer"),
    ).where(receives)  # fmt: skip
    edge = [int(part) for part in after.split("-") if part.isdecimal() and len(part) < 19]
    if len(edge) == 2:
        query = query.where(or_(Unit.lft > edge[0], and_(Unit.lft == edge[0], Unit.id > edge[1])))
    few = query.order_by(Unit.lft, Unit.id).limit(PAGE + 1).subquery()  # cut before anything is numbered
    return select(*few.c).order_by(few.c.lft, few.c.id)


def _without_officer(receives: ColumnElement[bool], today: date, n: int) -> Named:
    """So many are without one. They are looked for only where there are any: else that would be every unit."""
    if not n:
        return Named((), 0)
    vacant = (
        select(Unit.id, Unit.name, Unit.lft)
        .where(receives, not_(exists(_holder(Role.OFFICER, today))))
        .order_by(Unit.lft, Unit.id)
        .limit(MOST_NAMED)
    )
    return _named(db.session.execute(vacant), n)


def _named(rows: Iterable[Any], n: int) -> Named:
    return Named(tuple((row[0], row[1], row[2]) for row in rows), n)


def _unsupervised(head: Head, task: TaskFact, receives: ColumnElement[bool], today: date) -> Select[Any]:
    """The units of the review chains that have no supervisor; the same law as `rules/chain.py`, for all receivers."""
    first = select(Unit.superior_id.label("id")).where(receives, Unit.superior_id.is_not(None)).distinct()
    chain = first.cte("chain", recursive=True)
    here = aliased(Unit)
    inside = and_(here.id != head.issuing_unit_id, here.lft.between(head.lft, head.rgt))
    chain = chain.union(
        select(here.superior_id).join(chain, chain.c.id == here.id).where(inside, here.superior_id.is_not(None))
    )
    between = and_(
        Unit.id.in_(select(chain.c.id)), Unit.id != head.issuing_unit_id, Unit.lft.between(head.lft, head.rgt)
    )
    levels = [int(part) for part in task.review_levels.split(",") if part]
    reviews = or_(between, Unit.id == head.issuing_unit_id)
    if levels:
        reviews = and_(reviews, Unit.level.in_(levels))
    few = (
        select(Unit.id, Unit.name, Unit.lft, func.count().over().label("n"))
        .where(reviews, not_(exists(_holder(Role.SUPERVISOR, today))))
        .order_by(Unit.lft, Unit.id)
        .limit(MOST_NAMED)
        .subquery()
    )
    return select(*few.c).order_by(few.c.lft, few.c.id)
