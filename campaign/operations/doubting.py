"""What is implausible in the figures of a report, asked of the same facts as the page asks."""

from collections.abc import Mapping

from sqlalchemy import select

from ..db import db
from ..models import Assignment, Period
from ..models.facts import Standing
from ..models.past import Here, measures
from ..rules.flags import Found
from ..rules.metrics import Value
from ..rules.plausible import doubts


def doubts_on(facts: Standing, values: Mapping[int, Value]) -> list[Found]:
    """The findings on these values, by metric id, of that assignment. Two statements; none where there is no value."""
    if not values:
        return []
    period, opens_on = db.session.execute(
        select(Assignment.period, Period.opens_on)
        .outerjoin(Period, (Period.task_id == Assignment.task_id) & (Period.number == Assignment.period))
        .where(Assignment.id == facts.id)
    ).one()
    here = Here(facts.id, facts.task_id, facts.unit_id, period, opens_on)
    return doubts([measure.past for measure in measures(here)], values)
