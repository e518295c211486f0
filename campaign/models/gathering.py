"""Several questions in one trip to the database: the rows of each come back as one JSON text."""

import json
from collections import namedtuple
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Date, Dialect, Select, func, select
from sqlalchemy.types import TypeEngine

from ..db import db

Read = Callable[[Any], Any]


def gathered(*statements: Select[Any]) -> list[list[Any]]:
    """The rows of each statement, in its own order, as named tuples of what its columns hold; one statement in all.

    For pages that ask several small things at once. Columns only, no whole nouns; a column without a name of its own
    is read by its place. All of it is in memory: narrow or limit what may be long.
    """
    dialect = db.session.get_bind().dialect
    build, collect = (
        (func.json_build_array, func.json_agg)
        if dialect.name == "postgresql"
        else (func.json_array, func.json_group_array)
    )
    parts = [_numbered(statement).subquery() for statement in statements]
    texts = [select(collect(build(*part.c))).select_from(part).scalar_subquery() for part in parts]
    found = db.session.execute(select(*texts)).one()
    return [_rows(text, part, dialect) for text, part in zip(found, parts, strict=True)]


def _numbered(statement: Select[Any]) -> Select[Any]:
    """With the number of each row as its last column: an aggregate promises no order."""
    place: Any = func.row_number().over(order_by=list(statement._order_by_clauses) or None)
    return statement.add_columns(place.label("place"))


def _rows(text: Any, part: Any, dialect: Dialect) -> list[Any]:
    raw = json.loads(text) if isinstance(text, str) else text or []  # PostgreSQL's driver has read it already
    columns = list(part.c)[:-1]
    readers = [_reader(column.type, dialect) for column in columns]
    shape = _shape(tuple(column.key for column in columns))
    return [
        shape(*(value if read is None else read(value) for read, value in zip(readers, row, strict=False)))
        for row in sorted(raw, key=itemgetter(-1))
    ]


@lru_cache(maxsize=256)
def _shape(names: tuple[str, ...]) -> Any:
    return namedtuple("Row", names, rename=True)


def _reader(kind: TypeEngine[Any], dialect: Dialect) -> Read | None:
    """What makes of a value in JSON what the column means."""
    if isinstance(kind, Date):
        return _day
    return kind.dialect_impl(dialect).result_processor(dialect, None)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
