"""Before a task is dispatched: which units it would reach, how loaded they are, and what would not work there.

Asked together with the rest of the page by `queries/before_dispatch.py`. The units are those that
`operations/issuing.dispatch` takes; a test holds the two together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    and_,
    case,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    union,
)
from sqlalchemy.orm import aliased

from ..models import Area, Assignment, Person, Post, TaskUnit, Unit
from ..models.organisation import holds_on
from ..rules.organisation import Level, Role
from ..rules.states import WITH_OFFICER
from .campaigns import Head, TaskFact
from .climb import Climb

PAGE = 50
MOST_NAMED = 8


@dataclass(frozen=True)
class Receiver:
    """A unit that would receive the task. `load`: how many assignments wait for it; `has`: it has this one already."""

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


def asks(head: Head, task: TaskFact, *, today: date, after: str = "") -> tuple[Select[Any], ...]:
    """What `preview_from` reads, for one trip; `after` is the key of the page before."""
    receives = receivers(head, task, today)
    loads, page = _loads(receives), page_of(receives, task.id, today, after)
    return _totals(receives, task, loads, today), page, _shares(head, task, receives), _loaded(loads)


def named_asks(head: Head, task: TaskFact, climb: Climb, found: Preview, *, today: date) -> tuple[Select[Any], ...]:
    """What `with_names` reads: the units of the review chains without a supervisor, and those without an officer. These
    are looked for only where there are any: else that would be every unit."""
    none = select(Unit.id, Unit.name, Unit.lft).where(false())
    vacant = _without_officer(receivers(head, task, today), today) if found.vacant else none
    return _unsupervised(head, task, climb, today), vacant


def preview_from(rows: Sequence[Sequence[Any]]) -> Preview:
    """The preview from the rows of `asks`, without the names of the vacancies."""
    (totals,), listed, shares, loaded = rows
    page = tuple(Receiver(*row) for row in listed[:PAGE])
    return Preview(
        units=totals.units,
        new=totals.units - totals.has,
        open=int(totals.open),
        people=totals.people,
        vacant=totals.units - totals.staffed,
        shares=tuple(Share(row[0], Level(row[1]), row[2]) for row in shares if row[2]),
        loaded=tuple((row[0], row[1], row[2]) for row in loaded),
        without_officer=Named((), totals.units - totals.staffed),
        without_supervisor=Named((), 0),
        page=page,
        next=f"{page[-1].lft}-{page[-1].id}" if len(listed) > PAGE else "",
    )


def with_names(found: Preview, unsupervised: Sequence[Any], vacant: Sequence[Any]) -> Preview:
    """The same with the vacancies by name, from the rows of `named_asks`."""
    return replace(
        found,
        without_supervisor=_named(unsupervised, unsupervised[0].n if unsupervised else 0),
        without_officer=_named(vacant, found.vacant),
    )


def receivers(head: Head, task: TaskFact, today: date) -> ColumnElement[bool]:
    """A clause over Unit: the units that a dispatch would reach."""
    valid = and_(
        or_(Unit.valid_from.is_(None), Unit.valid_from <= today), or_(Unit.valid_to.is_(None), Unit.valid_to >= today)
    )
    if task.named:
        return and_(Unit.id.in_(select(TaskUnit.unit_id).where(TaskUnit.task_id == task.id)), valid)
    # In the text of the statement: planned for any stretch, PostgreSQL would take the nation for a village.
    first, last = (literal(edge, literal_execute=True) for edge in (head.lft, head.rgt))
    return and_(Unit.line.in_(task.lines), Unit.level == task.receiving_level, Unit.lft.between(first, last), valid)


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
    """How many assignments wait for Unit, as its own page counts them: what waits for a decision is off its desk."""
    return (
        select(func.count(Assignment.id))
        .where(Assignment.unit_id == Unit.id, Assignment.state.in_(WITH_OFFICER))
        .correlate(Unit)
        .scalar_subquery()
    )


def has_task(task_id: int) -> ColumnElement[bool]:
    """A clause over Unit: it has that task already."""
    found = select(Assignment.id).where(Assignment.task_id == task_id, Assignment.unit_id == Unit.id)
    return exists(found.correlate(Unit))


def _totals(receives: ColumnElement[bool], task: TaskFact, loads: CTE, today: date) -> Select[Any]:
    """Every number by a join of its own over whole sets: asking unit by unit is slow on PostgreSQL."""
    told = case((not_(has_task(task.id)), Post.person_id)) if task.batches else Post.person_id
    staffed, people = func.count(Post.unit_id.distinct()), func.count(told.distinct())
    officers = (
        select(staffed.label("staffed"), people.label("people"))
        .select_from(Post)
        .join(Unit, Unit.id == Post.unit_id)
        .join(Person, Person.id == Post.person_id)
        .where(receives, Post.role == Role.OFFICER, holds_on(today), Person.disabled_at.is_(None))
        .subquery()
    )
    had = select(func.count(Assignment.unit_id.distinct())).join(Unit, Unit.id == Assignment.unit_id)
    parts: dict[str, Select[Any]] = {
        "units": select(func.count(Unit.id)).where(receives),
        "has": had.where(receives, Assignment.task_id == task.id) if task.batches else select(literal(0)),
        "open": select(func.coalesce(func.sum(loads.c.load), 0)),
    }
    counts = (part.correlate(None).scalar_subquery().label(name) for name, part in parts.items())
    return select(*counts, *officers.c).select_from(officers)


def _loads(receives: ColumnElement[bool]) -> CTE:
    """How many assignments wait for each of the units that have any."""
    waiting = (
        select(Assignment.unit_id, func.count().label("load"))
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(receives, Assignment.state.in_(WITH_OFFICER))
    )
    return waiting.group_by(Assignment.unit_id).cte("loads")


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


def _loaded(loads: CTE) -> Select[Any]:
    """The units with the most open assignments: id, name and how many."""
    most = select(*loads.c).order_by(loads.c.load.desc(), loads.c.unit_id).limit(3).subquery()
    few = select(Unit.id, Unit.name, most.c.load).join(most, most.c.unit_id == Unit.id)
    return few.order_by(most.c.load.desc(), Unit.id)


def page_of(receives: ColumnElement[bool], task_id: int, today: date, after: str) -> Select[Any]:
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


def _without_officer(receives: ColumnElement[bool], today: date) -> Select[Any]:
    few = (
        select(Unit.id, Unit.name, Unit.lft)
        .where(receives, not_(exists(_holder(Role.OFFICER, today))))
        .order_by(Unit.lft, Unit.id)
        .limit(MOST_NAMED)
        .subquery()
    )
    return select(*few.c).order_by(few.c.lft, few.c.id)


def _named(rows: Iterable[Any], n: int) -> Named:
    return Named(tuple((row[0], row[1], row[2]) for row in rows), n)


def _unsupervised(head: Head, task: TaskFact, climb: Climb, today: date) -> Select[Any]:
    """The units of the review chains that have no supervisor; the same law as `rules/chain.py`, for all receivers."""
    here = climb.edges
    inside = here.c.lft.between(head.lft, head.rgt)
    chain = select(climb.parents.c.id).cte(recursive=True)
    chain = chain.union(
        select(here.c.superior_id)
        .join(chain, chain.c.id == here.c.id)
        .where(here.c.id != head.issuing_unit_id, inside, here.c.superior_id.is_not(None))
    )
    between = select(here.c.id).where(here.c.id.in_(select(chain.c.id)), inside)
    reviewing = union(between, select(literal(head.issuing_unit_id, Unit.id.type))).subquery()
    levels = [int(part) for part in task.review_levels.split(",") if part]
    few = (
        select(Unit.id, Unit.name, Unit.lft, func.count().over().label("n"))
        .join(reviewing, reviewing.c.id == Unit.id)
        .where(Unit.level.in_(levels) if levels else true(), not_(exists(_holder(Role.SUPERVISOR, today))))
        .order_by(Unit.lft, Unit.id)
        .limit(MOST_NAMED)
        .subquery()
    )
    return select(*few.c).order_by(few.c.lft, few.c.id)
