"""The ground that the tests stand on."""

from contextlib import suppress

import pytest
from sqlalchemy import func, select

from campaign.db import db, unit_of_work
from campaign.models import Person
from tests import make


def test_a_fresh_database_knows_only_the_system(app):
    assert db.session.scalar(select(func.count()).select_from(Person)) == 1


def test_one_test_leaves_nothing_for_the_next(app):
    make.person()
    assert db.session.scalar(select(func.count()).select_from(Person)) == 2


def test_a_small_tree_is_a_tree(app):
    tree = make.small_tree()
    assert len(tree.villages) == 6


def test_a_unit_of_work_within_another_is_a_part_of_it(app):
    def names():
        return set(db.session.scalars(select(Person.name).where(Person.name.in_(("甲", "乙", "丙")))))

    with pytest.raises(RuntimeError), unit_of_work():
        make.person("甲")  # in a unit of work of its own
        raise RuntimeError
    assert names() == set()
    with unit_of_work():
        make.person("乙")
        with suppress(RuntimeError), unit_of_work():
            make.person("丙")
            raise RuntimeError
    assert names() == {"乙"}
