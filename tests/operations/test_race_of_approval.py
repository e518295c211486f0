"""Approving against escalating, and two reviewers against each other, in the same instant: hundreds of times one of the
two, never both."""

from collections import Counter
from datetime import UTC, datetime
from functools import partial
from threading import Barrier, Thread

from sqlalchemy import func, insert, select, update

from campaign.db import db, unit_of_work
from campaign.errors import Busy, Refused, Stale
from campaign.models import Assignment, Event, Notice, Review, Submission, Timer
from campaign.operations.issuing import dispatch
from campaign.operations.moving_many import approve_many
from campaign.operations.reviewing import approve, return_for_changes
from campaign.operations.sweeping import fire
from campaign.rules.dates import review_due
from campaign.rules.ladder import DEFAULT, Sweep
from campaign.rules.organisation import Role
from campaign.rules.states import Action, ReturnReason, State
from tests import make

RACES = 504
DUELS = 204
INSTANT = datetime(2026, 11, 26, 1, 0, tzinfo=UTC)  # nine in the morning after the third working day
OVERDUE = next(rung for rung in DEFAULT.rungs if rung.tag == "assignment:clock:review-overdue")


def waiting(tree, now, many) -> list[int]:
    """So many submissions that wait for the first township, with the timer of their escalation."""
    township = tree.unit(tree.townships[0])
    campaign = make.campaign(tree.unit(tree.county))
    for _ in range(many // 6):
        task = make.task(campaign, review_levels="4")
        with unit_of_work():
            dispatch(task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now)
    officer = tree.holder(tree.villages[0], Role.OFFICER)
    post = tree.actor(tree.villages[0], Role.OFFICER).posts[0]
    with unit_of_work() as session:
        session.execute(
            update(Assignment).values(
                state=State.SUBMITTED,
                version=3,
                reviewer_unit_id=township.id,
                review_due_at=review_due(now, "Asia/Shanghai"),
            )
        )
        found = session.execute(select(Assignment.id)).all()
        version = {"number": 1, "words": "", "person_id": officer.id, "post_id": post.id, "at": now, "digest": ""}
        session.execute(
            insert(Submission), [{**version, "assignment_id": row.id, "chain": f"{township.id}"} for row in found]
        )
        session.execute(
            update(Timer).values(
                sweep=Sweep.ESCALATE, rung=OVERDUE.number, fires_at=INSTANT, after=INSTANT.replace(hour=0)
            )
        )
    return [row.id for row in found]


def approved(mine: int, judge) -> None:
    """By turns alone, and as one of many."""
    if mine % 2:
        approve(mine, actor=judge, now=INSTANT, seen=3)
    else:
        assert approve_many({mine: 3}, actor=judge, now=INSTANT).count == 1


def test_approve_against_escalate_five_hundred_times(app, now):
    tree = make.small_tree()
    ids = waiting(tree, now, RACES)
    judge = tree.actor(tree.townships[0], Role.SUPERVISOR)
    start = Barrier(2)

    def until_done(act) -> None:
        with app.app_context():
            for mine in ids:
                start.wait()
                while True:
                    try:
                        with unit_of_work():
                            act(mine)
                        break
                    except Busy:
                        continue
            db.session.remove()

    acts = (
        partial(approved, judge=judge),
        lambda mine: fire(Sweep.ESCALATE, now=INSTANT, only=[mine]),
    )
    threads = [Thread(target=until_done, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_never_both_in_the_wrong_order(ids)


def assert_never_both_in_the_wrong_order(ids: list[int]) -> None:
    """Each was approved once; an escalation was written before the approval or not at all."""
    db.session.rollback()  # else SQLite shows what this thread saw before
    rows = db.session.execute(
        select(Event.subject_id, Event.tag).where(Event.subject == "assignment").order_by(Event.id)
    ).all()
    order = {mine: [row.tag for row in rows if row.subject_id == mine] for mine in ids}
    found = Counter(tuple(tag.rpartition(":")[2] for tag in tags) for tags in order.values())
    assert set(found) <= {("approve",), ("review-overdue", "approve")}, f"escalated beside the approval: {found}"
    assert len(found) == 2, f"one of the two was never first: these were no races: {found}"
    assert db.session.execute(select(func.count()).select_from(Timer)).scalar() == 0, "a timer was left"


def test_two_reviewers_two_hundred_times(app, now):
    """Two people of one township decide in the same instant: by turns both approve, or one of them returns."""
    tree = make.small_tree()
    ids = waiting(tree, now, DUELS)
    judges = [tree.actor(tree.townships[0], Role.SUPERVISOR)]
    judges.append(make.actor(make.holder(tree.unit(tree.townships[0]), Role.SUPERVISOR)))
    start, answers = Barrier(2), {mine: dict[int, Exception | None]() for mine in ids}

    def decide(which, mine) -> Exception | None:
        here = {"actor": judges[which], "now": INSTANT, "seen": 3}
        try:
            with unit_of_work():
                if which and mine % 2:
                    return_for_changes(mine, **here, reason=ReturnReason.OTHER, words="补充")
                else:
                    approve(mine, **here)
        except (Stale, Refused) as error:
            return error
        return None

    def all_of_them(which) -> None:
        with app.app_context():
            for mine in ids:
                start.wait()
                try:
                    answers[mine][which] = decide(which, mine)
                except Busy:  # SQLite lets one write at a time; who waited too long asks again
                    answers[mine][which] = decide(which, mine)
                except Exception as error:
                    answers[mine][which] = error
            db.session.remove()

    threads = [Thread(target=all_of_them, args=(which,)) for which in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_one_winner_each(answers, judges)


def assert_one_winner_each(answers, judges) -> None:
    """One answer is a success, the other says that somebody was faster; what is kept is the winner's, once."""
    db.session.rollback()
    wrong = {mine: both for mine, both in answers.items() if [*both.values()].count(None) != 1}
    assert not wrong, f"{len(wrong)} races without exactly one winner"
    assert all(isinstance(answer, Stale | Refused | None) for both in answers.values() for answer in both.values())
    winners = {mine: next(who for who, answer in both.items() if answer is None) for mine, both in answers.items()}
    assert len(set(winners.values())) == 2, "one of the two was never first: these were no races"
    decided = db.session.execute(select(Review.assignment_id, Review.person_id, Review.decision)).all()
    assert sorted((row.assignment_id, row.person_id) for row in decided) == sorted(
        (mine, judges[who].person_id) for mine, who in winners.items()
    )
    ends = {Action.APPROVE: State.APPROVED, Action.RETURN: State.RETURNED}
    states = dict(db.session.execute(select(Assignment.id, Assignment.state)).tuples().all())
    assert states == {row.assignment_id: ends[row.decision] for row in decided}
    for noun in (Event, Notice):
        told = select(func.count()).where(noun.tag.startswith("assignment:review:"))
        assert db.session.scalar(told) == len(answers), noun
