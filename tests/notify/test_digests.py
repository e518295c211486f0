"""The day's digest: one for each person, channel and day, of what is still needed, under one key, when it is wished."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import update

from campaign.db import db, unit_of_work
from campaign.models import Assignment, CalendarDay, Delivery
from campaign.models.clockwork import Calendar as CalendarRow
from campaign.notify.delivery import Sent, send_due
from campaign.notify.fanning import fan_out
from campaign.rules.organisation import Role
from campaign.rules.states import State
from campaign.rules.telling import HOLD, DeliveryState, next_wait
from tests import make
from tests.counting import statements

from .notices import MONDAY, REMIND, RETURN, deliver, deliveries, tell, tell_batch, work_of

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
OVERDUE = "assignment:clock:escalate"
FRIDAY = date(2026, 11, 20)


def states() -> list[DeliveryState]:
    return [row.state for row in deliveries()]


def test_of_dates_that_were_moved_wrongly_and_put_right_the_last_move_is_told(mailing, sink, officer, tree, now):
    work = work_of(tree)
    for reason in ("误填", "会期未定", "定于十二月十日"):
        tell([officer], work, "assignment:occasion:move", reason=reason)
    assert deliver(mailing, MONDAY).sent == 3
    assert sink.text().count("期限调整：建会率") == 1
    assert [word in sink.text() for word in ("误填", "会期未定", "定于十二月十日")] == [False, False, True]


def test_a_day_is_one_letter_in_the_readers_language(mailing, sink, officer, tree, now):
    for title in ("建会率", "入户走访"):
        tell([officer], work_of(tree, title=title), REMIND)
    late = work_of(tree, title="普法宣传", due_at=now - DAY)
    tell([officer], late, OVERDUE)
    assert deliver(mailing, now) == Sent()
    assert deliver(mailing, MONDAY - SECOND) == Sent()
    assert deliver(mailing, MONDAY).sent == 3
    assert len(sink.letters) == 1
    assert sink.letters[0]["Subject"] == "11月23日 周一 每日摘要：逾期1项、临期2项"
    text = sink.text()
    assert text.index("普法宣传") < text.index("建会率") < text.index("入户走访")
    assert "== 逾期 · 1 ==" in text
    assert {row.digest_on for row in deliveries()} == {date(2026, 11, 23)}
    assert deliver(mailing, MONDAY + DAY) == Sent()


def test_of_ten_nine_are_finished_meanwhile(mailing, sink, officer, tree, now):
    """A message about what was finished meanwhile is not sent; the tenth is told as the only one."""
    ten = [work_of(tree, title=f"第{number}项") for number in range(10)]
    for each in ten:
        tell([officer], each, REMIND)
    fan_out(mailing, now=now, work=unit_of_work)
    with unit_of_work() as session:
        done = [each.id for each in ten[:9]]
        session.execute(update(Assignment).where(Assignment.id.in_(done)).values(state=State.APPROVED))
    assert send_due(mailing, now=MONDAY, work=unit_of_work) == Sent(sent=1, dropped=9)
    assert sink.letters[0]["Subject"].startswith("即将到期：第9项")
    assert "第8项" not in sink.text()


@pytest.mark.parametrize(
    ("tag", "fields"),
    [
        (REMIND, {"suspended_at": make.NOW}),
        (OVERDUE, {"due_at": MONDAY + DAY}),  # it was given more time
        ("assignment:clock:escalate-sign-for", {}),  # signed for meanwhile
        ("assignment:clock:behind", {"behind_at": MONDAY + DAY}),
        ("assignment:clock:returned", {}),
        ("assignment:clock:review-overdue", {}),
        (RETURN, {}),
    ],
)
def test_what_is_no_longer_so_is_not_told(mailing, sink, officer, tree, now, tag, fields):
    tell([officer], work_of(tree, **fields), tag, urgent=False)
    fan_out(mailing, now=now, work=unit_of_work)
    assert send_due(mailing, now=MONDAY, work=unit_of_work) == Sent(dropped=1)
    assert sink.letters == []


def test_a_reviewer_hears_of_what_waits_here_and_the_level_above_of_what_is_late(mailing, sink, tree, now):
    waiting = work_of(tree, State.SUBMITTED, review_due_at=now)
    here = make.holder(tree.unit(tree.townships[0]), Role.SUPERVISOR, email="here@county.example")
    above = make.holder(tree.unit(tree.county), Role.SUPERVISOR, email="above@county.example")
    tell([here, above], waiting, "assignment:clock:review-due")
    tell([here, above], waiting, "assignment:clock:review-overdue")
    deliver(mailing, now)
    assert deliver(mailing, MONDAY) == Sent(sent=3, dropped=1)
    assert sorted(sink.recipients) == ["above@county.example", "here@county.example"]


def test_what_comes_after_the_digest_goes_into_the_next_days(mailing, sink, officer, tree, now):
    tell([officer], work_of(tree, title="甲"), REMIND)
    deliver(mailing, now)
    deliver(mailing, MONDAY)
    tell([officer], work_of(tree, title="乙"), REMIND)
    fan_out(mailing, now=MONDAY + SECOND, work=unit_of_work)
    assert send_due(mailing, now=MONDAY + timedelta(hours=3), work=unit_of_work) == Sent()
    assert send_due(mailing, now=MONDAY + DAY, work=unit_of_work).sent == 1
    assert len(set(sink.keys())) == 2


def test_a_notice_that_was_fanned_out_too_late_is_turned_over(mailing, sink, officer, tree, now):
    """A slow sender writes the delivery of Monday's digest when another one has sent that already."""
    tell([officer], work_of(tree, title="甲"), REMIND)
    deliver(mailing, now)
    deliver(mailing, MONDAY)
    tell([officer], work_of(tree, title="乙"), REMIND)
    fan_out(mailing, now=MONDAY - SECOND, work=unit_of_work)  # its clock is behind
    assert send_due(mailing, now=MONDAY + SECOND, work=unit_of_work) == Sent()
    assert [(row.digest_on, row.state) for row in deliveries()] == [
        (date(2026, 11, 23), DeliveryState.SENT), (date(2026, 11, 24), DeliveryState.WAITING),
    ]  # fmt: skip
    assert send_due(mailing, now=MONDAY + DAY, work=unit_of_work).sent == 1
    assert len(sink.letters) == 2


