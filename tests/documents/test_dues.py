"""Due dates in plan files: days, phrases that belong to the year of the document, numbers of days, occasions."""

from datetime import date

import pytest

from campaign.documents.plans import read_plan_bytes
from campaign.errors import Invalid
from campaign.rules.calendars import DayKind, Roll
from campaign.rules.dates import CountsFrom, DueKind
from campaign.rules.phrases import DocumentDate, read_phrase
from campaign.rules.planning import OccasionPlan
from campaign.rules.plans import Grade

HEAD = """title: 建会
number: 沈组[2010]35号
issuing_unit: 清河县工会
starts_on: 2010-08-01
occasions:
  - {name: 党代会}
  - {name: 人代会, on: 2011-02-20}
tasks:
  - title: 建会
    lines: [工会]
    receiving_level: village
"""
LINE = HEAD.count("\n") + 1


def plan(*lines, head=HEAD):
    text = head + "".join(f"    {line}\n" for line in lines)
    return read_plan_bytes(text.encode(), "plan.yaml")


def due(*lines, head=HEAD):
    task = plan(*lines, head=head).tasks[0]
    return task.due_kind, task.due_on, task.due_days, task.days, task.counts_from, task.occasion


CALENDAR, ISSUE = DayKind.CALENDAR, CountsFrom.ISSUE
SAID = [
    ("due: 2011-06-30", (DueKind.FIXED, date(2011, 6, 30), None, CALENDAR, ISSUE, "")),
    ("due: {kind: fixed, on: 2011-06-30}", (DueKind.FIXED, date(2011, 6, 30), None, CALENDAR, ISSUE, "")),
    ("due: 今年年底", (DueKind.FIXED, date(2010, 12, 31), None, CALENDAR, ISSUE, "")),
    ("due: year-end", (DueKind.FIXED, date(2010, 12, 31), None, CALENDAR, ISSUE, "")),
    ("due: {on: 明年上半年}", (DueKind.FIXED, date(2011, 6, 30), None, CALENDAR, ISSUE, "")),
    ("due: 争取三年内", (DueKind.FIXED, date(2013, 8, 1), None, CALENDAR, ISSUE, "")),
    ("due: {years: 3}", (DueKind.FIXED, date(2013, 8, 1), None, CALENDAR, ISSUE, "")),
    ("due: none", (DueKind.NONE, None, None, CALENDAR, ISSUE, "")),
    ("due: {kind: relative, days: 30}", (DueKind.RELATIVE, None, 30, CALENDAR, ISSUE, "")),
    ("due: {days: 20, count: working, from: sign-for}",
     (DueKind.RELATIVE, None, 20, DayKind.WORKING, CountsFrom.SIGN_FOR, "")),
    ("due: {days: 20, count: 工作日, from: 签收}",
     (DueKind.RELATIVE, None, 20, DayKind.WORKING, CountsFrom.SIGN_FOR, "")),
    ("due: {event: 党代会, days: -1}", (DueKind.OCCASION, None, -1, CALENDAR, ISSUE, "党代会")),
    ("due: {event: 人代会, days: 10, count: working}", (DueKind.OCCASION, None, 10, DayKind.WORKING, ISSUE, "人代会")),
]  # fmt: skip


@pytest.mark.parametrize(("line", "wanted"), SAID)
def test_what_a_file_says_of_a_due_date(line, wanted):
    assert due(line) == wanted


def test_the_other_dates_and_the_occasions():
    found = plan("due: {event: 党代会, days: -1}", "roll: next", "review_days: 5", "respond_days: 3", "grace_days: 7")
    task = found.tasks[0]
    assert (task.roll, task.review_days, task.respond_days, task.grace_days) == (Roll.NEXT, 5, 3, 7)
    assert found.occasions == (OccasionPlan("党代会"), OccasionPlan("人代会", date(2011, 2, 20)))


@pytest.mark.parametrize(
    ("line", "grade"),
    [
        ("due: 争取三年内", Grade.BEST_EFFORT),
        ("due: 力争年底前", Grade.BEST_EFFORT),
        ("due: 确保年底前完成", Grade.BINDING),
        ("due: 年底", Grade.BINDING),
    ],
)
def test_words_that_only_try_make_the_task_one_of_best_effort(line, grade):
    assert plan(line).tasks[0].grade is grade
    assert plan(line, "grade: 要").tasks[0].grade is Grade.BINDING


