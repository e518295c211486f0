"""A backup as one file: a tar whose last member is the list of all others with their hashes.

A file that was torn off has no list, and one that was changed does not fit it; either is told before anything is read.
"""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ..errors import Refused, say

FORMAT = 1
LIST = "list.json"
CHUNK = 1024 * 1024


@dataclass
class Writer:
    """Puts members into a backup under way; what it holds becomes the file's name only when it is whole."""

    tar: tarfile.TarFile
    members: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, name: str, stream: IO[bytes], size: int) -> None:
        """The next `size` bytes of the stream as a member. Members have different names."""
        digest = hashlib.sha256()
        kept = tarfile.TarInfo(name)
        kept.size = size
        self.tar.addfile(kept, _Hashing(stream, digest))
        self.members[name] = {"size": size, "sha256": digest.hexdigest()}


class _Hashing:
    """A stream that hashes what is read from it."""

    def __init__(self, stream: IO[bytes], digest: Any) -> None:
        self.stream, self.digest = stream, digest

    def read(self, size: int = -1) -> bytes:
        part = self.stream.read(size)
        self.digest.update(part)
        return part


@contextmanager
def writing(path: Path, head: dict[str, Any]) -> Iterator[Writer]:
    """A backup that is named `path` when the block ends, durably, and is gone when it fails. `head`: what a reader must
    know first. Refused where a file of that name is there already."""
    if path.exists():
        raise Refused(say("There is a file of this name already. Please choose another."))
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as raw:
            with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
                writer = Writer(tar)
                first = json.dumps({"format": FORMAT, **head}, sort_keys=True).encode()
                writer.add("backup.json", io.BytesIO(first), len(first))
                yield writer
                last = json.dumps(writer.members, sort_keys=True).encode()
                kept = tarfile.TarInfo(LIST)
                kept.size = len(last)
                tar.addfile(kept, io.BytesIO(last))
            raw.flush()
            os.fsync(raw.fileno())
        part.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        part.unlink(missing_ok=True)


def read_head(path: Path) -> dict[str, Any]:
    """What stands in front, after every member was compared with the list. Refused for a file that is torn, changed, or
    no backup."""
    found: dict[str, dict[str, Any]] = {}
    told: dict[str, Any] | None = None
    head: dict[str, Any] = {}
    try:
        for name, stream, size in members(path):
            if name == LIST:
                told = json.load(stream)
                continue
            digest, first = hashlib.sha256(), b""
            while part := stream.read(CHUNK):
                digest.update(part)
                first = first or part
            found[name] = {"size": size, "sha256": digest.hexdigest()}
            if name == "backup.json":
                head = json.loads(first)
    except (tarfile.TarError, ValueError, EOFError, OSError) as error:
        raise Refused(say("This is no backup, or it is torn: %(what)s", what=str(error))) from error
    if told is None or told != found or head.get("format") != FORMAT:
        raise Refused(say("This backup is torn or was changed. Nothing was read from it."))
    return head


def members(path: Path) -> Iterator[tuple[str, IO[bytes], int]]:
    """Every member in its order: name, its bytes, and how many they are."""
    with tarfile.open(path, mode="r:") as tar:
        for member in tar:
            stream = tar.extractfile(member)
            if stream is not None:
                yield member.name, stream, member.size
