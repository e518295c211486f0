"""python -m tests.jobs.elsewhere ZONE DATABASE-URL ...: deadlines and timers around days on which clocks somewhere
change, as a line of JSON for each zone that the server may stand in.

By the law for each half-hour of those days, and by dispatching the tasks that the database holds. Each zone has a
process of its own, born of one that has read the product but has not begun to work.
"""

import json
import os
import sys
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from campaign import clock, create_app
from campaign.db import db, micros, unit_of_work
from campaign.models import Assignment, Task, Timer
from campaign.operations.issuing import dispatch
from campaign.rules.dates import DateRule, DueKind, dates_at, review_due
from campaign.rules.organisation import SYSTEM

DAYS = (  # clocks change in America, in Europe and nowhere; the year ends; a leap day comes
    date(2026, 3, 8), date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 1), date(2026, 12, 31), date(2028, 2, 28),
)  # fmt: skip
RULES = (
    DateRule(DueKind.FIXED, date(2028, 3, 31), None, 2, 5),
    DateRule(DueKind.RELATIVE, due_days=1),
    DateRule(DueKind.RELATIVE, due_days=0, respond_days=0, grace_days=1),
)
HALF_HOUR = timedelta(minutes=30)


def stored(*moments: datetime | None) -> list[int | None]:
    """To the microsecond."""
    return [None if moment is None else micros(moment) for moment in moments]


def by_law() -> list[Any]:
    """What the rules say."""
    found: list[Any] = []
    for day in DAYS:
        for half_hours in range(-24, 72):
            now = datetime(day.year, day.month, day.day, tzinfo=UTC) + half_hours * HALF_HOUR
            found.append([str(clock.local_today(now)), *stored(review_due(now, clock.zone()))])
            for rule in RULES:
                dates = dates_at(rule, now, clock.zone())
                found.append(stored(dates.respond_by, dates.due_at, dates.cut_off_at))
    return found


def by_dispatch() -> list[Any]:
    """What stands in the database after a dispatch of each task on another of these days."""
    for task_id, day in zip(db.session.scalars(select(Task.id).order_by(Task.id)).all(), DAYS, strict=True):
        with unit_of_work():
            dispatch(task_id, actor=SYSTEM, now=datetime(day.year, day.month, day.day, 1, 30, tzinfo=UTC))
    kept = (
        select(Assignment.respond_by, Assignment.due_at, Assignment.cut_off_at, Timer.fires_at)
        .outerjoin(Timer, Timer.assignment_id == Assignment.id)
        .order_by(Assignment.id, Timer.fires_at)
    )
    return [stored(*row) for row in db.session.execute(kept)]


def answer(zone: str, url: str) -> None:
    """Prints both, as a server that stands there."""
    os.environ |= {"TZ": zone, "CAMPAIGN_DATABASE_URL": url}
    time.tzset()
    with create_app().app_context():
        print(json.dumps([by_law(), by_dispatch()]), flush=True)  # noqa: T201


def main() -> None:
    """One after the other."""
    for zone, url in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
        number = os.fork()
        if number == 0:
            answer(zone, url)
            os._exit(0)
        if os.waitpid(number, 0)[1]:
            sys.exit(1)


if __name__ == "__main__":
    main()
