"""Small copies of pictures for the page: upright, bounded, without what the camera wrote about place and person; and
what is found out about a picture when it comes in.

The original bytes stay as they were sent. A copy can always be made again, so it lies in the store's cache and is
not backed up. One picture is unpacked at a time in each process: a large one needs some 200 MB while it lasts.
"""

import logging
import secrets
import threading
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import IO

import pillow_heif
from PIL import Image, ImageOps

from ..rules.media import is_photo, plain_type
from .fingerprints import fingerprint
from .inspection import PICTURES
from .notes import Notes, notes_of
from .store import Store, Stored, told

log = logging.getLogger(__name__)
QUALITY = 82
WHITE = (255, 255, 255)
FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
    "image/heic": "HEIF",
}
_one_at_a_time = threading.Lock()

# A small picture inside a HEIC need not show what the large one shows: who sends a photo twice could hide behind it.
pillow_heif.register_heif_opener(thumbnails=False)
Image.MAX_IMAGE_PIXELS = None  # inspection has counted the points already, and its bound is the lower one


class Copy(Enum):
    """The two copies: the longest side in points."""

    THUMB = 480
    DISPLAY = 1600


@dataclass(frozen=True)
class Looked:
    """What was found out about a file as it came in. `bits`: its fingerprint, unsigned; `done`: nothing is left to
    find out. When another picture is just being unpacked, nobody waits: then the fingerprint comes later."""

    notes: Notes = field(default_factory=Notes)
    bits: int | None = None
    done: bool = True


def is_picture(media_type: str) -> bool:
    """Whether a file of that type is shown as a picture; a photo of too many points is not."""
    return media_type in PICTURES


def small_copy(store: Store, sha256: str, media_type: str, copy: Copy) -> Path | None:
    """The JPEG copy of a kept picture, made when first asked for; None for what is no picture or cannot be unpacked.

    Raises Damaged when the original is not intact, NoSpace or Busy when the copy cannot be written.
    """
    if not is_picture(media_type):
        return None
    path = store.cached(sha256, copy.name.lower())
    if path.is_file():
        return path
    with store.open(sha256) as stream, _one_at_a_time:
        picture = _unpacked(stream, media_type, copy.value)
    if picture is None:
        return None
    _save(store, sha256, picture, copy)
    return path


def look(store: Store, stream: IO[bytes], stored: Stored, *, zone: str, wait: bool = False) -> Looked:
    """Looks at a file that was just kept, and makes its small copies while it is unpacked; the stream holds its bytes.

    Costs nothing but the notes while another picture is being unpacked, unless it is told to wait. Whatever cannot be
    unpacked has no fingerprint and is kept all the same. Raises NoSpace or Busy when a copy cannot be written.
    """
    if not is_photo(stored.media_type):
        return Looked()
    notes = _notes(stream, plain_type(stored.media_type), zone)
    if not is_picture(stored.media_type):
        return Looked(notes)
    if not _one_at_a_time.acquire(blocking=wait):
        return Looked(notes, done=False)
    try:
        cheap = stored.media_type == "image/jpeg"  # unpacked at an eighth of its size; others only as a whole
        stream.seek(0)
        picture = _unpacked(stream, stored.media_type, (Copy.THUMB if cheap else Copy.DISPLAY).value)
    finally:
        _one_at_a_time.release()
    if picture is None:
        return Looked(notes)
    for copy in (Copy.THUMB,) if cheap else (Copy.DISPLAY, Copy.THUMB):
        picture.thumbnail((copy.value, copy.value), Image.Resampling.BICUBIC, reducing_gap=1.0)
        if not store.cached(stored.sha256, copy.name.lower()).is_file():
            _save(store, stored.sha256, picture, copy)
    return Looked(notes, fingerprint(picture))


def _notes(stream: IO[bytes], media_type: str, zone: str) -> Notes:
    stream.seek(0)
    try:
        with Image.open(stream, formats=[FORMATS[media_type]]) as picture:
            return notes_of(picture, zone)
    except Exception:  # as below: it costs the notes and nothing else
        return Notes()


def _save(store: Store, sha256: str, picture: Image.Image, copy: Copy) -> None:
    """Writes the copy into the cache, whole or not at all."""
    path = store.cached(sha256, copy.name.lower())
    with told():
        for folder in (path.parent, store.temporary):
            folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        part = store.temporary / f"{secrets.token_hex(16)}.part"
        try:
            picture.save(part, "JPEG", quality=QUALITY, optimize=True, progressive=True)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def _unpacked(stream: IO[bytes], media_type: str, longest: int) -> Image.Image | None:
    """The first frame as plain colours on white: a fresh picture, to which nothing of the old one's notes clings."""
    try:
        with Image.open(stream, formats=[FORMATS[media_type]]) as picture:
            picture.draft("RGB", (longest, longest))
            picture.thumbnail((longest, longest), Image.Resampling.BICUBIC, reducing_gap=1.0)
            upright = ImageOps.exif_transpose(picture)
            layered = upright.convert("RGBA") if "A" in upright.getbands() or "transparency" in upright.info else None
            plain = Image.new("RGB", upright.size, WHITE)
            plain.paste(layered or upright.convert("RGB"), mask=layered)
            return plain
    except Exception:
        # However a decoder fails, it costs the small copy and nothing else: the original can still be fetched.
        log.warning("a kept picture of type %s could not be unpacked", media_type, exc_info=True)
        return None
