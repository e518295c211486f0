"""What a dispatch at an instant would mean: dates, calendar, ladder and every rung at its time.

The dispatch writes it, the preview shows it: one function, so that what the page promises is what happens.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import Select, and_, bindparam, case, exists, func, or_, select, true

from ..clock import zone
from ..db import db, run
from ..rules.calendars import Calendar
from ..rules.curves import Knot, Reach, knots_of, lags_at
from ..rules.dates import DateRule, Dates, dates_at
from ..rules.ladder import Anchors, Ladder, Step, plan
from ..rules.periods import period_dates, period_rule
from ..rules.plans import Grade
from ..rules.targets import Quota
from .campaigns import Campaign, Metric, Occasion, Task
from .clockwork import Calendar as CalendarRow
from .clockwork import CalendarDay, LadderVersion
from .goals import meant_for_each
from .ladders import DAYS, DEFAULT_KEY, EVERYBODYS, calendar_from, ladder_from, nearest_to, newest
from .reaches import may_grow, milestones_of, steps_of
from .targets import Allocation


@dataclass(frozen=True)
class Curve:
    """The curve of a figure that may grow, with the milestones on it. `for_each`: whoever receives the task must reach
    it. `given`: so must they because a quota or a split says how much; who is left out there has no curve of it."""

    knots: tuple[Knot, ...]
    for_each: bool
    given: bool


@dataclass(frozen=True)
class Outlook:
    """The dates that follow, and `steps`: the rungs at their times, by time. `behind_at`: when the curve is missed if
    nothing at all is reported; None where nobody is given a figure to reach. `curves`: of all that may grow."""

    rule: DateRule
    dates: Dates
    behind_at: datetime | None
    ladder: Ladder
    calendar: Calendar
    grade: Grade
    steps: tuple[Step, ...]
    curves: tuple[Curve, ...] = ()

    @property
    def uneven(self) -> bool:
        """Whether some may have no figure of their own to reach, or not the same ones, so that each is looked at."""
        return self.behind_at is not None and not all(curve.for_each for curve in self.curves)

    @property
    def many_ways(self) -> bool:
        """Whether its figures have different milestones."""
        return len({curve.knots for curve in self.curves}) > 1


def rule_of(task: Task, occasion: Occasion | None) -> DateRule:
    """The rule of a task's dates as the law reads it; of one that recurs, counting from the opening of a period."""
    rule = DateRule(
        kind=task.due_kind,
        due_on=task.due_on,
        due_days=task.due_days,
        respond_days=task.respond_days,
        grace_days=task.grace_days,
        review_days=task.review_days,
        days=task.days,
        counts_from=task.counts_from,
        roll=task.roll,
        occasion_on=occasion.happens_on if occasion else None,
    )
    return period_rule(rule, task.window_days) if task.rrule else rule


def outlook_of(task_id: int, *, now: datetime, opens_on: date | None = None, handed_out: bool = False) -> Outlook:
    """What a dispatch of that task at `now` would mean; of a period, the one that opens or opened on that day.
    `handed_out`: its totals are split in the same breath.

    Raises NoResultFound where there is no such task.
    """
    row = db.session.execute(_task(), {"task": task_id}).one()
    task, ladder = row.Task, ladder_from(row.ladder_id, row.rungs, row.stop_level)
    calendar = calendar_from(row.calendar_id, row.calendar_version, row.known_until, row.days or "")
    rule = rule_of(task, row.Occasion)
    if opens_on is None:
        dates = dates_at(rule, now, zone(), calendar)
    else:
        dates = period_dates(rule, opens_on, now, zone(), calendar)
    curves = curves_of(task_id, handed_out=handed_out)
    behind = nothing_yet(curves, now, dates.due_at)
    anchors = Anchors(dates.respond_by, dates.due_at, dates.cut_off_at, behind_at=behind)
    steps = plan(ladder, task.grade, anchors, calendar, zone())
    return Outlook(rule, dates, behind, ladder, calendar, task.grade, steps, curves)


@cache
def _task() -> Select[Any]:
    """The task with its occasion, the newest version of its ladder or its campaign's, and its issuer's calendar."""
    ladder, calendar, day = (noun.__table__.c for noun in (LadderVersion, CalendarRow, CalendarDay))
    days = select(DAYS).where(day.calendar_id == calendar.id).correlate(CalendarRow.__table__).scalar_subquery()
    key = case((Task.ladder_key != "", Task.ladder_key), else_=Campaign.ladder_key)
    own, default = (newest(each).correlate(Task, Campaign).scalar_subquery() for each in (key, DEFAULT_KEY))
    nearest = nearest_to(Campaign.issuing_unit_id).correlate(Campaign).scalar_subquery()
    return (
        select(
            Task, Occasion, ladder.id.label("ladder_id"), ladder.rungs, ladder.stop_level,
            calendar.id.label("calendar_id"), calendar.version.label("calendar_version"), calendar.known_until,
            days.label("days"),
        )
        .join(Campaign, Campaign.id == Task.campaign_id)
        .outerjoin(Occasion, Occasion.id == Task.occasion_id)
        .join(LadderVersion.__table__, true())
        .join(CalendarRow.__table__, true())
        .where(Task.id == bindparam("task"))
        .where(ladder.id == func.coalesce(own, default))
        .where(calendar.id == func.coalesce(nearest, EVERYBODYS))
    )  # fmt: skip


def nothing_yet(curves: Iterable[Curve], start: datetime, due_at: datetime | None) -> datetime | None:
    """When the first of the curves that everybody has is missed, if nothing at all is reported."""
    return lags_at(start, due_at, (Reach(Decimal(0), curve.knots) for curve in curves if curve.given), zone())


@cache
def _curves(handed_out: bool) -> Select[Any]:
    """Written once for each: putting it together costs more than running it."""
    root = exists().where(Allocation.task_id == Metric.task_id, Allocation.parent_id.is_(None))
    counted = and_(Metric.quota == Quota.PER_PERSON, Metric.register_id.is_not(None))
    given = or_(counted, and_(Metric.quota == Quota.TOTAL, true() if handed_out else root))
    return select(
        Metric.target, milestones_of().label("milestones"), meant_for_each().label("each"), given.label("given")
    ).where(Metric.task_id == bindparam("task"), may_grow())


def curves_of(task_id: int, *, handed_out: bool = False) -> tuple[Curve, ...]:
    """The figures of the task that may grow towards a target; none where nothing does. `handed_out`: its totals are
    being split. One statement."""
    db.session.flush()  # what is pending would be missed; almost always nothing is
    rows = run(_curves(handed_out), {"task": task_id})
    return tuple(
        Curve(knots_of(row.target, steps_of(row.milestones), zone()), bool(row.each), bool(row.each or row.given))
        for row in rows
    )
