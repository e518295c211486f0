"""The main loop in the verbs alone: dispatch, sign for, check in, submit, return, second version, approvals."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from campaign.db import db, unit_of_work
from campaign.errors import Conflict, Forbidden, Invalid, Refused, Stale
from campaign.evidence.store import Stored
from campaign.models import Assignment, Batch, Event, Firing, Notice, Review, Submission, Timer
from campaign.operations.issuing import cancel, dispatch, reopen
from campaign.operations.reporting import Report, acknowledge, check_in, keep_evidence, save_draft, submit, withdraw
from campaign.operations.reviewing import approve, return_for_changes
from campaign.operations.sealing import seal
from campaign.rules.metrics import MetricKind, Value
from campaign.rules.organisation import Line, Role
from campaign.rules.states import CheckInKind, ReturnReason, State
from tests import make
from tests.counting import statements

pytestmark = pytest.mark.usefixtures("app")
KEY = "7d9f6c1e-52b4-4f0e-9a38-0a4f3b1c2d5e"


class Loop:
    """A small tree, a task of the county's 工会 with one figure and one photo, and its people."""

    def __init__(self, now):
        self.now = now
        self.tree = make.small_tree()
        self.county, self.village = self.tree.county, self.tree.villages[0]
        self.campaign = make.campaign(self.tree.unit(self.county, Line.UNION))
        self.task = make.task(self.campaign, lines=[Line.UNION])
        self.metric = make.metric(self.task, MetricKind.RATE, 90)
        self.rule = make.evidence_rule(self.task)
        self.dispatcher = self.tree.actor(self.county, Role.DISPATCHER, Line.UNION)
        self.officer = self.tree.actor(self.village, Role.OFFICER, Line.UNION)
        self.township = self.tree.actor(self.tree.townships[0], Role.SUPERVISOR, Line.UNION)
        self.above = self.tree.actor(self.county, Role.SUPERVISOR, Line.UNION)

    def dispatch(self):
        with unit_of_work():
            done = dispatch(self.task.id, actor=self.dispatcher, now=self.now)
        return done

    @property
    def id(self):
        unit = self.tree.unit(self.village, Line.UNION)
        where = (Assignment.task_id == self.task.id, Assignment.unit_id == unit.id)
        return db.session.execute(select(Assignment.id).where(*where)).scalar_one()

    def row(self):
        db.session.expire_all()
        return db.session.get_one(Assignment, self.id)

    def photo(self, byte="a"):
        with unit_of_work():
            stored = Stored(sha256=byte * 64, size=10, media_type="image/jpeg")
            return keep_evidence(self.id, stored, "现场.jpg", actor=self.officer, now=self.now)

    def report(self, numerator=9):
        value = Value(numerator=Decimal(numerator), denominator=Decimal(10))
        return Report(words="已建会九家", values={self.metric.id: value}, evidence={self.photo(): self.rule.id})

    def act(self, verb, *args, actor, **kwargs):
        with unit_of_work():
            return verb(self.id, *args, actor=actor, now=self.now, **kwargs)


@pytest.fixture
def loop(now):
    return Loop(now)


