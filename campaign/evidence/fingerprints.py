"""What a picture looks like, in 64 bits: nearly the same for the same picture in another size or quality.

Of a small grey copy the 64 slowest waves across and down are taken (a cosine transform), and for each whether it is
positive. What was cropped by more than a few per cent looks different; what was turned or mirrored differs in a way
that can be told from the bits (`rules/turning.py`).
"""

import math

from PIL import Image, ImageStat

from ..rules.turning import WAVES

SIDE = 32
COSINES = [[math.cos(math.pi * wave * (2 * at + 1) / (2 * SIDE)) for at in range(SIDE)] for wave in range(11)]
PLAIN = 3.0  # a picture whose greys differ by less is a wall or a black frame, and looks like every other one


def fingerprint(picture: Image.Image) -> int | None:
    """The 64 bits as an unsigned number; None for a picture on which there is nothing to be seen."""
    grey = picture.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    if ImageStat.Stat(grey).stddev[0] < PLAIN:
        return None
    points = grey.tobytes()
    rows = [points[at : at + SIDE] for at in range(0, SIDE * SIDE, SIDE)]
    across = [[_strength(wave, row) for row in rows] for wave in COSINES]
    waves = [_strength(COSINES[down], across[wave]) for wave, down in WAVES]
    return sum(1 << place for place, wave in enumerate(waves) if wave > 0)


def _strength(wave: list[float], values: bytes | list[float]) -> float:
    return sum(part * value for part, value in zip(wave, values, strict=True))
