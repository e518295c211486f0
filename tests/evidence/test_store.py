"""The store: durable before it answers, verified before it shows, and inside its folder whatever happens."""

import errno
import io
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from campaign.errors import Busy, Invalid, NoSpace
from campaign.evidence.store import LARGEST, Damaged
from campaign.evidence.store_folder import FolderStore

from .hostile import picture

CONTENT = "会议记录\n".encode() * 50
NAME = sha256(CONTENT).hexdigest()
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


def put(store: FolderStore, content: bytes = CONTENT):
    return store.put(io.BytesIO(content), name="record.txt")


def leftovers(store: FolderStore) -> list[Path]:
    return list(store.temporary.glob("*"))


def age(path: Path, moment: datetime) -> None:
    os.utime(path, (moment.timestamp(), moment.timestamp()))


def test_what_was_put_can_be_opened(store):
    kept = put(store)
    assert (kept.sha256, kept.size, kept.media_type) == (NAME, len(CONTENT), "text/plain")
    with store.open(NAME) as stream:
        assert stream.read() == CONTENT
    assert store.path(NAME) == store.folder / NAME[:2] / NAME[2:4] / NAME
    assert store.path(NAME).stat().st_mode & 0o777 == 0o440
    assert list(store.stored()) == [NAME]
    assert leftovers(store) == []


def test_the_same_bytes_are_kept_once(store):
    assert put(store) == put(store)
    with ThreadPoolExecutor(8) as threads:
        assert {kept.sha256 for kept in threads.map(lambda _: put(store), range(40))} == {NAME}
    assert list(store.stored()) == [NAME]
    assert leftovers(store) == []