def test_from_dispatch_to_the_last_approval(loop):
    done = loop.dispatch()
    assert done.items == 6
    batch = db.session.get_one(Batch, done.batch_id)
    assert (batch.items, len(batch.digest)) == (6, 64)

    loop.act(acknowledge, actor=loop.officer, seen=1)
    loop.act(check_in, Report(words="正在摸底"), actor=loop.officer)
    first = loop.act(submit, loop.report(), actor=loop.officer, seen=2)
    assert (first.number, loop.row().state) == (1, State.SUBMITTED)
    assert loop.row().reviewer_unit_id == loop.tree.unit(loop.tree.townships[0], Line.UNION).id

    with pytest.raises(Forbidden):
        loop.act(approve, actor=loop.above, seen=3)  # the county's turn comes later
    loop.act(return_for_changes, actor=loop.township, seen=3, reason=ReturnReason.FIGURES_WRONG, words="请核对分母")
    assert loop.row().state is State.RETURNED

    second = loop.act(submit, loop.report(8), actor=loop.officer, seen=4)
    assert second.number == 2
    loop.act(approve, actor=loop.township, seen=5)
    assert loop.row().state is State.SUBMITTED
    assert loop.row().reviewer_unit_id == loop.tree.unit(loop.county, Line.UNION).id
    loop.act(approve, actor=loop.above, seen=6)
    assert (loop.row().state, loop.row().reviewer_unit_id) == (State.APPROVED, None)

    tags = db.session.execute(
        select(Event.tag).where(Event.subject == "assignment", Event.subject_id == loop.id).order_by(Event.id)
    ).scalars()
    assert [tag.split(":")[2] for tag in tags] == [
        "acknowledge", "check-in", "keep", "submit", "return", "submit", "pass-up", "approve",
    ]  # fmt: skip
    told = db.session.execute(select(func.count()).select_from(Notice).where(Notice.assignment_id == loop.id)).scalar()
    assert told == 5  # submit, return, submit, pass-up, approve
    with unit_of_work():
        assert seal() == 9
    loop.act(reopen, actor=loop.dispatcher, seen=7, reason="数字有误")
    assert loop.row().state is State.ACKNOWLEDGED


def test_dispatch_again_adds_nothing(loop):
    loop.dispatch()
    again = loop.dispatch()
    assert (again.batch_id, again.items) == (None, 0)
    assert db.session.execute(select(func.count()).select_from(Batch)).scalar() == 1
    assert db.session.execute(select(func.count()).select_from(Timer)).scalar() == 6


def test_dispatch_uses_as_many_statements_for_six_units_as_for_two(loop):
    two = [loop.tree.unit(place, Line.UNION) for place in loop.tree.villages[:2]]
    small = make.task(loop.campaign, lines=[Line.UNION], units=two)
    with statements() as few, unit_of_work():
        dispatch(small.id, actor=loop.dispatcher, now=loop.now)
    with statements() as many:
        loop.dispatch()
    assert len(many) <= len(few) + 2  # the lines and the level are asked instead of the names


def test_what_is_missing_is_listed_and_nothing_changes(loop):
    loop.dispatch()
    loop.act(acknowledge, actor=loop.officer, seen=1)
    with pytest.raises(Invalid) as refused:
        loop.act(submit, Report(words=""), actor=loop.officer, seen=2)
    assert [problem.where for problem in refused.value.problems] == [
        f"metric-{loop.metric.id}", f"evidence-{loop.rule.id}",
    ]  # fmt: skip
    assert loop.row().state is State.ACKNOWLEDGED
    assert db.session.execute(select(func.count()).select_from(Submission)).scalar() == 0


def test_the_same_act_again_gives_the_same_answer_and_other_content_a_conflict(loop):
    loop.dispatch()
    loop.act(acknowledge, actor=loop.officer, seen=1)
    report = loop.report()
    first = loop.act(submit, report, actor=loop.officer, seen=2, client_action_id=KEY)
    again = loop.act(submit, report, actor=loop.officer, seen=2, client_action_id=KEY)
    assert (again.submission_id, again.number, again.repeated) == (first.submission_id, 1, True)
    other = Report(words="另一份", values=report.values, evidence=report.evidence)
    with pytest.raises(Conflict):
        loop.act(submit, other, actor=loop.officer, seen=2, client_action_id=KEY)
    assert db.session.execute(select(func.count()).select_from(Submission)).scalar() == 1


def test_whoever_is_late_is_told_so(loop):
    loop.dispatch()
    loop.act(acknowledge, actor=loop.officer, seen=1)
    loop.act(submit, loop.report(), actor=loop.officer, seen=2)
    loop.act(return_for_changes, actor=loop.township, seen=3, reason=ReturnReason.OTHER, words="补照片")
    with pytest.raises(Stale):
        loop.act(return_for_changes, actor=loop.township, seen=3, reason=ReturnReason.OTHER, words="再退")
    assert db.session.execute(select(func.count()).select_from(Review)).scalar() == 1


