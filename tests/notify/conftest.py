"""A running mail server for each test that asks for one."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from campaign.config import Settings

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
