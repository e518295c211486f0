"""Questions upwards: what waits for an answer at the reader's units, and what was asked of one assignment."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, false, func, literal, not_, or_, select
from sqlalchemy.orm import aliased

from ..clock import local_today
from ..db import Instant, db, from_micros, micros
from ..models import Assignment, Campaign, Event, Person, Post, Question, Suspension, Task, Unit
from ..models.facts import superiors_of
from ..models.organisation import acted_for
from ..models.requesting import led_on, passed_up
from ..rules.organisation import Actor, Role
from ..rules.standstill import BOSSES
from ..rules.states import WITH_OFFICER, State
from .assignments import Ask
from .scope import visible_assignments
from .spelled import unit_sounds_like
from .worklist import FAR

PAGE = 50
MOST_EXPORTED = 10_000
TOLD_ABOVE = "assignment:question:tell-above"
# Where questions wait: anywhere, for the lists; that of one assignment; one question.
_ANYWHERE = select(Question.unit_id).where(Question.answered_at.is_(None))
_OF_ONE = _ANYWHERE.where(Question.assignment_id == bindparam("about", type_=Question.assignment_id.type))
_ONE = _ANYWHERE.where(Question.id == bindparam("about", type_=Question.id.type))


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
    """A question, with its answer once there is one. `days`: given back; None while it is pending. `nobody`: it waits,
    and nobody can answer where it was asked; `in_hands`: the reader's unit is asked, is the one above, or is next in
    charge. `*_for`: the holder of the post where a stand-in acted; `answering_unit`: in whose post it was closed."""

    id: int
    assignment_id: int
    unit_id: int
    unit_name: str
    task_title: str
    campaign_title: str
    due_at: datetime | None
    asked_unit_id: int
    asked_unit: str
    words: str
    asked_at: datetime
    asker: str
    answer: str
    answered_at: datetime | None
    answerer: str | None
    days: int | None
    state: State
    asker_for: str | None
    answerer_for: str | None
    answering_unit_id: int | None
    answering_unit: str | None
    nobody: bool
    in_hands: bool

    @property
    def pending(self) -> bool:
        """Whether it still waits."""
        return self.answered_at is None and self.state in WITH_OFFICER

    @property
    def answers(self) -> bool:
        """Whether the reader may answer it."""
        return self.pending and self.in_hands

    @property
    def in_place(self) -> bool:
        """Whether another unit than the one that was asked has answered."""
        return bool(self.answer) and self.answering_unit_id != self.asked_unit_id

    def takes_back(self, actor: Actor) -> bool:
        """Whether the reader may withdraw it."""
        return self.pending and actor.post_in(self.unit_id, Role.OFFICER) is not None


@dataclass(frozen=True)
class Page:
    """One page of what waits; `next` continues it after that place."""

    items: tuple[Asked, ...]
    total: int
    next: tuple[int, int] | None


def waiting(actor: Actor, filters: Filters, sort: Sort, *, now: datetime, after: tuple[int, int] | None = None) -> Page:
    """What waits for the reader's answer as supervisor or dispatcher: what was asked of their units, what was asked
    below where nobody is, and what waits there so long that they were told. Two statements."""
    wanted = _wanted(actor, filters, now)
    statement = _ordered(_asked(actor, _ANYWHERE, now).where(wanted), sort)
    if after is not None:
        statement = statement.where(_behind(sort, after))
    items = [Asked(*row) for row in db.session.execute(statement.limit(PAGE + 1))]
    more = items[PAGE - 1] if len(items) > PAGE else None
    return Page(tuple(items[:PAGE]), _total(wanted), (micros(more.due_at or FAR), more.id) if more else None)


def everything(actor: Actor, filters: Filters, sort: Sort, *, now: datetime) -> Iterator[Asked]:
    """All that waits there, for an export. One statement."""
    statement = _asked(actor, _ANYWHERE, now).where(_wanted(actor, filters, now))
    for row in db.session.execute(_ordered(statement, sort).limit(MOST_EXPORTED)):
        yield Asked(*row)


def count(actor: Actor, *, now: datetime) -> int:
    """How many wait for the reader's answer. One statement; none for who answers nothing."""
    return _total(_wanted(actor, Filters(), now)) if actor.has_role(*BOSSES) else 0


def _total(wanted: ColumnElement[bool]) -> int:
    found = select(func.count(Question.id)).join(Assignment, Assignment.id == Question.assignment_id)
    return int(db.session.execute(found.where(wanted)).scalar_one())


