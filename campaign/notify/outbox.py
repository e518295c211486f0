"""The outbox: notices are written in the transaction of what they tell, and handed to the channels later."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Integer, String, literal, select

from ..clock import local_today
from ..db import Instant, db, insert
from ..models import Notice, Post
from ..models.organisation import holds_on
from ..rules.organisation import Role


def tell_posts(
    unit_ids: Sequence[int], roles: Sequence[Role], *, event_id: int, tag: str, assignment_id: int, now: datetime
) -> None:
    """One notice to each person who holds one of these roles in one of these units today."""
    holders = (
        select(
            literal(tag, String).label("tag"),
            literal(event_id, Integer).label("event_id"),
            Post.person_id,
            literal(assignment_id, Integer).label("assignment_id"),
            literal(now, Instant).label("created_at"),
        )
        .where(Post.unit_id.in_(unit_ids), Post.role.in_(roles), holds_on(local_today(now)))
        .distinct()
    )
    columns = ["tag", "event_id", "person_id", "assignment_id", "created_at"]
    db.session.execute(insert(Notice).from_select(columns, holders).on_conflict_do_nothing())


def tell_batch(batch_id: int, *, event_id: int, tag: str, now: datetime) -> None:
    """One notice that stands for a message to every officer of the batch."""
    row = {"tag": tag, "event_id": event_id, "batch_id": batch_id, "created_at": now}
    db.session.execute(insert(Notice).values(row))
