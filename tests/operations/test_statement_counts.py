"""What costs a number of statements that must not grow with the number of rows: dispatch, a sweep, every page."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from campaign.db import db, unit_of_work
from campaign.models import Area, Assignment, Post, Unit
from campaign.operations.folding import fold
from campaign.operations.issuing import cancel, dispatch
from campaign.operations.reporting import Report, acknowledge, submit
from campaign.operations.sweeping import fire
from campaign.rules.ladder import Sweep
from campaign.rules.organisation import Level, Line, Role
from tests import make

FEW, MANY = 6, 60
MOST_ON_A_PAGE = 8


@pytest.fixture
def tree(app):
    return make.small_tree()


def grow(tree) -> None:
    """So many villages more below the first township that there are MANY, all of them the same officer's."""
    township = tree.townships[0]
    officer = tree.holder(tree.villages[0], Role.OFFICER)
    with unit_of_work() as session:
        for number in range(MANY - FEW):
            village = Area(
                code=f"98{number:010d}", name=f"新{number}村", level=Level.VILLAGE, parent_id=township.id, path="",
                depth=township.depth + 1, lft=0, rgt=0,
            )  # fmt: skip
            session.add(village)
            session.flush()
            village.path = f"{township.path}{village.id}/"
            unit = Unit(area_id=village.id, line=Line.WOMEN, level=Level.VILLAGE, lft=0, name=f"{village.name}妇联")
            session.add(unit)
            session.flush()
            session.add(
                Post(person_id=officer.id, unit_id=unit.id, role=Role.OFFICER, valid_from=make.TODAY - timedelta(30))
            )
        make.straighten()


def dispatched(tree, now, statements) -> tuple[int, list[str]]:
    """A new task for all villages of the line: how many assignments it made, and with which statements."""
    plan = make.campaign(tree.unit(tree.county))
    task, actor = make.task(plan), tree.actor(tree.county, Role.DISPATCHER)
    db.session.commit()
    statements.clear()
    with unit_of_work():
        done = dispatch(task.id, actor=actor, now=now)
    return done.items, list(statements)


def test_a_dispatch_to_sixty_asks_no_more_than_one_to_six(tree, now, statements):
    few, before = dispatched(tree, now, statements)
    grow(tree)
    many, after = dispatched(tree, now, statements)
    assert (few, many) == (FEW, MANY)
    assert len(after) == len(before)


def test_a_transition_asks_for_its_facts_and_writes_its_four_rows(tree, now, statements):
    dispatched(tree, now, statements)
    id, actor = db.session.scalars(select(Assignment.id).limit(1)).one(), tree.actor(tree.county, Role.DISPATCHER)
    db.session.commit()
    statements.clear()
    with unit_of_work():
        cancel(id, actor=actor, now=now, seen=1, reason="重复下达")
    first = [" ".join(statement.split()[:3]) for statement in statements]
    assert first[0].startswith("SELECT assignment.id")
    assert first[1:] == [
        "UPDATE assignment SET", "INSERT INTO event", "INSERT INTO notice", "INSERT INTO tally_delta",
    ]  # fmt: skip


@pytest.mark.parametrize("days", [3, 5, 11, 14])
def test_a_sweep_that_fires_sixty_asks_no_more_than_one_that_fires_six(tree, now, statements, days):
    moment = now + timedelta(days=days)
    counts = []
    for number in (FEW, MANY):
        dispatched(tree, now, statements)
        statements.clear()
        fired = []
        for sweep in (*Sweep, *Sweep):  # what a later rung overtook fires in the next sweep
            with unit_of_work():
                fired.append(fire(sweep, now=moment).fired)
        counts.append((sum(fired), len(statements)))
        if number == FEW:
            grow(tree)
    (few, before), (many, after) = counts
    assert (few, many) == (FEW, MANY)
    assert after == before


def test_no_page_asks_more_when_there_is_more_on_it(tree, client, visitor, now, statements):
    officer, supervisor = tree.holder(tree.villages[0], Role.OFFICER), tree.holder(tree.townships[0], Role.SUPERVISOR)
    dispatcher = tree.holder(tree.county, Role.DISPATCHER)
    asked = []
    for number in (FEW, MANY):
        dispatched(tree, now, statements)
        reported(officer, now)
        with unit_of_work():
            fold(now=now)
        campaign = db.session.execute(select(make.Campaign.id).order_by(make.Campaign.id.desc()).limit(1)).scalar_one()
        pages = {
            "inbox": (officer, "/"), "messages": (officer, "/messages"), "queue": (supervisor, "/reviews"),
            "board": (dispatcher, f"/campaigns/{campaign}/board"),
            "township": (dispatcher, f"/campaigns/{campaign}/board?area={tree.townships[0].id}"),
        }  # fmt: skip
        asked.append({name: count(visitor, *page, statements) for name, page in pages.items()})
        if number == FEW:
            grow(tree)
    few, many = asked
    assert few == many
    assert {name: most for name, most in many.items() if most > MOST_ON_A_PAGE} == {}


def reported(officer, now) -> None:
    """Half of what the officer has is submitted, so that the queue has something in it."""
    actor = make.actor(officer)
    ids = db.session.execute(
        select(Assignment.id).where(Assignment.unit_id.in_(actor.units()), Assignment.version == 1)
    ).scalars().all()  # fmt: skip
    for id in ids[: max(len(ids) // 2, 1)]:
        with unit_of_work():
            acknowledge(id, actor=actor, now=now, seen=1)
            submit(id, Report(words="办完了"), actor=actor, now=now, seen=2)


def count(visitor, person, path, statements) -> int:
    """How many statements the page asks for this person, on the second look."""
    visitor.sign_out()
    visitor.sign_in(person)
    visitor.get(path)
    statements.clear()
    visitor.get(path)
    return len(statements)
