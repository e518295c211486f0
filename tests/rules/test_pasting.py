"""What is pasted from a spreadsheet is used line by line, or named with its line and the reason."""

import pytest

from campaign.rules.metrics import KINDS, MetricKind
from campaign.rules.naming_units import spellings
from campaign.rules.pasting import called_in, read_pasted

UNITS = {"东村妇联": [1], "101": [1], "西村": [2], "102": [2], "新村": [3, 4], "103": [3]}
PEOPLE = {1: {"王桂芬": 71}, 2: {"李春": 72}}


def number(text: str):
    return KINDS[MetricKind.COUNT].read({"value": text})


def test_every_line_is_used_or_named():
    text = (
        "单位\t人数\t负责人\r\n东村妇联\t1,200\t王桂芬\n102\t３５\n\n新村\t5\n无此村\t6\n西村\t9\n103\t十\n104\n"
        "103\t2.5\n103\t7\t王桂芬\n103\t7\t\t\n"
    )
    found = read_pasted(text, UNITS, [number], PEOPLE)
    assert found.figures == {1: ("1,200",), 2: ("３５",), 3: ("7",)}
    assert found.people == {1: 71}
    said = {line.number: str(line.why) for line in found.bad}
    assert list(said) == [5, 6, 7, 8, 9, 10, 11]
    assert "2 units" in said[5]
    assert "无此村" in said[6]
    assert "line 3" in said[7]
    assert "十" in said[8]
    assert "whole" in said[10]
    assert "王桂芬" in said[11]
    assert found.rest.split("\n")[0] == "新村\t5"


def test_without_figures_only_units_and_people_are_read():
    found = read_pasted("东村妇联\t王桂芬\n西村", UNITS, [], PEOPLE)
    assert (found.figures, found.people, found.bad) == ({1: (), 2: ()}, {1: 71}, [])


PLACES = {
    "河口镇东村": [1], "东村": [1, 4], "东村妇联": [1, 4], "990101001001": [1], "西塘村": [2], "990101001002": [2],
    "桥东街道": [3], "990101002000": [3], "山口镇东村": [4], "苏店社区": [5], "苏店村": [6], "柳 林 村": [7],
}  # fmt: skip
SHEETS = [  # what was pasted; who is meant with which figure; which lines are passed over; which are named as bad
    ("2026年任务分解表\t\t\n单位\t计划数\n西塘村\t5\n合 计\t5", {2: "5"}, [1, 2, 4], []),
    ("序号\t单位\t数\n1\t西塘村\t5\n2\t苏店村\t6", {2: "5", 6: "6"}, [1], []),
    ("990101001001\t东村\t5\n东村\t990101001002\t6", {1: "5"}, [], [2]),
    ("河口镇\t东村\t5\n\t西塘村\t6\n山口镇\t东村\t7", {1: "5", 2: "6", 4: "7"}, [], []),
    ("西 塘 村\t5\n柳林村\t6\n苏店　社区\t7", {2: "5", 7: "6", 5: "7"}, [], []),
    ("西塘\t5\n桥东街道办事处\t6\n苏店村委会\t7\n苏店居委会\t8", {2: "5", 3: "6", 6: "7", 5: "8"}, [], []),
    ("苏店\t5\n东村\t6\n西塘社区\t7\n桥东\t8", {3: "8"}, [], [1, 2, 3]),
    ("990101002\t5\n990101001002.0\t6", {3: "5"}, [], [2]),
    ("西塘村\t\t\t5\n苏店村\t\t\t6", {2: "5", 6: "6"}, [], []),
    ("西塘村\t\t\n苏店村\t6\t", {2: "", 6: "6"}, [], []),
    ("备注\t数（户）\t单位\n1\t5\t西塘村", {}, [], [1, 2]),
    ("制表：2026-11-20\n单位\t人口\t数（户）\n西塘村\t900\t5", {}, [1, 2], [3]),
    ("单位\t负责人\t数（户）\n西塘村\t李春\t5", {2: "5"}, [1], []),
    ("无此村\n\n也无\t\n", {}, [], [1, 3]),
    ("西塘村\t5\r\n  \t \r\n西塘村\t6\r", {2: "5"}, [], [3]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "figures", "passed", "bad"), SHEETS)
def test_a_sheet_is_understood_as_people_have_it(text, figures, passed, bad):
    found = read_pasted(text, PLACES, [number], {2: {"李春": 72}}, ["数"])
    assert {unit: figure for unit, (figure,) in found.figures.items()} == figures
    assert [line.number for line in found.passed] == passed
    assert [line.number for line in found.bad] == bad


def test_two_figures_are_found_below_their_headings_in_any_order():
    text = "单位\t户数（户）\t人数\n东村妇联\t3\t40\n102\t4\t50\t李　春\n合计\t7\t90"
    found = read_pasted(text, UNITS, [number, number], PEOPLE, ["人数", "户数"])
    assert found.people == {2: 72}
    assert (found.figures, [line.shown for line in found.passed]) == (
        {1: ("40", "3"), 2: ("50", "4")}, ["单位 户数（户） 人数", "合计 7 90"],
    )  # fmt: skip


def test_records_are_asked_for_what_was_typed_in_every_spelling():
    assert {"河口村", "河口村民委员会", "河口"} <= spellings("河　口 村委会")
    assert "服务中心（北）" in spellings("服务中心(北)") and "桥东街道" in spellings("桥东")
    assert (spellings("990101"), spellings("990101001.0") & {"990101001.0"}, spellings("55"), spellings("1.5")) == (
        {"990101", "990101000000"}, {"990101001.0"}, set(), set()
    )  # fmt: skip
    assert called_in("1\t河口镇\t东村\t\t5\n \t\n合计") == {"1", "河口镇", "东村", "合计"}
