"""What a large country must not break or slow down: more areas than a statement may name one by one, and pages of one
unit that must not read what all the others did."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import and_, insert, update

from campaign.db import db, unit_of_work
from campaign.models import Area, Assignment, Batch, Placement, Unit
from campaign.models.climbing import standing_in
from campaign.queries.assignments import whole
from campaign.queries.board import Asked, board, head_for
from campaign.queries.burden import reported_already
from campaign.queries.cascade_tree import everything, level_of
from campaign.queries.metric_facts import AskedMetric
from campaign.queries.metric_units import Lack, units_page
from campaign.queries.unit_page import unit_page
from campaign.rules.metrics import Aggregation
from campaign.rules.organisation import SYSTEM, Level, Line, Role
from campaign.rules.states import State
from tests import make

MANY = 1_100  # SQLite refuses an expression that is deeper than a thousand


def test_a_board_of_many_villages_with_shops_counts_them_where_they_stood(app, now):
    county = make.area()
    task = make.task(make.campaign(make.unit(county), issued_at=now))
    villages, shops = _villages_with_shops(county)
    _asked_of_the_shops(task, now)
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
        bounds = {"rgt": county.lft + len(places)}
        db.session.execute(update(Area).where(Area.rgt == county.rgt).values(bounds))
        units = [
            {"area_id": one["id"], "line": Line.WOMEN, "level": one["level"], "lft": one["lft"], "name": "妇联"}
            for one in shops
        ]
        db.session.execute(insert(Unit), units)
    return [one["id"] for one in villages], [one["id"] for one in shops]


def _asked_of_the_shops(task, now, *, folded=False):
    with unit_of_work():
        batch = Batch(task_id=task.id, dispatched_at=now, items=MANY, digest="", folded=folded)
        db.session.add(batch)
        db.session.flush()
        units = db.session.query(Unit.id).where(Unit.level == Level.ORGANISATION).all()
        rows = [{"task_id": task.id, "unit_id": id, "batch_id": batch.id, "state": State.ISSUED} for (id,) in units]
        db.session.execute(insert(Assignment), rows)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # PostgreSQL knows how much there is of what
def test_what_is_asked_of_one_unit_costs_the_same_in_a_large_country(app, now):
    tree = make.small_tree()
    task, other, again = (make.task(make.campaign(tree.unit(tree.county), title=title)) for title in "甲乙丙")
    metric, _same = (make.metric(each, aggregation=Aggregation.SUM, name="培训人次") for each in (task, again))
    village = tree.unit(tree.villages[0])
    mine = make.assignment(task, village, State.ACKNOWLEDGED)
    officer, boss = tree.actor(tree.villages[0], Role.OFFICER), tree.actor(tree.county, Role.DISPATCHER)
    of_women = and_(Unit.line == Line.WOMEN, Unit.level == Level.VILLAGE)
    meter = reported_already(again.id, of_women, since=make.TODAY)
    acts = {
        "officer": lambda: whole(mine.id, officer),
        "campaign": lambda: head_for(task.campaign_id, officer),
        "targets": lambda: level_of(task.id, metric, actor=officer),
        "export": lambda: list(everything(task.id, metric, actor=officer)),
        "figure": lambda: units_page(metric.id, AskedMetric(), Lack.ANY, actor=officer, today=make.TODAY),
        "unit": lambda: unit_page(village.id, actor=boss, now=now, today=make.TODAY),
        "top": lambda: unit_page(tree.unit(tree.city).id, actor=SYSTEM, now=now, today=make.TODAY),
    }
    elsewhere = make.area("北川县", parent=tree.city)
    before = {name: _steps(act) for name, act in acts.items()}
    _villages_with_shops(elsewhere)
    _asked_of_the_shops(task, now, folded=True)
    grown = {name: _steps(act) - before[name] for name, act in acts.items()}
    assert {name: more for name, more in grown.items() if more > MANY} == {}
    few = _steps(lambda: db.session.execute(meter).all())
    done = {"unit_id": tree.unit(tree.villages[1]).id, "batch_id": mine.batch_id, "state": State.APPROVED}
    with unit_of_work():
        rows = [done | {"task_id": other.id, "period": period} for period in range(1, MANY)]
        db.session.execute(insert(Assignment), rows)
    assert _steps(lambda: db.session.execute(meter).all()) < few + MANY


def _steps(act: Callable[[], object]) -> int:
    """How many steps SQLite's machine takes for it: the same on every computer."""
    taken = 0

    def step() -> int:
        nonlocal taken
        taken += 1
        return 0

    act()
    driver = db.session.connection().connection.driver_connection
    driver.set_progress_handler(step, 1)
    act()
    driver.set_progress_handler(None, 1)
    return taken
