"""What a recurring task goes by: its rhythm, its dates, its calendar, and whose turn comes next where it rotates.

The clock opens periods by it, and pages show those to come: one place, so that what is announced is what happens.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from ..clock import zone
from ..db import db
from ..rules.calendars import Calendar
from ..rules.dates import DateRule
from ..rules.periods import passed, turns_ahead, window_end
from ..rules.plans import PeriodState
from ..rules.recurrence import Rule, days_of, parse
from .campaigns import Campaign, Occasion, Period, Series, Task
from .ladders import calendar_for, calendars
from .organisation import Unit
from .outlook import rule_of


@dataclass(frozen=True)
class Recurrence:
    """A recurring task: `series` is None until it was begun; `ends_on`: the campaign's last day."""

    task: Task
    rule: Rule
    dates: DateRule
    calendar: Calendar
    issuing_unit_id: int
    ends_on: date | None
    series: Series | None

    def days(self, today: date) -> Iterator[date]:
        """The days on which its periods open, all from the first; of one not begun, as if it were begun today."""
        begins_on = self.series.begins_on if self.series else (self.task.repeats_from or today)
        return days_of(self.rule, begins_on, self.ends_on)

    def first_day(self, today: date) -> date | None:
        """When the first period opens if the task is begun today. What had passed before is asked of nobody."""
        found, following = passed(self.days(today), today, self.last_day)
        return next((each.opens_on for each in found if each.state is not PeriodState.MISSED), following)

    def ahead(self, today: date, how_many: int) -> list[date]:
        """The next days on which periods open; of one not begun, as if it were begun today."""
        first = self.series.next_on if self.series else self.first_day(today)
        return [] if first is None else list(islice((day for day in self.days(today) if day >= first), how_many))

    def last_day(self, opens_on: date) -> date | None:
        """The last day of the period that opens then; None where only the next one ends it."""
        return window_end(self.dates, opens_on, zone(), self.calendar)


def recurrence_of(task_id: int, *, lock: bool = False) -> Recurrence | None:
    """The recurrence of a task, None where it does not recur. `lock`: nobody else opens periods meanwhile."""
    query = (
        select(Task, Occasion, Campaign.issuing_unit_id, Campaign.ends_on)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .outerjoin(Occasion, Occasion.id == Task.occasion_id)
        .where(Task.id == task_id, Task.rrule != "")
    )
    row = db.session.execute(query).one_or_none()
    if row is None:
        return None
    held: Select[Any] = select(Series).where(Series.task_id == task_id).execution_options(populate_existing=True)
    series = db.session.scalars(held.with_for_update() if lock else held).one_or_none()
    calendar_id = calendar_for(row.issuing_unit_id)
    return Recurrence(
        row.Task,
        parse(row.Task.rrule),
        rule_of(row.Task, row.Occasion),
        calendars([calendar_id])[calendar_id],
        row.issuing_unit_id,
        row.ends_on,
        series,
    )


def next_turns(task_id: int, receives: ColumnElement[bool], today: date, how_many: int) -> list[tuple[int, str]]:
    """Whose turns come next, by id and name. `receives`: a clause over Unit. One statement, whatever their number."""
    had = (
        select(Period.unit_id, func.max(Period.number).label("number"))
        .where(Period.task_id == task_id, Period.unit_id.is_not(None))
        .group_by(Period.unit_id)
        .subquery()
    )
    last = func.coalesce(had.c.number, 0)
    rows = db.session.execute(
        select(Unit.id, Unit.name, last.label("last"))
        .outerjoin(had, had.c.unit_id == Unit.id)
        .where(
            receives,
            or_(Unit.valid_from.is_(None), Unit.valid_from <= today),
            or_(Unit.valid_to.is_(None), Unit.valid_to >= today),
        )
        .order_by(last, Unit.lft, Unit.id)
        .limit(how_many)
    ).all()
    names = {row.id: row.name for row in rows}
    order = turns_ahead(list(names), {row.id: row.last for row in rows}, how_many)
    return [(unit_id, names[unit_id]) for unit_id in order]
