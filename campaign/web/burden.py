"""The load meter on the preview of a dispatch."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import Blueprint

from ..clock import local_today, zone
from ..queries.burden import ask_of, loads_of, reported_already
from ..queries.preview import receivers
from ..rules.burden import Ask, Burden, burden, same_period
from ..rules.dates import end_of_day
from .access import current_actor, page_now

bp = Blueprint("burden", __name__)


@dataclass(frozen=True)
class Laden:
    """A unit of the preview's page. `open`: this reader may see its page; `has`: it has the task already.
    `now`, `then`: what it carries without the task and with it."""

    id: int
    name: str
    open: bool
    has: bool
    now: Burden
    then: Burden


@dataclass(frozen=True)
class Meter:
    """What the task adds per week, what each unit of the page carries, and what was reported already: (name, by how
    many units)."""

    ask: Ask
    added: Burden
    units: tuple[Laden, ...]
    again: tuple[tuple[str, int], ...]

    @property
    def full(self) -> float:
        """The scale of the bars: the most forms a week that any unit would have."""
        return float(max([unit.then.forms for unit in self.units], default=0)) or 1.0


@bp.app_template_global("load_meter")
def load_meter(head: Any, task: Any, page: Any, due_at: datetime | None, opens_on: date | None = None) -> Meter:
    """The meter of a dispatch: three statements. `page`: the units of the preview's page."""
    now = page_now()
    today = local_today(now)
    ask = ask_of(task.id, due_at)
    added = burden([ask], now)
    carried = loads_of([unit.id for unit in page], actor=current_actor(), now=now)
    units = []
    for unit in page:
        has = carried[unit.id]
        then = has.load if unit.has else has.load + added
        units.append(Laden(unit.id, unit.name, has.open, unit.has, has.load, then))
    begins = _begin_of(same_period(today, opens_on))
    return Meter(ask, added, tuple(units), tuple(reported_already(task.id, receivers(head, task, today), since=begins)))


def _begin_of(day: date) -> datetime:
    """The first instant of that day."""
    return end_of_day(date.fromordinal(day.toordinal() - 1), zone())
