"""Sending: at least once and under one key, at most once as far as anybody can know, and never what is not needed."""

import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event as listening

from campaign.db import db, unit_of_work
from campaign.notify.delivery import Claim, Sent, send_due, settle
from campaign.notify.fanning import fan_out
from campaign.rules.organisation import Role
from campaign.rules.states import State
from campaign.rules.telling import LEASE, MOST_TRIES, Channel, DeliveryState, next_wait
from tests import make

from .notices import MONDAY, REMIND, RETURN, SUBMIT, deliver, deliveries, tell, tell_batch

SECOND = timedelta(seconds=1)


class Stopped(BaseException):
    """The process dies here."""


@pytest.fixture
def tree(app):
    tree = make.small_tree()
    tree.task = make.task(make.campaign(tree.unit(tree.county), title="巾帼建功"))
    return tree


@pytest.fixture
def officer(tree):
    return make.holder(tree.unit(tree.villages[0]), email="wang@county.example", name="王芳")


@pytest.fixture
def returned(tree):
    return make.assignment(tree.task, tree.unit(tree.villages[0]), State.RETURNED)


def states() -> list[DeliveryState]:
    return [row.state for row in deliveries()]


def test_a_return_says_who_and_why_and_where(mailing, sink, officer, returned, now):
    by = make.person(name="李审核")
    tell([officer], returned, RETURN, "缺少现场照片1张", by.id)
    assert deliver(mailing, now).sent == 1
    assert sink.recipients == ["wang@county.example"]
    assert sink.letters[0]["Subject"] == "退回修改：企业法人单位建会率（柳林东村妇联）"
    sender = sink.letters[0]["From"].addresses[0]
    assert (sender.display_name, sender.addr_spec) == ("任务管理", "campaign@county.example")
    text = sink.text()
    for part in (
        "王芳，您好：",
        "活动：巾帼建功",
        "完成期限：11月30日 周一",
        "意见：缺少现场照片1张",
        "经手人：李审核",
    ):
        assert part in text
    assert f"https://c.example/assignments/{returned.id}\n" in text.replace("\r\n", "\n")
    [row] = deliveries()
    assert (row.state, row.tries, row.error) == (DeliveryState.SENT, 1, "")
    assert row.sent_at >= now
    assert deliver(mailing, now + timedelta(days=1)).sent == 0


def test_english_is_as_complete(mailing, sink, returned, now, tree):
    reader = make.holder(tree.unit(tree.villages[0]), email="r@county.example", name="Reader", locale="en")
    tell([reader], returned, RETURN, "one photo is missing")
    deliver(mailing, now)
    assert sink.letters[0]["Subject"].startswith("Returned for changes: ")
    assert "Due date: Mon 30 Nov" in sink.text()
    assert "Dear Reader," in sink.text()


def test_what_waits_for_one_person_goes_in_one_letter(mailing, sink, officer, returned, now):
    for words in ("缺照片", "缺名册", "缺名册"):
        tell([officer], returned, reason=words)
    assert deliver(mailing, now).sent == 3
    assert len(sink.letters) == 1
    assert sink.letters[0]["Subject"] == "您有2条任务消息"  # the same said twice is said once
    assert states() == [DeliveryState.SENT] * 3


def test_what_is_no_longer_needed_is_not_sent(mailing, sink, officer, tree, now):
    approved = make.assignment(tree.task, tree.unit(tree.villages[0]), State.APPROVED)
    tell([officer], approved, REMIND)
    assert deliver(mailing, now) == Sent()  # it waits for the digest
    assert deliver(mailing, MONDAY) == Sent(dropped=1)
    assert sink.letters == []
    [row] = deliveries()
    assert (row.state, row.sent_at, row.error) == (DeliveryState.DROPPED, None, "no longer needed")


def test_a_reviewer_is_not_asked_for_what_waits_elsewhere(mailing, sink, tree, now):
    waiting = make.assignment(tree.task, tree.unit(tree.villages[0]), State.SUBMITTED)
    here = make.holder(tree.unit(tree.townships[0]), Role.SUPERVISOR, email="here@county.example")
    elsewhere = make.holder(tree.unit(tree.county), Role.SUPERVISOR, email="elsewhere@county.example")
    tell([here, elsewhere], waiting, SUBMIT)
    deliver(mailing, now)
    assert deliver(mailing, MONDAY).sent == 1
    assert sink.recipients == ["here@county.example"]
    assert f"/reviews/{waiting.id}" in sink.text()


