"""The figures of the report form: each kind as it is typed, kept in a draft, read, and asked about.

Money is typed in one unit for the whole form: 元, 万元 or 亿元, as the officer chooses, first as the plan says it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from markupsafe import Markup, escape
from werkzeug.datastructures import MultiDict

from ..queries.assignments import Asked, Whole
from ..rules.comparing import change
from ..rules.flag_sentences import sentence
from ..rules.flags import Found
from ..rules.metrics import (
    KINDS,
    MONEY_UNITS,
    NONE_OF_THEM,
    BadValue,
    MetricKind,
    Value,
    money_in,
    read_money,
    read_number,
)
from ..rules.plausible import doubts
from ..rules.targets import Compares
from .filters import TEN_THOUSAND, chinese, day_number, figure_words, number, percent, value_words
from .language import speak

Fields = dict[str, Any]
MONEY = {"yuan": 0, "wan": 4, "yi": 8}  # the choices of the form, and by how many places each moves the point
WORDLESS = (MetricKind.BOOLEAN, MetricKind.TEXT, MetricKind.AMOUNT, MetricKind.CHECKLIST)
EXPLAIN, LONGEST = "explain-", 400


@dataclass(frozen=True)
class Doubt:
    """A figure that may be right and should be looked at; what the officer says to it."""

    key: str
    name: str
    sentence: str
    explanation: str


@dataclass(frozen=True)
class JointField:
    """The part of a figure that was done with one unit of another line. `credited`: what that unit has reported already
    as done with this one, in words; then nothing need be typed here."""

    id: str
    unit_name: str
    typed: str
    errors: tuple[str, ...] = ()
    credited: str = ""


@dataclass(frozen=True)
class MetricField:
    """One figure on the form. `parts`: (name, label, what is typed); `taken_at`: from an earlier report, untouched,
    `taken_from` the task that it was reported for, '' for this one. `depth`: 1 for a part of the figure above. `joint`:
    the parts done with units of other lines, where that is possible."""

    metric: Asked
    id: str
    parts: tuple[tuple[str, str, str], ...]
    facts: tuple[tuple[str, str], ...] = ()
    taken_at: datetime | None = None
    taken_from: str = ""
    errors: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    depth: int = 0
    joint: tuple[JointField, ...] = ()

    @property
    def typed(self) -> str:
        """What is typed into the only part."""
        return self.parts[0][2]

    @property
    def joint_stands(self) -> bool:
        """Whether a part done with others was typed, here or there, so that it must not be folded away."""
        return any(each.typed.strip() or each.errors or each.credited for each in self.joint)

    @property
    def ticks(self) -> list[str]:
        """The positions ticked in a checklist; '0' for none of them."""
        return [tick for tick in self.typed.split(",") if tick]

    @property
    def rate_words(self) -> str:
        """The percentage of a rate, when both parts are numbers."""
        try:
            value = KINDS[self.metric.kind].read({"numerator": self.parts[0][2], "denominator": self.parts[1][2]})
        except BadValue:
            return ""
        return percent(KINDS[self.metric.kind].figure(value)) if value else ""


def metric_name(metric: Asked) -> str:
    """The name of its field."""
    return f"metric-{metric.id}"


def part_names(metric: Asked) -> list[tuple[str, str]]:
    """The part of the kind and the name of its field."""
    parts = KINDS[metric.kind].parts
    return [(part, metric_name(metric) if part == "value" else f"{metric_name(metric)}-{part}") for part in parts]


def is_money(metric: Asked) -> bool:
    """Whether the figure is an amount of money."""
    return metric.kind is MetricKind.AMOUNT


def first_money(whole: Whole, remembered: str = "") -> str:
    """The unit in which money is typed at first: as the officer chose it last, unless that is too large for what is
    asked here; else as the plan says it or the next smaller one that fits (700 万元 of a plan's 8 亿元), else 元 or
    万元, whichever the plan's own figures suggest."""
    amounts = [metric for metric in whole.metrics if is_money(metric)]
    places = max((_fitting(metric) for metric in amounts), default=0)
    if MONEY.get(remembered, MONEY["yi"] + 1) <= max(places, MONEY["wan"]):
        return remembered
    if not chinese():
        return "yuan"
    if places:
        return next(name for name, moved in MONEY.items() if moved == places)
    known = [metric.target or metric.total or (metric.last and metric.last.number) for metric in amounts]
    return "wan" if any(figure and figure >= TEN_THOUSAND for figure in known) else "yuan"


def _fitting(metric: Asked) -> int:
    """By how many places the plan's unit moves the point, or a smaller one of which at least one is asked here."""
    asked, places = metric.target or metric.total, metric.money_places
    while places and asked and asked < Decimal(1).scaleb(places):
        places -= MONEY["wan"]
    return places


def money_choices(whole: Whole, chosen: str) -> list[tuple[str, str]]:
    """The units that the form offers; 亿元 only where the plan speaks in it."""
    words = {"yi": _("100 million yuan"), "wan": _("10,000 yuan"), "yuan": _("yuan")}
    great = chosen == "yi" or any(metric.money_places == MONEY["yi"] for metric in whole.metrics)
    return [(name, said) for name, said in words.items() if name != "yi" or great]


def first_figures(whole: Whole, money: str) -> Fields:
    """What the figures start with: what was reported last, here or for another task of the same time; the whole of a
    rate as its register counts it."""
    fields: Fields = {}
    for metric in whole.metrics:
        elsewhere = metric.elsewhere
        value = metric.former or metric.last or (elsewhere.value if elsewhere else None)
        if value:
            fields |= typed_value(metric, value, money)
        elif metric.counted is not None:
            fields[f"{metric_name(metric)}-denominator"] = plain(metric.counted)
    return fields


def typed_value(metric: Asked, value: Value, money: str) -> Fields:
    """The value as it would be typed."""
    if metric.kind is MetricKind.RATE:
        names = [name for _part, name in part_names(metric)]
        return dict(zip(names, (plain(value.numerator), plain(value.denominator)), strict=True))
    if metric.kind is MetricKind.TEXT:
        return {metric_name(metric): value.text or ""}
    if metric.kind is MetricKind.CHECKLIST:
        return {metric_name(metric): value.text or NONE_OF_THEM}
    if is_money(metric) and value.number is not None:
        return {metric_name(metric): plain(money_in(value.number, MONEY[money]))}
    return {metric_name(metric): plain(value.number)}


def plain(figure: Decimal | None) -> str:
    """A number as one types it."""
    if figure is None:
        return ""
    text = f"{figure:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def posted_figures(form: MultiDict[str, str], whole: Whole) -> Fields:
    """The figures that were sent, with the explanations of doubtful ones and the doubts that were read."""
    fields: Fields = {"money": form.get("money", "")}
    for metric in whole.metrics:
        for _part, name in part_names(metric):
            ticked = metric.kind is MetricKind.CHECKLIST
            fields[name] = ",".join(form.getlist(name)) if ticked else form.get(name, "")
    said = {name.removeprefix(EXPLAIN): form[name].strip()[:LONGEST] for name in form if name.startswith(EXPLAIN)}
    fields["explanations"] = {key: words for key, words in said.items() if words and len(key) < 120}
    fields["doubted"] = form.getlist("doubted")[:100]
    return fields


def read_values(fields: Fields, whole: Whole) -> tuple[dict[int, Value], dict[str, tuple[str, ...]]]:
    """The figures that were typed, and for each that is none the sentence that says so."""
    values: dict[int, Value] = {}
    errors: dict[str, tuple[str, ...]] = {}
    places = MONEY.get(str(fields.get("money")), 0)
    for metric in whole.metrics:
        typed = {part: str(fields.get(name, "")) for part, name in part_names(metric)}
        try:
            value = _read(metric, typed, places)
        except BadValue as error:
            errors[metric_name(metric)] = (_("%(name)s: %(what)s", name=metric.name, what=speak(error.sentence)),)
            continue
        if value is not None:
            values[metric.id] = value
    return values, errors


def _read(metric: Asked, typed: dict[str, str], places: int) -> Value | None:
    if is_money(metric) and typed["value"].strip():
        return Value(number=read_money(typed["value"], places))
    if metric.kind is MetricKind.CHECKLIST:
        typed["of"] = str(len(metric.items))
    untouched = metric.counted is not None and typed.get("denominator") == plain(metric.counted)
    if untouched and not typed["numerator"].strip():
        return None  # the whole was filled in from its register, and nothing else was said yet
    return KINDS[metric.kind].read(typed)


def doubts_in(fields: Fields, values: Mapping[int, Value], whole: Whole) -> list[Doubt]:
    """What is implausible in these values, each with what the officer said to it."""
    metrics = {metric.id: metric for metric in whole.metrics}
    said = fields.get("explanations") or {}
    found = doubts([metric.past for metric in whole.metrics], values)
    return [
        Doubt(one.key, metric_name(metrics[one.metric_id]), _said(one, metrics[one.metric_id]), said.get(one.key, ""))
        for one in found
        if one.metric_id is not None
    ]


def _said(found: Found, metric: Asked) -> str:
    """The finding in words, its figures as the page writes them."""
    counts = metric.kind is MetricKind.RATE and found.kind.name == "PART_ABOVE_WHOLE"
    data = dict(found.data)
    for name in ("value", "other"):
        figure = Decimal(data[name])
        data[name] = (
            number(figure) if counts else figure_words(figure, metric.kind, metric.unit_of_measure, metric.money_places)
        )
    return speak(sentence(found.kind, data))


def metric_field(
    metric: Asked, fields: Fields, values: Mapping[int, Value], whole: Whole, errors: Mapping[str, tuple[str, ...]],
    found: list[Doubt], today: date,
) -> MetricField:  # fmt: skip
    """The field of one figure as it is drawn."""
    labels = {
        "numerator": metric.numerator_name or _("Part"),
        "denominator": metric.denominator_name or _("Whole"),
        "value": metric.name,
    }
    parts = tuple((name, labels[part], str(fields.get(name, ""))) for part, name in part_names(metric))
    name, value, elsewhere = metric_name(metric), values.get(metric.id), metric.elsewhere
    facts = facts_of(metric, today)
    if moved := change_words(metric, value):
        facts.append((_("Against that"), moved))
    taken_at, taken_from = None, ""
    if value is not None and value == metric.last and whole.last_return is None:
        taken_at = metric.last_at
    elif elsewhere is not None and value == elsewhere.value:
        taken_at, taken_from = elsewhere.at, elsewhere.label
    return MetricField(
        metric, name, parts, tuple(facts), taken_at, taken_from, errors.get(name, ()),
        tuple(doubt for doubt in found if doubt.name == name), depth=0 if metric.parent_id is None else 1,
    )  # fmt: skip


def facts_of(metric: Asked, today: date) -> list[tuple[str, str]]:
    """What stands under the field: word and figure. The milestone in force, the target, the last figure, what it is
    compared with, and the register behind a rate."""
    found: list[tuple[str, str]] = []
    step = metric.step_on(today)
    if step is not None:
        aim = _as_typed(metric, _figure(metric, step.target), step.target)
        found.append((_("By %(day)s", day=day_number(step.due_on)), aim))
    if metric.target is not None:
        found.append((_("Target"), _as_typed(metric, _towards(metric, metric.target), metric.target)))
    elif metric.total is not None:
        found.append((_("Target of all together"), _as_typed(metric, _towards(metric, metric.total), metric.total)))
    if metric.last:
        found.append((_("Last"), _as_typed(metric, value_of(metric, metric.last), metric.last.number)))
    told = metric.compared
    if told is not None:
        named = _("Baseline %(what)s", what=told.label) if told.label else _("Baseline")
        said = _("Same time last year") if metric.compares is Compares.LAST_YEAR else named
        found.append((said, _as_typed(metric, value_of(metric, told.value), told.value.number if told.value else None)))
    if metric.register_name:
        counted = "" if metric.counted is None else number(metric.counted)
        found.append((_("Register “%(name)s”", name=metric.register_name), counted or _("not counted here yet")))
        if metric.condition:
            found.append((_("Counted is"), metric.condition))
    if not metric.measurable:
        found.append((_("In the plan’s own word"), metric.word or _("not measurable")))
    return found


def _figure(metric: Asked, figure: Decimal) -> str:
    if metric.kind is MetricKind.CHECKLIST:
        return _("everything on the list")
    return figure_words(figure, metric.kind, metric.unit_of_measure, metric.money_places)


def _as_typed(metric: Asked, words: str, figure: Decimal | None) -> str:
    """An amount as the plan says it, and beside it in each unit in which it may be typed; the page shows the one that
    is chosen, and none where both are the same."""
    if not is_money(metric) or figure is None or not chinese():
        return words
    others = [
        Markup('<span class="unit-{} nowrap">（{} {}）</span>').format(name, text, MONEY_UNITS[places])
        for name, places in MONEY.items()
        if not words.endswith(f"{(text := number(money_in(figure, places)))} {MONEY_UNITS[places]}")
    ]
    return escape(words) + Markup("").join(others)


def _towards(metric: Asked, figure: Decimal) -> str:
    words = _figure(metric, figure)
    if metric.comparator.name == "AT_MOST":
        return _("at most %(figure)s", figure=words)
    return _("more than %(figure)s", figure=words) if metric.comparator.name == "MORE_THAN" else words


def value_of(metric: Asked, value: Value | None) -> str:
    """A reported figure in words; of a checklist what is there, by name."""
    if value is None or metric.kind is not MetricKind.CHECKLIST:
        return value_words(value, metric.kind, metric.unit_of_measure, metric.money_places)
    there = [name for place, name in enumerate(metric.items, 1) if str(place) in (value.text or "").split(",")]
    return _("%(have)s of %(all)s: %(names)s", have=len(there), all=len(metric.items), names="、".join(there) or "—")


def change_words(metric: Asked, value: Value | None) -> str:
    """How a figure stands to its baseline or to last year: +82 所, +3.2 points; whether that meets the plan, where the
    plan has no other target. Empty where there is nothing to compare."""
    told = metric.compared
    moved = change(metric.kind, value, told.value if told else None, metric.comparator, metric.target)
    if moved is None:
        return ""
    sign = "+" if moved.by > 0 else "−" if moved.by < 0 else "±"
    size = f"{abs(moved.by):.1f}" if metric.kind is MetricKind.RATE else _figure(metric, abs(moved.by))
    words = _("%(n)s points", n=f"{sign}{size}") if metric.kind is MetricKind.RATE else f"{sign}{size}"
    if moved.met is None:
        return words
    return _("%(change)s, as the plan wants it", change=words) if moved.met else _("%(change)s, not yet", change=words)


def unit_words(metric: Asked) -> str:
    """What stands beside the field of a figure."""
    return "" if metric.kind in WORDLESS else metric.unit_of_measure


def distance_words(shown: MetricField, money: str) -> str:
    """How far a count or an amount is from its target; empty when it is reached or cannot be said."""
    metric = shown.metric
    if metric.target is None or metric.kind not in (MetricKind.COUNT, MetricKind.AMOUNT):
        return ""
    try:
        typed = read_money(shown.typed, MONEY.get(money, 0)) if is_money(metric) else read_number(shown.typed)
    except BadValue:
        return ""
    if metric.comparator.name not in ("AT_LEAST", "MORE_THAN") or typed >= metric.target:
        return ""
    left = metric.target - typed
    return _as_typed(metric, _figure(metric, left), left)
