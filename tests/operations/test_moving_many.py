"""Many approvals in one act are the same as each alone: the law, the log, the messages, the roll-ups, the clock."""

from datetime import timedelta
from uuid import uuid4

from sqlalchemy import event, func, select

from campaign.cli import find_breaches
from campaign.db import db, unit_of_work
from campaign.models import (
    Assignment,
    Claim,
    Delegation,
    Event,
    Flag,
    FlagDecision,
    Notice,
    Review,
    Submission,
    TallyDelta,
    Timer,
)
from campaign.operations.claiming import claim
from campaign.operations.flagging import keep
from campaign.operations.issuing import dispatch
from campaign.operations.judging import judge
from campaign.operations.move import FASTER
from campaign.operations.moving_many import approve_many
from campaign.operations.reporting import Report, acknowledge, submit
from campaign.operations.reviewing import approve
from campaign.rules.flags import FlagKind, Found, Verdict
from campaign.rules.leaving_out import FLAGGED, IN_HAND
from campaign.rules.organisation import Role
from campaign.rules.states import State
from tests import make


def submitted(tree, now, tasks=1):
    """Every village has submitted every task; the township reviews, then the county."""
    plan, made = make.campaign(tree.unit(tree.county)), {}
    for number in range(tasks):
        task = make.task(plan, title=f"任务{number}", review_levels="4,3")
        with unit_of_work():
            dispatch(task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now)
        for village in tree.villages:
            officer, unit = tree.actor(village, Role.OFFICER), tree.unit(village)
            mine = db.session.execute(
                select(Assignment.id).where(Assignment.unit_id == unit.id, Assignment.task_id == task.id)
            ).scalar_one()
            with unit_of_work():
                acknowledge(mine, actor=officer, now=now, seen=1)
                submit(mine, Report("办完了"), actor=officer, now=now, seen=2)
            made[village.id, number] = mine
    return made


def traces(ids):
    """What an approval leaves behind, without what differs from one to the other."""

    def rows(*columns, where):
        return sorted(map(str, db.session.execute(select(*columns).where(where)).all()))

    db.session.rollback()
    told = select(Event.id).where(Event.subject == "assignment", Event.subject_id.in_(ids))
    return {
        "assignments": rows(Assignment.state, Assignment.version, Assignment.reviewer_unit_id, Assignment.review_step,
                            Assignment.review_due_at, Assignment.not_before, Assignment.since,
                            where=Assignment.id.in_(ids)),
        "events": rows(Event.at, Event.tag, Event.person_id, Event.post_id, Event.from_state, Event.to_state,
                       Event.reason, func.length(Event.data), where=Event.id.in_(told)),
        "reviews": rows(Review.step, Review.unit_id, Review.decision, Review.words, Review.person_id, Review.post_id,
                        Review.at, Review.turn, Review.since, Review.due_at, where=Review.assignment_id.in_(ids)),
        "notices": rows(Notice.tag, Notice.created_at, Notice.urgent, where=Notice.event_id.in_(told)),
        "timers": rows(Timer.sweep, Timer.fires_at, Timer.rung, where=Timer.assignment_id.in_(ids)),
    }  # fmt: skip


