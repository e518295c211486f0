"""Questions upwards: what waits for an answer at the reader's units, and what was asked of one assignment."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import aliased

from ..db import db
from ..models import Assignment, Campaign, Person, Question, Suspension, Task, Unit
from ..rules.organisation import Actor, Role
from ..rules.standstill import BOSSES
from ..rules.states import WITH_OFFICER, State
from .scope import visible_assignments

PAGE = 50
MOST_EXPORTED = 10_000


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
    """One page of what waits, the longest waiting first; `next` continues it after that question."""

    items: tuple[Asked, ...]
    total: int
    next: int | None


def waiting(actor: Actor, *, after: int = 0) -> Page:
    """What waits for an answer at the units where the reader is supervisor or dispatcher. Two statements."""
    statement = _asked().where(_waits_for(actor), Question.id > after).order_by(Question.id).limit(PAGE + 1)
    items = [Asked(*row) for row in db.session.execute(statement)]
    return Page(tuple(items[:PAGE]), count(actor), items[PAGE - 1].id if len(items) > PAGE else None)


def everything(actor: Actor) -> Iterator[Asked]:
    """All that waits there, for an export. One statement."""
    statement = _asked().where(_waits_for(actor)).order_by(Question.id).limit(MOST_EXPORTED)
    for row in db.session.execute(statement):
        yield Asked(*row)


def count(actor: Actor) -> int:
    """How many wait for the reader's answer. One statement."""
    if not actor.has_role(*BOSSES):
        return 0
    found = select(func.count(Question.id)).join(Assignment, Assignment.id == Question.assignment_id)
    return int(db.session.execute(found.where(_waits_for(actor))).scalar_one())


def question_of(question_id: int, actor: Actor) -> Asked | None:
    """One question; None where the reader neither sees its assignment nor is asked."""
    sees = or_(visible_assignments(actor), Question.unit_id.in_(actor.units(*BOSSES)))
    row = db.session.execute(_asked().where(Question.id == question_id, sees)).one_or_none()
    return None if row is None else Asked(*row)


def questions_of(assignment_id: int) -> tuple[Asked, ...]:
    """What was asked of one assignment, newest first. The reader's scope is asked before. One statement."""
    statement = _asked().where(Question.assignment_id == assignment_id).order_by(Question.id.desc())
    return tuple(Asked(*row) for row in db.session.execute(statement))


def _waits_for(actor: Actor) -> ColumnElement[bool]:
    mine = Question.unit_id.in_(actor.units(*BOSSES))
    return and_(Question.answered_at.is_(None), mine, Assignment.state.in_(WITH_OFFICER))


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
