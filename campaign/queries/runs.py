"""The clock as administrators see it: the runs of the jobs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select

from ..db import Code, db
from ..models import JobRun
from ..rules.jobs import LONGEST_RUN, RunState

PAGE = 50
MOST_EXPORTED = 100_000
FETCH = 1_000


@dataclass(frozen=True)
class RunRow:
    """The run of one slot of one job."""

    id: int
    name: str
    slot: datetime
    state: RunState
    started_at: datetime
    finished_at: datetime | None
    worker: str
    done: int
    skipped: int
    failed: int
    error: str

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it runs."""
        return None if self.finished_at is None else (self.finished_at - self.started_at).total_seconds()


@dataclass(frozen=True)
class Filters:
    """Which runs are wanted. `failed`: only those with a failure; without `idle` only those that found work; `oldest`:
    the oldest first, else the newest."""

    name: str = ""
    state: RunState | None = None
    failed: bool = False
    idle: bool = False
    oldest: bool = False


@dataclass(frozen=True)
class RunPage:
    """One page of runs; `next` is the id after which the next page begins."""

    rows: tuple[RunRow, ...]
    next: int | None


@dataclass(frozen=True)
class JobFact:
    """A job over the last day: its last run, and how many runs there were and how many had failures."""

    name: str
    last: datetime
    runs: int
    failed: int


def runs(filters: Filters, *, now: datetime, after: int | None = None) -> RunPage:
    """One page of the runs that match.

    A run that is under way for too long is shown as abandoned, before anybody has marked it so.
    One statement. Idle runs are swept away after a while, so leaving them out reads a bounded number of rows.
    """
    statement = _rows(filters, now)
    if after is not None:
        statement = statement.where(JobRun.id > after if filters.oldest else JobRun.id < after)
    rows = [RunRow(*row) for row in db.session.execute(statement.limit(PAGE + 1))]
    return RunPage(tuple(rows[:PAGE]), rows[PAGE - 1].id if len(rows) > PAGE else None)


def everything(filters: Filters, *, now: datetime) -> Iterator[RunRow]:
    """All runs that match, for an export, read as they come. One statement."""
    statement = _rows(filters, now).limit(MOST_EXPORTED).execution_options(yield_per=FETCH)
    for row in db.session.execute(statement):
        yield RunRow(*row)


def _rows(filters: Filters, now: datetime) -> Select[Any]:
    statement = select(
        JobRun.id, JobRun.name, JobRun.slot, _state(now), JobRun.started_at, JobRun.finished_at, JobRun.worker,
        JobRun.done, JobRun.skipped, JobRun.failed, JobRun.error,
    ).order_by(JobRun.id if filters.oldest else JobRun.id.desc())  # fmt: skip
    if filters.name:
        statement = statement.where(JobRun.name == filters.name)
    if filters.state is not None:
        statement = statement.where(_state(now) == filters.state)
    if filters.failed:
        statement = statement.where(_faulty(now))
    if not filters.idle:
        found_work = (JobRun.done > 0) | (JobRun.skipped > 0) | (JobRun.failed > 0)
        statement = statement.where(found_work | (JobRun.state != RunState.DONE))
    return statement


def _state(now: datetime) -> ColumnElement[RunState]:
    hangs = and_(JobRun.state == RunState.RUNNING, JobRun.started_at < now - LONGEST_RUN)
    return case((hangs, literal(RunState.ABANDONED, Code(RunState))), else_=JobRun.state).label("state")


def _faulty(now: datetime) -> ColumnElement[bool]:
    return or_(JobRun.failed > 0, _state(now).in_((RunState.FAILED, RunState.ABANDONED)))


def jobs(now: datetime) -> tuple[JobFact, ...]:
    """What each job did in the last day. One statement."""
    statement = (
        select(JobRun.name, func.max(JobRun.started_at), func.count(), func.count().filter(_faulty(now)))
        .where(JobRun.started_at > now - timedelta(days=1))
        .group_by(JobRun.name)
        .order_by(JobRun.name)
    )
    return tuple(JobFact(*row) for row in db.session.execute(statement))
