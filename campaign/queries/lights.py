"""Lights as clauses: the same law as `rules/dates.light_of`, asked of the database. A test holds the two together."""

from datetime import datetime

from sqlalchemy import Case, ColumnElement, and_, case, literal, not_

from ..models import Assignment
from ..rules.dates import NEAR_DUE, Light
from ..rules.states import State


def light_is(light: Light, now: datetime) -> ColumnElement[bool]:
    """A clause over Assignment: it shows this light at that instant."""
    state = Assignment.state
    dated = Assignment.due_at.is_not(None)
    late = and_(dated, Assignment.due_at < now)
    near = and_(dated, Assignment.due_at < now + NEAR_DUE)
    clauses = {
        Light.RETURNED: state == State.RETURNED,
        Light.OVERDUE: and_(state.in_((State.ISSUED, State.ACKNOWLEDGED)), late),
        Light.DUE: and_(state == State.ACKNOWLEDGED, near, Assignment.due_at >= now),
        Light.NEW: and_(state == State.ISSUED, not_(late)),
        Light.OPEN: and_(state == State.ACKNOWLEDGED, not_(near)),
        Light.WAITING: state == State.SUBMITTED,
        Light.DONE: state == State.APPROVED,
        Light.CANCELLED: state == State.CANCELLED,
    }
    return clauses[light]


def light_number(now: datetime) -> Case[int]:
    """The light of an assignment as its number, for grouping and sorting."""
    return case(*((light_is(light, now), literal(int(light))) for light in Light))
