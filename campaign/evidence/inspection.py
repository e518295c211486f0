"""What a file is, found by looking inside; its name only decides between kinds of plain text.

Odd but honest files are accepted: a HEIC named .jpg, a picture with a film behind it, a PDF with a few bytes before
its head. What could run somewhere, pretends to be two things, or unpacks to far more than it weighs is refused with a
sentence. There is no virus scanner here: kept files are shown inert, and a scanner can watch the folder.
"""

import mmap
import re
import unicodedata
from pathlib import Path, PurePosixPath

from ..rules.media import UNSHOWN
from . import refusals
from .compounds import compound_type
from .packages import package_type, zip_directory
from .pixels import SIZES, Data, jpeg_scans, jpeg_segments

PICTURES = frozenset(SIZES)
SIZE_LIMIT = 20 * 1024 * 1024  # of a document
LARGEST = 50 * 1024 * 1024  # of a picture, a recording or a PDF: a photo of 200 megapixels weighs as much
HEAVY = ("image/", "video/", "audio/", "application/pdf")
MOST_PIXELS = 50_000_000  # what may be unpacked whole: 200 MB of memory at four bytes each
MOST_PIXELS_KEPT = 210_000_000  # phones make 200 megapixels: a plain JPEG is unpacked at an eighth, others never
KEPT_WHOLE = frozenset({"image/heic", "image/jpeg", "image/png"})  # may have as many: their notes are read by the head
MOST_PER_BYTE = 200  # points of what is never unpacked for each of its bytes: photos have some thirty, traps thousands
MOST_SCANS = 100  # of a JPEG; programs write ten or so. A thousand cost seconds, in a few kilobytes
LONGEST_NAME = 200
PROGRAM_NAMES = re.compile(
    r"\.(exe|com|scr|pif|bat|cmd|dll|cpl|msi|msp|jar|apk|ipa|app|js|jse|mjs|vbs|vbe|wsf|wsh|hta|ps1|sh|py|php|jsp|aspx?"
    r"|lnk|url|reg|iso|dmg|x?html?|xht|shtml|mht|mhtml|svgz?|swf|xml|docm|dotm|xlsm|xltm|xlam|xlsb|pptm|potm|ppsm|ppam)$",
    re.I,
)
PROGRAMS = (
    b"MZ", b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"#!/", b"dex\n", b"X5O!P%@AP",
)  # fmt: skip
MARKUP = re.compile(rb"<script|<!doctype\s+html|<html[\s>]|<svg[\s>]|<iframe|<\?php|<body[\s>]", re.I)
# Among packed points four or five given bytes stand together by chance, once in thousands of photos: words must follow.
MARKUP_WITHIN = re.compile(rb"<script|<!doctype\s+html|<iframe|<(?:html|svg|body|\?php)[\s>][ -~\s]{8}", re.I)
TEXT_NAMES = {"": "text/plain", ".txt": "text/plain", ".md": "text/plain", ".log": "text/plain", ".csv": "text/csv"}
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
FILMS = {
    b"M4A ": "audio/mp4", b"M4B ": "audio/mp4", b"qt  ": "video/quicktime",
    b"3gp4": "video/3gpp", b"3gp5": "video/3gpp", b"3gp6": "video/3gpp", b"3gp7": "video/3gpp",
    b"isom": "video/mp4", b"iso2": "video/mp4", b"iso4": "video/mp4", b"iso5": "video/mp4", b"iso6": "video/mp4",
    b"mp41": "video/mp4", b"mp42": "video/mp4", b"avc1": "video/mp4", b"M4V ": "video/mp4", b"MSNV": "video/mp4",
    b"mmp4": "video/mp4", b"dash": "video/mp4", b"iso7": "video/mp4", b"iso8": "video/mp4", b"iso9": "video/mp4",
}  # fmt: skip
MOST_BRANDS = 256  # bytes of a film in which they are looked for
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def inspect(path: Path, name: str = "") -> str:
    """The media type of the file. Raises Invalid: 415 for what is not accepted, 413 for what unpacks to too much."""
    extension = PurePosixPath(plain_name(name)).suffix.lower()
    if PROGRAM_NAMES.fullmatch(extension):
        raise refusals.program()
    if path.stat().st_size == 0:
        raise refusals.empty()
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        media_type = _binary_type(path, data)
        most = LARGEST if media_type and media_type.startswith(HEAVY) else SIZE_LIMIT
        if len(data) > most:
            raise refusals.too_large(most // (1024 * 1024))
        media_type = media_type or _text_type(data, extension)
        if media_type in PICTURES:
            media_type = _checked_picture(media_type, data)
        if media_type.startswith(("image/", "video/", "audio/")) and MARKUP_WITHIN.search(data):
            raise refusals.two_things()
        if not data[:4] == b"PK\x03\x04" and zip_directory(data):
            raise refusals.two_things()
    return media_type


def plain_name(name: str) -> str:
    """A sender's file name as it may be kept and shown: one line, no folders, nothing that reorders what is read."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(sign for sign in last if unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
    shown = unicodedata.normalize("NFC", shown).strip(". ")
    path = PurePosixPath(shown or "file")
    suffix = path.suffix if len(path.suffix) <= 10 else ""
    return shown[: LONGEST_NAME - len(suffix)].removesuffix(suffix) + suffix if shown else "file"


def _binary_type(path: Path, data: Data) -> str | None:
    """The type by the first bytes, with a look further inside where these are shared; None for what may be text."""
    head = data[:16]
    if head.startswith(PROGRAMS):
        raise refusals.program()
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return package_type(path, data)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return compound_type(data)
    if head.startswith((b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")):
        raise refusals.archive()
    pdf = data[:1024].find(b"%PDF-")
    if pdf >= 0 and not _picture_type(head) and not MARKUP.search(data[:pdf]):
        return _whole_pdf(data)
    return _picture_type(head) or _film_type(data) or _recording_type(head)


def _picture_type(head: bytes) -> str | None:
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS:
        return "image/heic"
    return None


def _film_type(data: Data) -> str | None:
    """By the brand that it names first, or by one that it says to be compatible with: makers add their own."""
    if data[4:8] != b"ftyp":
        return None
    end = min(int.from_bytes(data[:4]), MOST_BRANDS)
    brands = (data[at : at + 4] for at in (8, *range(16, end, 4)))
    return next((FILMS[brand] for brand in brands if brand in FILMS), None)


def _recording_type(head: bytes) -> str | None:
    if head.startswith(b"#!AMR"):
        return "audio/amr"
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "audio/wav"
    if head.startswith(b"OggS"):
        return "audio/ogg"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "video/webm"
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "audio/aac"
    frame = len(head) > 4 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2 and head[2] & 0xF0 != 0xF0
    if head.startswith(b"ID3") or frame:
        return "audio/mpeg"
    return None


def _text_type(data: Data, extension: str) -> str:
    """Plain text or CSV: it reads as text in an encoding that is used here, and is no markup and no script."""
    if extension not in TEXT_NAMES:
        raise refusals.unknown()
    text = _decoded(data[:])
    if text is None or CONTROLS.search(text.rstrip("\x1a")):  # how DOS ended a text
        raise refusals.unknown()
    if MARKUP.search(data) or text.lstrip("\ufeff \t\r\n").startswith(("<?", "<!", "#!", "{\\rtf")):
        raise refusals.web_page()
    return TEXT_NAMES[extension]


def _decoded(raw: bytes) -> str | None:
    encodings = ("utf-16",) if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _whole_pdf(data: Data) -> str:
    if data.rfind(b"%%EOF") < 0:
        raise refusals.broken()
    return "application/pdf"


def _checked_picture(media_type: str, data: Data) -> str:
    """The type of a picture that is whole and never fills the memory: where it has too many points to be unpacked, the
    type says so. Raises Invalid for all others."""
    size = SIZES[media_type](data)
    if not size or not size[0] or not size[1]:
        raise refusals.broken()
    points, plain = size[0] * size[1], False
    if media_type == "image/jpeg":
        _, progressive, scan = jpeg_segments(data)
        if not scan or data.find(b"\xff\xd9", scan) < 0:
            raise refusals.broken()
        if jpeg_scans(data, scan) > MOST_SCANS:
            raise refusals.bomb()
        plain = not progressive
    if points > (MOST_PIXELS_KEPT if media_type in KEPT_WHOLE else MOST_PIXELS):
        raise refusals.too_many_points(*size)
    if media_type == "image/png" and data.rfind(b"IEND") < 0:
        raise refusals.broken()
    if media_type == "image/webp" and int.from_bytes(data[4:8], "little") + 8 > len(data):
        raise refusals.broken()
    if media_type == "image/gif" and data[6:8] in (b"/*", b"=1", b"//"):
        raise refusals.two_things()
    if plain or points <= MOST_PIXELS:
        return media_type
    if points > MOST_PER_BYTE * len(data):
        raise refusals.bomb()
    return media_type + UNSHOWN
