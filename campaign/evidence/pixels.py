"""How large a picture says it is, read from its header alone, before any library unpacks it.

Each reader takes the bytes of the file and gives (width, height), or None when the header is not whole.
"""

import re
import struct
from collections.abc import Callable
from mmap import mmap

Size = tuple[int, int]
Data = bytes | mmap

START_OF_FRAME = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
STANDALONE = {0x01, *range(0xD0, 0xD8)}
START_OF_SCAN = 0xDA
END_OF_IMAGE = b"\xff\xd9"
SCAN_OR_END = re.compile(rb"\xff[\xd9\xda]")  # within the points these two bytes never stand together
MOST_BOXES = 1000  # of a HEIC at its top; phones write five or so
NEEDED = (b"meta", b"mdat")
SPATIAL_EXTENT = re.compile(rb"ispe\0{4}(.{8})", re.DOTALL)


def jpeg_segments(data: Data) -> tuple[Size | None, bool, int]:
    """Of a JPEG: its size, whether it is progressive, and where the first scan begins (0 when there is none)."""
    at, size, progressive = 2, None, False
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in STANDALONE or marker == 0xFF:
            at += 2 if marker in STANDALONE else 1
            continue
        if marker == START_OF_SCAN:
            return size, progressive, at
        (length,) = struct.unpack_from(">H", data, at + 2)
        if marker in START_OF_FRAME and at + 9 <= len(data):
            height, width = struct.unpack_from(">HH", data, at + 5)
            size, progressive = (width, height), marker in PROGRESSIVE
        at += 2 + length
    return size, progressive, 0


def jpeg_scans(data: Data, first: int) -> int:
    """How many scans a JPEG has, from the place of its first one on: each may be made to cost a look at all points."""
    count = 0
    for mark in SCAN_OR_END.finditer(data, first):
        if mark[0] == END_OF_IMAGE:
            break
        count += 1
    return count


def jpeg_size(data: Data) -> Size | None:
    """Size of a JPEG."""
    return jpeg_segments(data)[0]


def png_size(data: Data) -> Size | None:
    """Size of a PNG."""
    if len(data) < 24 or data[12:16] != b"IHDR":
        return None
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def gif_size(data: Data) -> Size | None:
    """Size of a GIF's canvas."""
    if len(data) < 13:
        return None
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def webp_size(data: Data) -> Size | None:
    """Size of a WebP, in its simple, lossless or extended form."""
    if len(data) < 30:
        return None
    form = data[12:16]
    if form == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if form == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if form == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def heic_size(data: Data) -> Size | None:
    """The largest extent that a HEIC declares: of the whole or of one of its tiles. The box that declares it stands
    in front of the points or, as some phones write it, behind them: what stands among the points declares nothing."""
    extents, at = list[Size](), 0
    for _box in range(MOST_BOXES):
        if at + 16 > len(data):
            return max(extents, key=lambda size: size[0] * size[1], default=None)
        length, kind, longer = struct.unpack_from(">I4sQ", data, at)
        length = longer if length == 1 else length or len(data) - at
        if length < 8:
            return None
        if kind in NEEDED and at + length > len(data):
            return None  # it was cut
        if kind == b"meta":
            found = SPATIAL_EXTENT.finditer(data, at, min(at + length, len(data)))
            extents += [struct.unpack(">II", each[1]) for each in found]
        at += length
    return None


SIZES: dict[str, Callable[[Data], Size | None]] = {
    "image/jpeg": jpeg_size,
    "image/png": png_size,
    "image/gif": gif_size,
    "image/webp": webp_size,
    "image/heic": heic_size,
}
