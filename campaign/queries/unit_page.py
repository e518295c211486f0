"""A unit's own page: what it was asked, how its metrics stand, its load, the units below, its people in post.

Six statements, whatever the size.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, Select, and_, case, func, or_, select
from sqlalchemy.orm import aliased

from ..clock import local_today
from ..db import db
from ..errors import NotFound, say
from ..models import (
    Area,
    Assignment,
    Batch,
    Campaign,
    EvidenceRule,
    Metric,
    MetricValue,
    Period,
    Person,
    Placement,
    Post,
    Submission,
    Task,
    Unit,
)
from ..models.gathering import gathered
from ..models.goals import join_target, own_target
from ..models.organisation import holds_on
from ..models.targets import Target
from ..rules.burden import SAME_ANYWHERE, Burden, same_period
from ..rules.dates import Light, light_of
from ..rules.distances import left_to, share_of
from ..rules.metrics import MetricKind, Value, meets
from ..rules.organisation import Actor, Level, Line, Role
from ..rules.plans import EvidenceKind
from ..rules.states import NOT_ASKED, OPEN, WITH_OFFICER, State
from .burden import loads_asked, loads_from
from .lights import light_is
from .metric_facts import COLUMNS, MetricFact, fact_of
from .rollup import rollup
from .rollup_facts import RolledUp
from .scope import visible_units
from .stands import Stand, stand_of

MOST = 200  # assignments that are read; the list of tasks has all of them
BELOW = 100
PHOTOS = (EvidenceKind.PHOTO, EvidenceKind.ANY)


@dataclass(frozen=True)
class Step:
    """A unit on the way down to the one shown; `open`: this reader may see its page too. No id: no unit there."""

    id: int | None
    name: str
    open: bool


@dataclass(frozen=True)
class UnitFact:
    """The unit."""

    id: int
    name: str
    line: Line
    level: Level
    area_id: int


@dataclass
class Asked:
    """One assignment with its figures: (metric, what it must reach, what was reported last)."""

    id: int
    task_id: int
    state: State
    light: Light
    title: str
    dispatched_at: datetime
    campaign_id: int
    campaign: str
    due_at: datetime | None
    period: int
    rrule: str
    opens_on: date | None
    photos: int
    reported_at: datetime | None
    figures: list[tuple[MetricFact, Decimal | None, Value | None]] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Whether anything is left to do for anybody."""
        return self.state in OPEN


@dataclass(frozen=True)
class Again:
    """A figure that is asked although the unit reported the same for the period: where, when and what."""

    metric: str
    asked_by: str
    assignment_id: int
    reported_in: str
    reported_at: datetime
    value: Value
    fact: MetricFact


@dataclass(frozen=True)
class Below:
    """A unit right below: its open and overdue assignments, and how many of all it was asked are approved."""

    id: int
    name: str
    lft: int
    open: int
    overdue: int
    approved: int
    total: int


@dataclass(frozen=True)
class Held:
    """A post that is held today."""

    name: str
    role: Role
    since: date


@dataclass(frozen=True)
class UnitPage:
    """The page. `next`: the key of the page after of the units below."""

    unit: UnitFact
    way: tuple[Step, ...]
    asked: tuple[Asked, ...]
    metrics: tuple[tuple[Asked, MetricFact, Stand], ...]
    load: Burden
    again: tuple[Again, ...]
    below: tuple[Below, ...]
    people: tuple[Held, ...]
    next: str
    more: bool  # there are more assignments than were read
    moved: bool = False  # areas have come here or left: figures count by the tree of the day of each campaign


def unit_page(unit_id: int, *, actor: Actor, now: datetime, today: date, after: str = "") -> UnitPage:
    """The unit for this reader. Raises NotFound outside their scope."""
    unit, way, moved = _unit(unit_id, actor)
    asked, more = _asked(unit_id, now)
    metrics: dict[int, tuple[Asked, MetricFact, Decimal | None, Value | None]] = {}
    for each in asked:
        if each.state not in NOT_ASKED:
            for metric, target, value in each.figures:
                metrics.setdefault(metric.id, (each, metric, target, value))
    rolled = rollup(list(metrics), [unit.area_id], on=today, lines=[unit.line])
    stands = [
        (each, metric, _stand(rolled[metric.id, unit.area_id], each, target, value))
        for each, metric, target, value in metrics.values()
        if (metric.id, unit.area_id) in rolled
    ]
    below, following = _below(unit_id, now, after)
    # All that waits for it, and not only the assignments that were read: counted as before a dispatch.
    itself = select(Unit.id).where(Unit.id == unit_id)
    loads, people = gathered(loads_asked(itself, actor=actor), _people(unit_id, today))
    return UnitPage(
        unit, way, tuple(asked), tuple(stands), loads_from(loads, now)[unit_id].load, tuple(again_of(asked)), below,
        tuple(Held(row.name, Role(row.role), row.valid_from) for row in people), following, more, moved,
    )  # fmt: skip


