"""Targets that follow from quotas: so much for each person of a register."""

from sqlalchemy import BigInteger, ColumnElement, literal, select

from ..db import db
from ..db import insert as insert_or
from ..models import Assignment, Target
from ..models.quotas import quotas_moved
from .figures import look_again


def write_quotas(which: ColumnElement[bool]) -> list[int]:
    """Brings the targets of the chosen assignments (a clause over Assignment and Metric) to their quotas, in three
    statements; the ids of those that moved. Figures that were compared with another target are looked at again."""
    quotas = quotas_moved(which)
    ids = list(db.session.execute(select(quotas.c.assignment_id).distinct().order_by(quotas.c.assignment_id)).scalars())
    if not ids:
        return []
    look_again(Assignment.id.in_(select(quotas.c.assignment_id).where(quotas.c.stood.is_not(None))))
    rows = select(quotas.c.assignment_id, quotas.c.metric_id, quotas.c.value, literal(None, BigInteger)).where(
        quotas.c.assignment_id.is_not(None)  # SQLite reads no ON CONFLICT after a FROM without a WHERE
    )
    statement = insert_or(Target).from_select(["assignment_id", "metric_id", "value", "allocation_id"], rows)
    keys = [Target.assignment_id, Target.metric_id]
    db.session.execute(statement.on_conflict_do_update(index_elements=keys, set_={"value": statement.excluded.value}))
    return ids
