"""Web and scheduler are killed with SIGKILL at random moments while people work: nothing is lost, nothing doubled.

Three officers sign for, check in and submit with a photo; two supervisors of townships and one of the county approve.
Each repeats every act until it is answered. At the end each answered act is in the log exactly once.
"""

import io
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import func, select

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Assignment, CheckIn, Event, Evidence, Notice, Review, Submission
from campaign.operations.issuing import dispatch
from campaign.rules.organisation import SYSTEM, Role
from campaign.rules.states import State
from tests import make

from .clients import Client
from .conftest import Opens
from .product import Product

pytestmark = pytest.mark.slow

SEED = 20261120
TASKS = 5
KILLS = 8
TAGS = {
    "assignment:sign-for:acknowledge": "acknowledge",
    "assignment:report:check-in": "check-in",
    "assignment:submission:submit": "submit",
    "assignment:review:pass-up": "approve",
    "assignment:review:approve": "approve",
}


@dataclass
class Cast:
    """Who works, and on what: assignments by login of the officer; how many each supervisor will have to decide."""

    officers: dict[str, list[int]] = field(default_factory=dict)
    supervisors: dict[str, int] = field(default_factory=dict)
    rule_of: dict[int, int] = field(default_factory=dict)
    metric_of: dict[int, int] = field(default_factory=dict)


def build() -> Cast:
    """Two townships with three villages that work, and tasks dispatched to them."""
    tree, now, cast = make.small_tree(), clock.now(), Cast()
    places = [tree.villages[0], tree.villages[1], tree.villages[3]]
    campaign = make.campaign(tree.unit(tree.county))
    due = clock.local_today(now) + timedelta(days=10)
    tasks = [
        make.task(campaign, title=f"第{number}项", units=[tree.unit(place) for place in places], due_on=due)
        for number in range(1, TASKS + 1)
    ]
    for task in tasks:
        rule, metric = make.evidence_rule(task), make.metric(task)
        with unit_of_work():
            dispatch(task.id, actor=SYSTEM, now=now)
        for row in db.session.execute(select(Assignment.id).where(Assignment.task_id == task.id)):
            cast.rule_of[row.id], cast.metric_of[row.id] = rule.id, metric.id
    for place in places:
        mine = select(Assignment.id).where(Assignment.unit_id == tree.unit(place).id).order_by(Assignment.id)
        cast.officers[tree.holder(place, Role.OFFICER).login] = list(db.session.scalars(mine))
    for place, villages in ((tree.townships[0], 2), (tree.townships[1], 1), (tree.county, 3)):
        cast.supervisors[tree.holder(place, Role.SUPERVISOR).login] = villages * TASKS
    return cast


def photo(number: int) -> bytes:
    """A small photo, another one for each number."""
    stream = io.BytesIO()
    Image.new("RGB", (640, 480), (number % 256, 90, 160)).save(stream, "JPEG")
    return stream.getvalue()


def officer_works(client: Client, mine: list[int], cast: Cast) -> None:
    """Signs for, checks in and submits, one assignment after the other."""
    for number in mine:
        place = f"/assignments/{number}"
        client.act(f"{place}/acknowledge", client.get(place).form("/acknowledge"))
        client.act(f"{place}/check-in", client.get(place).form("/submit") | {"note": "已经开始。", "kind": "1"})
        fields = client.get(place).form("/submit")
        fields |= {"words": f"第{number}号任务单已办。", f"metric-{cast.metric_of[number]}": str(number)}
        files = {f"file-{cast.rule_of[number]}": (f"{number}.jpg", photo(number))}
        client.act(f"{place}/submit", fields, files)


def supervisor_works(client: Client, most: int, end: threading.Event) -> None:
    """Takes the first of the queue and approves it, until all that will ever come is decided."""
    while len(client.acts) < most and not end.is_set():
        waiting = [path for path in client.get("/reviews").links("/reviews/") if path.rsplit("/")[-1].isdigit()]
        for path in waiting:
            client.act(f"{path}/approve", client.get(path).form("/approve"))
        if not waiting:
            time.sleep(0.3)


def kill_at_random(
    product: Product, clients: list[Client], workers: list[threading.Thread], end: threading.Event
) -> Counter[str]:
    """Kills one of the two, starts it again, and so on; stops when everybody has finished.

    Every other time it waits a little for somebody to be in the middle of an act: on a slow machine chance alone hits
    none, for most of the time passes while the processes start.
    """
    chance, killed = random.Random(SEED), Counter[str]()
    while killed.total() < KILLS and any(worker.is_alive() for worker in workers) and not end.is_set():
        time.sleep(chance.uniform(0.1, 1.0))
        part = chance.choice(["web", "web", "clock"])
        if killed.total() % 2:
            in_the_middle_of_an_act(clients, chance)
        product.kill(part)
        killed[part] += 1
        product.start(part)
    return killed


