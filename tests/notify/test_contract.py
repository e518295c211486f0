"""The contract of channels, one table: each registered channel meets everything that a server can do.

Returning means that the other side took the letter; Temporary, that trying again makes sense; Permanent, that somebody
must look at it. Whatever the other side does, the sender comes back in time, and no key is told.
"""

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from campaign.notify.channels import WAYS
from campaign.notify.channels.sms import PROVIDERS
from campaign.notify.letters import Permanent, Temporary

from .fixtures import ANY, EXPECTED, KEY, LETTER, SECRET, SIDES, WAITS

SECONDS = 0.3


def outcome(name: str, case: str) -> tuple[str, Temporary | Permanent | None, float]:
    """What the channel made of the case, and how long it took."""
    side = SIDES[name]
    with side.served(side.says[case]) as served:
        given = side.settings(served.host)
        began = time.monotonic()
        failure: Temporary | Permanent | None = None
        try:
            WAYS[side.channel].send(replace(LETTER, to=side.address), given, seconds=SECONDS)
        except (Temporary, Permanent) as error:
            failure = error
        return type(failure).__name__ if failure else "sent", failure, time.monotonic() - began


def test_every_registered_channel_and_provider_is_in_the_table():
    assert {side.channel for side in SIDES.values()} == set(WAYS)
    assert set(PROVIDERS) <= set(SIDES)
    for name, side in SIDES.items():
        assert set(side.says) == set(EXPECTED), name


@pytest.mark.parametrize("case", EXPECTED)
@pytest.mark.parametrize("name", SIDES)
def test_the_contract(name, case):
    said, failure, took = outcome(name, case)
    assert said == SIDES[name].expected.get(case, EXPECTED[case]), failure
    assert took < SECONDS + 0.5
    words = str(failure)
    assert KEY not in words
    assert SECRET not in words
    assert len(words) <= 300


@pytest.mark.parametrize("case", WAITS)
@pytest.mark.parametrize("name", [name for name in SIDES if name != "mail"])
def test_who_is_asked_to_wait_says_for_how_long(name, case):
    _, failure, _ = outcome(name, case)
    assert failure.wait == timedelta(seconds=WAITS[case])


@pytest.mark.parametrize(
    ("name", "minutes"), [("wecom", 1), ("dingtalk", 10), ("feishu", 1), ("aliyun", 0), ("tencent", 0), ("mail", 0)]
)
def test_a_robot_that_was_too_fast_asks_for_a_pause_and_a_number_does_not(name, minutes):
    """The limit of one number or mailbox must not hold up the letters to others."""
    _, failure, _ = outcome(name, "too many")
    assert failure.wait == (timedelta(minutes=minutes) or None)


def test_every_case_of_the_web_has_its_outcome():
    assert set(ANY) < set(EXPECTED)
