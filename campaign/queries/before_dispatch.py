"""All that the page before a dispatch asks of the database: nine statements at most, whatever the size.

Session, campaign, tasks; the dates with ladder and calendar, the curves; two of whole sets (what is counted, and
what depends on it: vacancies by name, people to be told); two for the people of one unit. The two of whole sets could
not be one: where no post is vacant, or nobody is left to tell, half a million rows would be read for nothing. A
recurring task asks for its periods besides.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, false, literal, not_, select

from ..clock import local_today
from ..models import Unit
from ..models.gathering import gathered
from ..models.outlook import Outlook
from ..rules.burden import same_period
from ..rules.organisation import Actor
from . import burden, preview, promises
from .burden import Meter
from .campaigns import Head, TaskFact
from .cascade import issuers_split
from .climb import Climb
from .preview import Preview
from .promises import Promises


@dataclass(frozen=True)
class Opening:
    """When the task reaches its units. `issued_at`: now, or when the period opens that lies ahead; `period`: the first
    day of the period that they would report for, None where the task does not recur."""

    issued_at: datetime
    period: date | None = None


@dataclass(frozen=True)
class Before:
    """What the page shows. `split`: the version of the issuer's split of the totals, 0 for none yet; None where no
    figure is split."""

    preview: Preview
    promises: Promises
    meter: Meter
    split: int | None


def before_dispatch(
    head: Head, task: TaskFact, outlook: Outlook, opening: Opening, *, actor: Actor, now: datetime,
    unit_id: int | None = None, after: str = "",
) -> Before:  # fmt: skip
    """What a dispatch of this task at `now` would do. `unit_id`: the unit to name people of; `after`: the key of the
    page of units before. The reader dispatches for the campaign. Four statements."""
    today = local_today(now)
    receives = preview.receivers(head, task, today)
    fresh = and_(receives, not_(preview.has_task(task.id))) if task.batches else receives
    page = preview.page_of(receives, task.id, today, after)
    since = same_period(today, opening.period)
    counted = gathered(
        *preview.asks(head, task, today=today, after=after),
        *promises.asks(task.id, outlook.ladder.id),
        *burden.asks(task.id, fresh, page, since=since, actor=actor),
        issuers_split(task.id),
    )
    found = preview.preview_from(counted[:4])
    foreseen, climb = promises.foreseen_of(outlook, opening.issued_at), Climb(receives)
    nobody = (select(Unit.id, Unit.name).where(false()), *(select(literal(0)).where(false()),) * 2)
    people: tuple[Select[Any], ...] = nobody
    if found.new:
        above = Climb(fresh) if task.batches else climb
        stop = outlook.ladder.stop_level
        people = promises.people_asks(fresh, above, foreseen, unit_id, stop=stop, today=today)
    unsupervised, vacant, *told = gathered(
        *preview.named_asks(head, task, climb, found, today=today), *people,
    )  # fmt: skip
    return Before(
        preview.with_names(found, unsupervised, vacant),
        promises.promises_from(outlook, foreseen, [*counted[4:6], *told], now=now),
        burden.meter_from(counted[6:9], found.page, outlook.dates.due_at, begins=opening.issued_at, now=now),
        next((int(row.version) for row in counted[9]), None),
    )
