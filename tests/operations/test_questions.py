"""A question stops the clock: who asks whom, who answers, how many days are given back, what the clock says then."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from campaign.db import db, unit_of_work
from campaign.errors import Forbidden, Invalid, Refused
from campaign.models import Assignment, Event, Firing, Notice, Person, Post, Question, Suspension, Tally, Timer
from campaign.operations.folding import differences, fold
from campaign.operations.issuing import dispatch
from campaign.operations.questions import (
    ANSWER,
    ASK,
    TELL_ABOVE,
    TELL_VACANT,
    WITHDRAW,
    answer,
    ask,
    tell_above,
    withdraw,
)
from campaign.operations.reporting import Report, acknowledge, submit
from campaign.operations.sweeping import fire
from campaign.queries.outlook import line_of
from campaign.queries.questions import Filters, Sort, count, everything, question_of, questions_of, waiting
from campaign.rules.calendars import DayKind
from campaign.rules.ladder import Sweep
from campaign.rules.metrics import MetricKind
from campaign.rules.organisation import Role
from campaign.rules.states import State
from tests import make
from tests.counting import statements

pytestmark = pytest.mark.usefixtures("app")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


class Case:
    """One assignment of a village, due in ten days, with its officer and the supervisor of its township."""

    def __init__(self, now, **task):
        self.now, self.tree = now, make.small_tree()
        made = make.task(make.campaign(self.tree.unit(self.tree.county)), grace_days=5, **task)
        make.metric(made, MetricKind.COUNT, target=10)
        with unit_of_work():
            dispatch(made.id, actor=self.tree.actor(self.tree.county, Role.DISPATCHER), now=now)
        self.village, self.township = self.tree.villages[0], self.tree.townships[0]
        self.id = db.session.scalar(select(Assignment.id).where(Assignment.unit_id == self.tree.unit(self.village).id))
        self.officer = self.tree.actor(self.village, Role.OFFICER)
        self.boss = self.tree.actor(self.township, Role.SUPERVISOR)

    @property
    def row(self):
        """The assignment as it stands."""
        return db.session.scalar(
            select(Assignment).where(Assignment.id == self.id).execution_options(populate_existing=True)
        )

    def ask(self, now=None, actor=None, words="可否用电子名册", **more):
        """Asks."""
        with unit_of_work():
            return ask(self.id, words, actor=actor or self.officer, now=now or self.now, **more)

    def answer(self, question, now, actor=None, words="可以", **more):
        """Answers."""
        with unit_of_work():
            return answer(question, words, actor=actor or self.boss, now=now, **more)

    def sweep(self, now):
        """Both sweeps."""
        for sweep in Sweep:
            with unit_of_work():
                fire(sweep, now=now)


@pytest.fixture
def case(now):
    return Case(now)


def told(tag):
    return set(db.session.scalars(select(Notice.person_id).where(Notice.tag == tag)))


def test_the_first_reviewing_unit_is_asked_and_hears_at_once(case):
    question = case.ask()
    held = db.session.get(Question, question)
    assert (held.unit_id, held.words) == (case.tree.unit(case.township).id, "可否用电子名册")
    assert told(ASK) == {case.boss.person_id}
    assert case.row.suspended_at == case.now
    still = db.session.scalars(select(Suspension)).one()
    assert (still.question_id, still.began_at, still.ended_at) == (question, case.now, None)


def test_who_supervises_and_dispatches_in_one_person_is_told_once(case):
    make.post(db.session.get(Person, case.boss.person_id), case.tree.unit(case.township), Role.DISPATCHER)
    question = case.ask()
    assert told(ASK) == {case.boss.person_id}
    with unit_of_work():
        withdraw(question, actor=case.officer, now=case.now + DAY)
    assert told(WITHDRAW) == {case.boss.person_id}


def test_where_nobody_could_answer_the_next_unit_above_is_asked(case):
    with unit_of_work() as session:
        session.execute(update(Post).where(Post.person_id == case.boss.person_id).values(disabled_at=case.now))
    question = case.ask()
    assert db.session.get(Question, question).unit_id == case.tree.unit(case.tree.county).id


def test_while_it_waits_the_clock_is_silent_and_the_time_line_says_so(case):
    case.ask()
    case.sweep(case.now + 30 * DAY)
    assert db.session.scalar(select(Firing.rung).where(Firing.assignment_id == case.id)) is None
    line = line_of(case.id, now=case.now + DAY)
    assert (line.coming, line.suspended_at) == ((), case.now)


@pytest.mark.parametrize(
    ("kind", "wait", "days"),
    [(DayKind.CALENDAR, 6 * HOUR, 0), (DayKind.CALENDAR, 15 * HOUR, 1), (DayKind.CALENDAR, 2 * DAY, 2),
     (DayKind.CALENDAR, 2 * DAY + HOUR, 3), (DayKind.CALENDAR, 40 * DAY, 10),
     (DayKind.WORKING, 2 * DAY + 12 * HOUR, 1), (DayKind.WORKING, 3 * DAY, 1), (DayKind.WORKING, 3 * DAY + HOUR, 2)],
)  # fmt: skip
def test_the_answer_moves_every_date_by_the_whole_days_it_took(now, kind, wait, days):
    case = Case(now, days=kind)  # a Friday at ten
    before = case.row.due_at, case.row.cut_off_at, case.row.respond_by, case.row.behind_at
    assert case.answer(case.ask(), now + wait) == days
    after = case.row.due_at, case.row.cut_off_at, case.row.respond_by, case.row.behind_at
    moved = {(later - first).days for first, later in zip(before, after, strict=True) if kind is DayKind.CALENDAR}
    assert moved in ({days}, set())
    assert case.row.due_at > before[0] or days == 0
    assert case.row.first_due_at == (before[0] if days else None)
    assert case.row.suspended_at is None
    assert db.session.scalars(select(Suspension)).one().days == days
    assert told(ANSWER) == {case.officer.person_id}
    entry = db.session.scalar(select(Event.data).where(Event.tag == ANSWER))
    assert f'"days":{days}' in entry


def test_the_roll_up_follows_the_new_date(case):
    with unit_of_work():
        fold(now=case.now)
    case.answer(case.ask(), case.now + 2 * DAY)
    with unit_of_work():
        fold(now=case.now)
    assert differences() == []
    assert len(set(db.session.scalars(select(Tally.due).where(Tally.n > 0)))) == 2


def test_after_the_answer_the_clock_tells_what_is_to_come_once_and_nothing_twice(case):
    case.sweep(case.now + 7 * DAY)  # the reminder three days before the date has spoken
    asked = case.now + 8 * DAY
    question = case.ask(asked)
    back = asked + 3 * DAY
    assert case.answer(question, back) == 3
    coming = {(each.at, each.rung.number) for each in line_of(case.id, now=back).coming if not each.overtaken}
    assert coming
    for hour in range(1, 30 * 24):
        case.sweep(back.replace(minute=0) + hour * HOUR)
    fired = db.session.execute(
        select(Firing.at, Firing.rung).where(
            Firing.assignment_id == case.id, Firing.at > back, Firing.skipped == ""
        )
    ).tuples().all()  # fmt: skip
    assert set(fired) == coming


def test_more_than_ten_days_are_not_given_back_and_what_was_missed_meanwhile_is_told(case):
    question = case.ask(case.now + 9 * DAY)
    back = case.now + 33 * DAY
    case.answer(question, back)
    assert case.row.due_at < back
    timer = db.session.scalars(
        select(Timer).where(Timer.assignment_id == case.id).order_by(Timer.fires_at.desc())
    ).first()
    assert timer.fires_at == back
    case.sweep(back)
    assert db.session.scalars(
        select(Event.tag).where(Event.subject_id == case.id, Event.at == back, Event.tag.startswith("assignment:clock"))
    ).all() == ["assignment:clock:escalate-further"]


def test_a_withdrawn_question_gives_back_the_days_it_waited(case):
    question = case.ask()
    with unit_of_work():
        assert withdraw(question, actor=case.officer, now=case.now + DAY) == 1
    with pytest.raises(Refused, match="already"):
        case.answer(question, case.now + DAY)
    assert case.ask(case.now + DAY) != question


def test_one_question_at_a_time_and_only_by_the_officer_while_the_work_is_in_hand(case):
    strangers = [case.boss, case.tree.actor(case.tree.villages[1], Role.OFFICER), make.actor(make.person())]
    for stranger in strangers:
        with pytest.raises(Forbidden):
            case.ask(actor=stranger)
    for words in ("  ", "问" * 2001):
        with pytest.raises(Invalid):
            case.ask(words=words)
    key = str(uuid4())
    assert case.ask(client_action_id=key) == case.ask(client_action_id=key)
    with pytest.raises(Refused, match="already wait"):
        case.ask()


@pytest.mark.parametrize("state", [State.APPROVED, State.CANCELLED])
def test_what_is_finished_asks_nothing(case, state):
    with unit_of_work() as session:
        session.execute(update(Assignment).where(Assignment.id == case.id).values(state=state))
    with pytest.raises(Refused, match="in your hands"):
        case.ask()


def test_only_the_asked_unit_and_the_one_above_it_answer(case):
    question = case.ask()
    strangers = [
        case.officer, case.tree.actor(case.tree.townships[1], Role.SUPERVISOR), make.actor(make.person()),
        make.actor(make.holder(case.tree.unit(case.township), Role.AUDITOR)),
    ]  # fmt: skip
    for stranger in strangers:
        with pytest.raises(Forbidden):
            case.answer(question, case.now, actor=stranger)
        if stranger is not case.officer:
            with pytest.raises(Forbidden), unit_of_work():
                withdraw(question, actor=stranger, now=case.now)
    assert case.answer(question, case.now, actor=case.tree.actor(case.tree.county, Role.DISPATCHER)) == 0


def test_answering_twice_with_the_same_act_is_one_answer(case):
    question, key = case.ask(), str(uuid4())
    assert case.answer(question, case.now + DAY, client_action_id=key) == 1
    assert case.answer(question, case.now + 5 * DAY, client_action_id=key) == 1
    assert len(db.session.scalars(select(Event.id).where(Event.tag == ANSWER)).all()) == 1


def test_nothing_is_handed_in_while_a_question_waits(case):
    with unit_of_work():
        acknowledge(case.id, actor=case.officer, now=case.now, seen=1)
    case.ask()
    with pytest.raises(Refused, match="Take it back first"), unit_of_work():
        submit(case.id, Report(words="办完了"), actor=case.officer, now=case.now, seen=2)


def test_after_three_working_days_the_unit_above_hears_of_it_once(case):
    case.ask()  # a Friday
    for later, heard in ((4 * DAY, 0), (5 * DAY, 1), (6 * DAY, 0)):
        with unit_of_work():
            assert tell_above(now=case.now + later) == heard
    county = case.tree.county
    assert told(TELL_ABOVE) == {case.tree.holder(county, role).id for role in (Role.SUPERVISOR, Role.DISPATCHER)}


def test_who_is_next_in_charge_sees_at_once_what_those_who_leave_have_not_answered(case):
    """The people of the township leave, then those of the county; nothing is late meanwhile."""
    tree, soon = case.tree, case.now + timedelta(minutes=5)
    city = tree.unit(tree.city)
    above = tree.actor(tree.county, Role.DISPATCHER)
    head, clerk = (make.actor(make.holder(city, role)) for role in (Role.SUPERVISOR, Role.OFFICER))
    near = make.actor(make.holder(tree.unit(tree.townships[1]), Role.DISPATCHER))
    readers = [case.boss, above, head, clerk, near]
    question = case.ask()

    def seen():
        """To whom it is shown, and who may answer it where it stands."""
        lists = [waiting(each, Filters(), Sort.WAITING, now=soon) for each in readers]
        assert [count(each, now=soon) for each in readers] == [each.total for each in lists]
        assert [len(list(everything(each, Filters(), Sort.DUE, now=soon))) for each in readers] == [
            len(each.items) for each in lists
        ]
        may = [questions_of(case.id, each, now=soon)[0].answers for each in readers]
        for reader, one in zip(readers, may, strict=True):
            found = question_of(question, reader, now=soon)
            assert (found.answers if found else False) == one
        return [bool(each.items) for each in lists], may

    def hear(on=soon):
        with unit_of_work():
            return tell_above(now=on), told(TELL_VACANT)

    assert (seen(), hear()) == (([True, *[False] * 4], [True, True, False, False, False]), (0, set()))
    with pytest.raises(Forbidden):
        case.answer(question, soon, actor=head)
    with unit_of_work() as session:  # an account that was closed answers as little as a post that ended
        session.execute(update(Person).where(Person.id == case.boss.person_id).values(disabled_at=soon))
    bosses = {tree.holder(tree.county, role).id for role in (Role.SUPERVISOR, Role.DISPATCHER)}
    assert (seen(), hear()) == (([True, True, False, False, False], [True, True, False, False, False]), (1, bosses))
    assert questions_of(case.id, above, now=soon)[0].nobody
    assert question_of(question, near, now=soon) is None
    with unit_of_work() as session:
        session.execute(update(Post).where(Post.person_id.in_(bosses)).values(valid_to=case.now.date() - DAY))
    assert seen() == ([True, True, True, False, False],) * 2, "the list needs no message"
    assert hear() == (0, bosses), "each is told once"
    assert hear(case.now + 5 * DAY) == (1, bosses)
    assert told(TELL_ABOVE) == {head.person_id}, "never to an empty room"
    assert case.answer(question, case.now + 2 * DAY, actor=head) == 2
    after = questions_of(case.id, head, now=soon)[0]
    assert (after.in_place, after.answering_unit, after.nobody, after.answers) == (True, city.name, False, False)
    assert f'"in_place_of":"{after.asked_unit}"' in db.session.scalar(select(Event.data).where(Event.tag == ANSWER))
    assert (seen()[0], told(ANSWER)) == ([False] * 5, {case.officer.person_id})
    case.ask(case.now + 3 * DAY)
    assert count(head, now=case.now + 3 * DAY) == 1, "asked where the whole chain is empty, it waits for somebody"


def test_what_waits_too_long_stands_in_the_list_of_the_unit_above_and_a_withdrawal_is_told_there(case):
    above, on = case.tree.actor(case.tree.county, Role.DISPATCHER), case.now + 6 * DAY
    question = case.ask()
    assert count(above, now=on) == 0
    with unit_of_work() as session:
        tell_above(now=on)
        session.execute(update(Person).where(Person.id == case.boss.person_id).values(disabled_at=on))
    assert count(above, now=on) == 1
    with unit_of_work():
        withdraw(question, actor=case.officer, now=on)
    assert (count(above, now=on), above.person_id in told(WITHDRAW)) == (0, True)


def test_telling_above_costs_no_more_for_many(case):
    """Each of them is in the log, and each person hears of each; the statements stay the same."""
    costs = []
    for villages, day in ((case.tree.villages[:1], 0), (case.tree.villages[1:], 7)):
        for village in villages:
            unit = case.tree.unit(village).id
            case.id = db.session.scalar(select(Assignment.id).where(Assignment.unit_id == unit))
            case.ask(now=case.now + day * DAY, actor=case.tree.actor(village, Role.OFFICER))
        with statements() as ran, unit_of_work():
            assert tell_above(now=case.now + (day + 6) * DAY) == len(villages)
        costs.append(len(ran))
    assert costs[0] == costs[1] <= 7
    entries = db.session.scalars(select(Event.subject_id).where(Event.tag == TELL_ABOVE)).all()
    assert len(entries) == len(set(entries)) == len(case.tree.villages)
    notices = db.session.execute(select(Notice.assignment_id, Notice.person_id).where(Notice.tag == TELL_ABOVE)).all()
    assert len(notices) == len(set(notices)) == 2 * len(entries)


def test_an_answer_costs_a_fixed_number_of_statements(case):
    question = case.ask()
    with statements() as ran:
        case.answer(question, case.now + DAY, client_action_id=str(uuid4()))
    assert len(ran) <= 20
