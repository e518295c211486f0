"""fold, bring_milestones, seal, record_states and tidy: what keeps the figures, the log and the house in order."""

from datetime import datetime
from pathlib import Path

from flask import Flask

from campaign.db import unit_of_work
from campaign.evidence.anchor import write_head
from campaign.models.sealing import head
from campaign.operations.folding import fold as fold_deltas
from campaign.operations.milestones import bring_milestones as bring
from campaign.operations.recording import close_abandoned
from campaign.operations.recording import record_states as record
from campaign.operations.sealing import seal as seal_events
from campaign.operations.tidying import tidy_files, tidy_rows

from .runner import Counts


def fold(_app: Flask, _slot: datetime, now: datetime, counts: Counts) -> None:
    """Folds pending changes into the roll-ups."""
    while True:
        with unit_of_work():
            folded = fold_deltas(now=now)
        counts.done += folded
        if not folded:
            return


def bring_milestones(_app: Flask, _slot: datetime, now: datetime, counts: Counts) -> None:
    """Lets the next milestones count from the day on."""
    with unit_of_work():
        counts.done += bring(now=now)


def seal(app: Flask, _slot: datetime, now: datetime, counts: Counts) -> None:
    """Links new events to the chain, and writes the head outside the database where a folder is set."""
    while True:
        with unit_of_work():
            sealed = seal_events()
        counts.done += sealed
        if not sealed:
            break
    folder = app.config["SETTINGS"].anchor_dir
    last = head()
    if folder and last is not None:
        write_head(Path(folder), last[0], last[2], now)


def record_states(_app: Flask, slot: datetime, now: datetime, counts: Counts) -> None:
    """Records the review and approval states as they stand at this slot."""
    with unit_of_work():
        counts.done += record(slot, now=now)


def tidy(app: Flask, _slot: datetime, now: datetime, counts: Counts) -> None:
    """Removes what a crash or time has left over: the rows first, since the evidence store may be away."""
    with unit_of_work():
        counts.done += tidy_rows(now=now) + close_abandoned(now=now)
    counts.done += tidy_files(app.extensions["evidence"], now=now)
