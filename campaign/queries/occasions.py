"""The occasions of a campaign, and what a new day for one of them would move."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Integer, cast, func, select

from ..clock import zone
from ..db import db
from ..models import Assignment, Batch, Occasion, Task
from ..models.prospects import Supposed, prospects
from ..rules.calendars import Calendar, is_provisional
from ..rules.states import OPEN


@dataclass(frozen=True)
class OccasionFact:
    """An occasion; `happens_on` is None while its day is not known. `tasks`: how many depend on it, and `items`: how
    many assignments were made of them."""

    id: int
    name: str
    happens_on: date | None
    version: int
    tasks: int
    items: int


@dataclass(frozen=True)
class Consequence:
    """What happens to the open assignments of one dispatch: how many move, and their dates before and after."""

    task_id: int
    task_title: str
    items: int
    was_due: datetime | None
    due_at: datetime | None
    cut_off_at: datetime | None
    known_until: date | None  # the last day whose holidays the calendar of the dispatch knows

    @property
    def is_provisional(self) -> bool:
        """Whether the new due date lies after that day, so that it may still move."""
        return is_provisional(self.due_at, Calendar(known_until=self.known_until), zone())


@dataclass(frozen=True)
class Consequences:
    """All of it. `staying`: open assignments whose date was moved by decision; `waiting`: tasks that depend on the
    occasion but were not dispatched yet."""

    moves: tuple[Consequence, ...]
    staying: int
    waiting: int

    @property
    def items(self) -> int:
        """How many assignments move."""
        return sum(move.items for move in self.moves)


def occasions_of(campaign_id: int) -> tuple[OccasionFact, ...]:
    """The occasions in their order; one statement. The reader's scope is asked before."""
    tasks = select(func.count()).where(Task.occasion_id == Occasion.id).scalar_subquery()
    items = (
        select(func.coalesce(cast(func.sum(Batch.items), Integer), 0))
        .join(Task, Task.id == Batch.task_id)
        .where(Task.occasion_id == Occasion.id)
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(Occasion.id, Occasion.name, Occasion.happens_on, Occasion.version, tasks, items)
        .where(Occasion.campaign_id == campaign_id)
        .order_by(Occasion.position)
    )
    return tuple(OccasionFact(*row) for row in rows)


def consequences(occasion_id: int, happens_on: date | None) -> Consequences:
    """What `operations/occasions.move_occasion` would do for that day; the same function decides both."""
    tasks = set(db.session.scalars(select(Task.id).where(Task.occasion_id == occasion_id)))
    found = prospects(tasks, supposed=Supposed(occasion_id, happens_on))
    moves: list[Consequence] = []
    for prospect in found:
        for change in prospect.moved:
            was, to = change.group, change.dates
            known = next((at for at, each in enumerate(moves) if _alike(each, prospect.task_id, was.due_at)), None)
            items = was.n if known is None else moves.pop(known).items + was.n
            dates = was.due_at, to.due_at, to.cut_off_at, prospect.calendar.known_until
            moves.append(Consequence(prospect.task_id, prospect.task_title, items, *dates))
    dispatched = _dispatched(tasks)
    staying = select(func.count()).where(
        Assignment.task_id.in_(tasks), Assignment.state.in_(OPEN), Assignment.own_dates
    )
    return Consequences(tuple(moves), db.session.execute(staying).scalar_one(), len(tasks - dispatched))


def _alike(move: Consequence, task_id: int, was_due: datetime | None) -> bool:
    return move.task_id == task_id and move.was_due == was_due


def _dispatched(task_ids: set[int]) -> set[int]:
    return set(db.session.scalars(select(Batch.task_id).where(Batch.task_id.in_(task_ids)).distinct()))
