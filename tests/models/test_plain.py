"""Statements that go to the driver itself mean the same as through SQLAlchemy."""

import psycopg
import pytest
from sqlalchemy import bindparam, event, insert, select, text
from sqlalchemy.exc import IntegrityError

from campaign.db import db, insert_new, run, unit_of_work
from campaign.models import Batch, Post
from campaign.rules.organisation import Role
from tests import make

POST = Post.__table__
HELD = select(POST.c.id, POST.c.role, POST.c.valid_from, POST.c.disabled_at).where(
    POST.c.unit_id == bindparam("unit"), POST.c.role.in_((Role.OFFICER, Role.SUPERVISOR))
)
HOLD = insert(POST).returning(POST.c.id)
HOLD_NEW = insert_new(POST).returning(POST.c.id)
BATCH = insert(Batch.__table__).returning(Batch.__table__.c.id)
COUNTED = text("SELECT count(*) AS many, :said AS said FROM post WHERE unit_id = :unit")


def test_the_driver_gets_and_gives_what_the_types_say(app, now):
    tree = make.small_tree()
    unit, person = tree.unit(tree.villages[0]), make.person()
    row = {"person_id": person.id, "unit_id": unit.id, "role": Role.SUPERVISOR, "valid_from": now.date()}
    heard = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: heard.append(given[2]))
    with unit_of_work():
        added = run(HOLD, row | {"disabled_at": now}).scalar_one()
    assert heard[-1].startswith("INSERT INTO post")
    found = {post.id: post for post in run(HELD, {"unit": unit.id})}
    assert len(found) == 2
    assert (found[added].role, found[added].valid_from, found[added].disabled_at) == (Role.SUPERVISOR, now.date(), now)
    assert found[added].role.name == "SUPERVISOR"
    counted = run(COUNTED, {"unit": unit.id, "said": "几个"}).first()
    assert (counted.many, counted.said) == (2, "几个")
    assert run(HELD, {"unit": 0}).first() is None
    with unit_of_work():
        batch = run(
            BATCH, {"task_id": make.task(make.campaign(unit)).id, "dispatched_at": now, "items": 0, "digest": ""}
        )
    assert db.session.get_one(Batch, batch.scalar_one()).ladder_id == 1  # what the model gives where nothing is said


def test_its_errors_are_those_of_the_toolkit(app, now):
    row = {"person_id": 0, "unit_id": 0, "role": Role.OFFICER, "valid_from": now.date()}
    with pytest.raises(IntegrityError), unit_of_work():
        run(HOLD, row)
    with unit_of_work():
        assert run(HOLD, row | {"person_id": make.person().id, "unit_id": make.unit(make.area()).id}).rowcount == 1


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_a_connection_that_the_server_has_ended_is_not_used_again(app, postgres_server):
    before = db.session.execute(text("SELECT pg_backend_pid()")).scalar_one()
    db.session.remove()
    assert db.session.execute(text("SELECT pg_backend_pid()")).scalar_one() == before
    db.session.remove()
    with psycopg.connect(postgres_server.server.get_uri("postgres"), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [before])
    assert db.session.execute(text("SELECT pg_backend_pid()")).scalar_one() != before


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_what_is_read_again_and_again_stays_prepared_although_it_is_rolled_back(app):
    for _time in range(8):  # the driver prepares what it has seen five times
        db.session.execute(text("SELECT 7"))
        db.session.remove()
    kept = "SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT 7'"
    assert db.session.execute(text(kept)).scalar_one() == 1
