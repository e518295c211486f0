"""Folding: tallies with everything pending are always what the assignments say, whoever folds and when."""

import random
import threading
from collections import Counter

import pytest
from sqlalchemy import delete, func, insert, select, update

from campaign.db import db, micros, unit_of_work
from campaign.models import Area, Assignment, Batch, Tally, TallyDelta, Task, Unit
from campaign.operations.folding import Shift, differences, fold, rebuild, shift
from campaign.rules.organisation import LEAF_LEVELS, Level, Line
from campaign.rules.states import State
from tests import make
from tests.counting import statements


@pytest.fixture
def work(app):
    """A campaign of two tasks with an assignment in every state, and one for an organisation below a village."""
    tree = make.small_tree()
    shop = make.area("清河纺织厂", Level.ORGANISATION, tree.villages[0])
    shop_unit = make.unit(shop, Line.WOMEN)
    plan = make.campaign(tree.unit(tree.county))
    tasks = [make.task(plan), make.task(plan, lines=(Line.WOMEN, Line.UNION), due_on=None)]
    states = [State.ISSUED, State.ACKNOWLEDGED, State.SUBMITTED, State.RETURNED, State.APPROVED, State.CANCELLED]
    for village, state in zip(tree.villages, states, strict=True):
        make.assignment(tasks[0], tree.unit(village), state)
        make.assignment(tasks[1], tree.unit(village, Line.UNION), state, due_at=None)
    make.assignment(tasks[0], shop_unit, State.ACKNOWLEDGED)
    make.assignment(tasks[1], tree.unit(tree.townships[0]), State.ISSUED, due_at=None)
    return tree


def counted() -> Counter:
    """What the tallies must be, counted one by one along the paths."""
    level = dict(db.session.execute(select(Area.id, Area.level)).all())
    rows = db.session.execute(
        select(Assignment.task_id, Assignment.state, Assignment.due_at, Unit.line, Area.path)
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Area, Area.id == Unit.area_id)
    )
    found: Counter = Counter()
    for row in rows:
        for area in map(int, row.path.strip("/").split("/")):
            if level[area] not in LEAF_LEVELS:
                found[row.task_id, area, row.line, row.state, micros(row.due_at) if row.due_at else 0] += 1
    return found


def stored() -> Counter:
    rows = db.session.execute(
        select(Tally.task_id, Tally.area_id, Tally.line, Tally.state, Tally.due, Tally.n).where(Tally.n != 0)
    )
    return Counter({tuple(row[:5]): row[5] for row in rows})


def pending() -> int:
    return db.session.scalar(select(func.count()).select_from(TallyDelta))


def move(assignment: Assignment, state: State) -> None:
    """The bare effect of a transition on the tallies."""
    due = micros(assignment.due_at) if assignment.due_at else 0
    delta = TallyDelta(
        task_id=assignment.task_id,
        unit_id=assignment.unit_id,
        from_state=assignment.state,
        to_state=state,
        from_due=due,
        to_due=due,
    )
    db.session.add(delta)
    values = {"state": state, "reviewer_unit_id": None}
    db.session.execute(update(Assignment).where(Assignment.id == assignment.id).values(values))


def test_folding_counts_for_every_area_above_but_not_for_leaves(work, now):
    assert differences() == []
    with unit_of_work():
        assert fold(now=now) == 14
    assert pending() == 0
    assert stored() == counted()
    assert differences() == []


def test_a_batch_counts_as_dispatched_and_its_deltas_say_the_rest(work, now):
    with unit_of_work():
        db.session.execute(delete(TallyDelta))
        db.session.execute(update(Batch).values(folded=False))
        db.session.execute(update(Assignment).values(state=State.ISSUED, reviewer_unit_id=None))
    with unit_of_work():
        move(db.session.scalars(select(Assignment)).first(), State.ACKNOWLEDGED)
    assert differences() == []
    with unit_of_work():
        assert fold(now=now) == 15
    with unit_of_work():
        assert fold(now=now) == 0
    assert stored() == counted()


def test_any_order_of_moves_and_small_folds_ends_the_same(work, now):
    chance = random.Random(7)
    targets = [state for state in State if state is not State.SUBMITTED]
    for _round in range(12):
        with unit_of_work():
            for assignment in chance.sample(list(db.session.scalars(select(Assignment))), 4):
                move(assignment, chance.choice(targets))
        assert differences() == []
        with unit_of_work():
            fold(now=now, limit=chance.randint(1, 6))
        assert differences() == []
        db.session.expire_all()
    with unit_of_work():
        fold(now=now)
    assert stored() == counted()


def test_a_rebuild_finds_and_repairs_what_is_wrong_and_leaves_what_is_pending(work, now):
    with unit_of_work():
        fold(now=now, limit=9)
    with unit_of_work():
        db.session.execute(update(Tally).values(n=Tally.n + 1))
        db.session.execute(delete(Tally).where(Tally.area_id == work.city.id))
    wrong = differences()
    assert {found.area_id for found in wrong} >= {work.city.id, work.county.id}
    assert any(found.stored == 0 and found.counted > 0 for found in wrong)
    before = pending()
    with unit_of_work():
        assert rebuild(now=now) == wrong
    assert (differences(), pending()) == ([], before)
    with unit_of_work():
        assert rebuild(now=now) == []
        fold(now=now)
    assert stored() == counted()


@pytest.mark.parametrize("limit", [3, 10_000])
def test_the_number_of_statements_does_not_grow(work, now, limit):
    with statements() as seen, unit_of_work():
        fold(now=now, limit=limit)
    assert len(seen) <= 9


def test_two_folders_at_once_lose_nothing(app, work, now):
    failures = []

    def folder() -> None:
        with app.app_context():
            try:
                for _round in range(8):
                    with unit_of_work():
                        fold(now=now, limit=2)
            except Exception as error:
                failures.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=folder) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert pending() == 0
    assert stored() == counted()


def test_a_calendar_that_moves_a_thousand_dates_moves_the_counts_of_all(work, now):
    """So many pairs of dates do tasks of a whole country come to; SQLite reads no expression a thousand deep."""
    many, task = 1_200, db.session.scalars(select(Task).order_by(Task.id)).first()
    key = {"task_id": task.id, "area_id": work.county.id, "line": Line.WOMEN, "state": State.ISSUED, "changed_at": now}
    with unit_of_work() as session:
        session.execute(delete(Tally))
        session.execute(insert(Tally), [key | {"due": due, "behind": 0, "n": due} for due in range(1, many + 2)])
        shift([Shift(task.id, due, 0, many + due % 2 * many, 7) for due in range(1, many)], now=now)
    left = {(row.due, row.behind): row.n for row in db.session.scalars(select(Tally))}
    odd, even = sum(range(1, many, 2)), sum(range(2, many, 2))
    assert left == {(many, 0): many, (many + 1, 0): many + 1, (2 * many, 7): odd, (many, 7): even}
