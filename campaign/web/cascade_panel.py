"""The place of an assignment in the cascade, for the pages that show an assignment."""

from dataclasses import asdict, dataclass
from typing import Any

from flask import g

from ..clock import local_today
from ..queries.cascade_panel import Panel, panel_of
from ..rules.organisation import Level, Role
from ..rules.splitting import SPLITTABLE
from ..rules.states import OPEN
from .access import current_actor, page_now
from .cascading import bp

SIGNERS = (Role.OFFICER, Role.SUPERVISOR, Role.DISPATCHER)


@dataclass(frozen=True)
class Cascade(Panel):
    """`may_split`: the reader dispatches for the unit; `may_make`: the reader signs letters for it."""

    may_split: bool = False
    may_make: bool = False


@bp.app_template_global("cascade_of")
def cascade_of(ask: Any) -> Cascade | None:
    """Of an assignment (`queries.assignments.Ask`) that the page has found in scope. One statement.

    It brings along who may be named as in charge, where the reader may name somebody: `in_charge.charge_of` takes it
    from here.
    """
    actor = current_actor()
    names = ask.state in OPEN and actor.post_in(ask.unit_id, Role.OFFICER, Role.SUPERVISOR) is not None
    found = panel_of(ask.id, colleagues_on=local_today(page_now()) if names else None)
    if found is None:
        return None
    if names:
        g.colleagues = {ask.unit_id: list(found.colleagues)}
    post = actor.post_in(ask.unit_id, Role.DISPATCHER)
    below = post is not None and post.level < Level.VILLAGE and post.lft < post.rgt
    working = ask.state in SPLITTABLE
    return Cascade(
        **{**asdict(found), "colleagues": found.colleagues}, may_split=below and working,
        may_make=working and actor.post_in(ask.unit_id, *SIGNERS) is not None,
    )  # fmt: skip


@bp.app_template_global("came_of")
def came_of(assignment_id: int) -> int:
    """How many assignments came out of that one. One statement."""
    found = panel_of(assignment_id)
    return found.parts if found else 0


__all__ = ["bp", "cascade_of"]
