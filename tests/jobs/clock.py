"""The real scheduler in a process of its own, under a clock that the test sets while it runs."""

import os
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

from libfaketime import get_reload_information

from campaign import clock
from campaign.config import Settings

ROOT = Path(__file__).resolve().parents[2]


def environment(settings: Settings) -> dict[str, str]:
    """What a process needs to work on the test's installation."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("CAMPAIGN_")}
    plain |= {"CAMPAIGN_DATABASE_URL": settings.database_url, "CAMPAIGN_DATA_DIR": settings.data_dir}
    return plain | {"CAMPAIGN_ENV": settings.env, "CAMPAIGN_SECRET_KEY": settings.secret_key}


class Scheduler:
    """`python -m jobs`. Its clock may be set; its stopwatch always counts real seconds."""

    def __init__(self, settings: Settings, folder: Path, ahead: timedelta = timedelta(0)) -> None:
        self.settings = settings
        self.offset, self.said = folder / "clock-offset", folder / "scheduler.log"
        self.ahead = ahead

    def __enter__(self) -> "Scheduler":
        self.set_clock(self.ahead)
        _needed, preload = get_reload_information()
        given = environment(self.settings) | preload
        given |= {"FAKETIME_TIMESTAMP_FILE": str(self.offset), "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1"}
        with self.said.open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jobs"], cwd=ROOT, env=given, stdout=said, stderr=said
            )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def set_clock(self, ahead: timedelta) -> None:
        """From now on the process believes that it is so much later than it is."""
        fresh = self.offset.with_suffix(".new")
        fresh.write_text(f"{ahead.total_seconds():+.0f}\n")
        fresh.replace(self.offset)  # it is read at every look at the clock
        self.ahead = ahead

    def now(self) -> datetime:
        """What time the process believes it is."""
        return clock.now() + self.ahead

    def processor_seconds(self) -> float:
        """How much it has worked so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_for(what, within: float = 60, *, else_say: str = "") -> float:
    """Waits until it holds; how many seconds that took."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < within, f"not within {within} seconds: {else_say or what}"
        time.sleep(0.1)
    return time.monotonic() - began
