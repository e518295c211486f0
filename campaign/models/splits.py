"""What is split: one assignment by its unit, or a whole task by its issuer; its figures, and the version in force."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, func, literal, null, or_, select, true
from sqlalchemy.orm import aliased

from ..db import Exact, db
from ..rules.dates import DueKind
from ..rules.metrics import Aggregation, Comparator, MetricKind
from ..rules.organisation import Level, Line
from ..rules.plans import CampaignStatus
from ..rules.splitting import is_split, step_of
from ..rules.states import NOT_ASKED, State
from ..rules.targets import Method, Quota
from .assignments import Assignment
from .campaigns import Campaign, Metric, Task
from .goals import own_target
from .organisation import Area, Unit
from .targets import Allocation, AllocationTotal, Share, Target


@dataclass(frozen=True)
class Whole:
    """What is split. `parent_id`: the assignment, None for the task as a whole; then `unit_id` is the issuing unit and
    there are no dates yet. `version`: of the split in force, 0 for none. `lft`..`rgt`: of the unit's area."""

    task_id: int
    title: str
    campaign_id: int
    campaign_title: str
    issuing_unit_id: int
    period: int
    parent_id: int | None
    unit_id: int
    unit_name: str
    line: Line
    level: Level
    lft: int
    rgt: int
    status: CampaignStatus
    due_kind: DueKind
    allocation_id: int | None
    version: int
    method: Method | None
    state: State | None = None
    due_at: datetime | None = None
    cut_off_at: datetime | None = None
    own_dates: bool = False


@dataclass(frozen=True)
class Part:
    """A figure of the task: what the whole must reach of it (None: no figure), and what the split in force holds back.
    `held_total`: what it split then, which may be another figure than now."""

    metric_id: int
    name: str
    kind: MetricKind
    unit_of_measure: str
    money_places: int
    comparator: Comparator
    aggregation: Aggregation
    quota: Quota
    register_id: int | None
    former_metric_id: int | None
    total: Decimal | None
    reserve: Decimal
    held_total: Decimal | None

    @property
    def split(self) -> bool:
        """Whether it is split as a figure; otherwise it goes down unchanged, or follows from a quota."""
        return self.quota is Quota.TOTAL and is_split(self.aggregation, self.comparator)

    @property
    def step(self) -> Decimal:
        """The smallest part that is given out."""
        return step_of(self.kind, self.money_places)


def is_split_figure() -> ColumnElement[bool]:
    """A clause over Metric: `Part.split`."""
    compared = Metric.comparator != Comparator.NONE
    return and_(Metric.quota == Quota.TOTAL, Metric.aggregation == Aggregation.SUM, compared)


def in_force(allocation: Any = Allocation) -> ColumnElement[bool]:
    """A clause over Allocation (or an alias of it): no later version of the same split."""
    later = aliased(Allocation)
    same = or_(
        later.parent_id == allocation.parent_id,
        and_(later.parent_id.is_(None), allocation.parent_id.is_(None), later.task_id == allocation.task_id),
    )
    return ~select(later.id).where(same, later.version > allocation.version).exists()


def granted_since(metric_id: Any) -> ColumnElement[Decimal]:
    """Over Allocation: by how much its parts of a metric (an id or a column) are more, or below zero less, than it
    gave, since decisions granted their units others; NULL for none. Of a task that recurs the latest period counts."""
    child, period, theirs, share = aliased(Assignment), aliased(Assignment), aliased(Target), aliased(Share)
    ours = or_(
        child.parent_id == Allocation.parent_id,
        and_(Allocation.parent_id.is_(None), child.parent_id.is_(None), child.task_id == Allocation.task_id),
    )
    later = select(period.id).where(
        period.task_id == child.task_id, period.unit_id == child.unit_id, period.period > child.period,
        Allocation.parent_id.is_(None),
    )  # fmt: skip
    given = and_(
        share.allocation_id == Allocation.id, share.unit_id == child.unit_id, share.metric_id == theirs.metric_id
    )
    return (
        select(func.sum(theirs.value - share.value, type_=Exact()))
        .select_from(theirs)
        .join(child, child.id == theirs.assignment_id)
        .join(share, given)
        .where(
            theirs.metric_id == metric_id,
            theirs.request_id.is_not(None),
            child.state.not_in(NOT_ASKED),  # its part fell back
            ours,
            ~later.correlate(child, Allocation).exists(),
        )
        .correlate(Allocation, AllocationTotal)
        .scalar_subquery()
    )


def handed_back(parent_id: Any, task_id: Any) -> ColumnElement[bool]:
    """Over Share, of a split of that assignment (NULL: of the task as a whole): its unit is asked no more, so that the
    part falls back to who gave it. Before the dispatch nobody's does."""
    child, other = aliased(Assignment), aliased(Assignment)

    def given(assignment: Any, asked: ColumnElement[bool]) -> Any:
        mine = and_(
            assignment.task_id == task_id, assignment.unit_id == Share.unit_id,
            assignment.parent_id.is_not_distinct_from(parent_id), asked,
        )  # fmt: skip
        return select(assignment.id).where(mine).correlate_except(assignment).exists()

    gone = given(child, child.state.in_(NOT_ASKED))
    return and_(gone, ~given(other, other.state.not_in(NOT_ASKED)))


