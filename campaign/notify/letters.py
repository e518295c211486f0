"""What a channel gets to send, and how it says that it could not."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Letter:
    """One message to one person. `key` is the same on every try, so that the other side can tell a repeat."""

    key: str
    to: str
    name: str
    subject: str
    text: str
    html: str
    written_at: datetime


class Temporary(Exception):
    """It did not go through this time; trying again later makes sense."""


class Permanent(Exception):
    """It will not go through however often it is tried: somebody must look at it."""
