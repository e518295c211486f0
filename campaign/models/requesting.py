"""Around what is asked of the level above: what a request may lean on, and who can decide on it or answer, for the verb
and the page alike."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, false, func, literal, not_, or_, select, union_all
from sqlalchemy.orm import aliased

from ..db import db
from ..rules.organisation import Actor
from ..rules.requests import GIVEN
from ..rules.standstill import BOSSES
from .assignments import Assignment
from .campaigns import Campaign, Task
from .facts import superiors_of
from .organisation import Unit, manned_on
from .requests import Request


def led_on(unit_id: Any, day: date) -> ColumnElement[bool]:
    """Whether anybody can decide for that unit on that day: acts in one of its leading posts."""
    return or_(*(manned_on(unit_id, role, day) for role in BOSSES))


@dataclass(frozen=True)
class Deciders:
    """Who may decide what was addressed to a unit: `units`, the nearest first: itself, the one above it, and further
    up while nobody is there; `present`: those of them where somebody can act on the day."""

    units: tuple[int, ...]
    present: frozenset[int]

    @property
    def vacant(self) -> bool:
        """Whether nobody can decide where it was addressed."""
        return self.units[0] not in self.present

    def in_charge(self, above: int = 0) -> int:
        """The first unit at least so many steps above where somebody can; the one there where nobody is."""
        left = self.units[above:] or self.units[-1:]
        return next((unit for unit in left if unit in self.present), left[0])


def deciders_of(unit_ids: Collection[int], *, on: date) -> dict[int, Deciders]:
    """By unit; one statement, whatever their number. `on`: a day in the organisation's time zone."""
    ids = sorted(set(unit_ids))
    above = superiors_of(ids).subquery()
    itself = select(
        Unit.id.label("unit_id"), Unit.id.label("id"), literal(0).label("steps"), led_on(Unit.id, on).label("led")
    )
    upwards = select(above.c.unit_id, above.c.id, above.c.steps, led_on(above.c.id, on))
    lines: dict[int, list[Any]] = defaultdict(list)
    for row in db.session.execute(union_all(itself.where(Unit.id.in_(ids)), upwards).order_by("unit_id", "steps")):
        line = lines[row.unit_id]
        if len(line) < len(("itself", "above")) or not line[-1].led:
            line.append(row)
    return {
        unit: Deciders(tuple(row.id for row in line), frozenset(row.id for row in line if row.led))
        for unit, line in lines.items()
    }


def passed_up(waits: Select[Any], actor: Actor, *, on: date) -> tuple[Select[Any], Select[Any]]:
    """Of the units that `waits` selects, those for which the actor may decide because theirs is next above, or because
    between nobody is; and those of them where nobody is either, so that it is the actor's turn."""
    inside = tuple((post.lft, post.rgt) for post in actor.posts if post.role in BOSSES)
    return _passed_up(waits, tuple(actor.units(*BOSSES)), inside, on)


@lru_cache(maxsize=1_000)
def _passed_up(
    waits: Select[Any], units: tuple[int, ...], inside: tuple[tuple[int, int], ...], on: date
) -> tuple[Select[Any], Select[Any]]:
    """Kept for who asks again: to put these together costs more than to run them."""
    near = or_(false(), *(Unit.lft.between(lft, rgt) for lft, rgt in inside))
    empty = not_(led_on(Unit.id, on)).label("empty")
    start = select(Unit.id.label("unit_id"), Unit.superior_id.label("above"), empty).where(Unit.id.in_(waits), near)
    up, upper = start.cte("passed_up", recursive=True), aliased(Unit)
    further = select(up.c.unit_id, upper.superior_id, up.c.empty).join(up, up.c.above == upper.id)
    up = up.union(further.where(not_(led_on(upper.id, on))))
    below = select(up.c.unit_id).where(up.c.above.in_(units))
    return below, below.where(up.c.empty)


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
