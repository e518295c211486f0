"""Calendars in a browser: the year, a correction with its preview, a table, one's own; on desk and phone."""

import io
from datetime import date

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Assignment, Calendar, CalendarDay, Event
from campaign.operations.calendars import CORRECTED
from campaign.operations.issuing import dispatch
from campaign.rules.calendars import DayKind
from campaign.rules.dates import DueKind, end_of_day
from campaign.rules.organisation import Line, Role
from tests import make

HEADINGS = "日期,班/休,名称\n"


@pytest.fixture
def tree(app, monkeypatch, now):
    monkeypatch.setattr(clock, "now", lambda: now)
    return make.small_tree()


def enters(visitor, unit, role=Role.ADMINISTRATOR, locale="en"):
    visitor.sign_in(make.holder(unit, role, name="管理者", locale=locale))


@pytest.fixture
def keeper(tree, visitor):
    """The administrator of the Party committee of the root at the browser."""
    enters(visitor, tree.unit(tree.city, Line.PARTY))
    return visitor


@pytest.fixture
def task(tree, now):
    """Dispatched to six villages, due five working days after the 20th of November: on Friday the 27th."""
    asked = {"due_kind": DueKind.RELATIVE, "due_on": None, "due_days": 5, "days": DayKind.WORKING}
    made = make.task(make.campaign(tree.unit(tree.county)), **asked)
    with unit_of_work():
        dispatch(made.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now)
    return made


def dues(task):
    return set(db.session.scalars(select(Assignment.due_at).where(Assignment.task_id == task.id)))


def corrections():
    return db.session.scalars(select(Event).where(Event.tag == CORRECTED)).all()


def upload(visitor, text, status=200, name="放假.csv", encoding="gb18030", **fields):
    form = visitor.get("/admin/calendars/1/import")
    return form.submit("Show the preview", status=status, file=(io.BytesIO(text.encode(encoding)), name), **fields)


# -- the year --------------------------------------------------------------------------------------------------------


def test_a_year_is_twelve_tables_whose_marks_are_words(keeper):
    page = keeper.get("/admin/calendars").click("Everybody's calendar")
    tables = [table for table in page.root.all("table") if "month" in table.get("class")]
    assert len(tables) == 12
    october = next(table for table in tables if "October 2026" in table.text)
    assert "18 working days" in october.text
    cells = {cell.text.split()[0]: cell.text for cell in october.all("td") if cell.text}
    assert all("National Day holiday" in cells[str(day)] and "off" in cells[str(day)] for day in range(1, 8))
    assert "make-up day" in cells["10"]
    assert "rest day" in cells["11"]
    assert cells["12"] == "12"
    assert page.has("Known until 2026-12-31", "version 1")
    today = [cell for table in tables for cell in table.all("td") if cell.get("aria-current") == "date"]
    assert [cell.text for cell in today] == ["20"]


def test_a_year_that_is_not_published_says_so(keeper):
    page = keeper.get("/admin/calendars/1").click("2027")
    assert page.has("not published yet", "Dates in it are provisional", "13 days")


def test_the_names_are_the_readers(tree, visitor):
    enters(visitor, tree.unit(tree.city, Line.PARTY), locale="zh_CN")
    page = visitor.get("/admin/calendars/1?year=2026")
    assert page.has("通用工作日历", "2026年10月", "国庆节", "调休上班", "已公布至 2026年12月31日")
    assert "National Day" not in page.main


def test_a_reader_corrects_nothing(tree, visitor):
    enters(visitor, tree.unit(tree.county, Line.PARTY))
    page = visitor.get("/admin/calendars/1")
    assert page.has("Spring Festival")
    assert not page.has("Correct a day")
    visitor.get("/admin/calendars/1/change?day=2026-11-24&kind=rest", status=403)


# -- a day -----------------------------------------------------------------------------------------------------------


def test_a_day_is_corrected_after_a_preview_and_with_a_reason(keeper, task):
    preview = keeper.get("/admin/calendars/1").submit("Show what changes", day="2026-11-24", kind="rest", name="县庆日")
    assert preview.has("Assignments whose dates move", "Tue 24 Nov", "holiday", "县庆日")
    assert "6" in preview.main
    assert dues(task) == {end_of_day(date(2026, 11, 27), "Asia/Shanghai")}
    again = preview.submit("Correct the calendar", status=422, reason=" ")
    assert again.has("Please say why")
    page = again.submit("Correct the calendar", reason="县庆放假通知")
    assert page.has("1 day corrected; the dates of 6 assignments moved.", "version 2", "县庆日")
    assert dues(task) == {end_of_day(date(2026, 11, 30), "Asia/Shanghai")}
    assert [entry.reason for entry in corrections()] == ["县庆放假通知"]


