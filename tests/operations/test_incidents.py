"""Letters that gave up: who is told of them and how often, and what an administrator can do about many at once."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from campaign.db import db, unit_of_work
from campaign.errors import Forbidden, Invalid, NotFound, Refused
from campaign.models import Delivery, Event, Notice
from campaign.models.parked import Which
from campaign.operations.log import record
from campaign.operations.resending import discard, raise_incidents, resend, resend_all
from campaign.queries import incidents
from campaign.rules.organisation import SYSTEM, Line, Role
from campaign.rules.telling import LEASE, MOST_TRIES, Channel, DeliveryState, Fault
from tests import make

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
REFUSED = "550 5.1.1 no such user"


@pytest.fixture
def tree(app):
    tree = make.small_tree()
    tree.near = make.holder(tree.unit(tree.townships[0], Line.PARTY), Role.ADMINISTRATOR)
    tree.other = make.holder(tree.unit(tree.townships[1], Line.PARTY), Role.ADMINISTRATOR)
    tree.far = make.holder(tree.unit(tree.county, Line.PARTY), Role.ADMINISTRATOR)
    return tree


def park(person, at, *, tries=1, error=REFUSED, channel=Channel.MAIL, n=1, tag="assignment:clock:remind") -> list[int]:
    """A letter of `n` messages that was parked at that moment."""
    with unit_of_work() as session:
        made = []
        for _ in range(n):
            event = record(tag=tag, subject="assignment", subject_id=1, actor=SYSTEM, now=at)
            notice = Notice(tag=tag, event_id=event, person_id=person.id, created_at=at, delivered_at=at)
            session.add(notice)
            session.flush()
            row = Delivery(notice_id=notice.id, person_id=person.id, channel=channel, tries=tries, error=error,
                           next_try_at=at + LEASE, state=DeliveryState.PARKED)  # fmt: skip
            session.add(row)
            session.flush()
            made.append(row.id)
    return made


def raised(now) -> int:
    with unit_of_work():
        return raise_incidents(now=now)


def told() -> dict[int, int]:
    """How many notices of incidents each person has."""
    db.session.rollback()
    rows = db.session.execute(select(Notice.person_id).where(Notice.tag == "delivery:channel:incident")).scalars().all()
    return {person_id: rows.count(person_id) for person_id in rows}


def states() -> list[DeliveryState]:
    db.session.rollback()
    return list(db.session.execute(select(Delivery.state).order_by(Delivery.id)).scalars())


def test_the_nearest_administrators_hear_once_an_hour_and_channel(tree, now):
    officers = [tree.holder(village, Role.OFFICER) for village in tree.villages]
    for minute in range(5):
        park(officers[0], now + minute * MINUTE)
        raised(now + minute * MINUTE)
    assert told() == {tree.near.id: 1}  # not the county's: somebody nearer looks after it
    park(officers[3], now + 6 * MINUTE)
    raised(now + 6 * MINUTE)
    assert told() == {tree.near.id: 1, tree.other.id: 1}
    park(officers[0], now + 7 * MINUTE, channel=Channel.SMS)
    raised(now + 7 * MINUTE)
    assert told() == {tree.near.id: 2, tree.other.id: 1}
    assert raised(now + 62 * MINUTE) == 0  # nothing new since
    park(officers[0], now + 70 * MINUTE)
    raised(now + 70 * MINUTE)
    assert told() == {tree.near.id: 3, tree.other.id: 1}
    reasons = db.session.execute(select(Event.reason).where(Event.tag == "delivery:channel:incident")).scalars()
    assert set(reasons) == {REFUSED}


def test_that_an_incident_could_not_be_mailed_is_no_incident(tree, now):
    park(tree.near, now, tag="delivery:channel:incident")
    assert raised(now) == 0


def test_letters_are_counted_by_cause_and_found_by_filter(tree, now):
    one, two = (tree.holder(tree.villages[number], Role.OFFICER) for number in (0, 1))
    park(one, now, n=12)
    park(two, now - DAY, error=f"{REFUSED}, really")
    park(two, now, tries=MOST_TRIES, error="TimeoutError: timed out", channel=Channel.SMS)
    actor, on = make.actor(tree.near), now.date()
    assert incidents.count(actor, on=on) == 3
    found = incidents.letters(actor, Which(), on=on).rows
    assert [(row.n, row.fault) for row in found] == [(1, Fault.GAVE_UP), (1, Fault.REFUSED), (12, Fault.REFUSED)]
    assert found[-1].at == now
    causes = incidents.causes(actor, Which(), on=on)
    assert sorted((cause.channel, cause.said, cause.letters) for cause in causes) == [
        (Channel.MAIL, REFUSED, 1), (Channel.MAIL, f"{REFUSED}, really", 1),
        (Channel.SMS, "TimeoutError: timed out", 1),
    ]  # fmt: skip
    for which, n in (
        (Which(channel=Channel.MAIL), 2),
        (Which(fault=Fault.GAVE_UP), 1),
        (Which(day=now.date()), 2),
        (Which(day=now.date() - DAY), 1),
        (Which(cause=REFUSED), 1),
        (Which(Channel.SMS, Fault.REFUSED), 0),
    ):
        assert len(incidents.letters(actor, which, on=on).rows) == n, which


def test_all_of_a_cause_go_again_once_and_only_ones_own(tree, now):
    mine, yours = (tree.holder(tree.villages[number], Role.OFFICER) for number in (0, 3))
    park(mine, now, n=3)
    park(yours, now)
    park(mine, now + MINUTE, error="timed out", tries=MOST_TRIES)
    actor = make.actor(tree.near)
    with pytest.raises(Forbidden), unit_of_work():
        resend_all(Which(), actor=tree.actor(tree.townships[0], Role.SUPERVISOR), now=now)
    for _ in range(2):  # the same click twice
        with unit_of_work():
            key = "00000000-0000-4000-8000-000000000001"
            assert resend_all(Which(cause=REFUSED), actor=actor, now=now, client_action_id=key) == 1
    assert states() == [DeliveryState.WAITING] * 3 + [DeliveryState.PARKED] * 2
    with pytest.raises(Refused), unit_of_work():
        resend_all(Which(cause=REFUSED), actor=actor, now=now)
    entries = db.session.execute(select(Event.data).where(Event.tag == "delivery:channel:resend")).scalars().all()
    assert entries == ['{"channel":null,"letters":1}']


def test_a_letter_goes_again_whole_or_is_given_up_for_a_reason(tree, now):
    officer = tree.holder(tree.villages[0], Role.OFFICER)
    first, second = park(officer, now, n=3), park(officer, now + MINUTE, n=2)
    actor = make.actor(tree.near)
    with unit_of_work():
        assert resend(first[1], actor=actor, now=now) == 3
    with pytest.raises(Invalid), unit_of_work():
        discard(second[0], "  ", actor=actor, now=now)
    with pytest.raises(NotFound), unit_of_work():
        discard(second[0], "离职", actor=make.actor(tree.other), now=now)
    with unit_of_work():
        assert discard(second[0], "该同志已离职", actor=actor, now=now) == 2
    assert states() == [DeliveryState.WAITING] * 3 + [DeliveryState.DROPPED] * 2
    with pytest.raises(Refused), unit_of_work():
        discard(second[0], "该同志已离职", actor=actor, now=now)
    entry = db.session.execute(select(Event).where(Event.tag == "delivery:channel:discard")).scalar_one()
    assert (entry.reason, entry.person_id) == ("该同志已离职", tree.near.id)