def test_a_digest_is_repeated_whole_and_under_the_same_key(mailing, sink, officer, tree, now):
    for title in ("甲", "乙"):
        tell([officer], work_of(tree, title=title), REMIND)
    deliver(mailing, now)
    sink.answer_data = "451 try later"
    assert deliver(mailing, MONDAY).failed == 2
    sink.answer_data = "250 OK"
    assert deliver(mailing, MONDAY + next_wait(1) + 10 * SECOND).sent == 2
    assert len(set(sink.keys())) == 1 == len(sink.letters)
    key = sink.keys()[0]
    with unit_of_work() as session:
        session.execute(update(Delivery).values(state=DeliveryState.WAITING, tries=0, next_try_at=MONDAY))
    assert send_due(mailing, now=MONDAY + timedelta(hours=2), work=unit_of_work).sent == 2
    assert sink.keys() == [key, key]


def test_two_senders_at_once_make_one_digest(app, mailing, sink, officer, tree, now):
    others = [make.holder(tree.unit(tree.villages[0]), email=f"p{n}@county.example") for n in range(7)]
    for title in "甲乙丙丁戊":
        tell([officer, *others], work_of(tree, title=title), REMIND)
    fan_out(mailing, now=now, work=unit_of_work)
    faults = []

    def run() -> None:
        with app.app_context():
            try:
                send_due(mailing, now=MONDAY, work=unit_of_work)
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
    assert len(sink.letters) == 8
    assert states() == [DeliveryState.SENT] * 40


def test_more_than_fifty_are_counted_and_the_most_urgent_named(mailing, sink, officer, tree, now):
    for number in range(60):
        late = number == 59
        fields = {"due_at": now - DAY} if late else {}
        tell([officer], work_of(tree, title=f"第{number:02}项", **fields), OVERDUE if late else REMIND)
    deliver(mailing, now)
    assert deliver(mailing, MONDAY).sent == 60
    [letter], text = sink.letters, sink.text()
    assert letter["Subject"] == "11月23日 周一 每日摘要：逾期1项、临期59项"
    assert text.index("第59项") < text.index("第00项")
    assert text.count("https://c.example/assignments/") == 30
    assert "另有30项未逐一列出" in text
    assert "https://c.example/messages" in text


