"""open_periods: opens what recurring tasks ask for today, task by task; one bad task holds up nobody."""

from datetime import datetime

from flask import Flask

from campaign.db import unit_of_work
from campaign.operations.periods import due_series, open_due

from .runner import Counts


def open_periods(_app: Flask, _slot: datetime, now: datetime, counts: Counts) -> None:
    """Opens the periods whose day has come; what passed while everything stood still is recorded as missed."""
    for task_id in due_series(now=now):
        try:
            with unit_of_work():
                opened = open_due(task_id, now=now)
        except Exception as error:
            counts.fail(f"open task {task_id}", error)
            continue
        counts.done += opened.opened
        counts.skipped += opened.missed
