"""Figures that hold: a target is handed down and corrected in the browser, and every figure that a board exports is
what an independent sum over the submissions gives, at every level of the tree.

The demonstration's people have reported for weeks: with returns and corrections, a reopened and a cancelled assignment,
one that does not apply, splits at three levels, periods. The sums here share nothing with the product but its tables.
"""

import csv
import io
from collections import defaultdict
from decimal import Decimal

import pytest
from sqlalchemy import text

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.demo.load import UNDISPATCHED
from campaign.operations.issuing import dispatch
from campaign.rules.metrics import Aggregation, MetricKind, OverTime
from campaign.rules.organisation import SYSTEM, Line, Role
from campaign.rules.states import State

from .people import Crowd, who_is
from .product import Product

pytestmark = [pytest.mark.browser, pytest.mark.slow]

COUNTY, TOWN = "990101000000", "990101001000"
COUNTS = ("已通过（单位数）", "待审核（单位数）", "退回（单位数）", "未报（单位数）")
STANDS = {State.APPROVED: 0, State.SUBMITTED: 1, State.RETURNED: 2}
MISSING = 3
LATEST = """
    SELECT a.id, a.state, a.period, a.task_id, u.area_id, v.metric_id, v.number, v.numerator, v.denominator,
           EXISTS (SELECT 1 FROM assignment c WHERE c.parent_id = a.id) AS split
    FROM assignment a JOIN unit u ON u.id = a.unit_id
    LEFT JOIN submission s ON s.assignment_id = a.id
         AND s.number = (SELECT max(number) FROM submission n WHERE n.assignment_id = a.id)
    LEFT JOIN metric_value v ON v.submission_id = s.id
"""


class Sums:
    """What is approved and waits of one metric in one area, and how many units stand how."""

    def __init__(self) -> None:
        self.counts = [0, 0, 0, 0]
        self.parts: dict[int, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)

    def told(self, kind: MetricKind, at: int, places: int) -> Decimal | None:
        """The figure as a page tells it, None where there is none."""
        number, numerator, denominator = self.parts[at]
        if kind is MetricKind.RATE:
            return numerator / denominator * 100 if denominator else None
        return number.scaleb(-4 - (places if kind is MetricKind.AMOUNT else 0))


def added_up() -> tuple[dict[tuple[int, int], Sums], dict[int, tuple[str, str, MetricKind, int]]]:
    """By metric and area what every unit in it reported; and per metric its task, name, kind and money places."""
    ask = db.session.execute
    parent = dict(ask(text("SELECT id, parent_id FROM area")).tuples().all())
    metrics = ask(
        text("SELECT m.id, m.task_id, t.title, m.name, m.kind, m.money_places, m.aggregation, m.over_time FROM metric m"
             " JOIN task t ON t.id = m.task_id")
    ).all()  # fmt: skip
    rows = ask(text(LATEST)).all()
    values = {(row.id, row.metric_id): row for row in rows if row.metric_id}
    last = {task: max(row.period for row in rows if row.task_id == task) for task in {row.task_id for row in rows}}
    found: dict[tuple[int, int], Sums] = defaultdict(Sums)
    for metric in metrics:
        adds = Aggregation(metric.aggregation) in (Aggregation.SUM, Aggregation.RATIO)
        for row in {row.id: row for row in rows if row.task_id == metric.task_id}.values():
            latest_only = OverTime(metric.over_time) is OverTime.LATEST
            gone = State(row.state) in (State.CANCELLED, State.NOT_APPLICABLE)
            if gone or (row.split and not adds) or (latest_only and row.period != last[row.task_id]):
                continue
            value = values.get((row.id, metric.id))
            stands = STANDS.get(State(row.state), MISSING) if value else MISSING
            area = row.area_id
            while area is not None:
                sums = found[metric.id, area]
                sums.counts[stands] += 1
                if value and stands != MISSING:
                    told = [Decimal(part or 0) for part in (value.number, value.numerator, value.denominator)]
                    sums.parts[stands] = [a + b for a, b in zip(sums.parts[stands], told, strict=True)]
                area = parent[area]
    return found, {m.id: (m.title, m.name, MetricKind(m.kind), m.money_places) for m in metrics}


