"""What quotas for each person come to in an area: the targets of the units that received them there, added up."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, FromClause, Select, and_, func, literal, or_, select, type_coerce
from sqlalchemy.orm import aliased

from ..db import Exact
from ..models import Assignment, Unit
from ..models.targets import Target
from ..rules.organisation import Line
from ..rules.states import NOT_ASKED


def quotas_in(
    metric_id: int, task_id: int, turn: int | None, stretches: FromClause, lines: Sequence[Line] | None, *, what: int
) -> Select[Any]:
    """Rows (what, area as `key`, value) of the areas in `stretches` (id, lft, rgt): what the units there must reach
    together of a metric with a target for each person. What a unit handed on to others of the same area counts once,
    with the unit, as long as it is asked itself. `turn`: of a recurring task, None for all of them. Whoever asks may
    see the roll-up."""
    parent, above, there = aliased(Assignment), aliased(Unit), stretches.alias()
    inside = (
        select(there.c.id)
        .where(there.c.id == stretches.c.id, above.lft.between(there.c.lft, there.c.rgt))
        .correlate(stretches, above)
        .exists()
    )
    total = func.sum(type_coerce(Target.value, BigInteger), type_=BigInteger())
    found = (
        select(literal(what).label("what"), stretches.c.id.label("key"), type_coerce(total, Exact()).label("value"))
        .select_from(Target)
        .join(Assignment, and_(Assignment.id == Target.assignment_id, Assignment.task_id == task_id))
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(stretches, Unit.lft.between(stretches.c.lft, stretches.c.rgt))
        .outerjoin(parent, and_(parent.id == Assignment.parent_id, parent.state.not_in(NOT_ASKED)))
        .outerjoin(above, above.id == parent.unit_id)
        .where(Target.metric_id == metric_id, Assignment.state.not_in(NOT_ASKED), or_(above.id.is_(None), ~inside))
        .group_by(stretches.c.id)
    )
    if turn is not None:
        found = found.where(Assignment.period == turn)
    return found if lines is None else found.where(Unit.line.in_(lines))
