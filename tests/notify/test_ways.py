"""Channels among themselves: chosen, paced, cut off; and none holds up the letters of another."""

import threading
import time
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from sqlalchemy import update

from campaign.db import db, unit_of_work
from campaign.models import Assignment, Delegation, Notice, Person, Post
from campaign.notify import channels, delivery
from campaign.notify.channels import WAYS, Way
from campaign.notify.delivery import Sent, send_due
from campaign.notify.fanning import fan_out
from campaign.notify.letters import Temporary
from campaign.rules.states import State
from campaign.rules.telling import Channel, DeliveryState
from tests import make

from .notices import MONDAY, REMIND, RETURN, deliver, deliveries, event, tell, tell_batch, work_of

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
FRIDAY = date(2026, 11, 20)


@pytest.fixture
def ways(monkeypatch):
    """Channels that are functions of this test."""

    def use(**by_name) -> None:
        for name, (send, most) in by_name.items():
            way = WAYS[Channel[name]]
            monkeypatch.setitem(
                channels.WAYS, Channel[name], Way("smtp_url", send, way.needs, way.must, most_per_minute=most)
            )

    return use


def test_only_chosen_channels_and_text_messages_only_when_urgent(mailing, ways, tree, now):
    ways(SMS=(lambda *_, **__: None, None), WECOM=(lambda *_, **__: None, None))
    unit = tree.unit(tree.villages[0])
    fields = {"email": "a@x.example", "phone": "13800001111"}
    nothing_said, both, robot, none = (
        make.holder(unit, channels=chosen, **fields) for chosen in (None, "1,5", "2", "")
    )
    without = make.holder(unit, channels="1,5")
    tell([nothing_said, both, robot, none, without], work_of(tree), REMIND)
    tell([nothing_said, both, robot, none, without], work_of(tree, State.RETURNED), RETURN)
    fan_out(mailing, now=now, work=unit_of_work)
    told = sorted((row.person_id, row.channel, row.digest_on is not None) for row in deliveries())
    assert told == sorted([
        (nothing_said.id, Channel.MAIL, True), (nothing_said.id, Channel.MAIL, False),
        (both.id, Channel.MAIL, True), (both.id, Channel.MAIL, False), (both.id, Channel.SMS, False),
        (robot.id, Channel.WECOM, True), (robot.id, Channel.WECOM, False),
    ])  # fmt: skip


def test_a_providers_pace_is_kept_without_counting_a_try_and_holds_up_no_other_channel(mailing, sink, ways, tree, now):
    said = []
    ways(WECOM=(lambda letter, *_, **__: said.append(letter.key), 3))
    people = [make.holder(tree.unit(tree.villages[0]), email=f"{n}@x.example", channels="1,2") for n in range(8)]
    tell(people, work_of(tree, State.RETURNED), RETURN)
    assert deliver(mailing, now).sent == 8 + 3
    waiting = [row for row in deliveries() if row.state is DeliveryState.WAITING]
    assert {(row.tries, row.next_try_at) for row in waiting} == {(0, now)}
    assert deliver(mailing, now + 30 * SECOND) == Sent()
    assert deliver(mailing, now + 65 * SECOND).sent == 3
    assert deliver(mailing, now + 130 * SECOND).sent == 2
    assert len(set(said)) == 8 == len(said)


def test_a_provider_is_not_asked_before_the_time_it_named(mailing, ways, officer, tree, now):
    def busy(*_, **__):
        raise Temporary("slower", timedelta(minutes=7))

    ways(MAIL=(busy, None))
    tell([officer], work_of(tree, State.RETURNED), RETURN)
    assert deliver(mailing, now).failed == 1
    [row] = deliveries()
    assert abs(row.next_try_at - now - timedelta(minutes=7)) < 5 * SECOND


def test_what_hangs_is_cut_off_and_what_cannot_be_written_is_passed_over(mailing, sink, ways, tree, now, monkeypatch):
    monkeypatch.setattr(delivery, "LONGEST_LETTER", 0.3)
    send, written, stop = WAYS[Channel.MAIL].send, delivery.content, threading.Event()
    people = [make.holder(tree.unit(tree.villages[0]), email=f"{n}@x.example") for n in range(30)]

    def hanging(letter, settings, **named):
        if letter.to == "3@x.example":
            stop.wait(20)
        send(letter, settings, **named)

    def failing(ids, to, *args, **named):
        if to.id == people[5].id:
            raise ValueError("poison")
        return written(ids, to, *args, **named)

    ways(MAIL=(hanging, None))
    monkeypatch.setattr(delivery, "content", failing)
    tell(people, work_of(tree, State.RETURNED), RETURN)
    began = time.monotonic()
    assert deliver(mailing, now) == Sent(sent=28, failed=2)
    assert time.monotonic() - began < 10
    stop.set()
    errors = {row.person_id: row.error for row in deliveries() if row.state is DeliveryState.WAITING}
    assert errors == {people[3].id: delivery.CUT_OFF, people[5].id: "ValueError: poison"}


