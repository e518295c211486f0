"""What is not yet folded into the tallies, as SELECTs that the folder and the readers of the board share.

Rows are (task_id, unit_id, state, due, behind, n): n more, or with a minus fewer, in that state with those dates.
"""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, func, literal, select, type_coerce

from ..rules.states import State
from .assignments import Assignment, Batch
from .doing import Tally, TallyDelta


def left_and_reached(chosen: ColumnElement[bool]) -> list[Select[Any]]:
    """Each chosen delta twice: one less in the state it left, one more in the state it reached."""
    key = TallyDelta.task_id, TallyDelta.unit_id
    left = select(
        *key,
        TallyDelta.from_state.label("state"),
        TallyDelta.from_due.label("due"),
        TallyDelta.from_behind.label("behind"),
        literal(-1).label("n"),
    )
    reached = select(
        *key,
        TallyDelta.to_state.label("state"),
        TallyDelta.to_due.label("due"),
        TallyDelta.to_behind.label("behind"),
        literal(1).label("n"),
    )
    return [left.where(chosen, TallyDelta.from_state.is_not(None)), reached.where(chosen)]


def dispatched(chosen: ColumnElement[bool]) -> Select[Any]:
    """The assignments of the chosen batches as they were dispatched; what happened since then stands in the deltas."""
    return (
        select(
            Batch.task_id,
            Assignment.unit_id,
            literal(State.ISSUED, Tally.state.type).label("state"),
            func.coalesce(type_coerce(Batch.due_at, BigInteger), 0).label("due"),
            func.coalesce(type_coerce(Batch.behind_at, BigInteger), 0).label("behind"),
            literal(1).label("n"),
        )
        .select_from(Batch)
        .join(Assignment, Assignment.batch_id == Batch.id)
        .where(chosen)
    )


def standing(chosen: ColumnElement[bool]) -> Select[Any]:
    """The chosen assignments as they stand now."""
    return select(
        Assignment.task_id,
        Assignment.unit_id,
        Assignment.state,
        func.coalesce(type_coerce(Assignment.due_at, BigInteger), 0).label("due"),
        func.coalesce(type_coerce(Assignment.behind_at, BigInteger), 0).label("behind"),
        literal(1).label("n"),
    ).where(chosen)