def held_elsewhere(whole: Whole, lft: int = 0, rgt: int = -1) -> Select[Any]:
    """What the units outside an area (all of them, without one) hold of a task's split in force: rows of unit_id,
    metric_id and value, which is what a decision granted where one did."""
    child, theirs = aliased(Assignment), aliased(Target)
    granted = (
        select(theirs.value)
        .join(child, child.id == theirs.assignment_id)
        .where(
            child.task_id == whole.task_id, child.unit_id == Share.unit_id, child.parent_id.is_(None),
            theirs.metric_id == Share.metric_id, theirs.request_id.is_not(None),
        )
        .order_by(child.period.desc())
        .limit(1)
        .correlate(Share)
        .scalar_subquery()
    )  # fmt: skip
    return (
        select(Share.unit_id, Share.metric_id, func.coalesce(granted, Share.value, type_=Exact()).label("value"))
        .join(Unit, Unit.id == Share.unit_id)
        .where(Share.allocation_id == literal(whole.allocation_id, BigInteger), ~Unit.lft.between(lft, rgt))
    )


def whole_of(assignment_id: int, *, lock: bool = False, seen: ColumnElement[bool] | None = None) -> Whole | None:
    """The assignment as something to be split; None where there is none, or where a clause over Assignment and its
    Unit does not hold. `lock`: nobody else changes it meanwhile."""
    if lock:
        db.session.execute(select(Assignment.id).where(Assignment.id == assignment_id).with_for_update())
    return _one(
        _wholes(Assignment.unit_id)
        .add_columns(
            Assignment.id.label("parent_id"), Assignment.period, Assignment.state, Assignment.due_at,
            Assignment.cut_off_at, Assignment.own_dates,
        )
        .select_from(Assignment)
        .join(Task, Task.id == Assignment.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Area, Area.id == Unit.area_id)
        .outerjoin(Allocation, and_(Allocation.parent_id == Assignment.id, in_force()))
        .where(Assignment.id == assignment_id, true() if seen is None else seen)
    )  # fmt: skip


def whole_task(task_id: int, *, lock: bool = False) -> Whole | None:
    """The task as something to be split by its issuer, for all of its periods; None where there is none."""
    if lock:
        db.session.execute(select(Task.id).where(Task.id == task_id).with_for_update(key_share=True))
    return _one(
        _wholes(Campaign.issuing_unit_id)
        .add_columns(null().label("parent_id"), literal(0).label("period"))
        .select_from(Task)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .join(Unit, Unit.id == Campaign.issuing_unit_id)
        .join(Area, Area.id == Unit.area_id)
        .outerjoin(Allocation, and_(Allocation.task_id == Task.id, Allocation.parent_id.is_(None), in_force()))
        .where(Task.id == task_id)
    )


def _wholes(unit_id: Any) -> Select[Any]:
    return select(
        Task.id.label("task_id"), Task.title, Task.campaign_id, Campaign.title.label("campaign_title"),
        Campaign.issuing_unit_id, unit_id.label("unit_id"), Unit.name.label("unit_name"), Unit.line,
        Unit.level, Area.lft, Area.rgt, Campaign.status, Task.due_kind, Allocation.id.label("allocation_id"),
        func.coalesce(Allocation.version, 0).label("version"), Allocation.method,
    )  # fmt: skip


def _one(statement: Select[Any]) -> Whole | None:
    row = db.session.execute(statement).mappings().first()
    return None if row is None else Whole(**row)


def parts_of_whole(whole: Whole) -> tuple[Part, ...]:
    """Its figures in their order, in one statement. The whole of a task is what its issuer set."""
    total: Any = Metric.target if whole.parent_id is None else own_target()
    parent = literal(whole.parent_id, BigInteger)
    rows = db.session.execute(
        select(
            Metric.id, Metric.name, Metric.kind, Metric.unit_of_measure, Metric.money_places, Metric.comparator,
            Metric.aggregation, Metric.quota, Metric.register_id, Metric.former_metric_id, total.label("total"),
            func.coalesce(AllocationTotal.reserve, literal(Decimal(0), AllocationTotal.reserve.type)).label("reserve"),
            AllocationTotal.total.label("held_total"),
        )
        .outerjoin(Target, and_(Target.assignment_id == parent, Target.metric_id == Metric.id))
        .outerjoin(
            AllocationTotal,
            and_(
                AllocationTotal.allocation_id == literal(whole.allocation_id, BigInteger),
                AllocationTotal.metric_id == Metric.id,
            ),
        )
        .where(Metric.task_id == whole.task_id)
        .order_by(Metric.position, Metric.id)
    )  # fmt: skip
    return tuple(Part(*row) for row in rows)


def handed(whole: Whole) -> ColumnElement[bool]:
    """A clause over Assignment: what came out of this split, or would be given its share by it."""
    if whole.parent_id is not None:
        return Assignment.parent_id == whole.parent_id
    return and_(Assignment.task_id == whole.task_id, Assignment.parent_id.is_(None))


def below(whole: Whole, today: date) -> ColumnElement[bool]:
    """A clause over Unit: the units of the same line below an assignment's unit that are valid on that day."""
    return and_(
        Unit.line == whole.line,
        Unit.lft > whole.lft,
        Unit.lft <= whole.rgt,
        or_(Unit.valid_from.is_(None), Unit.valid_from <= today),
        or_(Unit.valid_to.is_(None), Unit.valid_to >= today),
    )
