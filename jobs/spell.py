"""spell: new names of areas and people are spelled in pinyin, so that they are found by it."""

from datetime import datetime

from flask import Flask

from campaign.db import unit_of_work
from campaign.operations.spelling import spell as spell_names

from .runner import Counts


def spell(_app: Flask, _slot: datetime, _now: datetime, counts: Counts) -> None:
    """Goes on until every name is spelled, in many small units of work."""
    while True:
        with unit_of_work():
            spelled = spell_names()
        counts.done += spelled
        if not spelled:
            return
