"""What every test stands on: an application on a fresh database, a fixed instant, no network, no warnings.

Tests of the rooms in `BOTH` run on SQLite and on PostgreSQL. A test that cannot have its database fails; it is
never skipped.
"""

import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import BytecodeCache, StrictUndefined
from sqlalchemy.util import LRUCache

from campaign import create_app
from campaign.config import Settings
from campaign.db import db

from .counting import statements

pytest_plugins = ["tests.quick", "tests.databases", "tests.browser", "tests.chromium"]

BOTH = ("models", "operations", "queries", "jobs", "notify")
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)  # a Friday, ten in the morning in Shanghai
SECRET = "for-tests-only-0123456789-abcdefghij-KLMNOP"
LOOPBACK = ("127.", "::1", "localhost")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Both databases for the rooms that speak to one; SQLite elsewhere. A test may parametrise `database` itself."""
    named = " ".join(str(mark.args[0]) for mark in metafunc.definition.iter_markers("parametrize"))
    if "database" in metafunc.fixturenames and "database" not in named:
        room = metafunc.definition.path.parent.name
        metafunc.parametrize("database", ["sqlite", "postgres"] if room in BOTH else ["sqlite"], indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deals the slow ones out, so that none is left for the end. Most of them wait for real processes: each of the
    test processes comes to its share at another time, so that the others work meanwhile."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    slow: dict[object, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("slow"):
            slow.setdefault(_stands_on(item), []).append(item)
    quick = [item for item in items if not item.get_closest_marker("slow")]
    if workers > 1:
        shares = ((list(slow.values())[turn::workers], quick[turn::workers], turn) for turn in range(workers))
        items[:] = [item for share in shares for item in _in_turn(*share, workers)]


def _stands_on(item: pytest.Item) -> object:
    """What a test shares with others that should be made once: its file where that has a fixture, else nothing."""
    found: dict[str, Any] = item._fixtureinfo.name2fixturedefs  # type: ignore[attr-defined]
    shared = any(each.scope == "module" for fixture in found.values() for each in fixture)
    return item.path if shared else item


def _in_turn(slow: list[list[pytest.Item]], quick: list[pytest.Item], turn: int, workers: int) -> Iterator[pytest.Item]:
    begin = len(quick) * turn // workers
    yield from quick[:begin]
    for together in slow:
        yield from together
    yield from quick[begin:]


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """A connection to anywhere but this machine is an error of the test."""
    plain = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex")}

    def guarded(name: str):
        def call(self: socket.socket, address):
            if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
                raise AssertionError(f"a test tried to reach {address[0]}")
            return plain[name](self, address)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in plain:
            patch.setattr(socket.socket, name, guarded(name))
        yield


@pytest.fixture
def now() -> datetime:
    """The instant of the test."""
    return NOW


@pytest.fixture(name="statements")
def every_statement(app: Flask) -> Iterator[list[str]]:
    """The statements that are sent during the test."""
    with statements() as sent:
        yield sent


@pytest.fixture
def settings(database: str, tmp_path: Path) -> Settings:
    """The settings of the test application; its files lie in the test's own folder."""
    return Settings(database_url=database, data_dir=str(tmp_path / "data"), env="test", secret_key=SECRET)


@pytest.fixture
def app(settings: Settings, kept_templates: BytecodeCache, kept_statements: LRUCache[Any, Any]) -> Iterator[Flask]:
    """The real application with its context pushed; a template that names what is not there is an error."""
    app = create_app(settings)
    app.config["TESTING"] = True
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.bytecode_cache = kept_templates
    with app.app_context():
        db.engine.update_execution_options(compiled_cache=kept_statements)
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def client(app: Flask, client_class: type[FlaskClient]) -> FlaskClient:
    """A plain client; each request has a context and a database session of its own, as in the server."""
    app.test_client_class = client_class
    return app.test_client()
