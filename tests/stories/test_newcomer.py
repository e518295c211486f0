"""A stranger with a fresh clone types `make run`.

The clone is made of what is committed. To spare every run of the tests an installation from the network, the
environment that runs them is linked into the clone, marked as installed; the installation itself is one `pip install
-r requirements.txt`, which `make test` has just done for the same files.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.notify.sink import free_port

from .clients import Client
from .product import ROOT

pytestmark = pytest.mark.slow

PATIENCE = 150  # seconds, for the demonstration to be loaded on a busy machine
PASSWORD = re.compile(r"^  (officer|supervisor|dispatcher|administrator|auditor) +(\S+) +(\S+)", re.MULTILINE)


def _at_a_terminal() -> None:
    """Ctrl-C reaches what is typed there; whatever was started in the background ignores it, and so do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Run:
    """`make run` in the clone, as typed at a terminal: a process group of its own, which Ctrl-C reaches as a whole."""

    def __init__(self, clone: Path, port: int, number: int) -> None:
        self.said = clone / f"said-{number}.txt"
        plain = {name: value for name, value in os.environ.items() if not name.startswith("CAMPAIGN_")}
        with self.said.open("wb") as said:
            self.child = subprocess.Popen(
                ["make", "run"], cwd=clone, env=plain | {"CAMPAIGN_PORT": str(port)}, stdout=said, stderr=said,
                start_new_session=True, preexec_fn=_at_a_terminal,
            )  # fmt: skip

    def text(self) -> str:
        """What it has printed so far."""
        return self.said.read_text("utf-8", "replace")

    def until(self, *words: str) -> str:
        """Waits until it has printed all of this; gives everything it printed."""
        end = time.monotonic() + PATIENCE
        while not all(word in self.text() for word in words):
            assert self.child.poll() is None, f"it ended with {self.child.returncode}:\n{self.text()}"
            assert time.monotonic() < end, f"not within {PATIENCE} s: {words}\n{self.text()}"
            time.sleep(0.3)
        return self.text()

    def press_ctrl_c(self) -> int:
        """What a terminal does: SIGINT to the whole group; the exit status."""
        os.killpg(self.child.pid, signal.SIGINT)
        return self.child.wait(60)

    def left(self) -> list[str]:
        """The processes of the group that still run."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, ProcessLookupError):
                if os.getpgid(process.pid) == self.child.pid and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(" ".join(process.cmdline()))
        return found


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh clone with the environment of this test run in place."""
    folder = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True, capture_output=True)
    (folder / ".venv").mkdir()
    environment = Path(sys.prefix)
    for name in ("bin", "lib", "include", "pyvenv.cfg"):
        if (environment / name).exists():
            (folder / ".venv" / name).symlink_to(environment / name)
    shutil.copy(folder / "requirements.txt", folder / ".venv" / "installed.txt")
    return folder


@pytest.fixture
def port() -> int:
    """The port that the stranger's product listens on."""
    return free_port("127.0.0.1")


@pytest.fixture
def run(clone: Path, port: int) -> Iterator[Run]:
    """The first `make run`; whatever is left of it is ended after the test."""
    started = Run(clone, port, 1)
    yield started
    if started.child.poll() is None:
        os.killpg(started.child.pid, signal.SIGKILL)
        started.child.wait(60)


def answers(port: int) -> int:
    """The status of the sign-in page, once it comes."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in", timeout=10) as answer:
                return answer.status
        except OSError:
            assert time.monotonic() < end, f"no answer on port {port}"
            time.sleep(0.3)


def signs_in(port: int, text: str) -> set[str]:
    """Signs in with the first account of each role that was printed; the roles."""
    seen: dict[str, tuple[str, str]] = {}
    for role, login, password in PASSWORD.findall(text):
        seen.setdefault(role, (login, password))
    for login, password in seen.values():
        client = Client(port)
        client.sign_in(login, password)
        assert client.get("/messages").status == 200
    return set(seen)


def test_make_run(run: Run, clone: Path, port: int) -> None:
    text = run.until(f"http://127.0.0.1:{port}", "Ctrl-C")
    assert answers(port) == 200
    assert signs_in(port, text) == {"officer", "supervisor", "dispatcher", "administrator", "auditor"}

    second = Run(clone, port, 2)  # the port is taken: it must say so, and end without harm to the first
    assert second.child.wait(PATIENCE) != 0
    assert "in use" in second.text()
    assert not second.left()
    assert answers(port) == 200

    status = run.press_ctrl_c()
    assert status in (0, 130, -signal.SIGINT), run.text()
    assert "Stopped" in run.text()
    assert not run.left()

    third = Run(clone, port, 3)
    again = third.until(f"http://127.0.0.1:{port}", "Ctrl-C")
    assert answers(port) == 200
    assert "areas …" not in again, "the demonstration was loaded a second time"
    assert signs_in(port, again)
    third.press_ctrl_c()
    assert not third.left()
