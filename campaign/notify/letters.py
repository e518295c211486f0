"""What a channel gets to send, and how it says that it could not."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Point:
    """One thing that a letter tells of: its heading, what to know of it line by line, and the page where to act."""

    heading: str
    lines: tuple[str, ...]
    link: str


@dataclass(frozen=True)
class Letter:
    """One message to one person. `key` is the same on every try, so that the other side can tell a repeat.

    `to`: what the channel's way needs (`Way.needs`), empty where it has to do without. `written_at`: this try's moment,
    aware UTC; it is in every signature. `points`: the same in pieces, for channels that take neither mail nor HTML.
    `sender`: what the product is called in the reader's language.
    """

    key: str
    to: str
    name: str
    subject: str
    text: str
    html: str
    written_at: datetime
    points: tuple[Point, ...] = ()
    sender: str = ""


class Temporary(Exception):
    """It did not go through this time; trying again makes sense.

    `wait`: for so long the other side wants no letter at all, whoever it is for; None when it did not say so.
    """

    def __init__(self, said: str, wait: timedelta | None = None) -> None:
        super().__init__(said)
        self.wait = wait


class Permanent(Exception):
    """It will not go through however often it is tried: somebody must look at it."""
