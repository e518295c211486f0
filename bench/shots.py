"""`make shots`: the screenshots of the README, taken from the demonstration as `demo load` leaves it.

With `--all` also the other pages of the clock, each on phone and desk in Chinese, some in English: to be looked at, not
kept. The product runs on a data folder and a port of its own; nothing of an existing installation is touched.
"""

import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import ScalarSelect, case, func, select

from campaign import clock, create_app
from campaign.config import Settings
from campaign.db import db
from campaign.demo.load import PASSWORD, UNDISPATCHED
from campaign.demo.scenes import CITY
from campaign.models import (
    Area,
    Assignment,
    Campaign,
    LadderVersion,
    Metric,
    Occasion,
    Person,
    Post,
    Question,
    Submission,
    Task,
    Unit,
)
from campaign.models.ladders import EVERYBODYS
from campaign.rules.metrics import MetricKind
from campaign.rules.organisation import Level, Line, Role
from campaign.rules.states import WITH_OFFICER, State

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
LARGEST = 150 * 1024
COLOURS = (256, 128, 64, 32)
PATIENCE = 60
COUNTY, TOWNSHIP, VILLAGE = "990101000000", "990101001000", "990101001201"
SHAPES = {"desk": (1280, 840, 1.5), "phone": (360, 740, 2.0)}


@dataclass(frozen=True)
class Shot:
    """A picture: the name of its file without `.png` (its end is the shape of the window), who looks, and where."""

    name: str
    login: str
    path: str
    language: str = "zh_CN"
    whole: bool = False  # the whole page, not only what the window shows
    part: str = ""  # only the part that this selector finds


def main() -> None:
    """Takes all pictures into the folder that is named."""
    everything = "--all" in sys.argv
    named = [argument for argument in sys.argv[1:] if argument != "--all"]
    if len(named) != 1:
        sys.exit("usage: python -m bench.shots [--all] FOLDER")
    folder = Path(named[0])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, running(Path(data)) as address, sync_playwright() as playwright:
        path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        for shot in choose(Path(data), everything=everything):
            picture = small(take(browser, address, shot))
            (folder / f"{shot.name}.png").write_bytes(picture)
            print(f"{shot.name}.png  {len(picture) // 1024} KB")
        browser.close()


@contextmanager
def running(data: Path, database: str = "") -> Iterator[str]:
    """The demonstration, loaded and served; its address. `database`: of another one than the file in that folder."""
    for command in (("db", "upgrade"), ("demo", "load")):
        subprocess.run(
            [sys.executable, "-m", "campaign", *command], cwd=ROOT, env=environment_of(data, database), check=True
        )
    with serving(data, database) as address:
        yield address


@contextmanager
def serving(data: Path, database: str = "") -> Iterator[str]:
    """What lies in that data folder, served; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = environment_of(data, database) | {"CAMPAIGN_PORT": str(port), "CAMPAIGN_HOST": "127.0.0.1"}
    web = subprocess.Popen([sys.executable, "-m", "campaign.serve"], cwd=ROOT, env=environment)
    try:
        _wait(f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}"
    finally:
        web.terminate()
        web.wait(PATIENCE)


def environment_of(data: Path, database: str = "") -> dict[str, str]:
    """The environment of a process on that data folder: nothing of an existing installation gets in."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("CAMPAIGN_")}
    elsewhere = {"CAMPAIGN_DATABASE_URL": database} if database else {}
    return plain | elsewhere | {"CAMPAIGN_ENV": "demo", "CAMPAIGN_DATA_DIR": str(data)}


