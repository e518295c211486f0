"""How a metric stands, in words and in numbers for a table: figure, target, distance, and what that means."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from flask import Blueprint
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup

from ..documents.sheets import Cell, Column, Show
from ..queries.rollup_compared import AgainstBefore
from ..queries.stands import Stand
from ..rules.metrics import MONEY_UNITS, Comparator, MetricKind, meets, money_in, short_money
from ..rules.relative import IN_PERCENT, RAISES
from ..rules.targets import Compares, Relative
from .filters import ABSENT, chinese, day_number, number, percent

bp = Blueprint("stand_words", __name__)
YUAN = "yuan"


def unit_of(metric: Any, of_units: bool) -> str:
    """The unit of measure of a column: of the metric itself, or units where those that meet are counted."""
    if of_units:
        return _("units")
    if metric.kind is MetricKind.RATE:
        return "%"
    if metric.kind is MetricKind.AMOUNT:
        return MONEY_UNITS[metric.money_places] if chinese() else YUAN
    return str(metric.unit_of_measure)


def plain(n: Decimal | None, metric: Any, of_units: bool) -> Decimal | None:
    """The number as a column in that unit shows it."""
    if n is None or of_units or metric.kind is not MetricKind.AMOUNT:
        return n
    return money_in(n, metric.money_places) if chinese() else n


def bare(n: Decimal | None, metric: Any, of_units: bool) -> str:
    """The number without its unit, for a column that names it; a rate keeps its sign. What has many places (money in
    亿元, a milestone in proportion) is rounded, and says so."""
    if n is not None and not of_units and metric.kind is MetricKind.RATE:
        return percent(n)
    short = _short(n, metric, of_units)
    return number(plain(n, metric, of_units)) if short is None else f"≈{number(short)}"


def bare_cell(n: Decimal | None, metric: Any, of_units: bool) -> str:
    """The same for a page: what is rounded tells the exact number when it is pointed at."""
    if _short(n, metric, of_units) is None:
        return bare(n, metric, of_units)
    exact = f"{number(plain(n, metric, of_units))} {unit_of(metric, of_units)}"
    return Markup('<span class="nowrap" title="{}">{}</span>').format(exact, bare(n, metric, of_units))


def _short(n: Decimal | None, metric: Any, of_units: bool) -> Decimal | None:
    """The number as it is rounded for a column; None where it stands as it is."""
    if n is None or of_units or metric.kind is MetricKind.RATE:
        return None
    money = metric.kind is MetricKind.AMOUNT and chinese()
    short, exact = short_money(n, metric.money_places if money else 0)
    return None if exact else short


def full(n: Decimal | None, metric: Any, of_units: bool) -> str:
    """The number with its unit, for a sentence."""
    if n is None:
        return ABSENT
    if of_units:
        return ngettext("%(number)s unit", "%(number)s units", int(n), number=number(n))
    text, unit = bare(n, metric, of_units), unit_of(metric, of_units)
    return text if unit == "%" else f"{text} {unit}".strip()


def fraction(stand: Stand) -> str:
    """Both parts of a rate, or how many units meet of those asked; '' where there is none."""
    if stand.of_units:
        return f"{number(stand.figure)}/{number(stand.rolled.asked)}" if stand.figure is not None else ""
    value = stand.rolled.value()
    if value is None or value.numerator is None or not value.denominator:
        return ""
    return f"{number(value.numerator)}/{number(value.denominator)}"


def left_words(stand: Stand, metric: Any) -> str:
    """The distance to the target in words: 1,234 still to go, 3 too many, reached."""
    if stand.left is None:
        return ABSENT
    if stand.reached:
        return _("reached")
    if not stand.of_units and metric.kind is MetricKind.RATE:
        points = number(stand.left.quantize(Decimal("0.1")))
        return _("%(points)s points to go", points=points)
    figure = full(stand.left, metric, stand.of_units)
    if metric.comparator is Comparator.AT_MOST and not stand.of_units:
        return _("%(figure)s too many", figure=figure)
    return _("%(figure)s to go", figure=figure)


def before_word(metric: Any) -> str:
    """What the figure is compared with."""
    return _("Baseline") if metric.compares is Compares.BASELINE else _("Same period last year")


def before_day(against: AgainstBefore, metric: Any) -> str:
    """Up to which day of last year it is compared, or that it is the whole of it; '' for a baseline."""
    if metric.compares is Compares.BASELINE:
        return ""
    if against.until is None:
        return _("all of last year")
    return _("up to %(day)s", day=day_number(against.until))


def change_words(against: AgainstBefore, metric: Any) -> str:
    """By how much a figure is another one than before: +120 (+15.3%), of a rate in points."""
    if against.change is None:
        return ABSENT
    sign = "+" if against.change > 0 else "−" if against.change < 0 else "±"
    if metric.kind is MetricKind.RATE:
        points = number(abs(against.change).quantize(Decimal("0.1")))
        return _("%(sign)s%(points)s points", sign=sign, points=points)
    text = f"{sign}{bare(abs(against.change), metric, False)}"
    if against.percent is None:
        return text
    return _("%(change)s (%(sign)s%(percent)s)", change=text, sign=sign, percent=percent(abs(against.percent)))


def relative_words(metric: Any) -> str:
    """What a target follows from: 10% more than the baseline of 1,200; '' where it is given as a figure."""
    if metric.relative is Relative.NOTHING or metric.change is None:
        return ""
    rises, rated = metric.relative in RAISES, metric.kind is MetricKind.RATE
    if metric.relative in IN_PERCENT:
        by = f"{number(metric.change)}%"
    elif rated:
        by = _("%(n)s points", n=number(metric.change))
    else:
        by = full(metric.change, metric, False)
    what = before_word(metric)
    if metric.base is None:
        told = _("%(by)s more than: %(what)s") if rises else _("%(by)s less than: %(what)s")
        return told % {"by": by, "what": what}
    told = _("%(by)s more than: %(what)s, %(base)s") if rises else _("%(by)s less than: %(what)s, %(base)s")
    return told % {"by": by, "what": what, "base": full(metric.base, metric, False)}


def against_columns(metric: Any) -> list[Column]:
    """The columns of the comparison with what was before."""
    show = Show.NUMBER if metric is None else sheet_show(metric, False)
    words = _("Figure of then") if metric is None else before_word(metric)
    return [
        Column(words, 14, show), Column(_("Counted up to"), 12, Show.DAY), Column(_("Change since then"), 12, show),
        Column(_("Change in percent"), 10, Show.PERCENT),
        Column(_("No worse"), 10), Column(_("Units with a figure of then"), 12, Show.WHOLE),
    ]  # fmt: skip


def against_cells(against: AgainstBefore | None, metric: Any, cell: Callable[[Decimal | None], Cell]) -> list[Cell]:
    """A comparison in these columns. `cell` gives a number as the sheet shows it."""
    if against is None:
        return [None] * 6
    held = None if against.held is None else _("no worse") if against.held else _("worse")
    part = None if against.percent is None else against.percent / 100
    return [cell(against.before), against.until, cell(against.change), part, held, against.units]


def mark_of(stand: Stand) -> tuple[str, str]:
    """The shape and the word for how it stands: reached, below the milestone in force, on the way, or no target."""
    if not stand.rolled.asked:
        return "cancelled", _("not asked")
    if stand.reached is None:
        return ("new", _("no target set")) if stand.target is None else ("open", _("nothing approved yet"))
    if stand.reached:
        return "done", _("reached")
    if behind(stand):
        return "behind", _("below the milestone")
    return "open", _("on the way")


def behind(stand: Stand) -> bool:
    """Whether what is approved is not yet what the milestone in force asks."""
    comparator = Comparator.AT_LEAST if stand.of_units else stand.rolled.comparator_now
    return meets(stand.figure, comparator, stand.by_now) is False


def sheet_show(metric: Any, of_units: bool) -> Show:
    """How a spreadsheet shows the figures of that metric."""
    if of_units or metric.kind is MetricKind.COUNT:
        return Show.WHOLE
    return Show.PERCENT if metric.kind is MetricKind.RATE else Show.NUMBER


def sheet_cell(n: Decimal | None, metric: Any, of_units: bool) -> Cell:
    """The number for such a cell; a percentage is a fraction of one there."""
    if n is not None and sheet_show(metric, of_units) is Show.PERCENT:
        return n / 100
    return plain(n, metric, of_units)


def cover_columns() -> list[Column]:
    """The columns of coverage, the same on every sheet."""
    heads = (_("Approved"), _("In review"), _("Returned"), _("Missing"), _("Total"))
    return [Column(_("%(part)s, units", part=head), 10, Show.WHOLE) for head in heads]


def cover_cells(stand: Stand) -> list[Cell]:
    """The coverage of a row in these columns."""
    rolled = stand.rolled
    return [rolled.approved, rolled.pending, rolled.returned, rolled.missing, rolled.asked]


GLOBALS: dict[str, Callable[..., Any]] = {
    "bare": bare_cell, "before_day": before_day, "before_word": before_word,
    "change_words": change_words, "relative_words": relative_words,
    "full_figure": full, "fraction": fraction, "left_words": left_words, "mark_of": mark_of,
    "unit_of": unit_of,
}  # fmt: skip
for _name, _function in GLOBALS.items():
    bp.add_app_template_global(_function, _name)
