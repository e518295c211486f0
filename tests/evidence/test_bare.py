"""Copies for readers further off: nothing of when, where and with what; all that is seen and heard is there."""

import io
import zipfile

import pytest

from campaign.evidence.bare import bare_copy
from campaign.evidence.store_folder import FolderStore

from .films import MAKER, PLACE, SEEN, film
from .hostile import package, picture, zipped

NOTED = picture(size=(64, 48), xmp=b"<x:xmpmeta>" + PLACE + b"</x:xmpmeta>", comment=MAKER)
PLAIN = picture(size=(64, 48))
HEAD = b"%PDF-1.7\n1 0 obj<</Length 9>>stream\n"


def exif_jpeg() -> bytes:
    """A photo with notes in its EXIF, where the maker stands."""
    from_camera = b"Exif\0\0MM\0*" + PLACE + MAKER
    return PLAIN[:2] + b"\xff\xe1" + (len(from_camera) + 2).to_bytes(2, "big") + from_camera + PLAIN[2:]


def id3(*parts: bytes) -> bytes:
    body = b"".join(parts)
    return b"ID3\x04\0\0\0\0" + bytes((len(body) >> 7, len(body) & 0x7F)) + body


def wave(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def chunk(kind: bytes, content: bytes) -> bytes:
    return kind + len(content).to_bytes(4, "little") + content


FRAMES = b"\xff\xfb\x90\x64" + b"sound" * 20
SOUND = wave(chunk(b"fmt ", bytes(16)), chunk(b"data", b"soun"))
WAVE = wave(chunk(b"fmt ", bytes(16)), chunk(b"LIST", b"INFO" + MAKER + b"\0"), chunk(b"data", b"soun"))


@pytest.mark.parametrize(
    ("sent", "name", "becomes"),
    [
        (film(), "a.mp4", None),
        (film(b"qt  "), "a.mov", None),
        (film(b"M4A ", way_kind=b"soun"), "a.m4a", None),
        (id3(PLACE) + FRAMES + b"TAG" + MAKER.ljust(125), "a.mp3", FRAMES),
        (WAVE, "a.wav", SOUND),
        (b"#!AMR\n" + b"<sound", "a.amr", b"#!AMR\n" + b"<sound"),
        (HEAD + exif_jpeg() + b"\nendstream endobj\n%%EOF", "a.pdf", None),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_films_recordings_and_pdfs_say_nothing_and_lose_nothing(tmp_path, sent, name, becomes):
    store = FolderStore(tmp_path)
    kept = store.put(io.BytesIO(sent), name=name)
    made = bare_copy(store, kept.sha256, kept.media_type)
    sound_only = name == "a.m4a"  # its second track is one that is heard
    assert (PLACE in made.data and not sound_only, MAKER in made.data) == (False, False)
    assert made.same == (made.data == sent)
    if becomes is not None:
        assert made.data == becomes
    elif name.endswith(("4", "v", "4a")):
        assert len(made.data) == len(sent)
        assert SEEN in made.data
        assert b"\xb2\xd0\x5e\x00" not in made.data, "nor when it was made"
        again = store.put(io.BytesIO(made.data), name=name)
        assert again.media_type == kept.media_type
        assert bare_copy(store, again.sha256, again.media_type).same
    with store.open(kept.sha256) as stream:
        assert stream.read() == sent


@pytest.mark.parametrize(
    "sent",
    [
        b"\x1a\x45\xdf\xa3" + bytes(40), b"OggS" + bytes(40), film(fragments=True), film()[:-30],
        package(("word/media/a.tif", b"II*\0Exif\0\0")),
    ],
    ids=["WebM", "Ogg", "a film in fragments with a track of ways", "a film that is cut", "a TIFF inside"],
)  # fmt: skip
def test_what_cannot_be_told_apart_is_not_handed_on(tmp_path, sent):
    store = FolderStore(tmp_path)
    kept = store.put(io.BytesIO(sent), name="a")
    assert bare_copy(store, kept.sha256, kept.media_type) is None


def test_only_documents_whose_pictures_say_something_are_made_anew(tmp_path):
    store = FolderStore(tmp_path)
    inner = package(("xl/media/image1.jpg", exif_jpeg()))
    for parts, same in (((("word/media/image1.jpg", PLAIN),), True), ((("word/media/image1.jpg", NOTED),), False),
                        ((("word/embeddings/a.xlsx", inner),), False)):  # fmt: skip
        sent = package(("word/document.xml", b"<w:document/>"), *parts)
        kept = store.put(io.BytesIO(sent), name="a.docx")
        made = bare_copy(store, kept.sha256, kept.media_type)
        assert made.same is same
        with zipfile.ZipFile(io.BytesIO(made.data)) as found, zipfile.ZipFile(io.BytesIO(sent)) as old:
            assert found.namelist() == old.namelist()
            assert found.read("word/document.xml") == b"<w:document/>"
            within = b"".join(found.read(name) for name in found.namelist())
            if "word/embeddings/a.xlsx" in found.namelist():
                with zipfile.ZipFile(io.BytesIO(found.read("word/embeddings/a.xlsx"))) as deeper:
                    within += deeper.read("xl/media/image1.jpg")
            assert (PLACE in within, MAKER in within) == (False, False)
    signed = zipped(("OFD.xml", b"<ofd/>"), ("Doc_0/Res/image_1.jpg", PLAIN), ("Doc_0/Signs/Signature.xml", b"<s/>"))
    kept = store.put(io.BytesIO(signed), name="a.ofd")
    assert bare_copy(store, kept.sha256, kept.media_type).same, "what is signed stays whole"
