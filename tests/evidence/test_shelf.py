"""Archives in both homes: made on one machine, fetched from another, whole or not at all, and swept."""

import os
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from campaign.errors import Busy
from campaign.evidence import shelf_bucket
from campaign.evidence.store import Damaged
from campaign.evidence.store_bucket import BucketStore

from .homes import FAULTS, NAME, keys_below, raw
from .test_pieces import machines

__all__ = ["machines"]
CONTENT = os.urandom(2_500_000)
SHA = sha256(CONTENT).hexdigest()
FUTURE = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """Three parts in a bucket."""
    monkeypatch.setattr(shelf_bucket, "PART", 1_000_000)


def made(store, name):
    """A file that this machine has made."""
    store.temporary.mkdir(parents=True, exist_ok=True)
    path = store.temporary / f"{name}.part"
    path.write_bytes(CONTENT)
    return path


def lying(store):
    """Everything that lies in the home, asked without the shelf."""
    if isinstance(store, BucketStore):
        return keys_below(store)
    return [str(path) for path in (store.folder / "archives").rglob("*") if path.is_file()]


def spoil(store):
    """One byte of the middle changes, as on a disk that rots or under somebody's hand."""
    if isinstance(store, BucketStore):
        key = store.bucket.prefix + keys_below(store)[1]
        raw(store).put_object(Bucket=NAME, Key=key, Body=bytes(1_000_000))
    else:
        path = store.shelf.folder / "ledger-1.zip"
        path.write_bytes(CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]))


def test_what_one_machine_has_made_another_gives_out(machines):
    one, other = machines
    path, beats = made(one, "ledger-1.zip"), []
    one.shelf.keep("ledger-1.zip", path, beat=lambda: beats.append(1))
    assert (path.exists(), list(one.temporary.glob("*.part")), bool(beats)) == (False, [], True)
    with other.shelf.open("ledger-1.zip", SHA) as stream:
        assert stream.read() == CONTENT
    spoil(one)
    for name, digest in (("ledger-1.zip", SHA), ("ledger-2.zip", SHA)):
        with pytest.raises(Damaged):
            other.shelf.open(name, digest)
    other.shelf.forget("ledger-1.zip")
    assert lying(one) == []
    for name in ("", "..", "../../etc/passwd", "a/b", ".hidden", "a\n"):
        with pytest.raises(ValueError, match="names no archive"):
            one.shelf.open(name, SHA)


def test_what_no_row_knows_is_swept_and_nothing_else(machines, now):
    one, other = machines
    for number in (1, 2):
        one.shelf.keep(f"ledger-{number}.zip", made(one, f"{number}"), beat=lambda: None)
    if isinstance(one, BucketStore):  # its maker is killed, or the store goes away, behind the first part
        with pytest.raises(Busy):
            one.shelf.keep("ledger-3.zip", made(one, "3"), beat=lambda: FAULTS.answer("PUT", "SlowDown", 503, 9))
        FAULTS.planned.clear()
        assert len([key for key in lying(one) if "ledger-3" in key]) == 1
    known = {"ledger-2.zip"}.intersection
    assert other.shelf.sweep(known, before=datetime.fromtimestamp(0, UTC) + timedelta(days=1)) == 0
    assert other.shelf.sweep(known, before=FUTURE) == (2 if isinstance(one, BucketStore) else 1)
    with other.shelf.open("ledger-2.zip", SHA) as stream:
        assert stream.read() == CONTENT
    assert other.shelf.names(before=FUTURE) == ["ledger-2.zip"]
    assert all("ledger-2" in name for name in lying(one))
