"""The law of a random re-check, and the words of files that are made in the background.

Anybody who knows the seed, the share and what stood to be drawn gets the same list: each id is put at a place that only
the seed decides, and the first of each stratum are drawn.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import IntEnum


class RecheckResult(IntEnum):
    """What the checking unit found on the spot."""

    OPEN = 0
    CONFIRMED = 1
    DIFFERS = 2
    NOT_FOUND = 3


class ArchiveState(IntEnum):
    """How far an archive is."""

    WAITING = 1
    RUNNING = 2
    READY = 3
    FAILED = 4


def _place(seed: str, *what: int) -> str:
    return hashlib.sha256(":".join([seed, *map(str, what)]).encode()).hexdigest()


def how_many(population: int, share: int) -> int:
    """So many of a stratum are drawn: the share in per cent, rounded up, at least one."""
    return -(-population * share // 100) if population else 0


def drawn(strata: Mapping[int, Collection[int]], share: int, seed: str) -> dict[int, list[int]]:
    """The ids drawn of each stratum, in the order in which they were drawn. The order given does not matter."""
    return {
        stratum: sorted(ids, key=lambda id: (_place(seed, id), id))[: how_many(len(ids), share)]
        for stratum, ids in sorted(strata.items())
    }


def digest_of(ids: Iterable[int]) -> str:
    """SHA-256 of what stood to be drawn, ascending, comma-joined."""
    return hashlib.sha256(",".join(map(str, sorted(ids))).encode()).hexdigest()


def checker_for(
    assignment_id: int, candidates: Sequence[Collection[int]], never: Collection[int], seed: str
) -> int | None:
    """The unit that checks it: of the nearest group of candidates the one that the seed puts first. Never the one that
    is checked, nor one that reviewed it; None where nobody is left."""
    for group in candidates:
        left = [unit for unit in group if unit not in never]
        if left:
            return min(left, key=lambda unit: (_place(seed, assignment_id, unit), unit))
    return None
