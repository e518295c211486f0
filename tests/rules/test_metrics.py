"""The contract of every kind of metric: reading, adding up, comparing. A new kind must pass all of it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.rules.metrics import (
    KINDS,
    LARGEST,
    MONEY_UNITS,
    BadValue,
    Comparator,
    MetricKind,
    Value,
    meets,
    money_in,
    read_money,
    read_number,
    read_worded,
    short_money,
    ticked,
)

whole = st.integers(0, 10**9)
money = st.decimals(0, 10**9, places=2, allow_nan=False, allow_infinity=False)

# Values that may be typed for each kind. A kind without a line here fails the first test.
TYPED = {
    MetricKind.COUNT: st.builds(lambda n: {"value": str(n)}, whole),
    MetricKind.AMOUNT: st.builds(lambda n: {"value": f"{n:f}"}, money),
    MetricKind.RATE: st.tuples(whole, st.integers(1, 10**9)).map(
        lambda pair: {"numerator": str(min(pair)), "denominator": str(max(pair))}
    ),
    MetricKind.BOOLEAN: st.sampled_from([{"value": "0"}, {"value": "1"}]),
    MetricKind.CHECKLIST: st.sets(st.integers(1, 4)).map(
        lambda ticks: {"value": ",".join(map(str, ticks)) or "0", "of": "4"}
    ),
    MetricKind.TEXT: st.text(min_size=1, max_size=50).filter(str.strip).map(lambda text: {"value": text}),
}
kinds = pytest.mark.parametrize("kind", MetricKind)


@kinds
def test_every_kind_keeps_the_contract(kind):
    assert kind in KINDS, "one class and one registry line"
    assert kind in TYPED, "say here what may be typed"
    law = KINDS[kind]
    assert law.parts in (("value",), ("numerator", "denominator"))
    assert law.fills
    assert law.aggregations
    assert law.over_times


@kinds
@given(st.data())
def test_what_is_read_has_only_the_parts_of_its_kind(kind, data):
    value = KINDS[kind].read(data.draw(TYPED[kind]))
    filled = {name for name in ("number", "numerator", "denominator", "text") if getattr(value, name) is not None}
    assert filled == KINDS[kind].fills


@kinds
@given(st.data())
def test_reading_what_was_read_changes_nothing(kind, data):
    value = KINDS[kind].read(data.draw(TYPED[kind]))
    again = {"value": value.text or "0" if value.text is not None else f"{value.number or Decimal(0):f}", "of": "4"}
    again |= {"numerator": f"{value.numerator}", "denominator": f"{value.denominator}"}
    assert KINDS[kind].read({part: str(again[part]) for part in (*KINDS[kind].parts, "of")}) == value


@kinds
@pytest.mark.parametrize("typed", [{}, {"value": ""}, {"value": "  "}, {"numerator": "", "denominator": " "}])
def test_nothing_typed_is_no_value_and_no_error(kind, typed):
    assert KINDS[kind].read(typed) is None


@kinds
@given(st.data())
def test_the_order_of_units_does_not_matter(kind, data):
    values = [KINDS[kind].read(typed) for typed in data.draw(st.lists(TYPED[kind], max_size=6))]
    assert KINDS[kind].total(values) == KINDS[kind].total(data.draw(st.permutations(values)))


@kinds
@given(st.data())
def test_adding_up_in_groups_is_adding_up_at_once(kind, data):
    """Townships first, then the county: the same as all villages together."""
    values = [KINDS[kind].read(typed) for typed in data.draw(st.lists(TYPED[kind], min_size=2, max_size=6))]
    split = data.draw(st.integers(1, len(values) - 1))
    groups = [KINDS[kind].total(values[:split]), KINDS[kind].total(values[split:])]
    together = KINDS[kind].total(values)
    assert together is None if None in groups else KINDS[kind].total(groups) == together


@kinds
def test_nobody_has_no_total(kind):
    assert KINDS[kind].total([]) is None


BAD = [
    (MetricKind.COUNT, {"value": "twelve"}),
    (MetricKind.COUNT, {"value": "-1"}),
    (MetricKind.COUNT, {"value": "1.5"}),
    (MetricKind.COUNT, {"value": "1e5"}),
    (MetricKind.COUNT, {"value": "1_000"}),
    (MetricKind.COUNT, {"value": "NaN"}),
    (MetricKind.COUNT, {"value": "Infinity"}),
    (MetricKind.COUNT, {"value": str(LARGEST + 1)}),
    (MetricKind.COUNT, {"value": "=1+1"}),
    (MetricKind.COUNT, {"value": "3,5"}),
    (MetricKind.COUNT, {"value": "12 15"}),
    (MetricKind.COUNT, {"value": "−5"}),
    (MetricKind.AMOUNT, {"value": "1，5"}),
    (MetricKind.AMOUNT, {"value": "0.001"}),
    (MetricKind.RATE, {"numerator": "3", "denominator": ""}),
    (MetricKind.RATE, {"numerator": "", "denominator": "4"}),
    (MetricKind.RATE, {"numerator": "0", "denominator": "0"}),
    (MetricKind.RATE, {"numerator": "1.5", "denominator": "4"}),
    (MetricKind.BOOLEAN, {"value": "yes"}),
    (MetricKind.CHECKLIST, {"value": "0,1", "of": "4"}),
    (MetricKind.CHECKLIST, {"value": "5", "of": "4"}),
    (MetricKind.CHECKLIST, {"value": "1"}),
    (MetricKind.CHECKLIST, {"value": "一", "of": "4"}),
    (MetricKind.TEXT, {"value": "字" * 2001}),
]


@pytest.mark.parametrize(("kind", "typed"), BAD)
def test_a_bad_value_is_refused_with_a_sentence(kind, typed):
    with pytest.raises(BadValue) as refused:
        KINDS[kind].read(typed)
    assert str(refused.value.sentence).endswith((".", "?"))


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_a_sentence(typed):
    try:
        number = read_number(typed, 2)
    except BadValue:
        return
    assert 0 <= number <= LARGEST


FORMS = [("1,234", 1234), ("１２", 12), (" 7 ", 7), ("3，000", 3000), ("0012", 12), ("12.0", 12), ("+5", 5),
         ("1 200", 1200), ("3\xa0000", 3000), ("12,3456", 123456)]  # fmt: skip


@pytest.mark.parametrize(("typed", "number"), FORMS)
def test_numbers_are_read_as_people_write_them(typed, number):
    assert read_number(typed) == number


def test_money_adds_up_to_the_fen():
    amounts = [KINDS[MetricKind.AMOUNT].read({"value": text}) for text in ("0.10", "0.20", "99999999999.99")]
    assert KINDS[MetricKind.AMOUNT].total(amounts).number == Decimal("100000000000.29")


MONEY = [
    ("500", 4, 5_000_000), ("1.23456", 4, "12345.6"), ("0.000001", 4, "0.01"), ("2.5", 8, 250_000_000),
    ("0.0000000001", 8, "0.01"), ("1,234.56", 0, "1234.56"), ("1200", 8, 120_000_000_000),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "places", "yuan"), MONEY)
def test_money_is_read_and_shown_exactly_in_the_unit_of_the_plan(typed, places, yuan):
    assert places in MONEY_UNITS
    assert read_money(typed, places) == Decimal(yuan)
    assert f"{money_in(Decimal(yuan), places):f}" == typed.replace(",", "")


SAID = [  # a figure with its unit behind it: in which kind, counted in what, and what it means
    ("1.2万", MetricKind.COUNT, "个", 0, 12_000), ("1.2 万个", MetricKind.COUNT, "个", 0, 12_000),
    ("12个", MetricKind.COUNT, "个", 0, 12), ("３万人", MetricKind.COUNT, "人次", 0, 30_000),
    ("3万", MetricKind.COUNT, "万人次", 0, 3), ("65％", MetricKind.RATE, "%", 0, 65),
    ("3万元", MetricKind.AMOUNT, "元", 0, 30_000), ("3万", MetricKind.AMOUNT, "元", 8, 30_000),
    ("8亿元", MetricKind.AMOUNT, "元", 4, 800_000_000), ("￥1,200.50", MetricKind.AMOUNT, "元", 0, "1200.5"),
    ("500元", MetricKind.AMOUNT, "元", 4, 500), ("500", MetricKind.AMOUNT, "元", 4, 5_000_000),
    ("1,200", MetricKind.COUNT, "个", 0, 1200),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "kind", "unit", "places", "meant"), SAID)
def test_a_figure_that_names_its_unit_is_what_it_says(typed, kind, unit, places, meant):
    assert read_worded(typed, kind, unit=unit, money_places=places) == Decimal(meant)


WRONG = [
    "12%",
    "3月5日",
    "2026-11-20",
    "2026/3",
    "1.23456万",
    "(5)",
    "-3万",
    "9999999999亿",
    "5户",
    "万",
    "#REF!",
    "1.5个",
]


@pytest.mark.parametrize("typed", WRONG)
def test_other_words_are_refused_with_a_sentence(typed):
    with pytest.raises(BadValue) as refused:
        read_worded(typed, MetricKind.COUNT, unit="个")
    assert str(refused.value.sentence).endswith((".", "?"))


@pytest.mark.parametrize(("typed", "places"), [("0.0000001", 4), ("0.001", 0), ("1000000", 8), ("-1", 4)])
def test_money_below_the_fen_or_beyond_all_plans_is_refused(typed, places):
    with pytest.raises(BadValue):
        read_money(typed, places)


def test_a_checklist_is_done_when_everything_is_there():
    read = KINDS[MetricKind.CHECKLIST].read
    full, part = read({"value": "4,2,3,1", "of": "4"}), read({"value": "3,1", "of": "4"})
    assert (full.number, full.text) == (1, "1,2,3,4")
    assert (part.number, part.text, ticked(part)) == (0, "1,3", {1, 3})
    assert KINDS[MetricKind.CHECKLIST].total([full, part]) == part


def test_rates_roll_up_as_sum_over_sum():
    """One village of 1/1 and one of 0/99 are 1 in 100, not one half."""
    total = KINDS[MetricKind.RATE].total([Value(numerator=Decimal(1), denominator=Decimal(1)),
                                          Value(numerator=Decimal(0), denominator=Decimal(99))])  # fmt: skip
    assert KINDS[MetricKind.RATE].figure(total) == 1


def test_all_is_yes_only_when_all_say_yes():
    yes, no = (KINDS[MetricKind.BOOLEAN].read({"value": text}) for text in "10")
    assert KINDS[MetricKind.BOOLEAN].total([yes, yes]) == yes
    assert KINDS[MetricKind.BOOLEAN].total([yes, no]) == no


SHORT = [  # 元, the unit of the column, as it is shown, and whether that is all of it
    ("3073749.39", 8, "0.0307", False), ("307000", 8, "0.00307", True), ("307374.93", 8, "0.00307", False),
    ("800000000", 8, "8", True), ("1234567891.23", 8, "12.3457", False), ("31234.56", 4, "3.1235", False),
    ("31234", 4, "3.1234", True), ("31234.56", 0, "31234.56", True), ("0", 8, "0", True), ("0.01", 8, "1E-10", True),
    ("-3073749.39", 8, "-0.0307", False),
]  # fmt: skip


@pytest.mark.parametrize(("yuan", "places", "shown", "exact"), SHORT)
def test_money_of_many_places_is_rounded_for_a_column_and_says_so(yuan, places, shown, exact):
    assert short_money(Decimal(yuan), places) == (Decimal(shown), exact)


COMPARISONS = [
    (Comparator.AT_LEAST, "9.99", False), (Comparator.AT_LEAST, "10", True), (Comparator.AT_MOST, "10", True),
    (Comparator.AT_MOST, "10.01", False), (Comparator.EQUAL, "10", True), (Comparator.EQUAL, "11", False),
    (Comparator.MORE_THAN, "10", False), (Comparator.MORE_THAN, "10.01", True), (Comparator.NONE, "10", None),
]  # fmt: skip


@pytest.mark.parametrize(("comparator", "figure", "met"), COMPARISONS)
def test_a_figure_meets_its_target_or_not(comparator, figure, met):
    assert meets(Decimal(figure), comparator, Decimal(10)) is met


@pytest.mark.parametrize("comparator", Comparator)
def test_where_there_is_no_figure_or_no_target_nothing_is_compared(comparator):
    assert meets(None, comparator, Decimal(1)) is None
    assert meets(Decimal(1), comparator, None) is None
