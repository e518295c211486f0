"""Who has a submission in hand, so that two reviewers do not read the same at once. A claim lapses by itself."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, case, delete, or_, select

from ..db import db, insert, run
from ..errors import Refused, say
from ..models import Claim, Person
from ..rules.organisation import Actor
from ..rules.states import Action
from .move import allowed, standing_of

LASTS = timedelta(minutes=15)
_LET_GO = (
    delete(Claim.__table__)  # type: ignore[arg-type]
    .where(Claim.__table__.c.assignment_id == bindparam("assignment"))
    .returning(Claim.__table__.c.person_id, Claim.__table__.c.until)
)


def claim(assignment_id: int, *, actor: Actor, now: datetime, seen: int, over: bool = False) -> bool:
    """Takes what waits in hand for a quarter of an hour, or for as long again; False while somebody else has it.

    `over`: takes it over from whoever has it. Allowed to whoever may decide on it. No event: nothing is decided.
    """
    step = allowed(Action.APPROVE, standing_of(assignment_id), actor=actor, seen=seen)
    row = {"person_id": actor.person_id, "post_id": step.post.id, "at": now, "until": now + LASTS}
    statement = insert(Claim).values(assignment_id=assignment_id, **row)
    mine = Claim.person_id == actor.person_id
    begun = case((mine & (Claim.until > now), Claim.at), else_=statement.excluded.at)
    free = None if over else or_(mine, Claim.until <= now)
    held = db.session.execute(
        statement.on_conflict_do_update(index_elements=["assignment_id"], set_={**row, "at": begun}, where=free)
        .returning(Claim.assignment_id)
        .execution_options(synchronize_session=False)
    )
    return held.first() is not None


def put_down(assignment_id: int, *, actor: Actor) -> None:
    """Gives it free before its time, if it is the actor's."""
    mine = (Claim.assignment_id == assignment_id, Claim.person_id == actor.person_id)
    db.session.execute(delete(Claim).where(*mine).execution_options(synchronize_session=False))


def let_go(assignment_id: int, *, actor: Actor, now: datetime) -> None:
    """A decision ends the claim. Refused while somebody else has it in hand; they can be asked, or it is taken over."""
    held = run(_LET_GO, {"assignment": assignment_id}).first()
    if held is None or held.person_id == actor.person_id or held.until <= now:
        return
    name = db.session.execute(select(Person.name).where(Person.id == held.person_id)).scalar_one()
    raise Refused(say("%(name)s has this in hand. Take it over if you want to decide yourself.", name=name))
