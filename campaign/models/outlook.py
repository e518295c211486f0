"""What a dispatch at an instant would mean: dates, calendar, ladder and every rung at its time.

The dispatch writes it, the preview shows it: one function, so that what the page promises is what happens.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, and_, select

from ..clock import zone
from ..db import db
from ..rules.calendars import Calendar
from ..rules.curves import GROWING_KINDS, GROWING_TOWARDS, behind_at
from ..rules.dates import DateRule, Dates, dates_at
from ..rules.ladder import Anchors, Ladder, Step, plan
from ..rules.metrics import Aggregation
from ..rules.periods import period_dates, period_rule
from ..rules.plans import Grade
from .campaigns import Campaign, Metric, Occasion, Task
from .ladders import calendar_for, calendars, ladders, latest_ladder


@dataclass(frozen=True)
class Outlook:
    """The dates that follow, and `steps`: the rungs at their times, by time. `behind_at`: when the curve is missed if
    nothing at all is reported; None for a task without a figure to reach. `curved`: whether it has one."""

    rule: DateRule
    dates: Dates
    behind_at: datetime | None
    ladder: Ladder
    calendar: Calendar
    grade: Grade
    steps: tuple[Step, ...]
    curved: bool = False


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


def outlook_of(task_id: int, *, now: datetime, opens_on: date | None = None) -> Outlook:
    """What a dispatch of that task at `now` would mean; of a period, the one that opens or opened on that day.

    Raises NoResultFound where there is no such task.
    """
    task, occasion, key, unit_id = db.session.execute(
        select(Task, Occasion, Campaign.ladder_key, Campaign.issuing_unit_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .outerjoin(Occasion, Occasion.id == Task.occasion_id)
        .where(Task.id == task_id)
    ).one()
    ladder_id, calendar_id = latest_ladder(task.ladder_key or key), calendar_for(unit_id)
    ladder, calendar = ladders([ladder_id])[ladder_id], calendars([calendar_id])[calendar_id]
    rule = rule_of(task, occasion)
    if opens_on is None:
        dates = dates_at(rule, now, zone(), calendar)
    else:
        dates = period_dates(rule, opens_on, now, zone(), calendar)
    curved = has_curve(task_id)
    behind = behind_at(now, dates.due_at, Decimal(0), zone()) if curved else None
    anchors = Anchors(dates.respond_by, dates.due_at, dates.cut_off_at, behind_at=behind)
    steps = plan(ladder, task.grade, anchors, calendar, zone())
    return Outlook(rule, dates, behind, ladder, calendar, task.grade, steps, curved)


def has_curve(task_id: int) -> bool:
    """Whether the task has a figure that grows towards a target."""
    found = select(Metric.id).where(Metric.task_id == task_id, growing()).limit(1)
    return db.session.execute(found).first() is not None


def growing() -> ColumnElement[bool]:
    """A clause over Metric: it must be reported, and grows towards a target that each unit has to reach.

    The target of a sum is that of all units together; what of it is one unit's is not known before it is split.
    """
    kinds, towards = Metric.kind.in_(GROWING_KINDS), Metric.comparator.in_(GROWING_TOWARDS)
    return and_(kinds, towards, Metric.target > 0, Metric.required, Metric.aggregation != Aggregation.SUM)
