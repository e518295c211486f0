"""The words of a plan: its status, the binding grade of a task, the kinds of evidence."""

from enum import IntEnum


class CampaignStatus(IntEnum):
    """A draft may be edited; an issued campaign may be dispatched and followed; a closed one is kept."""

    DRAFT = 1
    ISSUED = 2
    CLOSED = 3


class Grade(IntEnum):
    """How binding a task is: 要, 确保 against 努力, 力争. Best effort never escalates."""

    BINDING = 1
    BEST_EFFORT = 2


class EvidenceKind(IntEnum):
    """What a piece of evidence must be."""

    ANY = 1
    PHOTO = 2
    DOCUMENT = 3


class PeriodState(IntEnum):
    """How a period of a recurring task stands: opened in time, opened late, or passed over with the reason."""

    OPENED = 1
    LATE = 2
    MISSED = 3
