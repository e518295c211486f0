"""What a dispatch does to the rest: how much its process grows, and how long others wait. Each in a process of its own.

python -m bench.beside grow URL FOLDER      one dispatch to a city, then one to the nation: JSON of sizes in MB
python -m bench.beside work URL FOLDER      single transitions until the input ends: JSON of (start, seconds)
"""

import json
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles

import sqlalchemy

from campaign.db import db, unit_of_work
from campaign.errors import Busy
from campaign.models import Assignment
from campaign.operations.issuing import cancel, dispatch

from .country import CITY, NATION
from .dispatching import by_product
from .figures import Figure
from .stages import Stage, application
from .world import NOW, dispatcher

GROWTH_GOAL_MB = 20
PAUSE = 0.005
MB = 1024.0


def size(line: str) -> float:
    """A line of the process's own status, in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(row for row in status.splitlines() if row.startswith(line)).split()[1]) / MB


def grow(url: str, folder: str) -> None:
    """The first, small dispatch loads what every dispatch needs."""
    app = application(url, Path(folder))
    with app.app_context():
        for task in (CITY, NATION):
            before, peak = size("VmRSS"), size("VmHWM")
            with unit_of_work():
                dispatch(task, actor=dispatcher(task), now=NOW)
            db.session.remove()
        after, highest = size("VmRSS"), size("VmHWM")
    print(json.dumps({"grown": after - before, "peak": max(highest - before, 0.0), "peak_before": peak - before}))


def work(url: str, folder: str) -> None:
    """Cancels one assignment after the other; tells by a line when it has begun."""
    app = application(url, Path(folder))
    taken: list[tuple[float, float]] = []
    refused = 0
    with app.app_context():
        ids = list(db.session.execute(sqlalchemy.select(Assignment.id).order_by(Assignment.id)).scalars())
        actor = dispatcher(CITY)
        db.session.remove()
        for number, id in enumerate(ids):
            started = time.perf_counter()
            try:
                with unit_of_work():
                    cancel(id, actor=actor, now=NOW, seen=1, reason="重复下达")
            except Busy:
                refused += 1
            taken.append((started, time.perf_counter() - started))
            db.session.remove()
            if number == 50:
                print("ready", flush=True)
            if select.select([sys.stdin], [], [], PAUSE)[0]:
                break
    print(json.dumps({"taken": taken, "refused": refused}))


def measure(stage: Stage) -> Iterator[Figure]:
    """The growth of a dispatching process, and the wait of another one."""
    yield from _growth(stage)
    yield from _waiting(stage)


def _command(what: str, stage: Stage) -> list[str]:
    return [sys.executable, "-m", "bench.beside", what, stage.url, str(stage.folder)]


def _growth(stage: Stage) -> Iterator[Figure]:
    stage.reset()
    answer = subprocess.run(_command("grow", stage), capture_output=True, text=True, check=True)
    sizes = json.loads(answer.stdout.splitlines()[-1])
    detail = f"{sizes['peak']:.1f} MB at the highest"
    yield Figure(stage.name, "memory: growth by the largest dispatch", sizes["grown"], "MB", GROWTH_GOAL_MB, detail)


def _waiting(stage: Stage) -> Iterator[Figure]:
    stage.reset()
    by_product(stage, CITY)
    other = subprocess.Popen(_command("work", stage), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdin is not None and other.stdout is not None
    other.stdout.readline()
    time.sleep(1)
    begun = time.perf_counter()
    by_product(stage, NATION)
    ended = time.perf_counter()
    found = json.loads(other.communicate("stop\n")[0].splitlines()[-1])
    quiet = [seconds for started, seconds in found["taken"][10:] if started + seconds < begun]
    during = [seconds for started, seconds in found["taken"] if started < ended and started + seconds > begun]
    detail = (
        f"{len(during)} during {ended - begun:.1f} s, the longest {max(during) * 1e3:,.0f} ms, "
        f"{found['refused']} refused; p99 before {_p99(quiet) * 1e3:.1f} ms"
    )
    yield Figure(stage.name, "others meanwhile: p99 of a transition", _p99(during) * 1e3, "ms", None, detail)


def _p99(seconds: list[float]) -> float:
    return quantiles(seconds, n=100, method="inclusive")[98] if len(seconds) > 1 else max(seconds, default=0.0)


if __name__ == "__main__":
    {"grow": grow, "work": work}[sys.argv[1]](*sys.argv[2:4])