def test_a_listed_day_is_taken_off(keeper):
    page = keeper.get("/admin/calendars/1?year=2026").click("Remove Thu 1 Jan")
    assert page.has("as its weekday says", "New Year's Day")
    page.submit("Correct the calendar", reason="试")
    assert db.session.get(CalendarDay, (1, date(2026, 1, 1))) is None


def test_who_comes_second_is_told(keeper):
    first = keeper.get("/admin/calendars/1/change?day=2026-11-24&kind=rest")
    second = keeper.get("/admin/calendars/1/change?day=2026-11-25&kind=rest")
    first.submit("Correct the calendar", reason="一")
    second.submit("Correct the calendar", status=409, reason="二")
    assert len(corrections()) == 1


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("day=1999-01-01&kind=rest", "Day: A calendar holds the years"),
        ("day=x&kind=rest", "Day: Please write the day as 2026-11-20."),
        ("day=2026-11-24&kind=7", "It is: Please choose one of the list."),
        ("day=2026-11-24&kind=rest&name=" + "x" * 90, "Name of the day: At most 80 characters; these are 90."),
        ("day=&kind=rest", "Day: Please give a day"),
        ("known_until=9999-99-99", "Known until: Please write the day as 2026-11-20."),
    ],
)
def test_what_cannot_be_is_told_at_its_field(keeper, asked, told):
    assert keeper.get(f"/admin/calendars/1/change?{asked}", status=422).has(told)


def test_what_is_there_already_has_no_button(keeper):
    page = keeper.get("/admin/calendars/1/change?day=2026-10-01&kind=rest&name=国庆节")
    assert page.has("there is nothing to change")
    assert "Leave it as it is" not in page.main


def test_how_far_it_is_known_is_set(keeper):
    page = keeper.get("/admin/calendars/1/change?known_until=2027-12-31")
    assert page.has("2026-12-31, then 2027-12-31")
    assert not page.has("known less far")
    assert keeper.get("/admin/calendars/1/change?known_until=2025-12-31").has("known less far than now")
    page.submit("Correct the calendar", reason="已公布")
    assert db.session.get_one(Calendar, 1).known_until == date(2027, 12, 31)


# -- a table ---------------------------------------------------------------------------------------------------------


def test_a_table_is_previewed_and_then_taken_whole(keeper, task):
    text = HEADINGS + "2026-11-24,休,县庆日\n2026-11-28,班,县庆日\n2026-10-01,休,国庆节\n"
    preview = upload(keeper, text, known_until="2026-12-31")
    assert preview.has("放假.csv", "Tue 24 Nov", "Sat 28 Nov", "make-up day")
    assert "Thu 1 Oct" not in preview.main
    page = preview.submit("Correct the calendar", reason="县庆调休")
    assert page.has("2 days corrected; the dates of 6 assignments moved.")
    assert dues(task) == {end_of_day(date(2026, 11, 28), "Asia/Shanghai")}


def test_bad_rows_are_listed_and_nothing_is_changed(keeper):
    text = HEADINGS + "2026-11-24,休,\n2026-02-30,休,\n2026-11-25,也许,\n,休,春节\n2026-11-26,,\n"
    page = upload(keeper, text, status=422)
    assert page.has("2026-02-30", "也许", "The cell for the date is empty.", "(as its weekday) is empty.")
    rows = [row.text for row in page.root.all("tr")]
    assert [row.split()[0] for row in rows if row[0].isdigit()] == ["3", "4", "5", "6"]
    assert db.session.scalar(select(func.count()).where(CalendarDay.day == date(2026, 11, 24))) == 0
    upload(keeper, "", status=422)


def test_what_is_exported_can_be_imported_again(keeper):
    text = keeper.client.get("/admin/calendars/1.csv").data.decode("utf-8-sig")
    assert text.splitlines()[:2] == ["day,kind,name", "2024-01-01,rest,New Year's Day"]
    assert upload(keeper, text, encoding="utf-8").has("there is nothing to change")
    keeper.client.set_cookie("locale", "zh_CN")
    book = keeper.client.get("/admin/calendars/1.xlsx").data
    assert len(list(load_workbook(io.BytesIO(book)).active.rows)) == 124
    form = keeper.get("/admin/calendars/1/import")
    assert form.submit("Show the preview", file=(io.BytesIO(book), "日历.xlsx")).has("there is nothing to change")


def test_a_chinese_export_says_it_in_chinese(tree, visitor):
    enters(visitor, tree.unit(tree.city, Line.PARTY), locale="zh_CN")
    text = visitor.client.get("/admin/calendars/1.csv").data.decode("utf-8-sig")
    assert text.splitlines()[:2] == ["日期,班/休,名称", "2024-01-01,休,元旦"]
    form = visitor.get("/admin/calendars/1/import")
    page = form.submit("预览", file=(io.BytesIO(text.encode("gb18030")), "日历.csv"))
    assert page.has("没有需要更改的内容")


