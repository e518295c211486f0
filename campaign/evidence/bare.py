"""Copies of what was sent that say nothing of when, where or with what it was captured, for readers further off.

Pictures, films and recordings lose their notes; so do the pictures inside documents. The original is never touched.
"""

import struct
from dataclasses import dataclass

from ..rules.media import is_photo, plain_type
from .bare_documents import bare_document
from .bare_films import bare_recording
from .bare_pictures import bare_jpeg, bare_png
from .pictures import Copy, small_copy
from .store import Store


@dataclass(frozen=True)
class Bare:
    """A copy without notes. `ending`: of its name, where it has become another form, otherwise empty. `same`: there was
    nothing to take out, and these are the bytes that were sent."""

    data: bytes
    media_type: str
    ending: str = ""
    same: bool = False


def is_recording(media_type: str) -> bool:
    """Whether a file of that type is a film or a recording, in which phones write when and where."""
    return media_type.startswith(("video/", "audio/"))


def bare_copy(store: Store, sha256: str, media_type: str) -> Bare | None:
    """A copy of a kept file that says nothing of time, place or camera; up to 50 MB in memory.

    JPEG, PNG, films of the MP4 family and sound lose nothing that is seen or heard; of other pictures it is the large
    copy of the page. None where notes cannot be told from the rest: such a file cannot be shown to others. Raises
    Damaged when the original is not intact.
    """
    if is_photo(media_type):
        return _picture(store, sha256, media_type)
    with store.open(sha256) as stream:
        data = stream.read()
    make = bare_recording if is_recording(media_type) else bare_document
    made = make(data, media_type)
    return None if made is None else Bare(made, media_type, same=made == data)


def _picture(store: Store, sha256: str, media_type: str) -> Bare | None:
    plain = plain_type(media_type)
    if plain in ("image/jpeg", "image/png"):
        with store.open(sha256) as stream:
            data = stream.read()
        try:
            if plain == "image/jpeg":
                return Bare(bare_jpeg(data), plain, ".jpg")
            return Bare(bare_png(data), plain, ".png")
        except (ValueError, IndexError, struct.error):
            pass  # its parts cannot be told from each other: then only the unpacked points are safe
    path = small_copy(store, sha256, media_type, Copy.DISPLAY)
    return None if path is None else Bare(path.read_bytes(), "image/jpeg", ".jpg")
