"""What waits at a reviewer's level."""

from datetime import timedelta

import pytest

from campaign.db import unit_of_work
from campaign.models import Review
from campaign.queries import queue
from campaign.queries.queue import Filters
from campaign.rules.organisation import Line, Role
from campaign.rules.states import Action, ReturnReason, State
from tests import make

ALL = Filters()


@pytest.fixture
def tree(app):
    return make.small_tree()


@pytest.fixture
def plan(tree):
    return make.campaign(tree.unit(tree.county))


@pytest.fixture
def waiting(tree, plan, now):
    """Three villages of the first township wait there; the second one has the earliest review date."""
    task = make.task(plan)
    return [
        make.assignment(task, tree.unit(village), State.SUBMITTED, review_due_at=now + timedelta(days=days))
        for village, days in zip(tree.villages[:3], (3, -1, 3), strict=True)
    ]


@pytest.fixture
def reviewer(tree):
    return tree.actor(tree.townships[0], Role.SUPERVISOR)


def ids(page):
    return [item.id for item in page.items]


def returned_once(assignment, person):
    first = make.submission(assignment, number=2)
    with unit_of_work() as session:
        session.add(
            Review(
                assignment_id=assignment.id, submission_id=first.id, step=0, unit_id=assignment.unit_id,
                decision=Action.RETURN, reason=ReturnReason.OTHER, words="请补照片", digest="0" * 64,
                person_id=person.id, post_id=first.post_id, at=make.NOW,
            )
        )  # fmt: skip
    make.submission(assignment, number=3)


def test_the_earliest_review_date_comes_first_then_the_smaller_id(waiting, reviewer):
    first, second, third = waiting
    assert ids(queue.page(reviewer, ALL)) == [second.id, first.id, third.id]


def test_only_supervisors_of_the_waiting_unit_have_it_in_their_queue(tree, waiting):
    others = [
        tree.actor(tree.townships[1], Role.SUPERVISOR),
        tree.actor(tree.townships[0], Role.SUPERVISOR, Line.PARTY),
        tree.actor(tree.county, Role.SUPERVISOR),
        tree.actor(tree.county, Role.DISPATCHER),
        tree.actor(tree.villages[0], Role.OFFICER),
    ]
    assert [ids(queue.page(other, ALL)) for other in others] == [[]] * len(others)


def test_an_item_tells_its_version_and_how_often_it_was_returned(tree, waiting, reviewer):
    returned_once(waiting[0], tree.holder(tree.townships[0], Role.SUPERVISOR))
    found = {item.id: (item.number, item.bounces) for item in queue.page(reviewer, ALL).items}
    assert found == {waiting[0].id: (3, 1), waiting[1].id: (1, 0), waiting[2].id: (1, 0)}


def test_pages_follow_each_other_without_gap_or_repetition(waiting, reviewer):
    seen, after = [], None
    for more in (True, True, False):
        page = queue.page(reviewer, ALL, after=after, size=1)
        assert page.later is more
        seen += ids(page)
        after = page.items[-1].key
    assert seen == ids(queue.page(reviewer, ALL))
    back = queue.page_before(reviewer, ALL, before=page.items[0].key, size=1)
    assert (ids(back), back.earlier) == ([seen[1]], True)


def test_a_key_survives_its_way_through_an_address(waiting, reviewer):
    for item in queue.page(reviewer, ALL).items:
        assert queue.read_key(str(item.key)) == item.key
    assert [queue.read_key(text) for text in ("", "x", "1", "1-x", "-1-2", f"{10**18 - 1}-1")] == [None] * 6


def test_around_an_item_stand_its_neighbours(waiting, reviewer):
    order = queue.page(reviewer, ALL).items
    page = queue.page_around(reviewer, ALL, key=order[1].key)
    assert ids(page) == [item.id for item in order]
    before, after = page.around(order[1].id)
    assert (before, after) == (order[0], order[2])
    assert page.around(order[0].id)[0] is None
    assert page.around(0) == (None, None)


def test_around_an_item_deep_in_the_queue_only_a_few_earlier_ones_show(tree, plan, reviewer, now, monkeypatch):
    tasks = [make.task(plan) for _ in range(4)]
    for day, task in enumerate(tasks):
        make.assignment(task, tree.unit(tree.villages[0]), State.SUBMITTED, review_due_at=now + timedelta(days=day))
    monkeypatch.setattr(queue, "BEFORE", 1)
    order = queue.page(reviewer, ALL).items
    page = queue.page_around(reviewer, ALL, key=order[2].key, size=1)
    assert ids(page) == [order[1].id, order[2].id]
    assert (page.earlier, page.later) == (True, True)


def test_every_page_tells_how_many_there_are_in_all(waiting, reviewer):
    assert queue.page(reviewer, ALL, size=1).total == 3
    assert queue.page_around(reviewer, ALL, key=queue.page(reviewer, ALL).items[2].key, size=1).total == 3


def test_a_place_is_known_within_the_scope_only(tree, waiting, reviewer):
    place = queue.place_of(waiting[0].id, reviewer)
    assert (place.unit_name, place.key.id) == (tree.unit(tree.villages[0]).name, waiting[0].id)
    assert queue.place_of(waiting[0].id, tree.actor(tree.townships[1], Role.SUPERVISOR)) is None
    assert queue.place_of(0, reviewer) is None


def test_filters_by_campaign_and_by_the_unit_name(tree, waiting, reviewer):
    other = make.task(make.campaign(tree.unit(tree.county), title="平安家庭创建"))
    extra = make.assignment(other, tree.unit(tree.villages[1]), State.SUBMITTED)
    of_campaign = Filters(campaign_id=other.campaign_id)
    assert ids(queue.page(reviewer, of_campaign)) == [extra.id]
    assert queue.page(reviewer, of_campaign).total == 1
    assert ids(queue.page(reviewer, Filters(text="西村"))) == [waiting[1].id, extra.id]
    assert ids(queue.page(reviewer, Filters(text="%"))) == []


def test_groups_count_what_waits_and_what_is_late(waiting, reviewer, plan, now):
    (group,) = queue.groups(reviewer, now=now)
    assert (group.campaign_id, group.waiting, group.late) == (plan.id, 3, 1)


def test_after_a_decision_the_next_item_follows_and_the_last_leads_to_the_first(waiting, reviewer):
    order = queue.page(reviewer, ALL).items
    assert queue.next_after(reviewer, ALL, order[0].key) == order[1].id
    assert queue.next_after(reviewer, ALL, order[2].key) == order[0].id
    assert queue.next_after(reviewer, Filters(text="西村"), order[0].key) is None


@pytest.mark.parametrize("size", [1, 2, 30])
def test_the_number_of_statements_does_not_grow(waiting, reviewer, statements, size):
    key = queue.page(reviewer, ALL).items[1].key
    statements.clear()
    queue.page(reviewer, ALL, size=size)
    queue.page_around(reviewer, ALL, key=key, size=size)
    queue.page_before(reviewer, ALL, before=key, size=size)
    queue.groups(reviewer, now=make.NOW)
    assert len([text for text in statements if text.startswith("SELECT")]) == 4