def test_nobody_reviews_what_they_submitted(loop):
    loop.dispatch()
    loop.act(acknowledge, actor=loop.officer, seen=1)
    loop.act(submit, loop.report(), actor=loop.officer, seen=2)
    person = loop.tree.holder(loop.village, Role.OFFICER, Line.UNION)
    make.post(person, loop.tree.unit(loop.tree.townships[0], Line.UNION), Role.SUPERVISOR)
    with pytest.raises(Refused):
        loop.act(approve, actor=make.actor(person), seen=3)


def test_a_return_needs_a_code_and_words(loop):
    loop.dispatch()
    loop.act(acknowledge, actor=loop.officer, seen=1)
    loop.act(submit, loop.report(), actor=loop.officer, seen=2)
    with pytest.raises(Invalid) as refused:
        loop.act(return_for_changes, actor=loop.township, seen=3, reason=None, words=" ")
    assert [problem.where for problem in refused.value.problems] == ["reason", "words"]


def test_withdraw_until_a_level_has_decided(loop):
    loop.dispatch()
    loop.act(acknowledge, actor=loop.officer, seen=1)
    loop.act(submit, loop.report(), actor=loop.officer, seen=2)
    loop.act(withdraw, actor=loop.officer, seen=3)
    assert loop.row().state is State.ACKNOWLEDGED
    loop.act(submit, loop.report(), actor=loop.officer, seen=4)
    loop.act(approve, actor=loop.township, seen=5)
    with pytest.raises(Refused):
        loop.act(withdraw, actor=loop.officer, seen=6)


def test_nothing_is_accepted_after_the_cut_off(loop):
    loop.task.grace_days = 2
    db.session.commit()
    loop.dispatch()
    loop.act(acknowledge, actor=loop.officer, seen=1)
    report = loop.report()
    loop.now += timedelta(days=13)
    with pytest.raises(Refused):
        loop.act(submit, report, actor=loop.officer, seen=2)


def test_an_obstacle_needs_words_and_a_draft_the_work_in_hand(loop):
    loop.dispatch()
    loop.act(acknowledge, actor=loop.officer, seen=1)
    value = {loop.metric.id: Value(numerator=Decimal(1), denominator=Decimal(2))}
    with pytest.raises(Invalid):
        loop.act(check_in, Report(values=value, kind=CheckInKind.OBSTACLE), actor=loop.officer)
    loop.act(save_draft, {"words": "写到一半"}, actor=loop.officer)
    loop.act(submit, loop.report(), actor=loop.officer, seen=2)
    with pytest.raises(Refused):
        loop.act(save_draft, {"words": "旧窗口"}, actor=loop.officer)


def test_evidence_for_the_rule_of_another_task_is_not_taken(loop):
    loop.dispatch()
    loop.act(acknowledge, actor=loop.officer, seen=1)
    foreign = make.evidence_rule(make.task(loop.campaign, lines=[Line.UNION]))
    report = loop.report()
    wrong = Report(report.words, report.values, {next(iter(report.evidence)): foreign.id})
    with pytest.raises(Invalid):
        loop.act(submit, wrong, actor=loop.officer, seen=2)


def test_a_cancelled_assignment_is_over(loop):
    loop.dispatch()
    loop.act(cancel, actor=loop.dispatcher, seen=1, reason="任务合并")
    assert loop.row().state is State.CANCELLED
    with pytest.raises(Refused):
        loop.act(acknowledge, actor=loop.officer, seen=2)


def test_only_the_right_post_may_act(loop):
    loop.dispatch()
    for actor, verb in ((loop.township, acknowledge), (loop.dispatcher, acknowledge)):
        with pytest.raises(Forbidden):
            loop.act(verb, actor=actor, seen=1)
    with pytest.raises(Forbidden), unit_of_work():
        dispatch(loop.task.id, actor=loop.above, now=loop.now)
    assert db.session.execute(select(func.count()).select_from(Firing)).scalar() == 0
