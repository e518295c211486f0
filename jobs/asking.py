"""ask_above: questions and requests that wait too long are told to the unit above the one that was asked."""

from datetime import datetime

from flask import Flask

from campaign.db import unit_of_work
from campaign.operations.questions import tell_above
from campaign.operations.requests import tell_late

from .runner import Counts


def ask_above(_app: Flask, _slot: datetime, now: datetime, counts: Counts) -> None:
    """Each of them once."""
    with unit_of_work():
        counts.done += tell_above(now=now)
    with unit_of_work():
        counts.done += tell_late(now=now)
