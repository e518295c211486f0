"""Questions upwards: what waits for an answer at the reader's units, and what was asked of one assignment."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select
from sqlalchemy.orm import aliased

from ..db import Instant, db, from_micros, micros
from ..models import Assignment, Campaign, Person, Question, Suspension, Task, Unit
from ..rules.organisation import Actor, Role
from ..rules.standstill import BOSSES
from ..rules.states import WITH_OFFICER, State
from .scope import visible_assignments
from .spelled import unit_sounds_like
from .worklist import FAR

PAGE = 50
MOST_EXPORTED = 10_000


class Sort(Enum):
    """The orders of the list: the longest waiting first, or what is due first; without a date last."""

    WAITING = "waiting"
    DUE = "due"


@dataclass(frozen=True)
class Filters:
    """Narrower: words of the question or in the name of the unit or the task; the unit that is asked."""

    text: str = ""
    asked_unit_id: int | None = None


@dataclass(frozen=True)
class Asked:
    """A question, with its answer once there is one. `days`: given back; None while it is pending."""

    id: int
    assignment_id: int
    unit_id: int
    unit_name: str
    task_title: str
    campaign_title: str
    due_at: datetime | None
    asked_unit_id: int
    asked_unit: str
    superior_id: int | None
    words: str
    asked_at: datetime
    asker: str
    answer: str
    answered_at: datetime | None
    answerer: str | None
    days: int | None
    state: State

    @property
    def pending(self) -> bool:
        """Whether it still waits."""
        return self.answered_at is None and self.state in WITH_OFFICER

    def answers(self, actor: Actor) -> bool:
        """Whether the reader may answer it."""
        return self.pending and any(actor.post_in(unit, *BOSSES) for unit in (self.asked_unit_id, self.superior_id))

    def takes_back(self, actor: Actor) -> bool:
        """Whether the reader may withdraw it."""
        return self.pending and actor.post_in(self.unit_id, Role.OFFICER) is not None


@dataclass(frozen=True)
class Page:
    """One page of what waits; `next` continues it after that place."""

    items: tuple[Asked, ...]
    total: int
    next: tuple[int, int] | None


def waiting(actor: Actor, filters: Filters, sort: Sort, *, after: tuple[int, int] | None = None) -> Page:
    """What waits for an answer at the units where the reader is supervisor or dispatcher. Two statements."""
    statement = _ordered(_asked().where(_wanted(actor, filters)), sort)
    if after is not None:
        statement = statement.where(_behind(sort, after))
    items = [Asked(*row) for row in db.session.execute(statement.limit(PAGE + 1))]
    more = items[PAGE - 1] if len(items) > PAGE else None
    return Page(
        tuple(items[:PAGE]), _total(_wanted(actor, filters)), (micros(more.due_at or FAR), more.id) if more else None
    )


def everything(actor: Actor, filters: Filters, sort: Sort) -> Iterator[Asked]:
    """All that waits there, for an export. One statement."""
    statement = _ordered(_asked().where(_wanted(actor, filters)), sort).limit(MOST_EXPORTED)
    for row in db.session.execute(statement):
        yield Asked(*row)


def count(actor: Actor) -> int:
    """How many wait for the reader's answer. One statement."""
    return _total(_wanted(actor, Filters())) if actor.has_role(*BOSSES) else 0


def _total(wanted: ColumnElement[bool]) -> int:
    found = select(func.count(Question.id)).join(Assignment, Assignment.id == Question.assignment_id)
    return int(db.session.execute(found.where(wanted)).scalar_one())


def question_of(question_id: int, actor: Actor) -> Asked | None:
    """One question; None where the reader neither sees its assignment nor is asked."""
    sees = or_(visible_assignments(actor), Question.unit_id.in_(actor.units(*BOSSES)))
    row = db.session.execute(_asked().where(Question.id == question_id, sees)).one_or_none()
    return None if row is None else Asked(*row)


def questions_of(assignment_id: int) -> tuple[Asked, ...]:
    """What was asked of one assignment, newest first. The reader's scope is asked before. One statement."""
    statement = _asked().where(Question.assignment_id == assignment_id).order_by(Question.id.desc())
    return tuple(Asked(*row) for row in db.session.execute(statement))


def _wanted(actor: Actor, filters: Filters) -> ColumnElement[bool]:
    mine = Question.unit_id.in_(actor.units(*BOSSES))
    clauses: list[ColumnElement[bool]] = [Question.answered_at.is_(None), mine, Assignment.state.in_(WITH_OFFICER)]
    if filters.asked_unit_id is not None:
        clauses.append(Question.unit_id == filters.asked_unit_id)
    if filters.text:
        unit, titled = aliased(Unit), Task.title.icontains(filters.text, autoescape=True)
        named = or_(unit.name.icontains(filters.text, autoescape=True), unit_sounds_like(unit.area_id, filters.text))
        clauses.append(
            or_(
                Question.words.icontains(filters.text, autoescape=True),
                Assignment.unit_id.in_(select(unit.id).where(named)),
                Assignment.task_id.in_(select(Task.id).where(titled)),
            )
        )
    return and_(*clauses)


def _ordered(statement: Select[Any], sort: Sort) -> Select[Any]:
    return statement.order_by(Question.id) if sort is Sort.WAITING else statement.order_by(_due(), Question.id)


def _behind(sort: Sort, after: tuple[int, int]) -> ColumnElement[bool]:
    if sort is Sort.WAITING:
        return Question.id > after[1]
    place = from_micros(after[0])
    return or_(_due() > place, and_(_due() == place, Question.id > after[1]))


def _due() -> ColumnElement[Any]:
    return func.coalesce(Assignment.due_at, literal(FAR, Instant()), type_=Instant())


def _asked() -> Select[Any]:
    asked, asker, answerer = aliased(Unit), aliased(Person), aliased(Person)
    return (
        select(
            Question.id, Question.assignment_id, Assignment.unit_id, Unit.name, Task.title, Campaign.title,
            Assignment.due_at, Question.unit_id, asked.name, asked.superior_id, Question.words, Question.asked_at,
            asker.name, Question.answer, Question.answered_at, answerer.name, Suspension.days, Assignment.state,
        )
        .join(Assignment, Assignment.id == Question.assignment_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Task, Task.id == Assignment.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .join(asked, asked.id == Question.unit_id)
        .join(asker, asker.id == Question.person_id)
        .outerjoin(answerer, answerer.id == Question.answered_by_id)
        .outerjoin(Suspension, Suspension.question_id == Question.id)
    )  # fmt: skip
