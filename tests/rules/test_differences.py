"""What changed between two versions."""

from decimal import Decimal

import pytest

from campaign.rules.differences import MOST_TOKENS, Content, Mark, compare_words, differences
from campaign.rules.metrics import Value

ONE = Value(number=Decimal(214))
TWO = Value(number=Decimal(196))


def joined(pieces, *marks):
    return "".join(piece.text for piece in pieces if piece.mark in marks)


def test_same_versions_have_no_differences():
    content = Content("办了两期", {1: ONE}, {5: "签到册.pdf"})
    assert not differences(content, content)


def test_a_figure_that_changed_is_named_with_both_values():
    found = differences(Content(values={1: ONE, 2: ONE}), Content(values={1: TWO, 2: ONE}))
    assert [(c.metric_id, c.was, c.now) for c in found.values] == [(1, ONE, TWO)]
    assert found.of(1) is found.values[0]
    assert found.of(2) is None


def test_a_figure_that_came_or_went_has_none_on_the_other_side():
    found = differences(Content(values={1: ONE}), Content(values={2: TWO}))
    assert [(c.metric_id, c.was, c.now) for c in found.values] == [(2, None, TWO), (1, ONE, None)]


def test_evidence_is_told_by_id_not_by_name():
    found = differences(Content(evidence={1: "a.jpg", 2: "b.jpg"}), Content(evidence={2: "b.jpg", 3: "a.jpg"}))
    assert found.added == ((3, "a.jpg"),)
    assert found.removed == ((1, "a.jpg"),)


def test_chinese_words_are_marked_by_character():
    pieces = compare_words("培训214人次，到场满意", "培训196人次，到场满意")
    assert [(p.mark, p.text) for p in pieces] == [
        (Mark.SAME, "培训"),
        (Mark.GONE, "214"),
        (Mark.NEW, "196"),
        (Mark.SAME, "人次，到场满意"),
    ]


def test_tiny_islands_between_changes_are_swallowed():
    pieces = compare_words("甲乙丙的丁戊己，全村都到了", "子丑寅的卯辰巳，全村都到了")
    assert [p.mark for p in pieces] == [Mark.GONE, Mark.NEW, Mark.SAME]


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("", "new words"),
        ("old words", ""),
        ("a b c d", "a x c y"),
        ("第一句。第二句。", "第二句。第三句！"),
        ("one two\nthree", "one\ttwo\nfour"),
        ("甲。" * MOST_TOKENS, "甲。" * (MOST_TOKENS - 1) + "乙。"),
    ],
)
def test_both_texts_can_be_read_back_from_the_marks(was, now):
    pieces = compare_words(was, now)
    assert joined(pieces, Mark.SAME, Mark.NEW) == now
    assert joined(pieces, Mark.SAME, Mark.GONE) == was
