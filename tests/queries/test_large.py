"""Boards of more areas than a statement may name one by one."""

from datetime import timedelta

from sqlalchemy import insert

from campaign.db import db, unit_of_work
from campaign.models import Area, Assignment, Batch, Placement, Unit
from campaign.models.climbing import standing_in
from campaign.queries.board import Asked, board
from campaign.rules.organisation import SYSTEM, Level, Line
from campaign.rules.states import State
from tests import make

MANY = 1_100  # SQLite refuses an expression that is deeper than a thousand


def test_a_board_of_many_villages_with_shops_counts_them_where_they_stood(app, now):
    county = make.area()
    task = make.task(make.campaign(make.unit(county), issued_at=now))
    villages, shops = _villages_with_shops(county)
    _asked_of_the_shops(task, shops, now)
    asked = Asked(area_id=county.id, whole=True)

    def counted() -> list[int]:
        shown = board(task.campaign_id, asked, actor=SYSTEM, now=now)
        assert [row.place.id for row in shown.rows] == villages
        assert shown.total.whole.total == MANY
        return [row.whole.total for row in shown.rows]

    assert counted() == [1] * MANY
    # Each second shop stood in the village before, on the day of the campaign.
    former = [
        {"area_id": shop, "until": now + timedelta(days=1), "parent_id": villages[at - 1]}
        for at, shop in enumerate(shops)
        if at % 2
    ]
    with unit_of_work():
        db.session.execute(insert(Placement), former)
    assert counted() == [2, 0] * (MANY // 2)
    apart = [(at * 3, at * 3 + 1) for at in range(MANY)]
    assert db.session.query(Area).where(standing_in(Area.lft, apart)).count()


def _villages_with_shops(county: Area) -> tuple[list[int], list[int]]:
    places, first = [], county.id + 1
    for at in range(MANY):
        id, lft = first + 2 * at, county.lft + 1 + 2 * at
        for more, level, parent, rgt in ((0, Level.VILLAGE, county.id, lft + 1), (1, Level.ORGANISATION, id, lft + 1)):
            places.append(
                {"id": id + more, "code": f"v{id + more}", "name": "东村", "level": level, "parent_id": parent,
                 "path": "/", "depth": 1 + more, "lft": lft + more, "rgt": rgt}
            )  # fmt: skip
    villages, shops = places[::2], places[1::2]
    with unit_of_work():
        db.session.execute(insert(Area), [*villages, *shops])
        county.rgt = county.lft + len(places)
        units = [
            {"area_id": one["id"], "line": Line.WOMEN, "level": one["level"], "lft": one["lft"], "name": "妇联"}
            for one in shops
        ]
        db.session.execute(insert(Unit), units)
    return [one["id"] for one in villages], [one["id"] for one in shops]


def _asked_of_the_shops(task, shops, now):
    with unit_of_work():
        batch = Batch(task_id=task.id, dispatched_at=now, items=MANY, digest="", folded=False)
        db.session.add(batch)
        db.session.flush()
        units = db.session.query(Unit.id).where(Unit.level == Level.ORGANISATION).all()
        rows = [{"task_id": task.id, "unit_id": id, "batch_id": batch.id, "state": State.ISSUED} for (id,) in units]
        db.session.execute(insert(Assignment), rows)