def test_bytes_then_name_then_folders_are_flushed_in_this_order(store, monkeypatch):
    """A power cut between any two of these steps leaves no name that points at missing bytes."""
    seen: list[str] = []
    flush, link = os.fsync, os.link

    def fsync(handle: int) -> None:
        seen.append(Path(f"/proc/self/fd/{handle}").readlink().name.rpartition(".")[2])
        flush(handle)

    def named(source, target) -> None:
        seen.append("named")
        link(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "link", named)
    put(store)
    assert seen == ["part", "named", NAME[2:4], NAME[:2], "store"]


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize(("number", "raised"), [(errno.EIO, Busy), (errno.ENOSPC, NoSpace), (errno.EDQUOT, NoSpace)])
def test_a_flush_that_fails_is_never_a_success(store, monkeypatch, which, number, raised):
    calls, flush = [], os.fsync

    def fsync(handle: int) -> None:
        calls.append(handle)
        if len(calls) == which + 1:
            raise OSError(number, os.strerror(number))
        flush(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(raised):
        put(store)
    assert leftovers(store) == []
    if which == 0:
        assert list(store.stored()) == []
    monkeypatch.undo()
    assert put(store).sha256 == NAME
    assert store.verify(NAME)


@pytest.mark.parametrize("call", ["open", "link"])
def test_a_full_disk_is_said_to_be_full_and_heals_by_itself(store, monkeypatch, call):
    put(store, b"what was there before")
    plain = getattr(os, call)

    def full(path, *rest):
        if str(path).endswith(".part"):
            raise OSError(errno.ENOSPC, "no space")
        return plain(path, *rest)

    monkeypatch.setattr(os, call, full)
    with pytest.raises(NoSpace) as refusal:
        put(store)
    assert refusal.value.status == 507
    assert leftovers(store) == []
    assert len(list(store.stored())) == 1
    monkeypatch.undo()
    assert put(store).sha256 == NAME


def test_a_disk_that_really_fills_up(store):
    """The system itself refuses to write more than a megabyte to a file of this process."""
    script = (
        "import io, resource, signal, sys, pathlib\n"
        "from campaign.evidence.store_folder import FolderStore\n"
        "from campaign.errors import Busy\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"
        "store = FolderStore(pathlib.Path(sys.argv[1]))\n"
        "try:\n    store.put(io.BytesIO(b'x' * 2_000_000), name='a.txt')\n"
        "except Busy:\n    sys.exit(0 if not list(store.temporary.iterdir()) and not list(store.stored()) else 3)\n"
        "sys.exit(4)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(store.folder)], capture_output=True).returncode == 0


class Endless(io.RawIOBase):
    """A sender who never stops."""

    given = 0

    def read(self, size: int = -1) -> bytes:
        self.given += size
        return b"x" * size


def test_too_large_is_refused_while_it_comes_in(store):
    sender = Endless()
    with pytest.raises(Invalid) as refusal:
        store.put(sender, name="a.txt")
    assert refusal.value.status == 413
    assert sender.given < LARGEST + 1024 * 1024
    assert leftovers(store) == []
    assert list(store.stored()) == []


def test_a_sender_who_breaks_off_leaves_nothing(store):
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise ConnectionResetError

    with pytest.raises(Busy):
        store.put(Broken(), name="a.txt")
    assert leftovers(store) == []


def test_a_flipped_bit_is_never_served_and_heals_when_the_bytes_come_again(store):
    put(store)
    other = put(store, b"another file").sha256
    path = store.path(NAME)
    path.chmod(0o640)
    rotten = bytearray(CONTENT)
    rotten[7] ^= 1
    path.write_bytes(rotten)
    with pytest.raises(Damaged):
        store.open(NAME)
    assert not store.verify(NAME)
    assert store.verify(other)
    put(store)
    assert store.verify(NAME)


def test_a_missing_file_is_damaged_too(store):
    put(store)
    store.path(NAME).unlink()
    with pytest.raises(Damaged) as refusal:
        store.open(NAME)
    assert refusal.value.status == 503


@pytest.mark.parametrize(
    "name", ["", "..", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "\n", "a/" * 32, "\0" * 64]
)
def test_only_a_hash_is_a_name(store, name):
    with pytest.raises(ValueError, match="SHA-256"):
        store.open(name)


def test_a_link_that_leads_out_of_the_store_is_not_followed(store, tmp_path):
    outside = tmp_path / "outside"
    (outside / NAME[2:4]).mkdir(parents=True)
    (outside / NAME[2:4] / NAME).write_bytes(CONTENT)
    store.folder.mkdir()
    (store.folder / NAME[:2]).symlink_to(outside)
    with pytest.raises(ValueError, match="outside"):
        store.open(NAME)
    (store.folder / NAME[:2]).unlink()
    store.path(NAME).parent.mkdir(parents=True)
    store.path(NAME).symlink_to(outside / NAME[2:4] / NAME)
    with pytest.raises(Busy):
        store.open(NAME)


def test_a_sender_that_is_killed_at_any_moment_leaves_only_whole_files(store):
    """Kept files are always whole; what was under way lies in the temporary folder and is swept an hour later."""
    script = (
        "import io, os, pathlib, sys\n"
        "from campaign.evidence.store_folder import FolderStore\n"
        "store = FolderStore(pathlib.Path(sys.argv[1]))\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    print(store.put(io.BytesIO(os.urandom(50).hex().encode() * 9_000), name='a.txt').sha256, flush=True)\n"
    )
    answered: set[str] = set()
    for turn in range(6):
        sender = subprocess.Popen([sys.executable, "-c", script, str(store.folder)], stdout=subprocess.PIPE, text=True)
        assert sender.stdout.readline() == "ready\n"
        time.sleep(0.05 + turn * 0.013)
        sender.send_signal(signal.SIGKILL)
        rest, _ = sender.communicate()
        answered |= {line for line in rest.split("\n") if len(line) == 64}
    assert answered
    assert answered <= set(store.stored())
    assert all(store.verify(name) for name in store.stored())
    later = datetime.fromtimestamp(time.time(), UTC) + timedelta(hours=2)
    store.sweep(now=later)
    assert leftovers(store) == []


def test_sweeping_leaves_what_may_still_be_under_way(store, now):
    put(store)
    for minutes in (10, 59, 61, 600):
        path = store.temporary / f"{minutes}.part"
        path.write_bytes(b"x")
        age(path, now - timedelta(minutes=minutes))
    assert store.sweep(now=now) == 2
    assert {path.name for path in leftovers(store)} == {"10.part", "59.part"}
    assert list(store.stored()) == [NAME]


def test_only_what_is_old_is_discarded(store, now):
    put(store)
    assert not store.discard(NAME, kept_before=LONG_AGO)
    age(store.path(NAME), LONG_AGO)
    put(store)  # kept again: young again
    assert not store.discard(NAME, kept_before=LONG_AGO + timedelta(days=1))
    age(store.path(NAME), LONG_AGO)
    assert store.discard(NAME, kept_before=LONG_AGO + timedelta(days=1))
    assert not store.discard(NAME, kept_before=now)
    assert list(store.stored()) == []


def test_what_is_sent_again_while_it_is_discarded_stays(store, monkeypatch):
    put(store)
    age(store.path(NAME), LONG_AGO)
    plain = Path.rename

    def slow(self: Path, target: Path) -> Path:
        put(store)  # somebody sends the same bytes between the look at the age and the taking away
        return plain(self, target)

    monkeypatch.setattr(Path, "rename", slow)
    assert not store.discard(NAME, kept_before=LONG_AGO + timedelta(days=1))
    assert store.verify(NAME)
    assert leftovers(store) == []


def test_a_picture_is_known_by_its_looks(store):
    assert store.put(io.BytesIO(picture("PNG")), name="photo.jpg").media_type == "image/png"


def test_a_store_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "store").write_text("a file where the folder should be")
    with pytest.raises(Busy):
        FolderStore(tmp_path / "store").ready()
    FolderStore(tmp_path / "other").ready()
    assert list((tmp_path / "other" / "tmp").iterdir()) == []
