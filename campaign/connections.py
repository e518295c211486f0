"""How the connections of the pool are set up: once for each, when the application is made."""

from select import POLLIN, poll
from typing import Any

from psycopg.pq import ExecStatus, TransactionStatus
from sqlalchemy import Engine, PoolProxiedConnection, event

LOCK_WAIT_MS = 5_000
PREPARED_MOST = 500  # statements that one PostgreSQL connection keeps prepared
SQLITE_PRAGMAS = (
    f"busy_timeout={LOCK_WAIT_MS}",
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "temp_store=MEMORY",
    "cache_size=-8192",  # KiB per connection; what is read again lies in the memory of the system anyway
)


def prepare_engine(engine: Engine) -> None:
    """Sets what every connection needs: on SQLite WAL, full flush, foreign keys, and transactions begun by us."""
    if engine.dialect.name != "sqlite":
        _ping_when_in_doubt(engine)
        _stay_prepared(engine)
        return

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
        for pragma in SQLITE_PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    def _begin(connection: PoolProxiedConnection) -> None:
        driver: Any = connection.driver_connection
        if not driver.in_transaction:  # a unit of work has begun already when SQLAlchemy comes to its connection
            driver.execute("BEGIN")

    # In place of the dialect's own, which does nothing. A listener would do too, but every statement pays for it.
    engine.dialect.do_begin = _begin  # type: ignore[method-assign, assignment]


def _ping_when_in_doubt(engine: Engine) -> None:
    """Asks a PostgreSQL connection from the pool for a sign of life only where its socket has something to tell: on an
    idle one that is the server's farewell, or that keep-alives found nobody. To ask each time costs as much as a read.
    """
    ask: Any = engine.dialect.do_ping

    def _alive(connection: Any) -> bool:
        look = poll()
        look.register(connection.fileno(), POLLIN)
        return not look.poll(0) or bool(ask(connection))

    engine.dialect.do_ping = _alive  # type: ignore[method-assign, assignment]


def _stay_prepared(engine: Engine) -> None:
    """Lets a PostgreSQL connection keep its prepared statements when what was only read ends: the driver forgets all of
    them at every rollback, and to plan a statement anew takes longer than most of them run. The server itself keeps
    them, and plans those again whose tables changed."""
    undo: Any = engine.dialect.do_rollback

    def _rollback(connection: Any) -> None:
        libpq = connection.pgconn
        if libpq.transaction_status == TransactionStatus.IDLE:
            return  # it ended by a commit
        healthy = libpq.transaction_status == TransactionStatus.INTRANS
        if not healthy or libpq.exec_(b"ROLLBACK").status != ExecStatus.COMMAND_OK:
            undo(connection)

    engine.dialect.do_rollback = _rollback  # type: ignore[method-assign, assignment]

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.prepared_max = PREPARED_MOST