def question_of(question_id: int, actor: Actor, *, now: datetime) -> Asked | None:
    """One question; None where the reader neither sees its assignment nor is to answer. One statement."""
    sees = or_(visible_assignments(actor), _in_hands(actor, _ONE, now))
    statement = _asked(actor, _ONE, now).where(Question.id == question_id, sees)
    row = db.session.execute(statement, {"about": question_id}).one_or_none()
    return None if row is None else Asked(*row)


def questions_of(assignment_id: int, actor: Actor, *, now: datetime) -> tuple[Asked, ...]:
    """What was asked of one assignment, newest first. The reader's scope is asked before. One statement."""
    statement = _asked(actor, _OF_ONE, now).where(Question.assignment_id == assignment_id).order_by(Question.id.desc())
    return tuple(Asked(*row) for row in db.session.execute(statement, {"about": assignment_id}))


def asked_first(ask: Ask, chain: Sequence[str], *, now: datetime) -> str:
    """The name of the unit that a question would go to now: the first of the chain where somebody can answer, else the
    first of all; '' without a chain. One statement."""
    above = select(superiors_of([ask.unit_id]).subquery().c.id)
    there = or_(Unit.id.in_(above), Unit.id == ask.issuer_id), led_on(Unit.id, local_today(now))
    held = set(db.session.execute(select(Unit.name).where(*there, Unit.id != ask.unit_id)).scalars())
    chain = [name for name in chain if name != ask.unit_name]
    return next((name for name in chain if name in held), next(iter(chain), ""))


def _wanted(actor: Actor, filters: Filters, now: datetime) -> ColumnElement[bool]:
    below, vacant = passed_up(_ANYWHERE, actor, on=local_today(now))
    told = select(Event.id).where(
        Event.subject == "assignment", Event.subject_id == Question.assignment_id, Event.tag == TOLD_ABOVE,
        Event.at >= Question.asked_at,
    )  # fmt: skip
    late = and_(Question.unit_id.in_(below), told.correlate(Question).exists())
    mine = or_(Question.unit_id.in_(actor.units(*BOSSES)), Question.unit_id.in_(vacant), late)
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


def _in_hands(actor: Actor, waits: Select[Any], now: datetime) -> ColumnElement[bool]:
    """Whether the reader may answer: for the unit that is asked, the one above it, or further up while nobody is there.
    What is asked of the database is left out for who leads nowhere."""
    units = actor.units(*BOSSES)
    if not units:
        return false()
    return or_(Question.unit_id.in_(units), Question.unit_id.in_(passed_up(waits, actor, on=local_today(now))[0]))


def _ordered(statement: Select[Any], sort: Sort) -> Select[Any]:
    return statement.order_by(Question.id) if sort is Sort.WAITING else statement.order_by(_due(), Question.id)


def _behind(sort: Sort, after: tuple[int, int]) -> ColumnElement[bool]:
    if sort is Sort.WAITING:
        return Question.id > after[1]
    place = from_micros(after[0])
    return or_(_due() > place, and_(_due() == place, Question.id > after[1]))


def _due() -> ColumnElement[Any]:
    return func.coalesce(Assignment.due_at, literal(FAR, Instant()), type_=Instant())


def _asked(actor: Actor, waits: Select[Any], now: datetime) -> Select[Any]:
    asker, answerer, post = aliased(Person), aliased(Person), aliased(Post)
    asked, answering = aliased(Unit), aliased(Unit)
    nobody = and_(Question.answered_at.is_(None), not_(led_on(Question.unit_id, local_today(now))))
    return (
        select(
            Question.id, Question.assignment_id, Assignment.unit_id, Unit.name, Task.title, Campaign.title,
            Assignment.due_at, Question.unit_id, asked.name, Question.words, Question.asked_at,
            asker.name, Question.answer, Question.answered_at, answerer.name, Suspension.days, Assignment.state,
            acted_for(Question.post_id, Question.person_id),
            acted_for(Question.answered_post_id, Question.answered_by_id), answering.id, answering.name,
            nobody.label("nobody"), _in_hands(actor, waits, now).label("in_hands"),
        )
        .join(Assignment, Assignment.id == Question.assignment_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Task, Task.id == Assignment.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .join(asked, asked.id == Question.unit_id)
        .join(asker, asker.id == Question.person_id)
        .outerjoin(answerer, answerer.id == Question.answered_by_id)
        .outerjoin(post, post.id == Question.answered_post_id)
        .outerjoin(answering, answering.id == post.unit_id)
        .outerjoin(Suspension, Suspension.question_id == Question.id)
    )  # fmt: skip
