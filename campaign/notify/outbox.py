"""The outbox: notices are written in the transaction of what they tell, and handed to the channels later."""

from datetime import datetime
from typing import Any

from sqlalchemy import Date, Integer, String, bindparam, insert, select

from ..clock import local_today
from ..db import Code, Instant, run
from ..models import Notice, Post
from ..models.organisation import holds_on
from ..rules.organisation import Role

# Written once: putting a statement together costs more than running it.
_COLUMNS = ["tag", "event_id", "person_id", "assignment_id", "created_at"]
_DAY: Any = bindparam("today", type_=Date)
_HOLDERS = (
    select(
        bindparam("tag", type_=String),
        bindparam("event", type_=Integer),
        Post.person_id,
        bindparam("assignment", type_=Integer),
        bindparam("now", type_=Instant),
    )
    .where(
        Post.unit_id == bindparam("unit", type_=Integer),
        Post.role == bindparam("role", type_=Code(Role)),
        holds_on(_DAY),
    )
    .distinct()
)
_NOTICES: Any = Notice.__table__
_TELL = insert(_NOTICES).from_select(_COLUMNS, _HOLDERS)


def tell_posts(unit_id: int, role: Role, *, event_id: int, tag: str, assignment_id: int, now: datetime) -> None:
    """One notice to each person who holds this role in this unit today; once for an event."""
    values = {"tag": tag, "event": event_id, "assignment": assignment_id, "now": now, "today": local_today(now)}
    run(_TELL, values | {"unit": unit_id, "role": role})


def tell_batch(batch_id: int, *, event_id: int, tag: str, now: datetime) -> None:
    """One notice that stands for a message to every officer of the batch."""
    row = {"tag": tag, "event_id": event_id, "batch_id": batch_id, "created_at": now}
    run(insert(_NOTICES), row)
