"""The words of mail: there for everything that people are told of, in both languages, in the organisation's days."""

from datetime import UTC, datetime

import pytest

from campaign.notify.messages import ADVICE, TITLES, Item, day, write
from campaign.rules.ladder import LADDER
from campaign.rules.transitions import TABLE, Audience

TOLD = {row.tag for row in TABLE if row.tells is not Audience.NOBODY} | {rung.tag for rung in LADDER}
TOLD |= {"assignment:dispatch:issue"}
LATE = datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC)  # a second before midnight in Shanghai


def item(tag: str, **fields) -> Item:
    return Item(tag, "建会 100%", "活动", "/assignments/7", **({"unit": "清河县妇联", "due_at": LATE} | fields))


def written(*items: Item, locale: str = "zh_CN"):
    return write(list(items), name="王芳", locale=locale, zone="Asia/Shanghai", address="https://c.example")


def test_there_are_words_for_everything_that_people_are_told_of():
    assert set(TITLES) == set(ADVICE) == TOLD


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("tag", sorted(TOLD))
def test_both_languages_say_it_without_gaps(app, tag):
    chinese, english = (written(item(tag), locale=locale) for locale in ("zh_CN", "en"))
    assert chinese.subject != english.subject
    assert english.subject.isascii() or "建会 100%" in english.subject
    for words in (chinese, english):
        assert "建会 100%" in words.subject
        assert "%(" not in words.text + words.html
        assert "https://c.example/assignments/7" in words.text
        assert 'href="https://c.example/assignments/7"' in words.html
    assert "完成期限：11月22日 周日" in chinese.text
    assert "Due date: Sun 22 Nov" in english.text


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_unknown_language_is_chinese_and_an_unknown_tag_is_the_task(app):
    words = written(item("some:new:tag"), locale="tlh")
    assert words.subject == "建会 100%"
    assert "您好" in words.text


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_several_are_one_letter(app):
    words = written(item("assignment:review:return"), item("assignment:dispatch:issue", units=3), locale="en")
    assert words.subject == "2 messages about your tasks"
    assert "Unit: 3 units" in words.text
    assert words.text.index("Returned") < words.text.index("New task")


def test_a_day_is_the_organisations():
    assert day(LATE, "zh_CN", "Asia/Shanghai") == "11月22日 周日"
    assert day(LATE, "en", "Pacific/Auckland") == "Mon 23 Nov"
