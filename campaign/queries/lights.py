"""Lights as clauses: the same law as `rules/dates.light_of`, asked of the database. A test holds the two together."""

from datetime import datetime

from sqlalchemy import Case, ColumnElement, and_, case, literal, not_, or_

from ..models import Assignment
from ..rules.dates import NEAR_DUE, Light
from ..rules.states import State


def light_is(light: Light, now: datetime) -> ColumnElement[bool]:
    """A clause over Assignment: it shows this light at that instant."""
    state, due_at, behind_at = Assignment.state, Assignment.due_at, Assignment.behind_at
    still, goes = stands_still(), Assignment.suspended_at.is_(None)
    late = and_(due_at.is_not(None), due_at < now)
    slow = and_(behind_at.is_not(None), behind_at <= now)
    near = and_(due_at.is_not(None), due_at < now + NEAR_DUE)
    working = and_(state.in_((State.ISSUED, State.ACKNOWLEDGED)), goes)
    clauses = {
        Light.RETURNED: and_(state == State.RETURNED, goes),
        Light.OVERDUE: and_(working, late),
        Light.BEHIND: and_(working, not_(late), slow),
        Light.DUE: and_(state == State.ACKNOWLEDGED, goes, not_(late), not_(slow), near),
        Light.NEW: and_(state == State.ISSUED, or_(still, and_(not_(late), not_(slow)))),
        Light.OPEN: or_(
            and_(state == State.ACKNOWLEDGED, or_(still, and_(not_(slow), not_(near)))),
            and_(state == State.RETURNED, still),
        ),
        Light.DISPUTED: state == State.DISPUTED,
        Light.WAITING: state == State.SUBMITTED,
        Light.DONE: state == State.APPROVED,
        Light.NOT_APPLICABLE: state == State.NOT_APPLICABLE,
        Light.CANCELLED: state == State.CANCELLED,
    }
    return clauses[light]


def light_number(now: datetime) -> Case[int]:
    """The light of an assignment as its number, for grouping and sorting."""
    return case(*((light_is(light, now), literal(int(light))) for light in Light))


def stands_still() -> ColumnElement[bool]:
    """A clause over Assignment: its clock stands still, for what was asked above."""
    return Assignment.suspended_at.is_not(None)
