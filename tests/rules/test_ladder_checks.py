"""What a ladder may say, and the numbers that its rungs keep."""

from dataclasses import replace

import pytest

from campaign.rules.ladder import DEFAULT, Anchor, Counts, Criterion, How, Rung, Teller
from campaign.rules.ladder_checks import MOST_RUNGS, check_ladder, numbered
from campaign.rules.organisation import Level

OFFICER, UP = (Teller.OFFICER,), (Teller.ONE_UP,)
REMINDER = Rung(1, Anchor.DUE, -3, OFFICER)


def test_the_default_holds():
    assert check_ladder("通用", DEFAULT.rungs) == []
    assert check_ladder("通用", DEFAULT.rungs, Level.COUNTY) == []


@pytest.mark.parametrize(
    ("rungs", "where"),
    [
        ((), "rungs"),
        (tuple(replace(REMINDER, offset=-day) for day in range(MOST_RUNGS + 1)), "rungs"),
        ((REMINDER, REMINDER), "rungs.1"),
        ((Rung(1, Anchor.DUE, 1, UP),), "rungs.0.tells"),
        ((replace(REMINDER, offset=2), Rung(2, Anchor.DUE, 1, UP)), "rungs.1.tells"),
        ((replace(REMINDER, offset=24, counts=Counts.HOURS), Rung(2, Anchor.DUE, 0, UP)), "rungs.1.tells"),
        ((Rung(1, Anchor.BEHIND, -1, OFFICER),), "rungs.0.offset"),
        ((replace(REMINDER, offset=-241, counts=Counts.HOURS),), "rungs.0.offset"),
        ((replace(REMINDER, offset=-61),), "rungs.0.offset"),
        ((replace(REMINDER, at=1440),), "rungs.0.at"),
        ((replace(REMINDER, tells=()),), "rungs.0.tells"),
        ((replace(REMINDER, tells=(Teller.REVIEWER,)),), "rungs.0.tells"),
        ((Rung(1, Anchor.REVIEW_DUE, 0, OFFICER),), "rungs.0.tells"),
        ((Rung(1, Anchor.REVIEW_DUE, 0, (Teller.REVIEWER,), when=Criterion.NOT_SIGNED_FOR),), "rungs.0.when"),
        ((Rung(1, Anchor.RESPOND_BY, 0, OFFICER, when=Criterion.RETURNED),), "rungs.0.when"),
    ],
)  # fmt: skip
def test_what_does_not_hold_is_told_at_its_row(rungs, where):
    assert [problem.where for problem in check_ladder("从严", rungs)] == [where]


def test_no_rung_reaches_above_the_highest_level_told():
    rungs = (REMINDER, Rung(2, Anchor.DUE, 1, (Teller.TWO_UP,)))
    assert check_ladder("从严", rungs, Level.COUNTY) == []
    assert [problem.where for problem in check_ladder("从严", rungs, Level.TOWNSHIP)] == ["rungs.1.tells"]


@pytest.mark.parametrize(("name", "wrong"), [("", True), (" ", True), ("名" * 121, True), ("名" * 120, False)])
def test_a_ladder_has_a_name(name, wrong):
    assert bool(check_ladder(name, (REMINDER,))) is wrong


def test_numbers_stay_while_the_meaning_does_and_are_never_used_again():
    former = numbered(DEFAULT.rungs, ())
    assert [rung.number for rung in former] == list(range(1, 12))
    louder = replace(former[3], how=How.AT_ONCE, at=480)
    earlier = replace(former[3], offset=-5)
    second = numbered((*former[:3], earlier, louder), former)
    assert [rung.number for rung in second] == [1, 2, 3, 12, 4]
    third = numbered((replace(former[3], offset=-6), former[10], earlier), (*former, *second))
    assert [rung.number for rung in third] == [13, 11, 12]
