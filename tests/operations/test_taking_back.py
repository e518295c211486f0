"""Undo, claims and what they promise: told or taken back, never both; one of two reviewers wins."""

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from campaign.cli import find_breaches
from campaign.config import Settings
from campaign.db import db, unit_of_work
from campaign.errors import CampaignError, Forbidden, NotFound, Refused, Stale
from campaign.models import Assignment, Claim, Event, Notice, Person, Review, Timer, Undo
from campaign.notify.fanning import fan_out
from campaign.operations.claiming import LASTS, claim, put_down
from campaign.operations.folding import fold
from campaign.operations.issuing import dispatch
from campaign.operations.moving_many import approve_many
from campaign.operations.reporting import Report, acknowledge, submit
from campaign.operations.reviewing import approve, return_for_changes
from campaign.operations.taking_back import take_back, take_back_many
from campaign.rules.organisation import Role
from campaign.rules.states import ReturnReason, State
from campaign.rules.telling import HOLD
from tests import make
from tests.together import at_once

SECOND = timedelta(seconds=1)


@pytest.fixture
def work(app, now):
    """Six villages have submitted; the township reviews first, the county after it."""
    tree = make.small_tree()
    task = make.task(make.campaign(tree.unit(tree.county)), review_levels="4,3")
    with unit_of_work():
        dispatch(task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now)
    tree.ids = {}
    for village in tree.villages:
        mine = db.session.execute(select(Assignment.id).where(Assignment.unit_id == tree.unit(village).id)).scalar_one()
        tree.ids[village.id] = mine
        officer = tree.actor(village, Role.OFFICER)
        with unit_of_work():
            acknowledge(mine, actor=officer, now=now, seen=1)
            submit(mine, Report("办完了"), actor=officer, now=now, seen=2)
    return tree


def standing(mine):
    db.session.rollback()
    return db.session.execute(
        select(Assignment.state, Assignment.version, Assignment.reviewer_unit_id, Assignment.review_step,
               Assignment.review_due_at, Assignment.since, Assignment.not_before)
        .where(Assignment.id == mine)
    ).one()  # fmt: skip


def count(noun, *where):
    db.session.rollback()
    return db.session.execute(select(func.count()).select_from(noun).where(*where)).scalar()


def test_what_was_decided_is_taken_back_and_decided_again(app, work, now):
    """The whole story on one assignment: a return, a passing up and a final approval, each taken back."""
    village = work.villages[0]
    mine, judge = work.ids[village.id], work.actor(work.townships[0], Role.SUPERVISOR)
    above = work.actor(work.county, Role.SUPERVISOR)
    waited, later = standing(mine), now + timedelta(hours=3)
    send_back = partial(return_for_changes, mine, reason=ReturnReason.OTHER, words="补充")
    with unit_of_work():
        send_back(actor=judge, now=later, seen=3)
    assert count(Notice, Notice.tag == "assignment:review:return") == 1
    for who, when, refusal in ((above, SECOND, Forbidden), (judge, HOLD, Refused)):
        with pytest.raises(refusal), unit_of_work():
            take_back(mine, actor=who, now=later + when, seen=4)
    with unit_of_work():
        take_back(mine, actor=judge, now=later + SECOND, seen=4)
    back = standing(mine)
    assert (back.state, back.version, back.not_before) == (State.SUBMITTED, 5, None)
    assert back[2:6] == waited[2:6], "the level, its date and since when are as they were"
    assert count(Notice, Notice.tag == "assignment:review:return") == 0
    with unit_of_work():  # the same step again, with the other decision; then one level up and back
        approve(mine, actor=judge, now=later + 2 * SECOND, seen=5)
    with pytest.raises(Stale), unit_of_work():
        take_back(mine, actor=judge, now=later + 3 * SECOND, seen=5)
    with unit_of_work():
        take_back(mine, actor=judge, now=later + 3 * SECOND, seen=6)
        approve(mine, actor=judge, now=later + 4 * SECOND, seen=7)
        approve(mine, actor=above, now=later + 5 * SECOND, seen=8)
    assert standing(mine).state is State.APPROVED
    with pytest.raises(Forbidden), unit_of_work():  # the county has decided since
        take_back(mine, actor=judge, now=later + 6 * SECOND, seen=9)
    with unit_of_work():
        take_back(mine, actor=above, now=later + 6 * SECOND, seen=9)
    with unit_of_work():
        fold(now=later)
    assert standing(mine)[:4] == (State.SUBMITTED, 10, work.unit(work.county).id, 1)
    assert [row.turn for row in db.session.query(Review).order_by(Review.id)] == [0, 1, 2, 0]
    assert (count(Undo), count(Review), count(Event, Event.tag == "assignment:review:undo")) == (3, 4, 3)
    assert count(Timer, Timer.assignment_id == mine) > 0
    assert find_breaches(app.extensions["evidence"]) == []


