"""With whom a unit can have done something together: units of other lines in the same place that are asked the same."""

from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import aliased

from ..rules.joining import LEADS
from ..rules.states import NOT_ASKED
from .contributions import REPORTED
from .figures import Joint
from .reporting import Submission


def beside(own: Any, other: Any) -> ColumnElement[bool]:
    """A clause over two aliases of Unit: both may be credited with the same activity."""
    return and_(other.area_id == own.area_id, other.line != own.line, other.line != LEADS, own.line != LEADS)


def same_turn(ours: Any, theirs: Any) -> ColumnElement[bool]:
    """A clause over two aliases of Assignment (or what has their columns): the same task, the same period, and asked of
    both. SQLite would begin with the task, which may have every unit of the country: the sum keeps it from that."""
    same = and_(theirs.task_id + 0 == ours.task_id, theirs.period == ours.period)
    return and_(same, theirs.state.not_in(NOT_ASKED))


def credit(theirs: Any, metric_id: Any, unit_id: Any) -> Any:
    """A scalar: how much of a metric an assignment (an alias) reports in the version that counts as done together with
    that unit; NULL for none."""
    version, newest = aliased(Submission), aliased(Submission)
    last = select(func.max(newest.number)).where(newest.assignment_id == theirs.id).correlate(theirs)
    return (
        select(Joint.number)
        .join(version, version.id == Joint.submission_id)
        .where(
            version.assignment_id == theirs.id, version.number == last.scalar_subquery(),
            theirs.state.in_(REPORTED), Joint.metric_id == metric_id, Joint.partner_unit_id == unit_id,
        )
        .scalar_subquery()
    )  # fmt: skip
