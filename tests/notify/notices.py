"""Notices as the operations write them, without the operations; and what became of their deliveries."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import insert, select

from campaign.config import Settings
from campaign.db import db, unit_of_work
from campaign.models import Assignment, Delivery, Event, Notice, Person
from campaign.notify.delivery import Sent, send_due
from campaign.notify.fanning import fan_out
from campaign.rules.organisation import SYSTEM_PERSON_ID
from campaign.rules.states import State
from campaign.rules.telling import HOLD, LOUD
from tests import make

REMIND = "assignment:clock:remind"
RETURN = "assignment:review:return"
SUBMIT = "assignment:submission:submit"
ISSUE = "assignment:dispatch:issue"
MONDAY = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)  # half past eight in Shanghai: the digest after make.NOW, a Friday


BEFORE = make.NOW - HOLD  # so that what is held back for a moment goes out now


def event(tag: str, reason: str = "", person_id: int = SYSTEM_PERSON_ID) -> int:
    """An event to tell of."""
    row = {"at": make.NOW, "tag": tag, "subject": "assignment", "subject_id": 1, "person_id": person_id}
    return db.session.execute(insert(Event).values(**row, reason=reason, data="{}").returning(Event.id)).scalar_one()


def tell(
    people: Sequence[Person],
    assignment: Assignment,
    tag: str = RETURN,
    reason: str = "",
    by: int = SYSTEM_PERSON_ID,
    urgent: bool | None = None,
    at: datetime = BEFORE,
) -> None:
    """A notice to each of these people."""
    with unit_of_work() as session:
        event_id = event(tag, reason, by)
        for person in people:
            session.add(
                Notice(
                    tag=tag,
                    event_id=event_id,
                    person_id=person.id,
                    assignment_id=assignment.id,
                    created_at=at,
                    urgent=LOUD.get(tag, False) if urgent is None else urgent,
                )
            )


def tell_batch(batch_id: int, urgent: bool = False) -> None:
    """A notice that stands for all officers of a batch."""
    with unit_of_work() as session:
        session.add(Notice(tag=ISSUE, event_id=event(ISSUE), batch_id=batch_id, created_at=make.NOW, urgent=urgent))


def deliver(settings: Settings, now) -> Sent:
    """What the job does."""
    fan_out(settings, now=now, work=unit_of_work)
    return send_due(settings, now=now, work=unit_of_work)


def deliveries() -> list:
    """All deliveries as rows, by id; read anew."""
    db.session.rollback()
    columns = (Delivery.id, Delivery.person_id, Delivery.state, Delivery.tries, Delivery.next_try_at, Delivery.channel)
    more = (Delivery.sent_at, Delivery.error, Delivery.digest_on)
    return list(db.session.execute(select(*columns, *more).order_by(Delivery.id)))


def unmarked() -> int:
    """How many notices no channel has been told of."""
    db.session.rollback()
    return len(db.session.execute(select(Notice.id).where(Notice.delivered_at.is_(None))).all())


def work_of(tree, state=State.ACKNOWLEDGED, title="建会率", village=0, **fields) -> Assignment:
    """An assignment of a task of its own."""
    task = make.task(make.campaign(tree.unit(tree.county), title="巾帼建功"), title=title)
    return make.assignment(task, tree.unit(tree.villages[village]), state, **fields)
