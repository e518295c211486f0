"""The decision that may still be taken back: an assignment's last move, when it was a review nobody was told of."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import and_, exists, func, select

from ..db import db
from ..rules.states import Action
from ..rules.telling import HELD, HOLD
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


def last_decision(assignment_id: int) -> LastDecision | None:
    """The decision with which an assignment came to where it stands; None when something else moved it last."""
    moved = (
        select(func.max(Event.id))
        .where(Event.subject == "assignment", Event.subject_id == assignment_id, Event.to_state.is_not(None))
        .scalar_subquery()
    )
    newest = select(func.max(Review.id)).where(Review.assignment_id == assignment_id, STANDS).scalar_subquery()
    told = exists().where(Notice.event_id == Event.id, Notice.delivered_at.is_not(None))
    row = db.session.execute(
        select(
            Event.id, Review.id, Review.person_id, Review.unit_id, Review.step, Review.decision, Review.at,
            Review.since, Review.due_at, told,
        )
        .join(Review, and_(Review.id == newest, Review.person_id == Event.person_id, Review.at == Event.at))
        .where(Event.id == moved, Event.tag.in_(HELD))
    ).first()  # fmt: skip
    return None if row is None else LastDecision(*row)


def with_last_decision(facts: Standing, last: LastDecision | None, now: datetime) -> Standing:
    """The facts, knowing whether the last decision may be taken back."""
    if last is None:
        return facts
    return replace(facts, decided_by_id=last.person_id, decided_in=last.unit_id, untold=last.untold(now))
