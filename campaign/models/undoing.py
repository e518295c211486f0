"""The decision that may still be taken back: an assignment's last move, when it was a review nobody was told of."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, ScalarSelect, Select, and_, bindparam, exists, func, select

from ..db import db, run
from ..rules.states import Action, State
from ..rules.telling import HELD, HOLD
from .assignments import Assignment
from .facts import Standing
from .log import Event
from .reporting import STANDS, Review
from .telling import Notice


@dataclass(frozen=True)
class LastDecision:
    """The last move of an assignment, where it was a decision that stands. `since`, `due_at`: as it waited before."""

    event_id: int
    review_id: int
    person_id: int
    unit_id: int
    step: int
    decision: Action
    at: datetime
    since: datetime | None
    due_at: datetime | None
    told: bool

    def untold(self, now: datetime) -> bool:
        """Whether nobody has been told yet, and it is not about to happen."""
        return not self.told and now < self.at + HOLD


# Over Event: somebody has been told of it.
_TOLD = exists().where(Notice.event_id == Event.id, Notice.delivered_at.is_not(None))


def _last_move(assignment_id: ColumnElement[int]) -> ScalarSelect[int]:
    """The event with which an assignment came to where it stands."""
    moves = Event.__table__.alias("moves").c
    return (
        select(func.max(moves.id))
        .where(moves.subject == "assignment", moves.subject_id == assignment_id, moves.to_state.is_not(None))
        .scalar_subquery()
    )


def last_decision_of(assignment_id: ColumnElement[int]) -> Select[Any]:
    """What `LastDecision` is made of."""
    newest = select(func.max(Review.id)).where(Review.assignment_id == assignment_id, STANDS)
    return (
        select(
            Event.id, Review.id.label("review_id"), Review.person_id, Review.unit_id, Review.step, Review.decision,
            Review.at, Review.since, Review.due_at, _TOLD.label("told"),
        )
        .join(
            Review,
            and_(
                Review.id == newest.scalar_subquery(), Review.person_id == Event.person_id, Review.at == Event.at
            ),
        )
        .where(Event.id == _last_move(assignment_id), Event.tag.in_(HELD))
    )  # fmt: skip


_LAST = last_decision_of(bindparam("assignment", type_=BigInteger))


def last_decision(assignment_id: int) -> LastDecision | None:
    """The decision with which an assignment came to where it stands; None when something else moved it last."""
    db.session.flush()  # what is pending would be missed; almost always nothing is
    row = run(_LAST, {"assignment": assignment_id}).first()
    return None if row is None else LastDecision(*row)


@dataclass(frozen=True)
class Act:
    """Many decisions of one person in one act: when, and the first and the last id of a review that may be of it."""

    person_id: int
    at: datetime
    first: int
    last: int

    @property
    def reviews(self) -> ColumnElement[bool]:
        """Which reviews are of it, over Review."""
        return and_(Review.id.between(self.first, self.last), Review.person_id == self.person_id, Review.at == self.at)


@dataclass(frozen=True)
class Decided:
    """One of them, as it stands now. `event_id`: None where something else has moved the assignment since."""

    review_id: int
    assignment_id: int
    version: int
    state: State
    unit_id: int
    step: int
    event_id: int | None
    told: bool


def decisions_of(act: Act) -> list[Decided]:
    """All decisions of the act, by assignment. One statement, whatever their number."""
    mine = and_(Event.id == _last_move(Assignment.id.expression), Event.person_id == act.person_id, Event.at == act.at)
    rows = (
        select(
            Review.id, Assignment.id, Assignment.version, Assignment.state, Review.unit_id, Review.step, Event.id, _TOLD
        )
        .join(Assignment, Assignment.id == Review.assignment_id)
        .outerjoin(Event, and_(mine, Event.tag.in_(HELD)))
        .where(act.reviews)
        .order_by(Assignment.id)
    )
    return [Decided(*row) for row in db.session.execute(rows)]


def hold(act: Act) -> None:
    """Keeps what the act has left to be told from being told, and its assignments from being moved, until this
    transaction ends; in the order in which others take them."""
    # Those of the instant: what waits to be told is little, and found by its own index.
    waiting = Notice.delivered_at.is_(None), Notice.created_at == act.at, Notice.tag.in_(HELD)
    told = select(Notice.id).where(*waiting)
    of = select(Assignment.id).where(Assignment.id.in_(select(Review.assignment_id).where(act.reviews)))
    for rows, key in ((told, Notice.id), (of, Assignment.id)):
        locked = rows.order_by(key).with_for_update()
        db.session.execute(select(func.count()).select_from(locked.subquery()))  # none of them comes here for it


def with_last_decision(facts: Standing, last: LastDecision | None, now: datetime) -> Standing:
    """The facts, knowing whether the last decision may be taken back."""
    if last is None:
        return facts
    return replace(facts, decided_by_id=last.person_id, decided_in=last.unit_id, untold=last.untold(now))