def _wait(address: str) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def choose(data: Path, *, everything: bool) -> list[Shot]:
    """Which pages show the product best, found in the database by what they hold."""
    app = create_app(Settings(data_dir=str(data), env="demo"))
    with app.app_context():
        task = db.session.execute(select(Task.id, Task.campaign_id).where(Task.key == UNDISPATCHED)).one()
        dispatcher = holder(Role.DISPATCHER, COUNTY, Line.PARTY)
        officer = holder(Role.OFFICER, VILLAGE, Line.WOMEN)
        reviewer = holder(Role.SUPERVISOR, COUNTY, Line.UNION)
        watcher, campaign_id = liveliest_board()
        other, assignment_id = returned()
        shots = [
            Shot("board-desk", watcher, f"/campaigns/{campaign_id}/board"),
            Shot("officer-phone", officer, "/"),
            Shot("assignment-phone", other, f"/assignments/{assignment_id}"),
            Shot("queue-desk", reviewer, f"/reviews/{waiting_at(COUNTY, Line.UNION)}"),
            Shot("campaign-preview-desk", dispatcher, f"/campaigns/{task.campaign_id}/preview?task={task.id}"),
            Shot("ledger-desk", dispatcher, f"/assignments/{with_versions()}/ledger"),
            *of_the_clock(),
        ]
        if everything:
            shots += further(shots)
        db.session.remove()
        db.engine.dispose()
    return shots


def of_the_clock() -> list[Shot]:
    """The pages of the README that show what the clock does."""
    asked = db.session.execute(select(Question.assignment_id).order_by(Question.id).limit(1)).scalar_one()
    comes_round = select(Task.id, Task.campaign_id).where(Task.rrule != "", Task.rotates.is_(False)).limit(1)
    task_id, campaign_id = db.session.execute(comes_round).one()
    town = holder(Role.DISPATCHER, TOWNSHIP, Line.PARTY)
    administrator = holder(Role.ADMINISTRATOR, CITY, Line.PARTY)
    return [
        Shot("timeline-phone", town, f"/assignments/{asked}/ledger", part="section[aria-labelledby=clock]"),
        Shot("calendar-desk", administrator, f"/admin/calendars/{EVERYBODYS}"),
        Shot("periods-desk", town, f"/campaigns/{campaign_id}/tasks/{task_id}/periods"),
    ]


def further(shots: list[Shot]) -> list[Shot]:
    """Everything to be looked at: these pages and the others of the clock, whole, in both shapes, some in English."""
    ladder = db.session.execute(select(func.max(LadderVersion.id))).scalar_one()
    occasion, campaign_id = db.session.execute(select(Occasion.id, Occasion.campaign_id).limit(1)).one()
    administrator = holder(Role.ADMINISTRATOR, CITY, Line.PARTY)
    city = holder(Role.DISPATCHER, CITY, Line.PARTY)
    pages = {shot.name.rpartition("-")[0]: (shot.login, shot.path) for shot in shots} | {
        "ladder": (holder(Role.DISPATCHER, CITY, Line.WOMEN), f"/ladders/{ladder}"),
        "occasion": (city, f"/campaigns/{campaign_id}/occasions/{occasion}"),
        "vacancies": (administrator, "/vacancies"),
        "incidents": (administrator, "/admin/deliveries"),
        "jobs": (administrator, "/admin/jobs"),
        "questions": (holder(Role.SUPERVISOR, TOWNSHIP, Line.UNION), "/questions"),
        "stand-in": (holder(Role.SUPERVISOR, TOWNSHIP, Line.WOMEN), "/me/delegations"),
        "wishes": (city, "/me/messages"),
    }
    looks = [("", "zh_CN", shape) for shape in SHAPES] + [("en-", "en", "desk")]
    return [
        Shot(f"all-{name}-{mark}{shape}", login, path, language, whole=True)
        for name, (login, path) in pages.items()
        for mark, language, shape in looks
    ]


def holder(role: Role, area: str, line: Line) -> str:
    """The login name of who has that post."""
    found = select(Person.login).join(Post, Post.person_id == Person.id).join(Unit, Unit.id == Post.unit_id)
    there = found.join(Area, Area.id == Unit.area_id).where(Post.role == role, Area.code == area, Unit.line == line)
    return db.session.execute(there.order_by(Post.id).limit(1)).scalar_one()


def liveliest_board() -> tuple[str, int]:
    """The campaign with the most assignments past their date, and the login name of who dispatched it."""
    dispatched = (
        select(func.min(Person.login), Campaign.id)
        .join(Post, Post.person_id == Person.id)
        .join(Campaign, Campaign.issuing_unit_id == Post.unit_id)
        .join(Task, Task.campaign_id == Campaign.id)
        .join(Assignment, Assignment.task_id == Task.id)
        .where(Post.role == Role.DISPATCHER)
    )
    passed = (Assignment.due_at < clock.now()) & Assignment.state.in_(WITH_OFFICER)
    order = func.sum(case((passed, 1), else_=0)).desc()
    login, campaign_id = db.session.execute(
        dispatched.group_by(Campaign.id).order_by(order, Campaign.id).limit(1)
    ).one()
    return str(login), int(campaign_id)


