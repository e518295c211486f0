"""A ledger as one file: a ZIP with a manifest of hashes, readable without the product, written as a stream.

What grows with the ledger (the table of contents, the list of hashes, the tables) is put aside in temporary files and
copied in at the end, so that memory stays flat.
"""

import contextlib
import csv
import hashlib
import io
import json
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from ..rules.sealing import Entry, link

FORMAT = 2
MANIFEST, SUMS, EVENTS = "manifest.json", "SHA256SUMS", "log/events.jsonl"
# What reading a ZIP may raise that somebody has changed: zipfile itself lets what its parts say through.
UNREADABLE = (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, NotImplementedError, RuntimeError)
ORIGINALS = "evidence/originals.txt"  # of each copy: hash and size of the file that was sent, and the copy's name
PIECE = 1 << 20
# Photos and videos are small already; to press them again costs time and saves nothing.
PRESSED = ("image/", "video/", "audio/", "application/zip", "application/vnd.openxml")


class ArchiveWriter:
    """Writes one archive into a file. Every member is hashed on its way in; `finish` adds the manifest."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, allowZip64=True)
        self._sums: IO[bytes] = tempfile.TemporaryFile("w+b")  # noqa: SIM115 (closed with the writer)
        self._members = 0
        self._there: set[str] = set()
        self._stands: dict[str, str] = {}
        self._aside: dict[str, IO[bytes]] = {}

    def __enter__(self) -> "ArchiveWriter":
        return self

    def __exit__(self, *_error: object) -> None:
        self._zip.close()
        for stream in (self._sums, *self._aside.values()):
            stream.close()

    def add(self, name: str, data: bytes | str) -> None:
        """A member of a few kilobytes."""
        self.add_stream(name, io.BytesIO(data.encode() if isinstance(data, str) else data))

    def add_stream(self, name: str, stream: IO[bytes], media_type: str = "") -> None:
        """A member of any size."""
        info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_STORED if media_type.startswith(PRESSED) else zipfile.ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        digest = hashlib.sha256()
        with self._zip.open(info, "w", force_zip64=True) as member:
            while part := stream.read(PIECE):
                digest.update(part)
                member.write(part)
        self._sums.write(f"{digest.hexdigest()}  {name}\n".encode())
        self._members += 1

    def add_once(self, name: str) -> bool:
        """Whether a member is still to be added; it is not asked again."""
        if name in self._there:
            return False
        self._there.add(name)
        return True

    def know_as(self, sha256: str, name: str) -> None:
        """Remembers which member stands for the file with that hash."""
        self._stands[sha256] = name

    def known_as(self, sha256: str) -> str:
        """The member that stands for the file with that hash; nothing while there is none."""
        return self._stands.get(sha256, "")

    def add_copy(self, name: str, data: bytes, media_type: str, *, sha256: str, size: int) -> None:
        """A copy that stands for an original with that hash and size in bytes."""
        self.add_stream(name, io.BytesIO(data), media_type)
        self.aside(ORIGINALS).write(f"{sha256}  {size}  {name}\n".encode())

    def aside(self, name: str) -> IO[bytes]:
        """What is written bit by bit and becomes a member at the end."""
        if name not in self._aside:
            self._aside[name] = tempfile.TemporaryFile("w+b")  # noqa: SIM115 (closed with the writer)
        return self._aside[name]

    def add_event(self, entry: Entry, seq: int | None, digest: str | None, former: str | None) -> None:
        """An entry of the log with its link in the chain, as one line."""
        found = {"entry": asdict(entry), "seq": seq, "former": former, "digest": digest}
        self.aside(EVENTS).write((json.dumps(found, ensure_ascii=False, sort_keys=True) + "\n").encode())

    def add_line(self, name: str, cells: list[Any]) -> None:
        """A line of a table; what could be taken for a formula is written as text."""
        text = io.StringIO()
        csv.writer(text).writerow([_harmless(cell) for cell in cells])
        stream = self.aside(name)
        if not stream.tell():
            stream.write("\ufeff".encode())
        stream.write(text.getvalue().encode())

    def finish(self, about: dict[str, Any]) -> None:
        """Everything that was put aside, then the list of hashes and the manifest."""
        for name, stream in sorted(self._aside.items()):
            stream.seek(0)
            self.add_stream(name, stream)
        with self._zip.open(zipfile.ZipInfo(SUMS), "w", force_zip64=True) as member:
            self._sums.seek(0)
            shutil.copyfileobj(self._sums, member, PIECE)
        with self._zip.open(zipfile.ZipInfo(MANIFEST), "w", force_zip64=True) as member:
            head = json.dumps({"format": FORMAT, "about": about, "members": self._members}, ensure_ascii=False)
            member.write(head[:-1].encode() + b', "sha256": {\n')
            for number, (digest, name) in enumerate(self._summed()):
                line = f"{json.dumps(name, ensure_ascii=False)}: {json.dumps(digest)}"
                member.write(((",\n" if number else "") + line).encode())
            member.write(b'\n}, "originals": {\n')
            for number, (name, original) in enumerate(_originals(self._aside.get(ORIGINALS))):
                line = f"{json.dumps(name)}: {json.dumps(original)}"
                member.write(((",\n" if number else "") + line).encode())
            member.write(b"\n}}\n")

    def _summed(self) -> Iterator[tuple[str, str]]:
        self._sums.seek(0)
        for line in self._sums:
            digest, _space, name = line.decode().rstrip("\n").partition("  ")
            yield digest, name


def _originals(stream: IO[bytes] | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """The names of the copies, each with what it stands for. Raises ValueError for what is no such list."""
    if stream is None:
        return
    stream.seek(0)
    for line in stream:
        digest, size, name = line.decode().rstrip("\n").split("  ", 2)
        yield name, {"sha256": digest, "size": int(size)}


def _harmless(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def faults(path: Path) -> Iterator[str]:
    """What is wrong with an archive: members that are missing, added or changed, and entries of the log that do not
    give the link they claim. Nothing: it is as it was made."""
    try:
        found = zipfile.ZipFile(path)
    except UNREADABLE:
        yield "it is no archive, or it is cut off"
        return
    with found:
        names = found.namelist()
        if MANIFEST not in names or SUMS not in names:
            yield "it has no manifest"
            return
        try:
            manifest = json.loads(found.read(MANIFEST))
            stated: dict[str, str] = dict(manifest["sha256"].items())
            originals: dict[str, Any] = dict(manifest.get("originals", {}).items())
        except (*UNREADABLE, KeyError, AttributeError, TypeError):
            yield "its manifest cannot be read"
            return
        yield from _sums_agree(found, stated)
        yield from _originals_agree(found, originals)
        for name in sorted(set(names) - set(stated) - {MANIFEST, SUMS}):
            yield f"{name}: not in the manifest"
        if len(names) != len(set(names)):
            yield "it holds two members of the same name"
        for name, digest in stated.items():
            yield from _member(found, name, digest)
        if EVENTS in stated and EVENTS in names:
            with contextlib.suppress(*UNREADABLE):  # said above
                yield from _links(found)


def _sums_agree(found: zipfile.ZipFile, stated: dict[str, str]) -> Iterator[str]:
    try:
        lines = found.read(SUMS).decode(errors="replace").splitlines()
    except UNREADABLE:
        yield f"{SUMS}: cannot be read"
        return
    pairs = (line.partition("  ") for line in lines)
    if {name: digest for digest, _space, name in pairs} != stated:
        yield f"{SUMS}: not the hashes of the manifest"


def _originals_agree(found: zipfile.ZipFile, stated: dict[str, Any]) -> Iterator[str]:
    try:
        listed = io.BytesIO(found.read(ORIGINALS)) if ORIGINALS in found.namelist() else None
        agree = dict(_originals(listed)) == stated
    except UNREADABLE:
        agree = False
    if not agree:
        yield f"{ORIGINALS}: not the originals of the manifest"


def _member(found: zipfile.ZipFile, name: str, digest: str) -> Iterator[str]:
    seen = hashlib.sha256()
    try:
        with found.open(name) as stream:
            while part := stream.read(PIECE):
                seen.update(part)
    except KeyError:
        yield f"{name}: missing"
        return
    except UNREADABLE:
        yield f"{name}: cannot be read"
        return
    if seen.hexdigest() != digest:
        yield f"{name}: changed"


def _links(found: zipfile.ZipFile) -> Iterator[str]:
    """Each entry of the log gives its link from the one before it."""
    with found.open(EVENTS) as stream:
        for number, line in enumerate(stream, 1):
            try:
                event = json.loads(line)
                entry = Entry(**event["entry"])
            except (ValueError, KeyError, TypeError):
                yield f"{EVENTS}: line {number} cannot be read"
                continue
            if event.get("digest") is None or (event.get("former") is None and event.get("seq") != 1):
                continue  # not sealed yet when the archive was made
            if link(event["former"] or "0" * 64, entry) != event["digest"]:
                yield f"{EVENTS}: line {number} does not give its link"
