"""Runs the migrations on the application's database, one set for SQLite and PostgreSQL."""

from alembic import context
from alembic.util import CommandError
from flask import current_app
from sqlalchemy.exc import OperationalError

from campaign.db import Base, Code, Exact, Instant, db, is_busy

config = context.config


BUSY = (
    "The database is away, or others are writing to it. The step under way was undone; those before it are kept. "
    "Stop the server and the jobs, then run the same command again."
)
PLAIN = {Instant: "sa.BigInteger()", Exact: "sa.BigInteger()", Code: "sa.SmallInteger()"}


def plain_type(kind: str, item: object, _context: object) -> str | bool:
    """Migrations speak of columns as the database sees them, so that they outlive our own types."""
    return PLAIN.get(type(item), False) if kind == "type" else False


def run() -> None:
    """Migrates over one connection; on SQLite tables are rebuilt where ALTER cannot do it."""
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=True,
            compare_type=True,
            render_item=plain_type,
            transaction_per_migration=True,
            include_object=lambda _object, name, kind, _reflected, _other: kind != "table" or name != "alembic_version",
        )
        with context.begin_transaction():
            context.run_migrations()


assert current_app, "run by `flask --app wsgi db …`, which gives the application"
try:
    run()
except OperationalError as error:
    if not is_busy(error):
        raise
    raise CommandError(BUSY) from error
