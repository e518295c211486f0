"""Everything that is kept, into one file and out of it again: all tables as they stood at one instant, and the
evidence that their rows name. The file is the same for both databases, so it also moves an installation over."""

import json
import tempfile
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Boolean, Date, Table, delete, select, text

from ..db import Base, db, pour, standing_still
from ..documents.backups import members, read_head, writing
from ..errors import Refused, say
from ..evidence.store import Store
from ..models import Evidence, Person
from ..rules.organisation import SYSTEM_PERSON_ID

Progress = Callable[[str, int, int], None]
AT_ONCE = 2_000
TABLES, FILES = "tables/", "evidence/"
SEEDED = ("calendar_day", "ladder", "calendar", "person")  # what the migrations put there; children first


def back_up(path: Path, store: Store, *, now: datetime, progress: Progress) -> int:
    """Writes a backup while others work on; how many pieces of evidence it holds. All tables are read in one instant.

    Refused where the file is there already. Raises Damaged when evidence is not what it was, Busy or NoSpace.
    """
    with standing_still() as connection:
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        hashes = sorted(set(connection.execute(select(Evidence.sha256)).scalars()))
        with writing(path, {"revision": revision, "made_at": now.isoformat()}) as writer:
            tables = Base.metadata.sorted_tables
            for number, table in enumerate(tables, start=1):
                with tempfile.TemporaryFile(dir=path.parent) as kept:
                    for row in connection.execution_options(yield_per=AT_ONCE).execute(_rows(table)):
                        kept.write(json.dumps(list(row), ensure_ascii=False, default=str).encode() + b"\n")
                    size = kept.tell()
                    kept.seek(0)
                    writer.add(f"{TABLES}{table.name}", kept, size)
                progress("tables", number, len(tables))
            for number, sha256 in enumerate(hashes, start=1):
                with store.open(sha256) as stream:
                    stream.seek(0, 2)
                    size = stream.tell()
                    stream.seek(0)
                    writer.add(f"{FILES}{sha256}", stream, size)
                progress("evidence", number, len(hashes))
    return len(hashes)


def restore(path: Path, store: Store, *, progress: Progress) -> str:
    """Puts a backup into an empty, migrated database and the evidence into its store; the instant it was made at.

    Refused for a torn or changed file, for one of another version of the tables, and where somebody is there already.
    Evidence comes first: a restore that is broken off leaves files without rows, never rows without their files.
    """
    head = read_head(path)
    revision = db.session.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    if head["revision"] != revision:
        words = say("This backup was made with tables of version %(theirs)s; here they are of version %(ours)s.",
                    theirs=head["revision"], ours=revision)  # fmt: skip
        raise Refused(words)
    if db.session.execute(select(Person.id).where(Person.id != SYSTEM_PERSON_ID)).first() is not None:
        raise Refused(say("A backup is restored into an empty database. This one holds something already."))
    for number, (name, stream, _size) in enumerate(members(path)):
        if name.startswith(FILES):
            store.take(stream, name.removeprefix(FILES))
            progress("evidence", number, number)
    tables = {table.name: table for table in Base.metadata.sorted_tables}
    for name in SEEDED:
        db.session.execute(delete(tables[name]))
    for number, (name, stream, _size) in enumerate(members(path), start=1):
        if name.startswith(TABLES):
            table = tables[name.removeprefix(TABLES)]
            pour(table, _read(table, stream))
            progress("tables", min(number, len(tables)), len(tables))
    return str(head["made_at"])


def _rows(table: Table) -> Any:
    """The columns as the database keeps them, without our own types."""
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    return text(f'SELECT {names} FROM "{table.name}"')  # noqa: S608


def _read(table: Table, stream: IO[bytes]) -> Iterator[list[Any]]:
    read = [_reader(column.type) for column in table.columns]
    for line in stream:
        yield [value if value is None else turn(value) for value, turn in zip(json.loads(line), read, strict=True)]


def _reader(kind: Any) -> Callable[[Any], Any]:
    if isinstance(kind, Boolean):
        return bool
    return date.fromisoformat if isinstance(kind, Date) else _same


def _same(value: Any) -> Any:
    return value
