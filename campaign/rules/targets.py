"""The words of targets: how a quota counts, what a figure is compared with, how a total was split."""

from enum import IntEnum


class Quota(IntEnum):
    """What the target of a metric is meant for: the total of all, each unit, or each person of the unit's register."""

    TOTAL = 0
    PER_UNIT = 1
    PER_PERSON = 2


class Compares(IntEnum):
    """What a figure is compared with besides its target."""

    NOTHING = 0
    BASELINE = 1
    LAST_YEAR = 2


class Relative(IntEnum):
    """How a target is said relative to what was: it shall rise or fall by per cent of it, or by a number."""

    NOTHING = 0
    RAISE_PERCENT = 1
    REDUCE_PERCENT = 2
    RAISE_BY = 3
    REDUCE_BY = 4


class Method(IntEnum):
    """How a total was split among the units below."""

    EVENLY = 1
    BY_REGISTER = 2
    BY_LAST_YEAR = 3
    BY_HAND = 4
    PASTED = 5
    SAME_RATE = 6
    QUOTA = 7


class Party(IntEnum):
    """Who signs a responsibility letter."""

    ABOVE = 1
    BELOW = 2
