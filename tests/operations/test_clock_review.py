"""What a sceptical reader asked of the clock: messages, dates and lists where two of its rules meet."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from campaign.clock import local_today
from campaign.db import db, unit_of_work
from campaign.errors import Refused, Stale
from campaign.models import Assignment, Delivery, Event, Firing, Notice, Period, Post, Suspension
from campaign.notify.contents import content
from campaign.notify.fanning import fan_out
from campaign.notify.reaching import reader
from campaign.operations import reporting
from campaign.operations.delegation import Wish, name_stand_in
from campaign.operations.handover import Handing, hand_over
from campaign.operations.issuing import cancel
from campaign.operations.questions import ask
from campaign.operations.reporting import Report
from campaign.operations.sweeping import fire
from campaign.operations.timers import arm
from campaign.queries import inbox, worklist
from campaign.queries.people import actor_of
from campaign.queries.worklist import Filters, Sort
from campaign.rules.calendars import Calendar, DayKind, Roll
from campaign.rules.dates import CountsFrom, DateRule, DueKind, dates_at
from campaign.rules.ladder import DEFAULT, Anchors, Sweep, decide, plan
from campaign.rules.organisation import Role
from campaign.rules.periods import Outcome, period_outcome
from campaign.rules.plans import Grade, PeriodState
from campaign.rules.states import State
from campaign.rules.telling import HOLD, Channel, Preferences, is_urgent, next_digest_day, when_to_tell, wrong_with
from tests import make
from tests.notify.notices import RETURN, tell, tell_batch, work_of

DAY = timedelta(days=1)
TEST = Channel.MAIL


@pytest.fixture
def tree(app):
    """The small organisation."""
    return make.small_tree()


@pytest.fixture
def mailing(settings):
    """Settings with a mail server that nobody talks to."""
    return replace(settings, smtp_url="smtp://127.0.0.1:2525", mail_from="c@county.example")


@pytest.fixture
def officer(tree):
    """Another officer of the first village, with an address."""
    return make.holder(tree.unit(tree.villages[0]), email="wang@county.example", name="王芳")


def letter_to(person, settings, now):
    """The letter made of all that waits for that person, None where nothing is left to say."""
    fan_out(settings, now=now, work=unit_of_work)
    ids = list(db.session.execute(select(Delivery.id).where(Delivery.person_id == person.id)).scalars())
    return content(ids, reader(person.id, TEST, now=now), TEST, settings, now=now).letter


@pytest.mark.parametrize(("state", "told"), [(State.ISSUED, True), (State.ACKNOWLEDGED, False)])
def test_a_new_task_that_was_signed_for_meanwhile_is_not_told(tree, officer, mailing, now, state, told):
    made = work_of(tree, state)
    tell_batch(made.batch_id)
    assert (letter_to(officer, mailing, now + 4 * DAY) is not None) is told


@pytest.mark.parametrize("state", [State.APPROVED, State.CANCELLED])
def test_a_date_moved_for_what_is_finished_is_not_told(tree, officer, mailing, now, state):
    tell([officer], work_of(tree, state), "assignment:issuer:extend")
    assert letter_to(officer, mailing, now) is None


@pytest.mark.parametrize(("moved", "told"), [(timedelta(), True), (2 * DAY, False)])
def test_a_rung_before_the_date_may_tell_the_level_above(tree, officer, mailing, now, moved, told):
    """It is no longer so when the date was moved, not because the date is still to come."""
    due = now + DAY
    made = work_of(tree, due_at=due + moved)
    tell([officer], made, "assignment:clock:escalate", urgent=True)
    with unit_of_work():
        row = {"assignment_id": made.id, "rung": 5, "anchor_at": due, "at": make.NOW, "run": 1, "skipped": ""}
        db.session.execute(insert(Firing).values(row))
    letter = letter_to(officer, mailing, now)
    assert (letter is not None) is told
    if letter:
        assert letter.subject.startswith("即将到期") and "已经" not in letter.subject


def test_a_letter_says_in_whose_name_somebody_acted(tree, officer, mailing, now):
    holder, stand_in = tree.holder(tree.townships[0], Role.SUPERVISOR), make.person("替身")
    post_id = db.session.scalar(select(Post.id).where(Post.person_id == holder.id))
    made = work_of(tree, State.RETURNED)
    with unit_of_work() as session:
        about = {"subject": "assignment", "subject_id": made.id, "reason": "照片不清楚", "data": "{}"}
        said = Event(at=now, tag=RETURN, person_id=stand_in.id, post_id=post_id, **about)
        session.add(said)
        session.flush()
        row = {"tag": RETURN, "event_id": said.id, "person_id": officer.id, "assignment_id": made.id}
        session.add(Notice(**row, created_at=now - HOLD, urgent=True))
    assert f"替身（代{holder.name}）" in letter_to(officer, mailing, now).text


class Asked:
    """An assignment of the first village with a question pending above."""

    def __init__(self, tree, now, **fields):
        self.made = work_of(tree, **fields)
        self.officer = tree.actor(tree.villages[0], Role.OFFICER)
        self.issuer = tree.actor(tree.county, Role.DISPATCHER)
        with unit_of_work():
            ask(self.made.id, "可否用电子名册", actor=self.officer, now=now)

    @property
    def row(self):
        """As it stands."""
        found = select(Assignment).where(Assignment.id == self.made.id)
        return db.session.scalar(found.execution_options(populate_existing=True))


def test_a_cancelled_assignment_stands_still_no_longer_and_nobody_is_asked(tree, mailing, now):
    asked = Asked(tree, now)
    boss = make.holder(tree.unit(tree.townships[0]), Role.SUPERVISOR, email="boss@county.example")
    tell([boss], asked.made, "assignment:question:ask")
    with unit_of_work():
        cancel(asked.made.id, actor=asked.issuer, now=now + DAY, seen=asked.row.version, reason="不再需要")
    stretch = db.session.scalars(select(Suspension)).one()
    assert asked.row.suspended_at is None
    assert (stretch.ended_at, stretch.days) == (now + DAY, 0)
    assert letter_to(boss, mailing, now + DAY) is None


def test_a_question_asked_in_the_same_instant_keeps_the_work_from_being_handed_in(tree, now, monkeypatch):
    asked = Asked(tree, now)
    before = replace(reporting.standing_of(asked.made.id), asks_above=False)  # as read just before it was asked
    monkeypatch.setattr(reporting, "standing_of", lambda _id: before)
    with pytest.raises(Stale), unit_of_work():
        reporting.submit(asked.made.id, Report("办结"), actor=asked.officer, now=now, seen=asked.row.version)
    assert asked.row.state is State.ACKNOWLEDGED


def test_nothing_is_taken_back_after_the_cut_off_that_could_not_be_handed_in_again(tree, now):
    made = work_of(tree, State.SUBMITTED, cut_off_at=now)
    officer = tree.actor(tree.villages[0], Role.OFFICER)
    with pytest.raises(Refused), unit_of_work():
        reporting.withdraw(made.id, actor=officer, now=now + DAY, seen=1)
    with unit_of_work():
        reporting.withdraw(made.id, actor=officer, now=now, seen=1)


@pytest.mark.parametrize(("state", "cut_off", "follows", "missed"), [
    (State.ACKNOWLEDGED, -1, False, True),
    (State.ISSUED, -1, True, True),
    (State.ISSUED, 1, True, False),
    (State.ISSUED, None, True, True),
    (State.ISSUED, None, False, False),
    (State.RETURNED, -1, True, False),
])  # fmt: skip
def test_a_missed_period_is_folded_and_no_longer_red(tree, now, state, cut_off, follows, missed):
    limit = None if cut_off is None else now + cut_off * DAY
    made = work_of(tree, state, due_at=now - 8 * DAY, cut_off_at=limit, period=1)
    with unit_of_work():
        for number in (1, 2) if follows else (1,):
            day = local_today(now - (16 - 7 * number) * DAY)
            row = {"task_id": made.task_id, "number": number, "opens_on": day, "state": PeriodState.OPENED, "at": now}
            db.session.execute(insert(Period).values(**row, reason=""))
    officer = tree.actor(tree.villages[0], Role.OFFICER)
    counts, cards = inbox.counts(officer, now=now), inbox.cards(officer, now=now)
    assert (counts.missed(), counts.to_do()) == ((1, 0) if missed else (0, 1))
    assert sum(map(len, cards.values())) == (not missed)
    assert [gone.id for gone in inbox.missed(officer, now=now)] == ([made.id] if missed else [])
    law = period_outcome(state, False, limit, now - 2 * DAY if follows else None, now)
    assert (law is Outcome.MISSED) is missed


def test_the_first_due_date_is_in_the_export_of_the_list(tree, now):
    made = work_of(tree, due_at=now + DAY, first_due_at=now)
    officer = tree.actor(tree.villages[0], Role.OFFICER)
    rows = list(worklist.everything(officer, Filters(), Sort.DUE, now=now))
    assert [(row.id, row.first_due_at) for row in rows] == [(made.id, now)]


MARKS = st.dictionaries(st.dates(date(2026, 1, 1), date(2028, 12, 31)), st.booleans(), max_size=60)
ZONES = st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York", "Asia/Kathmandu", "Europe/Helsinki", "Asia/Gaza"])
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2028, 6, 1), timezones=st.just(UTC))  # noqa: DTZ001
RULES = st.builds(
    DateRule, st.just(DueKind.RELATIVE), due_days=st.integers(0, 90), respond_days=st.none() | st.integers(0, 9),
    grace_days=st.none() | st.integers(0, 20), days=st.sampled_from(DayKind), counts_from=st.just(CountsFrom.ISSUE),
    roll=st.sampled_from(Roll),
)  # fmt: skip


@given(RULES, MOMENTS, MARKS, ZONES)
def test_dates_end_with_their_day_in_order_and_off_rest_days_where_the_rule_says(rule, issued, marks, zone):
    calendar, place = Calendar(1, 1, marks), ZoneInfo(zone)
    dates = dates_at(rule, issued, zone, calendar)
    for moment in filter(None, (dates.respond_by, dates.due_at, dates.cut_off_at)):
        day, after = (each.astimezone(place).date() for each in (moment, moment + timedelta(microseconds=1)))
        assert after == day + DAY  # the very next instant is another day, also where midnight is skipped
    assert dates.cut_off_at is None or dates.cut_off_at >= dates.due_at
    assert dates.respond_by is None or dates.respond_by <= dates.due_at
    day = dates.due_at.astimezone(place).date()
    assert calendar.works(day) or rule.roll is Roll.STAY
    if rule.roll is not Roll.PREVIOUS:
        assert day >= issued.astimezone(place).date()


@given(MOMENTS, st.integers(0, 40), st.integers(0, 30), MARKS, ZONES, st.lists(st.integers(1, 2000), max_size=8))
def test_each_rung_is_said_or_skipped_once_however_the_clock_comes(issued, due, grace, marks, zone, ticks):
    calendar = Calendar(1, 1, marks)
    rule = DateRule(DueKind.RELATIVE, due_days=due, respond_days=2, grace_days=grace, days=DayKind.WORKING)
    dates = dates_at(rule, issued, zone, calendar)
    steps = plan(DEFAULT, Grade.BINDING, Anchors(dates.respond_by, dates.due_at, dates.cut_off_at), calendar, zone)
    seen, after = [], issued
    for hours in (*ticks, 24 * 365):
        now = after + timedelta(hours=hours)
        decision = decide(steps, State.ISSUED, None, after, now)
        assert len({step.when for step in decision.speak}) <= 1
        assert all(step.when <= now for step in (*decision.speak, *decision.skip))
        assert decision.next is None or decision.next.when > now
        seen += [step.rung.number for step in (*decision.speak, *decision.skip)]
        after = now
    assert sorted(seen) == sorted(step.rung.number for step in steps if step.when > issued)


@given(MOMENTS, MARKS, ZONES)
def test_best_effort_never_reaches_above(issued, marks, zone):
    due = issued + 10 * DAY
    anchors = Anchors(issued, due, due + DAY, due, issued, issued)
    steps = plan(DEFAULT, Grade.BEST_EFFORT, anchors, Calendar(1, 1, marks), zone)
    assert steps and not any(step.rung.steps for step in steps)


def test_who_hands_over_or_stands_in_is_told_at_once_as_the_law_says(tree, now):
    holder, other = tree.holder(tree.villages[0], Role.OFFICER), tree.holder(tree.villages[1], Role.OFFICER)
    keeper = make.holder(tree.unit(tree.county), Role.ADMINISTRATOR)
    post_id = db.session.scalar(select(Post.id).where(Post.person_id == holder.id))
    lent = Wish(post_id, other.id, local_today(now), local_today(now) + DAY, "学习")
    given = Handing(holder.id, other.id, (post_id,), local_today(now) + 5 * DAY)
    with unit_of_work():
        name_stand_in(lent, actor=make.actor(keeper), now=now)
    with unit_of_work():
        hand_over(given, actor=make.actor(keeper), now=now)
    told = db.session.execute(select(Notice.tag, Notice.urgent)).all()
    assert {tag for tag, _ in told} >= {"delegation:stand-in:name", "person:post:hand-over"}
    assert all(urgent is is_urgent(tag) for tag, urgent in told)


def test_three_in_a_row_stand_in_and_each_hears_once_of_what_the_clock_says(tree, now):
    """Whoever has the post passed on goes on being told; the last act is stamped with the holder's name."""
    holder = tree.holder(tree.villages[0], Role.OFFICER)
    others = [make.holder(tree.unit(tree.villages[0])) for _ in range(3)]
    post_id = db.session.scalar(select(Post.id).where(Post.person_id == holder.id))
    giver = holder
    for other in others:
        with unit_of_work():
            lent = Wish(post_id, other.id, local_today(now), local_today(now) + 9 * DAY, "学习")
            name_stand_in(lent, actor=actor_of(giver.id, local_today(now)), now=now)
        giver = other
    made = work_of(tree, due_at=now - 3 * DAY)
    with unit_of_work():
        arm(made.id, now=now - 4 * DAY, after=now - 4 * DAY)
    with unit_of_work():
        fire(Sweep.ESCALATE, now=now)
    told = db.session.execute(select(Notice.person_id).where(Notice.assignment_id == made.id)).scalars().all()
    assert len(told) == len(set(told)) and set(told) >= {holder.id, *(other.id for other in others)}


@given(MOMENTS, st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 1439), MARKS, ZONES)
def test_a_digest_belongs_to_one_local_day_and_the_next_one_to_a_later(asked, digest_at, start, end, marks, zone):
    wishes, calendar, place = Preferences(digest_at, start, end), Calendar(1, 1, marks), ZoneInfo(zone)
    assume(wrong_with(wishes) is None)
    first = when_to_tell(False, wishes, calendar, zone, asked)
    told_on = first.astimezone(place).date()
    again, day = next_digest_day(told_on, wishes, calendar, zone, asked)
    assert first >= asked and again >= first and day > told_on
    assert calendar.works(told_on) and calendar.works(day)
    assert when_to_tell(False, wishes, calendar, zone, first) == first  # who asks at that minute waits no further day
