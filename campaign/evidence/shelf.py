"""Files that the product makes itself, archives of ledgers: kept where every machine finds them, whole or not at all.

None of them is evidence: no version names one, and each can be made again. Where the home of evidence is a folder they
lie below its `archives`; where it is a bucket, in it (`shelf_bucket.py`).
"""

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO

from ..errors import say
from .store import Damaged, digest_of, flush_folder, log, told

FOLDER = "archives"
NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]*")
Beat = Callable[[], None]


class Shelf(ABC):
    """Where such files lie, each under a name that is used once. Everything may raise Busy."""

    @abstractmethod
    def keep(self, name: str, made: Path, *, beat: Beat) -> None:
        """Keeps a file that was made on this machine, which is gone from its place then. Durable when it returns; cut
        off at any point, nobody finds half of it under a name that a row knows. `beat` is called now and then. Raises
        NoSpace."""

    @abstractmethod
    def open(self, name: str, sha256: str) -> IO[bytes]:
        """The file, for reading, after all of it was verified. Raises Damaged when it is not intact."""

    @abstractmethod
    def forget(self, name: str) -> None:
        """Removes the file of that name, if there is one."""

    @abstractmethod
    def names(self, *, before: datetime) -> list[str]:
        """The names of what was last written before that instant, halves of what never became whole among them."""

    def sweep(self, known: Callable[[Collection[str]], Collection[str]], *, before: datetime) -> int:
        """Removes what was last written before that instant and whose name is not known; how many names."""
        names = self.names(before=before)
        unknown = sorted(set(names) - set(known(names))) if names else []
        for name in unknown:
            self.forget(name)
        return len(unknown)


class FolderShelf(Shelf):
    """A file for each, named when it is whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, name: str, made: Path, *, beat: Beat) -> None:
        """Flushed, then renamed: both lie in the same home."""
        path = self._path(name)
        with told():
            path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            with made.open("rb") as file:
                os.fsync(file.fileno())
            beat()
            made.replace(path)
            flush_folder(path.parent)

    def open(self, name: str, sha256: str) -> IO[bytes]:
        """The file itself."""
        with told():
            try:
                stream = os.fdopen(os.open(self._path(name), os.O_RDONLY | os.O_NOFOLLOW), "rb")
            except FileNotFoundError:
                raise gone(name) from None
            try:
                if digest_of(stream) != sha256:
                    raise gone(name)
                stream.seek(0)
            except BaseException:
                stream.close()
                raise
        return stream

    def forget(self, name: str) -> None:
        """Removes the file."""
        with told(), suppress(FileNotFoundError):
            self._path(name).unlink()

    def names(self, *, before: datetime) -> list[str]:
        """By the time of its last change."""
        found = []
        with told():
            for path in sorted(self.folder.glob("*")):
                with suppress(FileNotFoundError):
                    if NAME.fullmatch(path.name) and path.stat().st_mtime < before.timestamp():
                        found.append(path.name)
        return found

    def _path(self, name: str) -> Path:
        return self.folder / plain(name)


def plain(name: str) -> str:
    """The name itself. ValueError for whatever would lie elsewhere."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} names no archive")
    return name


def gone(name: str) -> Damaged:
    """The refusal to give out that file, logged with its name."""
    log.error("the archive %s is missing or does not hold the bytes it was made of", name)
    return Damaged(say("This archive is damaged or gone. Please ask for it once more."))
