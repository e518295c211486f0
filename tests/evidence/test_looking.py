"""What is found out about a picture as it comes in: its fingerprint, what its camera wrote, its small copies."""

import io
import random
import re
from datetime import UTC, datetime
from functools import partial

import pytest
from PIL import Image, ImageEnhance, ImageFilter
from PIL.TiffImagePlugin import IFDRational

from campaign.evidence import pictures
from campaign.evidence.fingerprints import fingerprint
from campaign.evidence.notes import DETAILS, PLACE, Notes, notes_of
from campaign.evidence.pictures import Copy, look
from campaign.evidence.store_folder import FolderStore
from campaign.rules.turning import turned

HERE = "Asia/Shanghai"


def scene(seed: int) -> Image.Image:
    noise = Image.frombytes("RGB", (16, 12), random.Random(seed).randbytes(16 * 12 * 3))
    return noise.resize((1600, 1200), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(4))


def again(picture: Image.Image, form: str = "JPEG", **options) -> Image.Image:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return Image.open(out)


def again_turned(way: Image.Transpose, picture: Image.Image) -> Image.Image:
    """Turned or mirrored by a program that writes the points anew, as a messenger does."""
    return again(picture.transpose(way).resize((900, 900)), quality=60)


@pytest.mark.parametrize(
    ("change", "most"),
    [
        (lambda picture: again(picture, quality=30), 4),
        (lambda picture: again(picture, "WEBP", quality=60), 4),
        (lambda picture: picture.resize((400, 300)), 4),
        (lambda picture: again(picture.resize((1080, 810)), quality=60), 4),  # as a messenger sends it on
        (lambda picture: ImageEnhance.Brightness(picture).enhance(1.2), 10),
        (lambda picture: picture.crop((16, 12, 1584, 1188)), 10),
        (lambda picture: picture.crop((48, 36, 1552, 1164)), 10),  # three per cent at each side
        *((partial(again_turned, way), 4) for way in Image.Transpose),
    ],
)
def test_the_same_picture_in_another_form_is_near_and_others_are_far(change, most):
    pictures_of = [scene(seed) for seed in range(8)]
    prints = [fingerprint(picture) for picture in pictures_of]
    for own, picture in zip(prints, pictures_of, strict=True):
        assert min((own ^ way).bit_count() for way in turned(fingerprint(change(picture)))) <= most
    others = [(one, other) for one in prints for other in prints if one is not other]
    assert min((one ^ way).bit_count() for one, other in others for way in turned(other)) > 12
    assert fingerprint(Image.new("RGB", (800, 600), "white")) is None


def written(at="2026:11:19 09:30:00", offset="", place=None, device="") -> Image.Image:
    exif = Image.Exif()
    exif.get_ifd(DETAILS).update({0x9003: at} | ({0x9011: offset} if offset else {}))
    exif.get_ifd(PLACE).update(place or {})
    if device:
        exif[0x0110] = device
    return again(Image.new("RGB", (8, 8)), exif=exif)


def degrees(*parts: int) -> tuple[IFDRational, ...]:
    return tuple(IFDRational(part, 1) for part in parts)


QINGHE = {1: "N", 2: degrees(37, 3, 36), 3: "E", 4: degrees(115, 39, 0)}


def notes_at_the_end() -> Image.Image:
    """A PNG whose notes stand behind its points."""
    exif = Image.Exif()
    exif[0x0110] = "A phone"
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG", exif=exif)
    parts = re.split(rb"(?s)(....eXIf.+?)(?=....IDAT)(.+?)(?=....IEND)", out.getvalue())
    head, notes, points, end = parts
    return Image.open(io.BytesIO(head + points + notes + end))


@pytest.mark.parametrize(
    ("picture", "notes"),
    [
        (written(), Notes(datetime(2026, 11, 19, 1, 30, tzinfo=UTC))),
        (written(offset="+09:00"), Notes(datetime(2026, 11, 19, 0, 30, tzinfo=UTC))),
        (written(offset="nonsense"), Notes(datetime(2026, 11, 19, 1, 30, tzinfo=UTC))),
        (written(at="0000:00:00 00:00:00"), Notes()),
        (written(at="2026:13:45 25:61:00"), Notes()),
        (written(at="", place=QINGHE), Notes(None, 37.06, 115.65)),
        (written(at="", place=QINGHE | {1: "S"}), Notes(None, -37.06, 115.65)),
        (written(at="", place=QINGHE | {2: degrees(97, 0, 0)}), Notes()),
        (written(at="", place={1: "N", 2: degrees(0, 0, 0), 3: "E", 4: degrees(0, 0, 0)}), Notes()),
        (written(at="", place={1: "N", 2: (IFDRational(1, 0),) * 3, 3: "E", 4: degrees(1, 1, 1)}), Notes()),
        (written(at="", device="A phone\x00\x07 " + "x" * 300), Notes(device=("A phone " + "x" * 300)[:120])),
        (again(Image.new("RGB", (8, 8)), "PNG"), Notes()),
        (notes_at_the_end(), Notes(device="A phone")),
    ],
)
def test_what_the_camera_wrote(picture, notes):
    assert notes_of(picture, HERE) == notes


@pytest.mark.parametrize(("form", "kept"), [("JPEG", {Copy.THUMB}), ("HEIF", set(Copy)), ("PNG", set(Copy))])
def test_one_look_gives_all_and_nobody_waits_for_it(tmp_path, form, kept):
    store, out = FolderStore(tmp_path / "store"), io.BytesIO()
    exif = Image.Exif()
    exif[0x0110] = "A phone"
    exif.get_ifd(DETAILS)[0x9003] = "2026:11:19 09:30:00"
    scene(1).save(out, form, exif=exif)
    stored = store.put(io.BytesIO(out.getvalue()), name="a")
    with pictures._one_at_a_time:  # another picture is just being unpacked
        busy = look(store, out, stored, zone=HERE)
    assert (busy.done, busy.bits, busy.notes.device) == (False, None, "A phone")
    assert not list(store.cache.rglob("*.jpg"))
    found = look(store, out, stored, zone=HERE)
    assert (found.done, found.notes) == (True, Notes(datetime(2026, 11, 19, 1, 30, tzinfo=UTC), device="A phone"))
    assert (found.bits ^ fingerprint(scene(1))).bit_count() <= 4
    assert {copy for copy in Copy if store.cached(stored.sha256, copy.name.lower()).is_file()} == kept
    for path in store.cache.rglob("*.jpg"):
        with Image.open(path) as copy:
            assert not copy.getexif()


def test_what_cannot_be_unpacked_is_kept_without_a_fingerprint(tmp_path):
    store, out = FolderStore(tmp_path / "store"), io.BytesIO()
    scene(2).save(out, "JPEG")
    content = bytearray(out.getvalue())
    at = content.find(b"\xff\xc4")
    content[at + 5 : at + 21] = b"\xff" * 16  # the tables are nonsense
    stored = store.put(io.BytesIO(content), name="a.jpg")
    assert look(store, io.BytesIO(content), stored, zone=HERE).bits is None
