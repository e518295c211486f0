"""An uploaded table waits for its owner, for a day, and for nobody else."""

import io
import os
from datetime import UTC, datetime, timedelta

import pytest

from campaign.documents.waiting import forget_table, keep_table, open_table
from campaign.errors import Refused

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


def kept(folder, owner=7, now=NOW):
    token = keep_table(folder, io.BytesIO(b"code,name"), owner=owner, now=now)
    os.utime(folder / f"{owner}-{token}", (now.timestamp(), now.timestamp()))
    return token


def test_the_owner_gets_the_file_back_until_it_is_forgotten(tmp_path):
    token = kept(tmp_path / "imports")
    with open_table(tmp_path / "imports", token, owner=7) as stream:
        assert stream.read() == b"code,name"
    forget_table(tmp_path / "imports", token, owner=7)
    with pytest.raises(Refused):
        open_table(tmp_path / "imports", token, owner=7)


@pytest.mark.parametrize("token", ["", "../7-x", "0" * 32, "/etc/passwd", "A" * 32])
def test_no_other_token_opens_anything(tmp_path, token):
    kept(tmp_path)
    with pytest.raises(Refused):
        open_table(tmp_path, token, owner=7)


def test_nobody_else_gets_the_file(tmp_path):
    token = kept(tmp_path)
    with pytest.raises(Refused):
        open_table(tmp_path, token, owner=8)


def test_after_a_day_it_is_gone(tmp_path):
    old = kept(tmp_path)
    kept(tmp_path, now=NOW + timedelta(days=1, seconds=1))
    with pytest.raises(Refused):
        open_table(tmp_path, old, owner=7)
