"""The evidence store as a folder: `aa/bb/<sha256>`, flushed to the disk, each name only ever created."""

import errno
import os
import secrets
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO

from .pieces import FolderPieces
from .shelf import FOLDER, FolderShelf
from .store import HASH, MISSING, ROTTEN, Damaged, Part, Store, damaged, digest_of, flush_folder, hashed, told

NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EMLINK)


class FolderStore(Store):
    """The folder of kept files; `tmp` holds uploads under way, `cache` what can be made again."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.pieces = FolderPieces(self.temporary / "pieces")
        self.shelf = FolderShelf(self.folder / FOLDER)

    def open(self, sha256: str) -> IO[bytes]:
        """The kept bytes, for reading, after all of them were verified. Raises Damaged when they are not intact."""
        with told():
            try:
                stream = os.fdopen(os.open(self.path(sha256), os.O_RDONLY | os.O_NOFOLLOW), "rb")
            except FileNotFoundError:
                raise damaged(sha256, MISSING) from None
            try:
                if digest_of(stream) != sha256:
                    raise damaged(sha256, ROTTEN)
                stream.seek(0)
            except BaseException:
                stream.close()
                raise
        return stream

    def fault(self, sha256: str) -> str:
        """What is wrong with that file, after reading all of it: MISSING, ROTTEN, or nothing."""
        try:
            self.open(sha256).close()
        except Damaged:
            return ROTTEN if self.path(sha256).exists() else MISSING
        return ""

    def size_of(self, sha256: str) -> int | None:
        """How many bytes lie there under that hash, without reading them; None when there is no such file."""
        with told():
            try:
                return self.path(sha256).stat(follow_symlinks=False).st_size
            except FileNotFoundError:
                return None

    def stored(self, *, kept_before: datetime | None = None) -> Iterator[str]:
        """The hash of every kept file, or of those that were last kept before that instant, in order."""
        pattern = "[0-9a-f]" * 2
        for path in sorted(self.folder.glob(f"{pattern}/{pattern}/*")):
            if HASH.fullmatch(path.name) and (kept_before is None or _kept_before(path, kept_before)):
                yield path.name

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
            self._forget_copies(sha256)
        return True

    def ready(self) -> None:
        """Proves that the store can be written to. Raises NoSpace or Busy."""
        with told():
            self._prove_temporary()

    def begin(self) -> None:
        """A folder refuses nothing for good: what is wrong with it, `ready` says."""

    def path(self, sha256: str) -> Path:
        """Where the file of that hash lies. ValueError for whatever is no hash or would lie outside the store."""
        path = self.folder / hashed(sha256)[:2] / sha256[2:4] / sha256
        if not path.parent.resolve().is_relative_to(self.folder):
            raise ValueError(f"{sha256} would lie outside the store")
        return path

    def _keep(self, part: Part) -> None:
        self._name(part.path, part.sha256)

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
            flush_folder(folder)


def _kept_before(path: Path, moment: datetime) -> bool:
    try:
        return path.stat().st_mtime < moment.timestamp()
    except FileNotFoundError:
        return False


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
