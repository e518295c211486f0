"""The ladder: when each rung speaks, what is decided at an instant, and what is never decided."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.models.ladders import read, written
from campaign.rules.calendars import PLAIN, Calendar
from campaign.rules.dates import end_of_day
from campaign.rules.ladder import (
    DEFAULT,
    NOTHING,
    Anchor,
    Anchors,
    Counts,
    Criterion,
    Ladder,
    Rung,
    Sweep,
    Teller,
    decide,
    first_step,
    holds,
    may_speak,
    moment_of,
    plan,
)
from campaign.rules.plans import Grade
from campaign.rules.states import CLOSED, OPEN, WITH_OFFICER, State

ZONE = "Asia/Shanghai"
PLACE = ZoneInfo(ZONE)
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)  # a Friday, ten in the morning in Shanghai
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
seconds = st.integers(1_577_836_800, 2_208_988_800)  # from 2020 to 2040
instants = seconds.map(lambda second: datetime.fromtimestamp(second, UTC))
dates = st.none() | instants
anchors = st.builds(Anchors, dates, dates, dates, dates, dates, dates)


def day(text: str) -> datetime:
    """The end of that day of 2026 in Shanghai."""
    return end_of_day(date.fromisoformat(f"2026-{text}"), ZONE)


def local(moment: datetime) -> str:
    return moment.astimezone(PLACE).strftime("%m-%d %H:%M")


def steps(**given: datetime):
    return plan(DEFAULT, Grade.BINDING, Anchors(**given), PLAIN, ZONE)


# The rung, its date, whom it tells, and when it speaks if the date is Monday 30 November.
TABLE_OF_RUNGS = [
    (1, Anchor.RESPOND_BY, "11-27 09:00", 0),
    (2, Anchor.RESPOND_BY, "12-01 09:00", 0),
    (3, Anchor.BEHIND, "11-30 09:00", 0),
    (4, Anchor.DUE, "11-25 09:00", 0),
    (5, Anchor.DUE, "11-27 09:00", 0),
    (6, Anchor.DUE, "12-01 09:00", 1),
    (7, Anchor.DUE, "12-04 09:00", 2),
    (8, Anchor.CUT_OFF, "11-27 09:00", 0),
    (9, Anchor.RETURNED, "12-02 09:00", 0),
    (10, Anchor.REVIEW_DUE, "11-30 09:00", 0),
    (11, Anchor.REVIEW_DUE, "12-01 09:00", 1),
]


def test_the_default_ladder_is_this_one():
    found = [(r.number, r.anchor, local(moment_of(r, day("11-30"), PLAIN, ZONE)), r.steps) for r in DEFAULT.rungs]
    assert found == TABLE_OF_RUNGS


def test_numbers_are_unique_and_escalation_climbs():
    assert [rung.number for rung in DEFAULT.rungs] == list(range(1, 12))
    climbing = [rung.steps for rung in DEFAULT.rungs if rung.anchor is Anchor.DUE]
    assert climbing == sorted(climbing) and climbing[-1] == 2


def test_who_tells_somebody_above_escalates():
    assert {rung.number for rung in DEFAULT.rungs if rung.sweep is Sweep.ESCALATE} == {6, 7, 11}


def test_a_ladder_is_written_and_read_again():
    assert read(written(DEFAULT.rungs)) == DEFAULT.rungs


HOLIDAYS = Calendar(1, 1, {date(2026, 10, d): False for d in (1, 2, 5, 6, 7)} | {date(2026, 10, 10): True})


@pytest.mark.parametrize(
    ("offset", "counts", "anchor", "expected"),
    [
        (-3, Counts.WORKING_DAYS, "10-08", "09-28 09:00"),  # over the national holiday
        (1, Counts.WORKING_DAYS, "09-30", "10-08 09:00"),
        (2, Counts.WORKING_DAYS, "10-08", "10-10 09:00"),  # a Saturday that is worked
        (1, Counts.DAYS, "09-30", "10-01 09:00"),
        (0, Counts.WORKING_DAYS, "10-03", "10-03 09:00"),
        (2, Counts.HOURS, "10-08", "10-09 01:59"),
        (-24, Counts.HOURS, "10-08", "10-07 23:59"),
    ],
)
def test_offsets_count_what_they_say(offset, counts, anchor, expected):
    rung = Rung(1, Anchor.DUE, offset, (Teller.OFFICER,), counts)
    assert local(moment_of(rung, day(anchor), HOLIDAYS, ZONE)) == expected


@given(anchors, st.sampled_from(Grade))
def test_the_plan_is_in_order_and_holds_every_rung_that_has_its_date(dates, grade):
    found = plan(DEFAULT, grade, dates, PLAIN, ZONE)
    assert all(a.when <= b.when for a, b in pairwise(found))
    expected = {r.number for r in DEFAULT.rungs if dates.of(r.anchor) and (grade is Grade.BINDING or not r.steps)}
    assert {step.rung.number for step in found} == expected


@given(instants, st.sampled_from([rung for rung in DEFAULT.rungs if rung.counts is not Counts.HOURS]))
def test_days_never_speak_at_night(anchor, rung):
    assert moment_of(rung, anchor, PLAIN, ZONE).astimezone(PLACE).strftime("%H:%M") == "09:00"


@given(instants, st.sampled_from([r for r in DEFAULT.rungs if r.counts is Counts.WORKING_DAYS and r.offset]))
def test_working_days_never_speak_on_a_rest_day(anchor, rung):
    assert PLAIN.works(moment_of(rung, anchor, PLAIN, ZONE).astimezone(PLACE).date())


FIRSTS = [
    ({"respond_by": day("11-24"), "due_at": day("11-30")}, 1),  # the reminder to sign for comes first
    ({"due_at": day("11-30")}, 4),
    ({"due_at": day("11-24")}, 5),  # three working days before is past already
    ({"due_at": day("11-20")}, 6),
    ({"due_at": day("11-10")}, 6),  # dispatched late: it escalates at once, it is not forgiven
    ({"respond_by": day("11-10")}, None),  # too late to remind, nothing to escalate
    ({}, None),
]


@pytest.mark.parametrize(("given_dates", "number"), FIRSTS)
def test_the_first_rung_after_dispatch(given_dates, number):
    first = first_step(steps(**given_dates), NOW)
    assert (first and first[1].rung.number) == number
    if first:
        assert first[0] <= NOW and first[0] < first[1].when


WEEK = {"respond_by": day("11-24"), "due_at": day("11-30")}
DECISIONS = [
    # state, decided until, now, what speaks, what is skipped, what is next
    (State.ISSUED, "11-20", "11-20", (), (), 1),
    (State.ISSUED, "11-20", "11-23", (1,), (), 2),
    (State.ACKNOWLEDGED, "11-20", "11-23", (), (), 4),
    (State.ACKNOWLEDGED, "11-23", "11-25", (4,), (), 5),
    (State.ISSUED, "11-23", "11-25", (2, 4), (), 5),  # two of the same moment both speak
    (State.ACKNOWLEDGED, "11-23", "12-20", (7,), (4, 5, 6), None),  # after a standstill the latest speaks
    (State.RETURNED, "11-27", "12-01", (6,), (), 7),
    (State.SUBMITTED, "11-20", "12-20", (), (), None),
    (State.APPROVED, "11-20", "12-20", (), (), None),
    (State.CANCELLED, "11-20", "12-20", (), (), None),
]


@pytest.mark.parametrize(("state", "after", "now", "speaks", "skipped", "following"), DECISIONS)
def test_what_is_decided(state, after, now, speaks, skipped, following):
    found = decide(steps(**WEEK), state, None, noon(after), noon(now))
    assert tuple(step.rung.number for step in found.speak) == speaks
    assert tuple(sorted(step.rung.number for step in found.skip)) == skipped
    assert (found.next and found.next.rung.number) == following


def noon(text: str) -> datetime:
    return day(text) - DAY / 2 + MOMENT


def test_the_reviewer_is_under_the_clock_too():
    waiting = steps(review_due_at=day("11-25"), **WEEK)
    assert decide(waiting, State.SUBMITTED, None, noon("11-24"), noon("11-25")).speak[0].rung.number == 10
    assert decide(waiting, State.SUBMITTED, None, noon("11-25"), noon("11-26")).speak[0].rung.number == 11
    assert decide(waiting, State.ACKNOWLEDGED, None, noon("11-24"), noon("11-24")) == decide(
        steps(**WEEK), State.ACKNOWLEDGED, None, noon("11-24"), noon("11-24")
    )


CRITERIA = [
    (Criterion.ALWAYS, State.ACKNOWLEDGED, None, True),
    (Criterion.NOT_SIGNED_FOR, State.ISSUED, None, True),
    (Criterion.NOT_SIGNED_FOR, State.ACKNOWLEDGED, None, False),
    (Criterion.RETURNED, State.RETURNED, None, True),
    (Criterion.RETURNED, State.ISSUED, None, False),
    (Criterion.BEHIND, State.ACKNOWLEDGED, None, False),
    (Criterion.BEHIND, State.ACKNOWLEDGED, NOW + DAY, False),
    (Criterion.BEHIND, State.ACKNOWLEDGED, NOW - DAY, True),
]


@pytest.mark.parametrize(("criterion", "state", "behind_at", "expected"), CRITERIA)
def test_criteria(criterion, state, behind_at, expected):
    assert holds(Rung(1, Anchor.DUE, 1, (Teller.OFFICER,), when=criterion), state, behind_at, NOW) is expected


@given(anchors, st.sampled_from(CLOSED), instants, instants)
def test_what_is_closed_is_never_spoken_of(dates, state, after, now):
    found = plan(DEFAULT, Grade.BINDING, dates, PLAIN, ZONE)
    assert decide(found, state, dates.behind_at, after, now) == NOTHING


@given(anchors, st.sampled_from(OPEN), st.lists(instants, min_size=2, max_size=9, unique=True))
def test_whenever_it_is_looked_at_every_rung_is_decided_once_and_in_order(dates, state, looks):
    """However irregular the looks, each rung of the state speaks or is skipped exactly once, and none is forgotten."""
    found = plan(DEFAULT, Grade.BINDING, dates, PLAIN, ZONE)
    looks.sort()
    decided = []
    for after, now in pairwise(looks):
        decision = decide(found, state, dates.behind_at, after, now)
        decided += [*decision.skip, *decision.speak]
    expected = [s for s in found if looks[0] < s.when <= looks[-1] and holds(s.rung, state, dates.behind_at, s.when)]
    assert decided == expected


@given(anchors, st.sampled_from(WITH_OFFICER), instants, instants)
def test_what_is_armed_next_lies_ahead_and_may_speak(dates, state, after, now):
    found = plan(DEFAULT, Grade.BINDING, dates, PLAIN, ZONE)
    coming = decide(found, state, dates.behind_at, after, now).next
    ahead = [step for step in found if step.when > max(after, now) and may_speak(step, state)]
    assert coming == (ahead[0] if ahead else None)


@given(anchors)
def test_best_effort_never_escalates(dates):
    assert all(step.rung.steps == 0 for step in plan(DEFAULT, Grade.BEST_EFFORT, dates, PLAIN, ZONE))


def test_two_ladders_with_the_same_rungs_are_two_ladders():
    assert Ladder(DEFAULT.rungs) != Ladder(DEFAULT.rungs)
