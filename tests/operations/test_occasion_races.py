"""An occasion moved in the instant of a dispatch: what was dispatched has the date that the occasion has."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier

from sqlalchemy import select

from campaign.db import db, unit_of_work
from campaign.models import Assignment, Occasion
from campaign.operations.issuing import dispatch
from campaign.operations.occasions import move_occasion
from campaign.rules.dates import DueKind, end_of_day
from campaign.rules.organisation import Role
from tests import make

ROUNDS = 6
CONGRESS = date(2026, 12, 20)


def test_dispatch_against_a_move(app, now):
    tree = make.small_tree()
    campaign = make.campaign(tree.unit(tree.county))
    actor = tree.actor(tree.county, Role.DISPATCHER)
    with unit_of_work() as session:
        session.add(occasion := Occasion(campaign_id=campaign.id, position=1, name="党代会", happens_on=CONGRESS))
    asked = {"due_kind": DueKind.OCCASION, "due_on": None, "due_days": -1, "occasion_id": occasion.id}
    for number in range(1, ROUNDS + 1):
        tasks = [make.task(campaign, **asked).id for _ in range(3)]
        together, on = Barrier(len(tasks) + 1), CONGRESS + timedelta(days=number)

        def run(act, together=together):
            with app.app_context():
                together.wait()
                with unit_of_work():
                    return act()

        acts = [lambda id=id: dispatch(id, actor=actor, now=now) for id in tasks]
        acts.append(lambda on=on, number=number: move_occasion(1, on, "推迟", actor=actor, now=now, seen=number))
        db.session.rollback()
        with ThreadPoolExecutor(len(acts)) as pool:
            list(pool.map(run, acts))
        db.session.rollback()
        wanted = end_of_day(on - timedelta(days=1), make.ZONE)
        assert set(db.session.scalars(select(Assignment.due_at))) == {wanted}, f"round {number}"
