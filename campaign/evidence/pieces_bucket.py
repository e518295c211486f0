"""Files that come in pieces, in the bucket: `prefix/pieces/<id>/<offset>-<length>`, one object for each piece.

Every web machine sees the same, so a phone may be answered by another one with each piece. What is there is what the
objects themselves say: those that follow one another from the first byte on.
"""

import hashlib
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

from .pieces import HALF_AGE, FolderPieces, Pieces, named
from .store import told

if TYPE_CHECKING:
    from .store_bucket import BucketStore

FOLDER = "pieces/"


@dataclass(frozen=True)
class _Piece:
    """An object that holds a piece."""

    key: str
    name: str
    offset: int
    length: int
    at: datetime


class BucketPieces(Pieces):
    """Pieces of files in the bucket of that store."""

    def __init__(self, store: "BucketStore") -> None:
        self.store = store

    def received(self, name: str) -> int:
        """What follows from the first byte on without a gap."""
        return sum(piece.length for piece in self._chain(name))

    def add(self, name: str, offset: int, piece: bytes, size: int) -> int:
        """One object. The same piece twice at once is the same object."""
        there = self.received(name)
        if offset != there or there + len(piece) > size or not piece:
            return there
        self.store.put_bytes(f"{FOLDER}{named(name)}/{offset:012d}-{len(piece)}", piece)
        return there + len(piece)

    @contextmanager
    def whole(self, name: str, sha256: str, size: int) -> Iterator[IO[bytes] | None]:
        """Put together in a nameless file of this machine."""
        with told():
            Path(self.store.temporary).mkdir(mode=0o750, parents=True, exist_ok=True)
            file: IO[bytes] = tempfile.TemporaryFile(dir=self.store.temporary)  # noqa: SIM115  closed below
        with file:
            digest = hashlib.sha256()
            for piece in self._chain(name):
                content = self.store.get_bytes(piece.key)
                digest.update(content)
                with told():
                    file.write(content)
            there = file.tell()
            file.seek(0)
            if there >= size and digest.hexdigest() != sha256:
                self.forget(name)
            yield file if there == size and digest.hexdigest() == sha256 else None

    def forget(self, name: str) -> None:
        """Removes its objects."""
        self.store.delete_keys([piece.key for piece in self._pieces(f"{named(name)}/")])

    def sweep(self, *, now: datetime) -> int:
        """By the age of the last piece of each file; and what this machine kept before it had a bucket."""
        old = self._untouched(now - HALF_AGE)
        for pieces in old.values():
            self.store.delete_keys([piece.key for piece in pieces])
        return len(old) + FolderPieces(self.store.temporary / "pieces").sweep(now=now)

    def left(self, *, now: datetime) -> list[str]:
        """What is twice as old as it may become."""
        return sorted(self._untouched(now - 2 * HALF_AGE))

    def _untouched(self, before: datetime) -> dict[str, list[_Piece]]:
        found: dict[str, list[_Piece]] = defaultdict(list)
        for piece in self._pieces(""):
            found[piece.name].append(piece)
        return {name: pieces for name, pieces in found.items() if max(piece.at for piece in pieces) < before}

    def _chain(self, name: str) -> list[_Piece]:
        chain, there = [], 0
        for piece in sorted(self._pieces(f"{named(name)}/"), key=lambda piece: (piece.offset, -piece.length)):
            if piece.offset == there:
                chain.append(piece)
                there += piece.length
        return chain

    def _pieces(self, below: str) -> Iterator[_Piece]:
        for key, at in self.store.listed(FOLDER + below):
            name, _, place = key.rpartition(FOLDER)[2].partition("/")
            offset, _, length = place.partition("-")
            if offset.isdecimal() and length.isdecimal():
                yield _Piece(key, name, int(offset), int(length), at)
