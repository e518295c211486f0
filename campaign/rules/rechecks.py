"""The words of a random re-check, and of files that are made in the background."""

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
