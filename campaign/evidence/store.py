"""The evidence store: every file is kept under the SHA-256 of its bytes, in one of two homes: a folder or a bucket.

The order that makes a kept file safe, in both: write to a temporary file here, hash while writing, look inside, give
it its name where it stays, make that durable; only then does the caller commit the row. A crash at any point leaves at
most a file that no row knows, never a row without its file. Tidying removes such files later.
"""

import errno
import hashlib
import logging
import os
import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..errors import Busy, CampaignError, NoSpace, say
from . import refusals
from .inspection import LARGEST, SIZE_LIMIT, inspect

if TYPE_CHECKING:
    from .pieces import Pieces
    from .shelf import Shelf

__all__ = ["LARGEST", "SIZE_LIMIT"]

CHUNK = 256 * 1024
LEFTOVER_AGE = timedelta(hours=1)  # no upload takes longer; what is older was broken off
HASH = re.compile(r"[0-9a-f]{64}")
FULL = (errno.ENOSPC, errno.EDQUOT)
MISSING = "is missing"
ROTTEN = "does not hold the bytes it is named by"
log = logging.getLogger(__name__)


class Damaged(CampaignError):
    """The bytes of a kept file are gone or are no longer what they were. Never served; `check` lists it."""

    status = 503


@dataclass(frozen=True)
class Stored:
    """A kept file: its name in the store, its size in bytes, and what it was found to be."""

    sha256: str
    size: int
    media_type: str


@dataclass(frozen=True)
class Part:
    """A file on its way in: where it lies for now, the hash of its bytes and how many these are."""

    path: Path
    sha256: str
    size: int


