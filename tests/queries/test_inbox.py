"""The to-do list and the messages: the groups, their order, and how few statements they take."""

from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy import select

from campaign.db import db, unit_of_work
from campaign.models import Assignment, Event, Notice
from campaign.operations.reading import mark_all_read
from campaign.queries import inbox
from campaign.queries.lights import light_number
from campaign.rules.dates import NEAR_DUE, Light, light_of
from campaign.rules.organisation import Line, Role
from campaign.rules.states import State
from tests import make
from tests.counting import statements


@pytest.fixture
def tree(app) -> make.SmallTree:
    return make.small_tree()


def a_task(tree: make.SmallTree, **fields):
    return make.task(make.campaign(tree.unit(tree.county)), **fields)


def every_light(tree: make.SmallTree, now) -> dict[Light, Assignment]:
    """One assignment of each light for the first village."""
    unit = tree.unit(tree.villages[0])
    past, near, far = now - timedelta(days=1), now + timedelta(days=1), now + timedelta(days=20)
    wanted = {
        Light.RETURNED: (State.RETURNED, near),
        Light.OVERDUE: (State.ACKNOWLEDGED, past),
        Light.BEHIND: (State.ACKNOWLEDGED, far),
        Light.DUE: (State.ACKNOWLEDGED, near),
        Light.NEW: (State.ISSUED, far),
        Light.OPEN: (State.ACKNOWLEDGED, far),
        Light.WAITING: (State.SUBMITTED, far),
        Light.DONE: (State.APPROVED, far),
        Light.CANCELLED: (State.CANCELLED, far),
    }
    behind = {Light.BEHIND: past, Light.OVERDUE: past, Light.RETURNED: past, Light.WAITING: past, Light.DONE: past}
    return {
        light: make.assignment(a_task(tree), unit, state, due_at=due, respond_by=None, behind_at=behind.get(light))
        for light, (state, due) in wanted.items()
    }


def test_the_lights_in_sql_are_the_lights_of_the_law(tree, now):
    unit = tree.unit(tree.villages[0])
    dates = (None, now - timedelta(seconds=1), now, now + timedelta(seconds=1), now + NEAR_DUE, now + timedelta(days=9))
    lags, stops = (None, now - timedelta(seconds=1), now, now + timedelta(seconds=1)), (None, now)
    task = a_task(tree)
    for number, (state, due, behind, since) in enumerate(product(State, dates, lags, stops)):
        stands = {"due_at": due, "behind_at": behind, "suspended_at": since, "period": number}
        make.assignment(task, unit, state, **stands)
    columns = Assignment.state, Assignment.due_at, Assignment.behind_at, Assignment.suspended_at, light_number(now)
    rows = db.session.execute(select(*columns)).all()
    assert len(rows) == len(State) * len(dates) * len(lags) * len(stops)
    for state, due, behind, since, number in rows:
        assert light_of(state, due, behind, now, since is not None) is Light(number)


def test_cards_stand_in_their_groups_and_the_most_urgent_first(tree, now):
    made = every_light(tree, now)
    unit = tree.unit(tree.villages[0])
    later = make.assignment(a_task(tree), unit, State.ACKNOWLEDGED, due_at=now + timedelta(days=2))
    never = make.assignment(a_task(tree), unit, State.ACKNOWLEDGED, due_at=None)
    make.assignment(a_task(tree), tree.unit(tree.villages[1]), State.ISSUED)
    actor = tree.actor(tree.villages[0], Role.OFFICER)
    groups = inbox.cards(actor, now=now)
    assert [card.id for card in groups[Light.DUE]] == [made[Light.DUE].id, later.id]
    assert [card.id for card in groups[Light.BEHIND]] == [made[Light.BEHIND].id]
    assert [card.id for card in groups[Light.OPEN]] == [made[Light.OPEN].id, never.id]
    assert [card.id for card in groups[Light.RETURNED]] == [made[Light.RETURNED].id]
    waiting = groups[Light.WAITING][0]
    assert waiting.reviewer_name == tree.unit(tree.townships[0]).name
    assert (waiting.number, waiting.submitted_at) == (1, now)
    assert Light.CANCELLED not in groups
    counted = inbox.counts(actor, now=now)
    assert counted.to_do() == 8
    assert counted.of(Light.DONE) == 1
    assert counted.to_do(tree.unit(tree.villages[1]).id) == 0


