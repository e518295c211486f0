"""When people are told: the table of the law, and what holds for any wishes at any instant."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.rules.calendars import PLAIN, Calendar
from campaign.rules.telling import (
    LOUD,
    USUAL,
    Channel,
    Preferences,
    chosen,
    is_urgent,
    next_digest_day,
    when_to_tell,
    wrong_with,
)

SHANGHAI = "Asia/Shanghai"
# A Saturday that is worked in exchange, and a Monday and Tuesday that are not.
CALENDAR = Calendar(1, 1, {date(2026, 11, 21): True, date(2026, 11, 23): False, date(2026, 11, 24): False})
LATE = Preferences(digest_at=18 * 60, quiet_from=20 * 60, quiet_until=9 * 60)
SUNDAYS = Preferences(on_rest_days=True)
NOON = Preferences(quiet_from=12 * 60, quiet_until=14 * 60)
NEVER_QUIET = Preferences(quiet_from=0, quiet_until=0)


def local(text: str, zone: str = SHANGHAI) -> datetime:
    """'20 09:15' is that time on that day of November 2026, a Friday."""
    day, clock = text.split()
    hour, minute = clock.split(":")
    return datetime(2026, 11, int(day), int(hour), int(minute), tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("urgent", "wishes", "calendar", "now", "told"),
    [
        (True, USUAL, PLAIN, "20 10:00", "20 10:00"),
        (True, USUAL, PLAIN, "19 20:59", "19 20:59"),
        (True, USUAL, PLAIN, "19 21:00", "20 07:30"),
        (True, USUAL, PLAIN, "19 23:59", "20 07:30"),
        (True, USUAL, PLAIN, "20 00:00", "20 07:30"),
        (True, USUAL, PLAIN, "20 07:29", "20 07:30"),
        (True, USUAL, PLAIN, "20 07:30", "20 07:30"),
        (True, USUAL, PLAIN, "20 21:30", "23 07:30"),  # over the weekend
        (True, USUAL, PLAIN, "21 12:00", "23 07:30"),
        (True, SUNDAYS, PLAIN, "21 12:00", "21 12:00"),
        (True, SUNDAYS, PLAIN, "21 22:00", "22 07:30"),
        (True, USUAL, CALENDAR, "21 12:00", "21 12:00"),  # a Saturday that is worked
        (True, USUAL, CALENDAR, "21 21:00", "25 07:30"),  # Sunday, and two holidays
        (True, NOON, PLAIN, "20 12:00", "20 14:00"),
        (True, NOON, PLAIN, "20 03:00", "20 03:00"),
        (True, NEVER_QUIET, PLAIN, "20 03:00", "20 03:00"),
        (False, USUAL, PLAIN, "20 08:29", "20 08:30"),
        (False, USUAL, PLAIN, "20 08:30", "20 08:30"),
        (False, USUAL, PLAIN, "20 08:31", "23 08:30"),
        (False, SUNDAYS, PLAIN, "20 08:31", "21 08:30"),
        (False, USUAL, CALENDAR, "20 10:00", "21 08:30"),
        (False, USUAL, CALENDAR, "21 10:00", "25 08:30"),
        (False, LATE, PLAIN, "20 10:00", "20 18:00"),
        (False, LATE, PLAIN, "20 19:00", "23 18:00"),
        (False, Preferences(digest_at=22 * 60), PLAIN, "19 10:00", "20 07:30"),  # within the quiet hours: after them
    ],
)
def test_the_table(urgent, wishes, calendar, now, told):
    assert when_to_tell(urgent, wishes, calendar, SHANGHAI, local(now)) == local(told)


def test_the_digest_after_one_that_was_sent_is_the_next_working_days():
    at, day = next_digest_day(date(2026, 11, 20), USUAL, PLAIN, SHANGHAI, local("20 08:31"))
    assert (at, day) == (local("23 08:30"), date(2026, 11, 23))
    assert next_digest_day(date(2026, 11, 20), USUAL, PLAIN, SHANGHAI, local("26 09:00"))[1] == date(2026, 11, 27)


minutes = st.integers(0, 24 * 60 - 1)
wishes = st.builds(Preferences, minutes, minutes, minutes, st.booleans())
calendars = st.builds(
    lambda days: Calendar(1, 1, dict(days)),
    st.lists(st.tuples(st.dates(date(2026, 1, 1), date(2027, 1, 31)), st.booleans()), max_size=40),
)
moments = st.integers(0, 365 * 24 * 3600 - 1).map(
    lambda second: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
)
zones = st.sampled_from(["Asia/Shanghai", "UTC", "Asia/Kathmandu", "Europe/Helsinki", "America/New_York"])


@given(urgent=st.booleans(), wished=wishes, calendar=calendars, zone=zones, now=moments)
def test_never_in_quiet_hours_never_on_a_rest_day_never_before_now(urgent, wished, calendar, zone, now):
    at = when_to_tell(urgent, wished, calendar, zone, now)
    there = at.astimezone(ZoneInfo(zone))
    assert at >= now
    assert wished.on_rest_days or calendar.works(there.date())
    assert not wished.is_quiet(there.hour * 60 + there.minute)
    assert when_to_tell(True, wished, calendar, zone, at) == at  # who may be told then may be told then
    if urgent and at > now:  # it waited for a reason that held until the last moment
        before = (at - timedelta(microseconds=1)).astimezone(ZoneInfo(zone))
        asleep = wished.is_quiet(before.hour * 60 + before.minute)
        assert asleep or not (wished.on_rest_days or calendar.works(before.date()))


@given(wished=wishes.filter(lambda wished: wrong_with(wished) is None), calendar=calendars, now=moments)
def test_a_digest_comes_at_the_minute_that_was_wished(wished, calendar, now):
    there = when_to_tell(False, wished, calendar, SHANGHAI, now).astimezone(ZoneInfo(SHANGHAI))
    assert there.hour * 60 + there.minute == wished.digest_at


def test_a_calendar_that_never_works_keeps_nobody_waiting_for_ever():
    never = Calendar(1, 1, {date(2026, 1, 1) + timedelta(days=n): False for n in range(1500)})
    now = local("20 10:00")
    assert when_to_tell(False, USUAL, never, SHANGHAI, now) == now


@pytest.mark.parametrize(
    ("wished", "fine"),
    [
        (USUAL, True),
        (NEVER_QUIET, True),
        (Preferences(digest_at=7 * 60), False),
        (Preferences(digest_at=22 * 60), False),
        (Preferences(digest_at=12 * 60, quiet_from=13 * 60, quiet_until=12 * 60), False),
    ],
)
def test_wishes_that_make_no_sense_are_refused(wished, fine):
    assert (wrong_with(wished) is None) is fine


def test_channels_as_they_are_kept():
    assert chosen(None) == (Channel.MAIL,)
    assert chosen("") == ()
    assert chosen("1,5") == (Channel.MAIL, Channel.SMS)


def test_every_message_was_thought_about():
    assert is_urgent("assignment:review:return")
    assert not is_urgent("assignment:dispatch:issue")
    with pytest.raises(LookupError):
        is_urgent("assignment:some:news")
    assert {"assignment:issuer:cancel", "assignment:issuer:reopen", "assignment:dispatcher:urge"} <= {
        tag for tag, loud in LOUD.items() if loud
    }
