"""Copies of films and recordings without what the phone wrote: when, where, with what.

A film of the MP4 family is a tree of boxes. What is not known to be needed for playing it is made an empty box of the
same length, so that everything else stays where it was; the moments of its making become 0; a track that is neither
picture, sound nor words (as the way of the camera is kept) is emptied with all its samples.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

FILMS = frozenset({"video/mp4", "video/quicktime", "video/3gpp", "audio/mp4"})
NEEDED = {
    b"": {b"ftyp", b"moov", b"mdat", b"moof", b"sidx", b"styp", b"mfra"},
    b"moov": {b"mvhd", b"trak", b"mvex"},
    b"trak": {b"tkhd", b"edts", b"mdia", b"tref", b"tapt"},
    b"mdia": {b"mdhd", b"hdlr", b"minf", b"elng"},
    b"minf": {b"vmhd", b"smhd", b"gmhd", b"nmhd", b"sthd", b"dinf", b"stbl", b"hdlr"},
    b"moof": {b"mfhd", b"traf"},
    b"traf": {b"tfhd", b"tfdt", b"trun", b"saio", b"saiz", b"senc", b"sgpd", b"sbgp"},
}
DATED = {b"mvhd", b"tkhd", b"mdhd"}
SHOWN = {b"vide", b"soun", b"text", b"sbtl", b"subt", b"clcp"}
WAVE_NEEDED = {b"fmt ", b"data", b"fact"}


@dataclass(frozen=True)
class _Box:
    """A part of a film: its kind, and where its head, its content and its end lie."""

    kind: bytes
    head: int
    body: int
    end: int


def bare_recording(data: bytes, media_type: str) -> bytes | None:
    """The same film or recording without notes, at most as long; None where they cannot be told from the rest.

    WebM and Ogg keep theirs in ways that are not taken apart here. AMR and AAC have no place for any.
    """
    try:
        if media_type in FILMS:
            return _bare_film(data)
        if media_type == "audio/mpeg":
            return _bare_mp3(data)
        if media_type == "audio/wav":
            return _bare_wave(data)
    except (ValueError, LookupError, struct.error):
        return None
    return data if media_type in ("audio/amr", "audio/aac") else None


def _bare_film(data: bytes) -> bytes:
    """Raises ValueError, IndexError or struct.error for what is no whole film."""
    out = bytearray(data)
    _empty_below(out, b"", 0, len(out))
    boxes = list(_boxes(out, 0, len(out)))
    dropped = False
    for film in boxes:
        for track in _inside(out, film, b"moov", b"trak"):
            (media,) = _inside(out, track, b"trak", b"mdia")
            (handler,) = _inside(out, media, b"mdia", b"hdlr")
            if bytes(out[handler.body + 8 : handler.body + 12]) not in SHOWN:
                _empty_samples(out, media)
                _empty(out, track)
                dropped = True
    if dropped and any(box.kind == b"moof" for box in boxes):
        raise ValueError  # samples of that track may lie anywhere
    return bytes(out)


def _boxes(data: bytearray, at: int, end: int) -> Iterator[_Box]:
    while at < end:
        if end - at == 4 and not any(data[at:end]):
            return  # QuickTime closes a list of notes so
        size, kind = struct.unpack_from(">I4s", data, at)
        body = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, body)
            body += 8
        stop = at + size if size else end
        if not body <= stop <= end:
            raise ValueError
        yield _Box(kind, at, body, stop)
        at = stop


def _inside(data: bytearray, box: _Box, kind: bytes, wanted: bytes) -> Iterator[_Box]:
    if box.kind == kind:
        yield from (each for each in _boxes(data, box.body, box.end) if each.kind == wanted)


def _empty_below(data: bytearray, kind: bytes, at: int, end: int) -> None:
    for box in list(_boxes(data, at, end)):
        if box.kind not in NEEDED[kind]:
            _empty(data, box)
        elif box.kind in NEEDED:
            _empty_below(data, box.kind, box.body, box.end)
        elif box.kind in DATED:
            length = 16 if data[box.body] else 8
            data[box.body + 4 : box.body + 4 + length] = bytes(length)


def _empty(data: bytearray, box: _Box) -> None:
    data[box.head + 4 : box.head + 8] = b"free"
    data[box.body : box.end] = bytes(box.end - box.body)


def _empty_samples(data: bytearray, media: _Box) -> None:
    """All that the tables of this track call its own."""
    tables = {}
    for info in _inside(data, media, b"mdia", b"minf"):
        for table in _inside(data, info, b"minf", b"stbl"):
            tables = {box.kind: box for box in _boxes(data, table.body, table.end)}
    wide = b"co64" in tables
    places = _numbers(data, tables[b"co64" if wide else b"stco"].body + 4, "Q" if wide else "I")
    fixed, count = struct.unpack_from(">II", data, tables[b"stsz"].body + 4)
    sizes = [fixed] * count if fixed else _numbers(data, tables[b"stsz"].body + 8, "I")
    runs = _numbers(data, tables[b"stsc"].body + 4, "I", 3)
    firsts, each = runs[::3], runs[1::3]
    sample = run = 0
    for chunk, place in enumerate(places, start=1):
        while run + 1 < len(firsts) and firsts[run + 1] <= chunk:
            run += 1
        length = sum(sizes[sample : sample + each[run]])
        if place + length > len(data):
            raise ValueError
        data[place : place + length] = bytes(length)
        sample += each[run]


def _numbers(data: bytearray, at: int, kind: str, width: int = 1) -> list[int]:
    """A table: how many rows, then the rows, of so many numbers each."""
    (count,) = struct.unpack_from(">I", data, at)
    return list(struct.unpack_from(f">{count * width}{kind}", data, at + 4))


def _bare_mp3(data: bytes) -> bytes:
    at = 0
    while data[at : at + 3] == b"ID3":
        size = sum((part & 0x7F) << shift for part, shift in zip(data[at + 6 : at + 10], (21, 14, 7, 0), strict=True))
        at += 10 + size + (10 if data[at + 5] & 0x10 else 0)
    end = len(data) - 128 if data[-128:-125] == b"TAG" else len(data)
    if b"APETAGEX" in data[max(at, end - 65536) : end] or at >= end:
        raise ValueError
    return data[at:end]


def _bare_wave(data: bytes) -> bytes:
    out, at = bytearray(data[:12]), 12
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        end = min(at + 8 + size + size % 2, len(data))
        if kind in WAVE_NEEDED:
            out += data[at:end]
        at = end
    struct.pack_into("<I", out, 4, len(out) - 8)
    return bytes(out)