def unit_at(area_id: int, line: Line | None, *, actor: Actor) -> int:
    """The id of the unit of that line in that area, or of its first one that this reader sees. Raises NotFound."""
    query = select(Unit.id).where(Unit.area_id == area_id, visible_units(actor)).order_by(Unit.line).limit(1)
    found: int | None = db.session.execute(query if line is None else query.where(Unit.line == line)).scalar()
    if found is None:
        raise NotFound(say("There is no such unit, or it is not yours to see."))
    return found


def _stand(rolled: RolledUp, asked: Asked, target: Decimal | None, value: Value | None) -> Stand:
    """How a metric stands in the unit with all below it; of a figure that is not added up, its own."""
    metric = rolled.metric
    if metric.adds_up or rolled.asked > 1 or metric.kind not in (MetricKind.COUNT, MetricKind.AMOUNT):
        return stand_of(rolled, given=target)
    figure = value.number if value and asked.state is State.APPROVED else None
    waiting = value.number if value and asked.state is State.SUBMITTED else None
    return Stand(
        rolled, False, figure, waiting or Decimal(0), target, None, left_to(figure, metric.comparator, target),
        share_of(figure, target), meets(figure, metric.comparator, target),
    )  # fmt: skip


def again_of(asked: Sequence[Asked]) -> list[Again]:
    """The figures still to be reported that the unit gave for another task in the same period: the same name, kind and
    unit of measure; of several the latest. The officer's form fills them in, by the same rule."""
    given: dict[tuple[str, int, str], list[tuple[datetime, Asked, Value]]] = {}
    for each in asked:
        for metric, _target, value in each.figures:
            counts = each.state in (State.SUBMITTED, State.APPROVED) and metric.kind in SAME_ANYWHERE
            if counts and value is not None and each.reported_at is not None:
                key = (metric.name, int(metric.kind), metric.unit_of_measure)
                given.setdefault(key, []).append((each.reported_at, each, value))
    found = []
    for each in asked:
        since = same_period(local_today(each.dispatched_at), each.opens_on)
        for metric, _target, value in each.figures:
            if each.state not in WITH_OFFICER or value is not None:
                continue
            key = (metric.name, int(metric.kind), metric.unit_of_measure)
            others = [
                one for one in given.get(key, ()) if one[1].task_id != each.task_id and local_today(one[0]) >= since
            ]
            if others:
                at, other, reported = max(others, key=lambda one: one[0])
                found.append(Again(metric.name, each.title, each.id, other.title, at, reported, metric))
    return found


def _unit(unit_id: int, actor: Actor) -> tuple[UnitFact, tuple[Step, ...], bool]:
    area_id = select(Unit.area_id).where(Unit.id == unit_id)
    line = select(Unit.line).where(Unit.id == unit_id).scalar_subquery()
    columns = (Area.id, Area.name, Area.parent_id, Area.depth, Area.level, Area.lft, Area.rgt)
    chain = select(*columns).where(Area.id.in_(area_id)).cte("chain", recursive=True)
    chain = chain.union_all(select(*columns).join(chain, chain.c.parent_id == Area.id))
    seen = case((visible_units(actor), 1), else_=0).label("seen")
    inside = aliased(Area)
    came = select(Placement.area_id).join(inside, inside.id == Placement.area_id)
    # Asked of its own area alone, and of the few that ever moved: the nation has every area of the country in it.
    came = came.where((inside.lft + 0).between(chain.c.lft, chain.c.rgt)).correlate(chain)
    left = select(Placement.area_id).where(Placement.parent_id == chain.c.id).correlate(chain)
    changed = and_(chain.c.id == area_id.scalar_subquery(), or_(came.exists(), left.exists()))
    moved = case((changed, 1), else_=0).label("moved")
    rows = db.session.execute(
        select(
            chain.c.id,
            chain.c.name,
            chain.c.level,
            Unit.id.label("unit_id"),
            Unit.name.label("unit"),
            Unit.line,
            seen,
            moved,
        )
        .select_from(chain)
        .outerjoin(Unit, and_(Unit.area_id == chain.c.id, Unit.line == line))
        .order_by(chain.c.depth)
    ).all()
    if not rows or rows[-1].unit_id != unit_id or not rows[-1].seen:
        raise NotFound(say("There is no such unit, or it is not yours to see."))
    own = rows[-1]
    way = tuple(Step(row.unit_id, row.unit or row.name, bool(row.unit_id and row.seen)) for row in rows)
    first = next(at for at, step in enumerate(way) if step.open)
    return UnitFact(own.unit_id, own.unit, own.line, own.level, own.id), way[first:], bool(own.moved)


