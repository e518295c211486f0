"""`recurs` of a plan file: rhythms by name, rules, and every mistake at its line."""

from datetime import date

import pytest

from campaign.documents.plans import read_plan_bytes
from campaign.errors import Invalid
from campaign.rules.planned import Recurring

PLAN = """\
title: 常态化活动
issuing_unit: 清河县妇联
tasks:
  - title: 每月报送
    lines: [妇联]
    receiving_level: 村
    grace_days: 3
    recurs: %s
"""

READ = [
    ("{rhythm: monthly, day: 14, window_days: 10}", Recurring("FREQ=MONTHLY;BYMONTHDAY=14", None, 10)),
    ("{rhythm: 每月, day: last, window_days: 0}",
     Recurring("FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1", None, 0)),
    ("{rhythm: weekly, weekday: 周二, window_days: 4}", Recurring("FREQ=WEEKLY;BYDAY=TU", None, 4)),
    ("{rhythm: two_monthly, day: 1, from: 2026-11-01, window_days: 9, rotates: true}",
     Recurring("FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=1", date(2026, 11, 1), 9, True)),
    ("{rhythm: 每季度, day: 20, month: 1, window_days: 9}",
     Recurring("FREQ=MONTHLY;BYMONTH=1,4,7,10;BYMONTHDAY=20", None, 9)),
    ("{rhythm: half_yearly, day: 最后一天, window_days: 9}",
     Recurring("FREQ=MONTHLY;BYMONTH=6,12;BYMONTHDAY=28,29,30,31;BYSETPOS=-1", None, 9)),
    ("{rhythm: 年底, day: 1, window_days: 20}", Recurring("FREQ=MONTHLY;BYMONTH=12;BYMONTHDAY=1", None, 20)),
    ("{rhythm: seasons, months: [9, 3], day: 10, window_days: 20}",
     Recurring("FREQ=MONTHLY;BYMONTH=3,9;BYMONTHDAY=10", None, 20)),
    ("{rule: 'FREQ=MONTHLY;BYDAY=-1FR', window_days: 5}", Recurring("FREQ=MONTHLY;BYDAY=-1FR", None, 5)),
]  # fmt: skip


@pytest.mark.parametrize(("written", "read"), READ)
def test_a_rhythm_arrives(written, read):
    (task,) = read_plan_bytes((PLAN % written).encode(), "plan.yaml").tasks
    assert task.recurring == read


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ("{rhythm: daily, day: 1}", "rhythm"),
        ("{rhythm: monthly, window_days: 3}", "rhythm"),
        ("{rhythm: monthly, day: 32, window_days: 3}", "day"),
        ("{rhythm: weekly, weekday: 周八, window_days: 3}", "weekday"),
        ("{rhythm: two_monthly, day: 1, window_days: 3}", "recurs"),
        ("{rule: 'FREQ=DAILY', window_days: 3}", "rule"),
        ("{rhythm: monthly, day: 1, window_days: 400}", "window_days"),
        ("{rhythm: monthly, day: 1, often: 3}", "often"),
        ("monthly", "recurs"),
    ],
)
def test_each_mistake_stands_at_its_line(written, field):
    with pytest.raises(Invalid) as caught:
        read_plan_bytes((PLAN % written).encode(), "plan.yaml")
    assert any(problem.line == 8 and field in problem.where for problem in caught.value.problems)
