"""What is pasted from a spreadsheet is used line by line, or named with its line and the reason."""

from campaign.rules.metrics import KINDS, MetricKind
from campaign.rules.pasting import read_pasted

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