def test_a_post_is_chosen_and_a_foreign_unit_is_not(tree, now):
    person = tree.holder(tree.villages[0], Role.OFFICER)
    make.post(person, tree.unit(tree.villages[0], Line.UNION))
    task = a_task(tree)
    mine = make.assignment(task, tree.unit(tree.villages[0]))
    other = make.assignment(task, tree.unit(tree.villages[0], Line.UNION))
    foreign = make.assignment(task, tree.unit(tree.villages[1]))
    actor = make.actor(person)
    ids = {card.id for card in inbox.cards(actor, now=now)[Light.NEW]}
    assert ids == {mine.id, other.id}
    chosen = inbox.cards(actor, now=now, unit_id=other.unit_id)[Light.NEW]
    assert [card.id for card in chosen] == [other.id]
    assert not any(inbox.cards(actor, now=now, unit_id=foreign.unit_id).values())


def test_the_list_takes_as_many_statements_for_one_as_for_many(tree, now):
    actor = tree.actor(tree.villages[0], Role.OFFICER)
    every_light(tree, now)
    taken = []
    for _round in range(2):
        with statements() as sent:
            inbox.counts(actor, now=now)
            inbox.cards(actor, now=now)
            inbox.unread(actor)
            inbox.messages(actor)
        taken.append(len(sent))
        for _number in range(20):
            make.assignment(a_task(tree), tree.unit(tree.villages[0]))
    assert taken == [4, 4]


def test_no_more_cards_than_asked(tree, now):
    for _number in range(5):
        make.assignment(a_task(tree), tree.unit(tree.villages[0]))
    groups = inbox.cards(tree.actor(tree.villages[0], Role.OFFICER), now=now, most=3)
    assert len(groups[Light.NEW]) == 3


def a_notice(now, person_id=None, batch_id=None, assignment_id=None) -> Notice:
    """One notice with the event that it tells."""
    tag = "assignment:review:return"
    with unit_of_work() as session:
        event = Event(at=now, tag=tag, subject="assignment", subject_id=assignment_id or 0, person_id=1)
        session.add(event)
        session.flush()
        notice = Notice(
            tag=tag,
            event_id=event.id,
            person_id=person_id,
            batch_id=batch_id,
            assignment_id=assignment_id,
            created_at=now,
        )
        session.add(notice)
        session.flush()
    return notice


def test_messages_are_ones_own_and_those_of_ones_batches(tree, now):
    actor = tree.actor(tree.villages[0], Role.OFFICER)
    mine = make.assignment(a_task(tree), tree.unit(tree.villages[0]))
    foreign = make.assignment(a_task(tree), tree.unit(tree.villages[1]))
    a_notice(now, batch_id=foreign.batch_id)
    a_notice(now, person_id=tree.holder(tree.villages[1], Role.OFFICER).id, assignment_id=foreign.id)
    batch = a_notice(now, batch_id=mine.batch_id)
    own = a_notice(now, person_id=actor.person_id, assignment_id=mine.id)
    page = inbox.messages(actor)
    assert [message.id for message in page.items] == [own.id, batch.id]
    assert {message.assignment_id for message in page.items} == {mine.id}
    assert not any(message.read for message in page.items)
    assert inbox.unread(actor) == 2
    with unit_of_work():
        mark_all_read(actor=actor, now=now + timedelta(minutes=1))
    assert inbox.unread(actor) == 0
    assert all(message.read for message in inbox.messages(actor).items)
    a_notice(now + timedelta(minutes=2), batch_id=mine.batch_id)
    assert inbox.unread(actor) == 1


def test_messages_are_paged_without_loss_or_repetition(tree, now):
    actor = tree.actor(tree.villages[0], Role.OFFICER)
    mine = make.assignment(a_task(tree), tree.unit(tree.villages[0]))
    ids = [a_notice(now, person_id=actor.person_id, assignment_id=mine.id).id for _number in range(5)]
    ids += [a_notice(now, batch_id=mine.batch_id).id for _number in range(2)]
    seen, key = [], None
    while True:
        page = inbox.messages(actor, before=key, size=3)
        seen += [message.id for message in page.items]
        key = page.next
        if key is None:
            break
    assert seen == sorted(ids, reverse=True)
