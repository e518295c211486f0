"""`python -m bench.walk`: the whole walk of the figures, in the browser, and every board counted again by hand.

On a fresh demonstration the city plan with its 45 targets and the union plan with its rates are loaded, issued,
dispatched and split through the pages, level by level down to every village. Simulated officers report, reviewers
return and approve, officers correct, dispatchers reopen and cancel. Then every figure of every board, metric page, unit
page and export is compared with sums made from the tables alone. Takes half an hour; see docs/walk.md.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

from playwright.sync_api import sync_playwright

from campaign import clock
from campaign.demo.scenes import CITY, COUNTY

from . import walk_boards, walk_past
from .shots import CHROMIUM, PATIENCE, ROOT, environment_of, running, serving
from .walk_database import database
from .walk_people import Answer, Tables
from .walk_plans import CITY_PLAN, KEYS, UNION_PLAN, dispatchers, ended, merged, moved, plan
from .walk_reports import DISPATCHER, OFFICER, Crowd
from .walk_splits import Desk

SEED = 45
RETURNS = (0.15, 0.06, 0.03, 0.0)  # of what waits, review by review
REGISTER = "符合建团条件的非公企业名册"
ADMINISTRATOR = "wangxinmin"
MOMENTS, MOVED = (0, 2), 0  # after which reviews is remembered how everything stands, and areas move


def main() -> None:
    """Walks, compares, prints the counts; ends with 1 where a figure differs."""
    read = argparse.ArgumentParser(prog="python -m bench.walk")
    read.add_argument("--keep", type=Path, help="keep the data folder there, to look at the pages afterwards")
    read.add_argument("--go-on", action="store_true", help="in that folder everything is split already: report")
    read.add_argument("--compare", type=Path, help="only compare: a data folder that a walk has left")
    read.add_argument("--part", type=float, default=1.0, help="the part of the assignments that is reported")
    read.add_argument("--seed", type=int, default=SEED, help="of every choice that chance makes")
    read.add_argument(
        "--tree", type=_tree, help="3,2,3: only so many counties, townships in each, villages in each; the rest ends"
    )
    read.add_argument("--some", action="store_true", help="compare in one area of each level only")
    read.add_argument("--postgres", action="store_true", help="on a PostgreSQL of the walk's own, not on a file")
    asked = read.parse_args()
    again, keep = bool(asked.compare or asked.go_on), bool(asked.compare or asked.keep)
    with (
        tempfile.TemporaryDirectory() as temporary,
        database(postgres=asked.postgres, again=again, keep=keep) as url,
    ):
        folder = asked.compare or asked.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        opened = serving if again else running
        with opened(folder, url) as address, clock_of(folder, url):
            walk = Walk(address, Tables(folder, url), asked.part, asked.seed, asked.tree)
            if not asked.compare and not asked.go_on:
                walk.hand_down()
            if not asked.compare:
                walk.report()
            wrong = walk_boards.compare(address, walk.tables, some=asked.some)
            for moment in walk.moments:
                wrong += walk_past.look_back(moment, folder, url, list(walk.plans()))
    sys.exit(1 if wrong else 0)


def _tree(told: str) -> tuple[int, int, int]:
    counties, townships, villages = map(int, told.split(","))
    return counties, townships, villages


class Walk:
    """The stages, each with a line on what was done."""

    def __init__(
        self, address: str, tables: Tables, part: float, seed: int, tree: tuple[int, int, int] | None = None
    ) -> None:
        self.part, self.seed, self.tree = part, seed, tree
        self.address, self.tables, self.began = address, tables, time.monotonic()
        self.moments: list[walk_past.Moment] = []
        self.crowd = Crowd(address, self.tables, seed)
        self.told(f"seed {seed}")

    def told(self, what: str) -> None:
        """A line with the seconds since the beginning."""
        print(f"{time.monotonic() - self.began:7.0f} s  {what}", flush=True)

    def plans(self) -> dict[int, str]:
        """The campaigns of the walk, with who dispatches for each."""
        found = {}
        for name, area in ((CITY_PLAN, CITY), (UNION_PLAN, COUNTY)):
            id = self.tables.one("SELECT id FROM campaign WHERE key = ?", KEYS[name])
            if id is not None:
                found[int(id)] = _dispatcher(self.tables, area)
        return found

    def hand_down(self) -> None:
        """In the browser: both plans loaded, issued, dispatched, and split by everybody who received a part."""
        if self.tree is not None:
            end_areas(self.crowd, self.tree)
        hire(self.crowd)
        path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
            desk = Desk(browser, self.address, Random(self.seed))
            for name, area in ((CITY_PLAN, CITY), (UNION_PLAN, COUNTY)):
                desk.load(_dispatcher(self.tables, area), name, plan(name, clock.local_today(clock.now())))
            self.told(f"{len(self.plans())} plans loaded and issued")
            for campaign, login in self.plans().items():
                count_and_remember(self.crowd, campaign, login, self.seed)
                send_down(desk, self.tables, campaign, login, self.told)
            browser.close()
        self.told(f"{sum(desk.ways.values())} splits on {desk.pages} pages: {dict(desk.ways)}")

    def report(self) -> None:
        """By plain requests: officers report, reviewers return and approve, officers correct, dispatchers undo."""
        plans, crowd = self.plans(), self.crowd
        every = ", ".join(map(str, plans))
        mine = f"SELECT a.id FROM assignment a JOIN task t ON t.id = a.task_id WHERE t.campaign_id IN ({every})"
        first = f"{mine} AND a.state IN (1, 2) ORDER BY a.unit_id, a.id"
        some = [row[0] for row in self.tables.rows(first) if Random(f"{self.seed}-{row[0]}-part").random() < self.part]
        crowd.officers_report(some)
        self.told(f"reported: {dict(crowd.done)}")
        crowd.requests_decided()
        spared = "SELECT u.id FROM unit u JOIN area r ON r.id = u.area_id WHERE r.code LIKE '%4000' AND u.level = 4"
        for turn, returns in enumerate(RETURNS):
            left = [row[0] for row in self.tables.rows(spared)]  # in some townships nobody reviews: it waits
            crowd.reviewers_decide(every, turn, returns=returns, spared=left)
            crowd.officers_correct(every, turn)
            self.told(f"review {turn + 1}: {dict(crowd.done)}")
            if turn in MOMENTS:
                self.moments.append(walk_past.remember(self.tables))
            if turn == MOVED:
                crowd.kept("areas moved", _import(crowd, "areas", moved(working(self.tables, every))))
        for campaign, login in plans.items():
            count_registers(crowd, campaign, login, Random(f"{self.seed}-again"), part=0.5)
        for campaign, login in plans.items():
            crowd.dispatchers_undo(login, campaign, reopened=12, cancelled=8)
            walk_boards.allow_comparison(crowd.visitor(login), campaign)
        crowd.reviewers_decide(every, len(RETURNS), returns=0.2, spared=[])
        crowd.kept("areas merged", _import(crowd, "areas", merged(working(self.tables, every), yesterday())))
        self.told(f"the end: {dict(crowd.done)}")
        for each in crowd.refused[:20]:
            print("  refused:", each)


def send_down(desk: Desk, tables: Tables, campaign: int, login: str, told: Callable[[str], None]) -> None:
    """Every task of a campaign: the issuer splits and dispatches, then each unit splits what it was given."""
    received = (
        "SELECT a.id, a.unit_id FROM assignment a JOIN unit u ON u.id = a.unit_id WHERE a.task_id = ? AND u.level = ?"
    )
    for (task,) in tables.rows("SELECT id FROM task WHERE campaign_id = ? ORDER BY position", campaign):
        split = "SELECT count(*) FROM metric WHERE task_id = ? AND aggregation = 1 AND comparator <> 0 AND quota = 0"
        if tables.one(split, task):
            desk.split(login, f"/campaigns/{campaign}/tasks/{task}/split", REGISTER)
        desk.dispatch(login, campaign, task)
        for level, below in ((3, 4), (4, 5)):
            for id, unit in tables.rows(f"{received} ORDER BY a.id", task, level):
                holder = tables.holder(unit, DISPATCHER)
                if holder is None:
                    raise LookupError(f"nobody dispatches for unit {unit}")
                desk.split(holder, f"/assignments/{id}/split?level={below}", REGISTER)
        told(f"task {task}: {tables.one('SELECT count(*) FROM assignment WHERE task_id = ?', task)} assignments")


def end_areas(crowd: Crowd, kept: tuple[int, int, int]) -> None:
    """Ends what the walk shall do without, as an administrator does it: by import, with yesterday as the last day."""
    areas = crowd.tables.rows("SELECT id, code, name, level, parent_id FROM area ORDER BY lft")
    crowd.kept("areas ended", _import(crowd, "areas", ended(areas, kept, yesterday())))


def working(tables: Tables, campaigns: str) -> list[Any]:
    """The villages of these campaigns that still are, each with what it lies below, in the order of the tree."""
    return tables.rows(
        "SELECT r.code, r.name, t.code AS township, c.code AS county, c.id AS county_id FROM area r"
        " JOIN area t ON t.id = r.parent_id JOIN area c ON c.id = t.parent_id WHERE r.level = 5 AND r.valid_to IS NULL"
        " AND r.id IN (SELECT u.area_id FROM unit u JOIN assignment a ON a.unit_id = u.id"
        " JOIN task k ON k.id = a.task_id"
        f" WHERE k.campaign_id IN ({campaigns})) ORDER BY r.lft"
    )


def yesterday() -> date:
    """The last day of what ends in the walk."""
    return clock.local_today(clock.now()) - timedelta(days=1)


def hire(crowd: Crowd) -> None:
    """Gives each county and township a dispatcher of its own in every line: by import, as an administrator does it."""
    query = (
        "SELECT u.id, r.code, u.line FROM unit u JOIN area r ON r.id = u.area_id WHERE u.level IN (3, 4) AND u.line < 5"
        " AND u.valid_to IS NULL"
    )
    names = {1: "党委", 2: "工会", 3: "共青团", 4: "妇联"}
    wanted = []
    for unit, code, line in crowd.tables.rows(query):
        if crowd.tables.holder(unit, DISPATCHER) is None:
            login = crowd.tables.holder(unit, OFFICER)
            name = crowd.tables.one("SELECT name FROM person WHERE login = ?", login)
            wanted.append((str(login), str(name), str(code), names[line]))
    if wanted:
        crowd.kept("posts imported", _import(crowd, "people", dispatchers(wanted)))


def _import(crowd: Crowd, what: str, table: bytes) -> Answer:
    """The administrator uploads a table, sees its preview and confirms."""
    administrator = crowd.visitor(ADMINISTRATOR)
    form = administrator.get(f"/admin/import/{what}").form(f"/import/{what}")
    answer = administrator.send(form, {}, {"file": (f"{what}.csv", table)})
    page = administrator.get(answer.location) if answer.status == 303 else answer
    if not page.has_form("/confirm"):
        return page
    return administrator.send(page.form("/confirm"), {})


def count_registers(crowd: Crowd, campaign: int, login: str, chance: Random, part: float = 1.0) -> None:
    """That part of the units gets a number, or another one, in the registers of a plan."""
    visitor = crowd.visitor(login)
    units = crowd.tables.rows(
        "SELECT name FROM unit WHERE level IN (4, 5) AND line BETWEEN 2 AND 4 AND valid_to IS NULL ORDER BY id"
    )
    lines = "\n".join(f"{row[0]}\t{chance.randint(1, 9)}" for row in units if chance.random() < part)
    of_plan = "SELECT register_id FROM metric m JOIN task t ON t.id = m.task_id WHERE t.campaign_id = ?"
    for (id,) in crowd.tables.rows(f"SELECT id FROM register WHERE id IN ({of_plan}) OR name = ?", campaign, REGISTER):
        form = visitor.get(f"/registers/{id}").form(f"/registers/{id}")
        if form.names("pasted"):  # a register of somebody above can only be read
            crowd.kept("registers counted", visitor.send(form, {"pasted": lines, "op": "paste"}))


def count_and_remember(crowd: Crowd, campaign: int, login: str, seed: int) -> None:
    """The registers of a plan get their numbers, and its counts what was reached last year."""
    visitor, chance = crowd.visitor(login), Random(seed)
    count_registers(crowd, campaign, login, chance)
    compared = (
        "SELECT m.id, l.line FROM metric m JOIN task t ON t.id = m.task_id JOIN task_line l ON l.task_id = t.id"
        " WHERE t.campaign_id = ? AND m.compares = 1"
    )
    below = (
        "SELECT u.name FROM unit u JOIN area r ON r.id = u.area_id JOIN area top ON r.lft BETWEEN top.lft AND top.rgt"
        " JOIN unit issuer ON issuer.area_id = top.id JOIN campaign c ON c.issuing_unit_id = issuer.id"
        " WHERE c.id = ? AND u.level IN (3, 4, 5) AND u.line = ? AND u.valid_to IS NULL ORDER BY u.id"
    )
    for id, line in crowd.tables.rows(compared, campaign):
        units = crowd.tables.rows(below, campaign, line)
        figures = "\n".join(f"{row[0]}\t{chance.randint(2, 60)}" for row in units)
        form = visitor.get(f"/campaigns/{campaign}/metrics/{id}/baseline").form("/baseline")
        crowd.kept("figures of last year", visitor.send(form, {"lines": figures, "source": "2025年统计年报"}))


def _dispatcher(tables: Tables, area: str) -> str:
    unit = tables.one("SELECT u.id FROM unit u JOIN area r ON r.id = u.area_id WHERE r.code = ? AND u.line = 1", area)
    login = tables.holder(int(unit), DISPATCHER)
    if login is None:
        raise LookupError(f"nobody dispatches for {area}")
    return login


@contextmanager
def clock_of(folder: Path, url: str = "") -> Iterator[None]:
    """The product's own clock beside the walk: it folds, sweeps and tells."""
    quiet = subprocess.DEVNULL
    child = subprocess.Popen(
        [sys.executable, "-m", "jobs"], cwd=ROOT, env=environment_of(folder, url), stdout=quiet, stderr=quiet
    )
    try:
        yield
    finally:
        child.terminate()
        child.wait(PATIENCE)


if __name__ == "__main__":
    main()
