"""Pictures: what is drawn is what the numbers say, it is read aloud, and no name breaks it."""

import re
from decimal import Decimal
from xml.etree import ElementTree

import pytest

from campaign.web.pictures import Column, Series, Step, bullet, ceiling, funnel, lines, sample, spaced, split, stack

HOSTILE = "<b>\"&'</b>"


def tree(drawn) -> ElementTree.Element:
    return ElementTree.fromstring(f"<div>{drawn}</div>")


def widths(drawn, kind: str) -> list[float]:
    return [float(part.get("width").rstrip("%")) for part in tree(drawn).iter("rect") if part.get("class") == kind]


@pytest.mark.parametrize(
    ("most", "top"),
    [
        (0, 4),
        (1, 4),
        (3, 4),
        (5, 8),
        (99, 100),
        (100, 100),
        (101, 120),
        (238, 240),
        (8500, 10_000),
        ("0.3", "0.32"),
        ("87.5", 100),
    ],
)
def test_an_axis_ends_at_a_round_number_above_what_is_shown(most, top):
    assert ceiling(Decimal(most)) == Decimal(top)


def test_the_axis_names_the_last_place_and_few_others():
    assert spaced(30, 5) == [5, 11, 17, 23, 29]
    assert (spaced(3, 5), spaced(1, 5), spaced(0, 5)) == ([0, 1, 2], [0], [])


def test_a_funnel_shows_what_is_lost_on_the_way():
    drawn = funnel(
        "f", "标题", "下达 8", [Step("下达", 8, "8"), Step("签收", 4, "4"), Step("通过", 1, "1", "approved")]
    )
    assert widths(drawn, "p-given") == [100, 50]
    assert (widths(drawn, "p-lost"), widths(drawn, "p-approved")) == ([100, 100, 50], [12.5])
    assert widths(funnel("f", "", "", [Step("下达", 0, "0")]), "p-given") == [0]


def test_a_stack_adds_up_and_tells_its_parts_apart_without_colour():
    parts = (("approved", 50), ("pending", 30), ("returned", 20), ("missing", 0))
    drawn = stack("s", "标题", "描述", [Column(parts, "11月20日"), Column(parts)], str)
    heights = [
        float(each.get("height").rstrip("%")) for each in tree(drawn).iter("rect") if each.get("y", "").endswith("%")
    ]
    assert heights == [50, 30, 20] * 2
    assert {each.get("fill") for each in tree(drawn).iter("rect")} >= {"url(#s-pending)", "url(#s-returned)"}
    assert [each.text for each in tree(drawn).iter("text")] == ["11月20日"]
    assert [each.text for each in tree(drawn).iter("span")] == ["100", "75", "50", "25", "0"]


def test_lines_end_where_their_numbers_are():
    series = [Series("approved", ((0, 0), (0.5, 50), (1, 100)), dots=True), Series("target", ((0, 100), (1, 100)))]
    drawn = lines("l", "标题", "描述", series, [(0, "1月"), (1, "12月")], str)
    assert [each.get("d") for each in tree(drawn).iter("path")] == ["M0 1000L500 500L1000 0", "M0 0L1000 0"]
    assert [each.get("text-anchor") for each in tree(drawn).iter("text")] == ["start", "end"]


def test_a_bullet_and_a_split_stay_inside_their_width():
    drawn = bullet("b", 60, 30, 120, 80)
    assert (widths(drawn, "p-approved"), widths(drawn, "p-pending")) == ([50], [25])
    assert [each.get("x1") for each in tree(drawn).iter("line")] == ["66.67%", "99.6%"]
    assert widths(bullet("b", 0, 0, None), "p-approved") == [0]
    assert widths(bullet("b", 300, 0, 100), "p-approved") == [100]
    whole = split("a", "", "", [("split", Decimal(8120)), ("kept", 200), ("gap", 180)])
    assert sum(sum(widths(whole, f"p-{kind}")) for kind in ("split", "kept", "gap")) == pytest.approx(100, abs=0.02)


def test_every_picture_is_read_aloud_and_takes_any_name():
    drawn = [
        funnel("f", HOSTILE, HOSTILE, [Step(HOSTILE, 1, HOSTILE)]),
        stack("s", HOSTILE, HOSTILE, [Column((("approved", 1),), HOSTILE)], str),
        lines("l", HOSTILE, HOSTILE, [Series("approved", ((0, 1),))], [(0, HOSTILE)], str),
        split("a", HOSTILE, HOSTILE, [("split", 1)]),
    ]
    for each in drawn:
        [picture] = [found for found in tree(each).iter("svg") if found.get("role") == "img"]
        title, told = picture.find("title"), picture.find("desc")
        assert (title.text, told.text) == (HOSTILE, HOSTILE)
        assert picture.get("aria-labelledby") == f"{title.get('id')} {told.get('id')}"
    for each in (*drawn, bullet("b", 1, 1, 2), *map(sample, ("pending", "target", "approved"))):
        assert not re.search(r"\sstyle=|<script|<b>", each)
