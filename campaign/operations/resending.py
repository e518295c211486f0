"""Trying a parked delivery once more, by an administrator's hand."""

from datetime import datetime

from sqlalchemy import select, update

from ..db import db
from ..errors import Forbidden, NotFound, Refused, say
from ..models import Delivery
from ..rules.accounts import may_administer
from ..rules.organisation import Actor, Role
from ..rules.telling import DeliveryState
from .log import record
from .people import places_of


def resend(delivery_id: int, *, actor: Actor, now: datetime) -> None:
    """Puts a parked delivery back among those waiting. NotFound outside the actor's reach; Refused when it waits."""
    if not actor.is_system and not actor.has_role(Role.ADMINISTRATOR):
        raise Forbidden(say("Only an administrator may do this."))
    person_id = db.session.scalar(select(Delivery.person_id).where(Delivery.id == delivery_id))
    if person_id is None or not _reaches(actor, person_id, now):
        raise NotFound(say("This does not exist, or it is not for you."))
    changed = db.session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.state == DeliveryState.PARKED)
        .values(state=DeliveryState.WAITING, tries=0, next_try_at=now)
        .execution_options(synchronize_session=False)
        .returning(Delivery.id)
    ).first()
    if changed is None:
        raise Refused(say("This delivery is not parked any more."))
    record(tag="delivery:channel:resend", subject="delivery", subject_id=delivery_id, actor=actor, now=now,
           data={"delivery": delivery_id})  # fmt: skip


def _reaches(actor: Actor, person_id: int, now: datetime) -> bool:
    """Whether the actor administers any unit in which the person has a post, or the person never had one."""
    places = places_of(person_id, now=now)
    return not places or any(may_administer(actor, line, lft) for line, lft in places)
