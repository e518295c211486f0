"""The outbox: notices are written in the transaction of what they tell, and handed to the channels later."""

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Date, Integer, String, and_, bindparam, insert, select, true, union_all

from ..clock import local_today
from ..db import Code, Instant, insert_new, run
from ..models import Delegation, Notice, Post
from ..models.organisation import holds_on, stands_in_on
from ..rules.organisation import Role
from ..rules.telling import is_urgent

# Written once: putting a statement together costs more than running it.
_COLUMNS = ["tag", "event_id", "person_id", "assignment_id", "created_at", "urgent"]
_DAY: Any = bindparam("today", type_=Date)


_HERE: Any = and_(
    Post.unit_id == bindparam("unit", type_=Integer), Post.role == bindparam("role", type_=Code(Role)), holds_on(_DAY)
)
# Who holds the post and who stands in for it.
_EVERYBODY = union_all(
    select(Post.person_id).where(_HERE),
    select(Delegation.delegate_id).join_from(Post, Delegation, stands_in_on(_DAY)).where(_HERE),
).subquery()
_NOTICES: Any = Notice.__table__
_SAID = (
    bindparam("tag", type_=String), bindparam("event", type_=Integer), _EVERYBODY.c.person_id,
    bindparam("assignment", type_=Integer), bindparam("now", type_=Instant), bindparam("urgent", type_=Boolean),
)  # fmt: skip
# A person may hold the post and stand in for it, or have both of two roles that are told of one event: told once.
_TELL = insert_new(_NOTICES).from_select(_COLUMNS, select(*_SAID).where(true()))


def tell_posts(unit_id: int, role: Role, *, event_id: int, tag: str, assignment_id: int, now: datetime) -> None:
    """One notice to each person who holds this role in this unit today or stands in for it; once for an event."""
    values = {"tag": tag, "event": event_id, "assignment": assignment_id, "now": now, "today": local_today(now)}
    run(_TELL, values | {"unit": unit_id, "role": role, "urgent": is_urgent(tag)})


def tell_batch(batch_id: int, *, event_id: int, tag: str, now: datetime) -> None:
    """One notice that stands for a message to every officer of the batch."""
    row = {"tag": tag, "event_id": event_id, "batch_id": batch_id, "created_at": now, "urgent": is_urgent(tag)}
    run(insert(_NOTICES), row)
