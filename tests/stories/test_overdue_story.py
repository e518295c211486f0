"""A village lets its date pass: the clock tells one level up, days later two levels up, on the pages and by mail, once.

The scheduler process runs throughout. What would take days is one run of `escalate` for a later instant.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Assignment, Firing, Person
from campaign.models.ladders import EVERYBODYS, calendars
from campaign.operations.issuing import dispatch
from campaign.rules.dates import end_of_day
from campaign.rules.ladder import DEFAULT, moment_of
from campaign.rules.organisation import SYSTEM, Role
from tests import make
from tests.notify.sink import Sink, running

from .conftest import Opens
from .people import Crowd, Someone
from .product import Product

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TASK = "留守儿童集中走访"
SAYS = {
    "zh_CN": {
        "messages": "消息",
        "told": f"督办升级：报上一级：{TASK}",
        "told again": f"督办升级：报上两级：{TASK}",
        "overdue": "逾期",
        "letter": "督办",
    },
    "en": {
        "messages": "Messages",
        "told": f"Escalation to the level above: {TASK}",
        "told again": f"Escalation two levels up: {TASK}",
        "overdue": "Overdue",
        "letter": "verdue",
    },
}
PATIENCE = 60  # seconds
ONE_DELIVERY = 12  # seconds: longer than the period of the job that sends mail


@dataclass(frozen=True)
class Village:
    """The assignment, and the login names of its officer and of the supervisors above."""

    assignment_id: int
    officer: str
    township: str
    county: str


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A real mail server on this machine."""
    with running(Sink()) as found:
        yield found


@pytest.fixture
def product(database: str, sink: Sink, opens: Opens, tmp_path: Path) -> Product:
    """An installation that sends its mail to the sink."""
    return opens(tmp_path / "data", DATABASE_URL=database, ENV="test", SMTP_URL=sink.url)


def build(language: str) -> Village:
    """A village whose task is overdue for one rung and not yet for the next; everybody has a mail address and reads
    this language."""
    tree, now = make.small_tree(), clock.now()
    village, township = tree.villages[0], tree.townships[0]
    people = {
        "officer": tree.holder(village, Role.OFFICER),
        "township": tree.holder(township, Role.SUPERVISOR),
        "county": tree.holder(tree.county, Role.SUPERVISOR),
    }
    always = {"quiet_from": 0, "quiet_until": 0, "on_rest_days": True}  # this story may be told at night
    with unit_of_work():
        for name, person in people.items():
            mine = update(Person).where(Person.id == person.id)
            db.session.execute(mine.values(email=f"{name}@example.org", locale=language, **always))
    due = clock.local_today(now)
    while one_level_up(due) > now:  # whatever day of the week it is, and before nine in the morning too
        due -= timedelta(days=1)
    task = make.task(make.campaign(tree.unit(tree.county)), title=TASK, units=[tree.unit(village)], due_on=due)
    with unit_of_work():
        dispatch(task.id, actor=SYSTEM, now=now)
    assignment_id = db.session.execute(select(Assignment.id)).scalar_one()
    return Village(assignment_id, *(people[name].login for name in ("officer", "township", "county")))


def one_level_up(due: date) -> datetime:
    """When the clock tells one level up of a task that was due on that day."""
    calendar = calendars([EVERYBODYS])[EVERYBODYS]
    return moment_of(DEFAULT.rungs[5], end_of_day(due, clock.zone()), calendar, clock.zone())


def until(what: str, holds: Callable[[], bool]) -> None:
    """Waits for the scheduler to have done something."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"not within {PATIENCE} s: {what}"
        time.sleep(0.3)


def letters(sink: Sink, overdue: str) -> Counter[str]:
    """How many letters that tell of something overdue went to whom."""
    found = [letter for letter in list(sink.letters) if overdue in letter.get_body(("plain",)).get_content()]
    return Counter(letter["To"].addresses[0].username for letter in found)


def told(someone: Someone, say: dict[str, str]) -> tuple[int, int]:
    """How often the person's messages tell of the first and of the second escalation."""
    someone.goes_to(say["messages"])
    links = (someone.page.get_by_role("link", name=say[name], exact=True) for name in ("told", "told again"))
    first, second = (link.count() for link in links)
    return first, second


@pytest.mark.parametrize(("shape", "language"), [("phone", "zh_CN"), ("desk", "en")])
def test_overdue_goes_up(product: Product, sink: Sink, crowd: Crowd, language: str) -> None:
    say = SAYS[language]
    with product.within():
        village = build(language)
    product.start()
    township, county = crowd.enters(village.township, make.PASSWORD), crowd.enters(village.county, make.PASSWORD)
    until("one level up is told by mail", lambda: letters(sink, say["letter"])["township"] > 0)
    assert told(township, say) == (1, 0)
    assert told(county, say) == (0, 0)
    assert letters(sink, say["letter"])["county"] == 0

    product.run("jobs", "run", "escalate", "--at", (datetime.now(UTC) + timedelta(days=20)).isoformat())
    until("two levels up are told by mail", lambda: letters(sink, say["letter"])["county"] > 0)
    assert told(township, say) == (1, 0)
    assert told(county, say) == (0, 1)
    county.press(county.page.get_by_role("link", name=say["told again"], exact=True))
    county.reads(TASK, say["overdue"])

    time.sleep(ONE_DELIVERY)  # whoever told twice would do it now
    assert letters(sink, say["letter"]) == {"township": 1, "county": 1, "officer": 2}
    assert len(set(sink.keys())) == len(sink.keys()), "a letter was sent twice"
    link = f"{product.address}/assignments/{village.assignment_id}"
    assert link in sink.letters[-1].get_body(("plain",)).get_content()
    officer = crowd.enters(village.officer, make.PASSWORD)
    assert told(officer, say) == (1, 1)
    with product.within():
        rungs = list(db.session.scalars(select(Firing.rung).where(Firing.skipped == "").order_by(Firing.rung)))
    assert rungs == [2, 6, 7]  # not signed for and overdue fall on one moment, and both speak
