"""The list of all assignments: scope, filters, every sort paged to its end; and one assignment as a whole."""

from datetime import timedelta
from decimal import Decimal

import pytest

from campaign.db import unit_of_work
from campaign.models import Assignment, CheckIn, Event, MetricValue, Review
from campaign.queries import worklist
from campaign.queries.assignments import whole
from campaign.queries.worklist import Filters, Sort
from campaign.rules.dates import Light
from campaign.rules.metrics import MetricKind, Value
from campaign.rules.organisation import Line, Role
from campaign.rules.states import Action, CheckInKind, ReturnReason, State
from tests import make
from tests.queries.test_inbox import statements


@pytest.fixture
def tree(app) -> make.SmallTree:
    return make.small_tree()


def dispatched(tree: make.SmallTree, **fields):
    """One task with an assignment in every village."""
    task = make.task(make.campaign(tree.unit(tree.county)), **fields)
    return task, [make.assignment(task, tree.unit(village)) for village in tree.villages]


@pytest.mark.parametrize("sort", list(Sort))
def test_every_sort_pages_to_its_end_without_loss(tree, now, sort):
    task, made = dispatched(tree)
    for due in (None, now):
        other = make.task(task.campaign, title="平安家庭创建")
        made.append(make.assignment(other, tree.unit(tree.villages[0]), due_at=due))
    actor = tree.actor(tree.county, Role.DISPATCHER)
    seen, key = [], None
    while True:
        page = worklist.page(actor, Filters(), sort, now=now, after=key, size=3)
        seen += [row.id for row in page.rows]
        key = page.next
        if key is None:
            break
    assert sorted(seen) == sorted(assignment.id for assignment in made)
    assert worklist.total(actor, Filters(), now=now) == len(made)
    assert [row.id for row in worklist.everything(actor, Filters(), sort, now=now)] == seen
    if sort is Sort.DUE:
        assert (seen[0], seen[-1]) == (made[-1].id, made[-2].id)


def test_filters_and_scope(tree, now):
    task, made = dispatched(tree)
    make.assignment(make.task(task.campaign, lines=[Line.UNION]), tree.unit(tree.villages[0], Line.UNION))
    officer = tree.actor(tree.villages[0], Role.OFFICER)
    assert [row.id for row in worklist.page(officer, Filters(), Sort.DUE, now=now).rows] == [made[0].id]
    supervisor = tree.actor(tree.townships[0], Role.SUPERVISOR)
    assert worklist.total(supervisor, Filters(), now=now) == 3
    assert worklist.total(supervisor, Filters(text="西村"), now=now) == 1
    assert worklist.total(supervisor, Filters(text=task.title), now=now) == 3
    assert worklist.total(supervisor, Filters(text="%"), now=now) == 0
    assert worklist.total(supervisor, Filters(light=Light.NEW), now=now) == 3
    assert worklist.total(supervisor, Filters(state=State.APPROVED), now=now) == 0
    assert worklist.total(supervisor, Filters(campaign_id=task.campaign_id), now=now) == 3
    assert worklist.total(supervisor, Filters(campaign_id=0), now=now) == 0
    assert worklist.campaigns(supervisor) == [(task.campaign_id, task.campaign.title)]


def test_the_whole_assignment(tree, now):
    task = make.task(make.campaign(tree.unit(tree.county)), min_characters=20)
    count, rate = make.metric(task, target=12), make.metric(task, MetricKind.RATE, name="建会率")
    rule = make.evidence_rule(task)
    unit = tree.unit(tree.villages[0])
    assignment = make.assignment(task, unit, State.RETURNED)
    officer, reviewer = tree.actor(tree.villages[0], Role.OFFICER), tree.actor(tree.townships[0], Role.SUPERVISOR)
    first = make.submission(assignment, number=2)
    with unit_of_work() as session:
        who = {"person_id": officer.person_id, "post_id": officer.posts[0].id}
        check = CheckIn(
            assignment_id=assignment.id, kind=CheckInKind.HELP, words="缺人", at=now + timedelta(days=1), **who
        )
        session.add(check)
        session.flush()
        session.add(MetricValue(submission_id=first.id, metric_id=count.id, number=Decimal(10)))
        session.add(MetricValue(check_in_id=check.id, metric_id=count.id, number=Decimal(11)))
        session.add(
            Review(
                assignment_id=assignment.id, submission_id=first.id, step=0, unit_id=unit.superior_id, words="请核对",
                decision=Action.RETURN, reason=ReturnReason.FIGURES_WRONG, digest="0" * 64, at=now,
                person_id=reviewer.person_id, post_id=reviewer.posts[0].id,
            )
        )  # fmt: skip
        urge = {"tag": "assignment:dispatcher:urge", "subject": "assignment", "subject_id": assignment.id, "at": now}
        for words in ("第一次催", "请于周五前报"):
            session.add(Event(**urge, person_id=reviewer.person_id, post_id=reviewer.posts[0].id, reason=words))
        session.get_one(Assignment, assignment.id).urged_at = now
    with statements() as sent:
        found = whole(assignment.id, officer)
    assert len(sent) == 4
    assert found is not None
    assert [metric.id for metric in found.metrics] == [count.id, rate.id]
    assert (found.metrics[0].former, found.metrics[0].last) == (Value(Decimal(10)), Value(Decimal(11)))
    assert found.metrics[1].last is None
    assert [found_rule.id for found_rule in found.rules] == [rule.id]
    assert found.last_return is not None
    assert (found.last_return.words, found.last_return.reason) == ("请核对", ReturnReason.FIGURES_WRONG)
    assert [(note.kind, note.words) for note in found.notes] == [(CheckInKind.HELP, "缺人")]
    assert (found.urged.words, found.urged.person_name, found.urged.at) == ("请于周五前报", reviewer.name, now)
    assert found.next_number == 3
    assert found.chain == (tree.unit(tree.townships[0]).name, tree.unit(tree.county).name)
    assert found.needs.min_characters == 20
    assert whole(assignment.id, tree.actor(tree.villages[1], Role.OFFICER)) is None
