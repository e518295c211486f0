"""A calendar that is corrected while tasks are dispatched: no batch keeps dates of days that no longer hold."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

from sqlalchemy import select

from campaign.db import db, unit_of_work
from campaign.models import Assignment, Calendar
from campaign.models.ladders import EVERYBODYS, calendars
from campaign.operations.calendar_rows import WantedDay
from campaign.operations.calendars import Wish, correct
from campaign.operations.issuing import dispatch
from campaign.rules.calendars import DayKind, Mark
from campaign.rules.dates import DueKind, end_of_day
from campaign.rules.organisation import SYSTEM
from tests import make

ROUNDS = 12
DAY = date(2026, 11, 24)


def test_dispatch_against_a_correction(app, now):
    tree = make.small_tree()
    campaign = make.campaign(tree.unit(tree.county))
    asked = {"due_kind": DueKind.RELATIVE, "due_on": None, "due_days": 5, "days": DayKind.WORKING}
    for number in range(ROUNDS):
        tasks = [make.task(campaign, **asked).id for _ in range(3)]
        seen = db.session.get(Calendar, EVERYBODYS, populate_existing=True).version
        mark = Mark.PLAIN if number % 2 else Mark.REST
        together = Barrier(len(tasks) + 1)

        def run(act, together=together):
            with app.app_context():
                together.wait()
                with unit_of_work():
                    return act()

        wish = Wish({DAY: WantedDay(mark)})
        acts = [lambda id=id: dispatch(id, actor=SYSTEM, now=now) for id in tasks]
        acts.append(lambda: correct(EVERYBODYS, wish, actor=SYSTEM, now=now, seen=seen, reason="试"))  # noqa: B023
        db.session.rollback()
        with ThreadPoolExecutor(len(acts)) as pool:
            list(pool.map(run, acts))
        db.session.rollback()
        calendar = calendars([EVERYBODYS])[EVERYBODYS]
        wanted = end_of_day(calendar.after(date(2026, 11, 20), 5, DayKind.WORKING), "Asia/Shanghai")
        assert set(db.session.scalars(select(Assignment.due_at))) == {wanted}, f"round {number}"
