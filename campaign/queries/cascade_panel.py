"""What the page of an assignment tells of its place in the cascade, in one statement."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, String, case, cast, func, null, select
from sqlalchemy.orm import aliased

from ..db import db
from ..models import Allocation, Assignment, Letter, Metric, Person, Post, Signature, Target, Unit
from ..models.organisation import holds_on
from ..rules.organisation import DELEGABLE
from ..rules.states import NOT_ASKED, State


@dataclass(frozen=True)
class Panel:
    """`above`: the unit that split it, with its assignment. `version`: of the split below, 0 for none; `parts`: the
    assignments that came of it, without those cancelled, and how many are approved or in review. `letter_id`: the
    latest responsibility letter, with its number and how many of the two have signed. `granted`: the figures whose
    target a decision on a request set."""

    above_id: int | None
    above: str | None
    version: int
    parts: int
    approved: int
    waiting: int
    letter_id: int | None
    letter: int | None
    signed: int
    granted: tuple[str, ...] = ()
    colleagues: tuple[tuple[int, str], ...] = ()


def panel_of(assignment_id: int, *, colleagues_on: date | None = None) -> Panel | None:
    """The panel; None where there is no such assignment. The page has found it in scope.

    `colleagues_on`: also who has a post in its unit on that day and may be in charge, by name, so that the page need
    not ask once more.
    """
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
            parts(State.SUBMITTED), latest.id, latest.number, signed.scalar_subquery(), _granted(),
            null() if colleagues_on is None else _colleagues(colleagues_on),
        )
        .select_from(Assignment)
        .outerjoin(parent, parent.id == Assignment.parent_id)
        .outerjoin(upper, upper.id == parent.unit_id)
        .outerjoin(latest, latest.id == last.scalar_subquery())
        .where(Assignment.id == assignment_id)
    ).first()  # fmt: skip
    if row is None:
        return None
    named = {line.partition(":")[::2] for line in (row[-1] or "").split("\n") if line}  # once, whatever their posts
    people = tuple(sorted(((int(id), name) for id, name in named), key=_by_name))
    granted = tuple(name for name in (row[-2] or "").split("\n") if name)
    fields: list[Any] = [*row[:-2], granted, people]
    return Panel(*fields)


def _granted() -> Any:
    """The names of the assignment's figures whose target was granted, one to a line."""
    names = select(func.aggregate_strings(Metric.name, "\n")).join(Target, Target.metric_id == Metric.id)
    here = Target.assignment_id == Assignment.id, Target.request_id.is_not(None)
    return names.where(*here).correlate(Assignment).scalar_subquery()


def _by_name(colleague: tuple[int, str]) -> tuple[str, int]:
    return colleague[1], colleague[0]


def _colleagues(day: date) -> Any:
    """'id:name' of everybody who works in the assignment's unit, one to a line."""
    people = select(func.aggregate_strings(cast(Person.id, String) + ":" + Person.name, "\n"))
    here = Post.unit_id == Assignment.unit_id, Post.role.in_(DELEGABLE), holds_on(day), Person.disabled_at.is_(None)
    return people.join(Post, Post.person_id == Person.id).where(*here).correlate(Assignment).scalar_subquery()
