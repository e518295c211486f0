"""The slowest of a campaign and what they wait for: areas by their lights, and in a small subtree each assignment.

Six statements with those of the board, whatever the size: single assignments are looked for where the subtree is small
enough to be worked through by hand, so that the nation's page stays as fast as a township's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import aliased

from ..db import db
from ..models import Assignment, Batch, Person, Question, Task, Unit
from ..models.climbing import standing_in
from ..rules.awaiting import OF_THE_UNIT, Awaits, awaits
from ..rules.dates import Light, light_of
from ..rules.organisation import Actor, Line
from ..rules.states import OPEN, State
from .board import Board, Head, Row
from .board_figures import Place
from .scope import NARROW, visible_units

MOST_AREAS = 20
MOST_ITEMS = 25


@dataclass(frozen=True)
class Slow:
    """One open assignment. `at`: the day by which the next step should be there, None for none; `since`: how long it
    has stood so; `unit_waited_for`: whose turn it is; `person`: who is in charge where that is the unit itself."""

    id: int
    unit: str
    task: str
    light: Light
    waits: Awaits
    unit_waited_for: str
    unit_id: int | None  # the unit itself, where it is waited for and the reader may see its page
    person: str | None
    since: datetime
    at: datetime | None


def slow_areas(shown: Board) -> list[Row]:
    """The areas right below with anything left to do, those with the most overdue first, then the least done."""
    left = [row for row in shown.rows if row.whole.total > row.whole.approved]
    return sorted(left, key=_slowness)[:MOST_AREAS]


def _slowness(row: Row) -> tuple[float, ...]:
    whole = row.whole
    return (-whole.lights.get(Light.OVERDUE, 0), whole.share, row.place.lft)


def narrow(place: Place) -> bool:
    """Whether single assignments of that area are looked for."""
    return place.rgt - place.lft < NARROW


def slow_items(
    head: Head, place: Place, lines: Sequence[Line] | None, *, actor: Actor, now: datetime, most: int = MOST_ITEMS
) -> list[Slow]:
    """The open assignments of that subtree and these lines (None: all) whose next step has been due the longest; what
    has no date stands last. One statement. The scope is that of the board that was asked before."""
    if lines is not None and not lines:
        return []
    reviewer, asked = aliased(Unit), aliased(Unit)
    answering = (
        select(asked.name)
        .join(Question, Question.unit_id == asked.id)
        .where(Question.assignment_id == Assignment.id, Question.answered_at.is_(None))
        .order_by(Question.id.desc())
        .limit(1)
        .correlate(Assignment)
        .scalar_subquery()
    )
    inside = standing_in(Unit.lft, head.tree.stretches((place.lft, place.rgt)))
    at = case((Assignment.state == State.SUBMITTED, Assignment.review_due_at), else_=Assignment.due_at)
    query = (
        select(
            Assignment.id, Assignment.state, Assignment.due_at, Assignment.behind_at, Assignment.suspended_at,
            Unit.name.label("unit"), Unit.id.label("unit_id"), Task.title, reviewer.name.label("reviewer"),
            answering.label("asked"), Person.name.label("person"),
            func.coalesce(Assignment.since, Batch.dispatched_at).label("since"), at.label("at"),
            visible_units(actor).label("has_page"),
        )
        .select_from(Unit)
        .join(Assignment, and_(Assignment.unit_id == Unit.id, Assignment.state.in_(OPEN)))
        .join(Batch, Batch.id == Assignment.batch_id)
        .join(Task, Task.id == Assignment.task_id)
        .outerjoin(reviewer, reviewer.id == Assignment.reviewer_unit_id)
        .outerjoin(Person, Person.id == Assignment.in_charge_id)
        .where(Task.campaign_id == head.id, inside)
        .order_by(case((at.is_(None), 1), else_=0), at, Assignment.id)
        .limit(most)
    )  # fmt: skip
    if lines is not None:
        query = query.where(Unit.line.in_(lines))
    found = []
    for row in db.session.execute(query):
        still = row.suspended_at is not None
        waits = awaits(row.state, still)
        if waits is not None:
            own = waits in OF_THE_UNIT
            whose = row.unit if own else (row.reviewer if waits is Awaits.REVIEW else row.asked) or ""
            light = light_of(row.state, row.due_at, row.behind_at, now, still)
            found.append(
                Slow(
                    row.id, row.unit, row.title, light, waits, whose, row.unit_id if own and row.has_page else None,
                    row.person if own else None, row.since, row.at,
                )
            )  # fmt: skip
    return found
