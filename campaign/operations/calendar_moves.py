"""What a corrected calendar moves: dates that follow from it, dates of reviews, and rungs that come earlier now."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.orm import aliased

from ..clock import zone
from ..db import Instant, db, from_micros, insert_new, listed, run
from ..models import Area, Assignment, Batch, Campaign, Task, Timer, Unit
from ..models import Calendar as CalendarRow
from ..models.ladders import EVERYBODYS
from ..models.prospects import prospects
from ..models.timing import MOMENTS, TIMINGS, Timings
from ..rules.calendars import Calendar, DayKind, Roll
from ..rules.dates import review_due
from ..rules.ladder import Step, decide
from ..rules.states import OPEN, State
from .redating import redate
from .timers import TIMER

# What decides; timers that have all of it in common are looked at together.
DECISIVE = ("state", *MOMENTS, "grade", "ladder_id", "calendar_id")
ALIKE = (*DECISIVE, "fires_at", "after")
_BY: Any = func.coalesce(Batch.calendar_id, EVERYBODYS)


@dataclass(frozen=True)
class Moved:
    """What moved: assignments with other dates, submissions with another date of review. `batches`: in which ones.
    `digest`: SHA-256 over 'batch:assignments' of each of them, ascending, comma-joined."""

    items: int
    reviews: int
    batches: tuple[int, ...]
    digest: str


_OWN, _UP = aliased(Area), aliased(Area)
_AREAS = (
    select(_UP.id)
    .join(_OWN, _OWN.lft.between(_UP.lft, _UP.rgt))
    .join(Unit, Unit.area_id == _OWN.id)
    .join(Campaign, Campaign.issuing_unit_id == Unit.id)
    .join(Task, Task.campaign_id == Campaign.id)
    .where(Task.id == bindparam("task"))
)
_AROUND = (
    select(CalendarRow.id)
    .where(or_(CalendarRow.area_id.is_(None), CalendarRow.area_id.in_(_AREAS)))
    .with_for_update(read=True, key_share=True)
)
NOTHING_MOVED = Moved(0, 0, (), "")


def hold_calendars(task_id: int) -> None:
    """Keeps the calendars around the issuing unit of a task as they are until the end of the unit of work: whoever
    dispatches while one is corrected waits, and then reads the new days. Others may dispatch meanwhile."""
    run(_AROUND, {"task": task_id})


def foreseen(calendar_id: int, corrected: Calendar) -> Moved:
    """What would move if the calendar were that one: nothing is written."""
    found = prospects(_dependent(calendar_id), corrected={calendar_id: corrected})
    items = {prospect.batch_id: prospect.items for prospect in found if prospect.items}
    return _moved(items, sum(len(ids) for ids in _reviews(calendar_id, corrected).values()))


def follow(calendar_id: int, corrected: Calendar, *, now: datetime) -> Moved:
    """Brings everything that depends on the calendar, as the database holds it now, to where it belongs."""
    items: dict[int, int] = defaultdict(int)
    for moved in redate(_dependent(calendar_id), now=now):
        items[moved.batch_id] += moved.items
    reviews = _reviews(calendar_id, corrected)
    for (old, new), ids in reviews.items():
        db.session.execute(
            update(Assignment)
            .where(Assignment.id.in_(listed(ids)), Assignment.state == State.SUBMITTED, Assignment.review_due_at == old)
            .values(review_due_at=new)
            .execution_options(synchronize_session=False)
        )
    _arm_earlier(calendar_id, now)
    return _moved(items, sum(len(ids) for ids in reviews.values()))


def _moved(items: Mapping[int, int], reviews: int) -> Moved:
    text = ",".join(f"{batch}:{count}" for batch, count in sorted(items.items()))
    return Moved(sum(items.values()), reviews, tuple(sorted(items)), hashlib.sha256(text.encode()).hexdigest())


def _dependent(calendar_id: int) -> list[int]:
    """The tasks with a date that follows from the calendar and with open assignments that go by it."""
    open_ones = exists().where(Assignment.batch_id == Batch.id, Assignment.state.in_(OPEN))
    found = (
        select(Batch.task_id)
        .join(Task, Task.id == Batch.task_id)
        .where(calendar_id == _BY, or_(Task.days == DayKind.WORKING, Task.roll != Roll.STAY), open_ones)
        .distinct()
        .order_by(Batch.task_id)
    )
    return list(db.session.execute(found).scalars())


def _reviews(calendar_id: int, corrected: Calendar) -> dict[tuple[datetime, datetime], list[int]]:
    """The submissions whose date of review is another one by that calendar: ids by (date now, date then)."""
    waiting = db.session.execute(
        select(Assignment.id, Assignment.since, Assignment.review_due_at, Task.review_days, Task.days)
        .join(Batch, Batch.id == Assignment.batch_id)
        .join(Task, Task.id == Assignment.task_id)
        .where(
            calendar_id == _BY,
            Assignment.state == State.SUBMITTED,
            Assignment.since.is_not(None),
            Assignment.review_due_at.is_not(None),
            or_(Task.review_days.is_(None), Task.days == DayKind.WORKING),
        )
    )
    found: dict[tuple[datetime, datetime], list[int]] = defaultdict(list)
    for id, since, due, days, kind in waiting:
        should = review_due(since, zone(), corrected, days, DayKind.WORKING if days is None else kind)
        if should != due:
            found[due, should].append(id)
    return dict(found)


def _arm_earlier(calendar_id: int, now: datetime) -> None:
    """A timer for each rung that now comes before the one that is armed. One that comes too early does no harm: the
    sweep looks at the assignment and arms it anew."""
    groups = _armed(calendar_id)
    timings = Timings(groups)
    for group in groups:
        timing = timings.of(group)
        if timing.suspended_at is not None:
            continue
        after, fires_at = from_micros(group.after), from_micros(group.fires_at)
        decision = decide(timing.steps, timing.state, timing.behind_at, after, now)
        step = decision.speak[0] if decision.speak else decision.next
        when = max(filter(None, (step.when if step else fires_at, timing.not_before, now)))
        if step is not None and when < fires_at:
            _arm(_timers(calendar_id), group, step, when, after)


def _timers(calendar_id: int) -> Any:
    """The timers of what goes by the calendar, each with what decides about its assignment."""
    timer: Any = Timer.__table__.c
    facts = TIMINGS.where(func.coalesce(Batch.__table__.c.calendar_id, EVERYBODYS) == calendar_id).subquery()
    since = case((facts.c.state == int(State.RETURNED), facts.c.since)).label("since")  # it counts for nothing else
    raw = [type_coerce(timer[name], BigInteger).label(name) for name in ("fires_at", "after")]
    columns = [since if name == "since" else facts.c[name] for name in DECISIVE]
    return select(facts.c.id, *columns, *raw).join(Timer.__table__, timer.assignment_id == facts.c.id).subquery()


def _armed(calendar_id: int) -> list[Any]:
    """The timers of what goes by the calendar, one row for all that the law decides alike."""
    timers = _timers(calendar_id)
    return list(db.session.execute(select(*(timers.c[name] for name in ALIKE)).distinct()))


def _arm(timers: Any, group: Any, step: Step, when: datetime, after: datetime) -> None:
    alike = [timers.c[name].is_not_distinct_from(getattr(group, name)) for name in ALIKE]
    rows = select(
        literal(int(step.rung.sweep)), literal(when, Instant), timers.c.id, literal(step.rung.number),
        literal(after, Instant),
    ).where(*alike)  # fmt: skip
    db.session.execute(insert_new(Timer).from_select(TIMER, rows))
