"""The states of an assignment and the actions that change them."""

from enum import IntEnum


class State(IntEnum):
    """Where an assignment stands. Overdue, near due and behind are questions, never states.

    DISPUTED: the unit disputes its target or date before it begins, and waits for the decision. NOT_APPLICABLE: it was
    decided that the unit is not asked.
    """

    ISSUED = 1
    ACKNOWLEDGED = 2
    SUBMITTED = 3
    RETURNED = 4
    APPROVED = 5
    CANCELLED = 6
    DISPUTED = 7
    NOT_APPLICABLE = 8


class Action(IntEnum):
    """What somebody does to an assignment."""

    ACKNOWLEDGE = 1
    SUBMIT = 2
    WITHDRAW = 3
    APPROVE = 4
    RETURN = 5
    REOPEN = 6
    CANCEL = 7
    PASS_OVER = 8
    DISPUTE = 9
    SETTLE = 10
    RETRACT = 11
    EXEMPT = 12
    UNDO = 13


OPEN = (State.ISSUED, State.ACKNOWLEDGED, State.SUBMITTED, State.RETURNED, State.DISPUTED)
WITH_OFFICER = (State.ISSUED, State.ACKNOWLEDGED, State.RETURNED)
WORKING = (State.ACKNOWLEDGED, State.RETURNED)
CLOSED = (State.APPROVED, State.CANCELLED, State.NOT_APPLICABLE)
NOT_ASKED = (State.CANCELLED, State.NOT_APPLICABLE)  # they leave the number of those who are asked


class ReturnReason(IntEnum):
    """Why a submission is returned; words always go with it."""

    EVIDENCE_MISSING = 1
    EVIDENCE_UNCLEAR = 2
    FIGURES_WRONG = 3
    FIGURES_MISSING = 4
    WORDS_TOO_THIN = 5
    OFF_TOPIC = 6
    OTHER = 9


class CheckInKind(IntEnum):
    """What a check-in tells."""

    PROGRESS = 1
    OBSTACLE = 2
    HELP = 3
