"""Whether two reports say the same in the same words: a sketch to find who might, a measure to tell whether they do.

Figures do not count, so a text that was copied and given other numbers is still the same text. Nor do spaces, signs,
and letters' size.
"""

import re
from hashlib import blake2b

SHINGLE = 5  # characters that are looked at together: two Chinese words or so
SHORTEST = 40  # characters that count; shorter texts are alike by chance, as 已完成 is
MOST_SHINGLES = 4_000  # of a longer text a fair choice, the same in every text
BANDS, ROWS = 6, 3
SAME = 0.6  # of all that either says, the share that both say, from which on it is worth a look
PRIME = (1 << 61) - 1
HASHES = [(n * 0x9E3779B97F4A7C15 % PRIME, n * n * 0xC2B2AE3D27D4EB4F % PRIME) for n in range(1, BANDS * ROWS + 1)]
FIGURES = re.compile(r"[0-9０-９][0-9０-９.,，%％]*|[一二三四五六七八九十百千万亿两]{2,}")


def normal(words: str) -> str:
    """What counts of the words: letters and Chinese signs, each figure as one 0."""
    return "".join(sign for sign in FIGURES.sub("0", words.lower()) if sign.isalnum())


def sketch(words: str) -> tuple[int, ...]:
    """Some signed 64-bit numbers, of which texts that are mostly the same share at least one; none for a short text."""
    text = normal(words)
    if len(text) < SHORTEST:
        return ()
    parts = [_number(part) for part in _shingles(text)]
    least = [min((a * part + b) % PRIME for part in parts) for a, b in HASHES]
    bands = [least[at : at + ROWS] for at in range(0, len(least), ROWS)]
    return tuple(_number(repr((place, band)), signed=True) for place, band in enumerate(bands))


def resemblance(one: str, other: str, quoted: str = "") -> float:
    """How much of all that the two say both say, 0 to 1, leaving out what both may have quoted from the task."""
    told = _shingles(normal(quoted))
    first, second = _shingles(normal(one)) - told, _shingles(normal(other)) - told
    if min(len(first), len(second)) <= SHORTEST - SHINGLE:
        return 0.0
    return len(first & second) / len(first | second)


def _shingles(text: str) -> set[str]:
    parts = {text[at : at + SHINGLE] for at in range(len(text) - SHINGLE + 1)}
    return parts if len(parts) <= MOST_SHINGLES else set(sorted(parts, key=_number)[:MOST_SHINGLES])


def _number(text: str, *, signed: bool = False) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), signed=signed)
