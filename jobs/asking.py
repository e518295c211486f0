"""ask_above: questions and requests that wait too long are told to the unit above the one that was asked."""

from datetime import datetime

from flask import Flask

from campaign.db import unit_of_work
from campaign.operations import questions, requests

from .runner import Counts


def ask_above(_app: Flask, _slot: datetime, now: datetime, counts: Counts) -> None:
    """Each of them once; however many there are, in pieces that hold up nobody."""
    told = questions.AT_ONCE
    while told == questions.AT_ONCE:
        with unit_of_work():
            told = questions.tell_above(now=now)
        counts.done += told
    told = requests.AT_ONCE
    while told >= requests.AT_ONCE:
        with unit_of_work():
            told = requests.tell_late(now=now)
        counts.done += told
