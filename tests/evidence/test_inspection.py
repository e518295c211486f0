"""What comes in and what does not: about sixty hostile files, and the odd but honest ones."""

import io
import resource
import struct
import time
import zipfile

import pytest
from PIL import Image
from xlsxwriter import Workbook

from campaign.errors import Invalid
from campaign.evidence.bare import bare_copy
from campaign.evidence.inspection import LONGEST_NAME, inspect, plain_name
from campaign.evidence.pictures import Copy, look, small_copy
from campaign.evidence.store_folder import FolderStore
from campaign.rules.media import is_large, plain_type

from .hostile import (
    DOCX,
    FILES,
    LOCKED,
    OLE,
    PDF,
    Hostile,
    book,
    compound,
    package,
    picture,
    png,
    sheet,
    utf16,
    word,
    zipped,
)

# As LOCKED, with the word that Excel itself uses where only the structure is protected: it opens without asking.
UNASKED = (0x2F, LOCKED[1][:22] + bytes.fromhex("0fed626187dfdae2a9e44edd9d7d7de5fc1e80341ab211f795497e79df44a154"))
SLIDES = "application/vnd.openxmlformats-officedocument.presentationml.presentation"


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize("hostile", FILES, ids=lambda hostile: hostile.label)
def test_hostile_files_are_refused_or_lie_inert(hostile: Hostile, tmp_path):
    store, content = FolderStore(tmp_path / "store"), hostile.make()
    before, began = peak_mb(), time.monotonic()
    if hostile.status:
        with pytest.raises(Invalid) as refusal:
            store.put(io.BytesIO(content), name=hostile.name)
        assert refusal.value.status == hostile.status
        assert len(str(refusal.value)) > 15
        assert list(store.stored()) == []
    else:
        kept = store.put(io.BytesIO(content), name=hostile.name)
        assert kept.media_type == hostile.media_type
        with store.open(kept.sha256) as stream:
            assert stream.read() == content
    assert time.monotonic() - began < 3
    assert peak_mb() - before < 200
    assert list(store.temporary.iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {"store"}
    assert store.put(io.BytesIO(picture()), name="next.jpg").media_type == "image/jpeg"


def test_there_are_enough_of_them():
    assert len(FILES) >= 40
    assert len({hostile.label for hostile in FILES}) == len(FILES)


def heic() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(out, "HEIF")
    return out.getvalue()


def boxes(data: bytes) -> dict[bytes, bytes]:
    """The boxes at the top of a HEIC, by their kinds, in their order."""
    found, at = {}, 0
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        found[kind], at = data[at : at + length], at + length
    return found


def heic_with_its_head_behind(extents: bytes = b"", points: bytes = b"") -> bytes:
    """As some phones write it: what declares the picture stands behind its points. `points`: what else stands among
    these; `extents`: what the head declares instead."""
    found = boxes(heic())
    start = len(found[b"ftyp"]) + len(found[b"meta"]) + 8
    shown = found[b"mdat"][8:]
    kept = struct.pack(">I4s", 8 + len(shown) + len(points), b"mdat") + shown + points
    head = found[b"meta"].replace(struct.pack(">I", start), struct.pack(">I", len(found[b"ftyp"]) + 8))
    return found[b"ftyp"] + kept + head.replace(struct.pack(">II", 64, 64), extents or struct.pack(">II", 64, 64))


def test_the_head_of_a_heic_may_stand_behind_and_only_the_head_declares(tmp_path):
    store, honest = FolderStore(tmp_path / "store"), heic_with_its_head_behind()
    kept = store.put(io.BytesIO(honest), name="20261120_093000.heic")
    assert kept.media_type == "image/heic"
    assert small_copy(store, kept.sha256, kept.media_type, Copy.THUMB)
    small, large = (b"ispe" + bytes(4) + struct.pack(">II", side, side) for side in (64, 60_000))
    for points, extents, status in (
        (small, large[-8:], 413),
        (large, b"", None),
        (small, struct.pack(">II", 0, 0), 415),
    ):
        content = heic_with_its_head_behind(extents, points)
        if status is None:
            assert store.put(io.BytesIO(content), name="a.heic").media_type == "image/heic"
            continue
        with pytest.raises(Invalid) as refusal:
            store.put(io.BytesIO(content), name="a.heic")
        assert refusal.value.status == status
    endless = boxes(honest)[b"ftyp"] + struct.pack(">I4s", 8, b"free") * 100_000 + honest
    with pytest.raises(Invalid):
        store.put(io.BytesIO(endless), name="a.heic")


def xlsx() -> bytes:
    out = io.BytesIO()
    book = Workbook(out, {"in_memory": True})
    book.add_worksheet().write_string(0, 0, "合计")
    book.close()
    return out.getvalue()


def ofd() -> bytes:
    return zipped(("OFD.xml", b"<ofd:OFD/>"), ("Doc_0/Document.xml", b"<x/>"))


def with_an_empty_part() -> bytes:
    """A docx with an empty part that is said to be packed, and has no bytes."""
    made = bytearray(package(("word/document.xml", b"<x/>"), ("word/empty.xml", b""), packed=False))
    for head, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        struct.pack_into("<H", made, made.rindex(head) + at, zipfile.ZIP_DEFLATED)
    return bytes(made)


def with_signs_among_points() -> bytes:
    """A JPEG among whose points five bytes stand together by chance, as in one of thousands of photos."""
    made = picture(size=(640, 480), quality=95)
    return made[:-40] + b"<sVg\t\xb1\x93\x07\xe5" + made[-31:]


def slides() -> bytes:
    return package(("ppt/media/image1.svg", b"<svg/>"), main=SLIDES + ".main+xml")


def film(brand: bytes) -> bytes:
    return b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0" + b"\x11" * 80


HONEST = [
    ("a.jpg", picture(), "image/jpeg"),
    ("a.JPEG", picture(progressive=True), "image/jpeg"),
    ("a.png", picture("PNG"), "image/png"),
    ("a.webp", picture("WEBP"), "image/webp"),
    ("a.webp", picture("WEBP", lossless=True), "image/webp"),
    ("a.gif", picture("GIF"), "image/gif"),
    ("IMG_0001.HEIC", heic(), "image/heic"),
    ("IMG_0001.jpg", heic(), "image/heic"),  # phones rename when they send
    ("motion.jpg", picture() + film(b"mp42"), "image/jpeg"),  # a photo with its film behind it
    ("no name", picture(), "image/jpeg"),
    ("chance.jpg", with_signs_among_points(), "image/jpeg"),
    ("", PDF, "application/pdf"),
    ("a.pdf", b"\xef\xbb\xbf\n" + PDF, "application/pdf"),
    ("a.docx", package(), DOCX),
    ("a.doc", package(), DOCX),
    ("a.docx", with_an_empty_part(), DOCX),
    ("a.dotx", package(main="application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml"), DOCX),
    ("a.doc", compound("WordDocument", word(0), "1Table"), "application/msword"),
    ("a.xls", compound("Workbook", book(sheet(0))), "application/vnd.ms-excel"),
    ("structure.xls", compound("Workbook", book(UNASKED, sheet(0))), "application/vnd.ms-excel"),
    ("a.pptx", slides(), SLIDES),
    ("a.xlsx", xlsx(), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("a.ofd", ofd(), "application/ofd"),
    ("a.doc", OLE + b"\0" * 600 + utf16("WordDocument"), "application/msword"),
    ("a.xls", OLE + b"\0" * 600 + utf16("Workbook"), "application/vnd.ms-excel"),
    ("a.ppt", OLE + b"\0" * 600 + utf16("PowerPoint Document"), "application/vnd.ms-powerpoint"),
    ("a.wps", OLE + b"\0" * 600 + utf16("WpsContent"), "application/vnd.ms-works"),
    ("a.txt", "会议记录 <今日>".encode(), "text/plain"),
    ("a.txt", "会议记录，参会 38 人。\r\n".encode("gb18030"), "text/plain"),
    ("a.txt", "会议记录".encode("utf-16"), "text/plain"),
    ("dos.txt", "会议记录\r\n".encode("gbk") + b"\x1a", "text/plain"),
    ("a.csv", "单位,数\r\n清河县,3\r\n".encode("utf-8-sig"), "text/csv"),
    ("a.mp4", film(b"isom"), "video/mp4"),
    ("a.mov", film(b"qt  "), "video/quicktime"),
    ("maker.mp4", film(b"zzzz\0\0\0\0isom"), "video/mp4"),  # a brand of its maker's, like a known one
    ("a.m4a", film(b"M4A "), "audio/mp4"),
    ("a.wav", b"RIFF\x40\0\0\0WAVEfmt " + b"\0" * 60, "audio/wav"),
    ("a.aac", b"\xff\xf1\x50\x80" + b"\0" * 60, "audio/aac"),
    ("a.ogg", b"OggS" + b"\0" * 60, "audio/ogg"),
    ("a.webm", b"\x1a\x45\xdf\xa3" + b"\0" * 60, "video/webm"),
    ("a.amr", b"#!AMR\n" + b"\x3c" * 60, "audio/amr"),
    ("a.mp3", b"ID3\x03\0" + b"\0" * 60, "audio/mpeg"),
    ("a.mp3", b"\xff\xfb\x90\x64" + b"\0" * 60, "audio/mpeg"),
]


@pytest.mark.parametrize(("name", "content", "media_type"), HONEST, ids=[f"{row[0]}-{row[2]}" for row in HONEST])
def test_honest_files_are_known_by_what_they_hold(name, content, media_type, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert inspect(path, name) == media_type


SIDES = struct.pack(">HH", 12_240, 16_320)  # of a phone of 200 megapixels
DIARY = Image.Exif()
DIARY[0x0110] = "A phone"


def jpeg_of_a_phone(**options) -> bytes:
    """A JPEG whose head declares 200 megapixels."""
    made = bytearray(picture(exif=DIARY, **options))
    at = made.index(b"\xff\xc2" if options else b"\xff\xc0")
    made[at + 5 : at + 9] = SIDES
    return bytes(made)


def heic_of_a_phone(weight: int = 0) -> bytes:
    """A HEIC whose head declares 200 megapixels, with so many bytes behind it."""
    made = picture("HEIF", (64, 64), exif=DIARY).replace(struct.pack(">II", 64, 64), struct.pack(">II", 16_320, 12_240))
    return made + struct.pack(">I4s", 8 + weight, b"free") + bytes(weight)


def png_of_a_plan(weight: int) -> bytes:
    """A PNG whose head declares 139 megapixels, a large drawing, with a part of so many bytes."""
    made = png(14_043, 9_933)
    return made[:-12] + struct.pack(">I4s", weight, b"tEXt") + bytes(weight + 4) + made[-12:]


@pytest.mark.parametrize(
    ("content", "media_type", "says"),
    [
        (jpeg_of_a_phone(), "image/jpeg", "A phone"),
        (jpeg_of_a_phone(progressive=True) + bytes(1_000_000), "image/jpeg; view=none", "A phone"),
        (heic_of_a_phone(1_000_000), "image/heic; view=none", "A phone"),
        (png_of_a_plan(700_000), "image/png; view=none", ""),
        (jpeg_of_a_phone(progressive=True), 413, ""),  # as large, in a few bytes
        (heic_of_a_phone(), 413, ""),
        (png_of_a_plan(0), 413, ""),
    ],
    ids=["jpeg", "progressive", "heic", "png", "light progressive", "light heic", "light png"],
)
def test_a_phone_of_200_megapixels_is_kept_and_only_a_plain_jpeg_unpacked(content, media_type, says, tmp_path):
    store = FolderStore(tmp_path / "store")
    if media_type == 413:
        with pytest.raises(Invalid) as refusal:
            store.put(io.BytesIO(content), name="a")
        assert refusal.value.status == 413
        return
    before, kept = peak_mb(), store.put(io.BytesIO(content), name="a")
    assert kept.media_type == media_type
    found = look(store, io.BytesIO(content), kept, zone="Asia/Shanghai")
    assert (found.notes.device, found.bits, found.done) == (says, None, True)
    if is_large(media_type):
        assert small_copy(store, kept.sha256, media_type, Copy.THUMB) is None
        assert peak_mb() - before < 60
        assert not list(store.cache.rglob("*.jpg"))
    bare = bare_copy(store, kept.sha256, media_type)
    assert (bare is None) == (plain_type(media_type) == "image/heic")
    assert bare is None or b"A phone" not in bare.data


def test_a_directory_that_hides_behind_a_wide_end_is_still_measured(tmp_path):
    """A 64-bit end record may name another size than the plain one; what counts is what a reader would follow."""
    made = package()
    end = made.rindex(b"PK\x05\x06")
    wide = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 1, 1, 3_000_000, 0)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, end, 1)
    path = tmp_path / "file"
    path.write_bytes(made[:end] + wide + locator + made[end:])
    with pytest.raises(Invalid):
        inspect(path, "a.docx")
    assert zipfile.is_zipfile(path)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("挂牌照片.jpg", "挂牌照片.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\王\\照片.png", "照片.png"),
        ("a\0b\r\nc.jpg", "abc.jpg"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("..", "file"),
        ("", "file"),
        (" . ", "file"),
        (".htaccess", "htaccess"),
        ("cafe\u0301.txt", "café.txt"),
        ("\ud800lone.jpg", "lone.jpg"),
    ],
)
def test_names_are_one_line_without_folders(sent, kept):
    assert plain_name(sent) == kept


def test_long_names_keep_their_ending():
    kept = plain_name("长" * 400 + ".jpeg")
    assert len(kept) == LONGEST_NAME
    assert kept.endswith("长.jpeg")
