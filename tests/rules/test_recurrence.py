"""When a recurring task comes round, in tables: month ends, leap days, rhythms by name, words, what is refused."""

from datetime import date
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.rules.metrics import BadValue
from campaign.rules.recurrence import (
    FURTHEST_YEARS,
    MOST_PERIODS,
    Freq,
    Rule,
    check,
    days_of,
    parse,
    rrule_of,
)
from campaign.rules.rhythms import Rhythm, Wish, period_words, rule_of, wish_of, words_of

CASES = [
    ("the 14th", "FREQ=MONTHLY;BYMONTHDAY=14", "2026-11-20", "2026-12-14 2027-01-14 2027-02-14"),
    ("the 14th itself", "FREQ=MONTHLY;BYMONTHDAY=14", "2026-11-14", "2026-11-14 2026-12-14"),
    ("Tuesdays", "FREQ=WEEKLY;BYDAY=TU", "2026-12-23", "2026-12-29 2027-01-05 2027-01-12"),
    ("every other Tuesday", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", "2026-12-15", "2026-12-15 2026-12-29 2027-01-12"),
    ("Tuesdays and Fridays", "FREQ=WEEKLY;BYDAY=FR,TU", "2026-11-20", "2026-11-20 2026-11-24 2026-11-27"),
    ("every two months", "FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=14", "2026-10-01", "2026-10-14 2026-12-14 2027-02-14"),
    ("every two months, the last day", "FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=31", "2026-12-01",
     "2026-12-31 2027-02-28 2027-04-30 2027-06-30"),
    ("half-years", "FREQ=MONTHLY;BYMONTH=6,12;BYMONTHDAY=30", "2026-11-20", "2026-12-30 2027-06-30"),
    ("the 31st", "FREQ=MONTHLY;BYMONTHDAY=31", "2027-01-31",
     "2027-01-31 2027-02-28 2027-03-31 2027-04-30 2027-05-31 2027-06-30"),
    ("the 31st of a leap year", "FREQ=MONTHLY;BYMONTHDAY=31", "2028-02-01", "2028-02-29 2028-03-31"),
    ("the 30th in February", "FREQ=MONTHLY;BYMONTHDAY=30", "2027-01-30", "2027-01-30 2027-02-28 2027-03-30"),
    ("the 29th in February", "FREQ=MONTHLY;BYMONTHDAY=29", "2027-01-29", "2027-01-29 2027-02-28 2027-03-29"),
    ("29 February", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2024-01-01",
     "2024-02-29 2025-02-28 2026-02-28 2027-02-28 2028-02-29"),
    ("29 February every four years", "FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29", "2024-02-29",
     "2024-02-29 2028-02-29 2032-02-29"),
    ("29 February of a century", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2099-01-01", "2099-02-28 2100-02-28"),
    ("the middle and the end", "FREQ=MONTHLY;BYMONTHDAY=15,31", "2027-02-10", "2027-02-15 2027-02-28 2027-03-15"),
    ("the 28th and the end", "FREQ=MONTHLY;BYMONTHDAY=28,31", "2027-02-10", "2027-02-28 2027-03-28 2027-03-31"),
    ("the last day by minus one", "FREQ=MONTHLY;BYMONTHDAY=-1", "2027-04-01", "2027-04-30 2027-05-31"),
    ("spring and autumn", "FREQ=YEARLY;BYMONTH=3,9;BYMONTHDAY=31", "2026-11-20", "2027-03-31 2027-09-30 2028-03-31"),
    ("the last Friday", "FREQ=MONTHLY;BYDAY=-1FR", "2026-11-20", "2026-11-27 2026-12-25 2027-01-29"),
    ("three times", "FREQ=WEEKLY;BYDAY=MO;COUNT=3", "2026-11-20", "2026-11-23 2026-11-30 2026-12-07 end"),
    ("until", "FREQ=WEEKLY;BYDAY=MO;UNTIL=20261130", "2026-11-20", "2026-11-23 2026-11-30 end"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "start", "wanted"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_days_on_which_it_comes_round(text, start, wanted):
    days = [str(day) for day in islice(days_of(parse(text), date.fromisoformat(start)), len(wanted.split()))]
    assert [*days, "end"][: len(wanted.split())] == wanted.split()
    assert parse(rrule_of(parse(text))) == parse(text)


RULES = st.one_of(
    st.builds(
        Rule,
        st.just(Freq.MONTHLY),
        st.integers(1, 12),
        days=st.builds(
            lambda short, end: (*sorted(short), *end),
            st.sets(st.integers(1, 28), min_size=1, max_size=4),
            st.sampled_from([(), (29,), (30,), (31,)]),
        ),
    ),
    st.builds(
        Rule,
        st.just(Freq.MONTHLY),
        months=st.sets(st.integers(1, 12), min_size=1).map(lambda found: tuple(sorted(found))),
        days=st.integers(1, 31).map(lambda day: (day,)),
    ),
    st.builds(
        Rule,
        st.just(Freq.WEEKLY),
        st.integers(1, 8),
        weekdays=st.sets(st.integers(0, 6), min_size=1).map(lambda found: tuple((0, day) for day in sorted(found))),
    ),
)


@given(rule=RULES, start=st.dates(date(2020, 1, 1), date(2040, 12, 31)))
def test_a_rule_read_again_is_the_same_and_its_days_climb_within_bounds(rule, start):
    assert parse(rrule_of(rule)) == rule
    days = list(days_of(rule, start))
    assert days == sorted(set(days))
    assert len(days) <= MOST_PERIODS
    assert all(start <= day <= date(start.year + FURTHEST_YEARS, 12, 31) for day in days)


@given(day=st.integers(1, 31), start=st.dates(date(2020, 1, 1), date(2040, 12, 31)))
def test_monthly_means_every_month_whatever_the_day(day, start):
    months = [(each.year, each.month) for each in islice(days_of(Rule(Freq.MONTHLY, days=(day,)), start), 30)]
    numbers = [year * 12 + month for year, month in months]
    assert numbers == list(range(numbers[0], numbers[0] + 30))


REFUSED = [
    "", "hello", "FREQ=DAILY", "FREQ=HOURLY;BYMINUTE=3", "FREQ=MONTHLY", "FREQ=WEEKLY", "FREQ=YEARLY;BYMONTHDAY=4",
    "FREQ=MONTHLY;BYMONTHDAY=0", "FREQ=MONTHLY;BYMONTHDAY=32", "FREQ=MONTHLY;BYMONTHDAY=-2", "FREQ=WEEKLY;BYDAY=1TU",
    "FREQ=MONTHLY;BYDAY=TU", "FREQ=MONTHLY;BYDAY=5TU", "FREQ=MONTHLY;BYMONTHDAY=30,31", "FREQ=WEEKLY;BYDAY=XX",
    "FREQ=MONTHLY;INTERVAL=0;BYMONTHDAY=1", "FREQ=MONTHLY;INTERVAL=999999;BYMONTHDAY=1", "FREQ=WEEKLY;BYDAY=TU;WKST=SU",
    "FREQ=WEEKLY;BYDAY=TU;COUNT=2;UNTIL=20270101", "FREQ=WEEKLY;BYDAY=TU;UNTIL=2027", "FREQ=MONTHLY;BYWEEKNO=3",
    "FREQ=MONTHLY;BYMONTHDAY=1;FREQ=WEEKLY", "FREQ=MONTHLY;BYMONTHDAY=1,2;BYSETPOS=2", "FREQ=WEEKLY;BYDAY=TU;COUNT=401",
    "FREQ=MONTHLY;INTERVAL=2;BYMONTH=3;BYMONTHDAY=1", "FREQ=YEARLY;INTERVAL=2;BYMONTH=3,4;BYMONTHDAY=1", "FREQ=", "=;=",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_rule_here_is_refused_with_a_sentence(text):
    with pytest.raises(BadValue) as refused:
        parse(text)
    assert str(refused.value)


@given(st.text(max_size=60) | st.from_regex(r"FREQ=(MONTHLY|YEARLY|WEEKLY)(;[A-Z]{3,10}=[-+0-9A-Z,]{0,9}){0,3}"))
def test_nothing_typed_makes_more_than_a_sentence(text):
    try:
        rule = parse(text)
    except BadValue:
        return
    list(islice(days_of(rule, date(2026, 11, 20)), 3))


WISHES = [
    (Wish(Rhythm.MONTHLY, 14), "FREQ=MONTHLY;BYMONTHDAY=14", "on the 14th of each month"),
    (Wish(Rhythm.MONTHLY, 31), "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1", "on the last day of each month"),
    (Wish(Rhythm.WEEKLY, weekday=1), "FREQ=WEEKLY;BYDAY=TU", "weekly on Tuesday"),
    (Wish(Rhythm.TWO_MONTHLY, 1), "FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=1", "every 2 months on the 1st"),
    (Wish(Rhythm.QUARTERLY, 22, nth=3), "FREQ=MONTHLY;BYMONTH=3,6,9,12;BYMONTHDAY=22",
     "on the 22nd of month 3 of each quarter"),
    (Wish(Rhythm.HALF_YEARLY, 3, nth=6), "FREQ=MONTHLY;BYMONTH=6,12;BYMONTHDAY=3",
     "on the 3rd of month 6 of each half-year"),
    (Wish(Rhythm.YEAR_END, 1), "FREQ=MONTHLY;BYMONTH=12;BYMONTHDAY=1", "each year on the 1st of December"),
    (Wish(Rhythm.SEASONS, 11, months=(3, 9)), "FREQ=MONTHLY;BYMONTH=3,9;BYMONTHDAY=11",
     "on the 11th of March and September"),
    (Wish(Rhythm.FREE, rule="FREQ=MONTHLY;BYDAY=-1FR"), "FREQ=MONTHLY;BYDAY=-1FR",
     "on the last Friday of each month"),
    (Wish(Rhythm.FREE, rule="FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,FR;COUNT=5"),
     "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,FR;COUNT=5", "every 2 weeks on Monday, Wednesday and Friday, 5 times"),
]  # fmt: skip


@pytest.mark.parametrize(("wish", "text", "words"), WISHES)
def test_a_rhythm_by_name_becomes_a_rule_and_is_known_again(wish, text, words):
    rule = rule_of(wish)
    assert rrule_of(rule) == text
    assert wish_of(text) == wish
    assert str(words_of(rule)) == words


@pytest.mark.parametrize(
    "wish",
    [
        Wish(Rhythm.MONTHLY),
        Wish(Rhythm.MONTHLY, 32),
        Wish(Rhythm.WEEKLY),
        Wish(Rhythm.WEEKLY, weekday=7),
        Wish(Rhythm.SEASONS, 1),
        Wish(Rhythm.QUARTERLY, 1, nth=4),
        Wish(Rhythm.FREE),
    ],
)
def test_a_rhythm_without_its_day_is_refused(wish):
    with pytest.raises(BadValue):
        rule_of(wish)


def test_periods_have_names():
    names = {
        "FREQ=MONTHLY;BYMONTHDAY=14": "No. 3 · March",
        "FREQ=MONTHLY;BYMONTH=3,6,9,12;BYMONTHDAY=14": "No. 3 · quarter 1 of 2027",
        "FREQ=MONTHLY;BYMONTH=6,12;BYMONTHDAY=14": "No. 3 · first half of 2027",
        "FREQ=WEEKLY;BYDAY=TU": "No. 3 · 2027-03-16",
    }
    for text, name in names.items():
        assert str(period_words(text, date(2027, 3, 16), 3)) == name


def wrong(text, **fields):
    plain = {"repeats_from": None, "ends_on": None, "window_days": 5, "dated": False, "rotates": False}
    return [problem.where for problem in check(text, **(plain | fields))]


def test_what_a_plan_may_say_of_recurrence():
    assert wrong("") == []
    assert wrong("", rotates=True) == ["recurs.rotates"]
    assert wrong("FREQ=DAILY") == ["recurs.rule"]
    assert wrong("FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=1") == ["recurs.from"]
    assert wrong("FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=1", repeats_from=date(2026, 11, 1)) == []
    assert wrong("FREQ=MONTHLY;BYMONTHDAY=1", window_days=None, dated=True) == ["recurs.window_days"]
    assert wrong("FREQ=MONTHLY;BYMONTHDAY=1", window_days=-1) == ["recurs.window_days"]
    late = {"repeats_from": date(2026, 11, 2), "ends_on": date(2026, 11, 30)}
    assert wrong("FREQ=MONTHLY;BYMONTHDAY=1", **late) == ["recurs.rule"]