# -- one's own -------------------------------------------------------------------------------------------------------


def test_an_area_gets_a_calendar_of_its_own(tree, visitor):
    enters(visitor, tree.unit(tree.county, Line.PARTY))
    page = visitor.get("/admin/calendars")
    assert page.submit("Create the calendar", status=422, area="云川市").has(
        "No area for which you may keep a calendar"
    )
    own = page.submit("Create the calendar", area="清河县")
    assert own.has("Calendar of 清河县", "Without a calendar of its own", "Everybody's calendar", "Correct a day")
    done = own.submit("Show what changes", day="2026-11-24", kind="rest").submit("Correct the calendar", reason="县庆")
    assert done.has("1 day corrected")
    assert db.session.get(CalendarDay, (1, date(2026, 11, 24))) is None
    own, everybodys = "Calendar of 清河县", "Everybody's calendar"
    with unit_of_work():
        db.session.get_one(Calendar, 1).known_until = date(2027, 12, 31)
    for asked, shown in (("", [everybodys, own]), ("?sort=known", [own, everybodys]), ("?text=清河县", [own]),
                         ("?text=tree", []), ("?sort=known&after=739981.9", [everybodys])):  # fmt: skip
        page = visitor.get(f"/admin/calendars{asked}")
        assert [link for link in page.links if link in (own, everybodys)] == shown
        if shown and "after" not in asked:
            rows = page.click("CSV").response.get_data(as_text=True).splitlines()[1:]
            assert [row.split(",")[0] for row in rows] == shown
    assert visitor.get("/admin/calendars?text=xyz").has("No calendar fits these filters.")


def test_new_published_days_are_offered_to_who_keeps_the_calendar(keeper):
    with unit_of_work():
        db.session.get_one(Calendar, 1).known_until = date(2025, 12, 31)
        db.session.execute(CalendarDay.__table__.delete().where(CalendarDay.day > date(2025, 12, 31)))
    page = keeper.get("/admin/calendars/1").click("Show what changes")
    assert page.has("2025-12-31, then 2026-12-31", "Days changed")
    page.submit("Correct the calendar", reason="国务院办公厅通知")
    assert db.session.get_one(CalendarDay, (1, date(2026, 10, 10))).works
    assert not keeper.get("/admin/calendars/1").has("The product brings them along")


# -- provisional -----------------------------------------------------------------------------------------------------


def test_a_date_after_what_is_known_is_marked_before_and_after_the_dispatch(tree, visitor, now):
    campaign = make.campaign(tree.unit(tree.county))
    near, far = (make.task(campaign, title, due_on=day) for title, day in (
        ("年内办结", date(2026, 12, 31)), ("跨年办结", date(2027, 1, 1)),
    ))  # fmt: skip
    visitor.sign_in(tree.holder(tree.county, Role.DISPATCHER))
    pages = [visitor.get(f"/campaigns/{campaign.id}/preview?task={task.id}") for task in (near, far)]
    assert [page.has("暂定", "已公布至2026年12月31日") for page in pages] == [False, True]
    assert pages[1].has("不是工作日")  # new year's day is a Friday
    for task in (near, far):
        with unit_of_work():
            dispatch(task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now)
    unit = tree.unit(tree.villages[0]).id
    for place, role, pages in (
        (tree.county, Role.DISPATCHER, ("/ledger", "/extend")), (tree.villages[0], Role.OFFICER, ("",)),
    ):  # fmt: skip
        visitor.sign_out()
        visitor.sign_in(tree.holder(place, role))
        for task, marked in ((near, False), (far, True)):
            found = db.session.scalar(
                select(Assignment.id).where(Assignment.task_id == task.id, Assignment.unit_id == unit)
            )
            marks = [visitor.get(f"/assignments/{found}{page}").has("暂定") for page in pages]
            assert marks == [marked] * len(pages)


def test_a_correction_stands_in_the_log_of_those_who_go_by_the_calendar(tree, keeper):
    keeper.get("/admin/calendars/1/change?day=2026-11-24&kind=rest").submit("Correct the calendar", reason="县庆放假")
    assert keeper.get("/admin/log?subject=calendar").has("Working days corrected", "县庆放假", "Calendar 1")
    keeper.sign_out()
    enters(keeper, tree.unit(tree.townships[0], Line.PARTY), Role.AUDITOR)
    page = keeper.get("/admin/log?subject=calendar")
    assert page.has("县庆放假")
    assert page.click("Calendar 1").has("Everybody's calendar")
