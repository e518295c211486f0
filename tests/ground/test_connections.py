"""The connection that SQLite's writers hand to each other."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from campaign.connections import WriterPool


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path / 'own.sqlite'}", poolclass=WriterPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE row (id INTEGER)")
    yield engine
    engine.dispose()


def pool_of(engine: Engine) -> WriterPool:
    assert isinstance(engine.pool, WriterPool)
    return engine.pool


def test_the_next_writer_gets_the_same_connection_and_nothing_of_what_was_not_committed(engine: Engine):
    pool = pool_of(engine)
    first = pool.writer()
    first.dbapi_connection.execute("INSERT INTO row VALUES (1)")
    assert first.dbapi_connection.in_transaction
    pool.put_back(first)
    second = pool.writer()
    assert second is first
    assert not second.dbapi_connection.in_transaction
    assert second.dbapi_connection.execute("SELECT count(*) FROM row").fetchone() == (0,)
    pool.put_back(second)


def test_two_writers_at_once_have_one_each_and_one_is_kept(engine: Engine):
    pool = pool_of(engine)
    first, second = pool.writer(), pool.writer()
    assert first.dbapi_connection is not second.dbapi_connection
    pool.put_back(first)
    pool.put_back(second)
    assert pool.checkedout() == 1  # the one at hand; the other lies in the queue


def test_a_connection_that_broke_is_not_kept(engine: Engine):
    pool = pool_of(engine)
    broken = pool.writer()
    broken.invalidate()
    pool.put_back(broken)
    assert pool.writer() is not broken


def test_disposing_closes_the_one_at_hand(engine: Engine):
    pool = pool_of(engine)
    kept = pool.writer()
    driver = kept.dbapi_connection
    pool.put_back(kept)
    engine.dispose()
    with pytest.raises(Exception, match="closed database"):
        driver.execute("SELECT 1")
