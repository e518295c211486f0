"""The tree as of a day, in SQL: what moved since, who stood right below whom, and who anywhere below."""

from datetime import timedelta

from sqlalchemy import literal, select

from campaign.db import Instant, db, unit_of_work
from campaign.documents.tables import table_of
from campaign.models import Area
from campaign.models.climbing import below_at, moved_since, standing_in
from campaign.operations.areas import import_areas
from campaign.rules.former_tree import read_moves
from campaign.rules.organisation import SYSTEM
from tests import make


def move(area, to, at):
    row = (area.code, area.name, "village", to.code)
    with unit_of_work():
        import_areas(table_of("areas.csv", ("code", "name", "level", "parent_code"), [row]), actor=SYSTEM, now=at)


def test_a_village_that_moved_twice_stands_where_it_stood(app, now):
    with unit_of_work():
        tree = make.small_tree()
    first, last, village = tree.townships[0], tree.townships[-1], tree.villages[0]
    days = [now + timedelta(days=day) for day in (1, 2)]
    move(village, last, days[0])
    move(village, first, days[1])
    hour = timedelta(hours=1)
    for moment, home, moves in ((now, first, 1), (days[0] + hour, last, 1), (days[1] + hour, first, 0)):
        at = literal(moment, Instant())
        then = read_moves(db.session.scalar(select(moved_since(at))))
        assert len(then.moves) == moves
        for township in (first, last):
            place = db.session.execute(select(Area.lft, Area.rgt).where(Area.id == township.id)).one()
            right_below = set(db.session.scalars(select(Area.id).where(below_at(township.id, at))))
            anywhere = set(
                db.session.scalars(select(Area.id).where(standing_in(Area.lft, then.stretches(tuple(place)))))
            )
            assert (village.id in right_below) == (township is home)
            assert anywhere == {township.id} | right_below