def numbers() -> ScalarSelect[int]:
    """How many figures that are numbers the assignment's task asks for."""
    kinds = (MetricKind.COUNT, MetricKind.AMOUNT, MetricKind.RATE)
    asked = select(func.count(Metric.id)).where(Metric.task_id == Assignment.task_id, Metric.kind.in_(kinds))
    return asked.scalar_subquery()


def returned() -> tuple[str, int]:
    """An assignment with figures and a date that was returned, and the login name of its officer."""
    of_villages = (
        select(Person.login, Assignment.id)
        .join(Post, Post.person_id == Person.id)
        .join(Unit, Unit.id == Post.unit_id)
        .join(Assignment, Assignment.unit_id == Unit.id)
        .where(Post.role == Role.OFFICER, Unit.level == Level.VILLAGE, Assignment.state == State.RETURNED)
    )
    order = (Assignment.due_at.is_not(None).desc(), numbers().desc(), Assignment.id)
    login, assignment_id = db.session.execute(of_villages.order_by(*order).limit(1)).one()
    return str(login), int(assignment_id)


def waiting_at(area: str, line: Line) -> int:
    """The submission that waits for that unit and has been there most often."""
    versions = select(func.count(Submission.id)).where(Submission.assignment_id == Assignment.id).scalar_subquery()
    waiting = (
        select(Assignment.id)
        .join(Unit, Unit.id == Assignment.reviewer_unit_id)
        .join(Area, Area.id == Unit.area_id)
        .where(Area.code == area, Unit.line == line, Assignment.state == State.SUBMITTED)
    )
    return db.session.execute(waiting.order_by(versions.desc(), Assignment.id).limit(1)).scalar_one()


def with_versions() -> int:
    """An approved assignment in the county with more than one version and with figures."""
    versions = select(func.count(Submission.id)).where(Submission.assignment_id == Assignment.id).scalar_subquery()
    approved = (
        select(Assignment.id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Area, Area.id == Unit.area_id)
        .where(Area.code.startswith(COUNTY[:6]), Assignment.state == State.APPROVED, numbers() > 0)
    )
    best = approved.order_by(versions.desc(), numbers().desc(), Assignment.id)
    return db.session.execute(best.limit(1)).scalar_one()


def take(browser: Browser, address: str, shot: Shot) -> bytes:
    """Signs in, opens the page and takes the picture."""
    width, height, scale = SHAPES[shot.name.rpartition("-")[2]]
    context = browser.new_context(
        base_url=address,
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        locale=shot.language.replace("_", "-"),
        timezone_id="Asia/Shanghai",
        reduced_motion="reduce",
    )
    page = context.new_page()
    _sign_in(page, shot)
    page.goto(shot.path, wait_until="networkidle")
    if shot.part:
        box = page.locator(shot.part).bounding_box()
        picture = page.screenshot(animations="disabled", caret="hide", full_page=True, clip=box)
    else:
        picture = page.screenshot(animations="disabled", caret="hide", full_page=shot.whole)
    context.close()
    return picture


def _sign_in(page: Page, shot: Shot) -> None:
    page.goto("/sign-in")
    if shot.language == "en":
        page.get_by_role("button", name="English").click()
    page.locator("input[name=login]").fill(shot.login)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_load_state()


def small(picture: bytes) -> bytes:
    """The same picture with as many colours as keep it light."""
    with Image.open(io.BytesIO(picture)) as opened:
        plain = opened.convert("RGB")
    tried = (_packed(plain, colours) for colours in COLOURS)
    packed = next((found for found in tried if len(found) <= LARGEST), None)
    if packed is None:
        sys.exit(f"a picture is larger than {LARGEST // 1024} KB with the fewest colours")
    return packed


def _packed(picture: Image.Image, colours: int) -> bytes:
    stream = io.BytesIO()
    picture.quantize(colours, dither=Image.Dither.NONE).save(stream, "PNG", optimize=True)
    return stream.getvalue()


if __name__ == "__main__":
    main()
