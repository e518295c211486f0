"""Files on their way in, in both homes, each step by another machine: nothing is lost, counted twice or left."""

import os
from datetime import timedelta
from hashlib import sha256
from uuid import uuid4

import pytest

from campaign.errors import Busy
from campaign.evidence.store import Store
from campaign.evidence.store_bucket import BucketStore
from campaign.evidence.store_folder import FolderStore

from .homes import FAULTS, Home, keys_below

CONTENT = os.urandom(900_000)
SHA = sha256(CONTENT).hexdigest()


@pytest.fixture
def machines(home: Home, tmp_path) -> list[Store]:
    """Two web machines with the same home of evidence, each with a disk of its own; a folder is one that both mount."""
    store = home.store
    if isinstance(store, BucketStore):
        return [store, BucketStore(tmp_path / "another machine", store.bucket)]
    return [store, FolderStore(store.folder)]


def left_in(store: Store) -> list[str]:
    """What is left anywhere of files under way."""
    found = [path.name for path in (store.temporary / "pieces").glob("*")]
    return found + (keys_below(store) if isinstance(store, BucketStore) else [])


def test_each_piece_may_come_to_another_machine(machines):
    one, other = (each.pieces for each in machines)
    name, size = str(uuid4()), len(CONTENT)
    assert one.received(name) == 0
    assert one.add(name, 0, CONTENT[:300_000], size) == 300_000
    assert other.received(name) == 300_000
    assert other.add(name, 0, CONTENT[:150_000], size) == 300_000, "sent again in smaller pieces"
    assert other.add(name, 500_000, CONTENT[500_000:], size) == 300_000, "too early"
    assert other.add(name, 300_000, CONTENT[300_000:] + b"more", size) == 300_000, "more than was announced"
    with one.whole(name, SHA, size) as stream:
        assert stream is None
    assert one.received(name) == 300_000, "half a file stays for its sender"
    assert other.add(name, 300_000, CONTENT[300_000:], size) == size
    with one.whole(name, SHA, size) as stream:
        assert stream.read() == CONTENT
    one.forget(name)
    assert (other.received(name), left_in(machines[0]), left_in(machines[1])) == (0, [], [])
    with pytest.raises(ValueError, match="names no upload"):
        one.add("../../etc/passwd", 0, b"x", 1)


def test_wrong_bytes_go_and_old_ones_are_swept(machines, now):
    one, other = (each.pieces for each in machines)
    wrong, half, size = str(uuid4()), str(uuid4()), len(CONTENT)
    one.add(wrong, 0, bytes(size), size)
    with other.whole(wrong, SHA, size) as stream:
        assert stream is None
    assert one.received(wrong) == 0
    one.add(half, 0, CONTENT[:1000], size)
    later = now + timedelta(days=3650)
    assert (one.sweep(now=now - timedelta(days=3650)), other.left(now=now - timedelta(days=3650))) == (0, [])
    assert other.left(now=later) == [half]
    assert (other.sweep(now=later), one.received(half), left_in(machines[0])) == (1, 0, [])


def test_a_bucket_that_fails_takes_no_piece_and_loses_none(bucket_store):
    name, size = str(uuid4()), len(CONTENT)
    bucket_store.pieces.add(name, 0, CONTENT[:1000], size)
    for method in ("PUT", "GET"):
        FAULTS.answer(method, "InternalError", 500, times=3)
        with pytest.raises(Busy):
            bucket_store.pieces.add(name, 1000, CONTENT[1000:2000], size)
        assert bucket_store.pieces.received(name) == 1000
    assert bucket_store.pieces.add(name, 1000, CONTENT[1000:], size) == size
    FAULTS.cut("GET", times=1)  # one line that breaks is no failure
    with bucket_store.pieces.whole(name, SHA, size) as stream:
        assert stream.read() == CONTENT
    assert list(bucket_store.stored()) == [], "it is no evidence yet"
