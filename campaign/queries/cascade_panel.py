"""What the page of an assignment tells of its place in the cascade, in one statement."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, case, func, select
from sqlalchemy.orm import aliased

from ..db import db
from ..models import Allocation, Assignment, Letter, Signature, Unit
from ..rules.states import NOT_ASKED, State


@dataclass(frozen=True)
class Panel:
    """`above`: the unit that split it, with its assignment. `version`: of the split below, 0 for none; `parts`: the
    assignments that came of it, without those cancelled, and how many are approved or in review. `letter_id`: the
    latest responsibility letter, with its number and how many of the two have signed."""

    above_id: int | None
    above: str | None
    version: int
    parts: int
    approved: int
    waiting: int
    letter_id: int | None
    letter: int | None
    signed: int


def panel_of(assignment_id: int) -> Panel | None:
    """The panel; None where there is no such assignment. The page has found it in scope."""
    parent, upper, child = aliased(Assignment), aliased(Unit), aliased(Assignment)

    def parts(*states: State) -> Any:
        counted = func.count(case((child.state.in_(states), child.id))) if states else func.count(child.id)
        found = select(counted).where(child.parent_id == Assignment.id, child.state.not_in(NOT_ASKED))
        return found.correlate(Assignment).scalar_subquery()

    version = select(func.coalesce(func.max(Allocation.version), 0)).where(Allocation.parent_id == Assignment.id)
    last = select(func.max(Letter.id)).where(Letter.assignment_id == Assignment.id).correlate(Assignment)
    latest = aliased(Letter)
    signed = select(func.count(Signature.letter_id)).where(Signature.letter_id == latest.id).correlate(latest)
    row: Row[Any] | None = db.session.execute(
        select(
            parent.id, upper.name, version.correlate(Assignment).scalar_subquery(), parts(), parts(State.APPROVED),
            parts(State.SUBMITTED), latest.id, latest.number, signed.scalar_subquery(),
        )
        .select_from(Assignment)
        .outerjoin(parent, parent.id == Assignment.parent_id)
        .outerjoin(upper, upper.id == parent.unit_id)
        .outerjoin(latest, latest.id == last.scalar_subquery())
        .where(Assignment.id == assignment_id)
    ).first()  # fmt: skip
    return None if row is None else Panel(*row)
