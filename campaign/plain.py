"""Statements that are written once go to the driver itself, compiled once, without SQLAlchemy's way to each run."""

import re
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, cast
from weakref import WeakKeyDictionary

from psycopg import RawCursor
from sqlalchemy import Dialect, Engine, Executable, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError

MARK = re.compile(r"%\((\w+)\)s|%%")


class Outcome:
    """What a statement gave: its rows as named tuples, and how many rows it wrote."""

    __slots__ = ("_last", "_rows", "rowcount")

    def __init__(self, rows: list[Any], rowcount: int, last: int | None = None) -> None:
        self._rows = rows
        self.rowcount = rowcount
        self._last = last

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def first(self) -> Any:
        """The first row, or None."""
        return self._rows[0] if self._rows else None

    def scalar_one_or_none(self) -> Any:
        """The first value of the first row, or None where there is no row."""
        return self._rows[0][0] if self._rows else None

    def scalar_one(self) -> Any:
        """The first value of the first row; there is one."""
        return self._rows[0][0]

    def inserted_id(self) -> int:
        """The id of the one row that an INSERT without RETURNING wrote. PostgreSQL says it as a row of its own accord;
        SQLite knows it anyway, where RETURNING would make it copy every page that it changes."""
        return int(self._rows[0][0] if self._last is None else self._last)


class Plain:
    """A statement as the driver takes it: its text, and what has to be done to each value on the way in and out.

    Its values come in the order of `names`. It holds no reference to the statement, which is the weak key under which
    it is kept.
    """

    def __init__(self, statement: Any, dialect: Dialect, names: Sequence[str]) -> None:
        compiled: Any = statement.compile(dialect=dialect, column_keys=list(names))
        defaults = {column.key: column.default for column in compiled.insert_prefetch}
        if compiled.update_prefetch or any(not default.is_scalar for default in defaults.values()):
            raise TypeError(f"what the model computes for each row must be given here: {compiled}")
        known = {name: default.arg for name, default in defaults.items()}
        state = compiled.construct_expanded_state(dict.fromkeys(names) | known)
        self.sql: str = state.statement
        into = {**compiled._bind_processors, **state.processors}
        self.into = [(at, into[name]) for at, name in enumerate(names) if name in into]
        # What is not given stands in the statement itself, or is what the model says of every row.
        rest = {name: value for name, value in state.parameters.items() if name not in names}
        self.rest = [into[name](value) if name in into and value is not None else value for name, value in rest.items()]
        places = {name: at for at, name in enumerate((*names, *rest))}
        self.numbered = dialect.name == "postgresql"
        wanted = list(state.parameters if self.numbered else state.positiontup or ())
        if self.numbered:  # as the server itself marks them: the driver would read the text, a long one each time
            marks = {name: f"${at}" for at, name in enumerate(wanted, 1)}
            self.sql = MARK.sub(lambda found: marks[found[1]] if found[1] else "%", self.sql)
        self.shaped = _by_place([places[name] for name in wanted])
        columns = compiled._result_columns
        self.make: Any = _maker(c.keyname for c in columns) if columns else None
        out = [(at, c.type._cached_result_processor(dialect, None)) for at, c in enumerate(columns)]
        self.out = [(at, process) for at, process in out if process is not None]

    def bound(self, values: Mapping[str, Any]) -> Sequence[Any]:
        """The values in the driver's shape."""
        given = [*values.values(), *self.rest]
        for at, process in self.into:
            value = given[at]
            if value is not None:
                given[at] = process(value)
        return self.shaped(given)

    def rows(self, cursor: Any) -> list[Any]:
        """The rows of an executed cursor."""
        if self.make is None:
            if cursor.description is None:
                return []
            self.make = _maker(column[0] for column in cursor.description)
        if not self.out:
            return list(map(self.make, cursor.fetchall()))
        found = []
        for row in map(list, cursor.fetchall()):
            for at, process in self.out:
                value = row[at]
                if value is not None:
                    row[at] = process(value)
            found.append(self.make(row))
        return found


def _maker(names: Iterable[str]) -> Any:
    """What makes a named tuple of a row."""
    return partial(tuple.__new__, namedtuple("Row", names, rename=True))


def _by_place(places: list[int]) -> Callable[[list[Any]], Sequence[Any]]:
    """What puts values into the order in which a statement wants them, some of them several times."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda given: [given[place] for place in places]


_known: WeakKeyDictionary[Executable, dict[tuple[str, ...], Plain]] = WeakKeyDictionary()


class Direct:
    """A connection of the pool, for statements that go to its driver itself, in the transaction that it has."""

    __slots__ = ("driver", "engine", "pooled")

    def __init__(self, engine: Engine, pooled: PoolProxiedConnection) -> None:
        self.engine = engine
        self.pooled = pooled
        self.driver: Any = pooled.dbapi_connection

    def run(self, statement: Executable, values: Mapping[str, Any]) -> Outcome:
        """Executes it. Listeners to the engine's statements hear of it, without a Connection of SQLAlchemy; the errors
        are those of SQLAlchemy."""
        engine, dialect = self.engine, self.engine.dialect
        known = _known.get(statement)
        if known is None:
            known = _known.setdefault(statement, {})
        key = (dialect.name, *values)
        plain = known.get(key) or known.setdefault(key, Plain(statement, dialect, list(values)))
        cursor: Any = RawCursor(self.driver) if plain.numbered else self.driver.cursor()
        bound = plain.bound(values)
        if engine._has_events:
            for hear in engine.dispatch.before_cursor_execute:
                hear(None, cursor, plain.sql, bound, None, False)
        try:
            cursor.execute(plain.sql, bound)
            rows = plain.rows(cursor)
        except self.driver.Error as error:
            raise said_alike(error, engine, self.pooled, plain.sql, bound) from error
        done = Outcome(rows, cursor.rowcount, None if plain.numbered else cursor.lastrowid)
        cursor.close()
        return done


def said_alike(
    error: Exception, engine: Engine, pooled: PoolProxiedConnection | None, sql: str | None = None, bound: Any = None
) -> DBAPIError:
    """An error of the driver as SQLAlchemy says it. A connection that is lost is not used again."""
    dialect: Any = engine.dialect
    gone = dialect.is_disconnect(error, pooled, None)
    if gone and pooled is not None:
        pooled.invalidate(error)
    found = DBAPIError.instance(sql, bound, error, dialect.loaded_dbapi.Error, connection_invalidated=gone)
    return cast(DBAPIError, found)
