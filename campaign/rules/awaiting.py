"""What an open assignment waits for, and from whom the next step must come."""

from collections.abc import Mapping
from enum import IntEnum

from .states import State


class Awaits(IntEnum):
    """The next step, in the order of the way."""

    SIGN_FOR = 1
    REPORT = 2
    CORRECTION = 3
    REVIEW = 4
    ANSWER = 5


OF_STATE = {
    State.ISSUED: Awaits.SIGN_FOR,
    State.ACKNOWLEDGED: Awaits.REPORT,
    State.RETURNED: Awaits.CORRECTION,
    State.SUBMITTED: Awaits.REVIEW,
    State.DISPUTED: Awaits.ANSWER,
}
OF_THE_UNIT = (Awaits.SIGN_FOR, Awaits.REPORT, Awaits.CORRECTION)  # the unit itself; otherwise somebody above it


def awaits(state: State, suspended: bool = False) -> Awaits | None:
    """What an assignment in that state waits for; None where it is over. A clock that stands still waits for the
    answer to a question."""
    waits = OF_STATE.get(state)
    return Awaits.ANSWER if suspended and waits in OF_THE_UNIT else waits


def counted(states: Mapping[State, int]) -> dict[Awaits, int]:
    """How many wait for what, in the order of the way; what nobody waits for is left out."""
    found = dict.fromkeys(Awaits, 0)
    for state, n in states.items():
        waits = awaits(state)
        if waits is not None:
            found[waits] += n
    return {waits: n for waits, n in found.items() if n}
