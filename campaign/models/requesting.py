"""Around a request: what it may lean on, and who can decide it, for the verb and the page alike."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from ..db import db
from ..rules.requests import GIVEN
from .assignments import Assignment
from .campaigns import Campaign, Task
from .facts import superiors_of
from .requests import Request


@dataclass(frozen=True)
class Frame:
    """What stands around an assignment. `units`: who may decide, the nearest first; `parent_*`: what it was split from;
    `parts`: how many it was split into; `asked` and `granted`: its former requests, and the extensions among them."""

    units: tuple[int, ...]
    parent_id: int | None
    parent_unit_id: int | None
    parent_due_at: datetime | None
    most_days: int
    most_times: int
    asked: int
    granted: int
    parts: int


def frame_of(assignment_id: int) -> Frame:
    """Of an assignment that exists; two statements. Who split it decides, else the issuing unit, else who is above; its
    own unit only where nobody else is left."""
    parent, child = aliased(Assignment), aliased(Assignment)
    former = select(func.count(Request.id)).where(Request.assignment_id == Assignment.id).correlate(Assignment)
    row = db.session.execute(
        select(
            Assignment.unit_id, Assignment.parent_id, parent.unit_id.label("parent_unit"),
            parent.due_at.label("parent_due"), Campaign.issuing_unit_id, Campaign.extension_days,
            Campaign.extension_most, former.scalar_subquery().label("asked"),
            former.where(Request.decision.in_(GIVEN), Request.due_at.is_not(None)).scalar_subquery().label("granted"),
            select(func.count(child.id)).where(child.parent_id == Assignment.id).correlate(Assignment)
            .scalar_subquery().label("parts"),
        )
        .join(Task, Task.id == Assignment.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .outerjoin(parent, parent.id == Assignment.parent_id)
        .where(Assignment.id == assignment_id)
    ).one()  # fmt: skip
    first = row.parent_unit or row.issuing_unit_id
    above = [each.id for each in db.session.execute(superiors_of([first]))]
    units = tuple(unit for unit in (first, *above) if unit != row.unit_id) or (first,)
    return Frame(
        units, row.parent_id, row.parent_unit, row.parent_due, row.extension_days, row.extension_most, row.asked,
        row.granted, row.parts,
    )  # fmt: skip
