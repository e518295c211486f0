"""How the system runs: the last slot of each job, and what waits to be delivered."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, select

from ..db import Code, db
from ..models import Delivery, JobRun, Notice
from ..rules.jobs import RunState
from ..rules.telling import DeliveryState

# Written into the statement itself, so that the partial index of what waits can be used.
WAITING = Delivery.state == bindparam(None, DeliveryState.WAITING, Code(DeliveryState), literal_execute=True)


@dataclass(frozen=True)
class Gauges:
    """Facts for whoever keeps the system running. Pairs are (job name, value), ordered by name.

    `last_tick`, `job_slots`: when the newest runs began, by the clock of that moment. After the clock was set back that
    may lie ahead of now.
    """

    last_tick: datetime | None
    job_slots: tuple[tuple[str, datetime], ...]
    job_failures: tuple[tuple[str, int], ...]
    deliveries_waiting: int
    notices_waiting: int


def gauges() -> Gauges:
    """Four statements, each over an index or a small table."""
    newest = select(func.max(JobRun.id)).group_by(JobRun.name)  # by number: runs are numbered as they really began
    slots = db.session.execute(
        select(JobRun.name, JobRun.started_at, JobRun.id).where(JobRun.id.in_(newest)).order_by(JobRun.name)
    ).all()
    failures = db.session.execute(
        select(JobRun.name, func.count())
        .where(JobRun.state == RunState.FAILED)
        .group_by(JobRun.name)
        .order_by(JobRun.name)
    ).all()
    deliveries = select(func.count()).select_from(Delivery).where(WAITING)
    notices = select(func.count()).select_from(Notice).where(Notice.delivered_at.is_(None))
    return Gauges(
        last_tick=max(slots, key=lambda row: row.id).started_at if slots else None,
        job_slots=tuple((row.name, row.started_at) for row in slots),
        job_failures=tuple((name, count) for name, count in failures),
        deliveries_waiting=db.session.scalar(deliveries) or 0,
        notices_waiting=db.session.scalar(notices) or 0,
    )
