"""The load before a dispatch: what units carry per week, what a task would add, and what they have reported already.

The preview asks it together with the rest of its page (`queries/before_dispatch.py`), a unit's page with its own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import aliased

from ..clock import zone
from ..models import Assignment, EvidenceRule, Metric, MetricValue, Submission, Task, Unit
from ..rules.burden import SAME_ANYWHERE, TWO_PARTS, Ask, Burden, burden
from ..rules.organisation import Actor
from ..rules.periods import start_of_day
from ..rules.plans import EvidenceKind
from ..rules.states import WITH_OFFICER, State
from .preview import Receiver
from .scope import visible_units

PHOTOS = (EvidenceKind.PHOTO, EvidenceKind.ANY)


@dataclass(frozen=True)
class Carried:
    """What a unit carries now. `open`: this reader may see its page."""

    load: Burden
    open: bool


@dataclass(frozen=True)
class Laden:
    """A unit of the preview's page. `open`: this reader may see its page; `has`: it has the task already.
    `now`, `then`: what it carries without the task and with it."""

    id: int
    name: str
    open: bool
    has: bool
    now: Burden
    then: Burden


@dataclass(frozen=True)
class Meter:
    """What the task adds per week, what each unit of the page carries, and what was reported already: (name, by how
    many units)."""

    ask: Ask
    added: Burden
    units: tuple[Laden, ...]
    again: tuple[tuple[str, int], ...]

    @property
    def full(self) -> float:
        """The scale of the bars: the most forms a week that any unit would have."""
        return float(max([unit.then.forms for unit in self.units], default=0)) or 1.0


def asks(
    task_id: int, fresh: ColumnElement[bool], page: Select[Any], *, since: date, actor: Actor
) -> tuple[Select[Any], ...]:
    """What `meter_from` reads. `fresh`: a clause over Unit, who would receive the task; `page`: the units whose load is
    shown; `since`: the first day of the period."""
    shown = page.subquery()
    asked = select(_fields(), _photos()).select_from(Task).where(Task.id == task_id)
    return asked, loads_asked(select(shown.c.id), actor=actor), reported_already(task_id, fresh, since=since)


def meter_from(
    rows: Sequence[Sequence[Any]], page: Iterable[Receiver], due_at: datetime | None, *, begins: datetime, now: datetime
) -> Meter:
    """The meter from the rows of `asks`. `begins`: when the task reaches its units, from which its weeks count."""
    (asked,), loads, again = rows
    ask = Ask(due_at, int(asked.fields), int(asked.photos))
    added, carried = burden([ask], begins), loads_from(loads, now)
    units = []
    for unit in page:
        has = carried[unit.id]
        then = has.load if unit.has else has.load + added
        units.append(Laden(unit.id, unit.name, has.open, unit.has, has.load, then))
    return Meter(ask, added, tuple(units), tuple((row[0], row[1]) for row in again))


def loads_asked(unit_ids: Select[tuple[int]], *, actor: Actor) -> Select[Any]:
    """What `loads_from` reads: the assignments that wait for these units, by task and date."""
    waiting = and_(Assignment.unit_id == Unit.id, Assignment.state.in_(WITH_OFFICER))
    seen = case((visible_units(actor), 1), else_=0).label("seen")
    return (
        select(Unit.id, seen, Assignment.due_at, _fields(), _photos(), func.count(Assignment.id).label("n"))
        .outerjoin(Assignment, waiting)
        .outerjoin(Task, Task.id == Assignment.task_id)
        .where(Unit.id.in_(unit_ids))
        .group_by(Unit.id, Assignment.due_at, Task.id)
    )


def loads_from(rows: Iterable[Any], now: datetime) -> dict[int, Carried]:
    """What each of these units carries, from the rows of `loads_asked`."""
    asks: dict[int, list[Ask]] = {}
    opens = {}
    for row in rows:
        opens[row.id] = bool(row.seen)
        found = asks.setdefault(row.id, [])
        if row.n:
            found.append(Ask(row.due_at, int(row.fields), int(row.photos), row.n))
    return {unit_id: Carried(burden(found, now), opens[unit_id]) for unit_id, found in asks.items()}


def reported_already(task_id: int, receives: ColumnElement[bool], *, since: date) -> Select[Any]:
    """Metrics of the task that units among the receivers (a clause over Unit) have reported under the same name, kind
    and unit of measure for another task since that day: (name, how many units). By the rule by which the officer's form
    fills them in."""
    wanted, later = aliased(Metric), aliased(Submission)
    pair = (
        select(wanted.id.label("wanted_id"), Metric.id.label("metric_id"), Metric.task_id)
        .join(Metric, and_(
            wanted.name == Metric.name, wanted.kind == Metric.kind, wanted.unit_of_measure == Metric.unit_of_measure,
            Metric.task_id != task_id,
        ))
        .where(wanted.task_id == task_id, wanted.kind.in_(SAME_ANYWHERE))
        .cte("pair").prefix_with("MATERIALIZED")
    )  # fmt: skip
    start = start_of_day(since, zone())
    newer = exists().where(
        later.assignment_id == Submission.assignment_id, later.number > Submission.number,

    )  # fmt: skip
    # The assignments of these tasks lead, once for all the metrics. Led by the units, SQLite reads all that each ever
    # finished. A state is never older than the report that it is about: what stands since earlier is passed over
    # before anything is looked up for it, which matters once a task has recurred for years.
    told = (
        select(Assignment.unit_id, Submission.id.label("submission_id"))
        .join(Submission, Submission.assignment_id == Assignment.id)
        .where(
            Assignment.task_id.in_(select(pair.c.task_id)), Assignment.state.in_((State.SUBMITTED, State.APPROVED)),
            or_(Assignment.since.is_(None), Assignment.since >= start), Submission.at >= start, ~newer,
            exists().where(Unit.id == Assignment.unit_id, receives),
        )
        .cte("told")
    )  # fmt: skip
    counted = (
        select(pair.c.wanted_id, func.count(told.c.unit_id.distinct()).label("units"))
        .select_from(told)
        .join(MetricValue, MetricValue.submission_id == told.c.submission_id)
        .join(pair, pair.c.metric_id == MetricValue.metric_id)
        .group_by(pair.c.wanted_id)
        .subquery()
    )
    named = select(wanted.name, counted.c.units).join(counted, counted.c.wanted_id == wanted.id)
    return named.order_by(wanted.position)


def _fields() -> Any:
    """Of a task: its figures, of which a rate is two, and the words where some are asked for."""
    both = case((Metric.kind.in_(TWO_PARTS), 2), else_=1)
    figures = select(func.coalesce(func.sum(both), 0)).where(Metric.task_id == Task.id)
    words = case((Task.min_characters > 0, 1), else_=0)
    return (figures.correlate(Task).scalar_subquery() + words).label("fields")


def _photos() -> Any:
    asked = and_(EvidenceRule.task_id == Task.id, EvidenceRule.kind.in_(PHOTOS))
    found = select(func.coalesce(func.sum(EvidenceRule.min_count), 0)).where(asked)
    return found.correlate(Task).scalar_subquery().label("photos")
