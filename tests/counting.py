"""The statements that an act sends to the database: what a page or an operation costs must not grow with the units."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from campaign.db import db


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements sent inside, the beginnings of transactions aside: one driver begins without being asked."""
    sent: list[str] = []

    def note(_connection, _cursor, statement: str, *_rest) -> None:
        if not statement.startswith("BEGIN"):
            sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
