"""The words of telling: channels and how a delivery stands, and when to try again."""

from datetime import timedelta
from enum import IntEnum


class Channel(IntEnum):
    """A way to reach a person beside the pages themselves."""

    MAIL = 1
    WECOM = 2
    DINGTALK = 3
    FEISHU = 4
    SMS = 5
    WEBHOOK = 6


class DeliveryState(IntEnum):
    """How a delivery stands."""

    WAITING = 1
    SENT = 2
    PARKED = 3
    DROPPED = 4  # what it told of was done before it was sent


MOST_TRIES = 5
LEASE = timedelta(minutes=2)  # a sender that died gives its work free again after this long


def next_wait(tries: int) -> timedelta:
    """How long to wait after that many failed tries: 1, 5, 25, 125 minutes."""
    return timedelta(minutes=5 ** max(0, tries - 1))
