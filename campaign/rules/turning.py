"""What a picture's fingerprint would be, had the picture been turned or mirrored first: found from its bits alone.

Each bit says whether a wave of the picture, so many across and so many down, is positive. A mirror turns the sign of
every wave that is odd in its direction; a quarter turn lets across and down change places as well. The set of waves is
the same with both exchanged, so no bit is ever missing.
"""

from itertools import product

# The slowest waves first. Of those of ten turns one has no partner among the 64: the one of 5 and 5 makes room for it.
WAVES = sorted(
    ((across, down) for across in range(11) for down in range(11)), key=lambda wave: (sum(wave), wave[0])
)[1:65]  # fmt: skip
WAVES[WAVES.index((5, 5))] = (10, 0)
PARTNERS = [WAVES.index((down, across)) for across, down in WAVES]
ODD_ACROSS = sum(1 << place for place, (across, _down) in enumerate(WAVES) if across % 2)
ODD_DOWN = sum(1 << place for place, (_across, down) in enumerate(WAVES) if down % 2)
MIRRORS = [across ^ down for across, down in product((0, ODD_ACROSS), (0, ODD_DOWN))]


def turned(bits: int) -> tuple[int, ...]:
    """The fingerprints (64 bits, unsigned) of the picture as it is, and turned and mirrored in the seven other ways."""
    exchanged = sum(1 << place for place, partner in enumerate(PARTNERS) if bits >> partner & 1)
    return tuple(one ^ mirror for one in (bits, exchanged) for mirror in MIRRORS)
