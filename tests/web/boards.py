"""A small campaign with figures, signing in and counting, for the tests of boards, metrics and units."""

import secrets
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import select, update

from campaign.db import unit_of_work
from campaign.models import (
    Allocation,
    AllocationTotal,
    Batch,
    LoginSession,
    MetricValue,
    Milestone,
    Share,
    Submission,
    TallyDelta,
    Unit,
)
from campaign.models.targets import Target
from campaign.rules.metrics import Aggregation, MetricKind
from campaign.rules.organisation import Role
from campaign.rules.states import State
from campaign.rules.targets import Method
from campaign.web.access import digest_of
from tests import make
from tests.counting import statements


def sign_in(client, person, now, language="en") -> None:
    """A session without the page of the door."""
    secret = secrets.token_hex(16)
    kept = {"digest": digest_of(secret), "person_id": person.id, "started_at": now, "seen_at": now}
    with unit_of_work() as session:
        session.add(LoginSession(**kept, ends_at=now + timedelta(hours=8)))
    client.set_cookie("locale", language)
    with client.session_transaction() as cookie:
        cookie["_user_id"], cookie["_fresh"] = secret, True


def cost(act) -> int:
    """How many statements the act sends."""
    with statements() as sent:
        act()
    return len(sent)


STATES = (State.APPROVED, State.APPROVED, State.SUBMITTED, State.RETURNED, State.ACKNOWLEDGED, State.APPROVED)
DONE = (40, 25, 30, 10, None, 5)


def trained(now: datetime) -> make.SmallTree:
    """200 in all: 180 given to six villages, 12 held back, 8 not given; and a rate with a milestone that is due."""
    tree = make.small_tree()
    tree.campaign = make.campaign(tree.unit(tree.county), title="巾帼建功")
    tree.task = make.task(tree.campaign, title="培训")
    tree.sum = make.metric(tree.task, target=200, aggregation=Aggregation.SUM, name="培训人次", unit_of_measure="人次")
    tree.rate = make.metric(tree.task, MetricKind.RATE, 90, name="覆盖率")
    tree.words = make.metric(tree.task, MetricKind.TEXT, name="<b>做法</b>")
    person = tree.holder(tree.county, Role.DISPATCHER)
    with unit_of_work() as session:
        session.add(Milestone(metric_id=tree.rate.id, due_on=make.TODAY + timedelta(days=5), target=Decimal(70)))
        split = {"task_id": tree.task.id, "version": 1, "method": Method.BY_HAND, "person_id": person.id, "at": now}
        session.add(allocation := Allocation(**split))
        session.flush()
        session.add(AllocationTotal(allocation_id=allocation.id, metric_id=tree.sum.id, total=200, reserve=12))
        tree.allocation_id = allocation.id
    for village, state, n in zip(tree.villages, STATES, DONE, strict=True):
        _reported(tree, tree.unit(village), state, n)
    with unit_of_work() as session:  # as if the clock had yet to see both the dispatch and what followed
        session.execute(update(Batch).values(folded=False))
        session.execute(update(TallyDelta).values(from_state=State.ISSUED))
    return tree


def _reported(tree: make.SmallTree, unit: Unit, state: State, n: int | None) -> None:
    made = make.assignment(tree.task, unit, state)
    with unit_of_work() as session:
        key = {"metric_id": tree.sum.id, "allocation_id": tree.allocation_id, "value": Decimal(30)}
        session.add_all([Share(unit_id=unit.id, **key), Target(assignment_id=made.id, **key)])
        if n is None:
            return
        submitted = session.scalar(select(Submission.id).where(Submission.assignment_id == made.id))
        parts = {"numerator": Decimal(n), "denominator": Decimal(50)}
        session.add(MetricValue(submission_id=submitted, metric_id=tree.sum.id, number=Decimal(n)))
        session.add(MetricValue(submission_id=submitted, metric_id=tree.rate.id, **parts))
