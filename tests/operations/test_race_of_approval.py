"""Approving against escalating in the same instant: five hundred times one of the two, never both."""

from datetime import UTC, datetime
from threading import Barrier, Thread

from sqlalchemy import func, insert, select, update

from campaign.db import db, unit_of_work
from campaign.errors import Busy
from campaign.models import Assignment, Event, Submission, Timer
from campaign.operations.issuing import dispatch
from campaign.operations.reviewing import approve
from campaign.operations.sweeping import fire
from campaign.rules.dates import review_due
from campaign.rules.ladder import DEFAULT, Sweep
from campaign.rules.organisation import Role
from campaign.rules.states import State
from tests import make

RACES = 504
INSTANT = datetime(2026, 11, 26, 1, 0, tzinfo=UTC)  # nine in the morning after the third working day
OVERDUE = next(rung for rung in DEFAULT.rungs if rung.tag == "assignment:clock:review-overdue")


def waiting(tree, now) -> list[int]:
    """So many submissions that wait for the first township, with the timer of their escalation."""
    township = tree.unit(tree.townships[0])
    campaign = make.campaign(tree.unit(tree.county))
    for _ in range(RACES // 6):
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


def test_approve_against_escalate_five_hundred_times(app, now):
    tree = make.small_tree()
    ids = waiting(tree, now)
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
        lambda mine: approve(mine, actor=judge, now=INSTANT, seen=3),
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
        select(Event.subject_id, Event.tag, Event.id).where(Event.subject == "assignment").order_by(Event.id)
    ).all()
    order = {mine: [row.tag for row in rows if row.subject_id == mine] for mine in ids}
    assert all(tags.count("assignment:review:approve") == 1 for tags in order.values())
    assert all(tags[-1] == "assignment:review:approve" for tags in order.values())
    assert db.session.execute(select(func.count()).select_from(Timer)).scalar() == 0
