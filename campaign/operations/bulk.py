"""Writing very many rows at once. The only place of the verbs that asks which database it is: COPY has no twin."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Table, func, select, text

from ..db import db

CHUNK = 10_000


def insert_rows(table: Table, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> int:
    """Inserts the rows as they come, without keeping them; how many there were.

    The values are those of the database: small numbers for enum members, days as '2026-11-20'.
    """
    count, rest = 0, iter(rows)
    # In chunks on both: while PostgreSQL copies, the connection answers no question that the rows may depend on.
    while chunk := list(islice(rest, CHUNK)):
        _write_chunk(table.name, columns, chunk)
        count += len(chunk)
    return count


def _write_chunk(table: str, columns: Sequence[str], chunk: list[tuple[Any, ...]]) -> None:
    names = ", ".join(columns)
    if _is_postgres():
        raw: Any = db.session.connection().connection.dbapi_connection
        with raw.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in chunk:
                copy.write_row(row)
    else:
        marks = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 (names of our own tables)
        db.session.connection().exec_driver_sql(statement, chunk)


def write_alone(*tables: Table) -> None:
    """Lets no other writer into these tables until the end of the unit of work; readers go on."""
    if _is_postgres():  # on SQLite the unit of work is alone already
        names = ", ".join(table.name for table in tables)
        db.session.execute(text(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE"))


def next_id(table: Table) -> int:
    """The first id that no row of the table has; certain only after `write_alone`."""
    return int(db.session.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()) + 1


def continue_ids(table: Table) -> None:
    """Lets the database give ids again after rows were written with ids of our own."""
    if _is_postgres():
        last = select(func.greatest(func.max(table.c.id), 1)).scalar_subquery()
        db.session.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "id"), last)))


def _is_postgres() -> bool:
    return db.session.get_bind().dialect.name == "postgresql"
