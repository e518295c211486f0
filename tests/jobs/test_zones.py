"""Where the server stands and when its clocks change is nobody's deadline."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from campaign.db import from_micros
from campaign.rules.dates import DueKind
from campaign.rules.organisation import Line
from tests import make
from tests.jobs.clock import ROOT, environment
from tests.jobs.elsewhere import DAYS

ZONES = ("UTC", "Asia/Shanghai", "America/New_York", "Asia/Kathmandu", "Europe/Helsinki")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_deadlines_are_the_same_wherever_the_server_stands(app, settings, tmp_path):
    tree = make.small_tree()
    campaign = make.campaign(tree.unit(tree.county, Line.PARTY))
    for days in range(len(DAYS)):
        fields = {"due_kind": DueKind.RELATIVE, "due_on": None, "due_days": days, "respond_days": 1, "grace_days": 2}
        make.task(campaign, lines=[Line.WOMEN], **fields)
    file, asked = Path(settings.database_url.removeprefix("sqlite:///")), []
    for zone in ZONES:
        own = file.with_name(f"{zone.replace('/', '-')}.sqlite")
        app.extensions["sqlalchemy"].engine.raw_connection().execute(f"VACUUM INTO '{own}'")
        asked += [zone, f"sqlite:///{own}"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.jobs.elsewhere", *asked], cwd=ROOT, env=environment(settings),
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    answers = dict(zip(ZONES, map(json.loads, done.stdout.splitlines()), strict=True))
    law, rows = answers["UTC"]
    assert len(rows) >= 6 * len(DAYS) and len(law) == 96 * 4 * len(DAYS)
    for kind, right in (("by law", law), ("stored", rows)):
        for zone, answer in answers.items():
            there = answer[kind == "stored"]
            wrong = [(was, found) for was, found in zip(right, there, strict=True) if was != found]
            assert not wrong, f"{len(wrong)} dates {kind} differ where the server stands in {zone}, first {wrong[0]}"
    assert from_micros(law[1][1]) == datetime(2028, 3, 31, 15, 59, 59, 999999, tzinfo=UTC)
