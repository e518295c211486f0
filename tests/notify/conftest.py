"""A running mail server for each test that asks for one."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from campaign.config import Settings
from tests import make

from .sink import Sink, running


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A mail server that takes everything."""
    with running(Sink()) as served:
        yield served


@pytest.fixture
def mailing(settings: Settings, sink: Sink) -> Settings:
    """The settings of the test application with mail turned on."""
    return replace(settings, smtp_url=sink.url, mail_from="campaign@county.example", public_url="https://c.example")


@pytest.fixture
def tree(app):
    """A small tree with a task that asks the women of its villages."""
    tree = make.small_tree()
    tree.task = make.task(make.campaign(tree.unit(tree.county), title="巾帼建功"))
    return tree


@pytest.fixture
def officer(tree):
    """An officer of the first village, with an address."""
    return make.holder(tree.unit(tree.villages[0]), email="wang@county.example", name="王芳")
