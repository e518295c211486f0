"""Races on real databases with real threads: one winner, one row, never both."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import func, select

from campaign.cli import find_breaches
from campaign.db import db, unit_of_work
from campaign.errors import Refused, Stale
from campaign.models import Assignment, Event, Notice, Review, Submission
from campaign.operations.issuing import dispatch
from campaign.operations.reporting import Report, acknowledge, submit, withdraw
from campaign.operations.reviewing import approve, return_for_changes
from campaign.operations.sweeping import fire
from campaign.rules.ladder import Sweep
from campaign.rules.organisation import Role
from campaign.rules.states import ReturnReason, State
from tests import make
from tests.together import at_once

KEY = "3f0c1a52-7a7e-4a39-8d44-1c9a9be0a001"


@pytest.fixture
def work(app, now):
    """A task at six villages, signed for; and the people of the first township."""
    tree = make.small_tree()
    task = make.task(make.campaign(tree.unit(tree.county)), review_levels="4")
    with unit_of_work():
        dispatch(task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now)
    tree.ids = {}
    for village in tree.villages:
        unit = tree.unit(village)
        tree.ids[village.id] = db.session.execute(
            select(Assignment.id).where(Assignment.unit_id == unit.id)
        ).scalar_one()
        with unit_of_work():
            acknowledge(tree.ids[village.id], actor=tree.actor(village, Role.OFFICER), now=now, seen=1)
    return tree


def count(noun, *where):
    db.session.rollback()
    return db.session.execute(select(func.count()).select_from(noun).where(*where)).scalar()


def test_approve_against_return_has_one_winner(app, work, now):
    supervisors = [work.actor(town, Role.SUPERVISOR) for town in work.townships]
    for number, village in enumerate(work.villages):
        mine, judge = work.ids[village.id], supervisors[number // 3]
        with unit_of_work():
            submit(mine, Report("办完了"), actor=work.actor(village, Role.OFFICER), now=now, seen=2)
        answers = at_once(
            app,
            partial(approve, mine, actor=judge, now=now, seen=3),
            partial(return_for_changes, mine, actor=judge, now=now, seen=3, reason=ReturnReason.OTHER, words="补充"),
            partial(withdraw, mine, actor=work.actor(village, Role.OFFICER), now=now, seen=3),
        )  # fmt: skip
        assert [isinstance(answer, Stale | Refused) for answer in answers].count(True) == 2
        moves = count(Event, Event.subject_id == mine, Event.subject == "assignment", Event.from_state == "submitted")
        assert moves == 1
    assert find_breaches(app.extensions["evidence"]) == []


def test_fifty_copies_of_one_submission_are_one(app, work, now):
    village = work.villages[0]
    mine, officer = work.ids[village.id], work.actor(village, Role.OFFICER)
    same = partial(submit, mine, Report("办完了"), actor=officer, now=now, seen=2, client_action_id=KEY)
    for start in range(0, 50, 10):
        answers = at_once(
            app,
            *[same] * 10,
        )
        assert [answer for answer in answers if isinstance(answer, Exception)] == []
        assert {answer.number for answer in answers} == {1}
        assert [answer.repeated for answer in answers].count(False) == (1 if start == 0 else 0)
    assert count(Submission) == 1
    assert count(Event, Event.tag == "assignment:submission:submit") == 1
    assert count(Notice, Notice.tag == "assignment:submission:submit") == 1


def test_an_approval_in_the_second_of_the_escalation_wins_or_comes_after(app, work, now):
    """Never an escalation that was written after the approval."""
    later = now + timedelta(days=12)
    for village in work.villages:
        with unit_of_work():
            submit(work.ids[village.id], Report("办完了"), actor=work.actor(village, Role.OFFICER), now=now, seen=2)
            judge = work.actor(work.townships[work.villages.index(village) // 3], Role.SUPERVISOR)
            return_for_changes(
                work.ids[village.id], actor=judge, now=now, seen=3, reason=ReturnReason.OTHER, words="补充"
            )
    officers = {village.id: work.actor(village, Role.OFFICER) for village in work.villages}
    for village in work.villages:
        mine = work.ids[village.id]
        at_once(
            app,
            partial(submit, mine, Report("再报"), actor=officers[village.id], now=later, seen=4),
            partial(fire, Sweep.REMIND, now=later, only=[mine]),
            partial(fire, Sweep.ESCALATE, now=later, only=[mine]),
        )
        tags = db.session.execute(
            select(Event.tag).where(Event.subject_id == mine, Event.subject == "assignment").order_by(Event.id)
        ).scalars().all()  # fmt: skip
        last = max(index for index, tag in enumerate(tags) if tag.endswith(":submit"))
        assert not any(":clock:" in tag for tag in tags[last:])
    assert count(Assignment, Assignment.state == State.SUBMITTED) == 6
    assert count(Review) == 6
    assert find_breaches(app.extensions["evidence"]) == []