def compare(product: Product, crowd: Crowd, *keys: str) -> int:
    """Every figure of every campaign, or of these, at the city, each county and town, and in the villages of one town;
    how many were compared."""
    with product.within():
        expected, metrics = added_up()
        adding = set(
            db.session.execute(
                text("SELECT id FROM metric WHERE aggregation <> :l"), {"l": int(Aggregation.LATEST)}
            ).scalars()
        )
        ids = {(title, name): id for id, (title, name, _kind, _places) in metrics.items()}
        near = text("SELECT id FROM area WHERE level < 5 OR code LIKE :near")
        areas = db.session.execute(near, {"near": f"{TOWN[:9]}%"}).scalars().all()
        every = db.session.execute(text("SELECT id, key FROM campaign")).tuples().all()
        campaigns = [id for id, key in every if not keys or key in keys]
    auditor, compared, wrong = crowd.enters("zouqiuju"), 0, []
    for campaign in campaigns:
        for area in areas:
            answer = auditor.page.request.get(f"/campaigns/{campaign}/board/figures.csv?area={area}")
            for row in csv.DictReader(io.StringIO(answer.text().removeprefix("\ufeff"))):
                id = ids[row["任务"], row["指标"]]
                kind, places = metrics[id][2], metrics[id][3]
                sums = expected.get((id, area), Sums())
                if [int(row[name]) for name in COUNTS] != sums.counts:
                    wrong.append((campaign, area, row["指标"], [row[name] for name in COUNTS], sums.counts))
                if kind is not MetricKind.TEXT and id in adding:
                    told = sums.told(kind, 0, places)
                    shown = Decimal(row["已通过"]) if row["已通过"] else None
                    compared += 1
                    if told != shown and (told is None or shown is None or abs(told - shown) > Decimal("0.006")):
                        wrong.append((campaign, area, row["指标"], shown, told))
    assert not wrong, wrong[:20]
    return compared


@pytest.mark.parametrize(("shape", "language"), [("desk", "zh_CN")])
def test_every_figure_is_the_sum_of_what_was_reported(product: Product, crowd: Crowd) -> None:
    with product.within(), unit_of_work():
        find = text("SELECT t.id FROM task t WHERE t.key = :key")
        rates = db.session.execute(find, {"key": UNDISPATCHED}).scalar_one()
        dispatch(rates, actor=SYSTEM, now=clock.now())
        mine = text(
            "SELECT a.id FROM assignment a JOIN task t ON t.id = a.task_id JOIN unit u ON u.id = a.unit_id"
            " JOIN area r ON r.id = u.area_id WHERE t.key = :key AND r.code = :code AND u.line = :line"
        )
        of_town = db.session.execute(mine, {"key": UNDISPATCHED, "code": TOWN, "line": int(Line.UNION)}).scalar_one()
        handed = text(
            "SELECT a.id, u.line FROM assignment a JOIN allocation l ON l.parent_id = a.id"
            " JOIN unit u ON u.id = a.unit_id JOIN area r ON r.id = u.area_id"
            " WHERE r.code = :code AND a.state < 5 AND a.suspended_at IS NULL ORDER BY a.id LIMIT 1"
        )
        of_county, line = db.session.execute(handed, {"code": COUNTY}).one()
        town, county = who_is(Role.DISPATCHER, TOWN, Line.UNION), who_is(Role.DISPATCHER, COUNTY, Line(line))
    product.start()
    assert compare(product, crowd) > 500

    head = crowd.enters(town)  # a rate goes down as the same rate, to every village
    head.open(f"/assignments/{of_town}/split")
    head.press(head.page.locator("main button.btn[value=check]"))
    head.press(head.page.locator("main button[value=confirm]"))
    head.reads("90.0%", "同率下达")

    head = crowd.enters(county)  # gave out more than it was given; takes it back, with a reason
    head.open(f"/assignments/{of_county}/split")
    head.press(head.page.locator("main button[value=fill-even]"))
    head.page.locator("[name=reason]").fill("按本县任务数分解，不再加码。")
    head.press(head.page.locator("main button.btn[value=check]"))
    head.press(head.page.locator("main button[value=confirm]"))
    assert compare(product, crowd, "C000", "C004") > 200
