"""The units above those that a dispatch would reach, and who acts there: for the parts of one statement."""

from datetime import date

from sqlalchemy import CTE, ColumnElement, select, union
from sqlalchemy.orm import aliased

from ..models import Delegation, Person, Post, Unit
from ..models.organisation import holds_on, stands_in_on
from ..rules.organisation import Role


class Climb:
    """The way up from the units of a clause over Unit, for the parts of one statement that climb it: half a million
    villages are a few thousand townships, which are found once. The numbers are looked up one by one, by scalar
    subqueries: in a join PostgreSQL would read the table of units anew for each step.

    `parents`: the ids right above; `edges`: those and all above them, as (id, superior_id, level, lft).
    """

    def __init__(self, receives: ColumnElement[bool]) -> None:
        above = select(Unit.superior_id.label("id")).where(receives, Unit.superior_id.is_not(None))
        self.parents = above.distinct().cte()
        ids = select(self.parents.c.id).cte(recursive=True)
        upper = aliased(Unit)
        higher = select(upper.superior_id).where(upper.id == ids.c.id).correlate(ids).scalar_subquery()
        ids = ids.union(select(higher).select_from(ids))
        unit = aliased(Unit)
        columns = (unit.id, unit.superior_id, unit.level, unit.lft)
        self.edges = select(*columns).where(unit.id.in_(select(ids.c.id))).cte()
        self._acting: dict[tuple[Role, ...], CTE] = {}

    def acting(self, roles: tuple[Role, ...], today: date) -> CTE:
        """The units above in which anybody acts in one of these roles, as the clock asks it: a post whose holder's
        account is closed is vacant."""
        if roles not in self._acting:
            there = Post.unit_id.in_(select(self.edges.c.id)), Post.role.in_(roles), Person.disabled_at.is_(None)
            held = select(Post.unit_id).join(Person, Person.id == Post.person_id).where(*there, holds_on(today))
            lent = select(Post.unit_id).join(Delegation, stands_in_on(today))
            lent = lent.join(Person, Person.id == Delegation.delegate_id).where(*there)
            self._acting[roles] = union(held, lent).cte()
        return self._acting[roles]
