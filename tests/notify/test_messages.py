"""The words of messages: for everything that people are told of, in both languages, in the organisation's days."""

from datetime import UTC, date, datetime
from html.parser import HTMLParser

import pytest

from campaign.notify.headings import COLOURS, COUNTED, HEADINGS, Heading
from campaign.notify.messages import Days, Item, write
from campaign.notify.sayings import LATE, LATE_AFTER, SAYINGS
from campaign.rules.events import CATALOGUE
from campaign.rules.ladder import FURTHER, TAGS
from campaign.rules.telling import LOUD
from campaign.rules.transitions import TABLE, Audience

BY_THE_CLOCK = {tag for tags in TAGS.values() for tag in tags} | {FURTHER}
TOLD = {row.tag for row in TABLE if row.tells is not Audience.NOBODY} | {"assignment:dispatch:issue"}
MOMENT = datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC)  # a second before midnight in Shanghai
DATES = dict.fromkeys(("respond_by", "due_at", "cut_off_at", "review_due_at"), MOMENT)


def item(tag: str, **fields) -> Item:
    given = {"unit": "清河县妇联", "who": "李审核", "reason": "请尽快"} | DATES | fields
    return Item(tag, "建会 100%", "活动", "/assignments/7", **given)


def written(*items: Item, locale: str = "zh_CN", on: date | None = None):
    return write(
        items, name="王芳", locale=locale, zone="Asia/Shanghai", address="https://c.example", now=MOMENT, day=on
    )


def test_there_are_words_for_everything_that_people_are_told_of():
    """No message falls into a default: the law of loudness, the ladder and the table of transitions have one list."""
    assert set(SAYINGS) == BY_THE_CLOCK | set(LOUD)
    assert set(LOUD) >= TOLD
    assert set(CATALOGUE) >= set(SAYINGS)
    assert set(LATE) == set(LATE_AFTER) <= BY_THE_CLOCK
    assert set(HEADINGS) == set(COUNTED) == set(COLOURS) == set(Heading)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("tag", sorted(SAYINGS))
def test_both_languages_say_it_without_gaps(app, tag, late):
    chinese, english = (written(item(tag, late=late), locale=locale) for locale in ("zh_CN", "en"))
    assert chinese.subject != english.subject
    assert chinese.points[0].lines[0] != english.points[0].lines[0]
    assert english.points[0].lines[0].isascii()
    for words in (chinese, english):
        assert "%(" not in words.subject + words.text + words.html
        assert "https://c.example/assignments/7" in words.text
        assert 'href="https://c.example/assignments/7"' in words.html
        assert words.points[0].link == "https://c.example/assignments/7"
        assert "建会 100%" in words.text or not tag.startswith("assignment:")
    assert "完成期限：11月22日 周日" in chinese.text
    assert "Due date: Sun 22 Nov" in english.text


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_after_the_date_the_words_are_others(app):
    for tag in LATE:
        assert written(item(tag)).subject != written(item(tag, late=True)).subject
    assert "逾期未签收" in written(item("assignment:clock:remind-sign-for", late=True)).subject


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_unknown_language_is_chinese_and_an_unknown_tag_a_fault(app):
    assert "您好" in written(item("assignment:clock:remind"), locale="tlh").text
    with pytest.raises(LookupError):
        written(item("some:new:tag"))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_who_urges_and_their_words_are_told(app):
    text = written(item("assignment:dispatcher:urge")).text
    assert "经手人：李审核" in text
    assert "意见：请尽快" in text


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_several_are_one_letter_and_the_most_urgent_comes_first(app):
    digest_day = date(2026, 11, 23)
    words = written(item("assignment:dispatch:issue", units=3), item("assignment:review:return"), locale="en")
    assert words.subject == "2 messages about your tasks"
    assert "Unit: 3 units" in words.text
    assert words.text.index("Returned for changes") < words.text.index("New task")
    digest = written(
        *(item(tag) for tag in ("assignment:clock:behind", "assignment:clock:escalate", "assignment:clock:remind")),
        locale="en", on=digest_day,
    )  # fmt: skip
    assert digest.subject == "Digest of Mon 23 Nov: 1 overdue, 1 due soon, 1 behind"
    alike = written(item("assignment:clock:remind"), item("assignment:clock:remind", unit="东街妇联"), on=digest_day)
    assert alike.text.count("临期") == 1  # one kind alone is counted once, in its heading
    assert "查看全部消息：https://c.example/messages" in alike.text
    assert alike.sender == "任务管理"


class Balanced(HTMLParser):
    """Fails when an element is closed that is not the last one opened, or fetches anything."""

    VOID = ("meta", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        assert not {"src", "background", "onclick"} & dict(attrs).keys()
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_page_is_whole_and_loads_nothing(app):
    reader = Balanced()
    reader.feed(written(*(item(tag) for tag in SAYINGS), on=date(2026, 11, 23)).html)
    assert reader.open == []


def test_a_day_is_the_organisations():
    assert Days("zh_CN", "Asia/Shanghai", 2026).of(MOMENT) == "11月22日 周日"
    assert Days("en", "Pacific/Auckland", 2026).of(MOMENT) == "Mon 23 Nov"


def test_a_day_of_another_year_says_its_year():
    assert Days("zh_CN", "Asia/Shanghai", 2027).of(MOMENT) == "2026年11月22日 周日"
    assert Days("en", "Asia/Shanghai", 2025).of(MOMENT) == "Sun 22 Nov 2026"
