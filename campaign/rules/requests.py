"""The words of requests: what a unit asks of the one above it, and how that was decided."""

from enum import IntEnum


class RequestKind(IntEnum):
    """What is asked for."""

    EXTENSION = 1
    DISPUTE = 2
    NOT_APPLICABLE = 3


class Decision(IntEnum):
    """How a request stands."""

    PENDING = 0
    GRANTED = 1
    REFUSED = 2
    WITHDRAWN = 3
    GRANTED_BY_RULE = 4
