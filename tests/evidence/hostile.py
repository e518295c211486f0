"""Hostile files, made here and never kept: each with the name it would be sent under and what must become of it.

`accepted` files are odd but harmless where they lie: they are kept inert. All others are refused with that status.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!DOCTYPE html><html><body><script>alert(1)</script></body></html>"
DOCX_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
XLSX_MAIN = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
DOCM_MAIN = "application/vnd.ms-word.document.macroEnabled.main+xml"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
SYMLINK = 0o120777 << 16


@dataclass(frozen=True)
class Hostile:
    """A file somebody might send. `status` 0: accepted as `media_type`."""

    label: str
    name: str
    make: Callable[[], bytes]
    status: int = 415
    media_type: str = ""


def picture(form: str = "JPEG", size: tuple[int, int] = (64, 48), **options) -> bytes:
    """A small honest picture."""
    out = io.BytesIO()
    Image.new("RGB", size, (180, 40, 40)).save(out, form, **options)
    return out.getvalue()


def package(*parts: tuple[str, bytes], main: str = DOCX_MAIN, packed: bool = True) -> bytes:
    """An office document with these further parts."""
    out = io.BytesIO()
    types = f'<?xml version="1.0"?><Types><Override PartName="/word/document.xml" ContentType="{main}"/></Types>'
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as made:
        made.writestr("[Content_Types].xml", types)
        for name, content in parts:
            made.writestr(name, content)
    return out.getvalue()


def zipped(*parts: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    """A plain zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts:
            made.writestr(name, content)
    return out.getvalue()


def with_types(text: bytes) -> bytes:
    """A package whose list of content types is that text."""
    return zipped(("[Content_Types].xml", text))


def png(width: int, height: int) -> bytes:
    """A PNG whose header claims that size; its body is a few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def gif_script() -> bytes:
    """A GIF whose width reads as the beginning of a comment, so that it is a script as well."""
    return b"GIF89a/*" + b"\x01\x00\x80\x00\x00" + b"\0" * 30 + b"*/=1;alert(1);//\x3b"


def jpeg_comment(comment: bytes) -> bytes:
    """A true JPEG with a comment."""
    made = picture()
    return made[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + made[2:]


def bomb() -> bytes:
    """A sheet of some hundred kilobytes that unpacks to 120 MB; written in pieces, so that making it needs little."""
    out = io.BytesIO(package(main=XLSX_MAIN))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as made, made.open("xl/worksheets/sheet1.xml", "w") as sheet:
        for _ in range(1_000):
            sheet.write(b"<c><v>1</v></c>" * 8_000)
    return out.getvalue()


def lying_bomb() -> bytes:
    """A zip with more entries in its directory than any document has."""
    return package(*((f"x/{number}", b"") for number in range(11_000)))


def liar(said: int, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A document with a part of 3 MB, of which its directory says another size, or another way of packing."""
    made = bytearray(package(("word/document.xml", b"0" * 3_000_000)))
    at = made.rindex(b"PK\x01\x02")
    struct.pack_into("<H", made, at + 10, method)
    struct.pack_into("<I", made, at + 24, said)
    return bytes(made)


def slip() -> bytes:
    """Parts that climb out of the folder they are unpacked in."""
    return package(("../../../../tmp/evil.txt", b"x"))


def symlink() -> bytes:
    """A part that is a link to somewhere else."""
    link = zipfile.ZipInfo("word/link")
    link.external_attr = SYMLINK
    types = f'<Types><Override ContentType="{DOCX_MAIN}"/></Types>'.encode()
    return zipped(("[Content_Types].xml", types), (link, b"/etc/passwd"))


def entities() -> bytes:
    """A list of content types that grows when it is read."""
    lol = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
    return with_types(b'<?xml version="1.0"?><!DOCTYPE t [<!ENTITY l0 "lol">' + lol + b"]><Types>&l9;</Types>")


def jpeg_size_bomb() -> bytes:
    """A progressive JPEG header that claims 60,000 × 60,000 points."""
    made = bytearray(picture(progressive=True))
    at = made.index(b"\xff\xc2")
    made[at + 5 : at + 9] = struct.pack(">HH", 60_000, 60_000)
    return bytes(made)


def jpeg_of_many_scans() -> bytes:
    """A progressive JPEG of some kilobytes whose last scan, of all points, comes a thousand times."""
    made = picture(size=(640, 480), progressive=True)
    at = made.rindex(b"\xff\xda")
    return made[:at] + made[at:-2] * 1_000 + made[-2:]


def utf16(text: str) -> bytes:
    """A stream name as compound files write it."""
    return text.encode("utf-16-le")