def test_a_decision_is_told_or_taken_back_never_both(app, work, now):
    settings = Settings(smtp_url="smtp://127.0.0.1:9", mail_from="campaign@county.example")
    with unit_of_work():
        db.session.execute(update(Person).values(email=Person.login + "@county.example"))
    judges = [work.actor(town, Role.SUPERVISOR) for town in work.townships]
    told = taken = 0
    for number, village in enumerate(work.villages):
        mine, judge = work.ids[village.id], judges[number // 3]
        with unit_of_work():
            return_for_changes(mine, actor=judge, now=now, seen=3, reason=ReturnReason.OTHER, words="补充")

        def tell():
            db.session.commit()
            fan_out(settings, now=now + HOLD, work=unit_of_work)

        # The clocks of two machines differ by a second: time alone would let both through.
        undo, _ = at_once(app, partial(take_back, mine, actor=judge, now=now + HOLD - SECOND, seen=4), tell)
        out = count(
            Notice, Notice.assignment_id == mine, Notice.tag.endswith(":return"), Notice.delivered_at.is_not(None)
        )
        assert isinstance(undo, CampaignError) == (out == 1), undo
        assert standing(mine).state is (State.RETURNED if out else State.SUBMITTED)
        told, taken = told + out, taken + (not out)
    assert told + taken == 6
    assert count(Notice, Notice.tag.endswith(":return")) == told
    assert find_breaches(app.extensions["evidence"]) == []


def test_nothing_of_a_review_goes_out_before_its_time(app, work, now):
    settings = Settings()
    judge, mine = work.actor(work.townships[0], Role.SUPERVISOR), work.ids[work.villages[0].id]
    with unit_of_work():
        return_for_changes(mine, actor=judge, now=now, seen=3, reason=ReturnReason.OTHER, words="补充")
    held = (Notice.tag == "assignment:review:return", Notice.delivered_at.is_not(None))
    fan_out(settings, now=now + HOLD - SECOND, work=unit_of_work)
    assert count(Notice, *held) == 0
    fan_out(settings, now=now + HOLD, work=unit_of_work)
    assert count(Notice, *held) == 1


def test_a_claim_keeps_others_off_until_it_lapses_is_taken_over_or_decided(app, work, now):
    mine = work.ids[work.villages[0].id]
    judge = work.actor(work.townships[0], Role.SUPERVISOR)
    other = make.actor(make.holder(work.unit(work.townships[0]), Role.SUPERVISOR))
    take = partial(claim, mine, seen=3)
    with unit_of_work():
        assert take(actor=judge, now=now) and take(actor=judge, now=now + 60 * SECOND)
        assert not take(actor=other, now=now + LASTS)
    held = db.session.query(Claim).one()
    assert (held.at, held.until) == (now, now + 60 * SECOND + LASTS), "working on it renews, and it began when it began"
    with pytest.raises(Refused), unit_of_work():
        approve(mine, actor=other, now=now + LASTS, seen=3)
    with pytest.raises(Forbidden), unit_of_work():
        take(actor=work.actor(work.county, Role.SUPERVISOR), now=now)
    with unit_of_work():
        put_down(mine, actor=other)
        assert take(actor=other, now=now + LASTS, over=True)
        assert not take(actor=judge, now=now + LASTS)
        assert take(actor=judge, now=now + 3 * LASTS)  # it lapsed
        approve(mine, actor=other, now=now + 5 * LASTS, seen=3)  # no wall when it has lapsed again
    assert count(Claim) == 0


def test_two_reviewers_two_hundred_times_one_winner(app, work, now):
    """One assignment, decided and taken back two hundred times; each time two reviewers decide at once."""
    mine = work.ids[work.villages[0].id]
    judge = work.actor(work.townships[0], Role.SUPERVISOR)
    other = make.actor(make.holder(work.unit(work.townships[0]), Role.SUPERVISOR))
    seen = 3
    for turn in range(200):
        at = now + turn * HOLD
        one, two = at_once(
            app,
            partial(approve, mine, actor=judge, now=at, seen=seen),
            partial(return_for_changes, mine, actor=other, now=at, seen=seen, reason=ReturnReason.OTHER, words="补充"),
        )
        assert isinstance(one, CampaignError) != isinstance(two, CampaignError), (one, two)
        winner = other if isinstance(one, CampaignError) else judge
        with unit_of_work():
            take_back(mine, actor=winner, now=at + SECOND, seen=seen + 1)
        seen += 2
    assert (count(Review), count(Undo), standing(mine).version) == (200, 200, 403)
    assert find_breaches(app.extensions["evidence"]) == []


def test_many_approvals_are_taken_back_in_one_press(app, work, now):
    """At both levels: each as if it were the only one; what was told or moved since is left and named."""
    low, high = work.actor(work.townships[0], Role.SUPERVISOR), work.actor(work.county, Role.SUPERVISOR)
    ids = [work.ids[village.id] for village in work.villages[:3]]
    for who, seen, later in ((low, 3, now + HOLD), (high, 6, now + 5 * HOLD)):
        waited = [standing(mine) for mine in ids]
        armed = sorted(map(str, db.session.query(Timer.assignment_id, Timer.fires_at, Timer.rung).all()))
        act, undo = str(uuid4()), str(uuid4())
        with unit_of_work():
            approve_many(dict.fromkeys(ids, seen), actor=who, now=later, client_action_id=act)
        told = count(Notice, Notice.created_at == later)
        assert told and count(Event, Event.at == later) == 3
        for whose, when, why in ((high if who is low else low, SECOND, NotFound), (who, HOLD, None)):
            if why is not None:
                with pytest.raises(why), unit_of_work():
                    take_back_many(act, actor=whose, now=later + when)
                continue
            with unit_of_work():
                late = take_back_many(act, actor=whose, now=later + when)
            assert (late.count, len(late.refused)) == (0, 3)
        for _ in range(2):  # the same press again gives the same answer
            with unit_of_work():
                assert take_back_many(act, actor=who, now=later + SECOND, client_action_id=undo).count == 3
        assert [standing(mine)[2:6] for mine in ids] == [was[2:6] for was in waited]
        assert [standing(mine).version for mine in ids] == [was.version + 2 for was in waited]
        assert count(Notice, Notice.created_at == later) == 0
        left = sorted(map(str, db.session.query(Timer.assignment_id, Timer.fires_at, Timer.rung).all()))
        assert set(armed) <= set(left), "the clock of the level speaks as before"
        with unit_of_work():
            fold(now=later)
        assert find_breaches(app.extensions["evidence"]) == []
        with unit_of_work():  # the same step is decided again, one by one
            for mine in ids:
                approve(mine, actor=who, now=later + 2 * HOLD, seen=seen + 2)
    assert (count(Undo), count(Event, Event.tag == "assignment:review:undo")) == (6, 6)


def test_of_many_approvals_what_was_moved_or_told_since_is_left(app, work, now):
    judge, above = work.actor(work.townships[0], Role.SUPERVISOR), work.actor(work.county, Role.SUPERVISOR)
    ids, act = [work.ids[village.id] for village in work.villages[:3]], str(uuid4())
    with unit_of_work():
        approve_many(dict.fromkeys(ids, 3), actor=judge, now=now, client_action_id=act)
        approve(ids[0], actor=above, now=now + SECOND, seen=4)
        db.session.execute(update(Notice).where(Notice.assignment_id == ids[1]).values(delivered_at=now + SECOND))
    with unit_of_work():
        done = take_back_many(act, actor=judge, now=now + 2 * SECOND)
    assert (done.count, sorted(id for id, _ in done.refused)) == (1, sorted(ids[:2]))
    assert [standing(mine).review_step for mine in ids] == [0, 1, 0]
    assert find_breaches(app.extensions["evidence"]) == []


def test_many_are_told_or_taken_back_never_both(app, work, now):
    settings = Settings(smtp_url="smtp://127.0.0.1:9", mail_from="campaign@county.example")
    judge, above = work.actor(work.townships[0], Role.SUPERVISOR), work.actor(work.county, Role.SUPERVISOR)
    ids = [work.ids[village.id] for village in work.villages[:3]]
    with unit_of_work():
        db.session.execute(update(Person).values(email=Person.login + "@county.example"))
    for turn in range(8):
        at, act = now + turn * 3 * HOLD, str(uuid4())
        seen = standing(ids[0]).version
        with unit_of_work():
            approve_many(dict.fromkeys(ids, seen), actor=judge, now=at, client_action_id=act)

        def tell(at=at):
            db.session.commit()
            fan_out(settings, now=at + HOLD, work=unit_of_work)

        # The clocks of two machines differ by a second: time alone would let both through.
        undo, _ = at_once(app, partial(take_back_many, act, actor=judge, now=at + HOLD - SECOND), tell)
        passed = Notice.tag == "assignment:review:pass-up"
        out = count(Notice, passed, Notice.created_at == at, Notice.delivered_at.is_not(None))
        assert (undo.count, out) in ((3, 0), (0, 3)), undo
        assert [standing(mine).review_step for mine in ids] == [int(bool(out))] * 3
        if out:
            with unit_of_work():
                for mine in ids:  # the next level sends it back, and it comes again
                    return_for_changes(mine, actor=above, now=at + HOLD, seen=seen + 1, reason=ReturnReason.OTHER,
                                       words="补充")  # fmt: skip
                    officer = next(v for v in work.villages if work.ids[v.id] == mine)
                    submit(mine, Report("办完了"), actor=work.actor(officer, Role.OFFICER), now=at + 2 * HOLD,
                           seen=seen + 2)  # fmt: skip
    assert find_breaches(app.extensions["evidence"]) == []
