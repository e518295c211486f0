"""Small copies: upright, bounded, without place or person; a bad picture costs only its copy."""

import io
import struct

import pytest
from PIL import Image, ImageOps

from campaign.evidence.bare import bare_copy
from campaign.evidence.pictures import Copy, small_copy
from campaign.evidence.store import Damaged
from campaign.evidence.store_folder import FolderStore

from .hostile import png

GPS, ORIENTATION, MAKER = 0x8825, 0x0112, 0x010F
RED, BLUE, WHITE = (200, 30, 30), (30, 30, 200), (255, 255, 255)


@pytest.fixture
def store(tmp_path) -> FolderStore:
    return FolderStore(tmp_path / "store")


def photo(form: str = "JPEG", size=(4000, 3000), mode: str = "RGB", colour=RED, **options) -> io.BytesIO:
    """A photo as a phone sends it: lying on its side, with the place and the maker in it."""
    exif = Image.Exif()
    exif[MAKER] = "Phone of Wang"
    exif[ORIENTATION] = 6
    exif.get_ifd(GPS)[2] = (39.0, 54.0, 0.0)
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, form, **({"exif": exif} | options))
    out.seek(0)
    return out


def copy_of(store: FolderStore, sent: io.BytesIO, copy: Copy = Copy.THUMB) -> Image.Image:
    kept = store.put(sent, name="photo")
    path = small_copy(store, kept.sha256, kept.media_type, copy)
    with Image.open(path) as made:
        made.load()
        return made


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("copy", list(Copy))
def test_copies_are_upright_bounded_and_say_nothing_of_place_or_person(store, form, copy):
    made = copy_of(store, photo(form), copy)
    assert made.format == "JPEG"
    assert max(made.size) == copy.value
    assert made.height > made.width  # it lay on its side
    assert dict(made.getexif()) == {}
    assert b"Phone of Wang" not in b"".join(path.read_bytes() for path in store.cache.rglob("*.jpg"))
    assert all(abs(a - b) < 12 for a, b in zip(made.getpixel((5, 5)), RED, strict=True))


def test_a_photo_of_an_iphone_is_shown(store):
    assert max(copy_of(store, photo("HEIF", (1200, 900))).size) == Copy.THUMB.value


def with_small_picture_of_another() -> bytes:
    """A red HEIC whose embedded small picture, of 720 points, is a blue one."""
    red, blue = (photo("HEIF", (960, 720), colour=each, exif=None, thumbnails=[720]).getvalue() for each in (RED, BLUE))
    at = red.find(b"iloc") + 34  # where the second item lies: its offset, and then its length
    start, length = struct.unpack_from(">I", blue, at)[0], struct.unpack_from(">I", blue, at + 10)[0]
    forged = bytearray(red) + blue[start : start + length]
    struct.pack_into(">I", forged, at, len(red))
    struct.pack_into(">I", forged, at + 10, length)
    return bytes(forged)


def test_a_small_picture_inside_a_heic_does_not_stand_for_the_large_one(store):
    sent = with_small_picture_of_another()
    with Image.open(io.BytesIO(sent)) as opened:
        assert opened.size == (960, 720)
    made = copy_of(store, io.BytesIO(sent))
    assert all(abs(a - b) < 12 for a, b in zip(made.getpixel((50, 50)), RED, strict=True))


def test_notes_other_than_exif_stay_behind_too(store):
    copy_of(store, photo(comment=b"written by Wang", xmp=b"<x:xmpmeta>Wang</x:xmpmeta>", exif=b""))
    assert b"Wang" not in b"".join(path.read_bytes() for path in store.cache.rglob("*.jpg"))


def test_what_is_clear_becomes_white(store):
    made = copy_of(store, photo("PNG", (50, 40), "RGBA", (0, 0, 0, 0), exif=b""))
    assert made.getpixel((5, 5)) == WHITE
    assert made.size == (50, 40)  # nothing is made larger


@pytest.mark.parametrize("mode", ["L", "P", "1", "I;16", "LA"])
def test_pictures_of_other_kinds_are_shown(store, mode):
    colour = (9, 255) if mode == "LA" else 1
    assert copy_of(store, photo("PNG", (400, 300), mode, colour, exif=b"")).mode == "RGB"


def test_the_original_is_untouched(store):
    sent = photo().getvalue()
    kept = store.put(io.BytesIO(sent), name="photo")
    small_copy(store, kept.sha256, kept.media_type, Copy.THUMB)
    with store.open(kept.sha256) as stream:
        assert stream.read() == sent


def test_a_copy_is_made_once(store):
    kept = store.put(photo(), name="photo")
    first = small_copy(store, kept.sha256, kept.media_type, Copy.THUMB)
    stamp = first.stat().st_mtime_ns
    assert small_copy(store, kept.sha256, kept.media_type, Copy.THUMB).stat().st_mtime_ns == stamp
    assert list(store.stored()) == [kept.sha256]


def test_a_picture_that_cannot_be_unpacked_has_no_copy(store):
    kept = store.put(io.BytesIO(png(300, 300)), name="photo.png")
    assert small_copy(store, kept.sha256, kept.media_type, Copy.THUMB) is None


def test_a_document_has_no_copy(store):
    kept = store.put(io.BytesIO(b"text"), name="a.txt")
    assert small_copy(store, kept.sha256, kept.media_type, Copy.THUMB) is None


def test_a_damaged_original_gives_no_copy(store):
    kept = store.put(photo(), name="photo")
    store.path(kept.sha256).unlink()
    with pytest.raises(Damaged):
        small_copy(store, kept.sha256, kept.media_type, Copy.THUMB)


@pytest.mark.parametrize(
    ("form", "more", "end"),
    [("JPEG", {}, ".jpg"), ("JPEG", {"progressive": True}, ".jpg"), ("PNG", {"exif": b""}, ".png"), ("PNG", {}, ".jpg"),
     ("WEBP", {}, ".jpg")],
)  # fmt: skip
def test_a_bare_copy_shows_the_same_and_says_nothing(store, form, more, end):
    sent = photo(form, (40, 30), **({"xmp": b"<x:xmpmeta>Wang</x:xmpmeta>", "comment": b"Wang"} | more)).getvalue()
    kept = store.put(io.BytesIO(sent + (b"film of Wang" if form == "JPEG" else b"")), name="photo")
    copy = bare_copy(store, kept.sha256, kept.media_type)
    made, ending = copy.data, copy.ending
    assert (ending, b"Wang" in made) == (end, False)
    with Image.open(io.BytesIO(made)) as shown, Image.open(io.BytesIO(sent)) as original:
        assert set(shown.getexif()) <= {ORIENTATION}
        upright = [ImageOps.exif_transpose(each.convert("RGB")) for each in (shown, original)]
        assert upright[0].size == upright[1].size
        if ending == ".png" or form == "JPEG":
            assert upright[0].tobytes() == upright[1].tobytes()
