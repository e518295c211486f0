"""The real product on this machine: its web process and its scheduler process, each a child that can be killed."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask

from campaign import create_app
from campaign.cli import find_breaches
from campaign.config import Settings
from campaign.db import db
from tests.notify.sink import free_port

ROOT = Path(__file__).resolve().parents[2]
SECRET = "for-stories-only-0123456789-abcdefghij-KLMN"
PARTS = {"web": "campaign.serve", "clock": "jobs"}
PATIENCE = 60  # seconds: a busy machine starts a process slowly


class Product:
    """One installation: a data folder, a database, a port; at most one process of each part.

    `settings` are further settings by their names in the environment, without `CAMPAIGN_`.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.port = free_port("127.0.0.1")
        self.address = f"http://127.0.0.1:{self.port}"
        self.settings = {"ENV": "demo", "DATA_DIR": str(folder), "SECRET_KEY": SECRET, "PORT": str(self.port)}
        self.settings |= settings
        self.children: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a process of this installation; nothing of the test's own settings gets in."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith("CAMPAIGN_")}
        return plain | {f"CAMPAIGN_{name}": value for name, value in self.settings.items()}

    def run(self, *words: str) -> str:
        """A command to its end (`campaign check`, `jobs run tidy`); what it printed. Fails when the command does."""
        command = [sys.executable, "-m", *words]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=280)
        assert done.returncode == 0, f"{' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def start(self, *parts: str) -> None:
        """Starts these parts, or both, and waits until the web process answers."""
        for part in parts or PARTS:
            with self.log(part).open("ab") as said:
                self.children[part] = subprocess.Popen(
                    [sys.executable, "-m", PARTS[part]], cwd=ROOT, env=self.environment, stdout=said, stderr=said
                )
        if not parts or "web" in parts:
            self.wait_until_it_answers()

    def wait_until_it_answers(self) -> None:
        """Returns when /healthz does."""
        for _ in range(PATIENCE * 10):
            try:
                with urllib.request.urlopen(f"{self.address}/healthz", timeout=5):
                    return
            except OSError:
                assert self.children["web"].poll() is None, self.log("web").read_text()
                time.sleep(0.1)
        raise AssertionError(f"no answer at {self.address}: {self.log('web').read_text()[-2000:]}")

    def kill(self, part: str) -> None:
        """SIGKILL: no farewell, nothing is written any more."""
        child = self.children.pop(part)
        child.kill()
        child.wait(PATIENCE)

    def stop(self) -> None:
        """Ends what runs, as a service manager would."""
        for child in self.children.values():
            child.terminate()
        for child in self.children.values():
            child.wait(PATIENCE)
        self.children.clear()

    def log(self, part: str) -> Path:
        """What the part printed."""
        return self.folder / f"{part}.log"

    def complaints(self) -> list[str]:
        """The lines of both logs that tell of something gone wrong."""
        files = [self.log(part) for part in PARTS if self.log(part).exists()]
        lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
        return [line for line in lines if any(word in line for word in ("ERROR", "CRITICAL", "Traceback"))]

    @contextmanager
    def within(self) -> Iterator[Flask]:
        """The application's context in this process, on the same database: to look, and to prepare a story."""
        url = self.settings.get("DATABASE_URL", "")
        app = create_app(Settings(data_dir=str(self.folder), database_url=url, env="demo", secret_key=SECRET))
        with app.app_context():
            try:
                yield app
            finally:
                db.session.remove()
                db.engine.dispose()

    def check(self) -> None:
        """Every invariant of the data holds: states, approvals, evidence, roll-ups, and the chain of the log."""
        with self.within() as app:
            found = find_breaches(app.extensions["evidence"])
        assert not found, "\n".join(map(str, found))
