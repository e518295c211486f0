"""Campaigns for those who write and follow them: the list, one campaign with its tasks, and both as plans to edit."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, String, and_, cast, func, or_, select
from sqlalchemy.orm import aliased

from ..db import db
from ..models import (
    Area,
    Batch,
    Campaign,
    CampaignUnit,
    Occasion,
    Person,
    Phase,
    Task,
    TaskLine,
    TaskUnit,
    Unit,
)
from ..models.climbing import moved_since
from ..rules.calendars import DayKind, Roll
from ..rules.dates import CountsFrom, DueKind
from ..rules.former_tree import FormerTree, read_moves
from ..rules.organisation import Actor, Level, Line, Role
from ..rules.plans import CampaignStatus, Grade
from .board_figures import NOTHING_MOVED
from .campaign_parts import PlannedMetric, add_metrics
from .scope import visible_campaigns

PAGE = 30


class Sort(StrEnum):
    """The orders of the list."""

    NEWEST = "newest"
    OLDEST = "oldest"
    TITLE = "title"


@dataclass(frozen=True)
class Filters:
    """Which campaigns are wanted: in a status, with a text in title, number or issuing unit, of the reader's units."""

    status: CampaignStatus | None = None
    text: str = ""
    own: bool = False
    sort: Sort = Sort.NEWEST


@dataclass(frozen=True)
class Item:
    """One campaign of the list. `dispatched`: tasks that were; `items`: assignments they made."""

    id: int
    title: str
    number: str | None
    status: CampaignStatus
    issuer: str
    starts_on: date | None
    ends_on: date | None
    tasks: int
    dispatched: int
    items: int


