"""What both homes promise: kept once, verified at every read, refused in the same words, tidied without a race."""

import io
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from PIL import Image

from campaign.errors import Busy, Invalid
from campaign.evidence.moving import move_all
from campaign.evidence.pictures import Copy, small_copy
from campaign.evidence.store import MISSING, ROTTEN, SIZE_LIMIT, Damaged

from .homes import Home, home_named
from .hostile import picture

CONTENT = "会议记录\n".encode() * 50
NAME = sha256(CONTENT).hexdigest()
OTHER = b"other words"
FUTURE = datetime(2100, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def put(home: Home, content: bytes = CONTENT):
    return home.store.put(io.BytesIO(content), name="record.txt")


def leftovers(home: Home) -> list:
    return list(home.store.temporary.glob("*"))


def test_what_was_put_can_be_opened(home):
    kept = put(home)
    assert (kept.sha256, kept.size, kept.media_type) == (NAME, len(CONTENT), "text/plain")
    with home.store.open(NAME) as stream:
        assert stream.read() == CONTENT
    assert home.store.size_of(NAME) == len(CONTENT)
    assert list(home.store.stored()) == [NAME]
    assert leftovers(home) == []


def test_the_same_bytes_at_once_are_kept_once(home):
    with ThreadPoolExecutor(4) as threads:
        assert {kept.sha256 for kept in threads.map(lambda _: put(home), range(12))} == {NAME}
    assert list(home.store.stored()) == [NAME]
    assert home.store.verify(NAME)
    assert leftovers(home) == []


def test_a_whole_large_file_comes_back_as_it_was(home):
    content = b"0123456789abcdef" * (SIZE_LIMIT // 16)
    kept = put(home, content)
    with home.store.open(kept.sha256) as stream:
        assert sha256(stream.read()).hexdigest() == kept.sha256 == sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("content", "name", "status"),
    [
        (b"x" * (SIZE_LIMIT + 1), "a.txt", 413),
        (b"", "a.txt", 415),
        (b"MZ\x90", "a.exe", 415),
        (b"<html><script>", "a.txt", 415),
        (picture()[:-40], "a.jpg", 415),
    ],
)
def test_what_is_refused_is_refused_in_either_home(home, content, name, status):
    with pytest.raises(Invalid) as refusal:
        home.store.put(io.BytesIO(content), name=name)
    assert refusal.value.status == status
    assert leftovers(home) == []
    assert list(home.store.stored()) == []


def test_a_sender_who_breaks_off_leaves_nothing(home):
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise ConnectionResetError

    with pytest.raises(Busy):
        home.store.put(Broken(), name="a.txt")
    assert leftovers(home) == []
    assert list(home.store.stored()) == []


@pytest.mark.parametrize("swapped", [CONTENT[:-1] + b"!", CONTENT[:-1], b"", b"x" * (SIZE_LIMIT + 9)])
def test_swapped_bytes_are_never_given_out_and_heal_when_they_come_again(home, swapped, caplog):
    put(home)
    other = put(home, OTHER).sha256
    home.spoil(NAME, swapped)
    with pytest.raises(Damaged) as refusal:
        home.store.open(NAME)
    assert refusal.value.status == 503
    assert NAME in caplog.text
    assert home.store.fault(NAME) == ROTTEN
    assert home.store.verify(other)
    put(home)
    assert home.store.verify(NAME)
    assert leftovers(home) == []


def test_a_missing_file_is_damaged_too(home):
    put(home)
    home.lose(NAME)
    with pytest.raises(Damaged):
        home.store.open(NAME)
    assert home.store.fault(NAME) == MISSING
    assert home.store.size_of(NAME) is None


def test_what_is_to_be_approved_must_lie_there(home):
    put(home)
    home.store.demand({NAME: len(CONTENT)})
    home.store.demand({})
    never = sha256(b"never sent").hexdigest()
    assert home.store.lacking({NAME: len(CONTENT), never: 10}) == [never]
    with pytest.raises(Damaged):
        home.store.demand({NAME: len(CONTENT), never: 10})
    home.spoil(NAME, CONTENT[:-1])
    with pytest.raises(Damaged):
        home.store.demand({NAME: len(CONTENT)})


def test_only_a_hash_is_a_name(home):
    for name in ("", "..", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "\n", "a/" * 32, "\0" * 64):
        for ask in (home.store.open, home.store.fault, home.store.size_of):
            with pytest.raises(ValueError, match="SHA-256"):
                ask(name)
        with pytest.raises(ValueError, match="SHA-256"):
            home.store.discard(name, kept_before=FUTURE)
        with pytest.raises(ValueError, match="SHA-256"):
            home.store.cached(name, "thumb")


def test_only_what_is_old_is_discarded(home):
    put(home)
    assert not home.store.discard(NAME, kept_before=LONG_AGO)
    assert list(home.store.stored(kept_before=LONG_AGO)) == []
    assert list(home.store.stored(kept_before=FUTURE)) == [NAME]
    gone = [home.store.discard(NAME, kept_before=FUTURE) for _ in range(3)]
    assert gone.count(True) == 1
    assert list(home.store.stored()) == []
    assert home.store.fault(NAME) == MISSING


def test_a_small_copy_is_made_of_verified_bytes_only(home):
    kept = put(home, picture("PNG", (900, 700)))
    copy = small_copy(home.store, kept.sha256, "image/png", Copy.THUMB)
    with Image.open(copy) as shown:
        assert max(shown.size) == 480
    other = put(home, picture("PNG", (901, 700)))
    home.spoil(other.sha256, picture("PNG", (20, 20)))
    with pytest.raises(Damaged):
        small_copy(home.store, other.sha256, "image/png", Copy.THUMB)
    assert leftovers(home) == []


def test_bytes_of_another_hash_are_not_taken_over(home):
    home.store.take(io.BytesIO(CONTENT), NAME)
    assert home.store.verify(NAME)
    with pytest.raises(Damaged):
        home.store.take(io.BytesIO(OTHER), "0" * 64)
    assert list(home.store.stored()) == [NAME]
    assert leftovers(home) == []


@pytest.mark.parametrize("way", ["folder to bucket", "bucket to folder"])
def test_everything_moves_and_what_is_damaged_is_named(way, request, tmp_path, caplog):
    source, target = (home_named(kind, request, tmp_path) for kind in way.split(" to "))
    names = [put(source, b"file %d" % number).sha256 for number in range(7)]
    source.spoil(names[3], b"swapped")
    put(target, b"file 1")
    put(target, b"file 2")
    target.spoil(names[2], b"swapped")
    steps = []
    moved = move_all(source.store, target.store, progress=lambda *step: steps.append(step))
    assert (moved.copied, moved.there, moved.damaged) == (5, 1, (names[3],))
    assert steps[-1][1:] == (7, 7)
    assert all(target.store.verify(name) for name in names if name != names[3])
    again = move_all(source.store, target.store)
    assert (again.copied, again.there, again.damaged) == (0, 6, (names[3],))


def test_sweeping_leaves_what_may_still_be_under_way(home, now, caplog):
    caplog.set_level(logging.ERROR)
    put(home)
    for minutes in (10, 59, 61, 600):
        path = home.store.temporary / f"{minutes}.part"
        path.write_bytes(b"x")
        moment = (now - timedelta(minutes=minutes)).timestamp()
        os.utime(path, (moment, moment))
    assert home.store.sweep(now=now) == 2
    assert {path.name for path in leftovers(home)} == {"10.part", "59.part"}
    assert list(home.store.stored()) == [NAME]