def test_many_at_once_leave_what_each_alone_would(app, now):
    tree = make.small_tree()
    ids = submitted(tree, now, tasks=2)
    first, second = ([ids[village.id, number] for village in tree.villages[:3]] for number in (0, 1))
    officer, delegate = tree.holder(tree.villages[0], Role.OFFICER), tree.holder(tree.villages[1], Role.OFFICER)
    fields = {"delegator_id": officer.id, "delegate_id": delegate.id, "at": now}
    days = {"valid_from": make.TODAY, "valid_to": make.TODAY}
    with unit_of_work() as session:  # who stands in is told too
        session.add(Delegation(post_id=make.actor(officer).posts[0].id, **fields, **days))
    later = now + timedelta(hours=1)
    for who, seen in (
        (tree.actor(tree.townships[0], Role.SUPERVISOR), 3),
        (tree.actor(tree.county, Role.SUPERVISOR), 4),
    ):
        with unit_of_work():
            for mine in first:
                approve(mine, actor=who, now=later, seen=seen)
        key = str(uuid4())
        for _ in range(2):  # the same act again gives the same answer
            with unit_of_work():
                done = approve_many(dict.fromkeys(second, seen), actor=who, now=later, client_action_id=key)
            assert (done.count, done.refused) == (3, ())
        assert traces(first) == traces(second)
    told = select(func.count()).where(Notice.person_id == delegate.id, Notice.tag == "assignment:review:approve")
    assert db.session.execute(told.select_from(Notice)).scalar() == 4, "of their own, and of whom they stand in for"
    deltas = select(func.count()).where(TallyDelta.to_state == State.APPROVED)
    assert db.session.execute(deltas).scalar() == 6
    assert find_breaches(app.extensions["evidence"]) == []


def test_what_is_left_out_is_named(app, now):
    tree = make.small_tree()
    ids = submitted(tree, now)
    flagged, cleared, held, plain = (ids[village.id, 0] for village in tree.villages[:4])
    who, other = tree.actor(tree.townships[0], Role.SUPERVISOR), tree.actor(tree.townships[1], Role.SUPERVISOR)
    colleague = make.actor(make.holder(tree.unit(tree.townships[0]), Role.SUPERVISOR))
    found = [Found(FlagKind.LEAP, "leap-1", data={"name": "人数"})]
    for mine in (flagged, cleared):
        latest = select(func.max(Submission.id)).where(Submission.assignment_id == mine)
        with unit_of_work():
            keep(mine, db.session.execute(latest).scalar_one(), found, {}, now=now)
    with unit_of_work():
        claim(held, actor=colleague, now=now, seen=3)
    flag = db.session.execute(select(Flag.id).where(Flag.assignment_id == cleared)).scalar_one()
    for verdict in (Verdict.STANDS, Verdict.EXPLAINED):
        with unit_of_work():
            judge(flag, verdict, "看过名册", assignment_id=cleared, actor=who, now=now)
    statements = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    with unit_of_work():
        done = approve_many({flagged: 3, cleared: 2, held: 3, plain: 3, 0: 1}, actor=who, now=now)
    said = dict(done.refused)
    assert done.count == 0, "the last one is of the other township"
    assert (said[flagged], said[cleared], said[held]) == (FLAGGED, FASTER, IN_HAND)
    assert set(said) == {flagged, cleared, held, plain, 0}
    with unit_of_work():
        assert approve_many({cleared: 3}, actor=who, now=now).count == 1
        assert approve_many({plain: 3}, actor=other, now=now).count == 1
    assert db.session.query(FlagDecision).count() == 2, "a later decision counts, and the former stays"
    assert db.session.query(Claim).count() == 1
    assert len(statements) <= 45, "three acts"
    assert find_breaches(app.extensions["evidence"]) == []


def test_nobody_approves_their_own_among_many(app, now):
    tree = make.small_tree()
    ids = submitted(tree, now)
    own, other = (ids[village.id, 0] for village in tree.villages[:2])
    officer = tree.holder(tree.villages[0], Role.OFFICER)
    make.post(officer, tree.unit(tree.townships[0]), Role.SUPERVISOR)
    with unit_of_work():
        done = approve_many({own: 3, other: 3}, actor=make.actor(officer), now=now)
    assert (done.count, [id for id, _ in done.refused]) == (1, [own])
    assert "You submitted this yourself." in str(done.refused[0][1])
    told = select(func.count()).join(Event, Event.id == Notice.event_id).where(
        Event.tag == "assignment:review:pass-up", Event.subject_id.in_([own, other])
    )  # fmt: skip
    assert db.session.execute(told.select_from(Notice)).scalar() == 1, "the county's supervisor, once"
