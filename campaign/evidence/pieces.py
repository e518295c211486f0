"""Files that come in pieces: each piece lies where every web machine finds it, until the file is whole and evidence.

A piece counts when it is durable. Where it belongs must be the end of what is there, so a piece that comes twice, or
too early, changes nothing: the sender is told how much there is and goes on from there. Where the home of evidence is a
folder, pieces lie below its `tmp`; where it is a bucket, they lie in it (`pieces_bucket.py`).
"""

import fcntl
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from .store import digest_of, told

PIECE = 256 * 1024  # what a phone sends at first
LARGEST_PIECE = 1024 * 1024
HALF_AGE = timedelta(days=1)  # a phone that was without a network for a day begins anew
NAME = re.compile(r"[0-9a-f-]{36}")


class Pieces(ABC):
    """Where files lie while they come in, each under the id of its upload. Everything may raise Busy."""

    @abstractmethod
    def received(self, name: str) -> int:
        """How many bytes of that file are safe; 0 when nothing is."""

    @abstractmethod
    def add(self, name: str, offset: int, piece: bytes, size: int) -> int:
        """Adds a piece that belongs at this offset, and says how many bytes are safe now. A piece that does not fit to
        what is there, or would make more than `size` bytes, is left out. Raises NoSpace."""

    @abstractmethod
    def whole(self, name: str, sha256: str, size: int) -> AbstractContextManager[IO[bytes] | None]:
        """The file, when it is all there and its bytes give that hash; None when it is not. Wrong bytes are thrown
        away: then there is nothing to go on from."""

    @abstractmethod
    def forget(self, name: str) -> None:
        """Removes what is there of that file."""

    @abstractmethod
    def sweep(self, *, now: datetime) -> int:
        """Removes what nobody has added to for a day; the number of files removed."""

    @abstractmethod
    def left(self, *, now: datetime) -> list[str]:
        """The names of what the sweep should have removed long ago."""


class FolderPieces(Pieces):
    """Each file grows in a folder; a piece is flushed to the disk before it counts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def received(self, name: str) -> int:
        """The length of the file, not a number in a row: the two could disagree after a crash."""
        with told():
            try:
                return self._path(name).stat().st_size
            except FileNotFoundError:
                return 0

    def add(self, name: str, offset: int, piece: bytes, size: int) -> int:
        """At the end of the file, which nobody else writes meanwhile."""
        path = self._path(name)
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
    def whole(self, name: str, sha256: str, size: int) -> Iterator[IO[bytes] | None]:
        """The file itself."""
        file = _opened(self._path(name))
        if file is None:
            yield None
            return
        with file:
            digest = digest_of(file)
            there = file.tell()
            file.seek(0)
            if there >= size and digest != sha256:
                self.forget(name)
            yield file if there == size and digest == sha256 else None

    def forget(self, name: str) -> None:
        """Removes the file."""
        with told(), suppress(FileNotFoundError):
            self._path(name).unlink()

    def sweep(self, *, now: datetime) -> int:
        """By the age of the last piece."""
        removed = 0
        with told():
            for path in list(self.folder.glob("*")):
                with suppress(FileNotFoundError):
                    if path.stat().st_mtime < (now - HALF_AGE).timestamp():
                        path.unlink()
                        removed += 1
        return removed

    def left(self, *, now: datetime) -> list[str]:
        """What is twice as old as it may become."""
        with told():
            old = (now - 2 * HALF_AGE).timestamp()
            return sorted(path.name for path in self.folder.glob("*") if path.stat().st_mtime < old)

    def _path(self, name: str) -> Path:
        return self.folder / named(name)


def named(name: str) -> str:
    """The id itself. ValueError for whatever is none: only ids become names."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} names no upload")
    return name


def _opened(path: Path) -> IO[bytes] | None:
    with told():
        try:
            return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb")
        except FileNotFoundError:
            return None