WRONG = [
    ("due: 尽快", "is not understood"),
    ("due: {on: 下个月}", "is not understood"),
    ("due: 2月30日", "No year has the day"),
    ("due: {event: 党代表大会, days: -1}", "It has: 党代会、人代会."),
    ("due: {event: 党代会}", "how many days after the occasion"),
    ("due: {event: 党代会, days: 99999}", "Between -3650 and 3650."),
    ("due: {kind: event, days: -1}", "choose the occasion"),
    ("due: {days: 0}", "Between 1 and 3650."),
    ("due: {kind: relative}", "after how many days"),
    ("due: {kind: relative, on: 2011-01-01}", "does not go with the other fields"),
    ("due: {on: 2011-01-01, years: 2}", "not both"),
    ("due: {years: 90}", "Between 1 and 20."),
    ("due: {event: 党代会, days: -1, from: sign-for}", "Only a number of days counts from the sign-for."),
    ("due: {days: 3, count: lunar}", "“lunar” is not known here."),
    ("roll: sideways", "“sideways” is not known here."),
    ("review_days: 0", "Between 1 and 365."),
]


@pytest.mark.parametrize(("line", "sentence"), WRONG)
def test_what_does_not_hold_is_named_with_its_line(line, sentence):
    with pytest.raises(Invalid) as refused:
        plan(line)
    (problem, *_) = refused.value.problems
    assert sentence in str(problem.sentence)
    assert problem.line == LINE
    assert problem.where.startswith(f"plan.yaml:{LINE} tasks[1].")


def test_a_phrase_needs_the_year_of_the_document():
    bare = HEAD.replace("number: 沈组[2010]35号\n", "").replace("starts_on: 2010-08-01\n", "")
    assert due("due: 2012年底", head=bare)[1] == date(2012, 12, 31)  # says its year itself
    for line in ("due: 今年年底", "due: {years: 3}", "due: 三年内"):
        with pytest.raises(Invalid) as refused:
            plan(line, head=bare)
        assert "belongs to the year of the document" in str(refused.value.problems[0].sentence)


@pytest.mark.parametrize(
    ("document", "year_end", "three_years"),
    [
        (DocumentDate("阜创组办﹝2010﹞15号"), date(2010, 12, 31), date(2012, 12, 31)),
        (DocumentDate("沈组[2010]35号", date(2011, 1, 10)), date(2010, 12, 31), date(2014, 1, 10)),
        (DocumentDate(None, date(2024, 2, 29)), date(2024, 12, 31), date(2027, 2, 28)),
        (DocumentDate("清工〔2026〕35号", None), date(2026, 12, 31), date(2028, 12, 31)),
        (DocumentDate("第35号", None), None, None),
    ],
)
def test_phrases_belong_to_the_year_of_the_document_and_not_of_the_reader(document, year_end, three_years):
    assert read_phrase("到今年年底").on(document) == year_end
    assert read_phrase("争取三年内").on(document) == three_years


PHRASES = [
    ("年底", date(2010, 12, 31)), ("年底前", date(2010, 12, 31)), ("今年内", date(2010, 12, 31)),
    ("明年年底前完成", date(2011, 12, 31)), ("到2012年年底", date(2012, 12, 31)), ("上半年", date(2010, 6, 30)),
    ("一季度", date(2010, 3, 31)), ("今年第三季度末", date(2010, 9, 30)), ("10月底前", date(2010, 10, 31)),
    ("2月底", date(2010, 2, 28)), ("2012年2月底", date(2012, 2, 29)), ("6月30日前", date(2010, 6, 30)),
    ("十月底", date(2010, 10, 31)), ("End of the year", date(2010, 12, 31)), ("mid-year", date(2010, 6, 30)),
    ("年", None), ("三", None), ("月底", None), ("13月底", None), ("五季度", None), ("", None), ("近期", None),
]  # fmt: skip


@pytest.mark.parametrize(("words", "day"), PHRASES)
def test_phrases_that_are_understood_and_some_that_are_not(words, day):
    phrase = read_phrase(words)
    assert (phrase and phrase.on(DocumentDate("〔2010〕1号"))) == day
