"""What the pages of boards, metrics and units ask in their worst cases, counted with the session's own."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from campaign import clock
from campaign.db import unit_of_work
from campaign.models import (
    Baseline,
    Batch,
    Campaign,
    Joint,
    Metric,
    Milestone,
    Period,
    Placement,
    Register,
    Submission,
)
from campaign.rules.metrics import Aggregation, OverTime
from campaign.rules.organisation import Line, Role
from campaign.rules.plans import PeriodState
from campaign.rules.states import State
from campaign.rules.targets import Compares, Quota
from tests import make

from .boards import cost, sign_in, trained

MOST = 7  # once a minute the session notes besides that it is used: eight
LATER = timedelta(days=400)


@pytest.fixture
def work(app, monkeypatch, now, client):
    """A campaign in which all that costs a page another statement meets: baselines, last year told up to a day and as a
    whole, a turn of a year ago, quotas for each person, milestones, joint activities, a moved village, and much that is
    not yet folded. It is looked at more than a year later."""
    tree = trained(now)
    former = make.task(make.campaign(tree.unit(tree.county), title="去年"), title="去年培训")
    last = make.metric(former, target=100, aggregation=Aggregation.SUM, name="培训人次")
    started = make.task(tree.campaign, title="当年才开始")
    new = make.metric(started, aggregation=Aggregation.SUM, name="新指标")
    for village in tree.villages[:3]:
        make.assignment(former, tree.unit(village), State.APPROVED)
    lately = make.assignment(started, tree.unit(tree.villages[0]), State.APPROVED)
    summed = {"aggregation": Aggregation.SUM, "target": 9}
    with unit_of_work() as session:
        session.add(register := Register(unit_id=tree.unit(tree.county).id, name="妇联干部花名册"))
    tree.of_people = make.metric(
        tree.task, name="帮扶人数", quota=Quota.PER_PERSON, register_id=register.id, compares=Compares.BASELINE,
        **summed,
    )  # fmt: skip
    make.metric(tree.task, name="走访次数", quota=Quota.PER_UNIT, **summed)
    compared = {"compares": Compares.LAST_YEAR}
    tree.known = make.metric(tree.task, name="同比", former_metric_id=last.id, **compared, **summed)
    tree.unknown = make.metric(tree.task, name="同比全年", former_metric_id=new.id, **compared, **summed)
    recurring = make.task(tree.campaign, title="月报", rrule="FREQ=MONTHLY;BYMONTHDAY=5")
    tree.monthly = make.metric(recurring, name="月度", over_time=OverTime.LATEST, **compared, **summed)
    for village in tree.villages[:2]:
        for turn in (1, 2):
            make.assignment(recurring, tree.unit(village), State.APPROVED, period=turn)
    with unit_of_work() as session:
        when = make.TODAY + LATER
        for turn, day in ((1, date(when.year - 1, when.month, when.day)), (2, when)):
            session.add(Period(task_id=recurring.id, number=turn, opens_on=day, state=PeriodState.OPENED, at=now))
        session.execute(update(Batch).where(Batch.id == lately.batch_id).values(dispatched_at=now + LATER))
        for metric in (tree.sum, tree.of_people):
            for village in tree.villages:
                row = {"metric_id": metric.id, "unit_id": tree.unit(village).id, "at": now, "source": "2025"}
                session.add(Baseline(**row, number=Decimal(5)))
        for number, metric in enumerate((tree.sum, tree.known, tree.monthly)):
            session.add(Milestone(metric_id=metric.id, due_on=make.TODAY + timedelta(number), target=Decimal(7)))
        session.execute(update(Metric).where(Metric.id == tree.sum.id).values(compares=Compares.BASELINE))
        done = session.scalar(select(Submission.id).order_by(Submission.id).limit(1))
        partner = tree.unit(tree.villages[0], Line.UNION).id
        session.add(Joint(submission_id=done, metric_id=tree.sum.id, partner_unit_id=partner, number=Decimal(3)))
        session.add(Placement(area_id=tree.villages[5].id, until=now + LATER, parent_id=tree.townships[0].id))
        ground = {"compared_ground": "市委办〔2026〕3号文件第五条", "issued_at": now}
        session.execute(update(Campaign).where(Campaign.id == tree.campaign.id).values(**ground))
    monkeypatch.setattr(clock, "now", lambda: now + LATER)
    sign_in(client, tree.holder(tree.county, Role.DISPATCHER), now + LATER)
    return tree


def addresses(tree) -> list[str]:
    town, village = tree.townships[0].id, tree.villages[0].id
    board, narrow = f"/campaigns/{tree.campaign.id}/board", f"?area={town}&line=women"
    day = make.TODAY.isoformat()
    lights = ["", narrow, "?q=村&line=women&days=90", f"?sort={tree.task.id}&light=overdue", "?before=9"]
    figures = ["", narrow, f"?area={village}", f"?area={town}&on={day}", f"?on={day}&stand=open&line=women"]
    pages = [(board, lights), (f"{board}/figures", figures), (f"{board}/slowest", ["", narrow])]
    for metric in (tree.sum, tree.of_people, tree.known, tree.unknown, tree.monthly):
        pages.append((f"/metrics/{metric.id}", ["", "?sort=distance", f"{narrow}&period=2"]))
    here = f"/metrics/{tree.unknown.id}"
    pages += [(f"{here}/units", ["", f"?area={village}&stand=nothing"]), (f"{here}/comparison", [narrow])]
    units = [tree.unit(place).id for place in (tree.county, tree.villages[0])]
    found = [f"{page}{each}" for page, asked in pages for each in asked]
    found += [f"{page}.csv{asked[-1]}" for page, asked in pages]
    return [*found, *(f"/units/{id}{rest}" for id in units for rest in ("?show=all", "/metrics.csv"))]


def test_no_page_of_figures_asks_more_than_eight_statements(work, client):
    counts = {}
    for address in addresses(work):
        answers = []
        counts[address] = cost(lambda address=address, answers=answers: answers.append(client.get(address)))
        assert answers[0].status_code == 200, address
    assert {address: n for address, n in counts.items() if n > MOST} == {}