def test_a_morning_of_digests_does_not_hold_up_what_is_urgent(mailing, sink, ways, tree, now):
    said = []
    ways(MAIL=(lambda letter, *_, **__: said.append(letter.subject), None))
    people = [make.holder(tree.unit(tree.villages[0]), email=f"{n}@x.example") for n in range(5)]
    tell(people, work_of(tree), REMIND)
    fan_out(mailing, now=now, work=unit_of_work)
    tell(people[:1], work_of(tree, State.RETURNED, title="退回"), RETURN)
    fan_out(mailing, now=MONDAY + 5 * SECOND, work=unit_of_work)
    assert send_due(mailing, now=MONDAY + 10 * SECOND, work=unit_of_work).sent == 6
    assert said[0].startswith("退回修改")


def test_who_stands_in_is_told_of_a_batch(mailing, tree, now):
    stand_in = make.person(email="stand@x.example")
    held = make.holder(tree.unit(tree.villages[0]), email="held@x.example")
    batch = work_of(tree, State.ISSUED).batch_id
    with unit_of_work() as session:
        post = session.query(Post).filter_by(person_id=held.id).one()
        given = {"post_id": post.id, "delegator_id": held.id, "delegate_id": stand_in.id, "at": now}
        session.add(Delegation(**given, valid_from=FRIDAY, valid_to=FRIDAY + 7 * DAY))
    tell_batch(batch)
    fan_out(mailing, now=now, work=unit_of_work)
    assert {row.person_id for row in deliveries()} == {held.id, stand_in.id}


def test_what_is_about_no_assignment_is_told_too(mailing, sink, officer, now):
    with unit_of_work() as session:
        id = event("delegation:stand-in:name", "产假")
        session.add(
            Notice(tag="delegation:stand-in:name", event_id=id, person_id=officer.id, created_at=now, urgent=True)
        )
    assert deliver(mailing, now).sent == 1
    assert sink.letters[0]["Subject"] == "已指定代办人"


def test_a_disabled_person_is_told_nothing(mailing, sink, officer, tree, now):
    tell([officer], work_of(tree), REMIND)
    deliver(mailing, now)
    with unit_of_work() as session:
        session.execute(update(Person).where(Person.id == officer.id).values(disabled_at=now))
    assert deliver(mailing, MONDAY) == Sent(dropped=1)


def test_a_digest_keeps_its_key_when_it_shrinks_between_two_tries(mailing, ways, officer, tree, now):
    keys = []

    def busy(letter, *_, **__):
        keys.append(letter.key)
        raise Temporary("later")

    ways(MAIL=(busy, None))
    done, left = work_of(tree, title="甲"), work_of(tree, title="乙")
    for each in (done, left):
        tell([officer], each, REMIND)
    deliver(mailing, now)
    for minutes in (0, 2, 10):
        deliver(mailing, MONDAY + timedelta(minutes=minutes))
        with unit_of_work() as session:
            session.execute(update(Assignment).where(Assignment.id == done.id).values(state=State.APPROVED))
    assert len(keys) == 3
    assert len(set(keys)) == 1


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_what_is_written_while_a_digest_is_claimed_makes_no_second_one(app, mailing, sink, officer, tree, now):
    """Another sender sees the new row, and not yet that the others were claimed: it must leave that person alone."""
    tell([officer], work_of(tree, title="甲"), REMIND)
    deliver(mailing, now)
    other = []

    def elsewhere() -> None:
        with app.app_context():
            tell([officer], work_of(tree, title="乙"), REMIND)
            fan_out(mailing, now=MONDAY, work=unit_of_work)
            send_due(mailing, now=MONDAY + SECOND, work=unit_of_work)
            db.session.remove()

    @contextmanager
    def slow():
        with unit_of_work() as session:
            yield session
            if not other:
                other.append(threading.Thread(target=elsewhere))
                other[0].start()
                other[0].join(3)

    send_due(mailing, now=MONDAY, work=slow)
    other[0].join()
    assert len(sink.letters) == 1
    send_due(mailing, now=MONDAY + 2 * SECOND, work=unit_of_work)
    assert len(sink.letters) == 1
    assert {(row.digest_on, row.state) for row in deliveries()} == {
        (date(2026, 11, 23), DeliveryState.SENT), (date(2026, 11, 24), DeliveryState.WAITING),
    }  # fmt: skip