def test_a_dispatch_tells_what_is_still_with_the_officer(mailing, sink, officer, tree, now):
    first = make.assignment(tree.task, tree.unit(tree.villages[0]))
    tell_batch(first.batch_id, urgent=True)
    assert deliver(mailing, now).sent == 1
    assert f"/assignments/{first.id}" in sink.text()
    assert "签收期限：11月22日 周日" in sink.text()
    done = make.assignment(
        make.task(make.campaign(tree.unit(tree.county))), tree.unit(tree.villages[0]), State.APPROVED
    )
    tell_batch(done.batch_id, urgent=True)
    assert deliver(mailing, now).dropped == 1


def test_markup_in_a_title_stays_text(mailing, sink, officer, tree, now):
    task = make.task(make.campaign(tree.unit(tree.county)), title='<script>alert(1)</script> "&')
    tell([officer], make.assignment(task, tree.unit(tree.villages[0]), State.RETURNED), reason="<b>a</b>")
    deliver(mailing, now)
    page = sink.letters[0].get_body(("html",)).get_content()
    assert "<script>" not in page
    assert "<b>" not in page


def test_a_busy_server_is_tried_again_with_longer_waits_under_the_same_key_and_parked(
    mailing, sink, officer, returned, now
):
    tell([officer], returned)
    sink.answer_data = "451 try later"
    keys, moment = set(), now
    for attempt in range(1, MOST_TRIES + 1):
        assert deliver(mailing, moment).failed == 1
        [row] = deliveries()
        assert row.tries == attempt
        assert "451 try later" in row.error
        if attempt < MOST_TRIES:
            assert row.state is DeliveryState.WAITING
            assert abs(row.next_try_at - moment - next_wait(attempt)) < 5 * SECOND
            assert deliver(mailing, row.next_try_at - 10 * SECOND).failed == 0  # not before its time
            moment = row.next_try_at
        keys.add(row.id)
    assert states() == [DeliveryState.PARKED]
    sink.answer_data = "250 OK"
    assert deliver(mailing, moment + timedelta(days=9)).sent == 0


def test_it_goes_through_when_the_server_is_back(mailing, sink, officer, returned, now):
    tell([officer], returned)
    sink.answer_rcpt = "450 busy"
    deliver(mailing, now)
    sink.answer_rcpt = "250 OK"
    tell([officer], returned)  # a later notice is a letter of its own: the first keeps its key
    assert deliver(mailing, now + timedelta(minutes=2)).sent == 2
    assert len(set(sink.keys())) == 2


def test_what_came_in_two_slots_is_one_letter_and_two_letters_stay_two(mailing, sink, officer, returned, now):
    """Before the first try everything that waits is gathered; after it each letter is repeated as it was."""
    for moment in (now, now + 10 * SECOND):
        tell([officer], returned)
        fan_out(mailing, now=moment, work=unit_of_work)
    assert deliver(mailing, now + 20 * SECOND).sent == 2
    assert len(sink.letters) == 1
    sink.answer_data = "451 try later"
    for moment in (now + 30 * SECOND, now + 40 * SECOND):
        tell([officer], returned)
        assert deliver(mailing, moment).failed == 1
    sink.answer_data = "250 OK"
    assert deliver(mailing, now + timedelta(hours=1)).sent == 2
    assert len(set(sink.keys())) == 3


def test_what_is_due_is_found_by_its_index(app, mailing, officer, returned, now):
    """Among millions of sent deliveries the few that wait are one short range."""
    tell([officer], returned)
    seen = []

    def note(_conn, _cursor, statement, parameters, *_rest):
        seen.append((statement, parameters))

    listening.listen(db.engine, "before_cursor_execute", note)
    send_due(mailing, now=now, work=unit_of_work)
    listening.remove(db.engine, "before_cursor_execute", note)
    looked = [pair for pair in seen if "FROM delivery" in pair[0] and "ORDER BY delivery.next_try_at" in pair[0]]
    for (statement, parameters), index in zip(looked, ("at_once", "digest"), strict=True):
        assert "delivery.state = 1" in statement
        if db.engine.dialect.name == "sqlite":
            plan = db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            assert f"ix_delivery_{index}" in str(plan)


