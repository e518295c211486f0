"""A running mail server for each test that asks for one."""

from collections.abc import Iterator

import pytest

from .sink import Sink, running


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A mail server that takes everything."""
    with running(Sink()) as served:
        yield served