@dataclass(frozen=True)
class Listing:
    """One page of the list; `counts` are of all statuses under the same other filters."""

    items: tuple[Item, ...]
    counts: dict[CampaignStatus, int]
    before: int | None
    after: int | None

    @property
    def every(self) -> int:
        """How many there are in all statuses."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class PhaseFact:
    """A phase."""

    name: str
    starts_on: date | None
    ends_on: date | None
    words: str


@dataclass(frozen=True)
class Head:
    """A campaign without its tasks. `writer`: the reader is a dispatcher of the issuing unit; `issuer`: or of a
    co-issuing one. `tree`: what moved since it was issued."""

    id: int
    key: str | None
    title: str
    number: str | None
    status: CampaignStatus
    version: int
    issuing_unit_id: int
    issuing_unit: str
    line: Line
    level: Level
    area_id: int
    lft: int
    rgt: int
    higher_id: int | None
    higher_title: str | None
    based_on: str
    theme: str
    ground: str
    starts_on: date | None
    ends_on: date | None
    author: str
    created_at: datetime
    issued_at: datetime | None
    co_issuers: tuple[tuple[int, str], ...] = ()
    writer: bool = False
    issuer: bool = False
    tree: FormerTree = NOTHING_MOVED


@dataclass(frozen=True)
class TaskFact:
    """A task. `named`: how many units it names; `items`: how many assignments were made of it."""

    id: int
    key: str | None
    title: str
    what: str
    why: str
    grade: Grade
    receiving_level: Level | None
    due_kind: DueKind
    due_on: date | None
    due_days: int | None
    respond_days: int | None
    grace_days: int | None
    review_levels: str
    min_characters: int
    review_days: int | None
    days: DayKind
    counts_from: CountsFrom
    roll: Roll
    occasion: str | None
    occasion_on: date | None
    rrule: str
    named: int
    batches: int
    items: int
    lines: tuple[Line, ...] = ()
    metrics: tuple[PlannedMetric, ...] = ()


@dataclass(frozen=True)
class Shown:
    """A campaign with everything that its page tells."""

    head: Head
    phases: tuple[PhaseFact, ...]
    tasks: tuple[TaskFact, ...] = field(default=())

    @property
    def dispatched(self) -> int:
        """How many of its tasks were dispatched."""
        return sum(1 for task in self.tasks if task.batches)


def listing(actor: Actor, filters: Filters, *, after: int | None = None, before: int | None = None) -> Listing:
    """One page of the campaigns this actor sees, after or before the campaign with that id in the chosen order."""
    chosen = and_(visible_campaigns(actor), *_wanted(actor, filters))
    counted = (
        select(Campaign.status, func.count())
        .select_from(Campaign)
        .join(Unit, Unit.id == Campaign.issuing_unit_id)
        .where(chosen)
        .group_by(Campaign.status)
    )
    counts = {CampaignStatus(status): n for status, n in db.session.execute(counted)}
    query = _items().where(chosen)
    if filters.status is not None:
        query = query.where(Campaign.status == filters.status)
    edge, backwards = (before, True) if before is not None else (after, False)
    if edge is not None:
        query = query.where(_beyond(filters.sort, edge, backwards))
    rows = [Item(*row) for row in db.session.execute(query.order_by(*_order(filters.sort, backwards)).limit(PAGE + 1))]
    more, rows = len(rows) > PAGE, rows[:PAGE]
    if backwards:
        rows.reverse()
    has_before = more if backwards else after is not None
    has_after = True if backwards else more
    return Listing(
        tuple(rows), counts, rows[0].id if rows and has_before else None, rows[-1].id if rows and has_after else None
    )


def everything(actor: Actor, filters: Filters) -> Iterator[Item]:
    """All campaigns of the list in its order, for an export; read page by page."""
    after = None
    while True:
        page = listing(actor, filters, after=after)
        yield from page.items
        if page.after is None:
            return
        after = page.after


def _items() -> Select[Any]:
    tasks = select(func.count()).where(Task.campaign_id == Campaign.id).scalar_subquery()
    batches = select(Batch).join(Task, Task.id == Batch.task_id).where(Task.campaign_id == Campaign.id)
    return select(
        Campaign.id, Campaign.title, Campaign.number, Campaign.status, Unit.name, Campaign.starts_on, Campaign.ends_on,
        tasks.label("tasks"),
        batches.with_only_columns(func.count(Batch.task_id.distinct())).scalar_subquery().label("dispatched"),
        batches.with_only_columns(_sum_of_items()).scalar_subquery().label("items"),
    ).join(Unit, Unit.id == Campaign.issuing_unit_id)  # fmt: skip


def _sum_of_items() -> ColumnElement[int]:
    """A plain number in both databases; PostgreSQL would give a decimal."""
    return func.coalesce(cast(func.sum(Batch.items), Integer), 0)


def _wanted(actor: Actor, filters: Filters) -> list[ColumnElement[bool]]:
    clauses: list[ColumnElement[bool]] = []
    if filters.text:
        clauses.append(
            or_(
                Campaign.title.icontains(filters.text, autoescape=True),
                Campaign.number.icontains(filters.text, autoescape=True),
                Unit.name.icontains(filters.text, autoescape=True),
            )
        )
    if filters.own:
        units = actor.units()
        together = select(CampaignUnit.campaign_id).where(CampaignUnit.unit_id.in_(units))
        clauses.append(or_(Campaign.issuing_unit_id.in_(units), Campaign.id.in_(together)))
    return clauses


def _order(sort: Sort, backwards: bool) -> list[ColumnElement[Any]]:
    keys: list[ColumnElement[Any]] = [Campaign.title.expression] if sort is Sort.TITLE else []
    down = (sort is Sort.NEWEST) != backwards
    return [key.desc() if down else key.asc() for key in (*keys, Campaign.id.expression)]


def _beyond(sort: Sort, edge: int, backwards: bool) -> ColumnElement[bool]:
    down = (sort is Sort.NEWEST) != backwards
    by_id = Campaign.id < edge if down else Campaign.id > edge
    if sort is not Sort.TITLE:
        return by_id
    title = select(Campaign.title).where(Campaign.id == edge).scalar_subquery()
    return or_(Campaign.title < title if down else Campaign.title > title, and_(Campaign.title == title, by_id))


def head_of(campaign_id: int, actor: Actor) -> Head | None:
    """The campaign without its tasks; None where it does not exist for this reader."""
    over = aliased(Campaign)
    partner = aliased(Unit)
    together = (
        select(func.aggregate_strings(cast(partner.id, String) + "\t" + partner.name, "\n"))
        .join(CampaignUnit, CampaignUnit.unit_id == partner.id)
        .where(CampaignUnit.campaign_id == Campaign.id)
        .scalar_subquery()
    )
    row = db.session.execute(
        select(
            Campaign.id, Campaign.key, Campaign.title, Campaign.number, Campaign.status, Campaign.version,
            Campaign.issuing_unit_id, Unit.name, Unit.line, Unit.level, Unit.area_id, Area.lft, Area.rgt,
            Campaign.higher_campaign_id, over.title, Campaign.based_on, Campaign.theme, Campaign.ground,
            Campaign.starts_on, Campaign.ends_on, Person.name, Campaign.created_at, Campaign.issued_at, together,
            moved_since(Campaign.issued_at),
        )
        .join(Unit, Unit.id == Campaign.issuing_unit_id)
        .join(Area, Area.id == Unit.area_id)
        .join(Person, Person.id == Campaign.author_id)
        .outerjoin(over, over.id == Campaign.higher_campaign_id)
        .where(Campaign.id == campaign_id, visible_campaigns(actor))
    ).one_or_none()  # fmt: skip
    if row is None:
        return None
    pairs = [line.split("\t", 1) for line in (row[-2] or "").split("\n") if line]
    co_issuers = tuple((int(unit_id), name) for unit_id, name in pairs)
    mine = set(actor.units(Role.DISPATCHER))
    writer = row.issuing_unit_id in mine
    issuer = writer or any(unit_id in mine for unit_id, _ in co_issuers)
    tree = read_moves(row[-1])
    return replace(Head(*row[:-2]), co_issuers=co_issuers, writer=writer, issuer=issuer, tree=tree)


def show(campaign_id: int, actor: Actor) -> Shown | None:
    """The campaign with phases and tasks; None where it does not exist for this reader. Four statements."""
    head = head_of(campaign_id, actor)
    if head is None:
        return None
    phases = db.session.execute(
        select(Phase.name, Phase.starts_on, Phase.ends_on, Phase.words)
        .where(Phase.campaign_id == campaign_id)
        .order_by(Phase.position)
    ).all()
    return Shown(head, tuple(PhaseFact(*row) for row in phases), tasks_of(campaign_id))


def tasks_of(campaign_id: int, *, parts: bool = True) -> tuple[TaskFact, ...]:
    """The tasks in their order; with `parts` also their figures. The reader's scope is asked before."""
    lines = (
        select(func.aggregate_strings(cast(TaskLine.line, String), ","))
        .where(TaskLine.task_id == Task.id)
        .scalar_subquery()
    )
    named = select(func.count()).where(TaskUnit.task_id == Task.id).scalar_subquery()
    batches = select(func.count(Batch.id)).where(Batch.task_id == Task.id).scalar_subquery()
    items = select(_sum_of_items()).where(Batch.task_id == Task.id).scalar_subquery()
    rows = db.session.execute(
        select(
            Task.id, Task.key, Task.title, Task.what, Task.why, Task.grade, Task.receiving_level, Task.due_kind,
            Task.due_on, Task.due_days, Task.respond_days, Task.grace_days, Task.review_levels, Task.min_characters,
            Task.review_days, Task.days, Task.counts_from, Task.roll, Occasion.name, Occasion.happens_on,
            Task.rrule, named.label("named"), batches.label("batches"), items.label("items"), lines.label("lines"),
        )
        .outerjoin(Occasion, Occasion.id == Task.occasion_id)
        .where(Task.campaign_id == campaign_id)
        .order_by(Task.position)
    ).all()  # fmt: skip
    metrics: dict[int, list[PlannedMetric]] = {row.id: [] for row in rows}
    if parts:
        add_metrics(campaign_id, metrics)
    return tuple(
        replace(
            TaskFact(*row[:-1]),
            lines=lines_in(row.lines),
            metrics=tuple(metrics[row.id]),
        )
        for row in rows
    )


def lines_in(joined: str | None) -> tuple[Line, ...]:
    """The lines of a comma-joined text, in their order."""
    return tuple(sorted(Line(int(part)) for part in joined.split(","))) if joined else ()
