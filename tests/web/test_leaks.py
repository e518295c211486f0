"""Nothing of other villages on any page: a mark is planted in everything they write, then everything is read.

A mark names the unit it belongs to, as `zq-b.t0.v0-4:`. Readers crawl from their own pages, follow every link, search
for the part that all marks share, take every export, and try every number of everybody.
"""

import io
import re
import zipfile
from collections import deque
from datetime import timedelta
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Area, Assignment, Campaign, Task
from campaign.operations import issuing, reporting, reviewing
from campaign.operations.reporting import Report
from campaign.rules.organisation import Level, Line, Role
from campaign.rules.plans import CampaignStatus
from campaign.rules.states import ReturnReason, State
from tests import make
from tests.evidence.hostile import picture

from .matrix import P, U, W, sign_in
from .test_matrix import MISSING

STEM = "zq-"
MARK = re.compile(r"zq-([a-z0-9.]+)-(\d):")
SEARCHES = (
    "/assignments?text=zq-", "/assignments/export.csv", "/assignments/export.xlsx?text=zq-", "/campaigns?text=zq-",
    "/reviews?q=zq-", "/messages", "/admin/areas?text=zq-", "/admin/areas.csv", "/admin/areas.xlsx?text=zq-",
    "/admin/people?text=zq-", "/admin/people.csv", "/admin/people.xlsx", "/admin/people?standing=no-post",
    "/admin/log", "/admin/log.csv", "/admin/log.xlsx?person=zq-", "/admin/deliveries", "/admin/jobs", "/campaigns/new",
)  # fmt: skip
BY_NUMBER = (
    "/assignments/{}", "/assignments/{}/receipt", "/assignments/{}/ledger", "/assignments/{}/ledger.csv",
    "/evidence/{}?original=1", "/reviews/{}", "/campaigns/{}", "/campaigns/{}/board", "/campaigns/{}/board.csv",
    "/campaigns/{}/preview", "/campaigns/{}/edit", "/admin/people/{}", "/admin/areas?area={}",
    "/admin/areas.csv?area={}", "/assignments?unit={}", "/assignments?campaign={}", "/admin/people?unit={}",
    "/admin/log?subject=assignment&number={}", "/admin/log?subject=person&number={}", "/campaigns/1/board?area={}",
    "/campaigns/3/board?area={}",
)  # fmt: skip
READERS: dict[str, tuple[str, Line, Role]] = {
    "officer": ("a/t0/v0", W, Role.OFFICER),
    "officer of another line": ("a/t0/v0", U, Role.OFFICER),
    "supervisor": ("a/t0", W, Role.SUPERVISOR),
    "dispatcher": ("a", W, Role.DISPATCHER),
    "administrator": ("a", P, Role.ADMINISTRATOR),
    "administrator of a township": ("a/t0", W, Role.ADMINISTRATOR),
    "administrator of another subtree": ("b", P, Role.ADMINISTRATOR),
    "auditor of another subtree": ("b", P, Role.AUDITOR),
}
MOST_PAGES = 150
NAME = 0  # on names of areas and of those who stand above, in place of the line


def mark(place: str, line: int = NAME) -> str:
    return f"{STEM}{place.replace('/', '.')}-{int(line)}:"


def may_read(post: tuple[str, Line, Role], place: str, line: int) -> bool:
    """Marks of the reader's subtree and line; of what stands above the reader, names alone."""
    own, mine, _role = post
    if place == own or place.startswith(own + "/"):
        return line == NAME or mine in (Line.PARTY, line)
    return line == NAME and own.startswith(place + "/")


