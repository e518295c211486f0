"""The checks of a plan: each field has its sentence, and what is allowed passes."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from campaign.rules.dates import DueKind
from campaign.rules.metrics import Aggregation, Comparator, MetricKind, OverTime
from campaign.rules.organisation import Level, Line
from campaign.rules.planned import Recurring
from campaign.rules.planning import (
    MOST_TASKS,
    CampaignPlan,
    EvidencePlan,
    IssuerFacts,
    MetricPlan,
    PhasePlan,
    TaskPlan,
    UnitRef,
    check_campaign,
    check_plan,
    check_task,
    warn_plan,
    warn_task,
)
from campaign.rules.plans import EvidenceKind, Grade

TASK = TaskPlan(title="企业建会", lines=(Line.UNION,), receiving_level=Level.VILLAGE)
PLAN = CampaignPlan(title="集中建会行动", issuing_unit=UnitRef(name="清河县党委"), tasks=(TASK,))
COUNTY_PARTY = IssuerFacts(Level.COUNTY, frozenset({Line.PARTY}))
COUNTY_WOMEN = IssuerFacts(Level.COUNTY, frozenset({Line.WOMEN}))


def fields(problems) -> list[str]:
    return [problem.where for problem in problems]


def test_a_plain_plan_holds():
    assert check_plan(PLAN, COUNTY_PARTY) == []


def test_a_task_without_any_number_is_normal():
    assert check_task(TASK) == []


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"title": " "}, "title"),
        ({"title": "长" * 201}, "title"),
        ({"number": "9" * 81}, "number"),
        ({"starts_on": date(2026, 2, 1), "ends_on": date(2026, 1, 1)}, "ends_on"),
        ({"starts_on": date(2206, 2, 1)}, "starts_on"),
        ({"issuing_unit": UnitRef()}, "issuing_unit"),
        ({"co_issuers": (UnitRef(name="清河县党委"),)}, "co_issuers.0"),
        ({"phases": (PhasePlan("一"), PhasePlan(""))}, "phases.1.name"),
        ({"phases": (PhasePlan("一", date(2026, 2, 2), date(2026, 2, 1)),)}, "phases.0.ends_on"),
        ({"phases": (PhasePlan("一"),) * 31}, "phases"),
    ],
)
def test_the_head_names_the_wrong_field(change, where):
    assert fields(check_campaign(replace(PLAN, **change))) == [where]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"title": ""}, "title"),
        ({"lines": ()}, "lines"),
        ({"receiving_level": None}, "receiving_level"),
        ({"units": (UnitRef(id=1),)}, "receiving_level"),
        ({"receiving_level": None, "units": (UnitRef(id=1), UnitRef(id=1))}, "units"),
        ({"due_kind": DueKind.FIXED}, "due.on"),
        ({"due_kind": DueKind.FIXED, "due_on": date(202, 1, 1)}, "due.on"),
        ({"due_kind": DueKind.RELATIVE}, "due.days"),
        ({"due_kind": DueKind.RELATIVE, "due_days": 0}, "due.days"),
        ({"respond_days": -1}, "respond_days"),
        ({"grace_days": 3}, "grace_days"),
        ({"min_characters": 5000}, "min_characters"),
        ({"evidence": (EvidencePlan(""),)}, "evidence.0.name"),
        ({"evidence": (EvidencePlan("照片", EvidenceKind.PHOTO),)}, "evidence.0.ground"),
        ({"evidence": (EvidencePlan("名单", min_count=51),)}, "evidence.0.min"),
        ({"metrics": (MetricPlan("人数"), MetricPlan("人数"))}, "metrics.1.name"),
    ],
)
def test_a_task_names_the_wrong_field(change, where):
    assert fields(check_task(replace(TASK, **change))) == [where]


@pytest.mark.parametrize(
    ("metric", "where"),
    [
        (MetricPlan(""), "name"),
        (MetricPlan("率", MetricKind.RATE, denominator="企业"), "numerator"),
        (MetricPlan("率", MetricKind.RATE, numerator="已建会"), "denominator"),
        (MetricPlan("数", numerator="已建会"), "numerator"),
        (MetricPlan("数", target=Decimal(5)), "comparator"),
        (MetricPlan("数", target=Decimal("5.5"), comparator=Comparator.AT_LEAST), "target"),
        (MetricPlan("数", target=Decimal(-1), comparator=Comparator.AT_LEAST), "target"),
        (MetricPlan("数", target=Decimal(10) ** 15, comparator=Comparator.AT_LEAST), "target"),
        (MetricPlan("款", MetricKind.AMOUNT, target=Decimal("0.001"), comparator=Comparator.AT_LEAST), "target"),
        (MetricPlan("是否", MetricKind.BOOLEAN, target=Decimal(2), comparator=Comparator.EQUAL), "target"),
        (MetricPlan("话", MetricKind.TEXT, target=Decimal(2), comparator=Comparator.EQUAL), "target"),
        (MetricPlan("话", MetricKind.TEXT, aggregation=Aggregation.SUM), "aggregation"),
        (MetricPlan("是否", MetricKind.BOOLEAN, over_time=OverTime.SUM), "over_time"),
        (MetricPlan("数", unit="很" * 21), "unit"),
    ],
)
def test_a_metric_names_the_wrong_field(metric, where):
    assert fields(check_task(replace(TASK, metrics=(metric,)))) == [f"metrics.0.{where}"]


def test_a_rate_is_at_most_a_hundred_percent():
    rate = MetricPlan("率", MetricKind.RATE, "%", Decimal(101), Comparator.AT_LEAST, numerator="已", denominator="全")
    assert fields(check_task(replace(TASK, metrics=(rate,)))) == ["metrics.0.target"]
    assert check_task(replace(TASK, metrics=(replace(rate, target=Decimal("62.5")),))) == []


def test_work_goes_down_not_up():
    up = replace(TASK, receiving_level=Level.COUNTY)
    assert fields(check_task(up, COUNTY_PARTY)) == ["receiving_level"]


def test_only_a_party_unit_asks_other_lines():
    assert fields(check_task(TASK, COUNTY_WOMEN)) == ["lines"]
    assert check_task(replace(TASK, lines=(Line.WOMEN,)), COUNTY_WOMEN) == []


@pytest.mark.parametrize("level", [Level.CITY, Level.VILLAGE, Level.ORGANISATION])
def test_reviewers_stand_between_receiver_and_issuer(level):
    assert fields(check_task(replace(TASK, review_levels=(level,)), COUNTY_PARTY)) == ["review_levels"]


def test_a_whole_plan_says_which_task():
    plan = replace(PLAN, tasks=(replace(TASK, key="a"), replace(TASK, key="a", title="")))
    assert fields(check_plan(plan)) == ["tasks.1.title", "tasks.1.key"]


def test_there_is_an_end_to_tasks():
    assert fields(check_plan(replace(PLAN, tasks=(TASK,) * (MOST_TASKS + 1)))) == ["tasks"]


def test_what_is_allowed_but_odd_is_a_warning():
    late = replace(TASK, due_kind=DueKind.FIXED, due_on=date(2026, 12, 31))
    assert fields(warn_task(late, date(2026, 1, 1), date(2026, 6, 30))) == ["due.on"]
    assert fields(warn_task(late, date(2027, 1, 1), None)) == ["due.on"]
    assert fields(warn_task(TASK, None, None)) == ["due.kind"]
    assert warn_task(replace(TASK, grade=Grade.BEST_EFFORT), None, None) == []
    assert fields(warn_plan(replace(PLAN, tasks=()))) == ["tasks"]
    assert fields(warn_plan(PLAN)) == ["tasks.0.due.kind"]


def test_a_recurring_task_is_dated_by_its_window_and_must_come_round_in_time():
    monthly = {"rrule": "FREQ=MONTHLY;BYMONTHDAY=14", "repeats_from": date(2026, 11, 20)}
    dated = TaskPlan(recurring=Recurring(**monthly, window_days=5))
    open_ended = TaskPlan(recurring=Recurring(**monthly))
    assert warn_task(dated, None, date(2026, 12, 31)) == []
    assert [problem.where for problem in warn_task(dated, None, date(2026, 12, 1))] == ["recurs.rule"]
    assert [problem.where for problem in warn_task(open_ended, None, None)] == ["due.kind"]
