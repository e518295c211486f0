"""Which units review a submission: the facts for `rules/chain.py`."""

from sqlalchemy import select

from ..db import db
from ..models import Area, Task, Unit
from ..models.facts import Standing, superiors_of
from ..rules.chain import Above, review_chain


def chain_of(facts: Standing) -> list[int]:
    """The ids of the reviewing units, nearest first; the issuing unit ends the chain unless levels say otherwise."""
    issuer_id = facts.issuing_units[0]
    issuer = db.session.execute(
        select(Unit.id, Unit.level, Unit.lft, Area.rgt).join(Area, Area.id == Unit.area_id).where(Unit.id == issuer_id)
    ).one()
    levels = db.session.execute(select(Task.review_levels).where(Task.id == facts.task_id)).scalar_one()
    above = db.session.execute(superiors_of([facts.unit_id])).all()
    return review_chain(
        [Above(row.id, row.level, row.lft) for row in above],
        Above(issuer.id, issuer.level, issuer.lft),
        issuer.rgt,
        [int(level) for level in levels.split(",") if level],
    )
