"""ask_above: questions that wait too long are told to the unit above the one that was asked."""

from datetime import datetime

from flask import Flask

from campaign.db import unit_of_work
from campaign.operations.questions import tell_above

from .runner import Counts


def ask_above(_app: Flask, _slot: datetime, now: datetime, counts: Counts) -> None:
    """Each question once."""
    with unit_of_work():
        counts.done += tell_above(now=now)
