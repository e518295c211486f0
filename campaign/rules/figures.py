"""How the figure of one assignment stands in a roll-up."""

from enum import IntEnum

from .states import State


class Standing(IntEnum):
    """Whether a figure counts: approved, waiting for a decision, sent back, or not there yet."""

    MISSING = 1
    PENDING = 2
    RETURNED = 3
    APPROVED = 4


STANDING_OF = {
    State.ISSUED: Standing.MISSING,
    State.ACKNOWLEDGED: Standing.MISSING,
    State.DISPUTED: Standing.MISSING,
    State.SUBMITTED: Standing.PENDING,
    State.RETURNED: Standing.RETURNED,
    State.APPROVED: Standing.APPROVED,
}  # what is cancelled or does not apply is asked of nobody, so it stands nowhere