# -- when --------------------------------------------------------------------------------------------------------------


def test_each_is_told_when_they_wish_in_a_number_of_statements_that_does_not_grow(mailing, tree, now):
    wishes = [
        ({}, MONDAY),
        ({"digest_at": 18 * 60}, datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ({"on_rest_days": True}, MONDAY - 2 * DAY),
    ]
    counts = []
    for size in (1, 20):
        people = [
            make.holder(tree.unit(tree.villages[0]), email=f"{size}.{n}@x.example", **fields)
            for fields, _ in wishes
            for n in range(size)
        ]
        tell(people, work_of(tree, title=f"{size}"), REMIND)
        with statements() as seen:
            fan_out(mailing, now=now, work=unit_of_work)
        counts.append(len(seen))
        told = {row.person_id: row.next_try_at for row in deliveries()}
        assert [told[person.id] for person in people] == [at for _, at in wishes for _ in range(size)]
    assert counts[0] == counts[1] <= 8


def test_a_batch_waits_for_each_ones_digest_too(mailing, tree, now):
    early = make.holder(tree.unit(tree.villages[0]), email="early@x.example", digest_at=10 * 60 + 30)
    usual = make.holder(tree.unit(tree.villages[0]), email="usual@x.example")
    tell_batch(work_of(tree, State.ISSUED).batch_id)
    fan_out(mailing, now=now, work=unit_of_work)
    told = {row.person_id: (row.next_try_at, row.digest_on) for row in deliveries()}
    assert told[early.id] == (datetime(2026, 11, 20, 2, 30, tzinfo=UTC), FRIDAY)
    assert told[usual.id] == (MONDAY, MONDAY.date())


def test_what_is_urgent_waits_for_the_end_of_quiet_hours_and_of_the_weekend(mailing, sink, officer, tree, now):
    night = datetime(2026, 11, 19, 14, tzinfo=UTC)  # ten in the evening of a Thursday
    tell([officer], work_of(tree, State.RETURNED), RETURN, at=night - HOLD)
    assert deliver(mailing, night) == Sent()
    assert deliver(mailing, night + timedelta(hours=9)) == Sent()
    assert deliver(mailing, night + timedelta(hours=9, minutes=30)).sent == 1
    saturday = datetime(2026, 11, 21, 2, tzinfo=UTC)
    tell([officer], work_of(tree, State.RETURNED), RETURN)
    assert deliver(mailing, saturday) == Sent()
    assert [row.next_try_at for row in deliveries()][1] == MONDAY - timedelta(hours=1)


def test_holidays_and_make_up_days_of_the_nearest_calendar_count(mailing, tree, now):
    with unit_of_work() as session:
        own = own_calendar(session, tree.townships[0])
        session.add(CalendarDay(calendar_id=own, day=date(2026, 11, 21), works=True, name="调休"))
    here = make.holder(tree.unit(tree.villages[0]), email="here@x.example")
    there = make.holder(tree.unit(tree.villages[5]), email="there@x.example")
    tell([here, there], work_of(tree), REMIND)
    fan_out(mailing, now=now, work=unit_of_work)
    told = {row.person_id: row.digest_on for row in deliveries()}
    assert told == {here.id: date(2026, 11, 21), there.id: date(2026, 11, 23)}


def own_calendar(session, area) -> int:
    row = CalendarRow(area_id=area.id, name="柳林", version=1)
    session.add(row)
    session.flush()
    return row.id


def test_a_long_queue_wakes_nobody(mailing, sink, officer, tree, now):
    tell([officer], work_of(tree), REMIND)
    deliver(mailing, now)
    night = MONDAY + timedelta(hours=13)  # half past nine in the evening: the queue was that long
    assert send_due(mailing, now=night, work=unit_of_work) == Sent()
    [row] = deliveries()
    assert (row.tries, row.next_try_at) == (0, MONDAY + timedelta(hours=23))
