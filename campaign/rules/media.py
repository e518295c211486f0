"""What the media type of evidence says beside its kind: whether it is a photo, and whether that is ever shown."""

UNSHOWN = "; view=none"  # of a photo with more points than may be unpacked: it is kept whole, and no copy is made


def is_photo(media_type: str) -> bool:
    """Whether it counts as a photo."""
    return media_type.startswith("image/")


def is_shown(media_type: str) -> bool:
    """Whether it can be shown as a picture."""
    return is_photo(media_type) and not is_large(media_type)


def is_large(media_type: str) -> bool:
    """Whether it is a photo with more points than may be unpacked, so that only its original can be looked at."""
    return media_type.endswith(UNSHOWN)


def plain_type(media_type: str) -> str:
    """The type as others know it."""
    return media_type.removesuffix(UNSHOWN)


class Kept:
    """What a page needs to know of a file with a media type, to draw it."""

    media_type: str

    @property
    def is_photo(self) -> bool:
        """Whether it can be shown as a picture."""
        return is_shown(self.media_type)

    @property
    def is_large(self) -> bool:
        """Whether it is a photo with too many points to be shown."""
        return is_large(self.media_type)
