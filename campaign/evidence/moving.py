"""From one home of evidence to another: everything is copied, verified on both sides, and nothing is removed."""

from collections.abc import Callable
from dataclasses import dataclass

from .store import Damaged, Store

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Moved:
    """How many files were copied, how many lay there whole already, and the hashes of those that are damaged."""

    copied: int
    there: int
    damaged: tuple[str, ...]


def move_all(source: Store, target: Store, *, progress: Progress | None = None) -> Moved:
    """Copies every file of the source that the target does not hold whole. Safe to repeat, and to break off.

    Raises Busy or NoSpace when either home fails; what was copied until then stays and is not copied again.
    """
    names = list(source.stored())
    copied, there, damaged = 0, 0, []
    for number, sha256 in enumerate(names, start=1):
        if target.verify(sha256):
            there += 1
        else:
            try:
                with source.open(sha256) as stream:
                    target.take(stream, sha256)
                copied += 1
            except Damaged:
                damaged.append(sha256)
        if progress:
            progress("evidence", number, len(names))
    return Moved(copied, there, tuple(damaged))