class Store(ABC):
    """A home of kept files. `temporary` and `cache` are folders of this machine in either: what is under way, and what
    can be made again. `pieces`: where files lie that are still coming in; `shelf`: where those lie that the product
    makes itself."""

    pieces: "Pieces"
    shelf: "Shelf"

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.temporary = self.folder / "tmp"
        self.cache = self.folder / "cache"

    def put(self, stream: IO[bytes], *, name: str = "") -> Stored:
        """Keeps what the stream holds; the same bytes again are kept once. Durable when it returns.

        `name` is the name the sender gave: it is judged, never used as a path. Raises Invalid (413 too large,
        415 not accepted), NoSpace, or Busy; then nothing was kept.
        """
        with told(), self._taken_in(stream) as part:
            media_type = inspect(part.path, name)
            self._keep(part)
        return Stored(part.sha256, part.size, media_type)

    def take(self, stream: IO[bytes], sha256: str) -> None:
        """Keeps what another home has kept under that hash, as durably as `put`; it was looked into when it came in.

        Raises Damaged when the stream holds other bytes, NoSpace or Busy; then nothing was kept.
        """
        with told(), self._taken_in(stream) as part:
            if part.sha256 != sha256:
                raise damaged(sha256, ROTTEN)
            self._keep(part)

    @abstractmethod
    def open(self, sha256: str) -> IO[bytes]:
        """The kept bytes, for reading, after all of them were verified. Raises Damaged when they are not intact, Busy
        when the store is away, ValueError for what is no hash."""

    @abstractmethod
    def fault(self, sha256: str) -> str:
        """What is wrong with that file, after reading all of it: MISSING, ROTTEN, or nothing. Raises Busy."""

    @abstractmethod
    def size_of(self, sha256: str) -> int | None:
        """How many bytes lie there under that hash, without reading them; None when there is no such file. Raises
        Busy."""

    @abstractmethod
    def stored(self, *, kept_before: datetime | None = None) -> Iterator[str]:
        """The hash of every kept file, or of those that were last kept before that instant, each once. Raises Busy."""

    @abstractmethod
    def discard(self, sha256: str, *, kept_before: datetime) -> bool:
        """Removes a file that no row knows, if it was last kept before that instant; whether it was removed.

        An upload of the same bytes at the same moment is safe, as long as its row follows within a day.
        """

    @abstractmethod
    def ready(self) -> None:
        """Proves, quickly, that the store can be reached and written to. Raises NoSpace or Busy."""

    @abstractmethod
    def begin(self) -> None:
        """Asked once, when a process starts to serve. Raises ConfigError for what no waiting would heal."""

    @abstractmethod
    def _keep(self, part: Part) -> None:
        """Gives the part its final name, which is only ever created, and makes that durable."""

    def verify(self, sha256: str) -> bool:
        """Whether the file is there and its bytes are what its name says. Raises Busy."""
        return not self.fault(sha256)

    def lacking(self, sizes: Mapping[str, int]) -> list[str]:
        """The hashes under which there are not as many bytes as were kept. Raises Busy when it cannot tell."""
        return [sha256 for sha256, size in sizes.items() if self.size_of(sha256) != size]

    def demand(self, sizes: Mapping[str, int]) -> None:
        """Proves that as many bytes lie under each hash as were kept. Raises Damaged, or Busy when it cannot tell."""
        for sha256 in self.lacking(sizes):
            raise damaged(sha256, "does not lie there with its size")

    def cached(self, sha256: str, kind: str) -> Path:
        """Where the small copy of that kind lies, or will lie."""
        return self.cache / kind / f"{hashed(sha256)}.jpg"

    def sweep(self, *, now: datetime) -> int:
        """Removes temporary files of uploads that were broken off; the number of files removed."""
        return self._sweep((now - LEFTOVER_AGE).timestamp())

    def _sweep(self, before: float) -> int:
        removed = 0
        with told():
            for part in self.temporary.glob("*"):
                with suppress(FileNotFoundError):
                    if part.is_file() and part.stat().st_mtime < before:
                        part.unlink()
                        removed += 1
        return removed

    def _forget_copies(self, sha256: str) -> None:
        for copy in self.cache.glob(f"*/{sha256}.jpg"):
            copy.unlink(missing_ok=True)

    def _prove_temporary(self) -> None:
        self.temporary.mkdir(mode=0o750, parents=True, exist_ok=True)
        probe = self.temporary / f"{secrets.token_hex(16)}.probe"
        try:
            probe.write_bytes(b"ready")
        finally:
            probe.unlink(missing_ok=True)

    @contextmanager
    def _taken_in(self, stream: IO[bytes]) -> Iterator[Part]:
        """What the stream holds as a temporary file, flushed to the disk; gone when the block is left."""
        self.temporary.mkdir(mode=0o750, parents=True, exist_ok=True)
        path = self.temporary / f"{secrets.token_hex(16)}.part"
        try:
            yield _write(stream, path)
        finally:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def hashed(sha256: str) -> str:
    """The hash itself. ValueError for whatever is none: only hashes become names."""
    if not HASH.fullmatch(sha256):
        raise ValueError(f"{sha256!r} is not a SHA-256 in hexadecimal")
    return sha256


def digest_of(stream: IO[bytes]) -> str:
    """The hash of all that the stream holds."""
    digest = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def damaged(sha256: str, what: str) -> Damaged:
    """The refusal to show that file, logged with its name."""
    log.error("the kept file %s %s", sha256, what)
    return Damaged(say("This file is damaged or missing in the archive. Please tell the administrator."))


def away() -> Busy:
    """What the reader is told when the store does not answer."""
    return Busy(say("The file archive cannot be reached just now. Nothing was saved; please try again."))


def full() -> NoSpace:
    """What the reader is told when there is no room."""
    return NoSpace(say("There is no room left to keep files. Nothing was saved; please tell the administrator."))


def flush_folder(folder: Path) -> None:
    """Makes the names in that folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def told() -> Iterator[None]:
    """Turns what the system says of the disk into what the reader is told."""
    try:
        yield
    except OSError as error:
        log.exception("the evidence store failed")
        raise (full() if error.errno in FULL else away()) from error


def _write(stream: IO[bytes], path: Path) -> Part:
    """Copies the stream to a new file and flushes it to the disk."""
    digest, size = hashlib.sha256(), 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o440), "wb") as target:
        while chunk := stream.read(CHUNK):
            size += len(chunk)
            if size > LARGEST:
                raise refusals.too_large(LARGEST // (1024 * 1024))
            digest.update(chunk)
            target.write(chunk)
        target.flush()
        os.fsync(target.fileno())
    return Part(path, digest.hexdigest(), size)
