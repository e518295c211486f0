"""The database: one object, its column types, and `unit_of_work()`, the only place that commits."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from typing import Any

import sqlalchemy
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Executable,
    Integer,
    MetaData,
    Select,
    SmallInteger,
    String,
    Table,
    bindparam,
    func,
    literal,
    select,
    text,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, scoped_session
from sqlalchemy.types import TypeDecorator

from .connections import put_back, take
from .errors import Busy, NoSpace, say
from .plain import Direct, Outcome, said_alike

ONE_INSTANT = "REPEATABLE READ"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
DECIMAL_PLACES = 4
# As the databases say that they cannot grow, and that one had better come again: in words, or, since PostgreSQL speaks
# the language of its server, by its codes: https://www.postgresql.org/docs/18/errcodes-appendix.html
FULL = ("is full", "no space left", "[53100]")
BUSY = ("locked", "busy", "readonly", "connection", "shutting down", "starting up", "terminating",
        "[40p01]", "[55p03]", "[53300]", "[57p01]", "[57p02]", "[57p03]")  # fmt: skip

# SQLite gives row ids of its own only to a column declared INTEGER; PostgreSQL needs the wide type.
BigId = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """The base of all nouns; every constraint gets a name, so that migrations can speak of it."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Work(Direct):
    """The transaction of a unit of work, on a connection of the pool. SQLAlchemy's own way to it costs as much as two
    statements, and is made when somebody asks for it."""

    __slots__ = ("_connection",)

    def __init__(self, engine: Engine) -> None:
        self._connection: Connection | None = None
        try:
            super().__init__(engine, take(engine))
        except engine.dialect.loaded_dbapi.Error as error:
            raise said_alike(error, engine, None) from error

    def begin(self) -> None:
        """On SQLite with the write lock; the driver of PostgreSQL begins with the first statement."""
        if self.engine.dialect.name == "sqlite":
            try:
                self.driver.execute("BEGIN IMMEDIATE")
            except self.driver.Error as error:
                raise said_alike(error, self.engine, self.pooled) from error

    @property
    def connection(self) -> Connection:
        """The same transaction for SQLAlchemy."""
        if self._connection is None:
            self._connection = Connection(self.engine, self.pooled)
            self._connection.begin()
        return self._connection

    def commit(self) -> None:
        """Makes it last."""
        if self._connection is not None:
            self._connection.commit()
            return
        try:
            self.driver.commit()
        except self.driver.Error as error:
            raise said_alike(error, self.engine, self.pooled) from error

    def close(self) -> None:
        """Gives the connection back to the pool; what was not committed is undone."""
        if self._connection is None:
            put_back(self.engine, self.pooled)
        else:
            self._connection.close()


_work: ContextVar[Work | None] = ContextVar("work", default=None)


class WorkSession(FlaskSession):
    """A session that goes along with the connection of the unit of work, while there is one."""

    def get_bind(self, *args: Any, **kwargs: Any) -> Engine | Connection:
        """What its statements are sent to."""
        work = _work.get()
        return super().get_bind(*args, **kwargs) if work is None else work.connection


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False, "class_": WorkSession})


# What is done to every value of a column, on its way in or out. The toolkit would put two more functions around it.
Process = Callable[[Any], Any]


class Instant(TypeDecorator[datetime]):
    """An aware instant, kept as whole microseconds since 1970 in UTC: the same integer in both databases."""

    impl = BigInteger
    cache_ok = True

    def bind_processor(self, dialect: Any) -> Process:
        """Refuses a naive datetime: it would mean another moment on another server."""
        return lambda value: None if value is None else micros(value)

    def result_processor(self, dialect: Any, coltype: object) -> Process:
        """An aware datetime in UTC."""
        return lambda value: None if value is None else EPOCH + timedelta(microseconds=value)


def micros(moment: datetime) -> int:
    """The instant as it is stored."""
    if moment.tzinfo is None:
        raise ValueError("a naive datetime names no instant")
    return (moment - EPOCH) // MICROSECOND


def from_micros(stored: int) -> datetime:
    """The instant that was stored."""
    return EPOCH + timedelta(microseconds=stored)


