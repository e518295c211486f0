"""The log cannot be changed, whoever asks: the database itself refuses."""

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError

from campaign.db import db, micros, unit_of_work
from campaign.models import Event
from campaign.rules.states import State
from tests import make
from tests.make import NOW


@pytest.fixture(autouse=True)
def logged(app):
    """One event with its seal."""
    event = {"at": micros(NOW), "tag": "a:b:c", "subject": "assignment", "subject_id": 1, "person_id": 1}
    with unit_of_work() as session:
        session.execute(
            text(
                "INSERT INTO event (id, at, tag, subject, subject_id, person_id, reason, data) "
                "VALUES (1, :at, :tag, :subject, :subject_id, :person_id, '', '{}')"
            ),
            event,
        )
        session.execute(text("INSERT INTO chain_link (seq, event_id, digest) VALUES (1, 1, 'd')"))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET reason = 'another'",
        "UPDATE event SET reason = reason",
        "UPDATE event SET id = 2 WHERE id = 1",
        "DELETE FROM event",
        "UPDATE chain_link SET digest = 'other'",
        "DELETE FROM chain_link WHERE seq = 1",
    ],
)
def test_the_database_refuses(statement):
    with pytest.raises(DatabaseError, match=r"(event|chain_link) is append-only"), unit_of_work() as session:
        session.execute(text(statement))
    assert db.session.scalar(select(func.count()).select_from(Event)) == 1


@pytest.mark.parametrize("table", ["event", "chain_link"])
def test_nothing_is_emptied_at_once(settings, table):
    if settings.effective_database_url.startswith("sqlite"):
        return  # SQLite has no TRUNCATE; its DELETE is refused above
    with pytest.raises(DatabaseError, match="append-only"), unit_of_work() as session:
        session.execute(text(f"TRUNCATE {table} CASCADE"))


def test_a_writer_is_named_by_its_transaction(settings):
    """On PostgreSQL ids are not commit order, so each event keeps its transaction; on SQLite they are."""
    tx = db.session.scalar(select(Event.tx))
    assert (tx == 0) == settings.effective_database_url.startswith("sqlite")


@pytest.mark.parametrize("statement", ["UPDATE submission SET words = 'another'", "DELETE FROM submission"])
def test_what_was_reported_cannot_be_changed(statement):
    tree = make.small_tree()
    task = make.task(make.campaign(tree.unit(tree.county)))
    make.assignment(task, tree.unit(tree.villages[0]), State.SUBMITTED)
    with pytest.raises(DatabaseError, match="append-only"), unit_of_work() as session:
        session.execute(text(statement))