class Planted:
    """Two counties with the same work in both, everything marked."""

    def __init__(self, app) -> None:
        self.app = app
        self.units: dict[tuple[str, Line], make.Unit] = {}
        self.people: dict[tuple[str, Line, Role], make.Person] = {}
        top = make.area("云川市", Level.CITY)
        for county in ("a", "b"):
            self._county(county, top)
            self._work(county)

    def _county(self, county: str, top) -> None:
        places = {county: make.area(f"清河{mark(county)}", Level.COUNTY, top)}
        for town in (f"{county}/t0", f"{county}/t1"):
            places[town] = make.area(f"镇{mark(town)}", Level.TOWNSHIP, places[county])
            for village in (f"{town}/v0", f"{town}/v1"):
                places[village] = make.area(f"村{mark(village)}", Level.VILLAGE, places[town])
        roles = {0: (Role.SUPERVISOR, Role.DISPATCHER), 1: (Role.SUPERVISOR,), 2: (Role.OFFICER,)}
        for place, area in places.items():
            for line in (P, W, U):
                name = f"{area.name}{mark(place, line if place.count('/') == 2 else NAME)}"
                unit = self.units[place, line] = make.unit(area, line, name=name)
                for role in roles[place.count("/")]:
                    own = line if role is Role.OFFICER else NAME
                    self.people[place, line, role] = make.holder(unit, role, name=f"人{mark(place, own)}"[:64])

    def actor(self, *post):
        return make.actor(self.people[post])

    def _work(self, county: str) -> None:
        """One campaign with every state in its villages; a draft; somebody who has left."""
        unit, now = self.units[county, W], make.NOW
        campaign = make.campaign(unit, f"活动{mark(county)}")
        task = make.task(campaign, f"任务{mark(county)}", lines=(W,))
        draft = make.campaign(unit, f"草稿{mark(county, W)}", status=CampaignStatus.DRAFT)
        make.task(draft, f"草稿任务{mark(county, W)}")
        make.post(gone := make.person(name=f"离任{mark(county, W)}"), unit, valid_to=make.TODAY - timedelta(days=9))
        assert gone.phone is None
        with unit_of_work():
            issuing.dispatch(task.id, actor=self.actor(county, W, Role.DISPATCHER), now=now)
        for village in (f"{county}/t0/v0", f"{county}/t0/v1", f"{county}/t1/v0"):
            self._report(village, task)

    def _report(self, village: str, task: Task) -> None:
        here, now = mark(village, W), make.NOW
        officer, township = self.actor(village, W, Role.OFFICER), village.rpartition("/")[0]
        found = db.select(Assignment.id).filter_by(task_id=task.id, unit_id=self.units[village, W].id)
        id = db.session.execute(found).scalar_one()
        name = f"证据{here}.jpg"
        stored = self.app.extensions["evidence"].put(io.BytesIO(picture(seed(village))), name="a.jpg")
        with unit_of_work():
            reporting.acknowledge(id, actor=officer, now=now, seen=1)
            kept = reporting.keep_evidence(id, stored, name, actor=officer, now=now)
            reporting.check_in(id, Report(words=f"进展{here}"), actor=officer, now=now)
            report = Report(words=f"报告{here}", evidence={kept: None})
            reporting.submit(id, report, actor=officer, now=now, seen=2)
            if village.endswith("v1"):
                reviewing.return_for_changes(
                    id, actor=self.actor(township, W, Role.SUPERVISOR), now=now, seen=3, reason=ReturnReason.OTHER,
                    words=f"退回{here}",
                )  # fmt: skip
                reporting.save_draft(id, {"words": f"未发{here}"}, actor=officer, now=now)


def seed(village: str) -> str:
    """Pictures of different villages are of different kinds, so that none is kept under another's hash."""
    return "PNG" if "t1" in village else "JPEG"


@pytest.fixture
def planted(app, monkeypatch, client_class):
    monkeypatch.setattr(clock, "now", lambda: make.NOW)
    app.test_client_class = client_class
    return Planted(app)


def reader(planted: Planted, name: str):
    """A signed-in client of somebody with that post: the one who has it already, or a new one."""
    place, line, role = READERS[name]
    person = planted.people.get((place, line, role)) or make.holder(planted.units[place, line], role)
    return sign_in(planted.app, person)


def words_of(answer) -> str:
    """Everything the answer says: its headers, its text, the inside of a workbook."""
    body = answer.data
    if body.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(body)) as book:
            body = b"\n".join(book.read(each) for each in book.namelist())
    return f"{answer.headers}\n{body.decode('utf-8', 'replace')}"


def crawl(client, starts) -> dict[str, str]:
    """What every page says that can be reached by links."""
    queue, said = deque(starts), {}
    while queue and len(said) < MOST_PAGES:
        path = queue.popleft()
        if path in said:
            continue
        answer = client.get(path, buffered=True)
        assert answer.status_code < 500, path
        said[path] = words_of(answer)
        if answer.mimetype != "text/html":
            continue
        found = [*re.findall(r'(?:href|src)="([^"]+)"', said[path]), answer.location or path]
        for link in found:
            there = urldefrag(urljoin(path, link.replace("&amp;", "&")))[0]
            parts = urlsplit(there)
            if not parts.netloc and not there.startswith(("/static", "/language", "/sign")) and "back=" not in there:
                queue.append(there)
    return said


def foreign(text: str, post) -> set[str]:
    """The marks on a page that are not the reader's to see."""
    places = [(found[1].replace(".", "/"), int(found[2])) for found in MARK.finditer(text)]
    return {mark(place, line) for place, line in places if not may_read(post, place, line)}


@pytest.mark.parametrize("name", READERS)
def test_no_page_shows_what_is_not_the_readers(planted, name):
    client, post = reader(planted, name), READERS[name]
    numbered = [address.format(number) for address in BY_NUMBER for number in range(1, 15)]
    said = crawl(client, ["/", *SEARCHES])
    said |= {path: words_of(client.get(path, buffered=True)) for path in numbered if path not in said}
    leaks = {path: marks for path, text in said.items() if (marks := foreign(text, post))}
    # Who may stand in is found among those who work in the same place, of whatever line: names, nothing of their work.
    choices = {path: leaks.pop(path) for path in list(leaks) if path.endswith(("/me/delegations", "/stand-in"))}
    assert all(found.startswith(f"{STEM}{post[0].replace('/', '.')}") for marks in choices.values() for found in marks)
    assert leaks == {}
    assert STEM in "".join(said.values())  # the reader did see something