def compound(name: str, content: bytes, *others: str) -> bytes:
    """A compound file, as old Office writes it: this stream, and others that hold nothing."""
    streams = [(name, content), *((other, b"") for other in others)]
    entries, sectors, table, at = [("Root Entry", 5, 0xFFFFFFFE, 0)], b"", [0xFFFFFFFD, 2, 0xFFFFFFFE], 3
    for stream, held in streams:
        entries.append((stream, 2, at, 4096))
        sectors += held.ljust(4096, b"\0")
        table += [*range(at + 1, at + 8), 0xFFFFFFFE]
        at += 8
    directory = b"".join(
        utf16(stream).ljust(64, b"\0") + struct.pack("<HB49xIQ", 2 * len(stream) + 2, kind, begin, size)
        for stream, kind, begin, size in entries
    )
    head = OLE + struct.pack("<16xHHHHH6xIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0)
    head += struct.pack("<IIIIII", 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0)
    known = struct.pack("<128I", *table, *[0xFFFFFFFF] * (128 - len(table)))
    return head.ljust(512, b"\xff") + known + directory.ljust(1024, b"\0") + sectors


def word(flags: int) -> bytes:
    """How the main stream of an old document begins."""
    return struct.pack("<HHHHHH", 0xA5EC, 0xC1, 0, 0x0804, 0, flags)


def book(*records: tuple[int, bytes]) -> bytes:
    """The main stream of an old workbook with these records in front."""
    rest = (0x0809, struct.pack("<HHHHII", 0x600, 5, 0xDBB, 0x7CC, 0, 6)), *records, (0x000A, b"")
    return b"".join(struct.pack("<HH", kind, len(body)) + body for kind, body in rest)


def sheet(kind: int) -> tuple[int, bytes]:
    """The record that names a sheet; kind 1: it holds macros in the old language."""
    return 0x85, struct.pack("<IBBBB", 300, 0, kind, 6, 0) + b"Sheet1"


# A salt, a number and its hash, locked with the word "password1": from the tests of a public library.
PASSWORD = bytes.fromhex(
    "e8772c1d91c56a37964761b280183217c9e997d454973d310bb1ba701426837eb1de178f07e989c44dae5e4cf96ac407"
)
LOCKED = (0x2F, struct.pack("<HHH", 1, 1, 1) + PASSWORD)


def external() -> bytes:
    """A document whose body asks for a file of the machine that reads it; nobody here reads it."""
    body = b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><w:document>&x;</w:document>'
    return package(("word/document.xml", body))


PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

FILES: tuple[Hostile, ...] = (
    Hostile("test virus", "eicar.com", lambda: EICAR),
    Hostile("test virus as text", "eicar.txt", lambda: EICAR),
    Hostile("test virus in a zip", "eicar.zip", lambda: zipped(("eicar.com", EICAR))),
    Hostile("test virus in a docx", "report.docx", lambda: package(("word/media/eicar.com", EICAR))),
    Hostile("svg with script", "a.svg", lambda: SVG),
    Hostile("svg named jpg", "a.jpg", lambda: SVG),
    Hostile("svg named txt", "a.txt", lambda: SVG),
    Hostile("html", "a.html", lambda: HTML),
    Hostile("html named jpg", "a.jpg", lambda: HTML),
    Hostile("html without a name", "", lambda: HTML),
    Hostile("html behind spaces", "a.txt", lambda: b"\xef\xbb\xbf\n  \t" + HTML),
    Hostile("html in csv", "a.csv", lambda: b"name,number\n<script>alert(1)</script>,2\n"),
    Hostile("xml", "a.txt", lambda: b'<?xml version="1.0"?><x xmlns="http://www.w3.org/1999/xhtml"/>'),
    Hostile("php", "a.php.jpg", lambda: b"<?php system($_GET[0]); ?>"),
    Hostile("shell script", "a.txt", lambda: b"#!/bin/sh\nrm -rf /\n"),
    Hostile("gif and script", "a.gif", gif_script),
    Hostile("gif with html", "a.gif", lambda: picture("GIF") + HTML),
    Hostile("jpeg and html", "a.jpg", lambda: jpeg_comment(HTML)),
    Hostile("jpeg and php", "a.jpg", lambda: jpeg_comment(b"<?php system($_GET[0]); ?>")),
    Hostile("jpeg and zip", "a.jpg", lambda: picture() + zipped(("evil.exe", b"MZ"))),
    Hostile("png and zip", "a.png", lambda: picture("PNG") + zipped(("evil.exe", b"MZ"))),
    Hostile("pdf and zip", "a.pdf", lambda: PDF + zipped(("evil.exe", b"MZ"))),
    Hostile("html and pdf", "a.pdf", lambda: HTML + PDF),
    Hostile("png of 50,000²", "a.png", lambda: png(50_000, 50_000), 413),
    Hostile("png of 12,000²", "a.png", lambda: png(12_000, 12_000), 413),
    Hostile("progressive jpeg of 60,000²", "a.jpg", jpeg_size_bomb, 413),
    Hostile("jpeg of a thousand scans", "a.jpg", jpeg_of_many_scans, 413),
    Hostile("png of no size", "a.png", lambda: png(0, 0)),
    Hostile("xlsx bomb", "a.xlsx", bomb, 413),
    Hostile("too many parts", "a.docx", lying_bomb, 413),
    Hostile("a part larger than it says", "a.docx", lambda: liar(100), 413),
    Hostile("a part smaller than it says", "a.docx", lambda: liar(4_000_000)),
    Hostile("a part packed in a way of its own", "a.docx", lambda: liar(3_000_000, zipfile.ZIP_LZMA)),
    Hostile("zip slip", "a.docx", slip),
    Hostile("link in a zip", "a.docx", symlink),
    Hostile("entity bomb", "a.docx", entities),
    Hostile("docm", "a.docx", lambda: package(main=DOCM_MAIN)),
    Hostile("macros in a docx", "a.docx", lambda: package(("word/vbaProject.bin", b"x"))),
    Hostile("macros spelled another way", "a.docx", lambda: with_types(b"<Types macro&#69;nabled/>")),
    Hostile("macros in an old doc", "a.doc", lambda: OLE + b"\0" * 600 + utf16("WordDocument_VBA_PROJECT")),
    Hostile("installer", "a.doc", lambda: OLE + b"\0" * 600 + utf16("Media1.cab")),
    Hostile("locked document", "a.docx", lambda: OLE + b"\0" * 600 + utf16("EncryptedPackage")),
    Hostile("old doc with a password", "a.doc", lambda: compound("WordDocument", word(0x0100), "1Table")),
    Hostile("old xls with a password", "a.xls", lambda: compound("Workbook", book(LOCKED, sheet(0)))),
    Hostile("macros of Excel 4 in an xls", "a.xls", lambda: compound("Workbook", book(sheet(0), sheet(1)))),
    Hostile("macros of Excel 4 in an xlsx", "a.xlsx", lambda: package(("xl/macrosheets/a.xml", b""), main=XLSX_MAIN)),
    Hostile("zip in a docx", "a.docx", lambda: package(("word/inner.zip", zipped(("a", b"b"))))),
    Hostile("plain zip", "a.docx", lambda: zipped(("a.txt", b"a"))),
    Hostile("empty zip", "a.docx", lambda: b"PK\x05\x06" + b"\0" * 18),
    Hostile("program", "holiday.jpg", lambda: b"MZ" + b"\0" * 200),
    Hostile("linux program", "a", lambda: b"\x7fELF" + b"\0" * 200),
    Hostile("picture named as a program", "photo.jpg.exe", picture),
    Hostile("picture with a name that reads backwards", "photo\u202egpj.exe", picture),
    Hostile("program with a dot at its end", "photo.exe. ", picture),
    Hostile("rar", "a.rar", lambda: b"Rar!\x1a\x07\0" + b"\0" * 50),
    Hostile("truncated jpeg", "a.jpg", lambda: picture(size=(800, 600))[:-400]),
    Hostile("truncated png", "a.png", lambda: picture("PNG")[:-14]),
    Hostile("truncated webp", "a.webp", lambda: picture("WEBP")[:-20]),
    Hostile("truncated heic", "a.heic", lambda: picture("HEIF", (640, 480))[:-20]),
    Hostile("truncated docx", "a.docx", lambda: package(("word/document.xml", b"x" * 900), packed=False)[:-60]),
    Hostile("truncated pdf", "a.pdf", lambda: PDF[:-8]),
    Hostile("only a head", "a.jpg", lambda: b"\xff\xd8\xff"),
    Hostile("empty", "a.jpg", lambda: b""),
    Hostile("noise", "a.jpg", lambda: bytes(range(256)) * 20),
    Hostile("noise named txt", "a.txt", lambda: bytes(range(256)) * 20),
    Hostile("a film named as nothing known", "a.xyz", lambda: b"\0\0\0\x18ftypzzzz" + b"\0" * 60),
    Hostile("name with folders", "..%2f..\\../../etc/passwd.jpg", picture, 0, "image/jpeg"),
    Hostile("name with NUL", "passwd\0.jpg", picture, 0, "image/jpeg"),
    Hostile("name of 300 characters", "长" * 296 + ".jpg", picture, 0, "image/jpeg"),
    Hostile("document that asks for a file", "a.docx", external, 0, DOCX),
)
