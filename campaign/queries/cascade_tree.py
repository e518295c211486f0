"""The tree of a target: what each unit was given, who split it further, how, and whether it grew on the way down.

A fixed number of statements for each page, whatever the size of the tree and its depth.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    type_coerce,
    union,
)
from sqlalchemy.orm import aliased

from ..db import Exact, db
from ..models import (
    Allocation,
    AllocationTotal,
    Assignment,
    Campaign,
    Metric,
    Person,
    Share,
    Target,
    Task,
    TaskLine,
    TaskUnit,
    Unit,
)
from ..models.following import Following
from ..models.goals import own_target
from ..models.organisation import acted_for
from ..models.splits import granted_since, handed_back, in_force
from ..rules.organisation import Actor, Level, Line
from ..rules.splitting import Sum
from ..rules.states import NOT_ASKED, State
from ..rules.targets import Method, Quota
from .scope import around, visible_assignments

PAGE = 50
MOST_COUNTED = 10_000
CHUNK = 1_000
_NO_MORE = literal(Decimal(0), Exact())


@dataclass(frozen=True)
class Node:
    """One unit with its target, and how it was split further. `version`: 0 where it was not. `pieces`: the units below
    that have a part; `given`: their figures together. A part whose unit is asked no more is in neither. `granted`: what
    of that decisions on their requests added since, or took away. `below`: of a quota per person, what those to whom it
    was handed on must reach together. `request_id`: a decision on that request set its target. Without an assignment
    (before the dispatch) `id` is None."""

    id: int | None
    unit_id: int
    unit: str
    line: Line
    area_id: int
    level: Level
    lft: int
    state: State | None
    target: Decimal | None
    version: int
    method: Method | None
    at: datetime | None
    who: str | None
    holder: str | None
    reason: str
    pieces: int
    given: Decimal | None
    reserve: Decimal | None
    granted: Decimal | None = None
    below: Decimal | None = None
    above: str | None = None
    request_id: int | None = None

    @property
    def sum(self) -> Sum | None:
        """How its parts stand to it; None where nothing was split as a figure."""
        return None if self.given is None else Sum(self.target, self.given, self.reserve or Decimal(0))

    @property
    def growth(self) -> Decimal | None:
        """By how many percent more was asked below."""
        return None if self.sum is None else self.sum.growth


NODE = tuple(field.name for field in fields(Node))


@dataclass(frozen=True)
class Heads:
    """A quota per person, over all units that received the task from its issuer: what follows from it together, and of
    how many units the register knows no number."""

    total: Decimal
    uncounted: int


@dataclass(frozen=True)
class Stage:
    """One level of the tree: the node itself (of the task None where its issuer did not split it), the way to it, a
    page of its children. `heads`: of the task, where so much is asked per person."""

    node: Node | None
    path: tuple[tuple[int, str], ...]
    rows: tuple[Node, ...]
    total: int
    grown: int
    next: str
    heads: Heads | None = None


@dataclass(frozen=True)
class Measured:
    """A task and its figures, in their order; `lines`: of the units that receive it."""

    task_id: int
    campaign_id: int
    title: str
    metrics: tuple[Metric, ...]
    lines: tuple[Line, ...] = ()


def measured(task_id: int) -> Measured | None:
    """The task with its figures; None where there is none."""
    named = select(Unit.line).join(TaskUnit, TaskUnit.unit_id == Unit.id).where(TaskUnit.task_id == task_id)
    asked = union(select(TaskLine.line).where(TaskLine.task_id == task_id), named).subquery()
    codes = select(func.aggregate_strings(cast(type_coerce(asked.c.line, BigInteger), String), ",")).scalar_subquery()
    rows = db.session.execute(
        select(Task.campaign_id, Task.title, Metric, codes.label("lines"))
        .outerjoin(Metric, Metric.task_id == Task.id)
        .where(Task.id == task_id)
        .order_by(Metric.position)
    ).all()
    if not rows:
        return None
    lines = tuple(Line(int(code)) for code in (rows[0].lines or "").split(",") if code)
    metrics = tuple(row.Metric for row in rows if row.Metric)
    return Measured(task_id, rows[0].campaign_id, rows[0].title, metrics, lines)


def level_of(
    task_id: int, metric: Metric, *, actor: Actor, parent_id: int | None = None, grown: bool = False, after: str = ""
) -> Stage | None:
    """The parts of one assignment, or of the task, that the actor sees; None where the actor does not see the
    assignment. `grown`: of the whole tree those that ask more below than was asked of them. Two statements, or three
    before the dispatch."""
    here = _grew(task_id, metric) if grown else (Assignment.parent_id == parent_id if parent_id else _top())
    if not (grown or parent_id):
        here = and_(here, around(actor, task_id))
    found = [
        Node(**row) for row in db.session.execute(_page(task_id, metric, actor, here, parent_id, after)).mappings()
    ]
    node = next((each for each in found if each.id == parent_id), None) if parent_id is not None else None
    if parent_id is not None and node is None:
        return None
    rows = [each for each in found if parent_id is None or each.id != parent_id]
    counts = _counts(task_id, metric, actor, here)
    if parent_id is None:
        node, total, grew, heads = _root(task_id, metric, counts)
        path: tuple[tuple[int, str], ...] = ()
        if not rows and not grown and not after:
            rows = _planned(task_id, metric)
    else:
        path, total, grew = _path(parent_id, actor, counts)
        heads = None
    page = tuple(rows[:PAGE])
    following = f"{page[-1].lft}-{page[-1].unit_id}" if len(rows) > PAGE else ""
    return Stage(node, path, page, total or len(rows), grew, following, heads)


def _page(
    task_id: int, metric: Metric, actor: Actor, here: ColumnElement[bool], parent_id: int | None, after: str
) -> Select[Any]:
    """The rows of a page, and with them the node itself: it lies before everything below it."""
    edge = [int(part) for part in after.split("-") if part.isdecimal() and len(part) < 19]
    if len(edge) == 2:
        here = and_(here, or_(Unit.lft > edge[0], and_(Unit.lft == edge[0], Unit.id > edge[1])))
    if parent_id is not None:
        here = or_(Assignment.id == parent_id, here)
    first = () if parent_id is None else (Assignment.id != parent_id,)
    return _nodes(task_id, metric, actor).where(here).order_by(*first, Unit.lft, Unit.id).limit(PAGE + 2)


def everything(task_id: int, metric: Metric, *, actor: Actor) -> Iterator[Node]:
    """Every node of the tree that the actor sees, in the order of the areas, for an export."""
    query = _nodes(task_id, metric, actor).where(around(actor, task_id))
    query = query.order_by(Unit.lft, Unit.line, Assignment.id)
    for row in db.session.execute(query.execution_options(yield_per=CHUNK)).mappings():
        yield Node(**row)


def _split_columns(metric_id: int) -> tuple[Any, ...]:
    """What is known of the split of a row of Allocation that may be missing."""
    of_it = and_(Share.allocation_id == Allocation.id, ~handed_back(Allocation.parent_id, Allocation.task_id))
    units = select(func.count(Share.unit_id.distinct())).where(of_it).correlate(Allocation)
    given, granted = _held(metric_id), granted_since(metric_id)
    return (
        func.coalesce(Allocation.version, 0).label("version"), Allocation.method, Allocation.at,
        Person.name.label("who"), acted_for(Allocation.post_id, Allocation.person_id).label("holder"),
        func.coalesce(Allocation.reason, "").label("reason"), units.scalar_subquery().label("pieces"),
        type_coerce(given + func.coalesce(granted, _NO_MORE), Exact()).label("given"),
        AllocationTotal.reserve, granted.label("granted"),
    )  # fmt: skip


def _held(metric_id: int) -> ColumnElement[Decimal]:
    """Over Allocation: what it gave together; a part whose unit is asked no more is 0. NULL where it gave nothing."""
    gone = handed_back(Allocation.parent_id, Allocation.task_id)
    figures = select(func.sum(case((gone, _NO_MORE), else_=Share.value), type_=Exact()))
    figures = figures.where(Share.allocation_id == Allocation.id, Share.metric_id == metric_id)
    return figures.correlate(Allocation).scalar_subquery()


def _total(metric_id: int) -> ColumnElement[bool]:
    return and_(AllocationTotal.allocation_id == Allocation.id, AllocationTotal.metric_id == metric_id)


def _of_task(task_id: int) -> ColumnElement[bool]:
    """The units lead, or the assignment above: the task may have every unit of the country."""
    return Following(Assignment.task_id) == task_id


def _top() -> ColumnElement[bool]:
    return Assignment.parent_id.is_(None)


def _nodes(task_id: int, metric: Metric, actor: Actor) -> Select[Any]:
    parent, upper = aliased(Assignment), aliased(Unit)
    return (
        select(
            Assignment.id, Unit.id.label("unit_id"), Unit.name.label("unit"), Unit.line, Unit.area_id, Unit.level,
            Unit.lft, Assignment.state,
            own_target().label("target"), *_split_columns(metric.id), upper.name.label("above"),
            Target.request_id, (_below() if metric.quota is Quota.PER_PERSON else null()).label("below"),
        )
        .select_from(Assignment)
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Metric, Metric.id == metric.id)
        .outerjoin(Target, _of(metric.id))
        .outerjoin(Allocation, and_(Allocation.parent_id == Assignment.id, in_force()))
        .outerjoin(AllocationTotal, _total(metric.id))
        .outerjoin(Person, Person.id == Allocation.person_id)
        .outerjoin(parent, parent.id == Assignment.parent_id)
        .outerjoin(upper, upper.id == parent.unit_id)
        .where(_of_task(task_id), visible_assignments(actor))
    )  # fmt: skip


def _below() -> ColumnElement[Decimal]:
    """What the assignments below must reach together, NULL where there are none."""
    child, theirs = aliased(Assignment), aliased(Target)
    found = (
        select(func.sum(theirs.value, type_=Exact()))
        .join(child, child.id == theirs.assignment_id)
        .where(child.parent_id == Assignment.id, theirs.metric_id == Metric.id, child.state.not_in(NOT_ASKED))
    )
    return found.correlate(Assignment, Metric).scalar_subquery()


def _planned(task_id: int, metric: Metric) -> list[Node]:
    """What the issuer has split before the dispatch: units with their figures, no assignments yet."""
    rows = db.session.execute(
        select(Unit.id, Unit.name, Unit.line, Unit.area_id, Unit.level, Unit.lft, Share.value)
        .join(Allocation, Allocation.id == Share.allocation_id)
        .join(Unit, Unit.id == Share.unit_id)
        .where(Allocation.task_id == task_id, Allocation.parent_id.is_(None), in_force(), Share.metric_id == metric.id)
        .order_by(Unit.lft, Unit.id)
        .limit(PAGE)
    )
    nothing: dict[str, Any] = {
        "version": 0, "method": None, "at": None, "who": None, "holder": None, "reason": "", "pieces": 0,
        "given": None, "reserve": None,
    }  # fmt: skip
    return [
        Node(None, row.id, row.name, row.line, row.area_id, row.level, row.lft, None, row.value, **nothing)
        for row in rows
    ]


def _grew(task_id: int, metric: Metric) -> ColumnElement[bool]:
    """A clause over the columns of `_nodes`: the parts ask for more than was asked of it. Only what was split at all
    is looked at, which is little beside the assignments of a whole country."""
    split = select(Allocation.parent_id).where(Allocation.task_id == task_id, Allocation.parent_id.is_not(None))
    more = _held(metric.id) + func.coalesce(granted_since(metric.id), _NO_MORE) > own_target()
    return and_(Assignment.id.in_(split), more)


def _counts(task_id: int, metric: Metric, actor: Actor, here: ColumnElement[bool]) -> tuple[Any, Any]:
    """How many rows the list has, counted up to a limit, and in how many places of the tree the quota grew."""
    nodes = _nodes(task_id, metric, actor)
    listed = nodes.where(here).with_only_columns(Assignment.id).limit(MOST_COUNTED).subquery()
    total = select(func.count()).select_from(listed).scalar_subquery()
    grew = nodes.where(_grew(task_id, metric)).with_only_columns(func.count(Assignment.id)).scalar_subquery()
    return total.label("total"), grew.label("grown")


def _root(task_id: int, metric: Metric, counts: tuple[Any, Any]) -> tuple[Node | None, int, int, Heads | None]:
    """The task itself as its issuer split it, None where that was not done; with the counts, and what a quota per
    person comes to for all who received it. One statement."""
    alloc, unit = Allocation, aliased(Unit)
    split = (
        select(
            null().label("id"), unit.id.label("unit_id"), unit.name.label("unit"), unit.line, unit.area_id, unit.level,
            unit.lft, null().label("state"), Metric.target.label("target"), *_split_columns(metric.id),
        )
        .select_from(alloc)
        .join(Task, Task.id == alloc.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .join(unit, unit.id == Campaign.issuing_unit_id)
        .join(Metric, Metric.id == metric.id)
        .join(Person, Person.id == alloc.person_id)
        .outerjoin(AllocationTotal, _total(metric.id))
        .where(alloc.task_id == task_id, alloc.parent_id.is_(None), in_force())
        .subquery()
    )  # fmt: skip
    by_head: tuple[Any, ...] = ()
    if metric.quota is Quota.PER_PERSON:
        asked = and_(Assignment.task_id == task_id, _top(), Assignment.state.not_in(NOT_ASKED))
        targets = select(Assignment.id).outerjoin(Target, _of(metric.id)).where(asked)
        by_head = tuple(
            targets.with_only_columns(what).scalar_subquery().label(name)
            for name, what in (
                ("heads_total", func.sum(Target.value, type_=Exact())), ("received", func.count(Assignment.id)),
                ("counted", func.count(Target.value)),
            )
        )  # fmt: skip
    one = select(literal(1).label("one")).subquery()
    row = db.session.execute(
        select(*counts, *by_head, split).select_from(one.outerjoin(split, one.c.one == 1))
    ).mappings().one()  # fmt: skip
    heads = None
    if by_head and row["received"]:
        heads = Heads(row["heads_total"] or Decimal(0), row["received"] - row["counted"])
    node = None if row["unit_id"] is None else Node(**{name: row[name] for name in NODE if name in row})
    return node, int(row["total"] or 0), int(row["grown"] or 0), heads


def _of(metric_id: int) -> ColumnElement[bool]:
    return and_(Target.assignment_id == Assignment.id, Target.metric_id == metric_id)


def _path(parent_id: int, actor: Actor, counts: tuple[Any, Any]) -> tuple[tuple[tuple[int, str], ...], int, int]:
    """The assignments above that the actor sees, from the top, with that one last; and the counts. One statement."""
    start = select(
        Assignment.id, Assignment.parent_id, literal(0, BigInteger).label("steps")
    ).where(Assignment.id == parent_id).cte("way", recursive=True)  # fmt: skip
    upper = aliased(Assignment)
    way = start.union_all(
        select(upper.id, upper.parent_id, start.c.steps + 1).join(start, start.c.parent_id == upper.id)
    )
    rows = db.session.execute(
        select(Assignment.id, Unit.name, *counts)
        .join(way, way.c.id == Assignment.id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(visible_assignments(actor))
        .order_by(way.c.steps.desc())
    ).all()
    return tuple((row.id, row.name) for row in rows), int(rows[0].total or 0), int(rows[0].grown or 0)
