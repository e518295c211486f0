"""Copies of pictures without what the camera wrote, point for point the same where the form allows it.

What is not known to be needed for showing the picture is left out: EXIF (but for which side is up), XMP, IPTC,
comments, previews, and whatever stands behind the end, such as a second picture or a film.
"""

import io
import re
import struct

from PIL import Image

from .pixels import STANDALONE, START_OF_SCAN

ORIENTATION = 0x0112
END = 0xD9
COMMENT, APPLICATIONS = 0xFE, range(0xE0, 0xF0)
# Of the segments that programs may add: size of a point, colours, and how the colours are written.
KEPT = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
PNG_HEAD = b"\x89PNG\r\n\x1a\n"
PNG_KEPT = {
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP", b"bKGD", b"pHYs",
    b"acTL", b"fcTL", b"fdAT",
}  # fmt: skip


def bare_jpeg(data: bytes) -> bytes:
    """The JPEG without notes. Raises ValueError, IndexError or struct.error for what is no whole JPEG."""
    out, at = bytearray(data[:2]), 2
    while True:
        if data[at] != 0xFF:
            raise ValueError
        marker = data[at + 1]
        if marker == 0xFF:  # a byte that only fills
            at += 1
            continue
        if marker == END:
            return bytes(out[:2] + _which_side_is_up(data) + out[2:] + b"\xff\xd9")
        end = at + 2 if marker in STANDALONE else at + 2 + struct.unpack_from(">H", data, at + 2)[0]
        if marker == START_OF_SCAN:
            found = NEXT_MARKER.search(data, end)
            if found is None:
                raise ValueError
            end = found.start()
        if _shows(marker, data[at + 4 : end]):
            out += data[at:end]
        at = end


def _shows(marker: int, content: bytes) -> bool:
    if marker == COMMENT:
        return False
    return marker not in APPLICATIONS or (marker in KEPT and content.startswith(KEPT[marker]))


def _which_side_is_up(data: bytes) -> bytes:
    """The segment that says how it is to be turned, and nothing else; empty where it lies upright."""
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as picture:  # reads its head only
            turned = picture.getexif().get(ORIENTATION, 1)
    except Exception:  # damaged notes can fail in any way; then nobody knows better than the points
        return b""
    if turned not in range(2, 9):
        return b""
    # One entry of one number of 16 bits, as TIFF in network order.
    body = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, ORIENTATION, 3, 1, turned, 0, 0)
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def bare_png(data: bytes) -> bytes:
    """The PNG without notes. Raises ValueError or struct.error for what is no whole PNG, or may lie on its side."""
    if not data.startswith(PNG_HEAD):
        raise ValueError
    out, at = bytearray(PNG_HEAD), len(PNG_HEAD)
    while True:
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise ValueError
        if kind == b"eXIf":  # it may lie on its side, which is rare: the copy of the page is turned
            raise ValueError
        if kind in PNG_KEPT:
            out += data[at:end]
        if kind == b"IEND":
            return bytes(out)
        at = end
