"""Requests upwards: who decides, what a decision changes, and what the clock does meanwhile."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from campaign.db import db, unit_of_work
from campaign.errors import Forbidden, Invalid, Refused, Stale
from campaign.models import (
    Assignment,
    Campaign,
    Event,
    FigureTouch,
    Firing,
    Notice,
    Person,
    Post,
    Request,
    Suspension,
    Target,
    Task,
)  # fmt: skip
from campaign.models.requesting import deciders_of
from campaign.operations.deciding import Ruling, consent, decide
from campaign.operations.folding import differences, fold
from campaign.operations.issuing import cancel, dispatch, reopen
from campaign.operations.questions import ask as ask_question
from campaign.operations.reporting import acknowledge
from campaign.operations.requests import Wish, ask, tell_late, withdraw
from campaign.operations.sweeping import fire
from campaign.queries.checking import nothing_waits_unheard, states_follow_the_log
from campaign.queries.requests import Filters, View, count, nobody_at, page, request_of
from campaign.rules.dates import local_day
from campaign.rules.ladder import Sweep
from campaign.rules.metrics import MetricKind
from campaign.rules.organisation import Role
from campaign.rules.requests import Decision, RequestKind
from campaign.rules.states import State
from campaign.rules.targets import Quota
from tests import make
from tests.counting import statements
from tests.together import at_once

pytestmark = pytest.mark.usefixtures("app")
DAY = timedelta(days=1)
EXTENSION, DISPUTE, NOT_APPLICABLE = RequestKind
WHY = "汛期道路不通，入户走访推迟"


class Case:
    """One assignment of a village, due in ten days, issued by the county; the issuer decides."""

    def __init__(self, now, **campaign):
        self.now, self.tree = now, make.small_tree()
        made = make.task(make.campaign(self.tree.unit(self.tree.county), **campaign), grace_days=5)
        self.metric = make.metric(made, MetricKind.COUNT, target=10, quota=Quota.PER_UNIT)
        with unit_of_work():
            dispatch(made.id, actor=self.tree.actor(self.tree.county, Role.DISPATCHER), now=now)
        self.village = self.tree.villages[0]
        self.id = db.session.scalar(select(Assignment.id).where(Assignment.unit_id == self.tree.unit(self.village).id))
        self.officer = self.tree.actor(self.village, Role.OFFICER)
        self.boss = self.tree.actor(self.tree.county, Role.DISPATCHER)

    @property
    def row(self):
        return db.session.scalar(
            select(Assignment).where(Assignment.id == self.id).execution_options(populate_existing=True)
        )

    def due(self, days):
        return local_day(self.row.due_at, "Asia/Shanghai") + days * DAY

    def ask(self, kind, now=None, days=None, targets=(), actor=None, **more):
        wish = Wish(kind, WHY, None if days is None else self.due(days), dict(targets))
        seen = self.row.version
        with unit_of_work():
            return ask(self.id, wish, actor=actor or self.officer, now=now or self.now, seen=seen, **more)

    def decide(self, request, now, granted=True, words="同意", actor=None, **more):
        given = {"actor": actor or self.boss, "now": now, "client_action_id": more.pop("key", None)}
        with unit_of_work():
            decide(request, Ruling(granted, words, **more), **given)

    def sweep(self, now):
        for sweep in Sweep:
            with unit_of_work():
                fire(sweep, now=now)

    def sound(self):
        """Nothing that the checks know is broken."""
        with unit_of_work():
            fold(now=self.now)
        assert [*states_follow_the_log(), *nothing_waits_unheard(), *differences()] == []


@pytest.fixture
def case(now):
    return Case(now)


def decision_of(request):
    return db.session.get(Request, request, populate_existing=True).decision


def told(tag):
    return set(db.session.scalars(select(Notice.person_id).where(Notice.tag == f"assignment:request:{tag}")))


def test_an_extension_is_decided_by_the_issuer_and_the_clock_stands_still_meanwhile(case):
    first = case.row.due_at
    request = case.ask(EXTENSION, days=7)
    held = db.session.get(Request, request)
    assert (held.unit_id, held.number, held.from_due_at) == (case.tree.unit(case.tree.county).id, 1, first)
    assert local_day(held.decide_by, "Asia/Shanghai").isoweekday() == 3  # asked on a Friday: three working days
    assert told("ask") == {case.tree.holder(case.tree.county, role).id for role in (Role.SUPERVISOR, Role.DISPATCHER)}
    case.sweep(case.now + 2 * DAY)
    assert db.session.scalar(select(Firing.rung).where(Firing.assignment_id == case.id)) is None
    for again in (lambda: case.ask(NOT_APPLICABLE), lambda: case.ask(DISPUTE, days=3)):
        with pytest.raises(Refused, match="already wait"):
            again()
    with pytest.raises(Refused, match="already wait"), unit_of_work():
        ask_question(case.id, "可否", actor=case.officer, now=case.now)
    case.decide(request, case.now + 2 * DAY, words="")
    assert (case.row.due_at, case.row.cut_off_at) == (first + 7 * DAY, first + 12 * DAY)
    assert (case.row.first_due_at, case.row.suspended_at, decision_of(request)) == (first, None, Decision.GRANTED)
    assert told("grant") == {case.officer.person_id}
    with pytest.raises(Refused, match="already"):
        case.decide(request, case.now + 2 * DAY)
    case.sound()


def test_a_refusal_gives_the_days_back_and_a_withdrawal_does_not(case):
    first = case.row.due_at
    with pytest.raises(Invalid, match="say why"):
        case.decide(case.ask(EXTENSION, days=7), case.now, granted=False, words=" ")
    request = db.session.scalars(select(Request.id)).one()
    case.decide(request, case.now + 2 * DAY, granted=False, words="期限不宜再延")
    assert (case.row.due_at, decision_of(request)) == (first + 2 * DAY, Decision.REFUSED)
    again = case.ask(EXTENSION, now=case.now + 3 * DAY, days=3)
    with unit_of_work():
        withdraw(again, actor=case.officer, now=case.now + 5 * DAY)
    assert (case.row.due_at, decision_of(again)) == (first + 2 * DAY, Decision.WITHDRAWN)
    assert list(db.session.scalars(select(Suspension.days).order_by(Suspension.id))) == [2, 0]
    case.sound()


def test_the_rule_of_the_campaign_grants_a_few_days_at_once_and_only_so_often(now):
    case = Case(now, extension_days=5, extension_most=1)
    first = case.row.due_at
    key = str(uuid4())
    request = case.ask(EXTENSION, days=5, client_action_id=key)
    assert decision_of(request) is Decision.GRANTED_BY_RULE
    assert (case.row.due_at, case.row.suspended_at) == (first + 5 * DAY, None)
    assert told("grant-by-rule") == {case.boss.person_id, case.tree.holder(case.tree.county, Role.SUPERVISOR).id}
    assert decision_of(case.ask(EXTENSION, days=2)) is Decision.PENDING  # the second time somebody decides
    assert db.session.scalar(select(func.count(Request.id))) == 2
    case.sound()


def test_a_dispute_is_settled_with_another_target_and_date_before_work_starts(case):
    first = case.row.due_at
    with pytest.raises(Invalid, match="propose"):
        case.ask(DISPUTE)
    with pytest.raises(Invalid, match="present target"):
        case.ask(DISPUTE, targets={case.metric.id: Decimal(10)})
    request = case.ask(DISPUTE, days=4, targets={case.metric.id: Decimal(6)})
    assert (case.row.state, case.row.version) == (State.DISPUTED, 2)
    case.sweep(case.now + 9 * DAY)
    assert db.session.scalar(select(Firing.rung).where(Firing.assignment_id == case.id)) is None
    case.decide(request, case.now + DAY, targets={case.metric.id: Decimal(8)})
    row = case.row
    assert (row.state, row.due_at, row.suspended_at) == (State.ISSUED, first + 4 * DAY, None)
    assert db.session.scalars(select(Target.value)).one() == 8
    assert db.session.scalar(select(func.count(FigureTouch.id))) == 1
    assert told("settle") == {case.officer.person_id}
    again = case.ask(DISPUTE, days=2)
    with unit_of_work():
        withdraw(again, actor=case.officer, now=case.now + 2 * DAY)
    refused = case.ask(DISPUTE, now=case.now + 2 * DAY, days=2)
    case.decide(refused, case.now + 3 * DAY, granted=False, words="指标按名册核定")
    assert (case.row.state, db.session.scalars(select(Target.value)).one()) == (State.ISSUED, 8)
    with unit_of_work():
        acknowledge(case.id, actor=case.officer, now=case.now + 3 * DAY, seen=case.row.version)
    with pytest.raises(Refused, match="before you sign"):
        case.ask(DISPUTE, now=case.now + 3 * DAY, days=2)
    case.sound()


def test_not_applicable_leaves_the_work_until_the_issuer_opens_it_again(case):
    request = case.ask(NOT_APPLICABLE)
    assert case.row.state is State.ISSUED
    case.decide(request, case.now + DAY, granted=False, words="本村有适龄妇女")
    case.decide(case.ask(NOT_APPLICABLE, now=case.now + DAY), case.now + DAY, words="属实")
    assert (case.row.state, case.row.suspended_at) == (State.NOT_APPLICABLE, None)
    with pytest.raises(Refused, match="in your hands"):
        case.ask(EXTENSION, days=3)
    with unit_of_work():
        reopen(case.id, actor=case.boss, now=case.now + 2 * DAY, seen=case.row.version, reason="情况有变")
    assert case.row.state is State.ACKNOWLEDGED
    case.sound()


def test_what_is_cancelled_waits_for_no_decision(case):
    request = case.ask(EXTENSION, days=3)
    with unit_of_work():
        cancel(case.id, actor=case.boss, now=case.now, seen=1, reason="撤销")
    assert (decision_of(request), case.row.suspended_at) == (Decision.WITHDRAWN, None)
    case.sound()


def test_who_decides_who_does_not_and_where_it_goes_when_nobody_is_there(case):
    request = case.ask(EXTENSION, days=7)
    county, city = case.tree.county, case.tree.city
    above = make.actor(make.holder(case.tree.unit(city), Role.DISPATCHER))
    strangers = [
        case.officer, case.tree.actor(case.tree.townships[0], Role.SUPERVISOR), make.actor(make.person()),
        make.actor(make.holder(case.tree.unit(county), Role.AUDITOR)),
    ]  # fmt: skip
    for stranger in strangers:
        with pytest.raises(Forbidden):
            case.decide(request, case.now, actor=stranger)
        if stranger is not case.officer:
            with pytest.raises(Forbidden):
                case.ask(EXTENSION, days=2, actor=stranger)
    me = db.session.get_one(Person, case.officer.person_id)
    make.post(me, case.tree.unit(county), Role.DISPATCHER)
    own = make.actor(me)
    with pytest.raises(Refused, match="your own request"):
        case.decide(request, case.now, actor=own)
    case.decide(request, case.now, actor=above)  # the unit above the issuer may as well
    with unit_of_work() as session:
        of_county = Post.unit_id == case.tree.unit(county).id, Post.role.in_((Role.SUPERVISOR, Role.DISPATCHER))
        session.execute(update(Post).where(*of_county).values(valid_to=case.now.date() - DAY))
    asked = case.ask(EXTENSION, days=1)
    assert db.session.get(Request, asked).unit_id == case.tree.unit(city).id


def test_who_is_next_in_charge_sees_at_once_what_a_decider_leaves_behind(case):
    """The township that split it decides; its people leave, then those of the county; nothing is late meanwhile."""
    places = case.tree.city, case.tree.county, case.tree.townships[0]
    city, county, township = (case.tree.unit(place) for place in places)
    whole = make.assignment(db.session.get_one(Task, case.row.task_id), township, due_at=case.row.due_at + 60 * DAY)
    with unit_of_work() as session:
        session.execute(update(Assignment).where(Assignment.id == case.id).values(parent_id=whole.id))
    leader = case.tree.holder(case.tree.townships[0], Role.SUPERVISOR)
    head, clerk = (make.actor(make.holder(city, role)) for role in (Role.SUPERVISOR, Role.OFFICER))
    first, soon = make.actor(leader), case.now + timedelta(minutes=5)
    request = case.ask(EXTENSION, days=7)
    assert db.session.get(Request, request).unit_id == township.id

    def seen():
        """To whom it is shown, of the four levels."""
        lists = [page(each, View.TO_DECIDE, Filters(), now=soon) for each in (first, case.boss, head, clerk)]
        assert [count(each, now=soon) for each in (first, case.boss, head, clerk)] == [each.total for each in lists]
        return [[row.id for row in each.rows] == [request] for each in lists]

    def hear(on=soon):
        with unit_of_work():
            return tell_late(now=on), told("tell-vacant")

    assert (seen(), hear()) == ([True, False, False, False], (0, set()))
    with pytest.raises(Forbidden):
        case.decide(request, soon, actor=head)
    with unit_of_work() as session:  # an account that was closed decides as little as a post that ended
        session.execute(update(Person).where(Person.id == leader.id).values(disabled_at=soon))
    bosses = {case.tree.holder(case.tree.county, role).id for role in (Role.SUPERVISOR, Role.DISPATCHER)}
    assert (seen(), hear()) == ([True, True, False, False], (1, bosses))
    assert nobody_at({township.id, county.id}, now=soon) == {township.id}
    with unit_of_work() as session:
        session.execute(update(Post).where(Post.person_id.in_(bosses)).values(valid_to=case.now.date() - DAY))
    assert seen() == [True, True, True, False], "the list needs no message"
    assert hear() == (0, bosses), "each is told once"
    assert hear(case.now + 6 * DAY) == (2, bosses)
    assert (told("remind"), told("tell-above")) == ({head.person_id}, {head.person_id}), "never to an empty room"
    found = request_of(request, head, now=soon)
    units = deciders_of([found.decider_id], on=case.now.date())[found.decider_id]
    assert (units.units, units.vacant) == ((township.id, county.id, city.id), True)
    assert found.decides(head, units.units)
    case.decide(request, soon, actor=head)
    assert (decision_of(request), seen()) == (Decision.GRANTED, [False] * 4)


def test_late_decisions_are_reminded_and_told_above_once(case):
    above = make.holder(case.tree.unit(case.tree.city), Role.SUPERVISOR)
    case.ask(EXTENSION, days=7)  # on a Friday: until Wednesday
    heard = []
    for days in (3, 5, 5.1, 6, 7):
        with unit_of_work():
            heard.append(tell_late(now=case.now + days * DAY))
    assert heard == [0, 1, 0, 1, 0]
    assert told("tell-above") == {above.id}


def test_telling_of_late_decisions_costs_no_more_for_many(case, monkeypatch):
    """Five as one, and in pieces as whole; each is in the log once, and each person hears of each."""
    monkeypatch.setattr("campaign.operations.requests.AT_ONCE", 3)
    make.holder(case.tree.unit(case.tree.city), Role.SUPERVISOR)
    costs = []
    for villages, day in ((case.tree.villages[:1], 0), (case.tree.villages[1:], 7)):
        for village in villages:
            unit = case.tree.unit(village).id
            case.id = db.session.scalar(select(Assignment.id).where(Assignment.unit_id == unit))
            case.ask(EXTENSION, case.now + day * DAY, days=30, actor=case.tree.actor(village, Role.OFFICER))
        for days in (5, 6):  # the last day, and the day after
            left = len(villages)
            while left > 0:
                with statements() as ran, unit_of_work():
                    left -= tell_late(now=case.now + (day + days) * DAY)
                costs.append(len(ran))
            assert left == 0
    assert len(costs) == 6 and max(costs[2:]) <= max(costs[:2]) <= 7, costs
    for tag, people in (("remind", 2), ("tell-above", 1)):
        tag = f"assignment:request:{tag}"
        entries = db.session.scalars(select(Event.subject_id).where(Event.tag == tag)).all()
        assert len(entries) == len(set(entries)) == len(case.tree.villages)
        notices = db.session.execute(select(Notice.assignment_id, Notice.person_id).where(Notice.tag == tag)).all()
        assert len(notices) == len(set(notices)) == people * len(entries)


def test_never_past_the_date_of_what_it_was_split_from_without_consent(case):
    parent = case.tree.townships[0]
    township = case.tree.unit(parent)
    own = make.assignment(db.session.get_one(Task, case.row.task_id), township, due_at=case.row.due_at)
    with unit_of_work() as session:
        session.execute(update(Assignment).where(Assignment.id == case.id).values(parent_id=own.id))
        session.execute(update(Campaign).values(extension_days=30, extension_most=9))
    dispatcher, head = make.actor(make.holder(township, Role.DISPATCHER)), case.tree.actor(parent, Role.SUPERVISOR)
    request = case.ask(EXTENSION, days=7)
    assert (decision_of(request), db.session.get(Request, request).unit_id) == (Decision.PENDING, township.id)
    for actor in (head, dispatcher):
        with pytest.raises(Invalid, match="split from"):
            case.decide(request, case.now, actor=actor)
    with pytest.raises(Forbidden), unit_of_work():
        consent(request, actor=head, now=case.now)
    with unit_of_work():
        consent(request, actor=dispatcher, now=case.now)
    case.decide(request, case.now, actor=head)
    second = case.ask(EXTENSION, days=2)
    case.decide(second, case.now, actor=dispatcher, consents=True)
    assert db.session.get(Request, second, populate_existing=True).consent


def test_a_decision_and_a_withdrawal_in_the_same_instant(case, app):
    """One of them counts, the other is told so; the clock goes on once, and what was granted stands whole or not."""
    kinds = ((DISPUTE, {"days": 3}), (EXTENSION, {"days": 7}), (NOT_APPLICABLE, {}))
    for asked, (kind, more) in enumerate(kinds * 3, start=1):
        request, before = case.ask(kind, **more), case.row.due_at
        granted, wanted = kind is not NOT_APPLICABLE, before + more.get("days", 0) * DAY
        answers = at_once(
            app,
            partial(decide, request, Ruling(granted, "已研究"), actor=case.boss, now=case.now),
            partial(withdraw, request, actor=case.officer, now=case.now),
        )
        assert sorted(type(each) in (Refused, Stale) for each in answers) == [False, True], answers
        db.session.rollback()
        decided = answers[0] is None
        assert (decision_of(request) is Decision.WITHDRAWN) == (not decided)
        assert case.row.due_at == (wanted if decided else before)
        assert (case.row.state, case.row.suspended_at) == (State.ISSUED, None)
        stretches = db.session.scalars(select(Suspension.ended_at).where(Suspension.assignment_id == case.id)).all()
        assert (len(stretches), None in stretches) == (asked, False)
    case.sound()


def test_two_deciders_at_once_and_one_sent_twice(case, app):
    request, key = case.ask(EXTENSION, days=7), str(uuid4())
    head = case.tree.actor(case.tree.county, Role.SUPERVISOR)

    def rules(granted, actor):
        return lambda: decide(request, Ruling(granted, "已研究"), actor=actor, now=case.now)

    answers = at_once(app, rules(True, case.boss), rules(False, head))
    assert sorted(type(answer).__name__ for answer in answers) in (["NoneType", "Refused"], ["NoneType", "Stale"])
    decided = Event.tag.in_(("assignment:request:grant", "assignment:request:refuse"))
    db.session.rollback()  # what the others wrote is read anew
    assert db.session.scalar(select(func.count(Event.id)).where(decided)) == 1
    again = case.ask(EXTENSION, days=2)
    for _ in range(2):
        case.decide(again, case.now, key=key)
    assert decision_of(again) is Decision.GRANTED
