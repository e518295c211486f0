"""deliver: hand notices to the channels, outside of any transaction that changes the work."""

from datetime import datetime

from flask import Flask

from campaign.db import unit_of_work
from campaign.notify.delivery import send_due
from campaign.notify.fanning import fan_out
from campaign.operations.resending import raise_incidents

from .runner import Counts


def deliver(app: Flask, _slot: datetime, now: datetime, counts: Counts) -> None:
    """Makes a delivery of each new notice and channel, sends what is due, and tells administrators of what gave up."""
    settings = app.config["SETTINGS"]
    fan_out(settings, now=now, work=unit_of_work)
    sent = send_due(settings, now=now, work=unit_of_work)
    with unit_of_work():
        raise_incidents(now=now)
    counts.done += sent.sent
    counts.skipped += sent.dropped
    counts.failed += sent.failed
