"""The ground that the tests stand on."""

from sqlalchemy import func, select

from campaign.db import db
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
