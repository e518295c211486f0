"""What follows from granting a request, before anybody grants it: dates, parts, the review, what it was split from."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, true

from ..clock import local_today, zone
from ..db import db
from ..models import Assignment, Batch, Campaign, Task
from ..models.ladders import EVERYBODYS, calendars, nearest_to
from ..models.prospects import granted
from ..rules.calendars import DayKind
from ..rules.dates import local_day, review_due
from ..rules.requests import RequestKind
from ..rules.standstill import days_given_back
from ..rules.states import OPEN
from .requests import Asked


@dataclass(frozen=True)
class Consequences:
    """`due_at` and `cut_off_at`: when it is granted as asked, None where the dates stay. `parts`: how many open parts
    it was split into, and the latest of their dates. `review_until`: when the first level should have decided on what
    is handed in on that day. `days_back`: given back if it is refused now."""

    due_at: datetime | None
    cut_off_at: datetime | None
    parts: int
    parts_due_at: datetime | None
    review_until: datetime | None
    days_back: int


def consequences_of(asked: Asked, *, now: datetime) -> Consequences:
    """Of a request that waits; two statements, three where the assignment has no due date yet."""
    below = Assignment.parent_id == asked.assignment_id, Assignment.state.in_(OPEN)
    latest = func.max(Assignment.due_at, type_=Assignment.due_at.type)
    parts = select(func.count(Assignment.id).label("n"), latest.label("due_at")).where(*below).subquery()
    row = db.session.execute(
        select(
            Assignment.batch_id, Assignment.due_at, Assignment.cut_off_at, Task.review_days, Task.days,
            func.coalesce(nearest_to(Campaign.issuing_unit_id).scalar_subquery(), EVERYBODYS).label("calendar_id"),
            func.coalesce(Batch.calendar_id, EVERYBODYS).label("batch_calendar_id"), parts.c.n.label("parts"),
            parts.c.due_at.label("parts_due_at"),
        )
        .join(Task, Task.id == Assignment.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .join(Batch, Batch.id == Assignment.batch_id)
        .join(parts, true())
        .where(Assignment.id == asked.assignment_id)
    ).one()  # fmt: skip
    known = calendars({row.calendar_id, row.batch_calendar_id})
    calendar = known[row.calendar_id]
    due_at = cut_off_at = review_until = None
    if asked.asked_due_at is not None and asked.kind is not RequestKind.NOT_APPLICABLE:
        day = max(local_day(asked.asked_due_at, zone()), local_today(now))
        due_at, cut_off_at = granted(row.batch_id, day, due_at=row.due_at, cut_off_at=row.cut_off_at, known=known)
        kind = DayKind.WORKING if row.review_days is None else row.days
        review_until = review_due(due_at, zone(), calendar, row.review_days, kind)
    back = days_given_back(asked.at, now, calendar, row.days, zone())
    return Consequences(due_at, cut_off_at, row.parts, row.parts_due_at, review_until, back)
