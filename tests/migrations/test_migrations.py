"""Migrations: up, down and up again on both databases; what they build is what the nouns say."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import flask_migrate
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError

from campaign import create_app
from campaign.config import Settings
from campaign.db import Base, db
from tests.databases import SECRET

FOLDER = str(Path(__file__).resolve().parents[2] / "campaign" / "migrations")
STEPS = [script.revision for script in ScriptDirectory(FOLDER).walk_revisions()][::-1]


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database that holds nothing."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite'}"
        return
    server = request.getfixturevalue("postgres_server")
    yield server.create(f"{server.name}_empty")
    server.drop(f"{server.name}_empty")


@pytest.fixture
def app(empty: str, tmp_path: Path):
    """The application on that database; nothing is migrated."""
    app = create_app(Settings(database_url=empty, data_dir=str(tmp_path / "data"), env="test", secret_key=SECRET))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def shape(engine: Engine) -> dict[str, object]:
    """Everything that a database knows of its tables, in a form that can be compared."""
    found: dict[str, object] = {}
    with engine.connect() as connection:
        seen = inspect(connection)
        for table in sorted(set(seen.get_table_names()) - {"alembic_version"}):
            columns = {c["name"]: (str(c["type"]), c["nullable"], _default(c)) for c in seen.get_columns(table)}
            found[table] = {
                "columns": columns,
                "key": seen.get_pk_constraint(table)["constrained_columns"],
                "unique": sorted((u["name"], *u["column_names"]) for u in seen.get_unique_constraints(table)),
                "checks": sorted((c["name"], _plain(c["sqltext"])) for c in seen.get_check_constraints(table)),
                "foreign": sorted(
                    (f["name"] or _usual(table, f), *f["constrained_columns"], f["referred_table"])
                    for f in seen.get_foreign_keys(table)
                ),
                "indexes": sorted(
                    (i["name"], i["unique"], *map(str, i["column_names"]), _where(i)) for i in seen.get_indexes(table)
                ),
                "without_rowid": _without_rowid(connection, table),
            }
    return found


def _usual(table: str, key: dict) -> str:
    """SQLite does not tell the name of a key that was written at its column, as those of added columns are."""
    return f"fk_{table}_{'_'.join(key['constrained_columns'])}_{key['referred_table']}"


def _default(column: dict) -> str:
    """What the migrations may add later (the transaction of an event on PostgreSQL) is not the noun's."""
    return "" if column["name"] in ("id", "tx") else str(column.get("default"))


def _plain(sql: str) -> str:
    return re.sub(r"[\s()\"]|::\w+", "", str(sql)).lower()


def _where(index: dict) -> str:
    options = index.get("dialect_options", {})
    return _plain(options.get("sqlite_where", options.get("postgresql_where", "")))


def _without_rowid(connection, table: str) -> bool:
    if connection.dialect.name != "sqlite":
        return False
    sql = connection.execute(text("SELECT sql FROM sqlite_master WHERE name = :t"), {"t": table}).scalar_one()
    return "WITHOUT ROWID" in sql.upper()


def tables() -> set[str]:
    """The tables that are there now."""
    return set(inspect(db.engine).get_table_names()) - {"alembic_version"}


def test_up_down_and_up_again(app):
    flask_migrate.upgrade()
    whole = shape(db.engine)
    flask_migrate.downgrade(revision="base")
    assert tables() == set()
    flask_migrate.upgrade()
    assert shape(db.engine) == whole


def test_each_step_goes_back_to_where_it_came_from(app):
    shapes = [shape(db.engine)]
    for step in STEPS:
        flask_migrate.upgrade(revision=step)
        shapes.append(shape(db.engine))
    for before in reversed(shapes[:-1]):
        flask_migrate.downgrade()
        assert shape(db.engine) == before


def test_upgrade_twice_is_upgrade_once(app):
    flask_migrate.upgrade()
    whole = shape(db.engine)
    flask_migrate.upgrade()
    assert shape(db.engine) == whole


def test_alembic_finds_nothing_to_add(app):
    flask_migrate.upgrade()
    flask_migrate.check()


def test_what_the_migrations_build_is_what_the_nouns_say(app):
    """Alembic's own check sees neither CHECK constraints nor partial indexes nor tables without row ids."""
    flask_migrate.upgrade()
    migrated = shape(db.engine)
    flask_migrate.downgrade(revision="base")
    Base.metadata.create_all(db.engine)
    assert migrated == shape(db.engine)


def run(statement: str) -> None:
    """One statement, kept."""
    with db.engine.begin() as connection:
        connection.execute(text(statement))


def triggers() -> int:
    """How many triggers there are."""
    table = "sqlite_master WHERE type = 'trigger'" if db.engine.dialect.name == "sqlite" else "pg_trigger"
    own = " WHERE NOT tgisinternal" if table == "pg_trigger" else ""
    with db.engine.connect() as connection:
        return connection.execute(text(f"SELECT count(*) FROM {table}{own}")).scalar_one()


def test_a_step_that_fails_is_as_if_it_had_not_begun(app):
    """The second step makes its triggers and then the system's person; here that person is there already."""
    flask_migrate.upgrade(revision="0001")
    run("INSERT INTO person (id, login, name, must_change_password, created_at) VALUES (1, 'early', '', false, 0)")
    with pytest.raises(IntegrityError):
        flask_migrate.upgrade()
    db.engine.dispose()
    assert triggers() == 0
    run("DELETE FROM person")
    flask_migrate.upgrade()
    assert triggers() > 0


@pytest.mark.parametrize("empty", ["sqlite"], indirect=True)
def test_while_others_write_it_is_refused_in_a_sentence(app, caplog, monkeypatch):
    flask_migrate.downgrade(revision="base")
    monkeypatch.setattr("campaign.connections.SQLITE_PRAGMAS", ("busy_timeout=1",))
    db.engine.dispose()
    other = sqlite3.connect(db.engine.url.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(SystemExit):
        flask_migrate.upgrade()
    other.close()
    assert "Stop the server and the jobs" in caplog.text
    flask_migrate.upgrade()


def test_the_system_is_a_person_from_the_first_day(app):
    flask_migrate.upgrade()
    with db.engine.connect() as connection:
        row = connection.execute(text("SELECT id, login, password_hash FROM person")).one()
    assert tuple(row) == (1, "*system*", None)


def test_there_is_one_line_of_migrations():
    assert len(ScriptDirectory(FOLDER).get_heads()) == 1
