"""Tidying: what a crash or time has left over. Nothing that a row points at is ever removed."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import ColumnElement, and_, delete, or_, select

from ..db import db
from ..evidence.store import Store
from ..models import ClientAction, Evidence, JobRun, LoginGuard, LoginSession
from ..rules.jobs import RunState
from . import archives
from .uploads import tidy_uploads

ORPHAN_AGE = timedelta(days=1)  # a file is kept seconds before its row; a day is far beyond any doubt
SESSION_AGE = timedelta(days=1)
GUARD_AGE = timedelta(days=1)
ACTION_AGE = timedelta(days=90)  # a phone that was off for a season still gets the same answer
EMPTY_RUN_AGE = timedelta(hours=1)  # a tick that found nothing to do tells nothing after that
RUN_AGE = timedelta(days=184)  # half a year, whichever half
HASHES_AT_ONCE = 500


def tidy_rows(*, now: datetime) -> int:
    """Removes sessions that ended, guards of names not tried lately, old client actions, and files that nobody went on
    sending; the number of rows."""
    ended = now - SESSION_AGE
    gone = (
        (LoginSession, or_(LoginSession.ends_at < ended, LoginSession.seen_at < ended, LoginSession.ended_at < ended)),
        (LoginGuard, _idle(now)),
        (ClientAction, ClientAction.at < now - ACTION_AGE),
        (JobRun, or_(and_(_empty(), JobRun.started_at < now - EMPTY_RUN_AGE), JobRun.started_at < now - RUN_AGE)),
    )
    removed = 0
    for table, old in gone:
        statement = delete(table).where(old).execution_options(synchronize_session=False)
        removed += int(db.session.execute(statement).rowcount)  # type: ignore[attr-defined]
    return removed + tidy_uploads(now=now)


def _empty() -> ColumnElement[bool]:
    return and_(JobRun.state == RunState.DONE, JobRun.done == 0, JobRun.skipped == 0, JobRun.failed == 0)


def tidy_files(store: Store, *, now: datetime) -> int:
    """Removes broken-off uploads, and kept files and archives that no row has known for a day (files in a bucket: for
    two, in two steps); the number of files that are gone. Raises Busy when the store is away.

    It writes nothing to the database and needs no unit of work: a large store takes its time.
    """
    removed = store.sweep(now=now) + store.pieces.sweep(now=now)
    removed += store.shelf.sweep(archives.known, before=now - ORPHAN_AGE)
    for hashes in _in_chunks(store.stored(kept_before=now - ORPHAN_AGE)):
        known = set(db.session.execute(select(Evidence.sha256).where(Evidence.sha256.in_(hashes))).scalars())
        removed += sum(store.discard(name, kept_before=now - ORPHAN_AGE) for name in hashes if name not in known)
    return removed


def _idle(now: datetime) -> ColumnElement[bool]:
    locked = or_(LoginGuard.locked_until.is_(None), LoginGuard.locked_until < now)
    return (LoginGuard.window_from < now - GUARD_AGE) & locked


def _in_chunks(names: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(names)
    while chunk := list(islice(rest, HASHES_AT_ONCE)):
        yield chunk
