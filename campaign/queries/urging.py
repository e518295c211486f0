"""Before anybody is urged: who will get what, and who will not and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, func, select

from ..clock import local_today
from ..db import db, listed
from ..models import Assignment, Period, Person, Post, Task, Unit
from ..models.organisation import holds_on
from ..models.urging import urging_post, verdict_number
from ..rules.dates import Light, light_of
from ..rules.organisation import Actor, Role
from ..rules.standstill import Verdict
from ..rules.states import State
from .worklist import Filters, matching

PAGE = 50
URGED = "assignment:dispatcher:urge"


@dataclass(frozen=True)
class Wanted:
    """What somebody wants to urge: these assignments, or all that a filter finds."""

    ids: tuple[int, ...] = ()
    filters: Filters | None = None


@dataclass(frozen=True)
class Row:
    """One assignment that was chosen. `officers`: the names of those who would be told."""

    id: int
    unit_name: str
    title: str
    light: Light
    due_at: datetime | None
    urged_at: datetime | None
    officers: str
    verdict: Verdict
    rrule: str | None = None  # of a recurring task, with the period that this is
    period: int = 0
    opens_on: date | None = None


@dataclass(frozen=True)
class Choice:
    """How many of the chosen ones there are by verdict, and a page of those of one verdict, `shown`; `next`
    continues it."""

    counts: dict[Verdict, int]
    shown: Verdict
    rows: tuple[Row, ...]
    next: int | None

    @property
    def total(self) -> int:
        """How many were chosen in all."""
        return sum(self.counts.values())


def choice(
    wanted: Wanted, *, actor: Actor, now: datetime, cooled: datetime, shown: Verdict | None = None, after: int = 0
) -> Choice:
    """What the actor may urge of what is wanted. Two statements, whatever the number.

    `shown`: None for those that can be urged, or where there are none for the first reason that there is.
    """
    found = _chosen(wanted, actor, now, cooled).subquery()
    counted = select(found.c.verdict, func.count()).group_by(found.c.verdict).order_by(found.c.verdict)
    counts = {Verdict(number): n for number, n in db.session.execute(counted).tuples()}
    if shown is None:
        shown = Verdict.URGED if Verdict.URGED in counts else next(iter(counts), Verdict.URGED)
    officers = (
        select(func.aggregate_strings(Person.name, ", "))
        .join(Post, Post.person_id == Person.id)
        .where(Post.unit_id == Assignment.unit_id, Post.role == Role.OFFICER, holds_on(local_today(now)))
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(
            Assignment.id, Assignment.state, Assignment.due_at, Assignment.behind_at, Assignment.suspended_at,
            Assignment.urged_at, Unit.name.label("unit"), Task.title, officers.label("officers"), Task.rrule,
            Assignment.period, Period.opens_on,
        )
        .join(found, found.c.id == Assignment.id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Task, Task.id == Assignment.task_id)
        .outerjoin(Period, and_(Period.task_id == Task.id, Period.number == Assignment.period))
        .where(found.c.verdict == shown, Assignment.id > after)
        .order_by(Assignment.id)
        .limit(PAGE + 1)
    ).all()  # fmt: skip
    following = rows[PAGE - 1].id if len(rows) > PAGE else None
    return Choice(counts, shown, tuple(_row(row, shown, now) for row in rows[:PAGE]), following)


@dataclass(frozen=True)
class Urge:
    """The last urge of an assignment: who, for whom, when, and their words ('' for none)."""

    person_name: str
    for_name: str | None
    at: datetime
    words: str


def ids_of(wanted: Wanted, *, actor: Actor, now: datetime, cooled: datetime, most: int) -> list[int]:
    """Those that would be urged, up to one more than `most`. One statement."""
    found = _chosen(wanted, actor, now, cooled).subquery()
    chosen = select(found.c.id).where(found.c.verdict == Verdict.URGED).order_by(found.c.id).limit(most + 1)
    return list(db.session.execute(chosen).scalars())


def _chosen(wanted: Wanted, actor: Actor, now: datetime, cooled: datetime) -> Select[Any]:
    """The wanted ones that the actor may urge at all, with their verdicts."""
    verdict = verdict_number(cooled, local_today(now)).label("verdict")
    if wanted.filters is not None:
        statement = matching(actor, wanted.filters, now=now)
    else:
        ids: Sequence[int] = wanted.ids
        statement = (
            select(Assignment.id).join(Unit, Unit.id == Assignment.unit_id).where(Assignment.id.in_(listed(ids)))
        )
    return statement.where(urging_post(actor).is_not(None)).add_columns(verdict)


def _row(row: Any, verdict: Verdict, now: datetime) -> Row:
    light = light_of(State(row.state), row.due_at, row.behind_at, now, row.suspended_at is not None)
    return Row(row.id, row.unit, row.title, light, row.due_at, row.urged_at, row.officers or "", verdict, row.rrule,
               row.period, row.opens_on)  # fmt: skip
