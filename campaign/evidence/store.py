"""The evidence store: a folder in which every file is named by the SHA-256 of its bytes.

The order that makes a kept file safe: write to a temporary file inside the store, hash while writing, flush to disk,
look inside, give it its name, flush the folders; only then does the caller commit the row. A crash at any point
leaves at most a file that no row knows, never a row without its file. Tidying removes such files later.
"""

import errno
import hashlib
import logging
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from ..errors import Busy, CampaignError, NoSpace, say
from . import refusals
from .inspection import inspect

SIZE_LIMIT = 20 * 1024 * 1024
CHUNK = 256 * 1024
LEFTOVER_AGE = timedelta(hours=1)  # no upload takes longer; what is older was broken off
HASH = re.compile(r"[0-9a-f]{64}")
FULL = (errno.ENOSPC, errno.EDQUOT)
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EMLINK)
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


class Store:
    """The folder of kept files, `aa/bb/<sha256>`; `tmp` holds uploads under way, `cache` what can be made again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.temporary = self.folder / "tmp"
        self.cache = self.folder / "cache"

    def put(self, stream: IO[bytes], *, name: str = "") -> Stored:
        """Keeps what the stream holds; the same bytes again are kept once. Durable when it returns.

        `name` is the name the sender gave: it is judged, never used as a path. Raises Invalid (413 too large,
        415 not accepted), NoSpace, or Busy; then nothing was kept.
        """
        with told():
            self.temporary.mkdir(mode=0o750, parents=True, exist_ok=True)
            part = self.temporary / f"{secrets.token_hex(16)}.part"
            try:
                sha256, size = _write(stream, part)
                media_type = inspect(part, name)
                self._name(part, sha256)
            finally:
                with suppress(OSError):
                    part.unlink(missing_ok=True)
        return Stored(sha256, size, media_type)

    def open(self, sha256: str) -> IO[bytes]:
        """The kept bytes, for reading, after all of them were verified. Raises Damaged when they are not intact."""
        with told():
            try:
                stream = os.fdopen(os.open(self.path(sha256), os.O_RDONLY | os.O_NOFOLLOW), "rb")
            except FileNotFoundError:
                raise _damaged(sha256, "is missing") from None
            try:
                if _hash(stream) != sha256:
                    raise _damaged(sha256, "does not hold the bytes it is named by")
                stream.seek(0)
            except BaseException:
                stream.close()
                raise
        return stream

    def verify(self, sha256: str) -> bool:
        """Whether the file is there and its bytes are what its name says."""
        try:
            self.open(sha256).close()
        except Damaged:
            return False
        return True

    def cached(self, sha256: str, kind: str) -> Path:
        """Where the small copy of that kind lies, or will lie."""
        return self.cache / kind / f"{self.path(sha256).name}.jpg"

    def stored(self) -> Iterator[str]:
        """The hash of every kept file, in order."""
        pattern = "[0-9a-f]" * 2
        for path in sorted(self.folder.glob(f"{pattern}/{pattern}/*")):
            if HASH.fullmatch(path.name):
                yield path.name

    def sweep(self, *, now: datetime) -> int:
        """Removes temporary files of uploads that were broken off; the number of files removed."""
        removed = 0
        with told():
            for part in self.temporary.glob("*"):
                with suppress(FileNotFoundError):
                    if part.is_file() and now.timestamp() - part.stat().st_mtime > LEFTOVER_AGE.total_seconds():
                        part.unlink()
                        removed += 1
        return removed

    def discard(self, sha256: str, *, kept_before: datetime) -> bool:
        """Removes a file that no row knows, if it was last kept before that instant; whether it was removed.

        The file is taken aside first and its age looked at then: an upload of the same bytes at the same moment
        either renews the age, and the file goes back, or finds the name free, and keeps its own copy.
        """
        path, aside = self.path(sha256), self.temporary / f"{secrets.token_hex(16)}.orphan"
        with told():
            self.temporary.mkdir(mode=0o750, parents=True, exist_ok=True)
            try:
                if path.stat().st_mtime >= kept_before.timestamp():
                    return False
                path.rename(aside)
            except FileNotFoundError:
                return False
            if aside.stat().st_mtime >= kept_before.timestamp():
                self._name(aside, sha256)
                aside.unlink(missing_ok=True)
                return False
            aside.unlink()
            for copy in self.cache.glob(f"*/{sha256}.jpg"):
                copy.unlink(missing_ok=True)
        return True

    def ready(self) -> None:
        """Proves that the store can be written to. Raises NoSpace or Busy."""
        with told():
            self.temporary.mkdir(mode=0o750, parents=True, exist_ok=True)
            probe = self.temporary / f"{secrets.token_hex(16)}.probe"
            try:
                probe.write_bytes(b"ready")
            finally:
                probe.unlink(missing_ok=True)

    def path(self, sha256: str) -> Path:
        """Where the file of that hash lies. ValueError for whatever is no hash or would lie outside the store."""
        if not HASH.fullmatch(sha256):
            raise ValueError(f"{sha256!r} is not a SHA-256 in hexadecimal")
        path = self.folder / sha256[:2] / sha256[2:4] / sha256
        if not path.parent.resolve().is_relative_to(self.folder):
            raise ValueError(f"{sha256} would lie outside the store")
        return path

    def _name(self, part: Path, sha256: str) -> None:
        """Gives the flushed temporary file its final name, which is only ever created, and makes the name durable."""
        path = self.path(sha256)
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        while True:
            try:
                _link(part, path)
            except FileExistsError:
                try:
                    os.utime(path)  # kept again just now: too young to be tidied away
                    if not self.verify(sha256):
                        part.replace(path)  # the kept copy had rotted, and here are the true bytes
                except FileNotFoundError:
                    continue  # tidied away in this very moment
            break
        for folder in (path.parent, path.parent.parent, self.folder):
            _flush_folder(folder)


def _write(stream: IO[bytes], part: Path) -> tuple[str, int]:
    """Copies the stream to a new file and flushes it to the disk; its hash and size."""
    digest, size = hashlib.sha256(), 0
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o440), "wb") as target:
        while chunk := stream.read(CHUNK):
            size += len(chunk)
            if size > SIZE_LIMIT:
                raise refusals.too_large(SIZE_LIMIT // (1024 * 1024))
            digest.update(chunk)
            target.write(chunk)
        target.flush()
        os.fsync(target.fileno())
    return digest.hexdigest(), size


def _link(part: Path, path: Path) -> None:
    """Creates the name; FileExistsError when it is taken. Where links are unknown, a rename of the same bytes."""
    try:
        os.link(part, path)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        if path.exists():
            raise FileExistsError(path) from error
        part.rename(path)


def _hash(stream: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _damaged(sha256: str, what: str) -> Damaged:
    log.error("the kept file %s %s", sha256, what)
    return Damaged(say("This file is damaged or missing in the archive. Please tell the administrator."))


@contextmanager
def told() -> Iterator[None]:
    """Turns what the system says of the disk into what the reader is told."""
    try:
        yield
    except OSError as error:
        log.exception("the evidence store failed")
        if error.errno in FULL:
            raise NoSpace(
                say("There is no room left to keep files. Nothing was saved; please tell the administrator.")
            ) from error
        raise Busy(say("The file archive cannot be reached just now. Nothing was saved; please try again.")) from error
