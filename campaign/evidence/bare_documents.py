"""Copies of documents whose pictures say nothing of when and where they were captured. A document without such pictures
stays as it was sent, byte for byte, with whatever signature it has."""

import io
import re
import struct
import zipfile

from .bare_pictures import bare_jpeg, bare_png
from .packages import UNREADABLE

EXIF = b"Exif\0\0"
SAYS = (EXIF, b"eXIf", b"http://ns.adobe.com/xap/1.0/", b"<x:xmpmeta", b"EXIF")
OTHER_PICTURES = (b"II*\0", b"MM\0*", b"RIFF")  # TIFF and WebP
IN_PDF = re.compile(rb"\xff\xe1(..)Exif\0\0", re.DOTALL)
ABOUT_PICTURE = re.compile(rb"<x:xmpmeta.*?</x:xmpmeta>", re.DOTALL)
TELLING = re.compile(rb"\b(exif|tiff|photoshop|aux):")
PACKED_TWICE = re.compile(rb"/FlateDecode\s*/DCTDecode")
DEEPEST = 2  # documents inside documents


def bare_document(data: bytes, media_type: str) -> bytes | None:
    """The document with bare pictures; the same bytes where nothing had to be taken out. None where a picture inside
    tells something that cannot be taken out."""
    if data.startswith(b"PK\x03\x04"):
        return _package(data, 1)
    if media_type == "application/pdf":
        return _pdf(data)
    return None if EXIF in data else data


def _package(data: bytes, depth: int) -> bytes | None:
    """An office document or an OFD. Its size was looked at when it came in."""
    out, changed = io.BytesIO(), False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package, zipfile.ZipFile(out, "w") as made:
            for entry in package.infolist():
                content = package.read(entry)
                bare = _part(content, depth)
                if bare is None:
                    return None
                changed = changed or bare != content
                made.writestr(entry, bare)
    except UNREADABLE:
        return None
    return out.getvalue() if changed else data


def _part(content: bytes, depth: int) -> bytes | None:
    if content.startswith(b"PK\x03\x04"):
        return _package(content, depth + 1) if depth < DEEPEST else None
    if not any(mark in content for mark in SAYS):
        return content
    try:
        if content.startswith(b"\xff\xd8\xff"):
            return bare_jpeg(content)
        if content.startswith(b"\x89PNG"):
            return bare_png(content)
    except (ValueError, IndexError, struct.error):
        return None
    tells = content.startswith(OTHER_PICTURES) or content[4:8] == b"ftyp" or EXIF in content
    return None if tells else content


def _pdf(data: bytes) -> bytes | None:
    """Emptied where it stands, so that every place the PDF names stays where it was."""
    if EXIF not in data and not ABOUT_PICTURE.search(data):
        return None if PACKED_TWICE.search(data) else data
    out = bytearray(data)
    for found in IN_PDF.finditer(data):
        end = min(found.start() + 2 + int.from_bytes(found[1], "big"), len(data))
        out[found.end() : end] = bytes(end - found.end())
    for found in ABOUT_PICTURE.finditer(data):
        if TELLING.search(found[0]):
            out[found.start() : found.end()] = b" " * len(found[0])
    return None if PACKED_TWICE.search(data) else bytes(out)
