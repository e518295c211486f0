"""Files that come in pieces: each lies below `tmp/pieces` of this machine until it is whole, and then becomes evidence.

A piece counts when it is flushed to the disk. Where it belongs must be the end of what is there, so a piece that comes
twice, or too early, changes nothing: the sender is told how much there is and goes on from there.
"""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from .store import Store, digest_of, told

PIECE = 256 * 1024  # what a phone sends at first
LARGEST_PIECE = 1024 * 1024
HALF_AGE = timedelta(days=1)  # a phone that was without a network for a day begins anew
NAME = re.compile(r"[0-9a-f-]{36}")


def received(store: Store, name: str) -> int:
    """How many bytes of that file are safe here; 0 when nothing is. Raises Busy."""
    with told():
        try:
            return _path(store, name).stat().st_size
        except FileNotFoundError:
            return 0


def add(store: Store, name: str, offset: int, piece: bytes, size: int) -> int:
    """Adds a piece that belongs at this offset, and says how many bytes are safe now. A piece that does not fit to
    what is there, or would make more than `size` bytes, is left out. Raises NoSpace or Busy."""
    path = _path(store, name)
    with told():
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o640), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # the same piece, sent again while the first is still being written
            there = os.fstat(file.fileno()).st_size
            if offset != there or there + len(piece) > size or not piece:
                return there
            file.seek(there)
            try:
                file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                os.ftruncate(file.fileno(), there)  # a disk that is full keeps what was safe, not half a piece
                raise
            return there + len(piece)


@contextmanager
def whole(store: Store, name: str, sha256: str, size: int) -> Iterator[IO[bytes] | None]:
    """The file, when it is all there and its bytes give that hash; None when it is not. Wrong bytes are thrown away:
    then there is nothing to go on from. Raises Busy."""
    file = _opened(_path(store, name))
    if file is None:
        yield None
        return
    with file:
        digest = digest_of(file)
        there = file.tell()
        file.seek(0)
        if there >= size and digest != sha256:
            forget(store, name)
        yield file if there == size and digest == sha256 else None


def forget(store: Store, name: str) -> None:
    """Removes what is there of that file."""
    with told(), suppress(FileNotFoundError):
        _path(store, name).unlink()


def sweep(store: Store, *, now: datetime) -> int:
    """Removes what nobody has added to for a day; the number of files removed."""
    removed = 0
    with told():
        for path in list(_folder(store).glob("*")):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < (now - HALF_AGE).timestamp():
                    path.unlink()
                    removed += 1
    return removed


def left(store: Store, *, now: datetime) -> list[str]:
    """The names of what the sweep should have removed long ago."""
    with told():
        old = (now - 2 * HALF_AGE).timestamp()
        return sorted(path.name for path in _folder(store).glob("*") if path.stat().st_mtime < old)


def _opened(path: Path) -> IO[bytes] | None:
    with told():
        try:
            return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb")
        except FileNotFoundError:
            return None


def _folder(store: Store) -> Path:
    return store.temporary / "pieces"


def _path(store: Store, name: str) -> Path:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} names no upload")
    return _folder(store) / name
