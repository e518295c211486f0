"""The metrics of a campaign: targets, actuals, splits and distances level by level, and out as a table."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from campaign import clock
from campaign.db import unit_of_work
from campaign.models import Assignment, Event, Register
from campaign.operations.folding import fold
from campaign.operations.milestones import bring_milestones
from campaign.rules.metrics import Aggregation, MetricKind
from campaign.rules.organisation import Line, Role
from campaign.rules.targets import Quota
from campaign.web import board_metrics
from tests import make

from .boards import cost, sign_in, trained


@pytest.fixture
def work(app, monkeypatch, now, client):
    """What `trained` makes, seen by the dispatcher who issued it."""
    monkeypatch.setattr(clock, "now", lambda: now)
    tree = trained(now)
    sign_in(client, tree.holder(tree.county, Role.DISPATCHER), now)
    return tree


def rows_of(client, address: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(client.get(address).get_data().decode("utf-8-sig"))))


def test_all_metrics_stand_with_their_distance_and_lead_to_their_own_pages(work, visitor, client):
    where = f"/campaigns/{work.campaign.id}/board/figures"
    page = visitor.get(f"/campaigns/{work.campaign.id}/board").click("Metrics")
    assert page.has("培训人次", "35.0%", "130 人次 to go", "46.7%", "70/150", "milestone 70.0%", "43.3 points to go")
    assert page.has("Below the milestone 1", "On the way 1", "Without a target 1", "<b>做法</b>", "no target set")
    assert not page.click("Below the milestone 1").has("培训人次")
    assert [row["Metric"] for row in rows_of(client, f"{where}.csv?stand=behind")] == ["覆盖率"]
    metric = page.click("培训人次")
    assert metric.links["Back to the figures"] == where


def test_the_plan_shows_every_figure_with_its_quota_and_milestones(work, visitor, client):
    """And a quota for each person is no target for all of them together."""
    with unit_of_work() as session:
        session.add(register := Register(unit_id=work.unit(work.county).id, name="妇联干部花名册"))
    person = {"quota": Quota.PER_PERSON, "register_id": register.id, "aggregation": Aggregation.SUM}
    helped = make.metric(work.task, target=1, name="帮扶人数", **person)
    make.metric(work.task, target=2, name="走访次数", quota=Quota.PER_UNIT, aggregation=Aggregation.SUM)
    page = visitor.get(f"/campaigns/{work.campaign.id}")
    assert page.has("and 2 more", "帮扶人数", "each person of “妇联干部花名册”", "走访次数", "each unit", "milestones:")
    rows = rows_of(client, f"/campaigns/{work.campaign.id}/board/figures.csv")
    assert {row["Metric"]: row["Target"] for row in rows}[helped.name] == ""


def test_how_many_units_reach_what_they_must_by_now_is_told(work, visitor, client, now):
    """Of three approved rates (80, 50 and 10 per cent) one reaches the milestone of 70, and none the end."""
    assert visitor.get(f"/metrics/{work.rate.id}").has("0 of them reach the milestone in force")
    with unit_of_work():
        bring_milestones(now=now)
    assert visitor.get(f"/metrics/{work.rate.id}").has("1 of them reach the milestone in force")
    assert visitor.get(f"/metrics/{work.sum.id}").has("1 of them reach their own target")


def test_the_tree_shows_targets_splits_and_actuals_that_add_up(work, visitor, client):
    page = visitor.get(f"/metrics/{work.sum.id}")
    assert page.has("Given to units below 180", "Held back 12", "Not given out yet 8", "70", "35.0%", "in review 30")
    assert page.click("Who split what, and when").has("培训人次")
    town = page.click("柳林镇")
    assert town.has("72.2%", "25 人次 to go", "reached", "柳林西村")
    assert town.links["清河县"] == f"/metrics/{work.sum.id}?area={work.county.id}"
    rows = rows_of(client, f"/metrics/{work.sum.id}.csv")
    assert [row["Area"] for row in rows] == ["清河县", "柳林镇", "石桥乡"]
    assert [row["Target (人次)"] for row in rows] == ["200", "90", "90"]
    assert [row["Approved (人次)"] for row in rows] == ["70", "65", "5"]
    assert [row["Gap (人次)"] for row in rows] == ["8", "", ""]
    assert [row["Of the target"] for row in rows] == ["35.0%", "72.2%", "5.6%"]
    furthest = rows_of(client, f"/metrics/{work.sum.id}.csv?sort=distance&area={work.townships[0].id}")
    assert [row["Area"] for row in furthest] == ["柳林镇", "柳林新村", "柳林西村", "柳林东村"]
    rate = rows_of(client, f"/metrics/{work.rate.id}.csv")
    assert [rate[0][name] for name in ("Numerator", "Denominator", "Approved (%)")] == ["70", "150", "46.7%"]
    for metric in (work.rate, work.words):
        assert visitor.get(f"/metrics/{metric.id}?line=women&area={work.villages[0].id}").has("柳林东村")


def test_outside_the_scope_there_is_no_metric_and_pages_cost_few_statements(work, visitor, client, now):
    board = f"/campaigns/{work.campaign.id}/board"
    for page in (
        f"/metrics/{work.sum.id}",
        f"/metrics/{work.sum.id}/comparison",
        f"{board}/figures",
        f"{board}/slowest",
    ):
        for area in ("", f"?area={work.townships[0].id}", f"?area={work.villages[0].id}"):
            assert cost(lambda page=page, area=area: client.get(page + area)) <= 8
    assert client.get(f"/metrics/{work.sum.id}?area={work.city.id}").status_code == 404
    sign_in(client, work.holder(work.county, Role.DISPATCHER, Line.UNION), now, "zh_CN")
    assert client.get(f"/metrics/{work.sum.id}").status_code == 404
    sign_in(client, work.holder(work.townships[1], Role.SUPERVISOR), now, "zh_CN")
    assert visitor.get(f"/metrics/{work.sum.id}").has("石桥乡", "离目标的差距", "还差 85 人次")


def test_units_are_compared_only_with_a_ground_and_only_where_it_is_fair(work, visitor, client, now):
    """Off; a dispatcher writes why; equal shares one place, thin coverage none; off again. Others cannot switch."""
    off = visitor.get(f"/metrics/{work.sum.id}/comparison")
    assert off.has("Units are not compared", "To the switch")
    switch = off.click("To the switch")
    assert switch.submit("Switch on", status=422, ground="要").has("Please name the ground in 10 to 1000 characters.")
    on = switch.submit("Switch on", ground="市委办〔2026〕3号文件第五条要求通报进度")
    assert on.has("Units are compared in this campaign", "第五条要求通报进度")
    town = visitor.get(f"/metrics/{work.sum.id}").click("柳林镇").click("Compare units")
    assert town.has("1 柳林东村 133.3% of its target", "2 柳林西村 83.3% of its target", "Without a place", "柳林新村")
    rows = rows_of(client, f"/metrics/{work.sum.id}/comparison.csv?area={work.townships[0].id}")
    assert [(row["Place"], row["Area"]) for row in rows] == [("1", "柳林东村"), ("2", "柳林西村"), ("", "柳林新村")]
    assert visitor.get(f"/metrics/{work.words.id}/comparison").has("This metric is not compared")
    tags = select(Event.tag, Event.reason).where(Event.tag.like("campaign:comparison%")).order_by(Event.id)
    assert on.submit("Switch the comparison off").has("Units are not compared")
    with unit_of_work() as session:
        assert [tag for tag, _reason in session.execute(tags)] == [
            "campaign:comparison:allow", "campaign:comparison:stop",
        ]  # fmt: skip
    sign_in(client, work.holder(work.townships[0], Role.SUPERVISOR), now)
    seen = visitor.get(f"/campaigns/{work.campaign.id}/comparison")
    assert seen.has("A dispatcher of the issuing unit can switch this.")
    assert not seen.has("Switch on")


def test_units_are_named_that_have_nothing_approved_or_not_enough(work, visitor, client, now):
    """Of six villages one reaches its 30, two are approved with less, one waits, one was returned, one is silent. The
    rate has a milestone of 70; the words ask for nothing that could be reached. Before the fold and after it."""
    linked = visitor.get(f"/campaigns/{work.campaign.id}/board/figures").click("Who is missing, by name")
    assert linked.has("Nothing is set that each unit must reach by itself.", "Nothing approved 6")
    for _folded in range(2):
        assert visitor.get(f"/metrics/{work.sum.id}").click("Who is missing, by name").has("Units that are missing")
        page = visitor.get(f"/metrics/{work.sum.id}/units?area={work.county.id}")
        assert page.has("6 units were asked. Approved figures: 3; reaching what is due by now: 1.")
        assert page.has("Does not meet yet 5", "Nothing approved 3", "Approved, but not enough 2", "5 人次 to go")
        where = f"/metrics/{work.sum.id}/units.csv"
        rows = rows_of(client, where)
        told = [
            (row["Unit"][:4], row["Still lacking"], row["Last reported (人次)"], row["Distance (人次)"]) for row in rows
        ]
        assert told == [
            ("柳林西村", "Approved, but not enough", "25", "5"), ("柳林新村", "In review", "30", "0"),
            ("石桥东村", "Returned", "10", "20"), ("石桥西村", "Nothing reported", "", ""),
            ("石桥新村", "Approved, but not enough", "5", "25"),
        ]  # fmt: skip
        assert [row["Unit"][:4] for row in rows_of(client, f"{where}?stand=nothing&area={work.townships[1].id}")] == [
            "石桥东村", "石桥西村",
        ]  # fmt: skip
        assert len(rows_of(client, f"{where}?stand=below")) == 2
        rate = visitor.get(f"/metrics/{work.rate.id}/units?stand=below")
        assert rate.has("70.0%", "10.0%", "60.0 points to go")
        assert cost(lambda: client.get(f"/metrics/{work.sum.id}/units")) <= 8
        with unit_of_work():
            while fold(now=now):
                pass
    reached = visitor.get(f"/metrics/{work.sum.id}/units?area={work.villages[0].id}")
    assert reached.has("Nobody is missing here", "Every unit of 柳林东村 that was asked reaches what it must by now.")
    assert page.click("柳林西村妇联").path.startswith("/assignments/")
    for address in (f"/metrics/{work.sum.id}/units?area={work.city.id}", f"/metrics/{work.sum.id}/units?line=union"):
        assert client.get(address).status_code == 404


def test_figures_stand_as_of_the_end_of_a_day_that_is_over(work, visitor, client, monkeypatch, now):
    """By the log, which knows of no report here, though all moved since: on the day of the dispatch nothing had come
    yet, the day before nothing was asked. A day that is not over, or is none, shows the figures of today."""
    later = now + timedelta(hours=30)
    monkeypatch.setattr(clock, "now", lambda: later)
    with unit_of_work() as session:
        session.execute(update(Assignment).values(since=later))
    sign_in(client, work.holder(work.county, Role.DISPATCHER), later)
    where = f"/campaigns/{work.campaign.id}/board/figures"
    then = visitor.get(where).submit("Show", on="2026-11-20")
    assert then.has("As of the end of Fri 20 Nov", "approved 0", "missing 6")
    assert not then.has("Who is missing, by name")
    assert then.click("To the figures of today").has("approved 3", "missing 1")
    rows = rows_of(client, f"{where}.csv?on=2026-11-20")
    assert {(row["As of the end of"], row["Missing, units"]) for row in rows} == {("2026-11-20", "6")}
    assert visitor.get(f"{where}?on=2026-11-19").has("Nothing had been asked of 清河县 by then.")
    for wrong in ("2026-11-21", "2099-01-01", "0001-01-01", "x"):
        assert visitor.get(f"{where}?on={wrong}").has("approved 3"), wrong
    assert cost(lambda: client.get(f"{where}?on=2026-11-20")) <= 7
    monkeypatch.setattr(board_metrics, "MOST_ANEW", 0)  # its milestone is another one now: too wide an area for a page
    wide = visitor.get(f"{where}?on=2026-11-20")
    assert wide.has("approved 3", "Targets or milestones have changed since Fri 20 Nov, so for 清河县 everything must")
    assert wide.links["Make the file of that day"].endswith("figures.xlsx?on=2026-11-20")
    assert {row["Missing, units"] for row in rows_of(client, f"{where}.csv?on=2026-11-20")} == {"6"}


def test_a_small_amount_in_a_large_unit_is_rounded_on_the_page_and_exact_beside_it(work, visitor, client, now):
    loans = {"money_places": 8, "aggregation": Aggregation.SUM, "name": "贷款"}
    metric = make.metric(work.task, MetricKind.AMOUNT, Decimal("3073749.39"), **loans)
    sign_in(client, work.holder(work.county, Role.DISPATCHER), now, "zh_CN")
    for page in (f"/metrics/{metric.id}", f"/campaigns/{work.campaign.id}/board/figures"):
        shown = visitor.get(page)
        assert shown.has("≈0.0307") and 'title="0.0307374939 亿元"' in shown.html
    assert rows_of(client, f"/metrics/{metric.id}.csv")[0]["目标 (亿元)"] == "0.0307374939"
    assert visitor.get(f"/campaigns/{work.campaign.id}").has("3,073,749.39 元")
