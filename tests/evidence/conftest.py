"""Both homes of evidence for the tests of this room."""

from pathlib import Path

import pytest

from .homes import Home, bucket, bucket_store, home_named, s3_server

__all__ = ["bucket", "bucket_store", "home", "s3_server"]


@pytest.fixture(params=["folder", "bucket"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Home:
    """A store that holds nothing yet, in either home."""
    return home_named(request.param, request, tmp_path)
