"""`python -m bench.keyboard`: a queue of a hundred, reviewed in a real browser by keyboard alone, and timed.

The demonstration is loaded into a folder of its own, the women's federations of a city's villages are sent a task and
report with photos, and the city's reviewer clears what waits: one by one with returns and second thoughts, then what is
left and has no flag in one act, which is taken back once and done again. `--items N`: another number.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median
from typing import TypeVar

from flask import current_app
from playwright.sync_api import Page, sync_playwright
from sqlalchemy import func, select

from campaign import clock, create_app
from campaign.cli import find_breaches
from campaign.config import Settings
from campaign.db import db, unit_of_work
from campaign.demo.acting import Theatre
from campaign.demo.load import PASSWORD
from campaign.evidence.store import Store
from campaign.models import Area, Assignment, Campaign, EvidenceRule, Metric, Person, Post, Task, TaskLine, Undo, Unit
from campaign.models.facts import facts_of
from campaign.operations.issuing import dispatch
from campaign.rules.dates import DueKind
from campaign.rules.metrics import Aggregation, Comparator, MetricKind
from campaign.rules.organisation import Level, Line, Role
from campaign.rules.plans import CampaignStatus, EvidenceKind
from campaign.rules.states import State

from .shots import CHROMIUM, running

T = TypeVar("T")
CITY = "990100000000"
SINGLY = 0.6  # the share that is looked at one by one
RETURNED, THOUGHT_TWICE = 9, 25  # one of so many is returned; after one of so many the decision is taken back
VILLAGES = 80  # so many at least have an officer
PATIENCE = 60_000  # milliseconds for a page


@dataclass
class Walk:
    """What was done, and how long each press took until the next page stood there, in seconds."""

    page: Page
    keys: int = 0
    took: list[float] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)

    def press(self, *keys: str) -> None:
        """Keys that lead nowhere else."""
        for key in keys:
            self.page.keyboard.press(key)
            self.keys += 1

    def go(self, what: str, key: str) -> None:
        """A key that leads on to another page."""
        began = time.monotonic()
        with self.page.expect_navigation(timeout=PATIENCE):
            self.press(key)
        self.took.append(time.monotonic() - began)
        self.done[what] = self.done.get(what, 0) + 1

    def write(self, words: str) -> None:
        """Types."""
        self.page.keyboard.insert_text(words)
        self.keys += len(words)


def main() -> None:
    """Loads, prepares, reviews, tells."""
    items = int(sys.argv[sys.argv.index("--items") + 1]) if "--items" in sys.argv else 100
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as address, sync_playwright() as playwright:
        print(f"{items} reports are being written …", flush=True)
        campaign_id, login = within(folder, lambda: prepare(items))
        path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        page = browser.new_page(base_url=address, viewport={"width": 1280, "height": 900}, locale="zh-CN")
        walk, began = Walk(page), time.monotonic()
        review(walk, campaign_id, login, items)
        taken = time.monotonic() - began
        browser.close()
        tell(walk, taken, items)
        within(folder, lambda: settled(campaign_id, items))


def within(folder: str, act: Callable[[], T]) -> T:
    """Does it in this process, on the same database."""
    app = create_app(Settings(data_dir=folder, env="demo"))
    with app.app_context():
        try:
            return act()
        finally:
            db.session.remove()
            db.engine.dispose()


def prepare(items: int) -> tuple[int, str]:
    """So many reports wait for the city's women's federation; their campaign, and the reviewer's login."""
    now = clock.now()
    city = db.session.execute(
        select(Unit.id).join(Area, Area.id == Unit.area_id).where(Area.code == CITY, Unit.line == Line.WOMEN)
    ).scalar_one()
    theatre = Theatre(create_store(), Random(1), now)
    dispatcher = theatre.holder(city, Role.DISPATCHER, now)
    assert dispatcher is not None
    with unit_of_work() as session:
        campaign = Campaign(
            issuing_unit_id=city, title="妇女之家百日巡查", author_id=dispatcher.person_id, created_at=now,
            issued_at=now, status=CampaignStatus.ISSUED,
        )  # fmt: skip
        session.add(campaign)
        session.flush()
        rounds = range(1, -(-items // VILLAGES) + 1)
        tasks = [add_task(campaign, number, now) for number in rounds]
    for task_id in tasks:
        with unit_of_work():
            theatre.receivers[task_id] = dispatch(task_id, actor=dispatcher, now=now).items
    ids = db.session.scalars(select(Assignment.id).where(Assignment.task_id.in_(tasks)).order_by(Assignment.id))
    written = 0
    for id in ids.all():
        if written == items:
            break
        with unit_of_work():
            for act in ("acknowledge", "submit"):
                facts = facts_of(id)
                assert facts is not None
                theatre._act(act, facts, now)
            after = facts_of(id)
            written += after is not None and after.state is State.SUBMITTED
    assert written == items, f"only {written} units could report"
    login = db.session.scalars(
        select(Person.login).join(Post, Post.person_id == Person.id)
        .where(Post.unit_id == city, Post.role == Role.SUPERVISOR)
    ).first()  # fmt: skip
    return campaign.id, str(login)


def create_store() -> Store:
    """The evidence store of the application in hand."""
    store: Store = current_app.extensions["evidence"]
    return store


def add_task(campaign: Campaign, position: int, now: datetime) -> int:
    """A task with two figures and a photo, for the women's federations of all villages, reviewed by the city alone."""
    task = Task(
        campaign_id=campaign.id, position=position, title=f"妇女之家巡查（第{position}轮）",
        what="逐村查看妇女之家的场所、制度和活动记录，报送现场照片。",
        receiving_level=Level.VILLAGE, due_kind=DueKind.FIXED, due_on=clock.local_today(now) + timedelta(days=10),
        respond_days=2, review_levels="2",
    )  # fmt: skip
    db.session.add(task)
    db.session.flush()
    db.session.add(TaskLine(task_id=task.id, line=Line.WOMEN))
    for place, (name, unit) in enumerate((("开展活动", "场"), ("参加妇女", "人")), 1):
        db.session.add(Metric(
            task_id=task.id, position=place, name=name, kind=MetricKind.COUNT, unit_of_measure=unit,
            aggregation=Aggregation.SUM, comparator=Comparator.NONE,
        ))  # fmt: skip
    db.session.add(EvidenceRule(
        task_id=task.id, position=1, name="现场照片", kind=EvidenceKind.PHOTO, min_count=1, ground="通知第三条",
    ))  # fmt: skip
    db.session.flush()
    return task.id


def review(walk: Walk, campaign_id: int, login: str, items: int) -> None:
    """Everything that waits, from the sign-in on without a mouse."""
    page = walk.page
    page.goto("/")
    page.fill("[name=login]", login)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.goto(f"/reviews?campaign={campaign_id}")
    walk.go("begin", "j")
    walk.go("next", "j")
    walk.go("previous", "k")
    for number in range(1, round(items * SINGLY) + 1):
        if number % RETURNED == 0:
            send_back(walk)
        else:
            walk.go("approved", "a")
        if number % THOUGHT_TWICE == 0:
            walk.go("taken back", "z")
            walk.go("approved", "a")
    for key in ("m", "a", "z", "m", "a"):
        walk.go({"m": "looked at many", "a": "approved many", "z": "took many back"}[key], key)
    assert page.locator(".undo").count(), "what was approved at once can be taken back"
    while page.locator("[data-key=j]").count():
        walk.go("begin", "j")
        look_twice(walk)
        walk.go("approved with a flag", "a")
        page.goto(f"/reviews?campaign={campaign_id}")


def send_back(walk: Walk) -> None:
    """A reason, words or a kept phrase, and the button."""
    walk.press("r", "ArrowDown")
    walk.press("Tab")
    if walk.page.evaluate("document.activeElement.id") == "phrase":
        walk.press("ArrowDown")  # the phrase goes into the words, and the focus after it
    else:
        walk.write("照片看不清活动内容，请补一张近景。")
        tab_to(walk, "[name=keep]")
        walk.press("Space")
    tab_to(walk, ".decide-return button.btn-primary")
    walk.go("returned", "Enter")


def look_twice(walk: Walk) -> None:
    """What the first flag says is a false alarm."""
    tab_to(walk, ".doubt summary")
    walk.press("Enter")
    tab_to(walk, ".doubt [name=verdict]")
    walk.press("ArrowDown")
    tab_to(walk, ".doubt form button")
    walk.go("flag decided", "Enter")


def tab_to(walk: Walk, selector: str) -> None:
    """Tab until that has the focus."""
    for _ in range(60):
        if walk.page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        walk.press("Tab")
    raise AssertionError(f"the Tab key does not lead to {selector}")


def tell(walk: Walk, taken: float, items: int) -> None:
    """The figures."""
    ordered = sorted(walk.took)
    print(f"{items} reviewed in {taken:.0f} s with {walk.keys} keys: {taken / items:.2f} s each")
    print(f"from the key to the next page: median {median(ordered) * 1e3:.0f} ms, ", end="")
    print(f"nine of ten within {ordered[int(len(ordered) * 0.9)] * 1e3:.0f} ms, longest {ordered[-1] * 1e3:.0f} ms")
    print(", ".join(f"{what} {many}" for what, many in walk.done.items()))


def settled(campaign_id: int, items: int) -> None:
    """Nothing waits any more, everything was decided once, and every invariant holds."""
    of = select(Assignment.state, func.count()).join(Task, Task.id == Assignment.task_id)
    of = of.where(
        Task.campaign_id == campaign_id, Assignment.state.in_((State.SUBMITTED, State.RETURNED, State.APPROVED))
    )
    stands = {State(state): many for state, many in db.session.execute(of.group_by(Assignment.state)).tuples()}
    undone = db.session.execute(select(func.count()).select_from(Undo)).scalar_one()
    print(f"approved {stands.get(State.APPROVED, 0)}, returned {stands.get(State.RETURNED, 0)}, taken back {undone}")
    assert State.SUBMITTED not in stands and sum(stands.values()) == items, stands
    faults = find_breaches(current_app.extensions["evidence"])
    assert not faults, faults


if __name__ == "__main__":
    main()
