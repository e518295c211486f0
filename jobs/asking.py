"""ask_above: questions and requests that wait too long are told to the unit above the one that was asked."""

from datetime import datetime

from flask import Flask

from campaign.db import unit_of_work
from campaign.operations.questions import AT_ONCE, tell_above
from campaign.operations.requests import tell_late

from .runner import Counts


def ask_above(_app: Flask, _slot: datetime, now: datetime, counts: Counts) -> None:
    """Each of them once; however many there are, in pieces that hold up nobody."""
    told = AT_ONCE
    while told == AT_ONCE:
        with unit_of_work():
            told = tell_above(now=now)
        counts.done += told
    with unit_of_work():
        counts.done += tell_late(now=now)
