"""From notices to deliveries: nobody twice, nobody forgotten, in statements that do not grow with the people."""

from datetime import timedelta

import pytest

from campaign.db import unit_of_work
from campaign.models import Assignment, Batch
from campaign.notify import fanning
from campaign.notify.fanning import fan_out
from campaign.rules.organisation import Role
from campaign.rules.telling import DeliveryState
from tests import make
from tests.counting import statements

from .notices import deliveries, tell, tell_batch, unmarked


@pytest.fixture
def tree(app):
    tree = make.small_tree()
    tree.task = make.task(make.campaign(tree.unit(tree.county)))
    with unit_of_work() as session:
        for number, person in enumerate(tree.people.values()):
            session.merge(person).email = f"p{number}@county.example"
    return tree


@pytest.fixture
def batch(tree):
    """One batch for all villages."""
    with unit_of_work() as session:
        made = Batch(task_id=tree.task.id, dispatched_at=make.NOW, items=6, digest="0" * 64)
        session.add(made)
        session.flush()
        rows = {tree.unit(village).id for village in tree.villages}
        session.add_all(Assignment(task_id=tree.task.id, unit_id=unit_id, batch_id=made.id) for unit_id in rows)
    return made.id


def officers(tree) -> set[int]:
    return {tree.holder(village, Role.OFFICER).id for village in tree.villages}


def spread(settings, now) -> int:
    return fan_out(settings, now=now, work=unit_of_work)


def test_one_delivery_for_each_person_once(tree, mailing, now):
    assignment = make.assignment(tree.task, tree.unit(tree.villages[0]))
    people = [tree.holder(village, Role.OFFICER) for village in tree.villages]
    tell(people, assignment)
    assert spread(mailing, now) == 6
    assert {row.person_id for row in deliveries()} == officers(tree)
    assert {(row.state, row.tries, row.next_try_at) for row in deliveries()} == {(DeliveryState.WAITING, 0, now)}
    assert unmarked() == 0
    assert spread(mailing, now) == 0


def test_who_has_no_address_or_account_reads_it_on_the_page(tree, mailing, now):
    assignment = make.assignment(tree.task, tree.unit(tree.villages[0]))
    without = [make.person(), make.person(email=""), make.person(email="x@y.example", disabled_at=now)]
    tell(without, assignment)
    assert spread(mailing, now) == 0
    assert deliveries() == []
    assert unmarked() == 0


def test_without_a_channel_notices_are_only_marked(tree, settings, now, batch):
    tell([tree.holder(tree.villages[0], Role.OFFICER)], make.assignment(tree.task, tree.unit(tree.townships[0])))
    tell_batch(batch)
    assert spread(settings, now) == 0
    assert deliveries() == []
    assert unmarked() == 0


def test_a_batch_reaches_each_officer_of_its_units_once(tree, mailing, now, batch):
    first = tree.holder(tree.villages[0], Role.OFFICER)
    make.post(first, tree.unit(tree.villages[1]))  # the same person in two units of the batch
    make.post(make.person(email="later@x.example"), tree.unit(tree.villages[2]), valid_from=now.date() + timedelta(2))
    make.holder(tree.unit(tree.villages[2]), Role.SUPERVISOR, email="other@x.example")
    tell_batch(batch)
    assert spread(mailing, now) == 6
    assert sorted(row.person_id for row in deliveries()) == sorted(officers(tree))
    assert unmarked() == 0
    assert spread(mailing, now) == 0


def test_a_large_batch_goes_in_stretches_and_survives_a_stop(tree, mailing, now, batch, monkeypatch):
    monkeypatch.setattr(fanning, "PEOPLE_AT_ONCE", 2)
    tell_batch(batch)
    stretches = []

    def stopping():
        if len(stretches) == 3:
            raise KeyboardInterrupt  # the process is stopped; what was committed stays
        stretches.append(1)
        return unit_of_work()

    with pytest.raises(KeyboardInterrupt):
        fan_out(mailing, now=now, work=stopping)
    assert 0 < len(deliveries()) < 6
    assert unmarked() == 1
    spread(mailing, now)
    assert sorted(row.person_id for row in deliveries()) == sorted(officers(tree))
    assert unmarked() == 0


def test_the_number_of_statements_does_not_grow_with_the_people(tree, mailing, now):
    assignment = make.assignment(tree.task, tree.unit(tree.villages[0]))
    counts = []
    for size in (1, 40):
        with unit_of_work():
            people = [make.person(email=f"s{size}.{number}@x.example") for number in range(size)]
        tell(people, assignment)
        with statements() as seen:
            spread(mailing, now)
        counts.append(len(seen))
    assert counts[0] == counts[1]