def test_a_channel_rests_when_nothing_goes_through(mailing, sink, returned, now):
    """The letters that were not tried lose no try, and go in the next slot."""
    with unit_of_work():
        people = [make.person(email=f"p{number}@county.example") for number in range(8)]
    tell(people, returned)
    sink.answer_rcpt = "421 away"
    assert deliver(mailing, now).failed == 5
    sink.answer_rcpt = "250 OK"
    assert deliver(mailing, now + 10 * SECOND).sent == 3
    assert deliver(mailing, now + timedelta(minutes=5)).sent == 5


def test_a_refusal_for_good_is_parked_at_once_and_stops_nobody_else(mailing, sink, officer, returned, tree, now):
    bad = make.holder(tree.unit(tree.villages[0]), email="no address at all")
    tell([bad, officer], returned)
    counted = deliver(mailing, now)
    assert (counted.sent, counted.failed) == (1, 1)
    assert sorted(states()) == [DeliveryState.SENT, DeliveryState.PARKED]


def dying_after(steps: int):
    """Units of work of a process that dies when it opens one more than that many."""
    opened = []

    @contextmanager
    def work():
        if len(opened) == steps:
            raise Stopped
        opened.append(1)
        with unit_of_work() as session:
            yield session

    return work


def test_a_sender_that_dies_after_sending_repeats_the_same_letter_when_its_lease_is_over(
    mailing, sink, officer, returned, now
):
    tell([officer], returned)
    tell([officer], returned)
    fan_out(mailing, now=now, work=unit_of_work)
    with pytest.raises(Stopped):
        send_due(mailing, now=now, work=dying_after(2))  # claimed and sent, never settled
    assert len(sink.letters) == 1
    tell([officer], returned)
    assert deliver(mailing, now + SECOND).sent == 1  # what came later; the claimed ones are left alone
    assert deliver(mailing, now + LEASE + 5 * SECOND).sent == 2
    assert sink.keys()[2] == sink.keys()[0] != sink.keys()[1]
    assert states() == [DeliveryState.SENT] * 3


def test_a_letter_that_kills_its_sender_each_time_is_parked(mailing, sink, officer, returned, now):
    tell([officer], returned)
    fan_out(mailing, now=now, work=unit_of_work)
    for attempt in range(MOST_TRIES):
        with pytest.raises(Stopped):
            send_due(mailing, now=now + attempt * (LEASE + 5 * SECOND), work=dying_after(2))
    assert send_due(mailing, now=now + timedelta(hours=1), work=unit_of_work).failed == 1
    assert states() == [DeliveryState.PARKED]
    assert len(sink.letters) == MOST_TRIES


def test_who_has_lost_the_lease_settles_nothing(mailing, officer, returned, now):
    tell([officer], returned)
    fan_out(mailing, now=now, work=unit_of_work)
    [row] = deliveries()
    awakened = Claim((row.id,), row.person_id, Channel.MAIL, 1, now + LEASE)
    with unit_of_work():
        assert settle(awakened, None, now=now) == 0
    assert states() == [DeliveryState.WAITING]


def test_many_senders_at_once_send_each_letter_once(app, mailing, sink, returned, now):
    with unit_of_work():
        people = [make.person(email=f"p{number}@county.example") for number in range(24)]
    tell(people, returned)
    fan_out(mailing, now=now, work=unit_of_work)
    faults = []

    def run() -> None:
        with app.app_context():
            try:
                send_due(mailing, now=now, work=unit_of_work)
            except Exception as fault:
                faults.append(fault)
            finally:
                db.session.remove()

    senders = [threading.Thread(target=run) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert faults == []
    assert sorted(sink.recipients) == sorted(f"p{number}@county.example" for number in range(24))
    assert states() == [DeliveryState.SENT] * 24


def test_nothing_is_sent_inside_a_transaction(mailing, sink, officer, returned, now):
    """While a letter is under way no other writer is kept waiting."""
    tell([officer], returned)
    fan_out(mailing, now=now, work=unit_of_work)
    inside, seen, take = [], [], sink.handle_DATA

    @contextmanager
    def work():
        with unit_of_work() as session:
            inside.append(session)
            yield session
        inside.pop()

    async def looking(*letter):
        seen.append(len(inside))
        return await take(*letter)

    sink.handle_DATA = looking
    assert send_due(mailing, now=now, work=work).sent == 1
    assert seen == [0]