@pytest.mark.parametrize("name", READERS)
def test_searching_for_what_is_foreign_finds_as_little_as_searching_for_nothing(planted, name):
    """Counts and empty states tell nothing either: a foreign mark and a word that nobody wrote answer alike."""
    client, post = reader(planted, name), READERS[name]
    other = "b" if post[0].startswith("a") else "a"
    for address in (
        "/assignments?text=", "/campaigns?text=", "/reviews?q=", "/admin/people?text=", "/admin/areas?text=",
        "/admin/log?person=", "/campaigns/1/board?q=",
    ):  # fmt: skip
        texts = []
        for sought in (mark(f"{other}/t0/v0", W), mark("x/t0/v0", W)):
            answer = client.get(address + sought, buffered=True)
            own = rf"{re.escape(sought)}|zq-[^<>&\"]*|%2F|[0-9a-f-]{{36}}|name=\"csrf_token\"[^>]*"
            texts.append(re.sub(own, "", answer.text))
        assert texts[0] == texts[1], address
    assert client.get(f"/assignments/{MISSING}").status_code == 404


def test_the_marks_are_where_they_should_be(planted):
    """Whoever may see everything of a county sees each kind of mark; otherwise the crawl would prove nothing."""
    client = reader(planted, "administrator")
    said = "".join(crawl(client, ["/", *SEARCHES]).values())
    for word in ("报告", "进展", "退回", "证据", "人", "活动", "任务"):
        assert f"{word}{STEM}a" in said, word
    assert f"草稿{STEM}a" not in said  # a draft is its issuer's alone
    states = {row.state for row in db.session.execute(db.select(Assignment.state))}
    assert {State.ISSUED, State.SUBMITTED, State.RETURNED} <= states


# -- by forms: what a search finds, what a chosen number is called -------------------------------------------------


@pytest.fixture
def writing(planted):
    """The dispatcher of county a, with the forms open to whatever is sent."""
    planted.app.config["WTF_CSRF_ENABLED"] = False
    return reader(planted, "dispatcher"), planted


def test_units_of_others_are_neither_found_nor_named_in_a_form(writing):
    client, planted = writing
    stranger, unit = planted.units["b", W].id, planted.units["b/t0/v0", W].id
    own = planted.units["a", W].id
    for fields in (
        {"search": "1", "find": STEM, "issuing_unit": stranger},
        {"search": "1", "find": STEM, "issuing_unit": "9" * 5_000},
        {"search": "1", "issuing_unit": own, "co_issuers": [stranger, unit]},
    ):
        for address in ("/campaigns/new", f"/campaigns/{draft_of(planted, 'a')}/edit"):
            answer = client.post(address, data=fields)
            assert answer.status_code == 200
            assert foreign(answer.text, READERS["dispatcher"]) == set()
    task = f"/campaigns/{draft_of(planted, 'a')}/tasks/new"
    answer = client.post(task, data={"search": "1", "receivers": "units", "units": [unit]})
    assert foreign(answer.text, READERS["dispatcher"]) == set()


def test_a_campaign_carries_out_only_what_its_writer_sees(writing):
    """Otherwise the page of one's own campaign would show the title of any draft of the country."""
    client, planted = writing
    hidden = draft_of(planted, "b")
    with unit_of_work():
        db.session.get_one(Campaign, hidden).key = "hidden"
    fields = {"title": "本县的活动", "issuing_unit": planted.units["a", W].id, "higher_campaign": hidden}
    issuer = f"{{area: '{area_code(planted)}', line: women}}"
    plan = f"format: 1\ntitle: 本县的活动\nissuing_unit: {issuer}\nhigher_campaign: hidden\n"
    task = "tasks:\n- {title: 一项, lines: [women], receiving_level: village, due: {kind: none}, respond_days: 3}\n"
    sent = {"file": (io.BytesIO((plan + task).encode()), "plan.yaml")}
    for address, data in (("/campaigns/new", fields), ("/campaigns/load", sent)):
        answer = client.post(address, data=data, follow_redirects=True)
        assert answer.status_code == 422
        assert "There is no such campaign above this one" in answer.text
        assert foreign(answer.text, READERS["dispatcher"]) == set()


def draft_of(planted: Planted, county: str) -> int:
    unit_id = planted.units[county, W].id
    wanted = db.select(Campaign.id).filter_by(issuing_unit_id=unit_id, status=CampaignStatus.DRAFT)
    return db.session.execute(wanted).scalar_one()


def area_code(planted: Planted) -> str:
    return db.session.get_one(Area, planted.units["a", W].area_id).code