class Exact(TypeDecorator[Decimal]):
    """An exact decimal of four places, kept as a whole number of ten-thousandths, so that SQL sums are exact too."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | int | None, dialect: Any) -> int | None:
        """Refuses what four places cannot hold."""
        if value is None:
            return None
        scaled = Decimal(value).scaleb(DECIMAL_PLACES)
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{value} has more than {DECIMAL_PLACES} decimal places")
        return int(scaled)

    def process_result_value(self, value: int | None, dialect: Any) -> Decimal | None:
        """The decimal that was stored."""
        return None if value is None else Decimal(value).scaleb(-DECIMAL_PLACES)


class _Numbers(dict[Any, Any]):
    def __missing__(self, value: object) -> Any:
        raise ValueError(f"{value!r} is no member of the enum of this column")


class Code(TypeDecorator[IntEnum]):
    """A member of an IntEnum, kept as its small number."""

    impl = SmallInteger
    cache_ok = True

    def __init__(self, kind: type[IntEnum]) -> None:
        super().__init__()
        self.kind = kind

    def bind_processor(self, dialect: Any) -> Process:
        """Only members of the enum are stored; ValueError for anything else."""
        return _Numbers({member: int(member) for member in self.kind} | {None: None}).__getitem__

    def result_processor(self, dialect: Any, coltype: object) -> Process:
        """The member."""
        members: dict[Any, Any] = {int(member): member for member in self.kind}
        return (members | {None: None}).__getitem__


def insert(table: Any) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that knows ON CONFLICT, for the database in use. It is compiled anew for each execution: where nothing
    can conflict take SQLAlchemy's own, and `insert_new` where what is there already shall simply stay."""
    return postgresql.insert(table) if _is_postgres() else sqlite.insert(table)


def insert_new(table: Any) -> sqlalchemy.Insert:
    """An INSERT that passes over every row that is there already; for both databases, and compiled once."""
    statement = sqlalchemy.insert(getattr(table, "__table__", table))  # the table needs no pass through the ORM
    statement._post_values_clause = text("ON CONFLICT DO NOTHING")
    return statement


def listed(ids: Iterable[Any], of: Any = BigInteger) -> Select[tuple[Any]]:
    """The ids, or words, as a subquery of a single parameter: a thousand of them make no longer statement than one."""
    if _is_postgres():
        return select(func.unnest(literal(list(ids), postgresql.ARRAY(of))))
    each = func.json_each(json.dumps(list(ids))).table_valued("value")
    return select(type_coerce(each.c.value, of))


def listed_as(name: str) -> Select[tuple[int]]:
    """The same for a statement that is written once for the database in use: the ids are the parameter of that name,
    as `in_list` makes it."""
    if _is_postgres():
        return select(func.unnest(bindparam(name, type_=postgresql.ARRAY(BigInteger))))
    each = func.json_each(bindparam(name, type_=String)).table_valued("value")
    return select(type_coerce(each.c.value, BigInteger))


def in_list(ids: Iterable[int]) -> Any:
    """Ids as the value of such a parameter."""
    return list(ids) if _is_postgres() else json.dumps(list(ids))


def alone(what: int, which: int, *, wait: bool = True) -> bool:
    """Keeps others away from the same thing until this transaction ends; waits for who has it, or says False.

    On SQLite a unit of work is alone anyway. `what`: a kind of thing, a small number; `which`: which of them.
    """
    if not _is_postgres():
        return True
    if wait:
        db.session.execute(select(func.pg_advisory_xact_lock(what, which % 2**31)))
        return True
    return bool(db.session.execute(select(func.pg_try_advisory_xact_lock(what, which % 2**31))).scalar())


def _is_postgres() -> bool:
    return db.engine.dialect.name == "postgresql"


def finished_before() -> int | None:
    """On PostgreSQL: every transaction of this database with a smaller id has ended, and a later statement sees all
    of it. None on SQLite, where one writer follows the other.

    Transactions of other databases on the same server share the counter, so a snapshot alone would wait for them.
    """
    if not _is_postgres():
        return None
    oldest_running = (
        "SELECT max(age(backend_xid)) FROM pg_stat_activity "
        "WHERE backend_xid IS NOT NULL AND datname = current_database() AND pid <> pg_backend_pid()"
    )
    horizon = f"SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint - coalesce(({oldest_running}), 0)"
    return int(db.session.execute(text(horizon)).scalar_one())


