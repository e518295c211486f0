"""Units as a plan names them: by id, by full name, or by area and line; all of a plan are found in one statement."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select

from ..clock import local_today
from ..db import db
from ..errors import Problem, say
from ..models import Area, Unit
from ..rules.organisation import Level, Line
from ..rules.planning import CampaignPlan, UnitRef


@dataclass(frozen=True)
class NamedUnit:
    """A unit that a plan names."""

    id: int
    name: str
    line: Line
    level: Level
    area: str
    lft: int
    rgt: int

    def contains(self, other: "NamedUnit") -> bool:
        """Whether the other's area lies in this one's, or is the same."""
        return self.lft <= other.lft <= self.rgt


class NamedUnits:
    """All units that a plan names, found in one statement."""

    def __init__(self, refs: Iterable[UnitRef], *, now: datetime) -> None:
        wanted = set(refs) - {UnitRef()}
        self.found: dict[UnitRef, list[NamedUnit]] = {ref: [] for ref in wanted}
        if not wanted:
            return
        rows = db.session.execute(
            select(Unit.id, Unit.name, Unit.line, Unit.level, Area.code, Area.lft, Area.rgt)
            .join(Area, Area.id == Unit.area_id)
            .where(
                or_(
                    Unit.id.in_([ref.id for ref in wanted if ref.id is not None]),
                    Unit.name.in_([ref.name for ref in wanted if ref.name]),
                    Area.code.in_([ref.area for ref in wanted if ref.area]),
                ),
                or_(Unit.valid_to.is_(None), Unit.valid_to >= local_today(now)),
            )
        ).all()
        for row in rows:
            unit = NamedUnit(*row)
            names = (UnitRef(id=unit.id), UnitRef(name=unit.name), UnitRef(area=unit.area, line=unit.line))
            for ref in names:
                if ref in self.found:
                    self.found[ref].append(unit)

    @classmethod
    def named_in(cls, plan: CampaignPlan, *, now: datetime) -> "NamedUnits":
        """The units of a whole plan."""
        return cls((plan.issuing_unit, *plan.co_issuers, *(ref for task in plan.tasks for ref in task.units)), now=now)

    def one(self, ref: UnitRef, where: str) -> tuple[NamedUnit | None, list[Problem]]:
        """The unit, or the problem that there is none or more than one of that name."""
        units = self.found.get(ref, [])
        if len(units) == 1:
            return units[0], []
        if not units:
            return None, [Problem(where, say("There is no unit “%(unit)s”.", unit=str(ref)))]
        sentence = say("There are %(n)s units “%(unit)s”; please give area and line.", n=len(units), unit=str(ref))
        return None, [Problem(where, sentence)]
