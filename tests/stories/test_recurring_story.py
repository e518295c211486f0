"""A task of every week: the scheduler opens its period, a standstill loses one and delays another, a person ends it.

The scheduler process runs at first. What would take weeks is one run of `open_periods` for a later instant.
"""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Assignment, Period
from campaign.operations.periods import send
from campaign.rules.dates import DueKind
from campaign.rules.organisation import SYSTEM, Role
from campaign.rules.plans import PeriodState
from campaign.rules.recurrence import WEEKDAYS
from tests import make

from .conftest import Opens
from .people import Crowd
from .product import Product

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TASK = "每周走访情况"
PATIENCE = 120  # seconds: the job comes every minute
SAYS = {
    "zh_CN": {"first": "第1期", "lost": "未下达", "late": "补下达", "next": "接下来各期", "why": "原因",
              "end": "终止周期任务", "periods": "期次情况", "ended": "已终止"},
    "en": {"first": "No. 1", "lost": "Not opened", "late": "Opened late", "next": "The next periods", "why": "Reason",
           "end": "End the series", "periods": "Periods", "ended": "Ended"},
}  # fmt: skip


@pytest.fixture
def product(database: str, opens: Opens, tmp_path: Path) -> Product:
    """An empty installation."""
    return opens(tmp_path / "data", DATABASE_URL=database, ENV="test")


def build() -> tuple[int, str, str]:
    """A task of today's weekday, begun three days ago: its campaign, who dispatches and who reports."""
    tree, now = make.small_tree(), clock.now()
    weekday = WEEKDAYS[clock.local_today(now).weekday()]
    plan = make.campaign(tree.unit(tree.county))
    task = make.task(
        plan, title=TASK, due_kind=DueKind.NONE, due_on=None, window_days=4, rrule=f"FREQ=WEEKLY;BYDAY={weekday}"
    )
    with unit_of_work():
        assert send(task.id, actor=SYSTEM, now=now - timedelta(days=3)).items == 0
    people = tree.holder(tree.county, Role.DISPATCHER), tree.holder(tree.villages[0], Role.OFFICER)
    return plan.id, people[0].login, people[1].login


def opened(product: Product) -> list[tuple[int, PeriodState]]:
    """The periods that there are."""
    with product.within():
        return [tuple(row) for row in db.session.execute(select(Period.number, Period.state).order_by(Period.number))]


@pytest.mark.parametrize(("shape", "language"), [("phone", "zh_CN"), ("desk", "en")])
def test_a_series_goes_on_by_itself(product: Product, crowd: Crowd, language: str) -> None:
    say = SAYS[language]
    with product.within():
        campaign_id, dispatcher, officer = build()
    product.start()
    end = time.monotonic() + PATIENCE
    while not opened(product):
        assert time.monotonic() < end, "the scheduler has not opened the first period"
        time.sleep(1)
    village = crowd.enters(officer, make.PASSWORD)
    village.reads(TASK, say["first"])

    product.kill("clock")
    later = (datetime.now(UTC) + timedelta(days=16)).isoformat()
    product.run("jobs", "run", "open_periods", "--at", later)
    states = [PeriodState.OPENED, PeriodState.MISSED, PeriodState.LATE]
    assert opened(product) == list(enumerate(states, 1))
    with product.within():
        assert len(db.session.scalars(select(Assignment.id)).all()) == 12

    county = crowd.enters(dispatcher, make.PASSWORD)
    county.open(f"/campaigns/{campaign_id}")
    county.press(county.link(f"{say['periods']} {TASK}"))
    county.reads(TASK, say["lost"], say["late"], say["next"])
    county.page.get_by_label(say["why"], exact=True).fill("改按月报送")
    county.press(county.button(say["end"]))
    county.reads(say["ended"], "改按月报送")
    product.run("jobs", "run", "open_periods", "--at", (datetime.now(UTC) + timedelta(days=40)).isoformat())
    assert len(opened(product)) == 3