def run(statement: Executable, values: Mapping[str, Any]) -> Outcome:
    """Executes a statement that is written once, as a module constant, on the tables: it is compiled once, and then
    goes to the driver itself. SQLAlchemy's way there costs more than most of these statements.

    For the hot paths: nothing is flushed first, so nothing may be pending in the session. A value that is an expression
    or a list for IN cannot be given. Whoever listens to the statements of the engine hears these too.
    """
    work: Direct | None = _work.get()
    if work is None:
        connection = db.session.connection()
        work = Direct(connection.engine, connection.connection)
    return work.run(statement, values)


def glance(statement: Executable, values: Mapping[str, Any]) -> Outcome:
    """Asks a single question outside any transaction, which on PostgreSQL is one trip to the server instead of three.

    For a look whether there is anything to do at all; what it saw may be over when a transaction begins.
    """
    with db.engine.connect() as connection:
        direct = Direct(db.engine, connection.connection)
        if not _is_postgres():
            return direct.run(statement, values)
        direct.driver.autocommit = True
        try:
            return direct.run(statement, values)
        finally:
            direct.driver.autocommit = False


def _session() -> FlaskSession | None:
    """The session, where somebody has used it: to make one costs as much as three statements."""
    return db.session() if db.session.registry.has() else None


def flush_pending() -> None:
    """Writes what is pending in the session: a statement that goes to the driver itself would miss it."""
    session = _session()
    if session is not None:
        session.flush()


@contextmanager
def unit_of_work() -> Iterator[scoped_session[FlaskSession]]:
    """All or nothing: commits when the block ends, rolls back when it raises.

    On SQLite the write lock is taken at the start, so that two writers wait for each other instead of one failing
    half-way; `Busy` is raised when the lock is not had within five seconds. Within another one it is a part of that.
    """
    if _work.get() is not None:
        with db.session.begin_nested():
            yield db.session
        return
    session = _session()
    if session is not None and session.in_transaction():
        session.commit()  # ends the reading transaction of this request; nothing is pending outside a unit of work
    try:
        work = Work(db.engine)
        before = _work.set(work)
        try:
            work.begin()
            yield db.session
            session = _session()
            if session is not None:
                session.flush()
                if session.in_transaction():
                    session.commit()  # it took part; the hot paths do without it
            work.commit()
        except BaseException:
            session = _session()
            if session is not None:
                session.rollback()
            raise
        finally:
            _work.reset(before)
            work.close()
    except OperationalError as error:
        if any(sign in _said(error) for sign in FULL):
            raise NoSpace(say("There is no room left. Nothing was changed; please tell the administrator.")) from error
        if is_busy(error):
            busy = say("The system is busy just now. Nothing was changed; please try again in a moment.")
            raise Busy(busy) from error
        raise


@contextmanager
def standing_still() -> Iterator[Connection]:
    """A connection for which the database stands still: all that it reads is of one instant, while others write on."""
    engine = (
        db.engine if db.engine.dialect.name == "sqlite" else db.engine.execution_options(isolation_level=ONE_INSTANT)
    )
    with engine.connect() as connection, connection.begin():
        yield connection


def pour(table: Table, rows: Iterable[list[Any]]) -> None:
    """Fills a table with rows as another database has kept them, in the order of its columns; within the table they may
    come in any order. Numbers that the database gives go on after the largest."""
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    connection = db.session.connection()
    driver: Any = connection.connection.driver_connection
    if not _is_postgres():
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        marks = ", ".join("?" for _column in table.columns)
        plain = ([value.isoformat() if isinstance(value, date) else value for value in row] for row in rows)
        driver.executemany(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', plain)  # noqa: S608
        return
    with driver.cursor() as cursor:
        with cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
            for row in rows:
                copy.write_row(row)
        if "id" in table.columns and isinstance(table.columns["id"].type, Integer):
            cursor.execute(
                f'SELECT setval(seq, (SELECT coalesce(max(id), 1) FROM "{table.name}")) '  # noqa: S608
                f"FROM pg_get_serial_sequence('{table.name}', 'id') AS seq WHERE seq IS NOT NULL"
            )


def is_busy(error: OperationalError) -> bool:
    """Whether the database is locked or away, so that trying again later makes sense."""
    return error.connection_invalidated or any(sign in _said(error) for sign in BUSY)


def _said(error: OperationalError) -> str:
    return f"{error.orig} [{getattr(error.orig, 'sqlstate', None)}]".lower()
