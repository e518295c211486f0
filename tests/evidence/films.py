"""Films as phones make them, small: a picture track, one of the camera's way, and notes in the usual places."""

import struct

PLACE, MAKER = b"+31.2345+121.4567/", b"Phone of Wang"
SEEN, WAY = b"the points of the film", b"+31.2345+121.4567 and on"


def box(kind: bytes, *content: bytes) -> bytes:
    """A part of a film."""
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def film(brand: bytes = b"isom", *, way_kind: bytes = b"meta", fragments: bool = False) -> bytes:
    """A whole film of two tracks."""
    start = box(b"ftyp", brand, bytes(4), brand)
    data = box(b"mdat", SEEN, WAY)
    place = len(start) + 8
    dated = bytes(4) + struct.pack(">II", 3_000_000_000, 3_000_000_001) + bytes(12)
    notes = box(b"udta", box(b"\xa9xyz", PLACE), box(b"meta", bytes(4), MAKER), bytes(4))
    tracks = [
        _track(b"vide", place, len(SEEN), dated, notes),
        _track(way_kind, place + len(SEEN), len(WAY), dated, b""),
    ]
    whole = start + data + box(b"moov", box(b"mvhd", dated), *tracks, notes) + box(b"uuid", bytes(16), MAKER)
    return whole + (box(b"moof", box(b"mfhd", bytes(8))) if fragments else b"")


def _track(kind: bytes, place: int, length: int, dated: bytes, notes: bytes) -> bytes:
    half = length // 2
    table = box(
        b"stbl",
        box(b"stsd", bytes(8)),
        box(b"stsz", bytes(8), struct.pack(">III", 2, half, length - half)),
        box(b"stsc", bytes(4), struct.pack(">IIII", 1, 1, 2, 1)),
        box(b"stco", bytes(4), struct.pack(">II", 1, place)),
    )
    handler = box(b"hdlr", bytes(8), kind, bytes(12))
    media = box(b"mdia", box(b"mdhd", dated), handler, box(b"minf", box(b"nmhd", bytes(4)), table))
    return box(b"trak", box(b"tkhd", dated), media, notes)
