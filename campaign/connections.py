"""How the connections of the pool are set up: once for each, when the application is made."""

from select import POLLIN, poll
from typing import Any

from psycopg.pq import ExecStatus, TransactionStatus
from sqlalchemy import Engine, PoolProxiedConnection, QueuePool, event

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


class WriterPool(QueuePool):
    """The pool of SQLite. It keeps the last writer's connection at hand for the next: only one can write at a time, and
    the queue costs as much as a statement on the way there and again on the way back."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._at_hand: list[PoolProxiedConnection] = []

    def writer(self) -> PoolProxiedConnection:
        """The connection at hand, or another one where somebody else has that."""
        try:
            return self._at_hand.pop()
        except IndexError:
            return self.connect()

    def put_back(self, pooled: PoolProxiedConnection) -> None:
        """Takes a writer's connection back; what was not committed is undone."""
        driver: Any = pooled.dbapi_connection
        if self._at_hand or driver is None:  # None: it broke, and was given up
            pooled.close()
            return
        if driver.in_transaction:
            driver.rollback()
        self._at_hand.append(pooled)

    def dispose(self) -> None:
        """Closes what nobody has."""
        while self._at_hand:
            self._at_hand.pop().close()  # into the queue, which is emptied next
        super().dispose()


def take(engine: Engine) -> PoolProxiedConnection:
    """A connection to write on."""
    return engine.pool.writer() if isinstance(engine.pool, WriterPool) else engine.pool.connect()


def put_back(engine: Engine, pooled: PoolProxiedConnection) -> None:
    """Gives it back; what was not committed is undone."""
    if isinstance(engine.pool, WriterPool):
        engine.pool.put_back(pooled)
    else:
        pooled.close()


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
