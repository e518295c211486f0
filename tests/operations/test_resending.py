"""A parked delivery is tried once more by an administrator's hand; nobody else's, and only once."""

import pytest
from sqlalchemy import select

from campaign.db import db, unit_of_work
from campaign.errors import Forbidden, NotFound, Refused
from campaign.models import Delivery, Event, Notice
from campaign.operations.log import record
from campaign.operations.resending import resend
from campaign.rules.organisation import SYSTEM, Role
from campaign.rules.telling import Channel, DeliveryState
from tests import make


def test_a_parked_delivery_waits_again(app, now):
    tree = make.small_tree()
    officer = tree.holder(tree.villages[0], Role.OFFICER)
    with unit_of_work() as session:
        number = record(tag="person:session:sign-in", subject="person", subject_id=officer.id, actor=SYSTEM, now=now)
        notice = Notice(tag="assignment:clock:remind", event_id=number, person_id=officer.id, created_at=now)
        session.add(notice)
        session.flush()
        parked = Delivery(notice_id=notice.id, person_id=officer.id, channel=Channel.MAIL, tries=5, next_try_at=now,
                          state=DeliveryState.PARKED)  # fmt: skip
        session.add(parked)
    others = {
        Forbidden: tree.actor(tree.townships[0], Role.SUPERVISOR),
        NotFound: make.actor(make.holder(tree.unit(tree.townships[1]), Role.ADMINISTRATOR)),
    }
    for refusal, actor in others.items():
        with pytest.raises(refusal), unit_of_work():
            resend(parked.id, actor=actor, now=now)
    admin = make.actor(make.holder(tree.unit(tree.townships[0]), Role.ADMINISTRATOR))
    with unit_of_work():
        resend(parked.id, actor=admin, now=now)
    fresh = db.session.get_one(Delivery, parked.id, populate_existing=True)
    assert (fresh.state, fresh.tries) == (DeliveryState.WAITING, 0)
    assert db.session.scalars(select(Event.tag).order_by(Event.id.desc())).first() == "delivery:channel:resend"
    with pytest.raises(Refused), unit_of_work():
        resend(parked.id, actor=admin, now=now)