def _asked(unit_id: int, now: datetime) -> tuple[list[Asked], bool]:
    """What the unit was asked, what is open first, with its figures. One statement."""
    photos = (
        select(func.coalesce(func.sum(EvidenceRule.min_count), 0))
        .where(EvidenceRule.task_id == Assignment.task_id, EvidenceRule.kind.in_(PHOTOS))
        .correlate(Assignment)
        .scalar_subquery()
    )
    last = (
        select(func.max(Submission.number))
        .where(Submission.assignment_id == Assignment.id)
        .correlate(Assignment)
        .scalar_subquery()
    )
    done = case((Assignment.state.in_(OPEN), 0), else_=1)
    chosen = (
        select(Assignment.id, photos.label("photos"), done.label("done"))
        .where(Assignment.unit_id == unit_id)
        .order_by(done, Assignment.id.desc())
        .limit(MOST + 1)
        .subquery()
    )
    rows = db.session.execute(
        select(
            Assignment.id, Assignment.state, Assignment.due_at, Assignment.behind_at, Assignment.suspended_at,
            Assignment.period, Period.opens_on, Campaign.id.label("campaign_id"), Campaign.title.label("campaign"),
            chosen.c.photos, Submission.at.label("reported_at"), own_target().label("goal"),
            MetricValue.number, MetricValue.numerator.label("value_numerator"),
            MetricValue.denominator.label("value_denominator"), MetricValue.text.label("value_text"),
            MetricValue.id.label("value_id"), Task.title, Task.id.label("any_task_id"), Batch.dispatched_at,
            *COLUMNS[:-1],
        )
        .select_from(chosen)
        .join(Assignment, Assignment.id == chosen.c.id)
        .join(Batch, Batch.id == Assignment.batch_id)
        .join(Task, Task.id == Assignment.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .outerjoin(Period, and_(Period.task_id == Task.id, Period.number == Assignment.period))
        .outerjoin(Metric, Metric.task_id == Task.id)
        .outerjoin(Target, join_target())
        .outerjoin(Submission, and_(Submission.assignment_id == Assignment.id, Submission.number == last))
        .outerjoin(MetricValue, and_(MetricValue.submission_id == Submission.id, MetricValue.metric_id == Metric.id))
        .order_by(chosen.c.done, Assignment.id.desc(), Metric.position, Metric.id)
    )  # fmt: skip
    found: dict[int, Asked] = {}
    for row in rows:
        each = found.get(row.id)
        if each is None:
            light = light_of(row.state, row.due_at, row.behind_at, now, row.suspended_at is not None)
            each = found[row.id] = Asked(
                row.id, row.any_task_id, row.state, light, row.title, row.dispatched_at, row.campaign_id,
                row.campaign, row.due_at, row.period, row.rrule,
                row.opens_on, int(row.photos), row.reported_at,
            )  # fmt: skip
        if row.metric_id is not None:
            each.figures.append((fact_of(row), row.goal, _value(row)))
    every = list(found.values())
    return every[:MOST], len(every) > MOST


def _value(row: Row[Any]) -> Value | None:
    if row.value_id is None:
        return None
    return Value(row.number, row.value_numerator, row.value_denominator, row.value_text)


def _below(unit_id: int, now: datetime, after: str) -> tuple[tuple[Below, ...], str]:
    """The units right below in the order of the tree, and the key of the page after."""

    def counted(clause: Any) -> Any:
        return func.coalesce(func.sum(case((clause, 1), else_=0)), 0)

    query = (
        select(
            Unit.id, Unit.name, Unit.lft, counted(Assignment.state.in_(OPEN)).label("open"),
            counted(light_is(Light.OVERDUE, now)).label("overdue"),
            counted(Assignment.state == State.APPROVED).label("approved"),
            counted(Assignment.state.not_in(NOT_ASKED)).label("total"),
        )
        .outerjoin(Assignment, Assignment.unit_id == Unit.id)
        .where(Unit.superior_id == unit_id)
        .group_by(Unit.id, Unit.name, Unit.lft)
        .order_by(Unit.lft, Unit.id)
        .limit(BELOW + 1)
    )  # fmt: skip
    edge = [int(part) for part in after.split("-") if part.isdecimal() and len(part) < 19]
    if len(edge) == 2:
        query = query.where(or_(Unit.lft > edge[0], and_(Unit.lft == edge[0], Unit.id > edge[1])))
    rows = [Below(*row) for row in db.session.execute(query)]
    page = tuple(rows[:BELOW])
    return page, f"{page[-1].lft}-{page[-1].id}" if len(rows) > BELOW else ""


def _people(unit_id: int, today: date) -> Select[Any]:
    return (
        select(Person.name, Post.role, Post.valid_from)
        .join(Post, Post.person_id == Person.id)
        .where(Post.unit_id == unit_id, holds_on(today), Person.disabled_at.is_(None))
        .order_by(Post.role, Post.id)
    )
