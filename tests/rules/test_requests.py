"""When the rule of a campaign grants more time by itself."""

from datetime import UTC, datetime, timedelta

import pytest

from campaign.rules import planning
from campaign.rules.planned import CampaignPlan
from campaign.rules.requests import Decision, RequestKind, granted_by_rule

DUE = datetime(2026, 11, 30, 15, 59, 59, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("asked", "now", "most_days", "most_times", "before", "parent", "granted"),
    [
        (5, -3, 5, 1, 0, None, True),
        (6, -3, 5, 1, 0, None, False),  # a day too many
        (5, -3, 5, 1, 1, None, False),  # the second time
        (5, -3, 5, 2, 1, None, True),
        (5, 0, 5, 1, 0, None, True),  # the last moment of the due date
        (5, 1, 5, 1, 0, None, False),  # after it
        (5, -3, 0, 9, 0, None, False),  # a campaign without the rule
        (5, -3, 5, 0, 0, None, False),
        (5, -3, 5, 1, 0, 5, True),  # up to the date of what it was split from,
        (5, -3, 5, 1, 0, 4, False),  # never past it
    ],
)
def test_the_rule_of_a_campaign(asked, now, most_days, most_times, before, parent, granted):
    given = granted_by_rule(
        due_at=DUE, asked_at=DUE + asked * DAY, now=DUE + now * DAY, most_days=most_days, most_times=most_times,
        granted_before=before, parent_due_at=None if parent is None else DUE + parent * DAY,
    )  # fmt: skip
    assert given is granted


def test_numbers_never_change():
    """They are stored."""
    assert {member.name: int(member) for member in RequestKind} == {"EXTENSION": 1, "DISPUTE": 2, "NOT_APPLICABLE": 3}
    assert {member.name: int(member) for member in Decision} == {
        "PENDING": 0, "GRANTED": 1, "REFUSED": 2, "WITHDRAWN": 3, "GRANTED_BY_RULE": 4,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("days", "times", "wrong"),
    [
        (0, 0, []),
        (5, 1, []),
        (5, 0, ["extension_most"]),
        (0, 2, ["extension_days"]),
        (91, 10, ["extension_days", "extension_most"]),
    ],
)
def test_a_campaign_says_both_or_neither(days, times, wrong):
    plan = CampaignPlan(title="一", extension_days=days, extension_most=times)
    assert [problem.where for problem in planning._head(plan) if problem.where.startswith("extension")] == wrong
