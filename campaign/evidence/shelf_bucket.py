"""Archives in the bucket: `prefix/archives/<name>/<offset>-<length>`, one object for each eight megabytes.

So an archive of any size goes up in small steps, each of them with a sign of life, and no server's bound on one request
matters. What a dead maker has left has a name that no row knows, and is swept.
"""

import hashlib
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

from .shelf import FOLDER, NAME, Beat, Shelf, gone, plain
from .store import away, log, told

if TYPE_CHECKING:
    from .store_bucket import BucketStore

PART = 8 * 1024 * 1024


class BucketShelf(Shelf):
    """Archives in the bucket of that store."""

    def __init__(self, store: "BucketStore") -> None:
        self.store = store

    def keep(self, name: str, made: Path, *, beat: Beat) -> None:
        """Part by part, each read back before the next one."""
        offset = 0
        with told(), made.open("rb") as file:
            while part := file.read(PART):
                key = f"{FOLDER}/{plain(name)}/{offset:015d}-{len(part)}"
                self.store.put_bytes(key, part)
                if self.store.get_bytes(self.store.bucket.prefix + key) != part:
                    log.error("the evidence bucket gave back other bytes than it was sent for %s", name)
                    raise away()
                offset += len(part)
                beat()
        with told():
            made.unlink()

    def open(self, name: str, sha256: str) -> IO[bytes]:
        """Put together in a nameless file of this machine."""
        with told():
            Path(self.store.temporary).mkdir(mode=0o750, parents=True, exist_ok=True)
            file: IO[bytes] = tempfile.TemporaryFile(dir=self.store.temporary)  # noqa: SIM115  the caller closes it
        try:
            digest = hashlib.sha256()
            for key, _at in self._parts(f"{plain(name)}/"):
                content = self.store.get_bytes(key)
                digest.update(content)
                with told():
                    file.write(content)
            if digest.hexdigest() != sha256:
                raise gone(name)
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return file

    def forget(self, name: str) -> None:
        """Removes its objects."""
        self.store.delete_keys([key for key, _at in self._parts(f"{plain(name)}/")])

    def names(self, *, before: datetime) -> list[str]:
        """By the time of the last part of each."""
        last: dict[str, datetime] = {}
        for key, at in self._parts(""):
            name = key.rpartition(f"{FOLDER}/")[2].partition("/")[0]
            last[name] = max(at, last.get(name, at))
        return sorted(name for name, at in last.items() if at < before and NAME.fullmatch(name))

    def _parts(self, below: str) -> Iterator[tuple[str, datetime]]:
        yield from self.store.listed(f"{FOLDER}/{below}")
