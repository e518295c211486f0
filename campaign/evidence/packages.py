"""Looking into packages without keeping what they unpack to: docx, xlsx, pptx and OFD, which are zips.

Each function gives the media type, or raises Invalid with the sentence for the sender.
"""

import re
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from . import refusals
from .pixels import Data

END = b"PK\x05\x06"
END_SIZE = 22
END_64 = b"PK\x06\x06"
LOCATOR_64 = b"PK\x06\x07"
LOCATOR_64_SIZE = 20
END_64_SIZE = 56
MOST_COMMENT = 0xFFFF
MOST_DIRECTORY = 2 * 1024 * 1024  # some twenty thousand entries: more than any office document has
MOST_ENTRIES = 10_000
MOST_UNPACKED = 200 * 1024 * 1024
MOST_RATIO = 150  # a sheet of empty cells comes near a hundred
RATIO_FROM = 20 * 1024 * 1024  # small things may be as regular as they like
MOST_TYPES_PART = 512 * 1024
LOCAL_SIZE, ENCRYPTED, CHUNK = 30, 1, 1024 * 1024

OFFICE = "application/vnd.openxmlformats-officedocument."
MAIN_PARTS = {
    b"wordprocessingml.document.main+xml": OFFICE + "wordprocessingml.document",
    b"spreadsheetml.sheet.main+xml": OFFICE + "spreadsheetml.sheet",
    b"presentationml.presentation.main+xml": OFFICE + "presentationml.presentation",
    b"wordprocessingml.template.main+xml": OFFICE + "wordprocessingml.document",
    b"spreadsheetml.template.main+xml": OFFICE + "spreadsheetml.sheet",
    b"presentationml.template.main+xml": OFFICE + "presentationml.presentation",
    b"presentationml.slideshow.main+xml": OFFICE + "presentationml.slideshow",
}
NO_PARTS = re.compile(r"\.(exe|com|scr|bat|cmd|dll|msi|jar|js|jse|vbs|vbe|wsf|hta|ps1|sh|lnk|zip|rar|7z)$", re.I)
UNREADABLE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    RuntimeError,
    ValueError,
    EOFError,
    OSError,
)
MACROS = re.compile(rb"macroenabled|vbaproject|macrosheet", re.I)


def zip_directory(data: Data) -> tuple[int, int] | None:
    """Where the directory of a zip at the end of these bytes begins and how long it is; None when there is none."""
    end = data.rfind(END, max(0, len(data) - END_SIZE - MOST_COMMENT))
    if end < 0 or end + END_SIZE > len(data):
        return None
    size = struct.unpack_from("<I", data, end + 12)[0]
    stop = end
    wide = end - LOCATOR_64_SIZE - END_64_SIZE
    if (
        wide >= 0
        and data[wide + END_64_SIZE : wide + END_64_SIZE + 4] == LOCATOR_64
        and data[wide : wide + 4] == END_64
    ):
        size, stop = struct.unpack_from("<Q", data, wide + 40)[0], wide
    begin = stop - size
    return (begin, size) if begin >= 0 and size and data[begin : begin + 4] == b"PK\x01\x02" else None


def package_type(path: Path, data: Data) -> str:
    """The media type of a zip: an office document or an OFD. It is unpacked into nothing, a megabyte at a time."""
    found = zip_directory(data)
    if found is None:
        raise refusals.broken()
    if found[1] > MOST_DIRECTORY:
        raise refusals.bomb()
    try:
        with zipfile.ZipFile(path) as package:
            entries = package.infolist()
            _check_entries(entries, len(data))
            for entry in entries:
                _check_size(entry, data)
            names = {entry.filename for entry in entries}
            if "[Content_Types].xml" in names:
                return _office_type(_types_part(package))
            if "OFD.xml" in names:
                return "application/ofd"
    except UNREADABLE as error:
        raise refusals.broken() from error
    raise refusals.archive()


def _check_entries(entries: list[zipfile.ZipInfo], packed: int) -> None:
    """Refuses what unpacks to too much, climbs out of its folder, or carries programs and macros."""
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > MOST_ENTRIES or unpacked > MOST_UNPACKED:
        raise refusals.bomb()
    if unpacked > RATIO_FROM and unpacked > packed * MOST_RATIO:
        raise refusals.bomb()
    for entry in entries:
        name = entry.filename.replace("\\", "/")
        climbs = name.startswith("/") or ":" in name or ".." in PurePosixPath(name).parts
        if climbs or stat.S_ISLNK(entry.external_attr >> 16):
            raise refusals.unsafe_parts()
        if MACROS.search(name.encode("utf-8", "replace")):
            raise refusals.macros()
        if NO_PARTS.search(name):
            raise refusals.carries_program()


def _check_size(entry: zipfile.ZipInfo, data: Data) -> None:
    """Unpacks a part and forgets it: whether it becomes as much as the directory says, which is within bounds."""
    if entry.flag_bits & ENCRYPTED:
        raise refusals.locked()
    name, more = struct.unpack_from("<HH", data, entry.header_offset + 26)
    begin = entry.header_offset + LOCAL_SIZE + name + more
    if entry.compress_type == zipfile.ZIP_STORED:
        if entry.compress_size != entry.file_size or begin + entry.file_size > len(data):
            raise refusals.broken()
        return
    if entry.compress_type != zipfile.ZIP_DEFLATED:
        raise refusals.broken()  # no office program packs in another way
    if not entry.compress_size and not entry.file_size:
        return  # an empty part that was never packed: some programs write it so
    unpacked, rest = zlib.decompressobj(-zlib.MAX_WBITS), entry.file_size
    packed = data[begin : begin + entry.compress_size]
    while packed and not unpacked.eof and rest >= 0:
        rest -= len(unpacked.decompress(packed, CHUNK))
        packed = unpacked.unconsumed_tail
    rest -= 0 if unpacked.eof else len(unpacked.decompress(b"", CHUNK))
    if rest < 0:
        raise refusals.bomb()
    if rest or not unpacked.eof:
        raise refusals.broken()


def _types_part(package: zipfile.ZipFile) -> bytes:
    with package.open("[Content_Types].xml") as part:
        text = part.read(MOST_TYPES_PART + 1)
    if len(text) > MOST_TYPES_PART:
        raise refusals.bomb()
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = text.decode("utf-16", "replace").encode()
    if b"<!" in text.replace(b"<!--", b"") or b"&#" in text or b"\0" in text:
        raise refusals.broken()  # no office program writes this; it can only hide something
    return text


def _office_type(types: bytes) -> str:
    if MACROS.search(types):
        raise refusals.macros()
    for part, media_type in MAIN_PARTS.items():
        if part in types:
            return media_type
    raise refusals.broken()