def in_the_middle_of_an_act(clients: list[Client], chance: random.Random) -> None:
    """Returns a few milliseconds after somebody has begun an act, or after some seconds in which nobody did."""
    end = time.monotonic() + 5
    while time.monotonic() < end and not any(client.acting for client in clients):
        time.sleep(0.002)
    time.sleep(chance.uniform(0, 0.02))


@pytest.fixture
def product(database: str, opens: Opens, tmp_path: Path) -> Product:
    """An installation on a fresh database of either kind."""
    return opens(tmp_path / "data", DATABASE_URL=database, ENV="test")


@pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
def test_killed_again_and_again(product: Product) -> None:
    with product.within():
        cast = build()
    product.start()
    clients = {login: Client(product.port) for login in [*cast.officers, *cast.supervisors]}
    for login, client in clients.items():
        client.sign_in(login, make.PASSWORD)
    end, failures = threading.Event(), list[BaseException]()

    def at_work(work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except BaseException as error:
                failures.append(error)
                end.set()

        return threading.Thread(target=run)

    workers = [at_work(lambda c=clients[who], m=mine: officer_works(c, m, cast)) for who, mine in cast.officers.items()]
    workers += [
        at_work(lambda c=clients[who], n=most: supervisor_works(c, n, end)) for who, most in cast.supervisors.items()
    ]
    for worker in workers:
        worker.start()
    killed = kill_at_random(product, list(clients.values()), workers, end)
    for worker in workers:
        worker.join(120)
    if failures:
        raise failures[0]
    assert killed["web"] > 2, f"hardly anything was killed: {killed}"
    assert killed["clock"], f"the scheduler was never killed: {killed}"
    assert sum(client.repeated for client in clients.values()), "no act was ever repeated: the kills came too late"
    settles(product)
    everything_once(product, Counter(act for client in clients.values() for act in client.acts))


def settles(product: Product) -> None:
    """The product goes on by itself until nothing is pending; a tidying days later removes what the kills left."""
    product.stop()
    for job in ("fold", "deliver", "tidy"):
        product.run("jobs", "run", job, "--at", (datetime.now(UTC) + timedelta(days=2)).isoformat())
    assert product.run("campaign", "log", "verify")
    product.check()
    store = product.folder / "evidence"
    assert not list((store / "tmp").glob("*")), "temporary files are left"


def everything_once(product: Product, answered: Counter[tuple[str, int]]) -> None:
    """Each answered act stands in the log once; no row is doubled and no file is without its row."""
    with product.within() as app:
        logged = Counter[tuple[str, int]]()
        for tag, name in TAGS.items():
            rows = select(Event.subject_id, func.count()).where(Event.tag == tag).group_by(Event.subject_id)
            logged.update({(name, number): times for number, times in db.session.execute(rows).tuples()})
        assert logged == answered
        numbers = list(db.session.scalars(select(Assignment.id)))
        assert answered == Counter((name, number) for name in TAGS.values() for number in numbers)
        assert set(db.session.scalars(select(Assignment.state))) == {State.APPROVED}
        kept = {
            table: db.session.scalar(select(func.count()).select_from(table))
            for table in (Submission, CheckIn, Evidence)
        }
        assert set(kept.values()) == {len(numbers)}, kept
        assert db.session.scalar(select(func.count()).select_from(Review)) == 2 * len(numbers)
        doubled = select(Notice.event_id, Notice.person_id).group_by(Notice.event_id, Notice.person_id)
        assert not db.session.execute(doubled.having(func.count() > 1)).all()
        hashes = set(db.session.scalars(select(Evidence.sha256)))
        assert set(app.extensions["evidence"].stored()) == hashes


def test_a_lost_answer(product: Product) -> None:
    """Every form sent twice, as after an answer that never came: the same answer, and nothing twice."""
    with product.within():
        cast = build()
    product.start("web")
    login, (number, *_rest) = next(iter(cast.officers.items()))
    officer = Client(product.port, twice=True)
    officer.sign_in(login, make.PASSWORD)
    officer_works(officer, [number], cast)
    for supervisor in (next(iter(cast.supervisors)), list(cast.supervisors)[-1]):
        client = Client(product.port, twice=True)
        client.sign_in(supervisor, make.PASSWORD)
        path = f"/reviews/{number}"
        client.act(f"{path}/approve", client.get(path).form("/approve"))
    with product.within():
        tags = list(db.session.scalars(select(Event.tag).where(Event.subject_id == number, Event.tag.in_(TAGS))))
        assert sorted(tags) == sorted(TAGS)
