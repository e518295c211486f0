"""What the camera wrote into a picture: when, where, and with what. Sensitive: kept apart from all that is shown.

Nothing here is believed: a clock may be wrong, a place may be missing, and whoever wants to can write what they like.
"""

import math
import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from PIL import Image

DETAILS, PLACE = 0x8769, 0x8825
MAKE, MODEL = 0x010F, 0x0110
TAKEN = ((0x9003, 0x9011), (0x9004, 0x9012))  # when, and by which offset from UTC: of the taking, of the scanning
MOMENT = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)")
OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")
LONGEST = 120
PNG_HEAD = b"\x89PNG\r\n\x1a\n"
MOST_PARTS, MOST_NOTES = 20_000, 1 << 20


@dataclass(frozen=True)
class Notes:
    """When it was captured, where (degrees of WGS 84), and the camera; None and '' for what it does not say."""

    at: datetime | None = None
    latitude: float | None = None
    longitude: float | None = None
    device: str = ""

    @property
    def say_something(self) -> bool:
        """Whether there is anything to be kept."""
        return self != Notes()


def notes_of(picture: Image.Image, zone: str) -> Notes:
    """What stands in the picture; a time without an offset is one of that zone. Whatever cannot be read is left out."""
    try:
        if picture.format == "PNG" and "exif" not in picture.info:
            picture.info["exif"] = _behind_the_points(picture)
        written = Image.Image.getexif(picture)  # as of any picture: that of a PNG would unpack all of it first
        details, place = written.get_ifd(DETAILS), written.get_ifd(PLACE)
        camera = " ".join(_text(written.get(tag)) for tag in (MAKE, MODEL))
    except Exception:  # the notes of a damaged picture can fail in any way, and cost nothing but themselves
        return Notes()
    latitude, longitude = _degrees(place, 1, "NS", 90), _degrees(place, 3, "EW", 180)
    if latitude is None or longitude is None or (latitude == 0 and longitude == 0):  # what an unset receiver writes
        latitude = longitude = None
    return Notes(_moment(details, zone), latitude, longitude, camera.strip()[:LONGEST])


def _behind_the_points(picture: Any) -> bytes | None:
    """Of a PNG the notes that stand at its end, found by passing over its parts."""
    stream = picture.fp
    at = stream.seek(len(PNG_HEAD))
    for _part in range(MOST_PARTS):
        head = stream.read(8)
        if len(head) < 8:
            return None
        length, kind = struct.unpack(">I4s", head)
        if kind == b"eXIf":
            return bytes(stream.read(min(length, MOST_NOTES)))
        at = stream.seek(at + 12 + length)
    return None


def _moment(details: Any, zone: str) -> datetime | None:
    for taken, offset in TAKEN:
        found = MOMENT.match(_text(details.get(taken)))
        if found is None:
            continue
        ahead = OFFSET.fullmatch(_text(details.get(offset)))
        try:
            moment = datetime(*(int(part) for part in found.groups()), tzinfo=_zone(ahead, zone))  # type: ignore[misc, arg-type]
            return moment.astimezone(UTC)
        except (OverflowError, ValueError):
            continue
    return None


def _zone(ahead: re.Match[str] | None, zone: str) -> tzinfo:
    if ahead is None:
        return ZoneInfo(zone)
    minutes = int(ahead[2]) * 60 + int(ahead[3])
    return timezone(timedelta(minutes=-minutes if ahead[1] == "-" else minutes))


def _degrees(place: Any, tag: int, signs: str, most: int) -> float | None:
    try:
        degrees, minutes, seconds = (float(part) for part in place[tag + 1])
        value = degrees + minutes / 60 + seconds / 3600
        sign = _text(place[tag]).upper()
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    if sign not in signs or not sign or not math.isfinite(value) or not 0 <= value <= most:
        return None
    return round(-value if sign == signs[1] else value, 6)


def _text(value: Any) -> str:
    words = value.decode("ascii", "replace") if isinstance(value, bytes) else value if isinstance(value, str) else ""
    return "".join(sign for sign in words if sign.isprintable()).strip()
