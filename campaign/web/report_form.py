"""The form of a report: what was typed, as the page shows it, as the draft keeps it, and as the operation takes it.

The fields are plain texts under fixed names: `words`, `note`, `kind`, `money`, `metric-<id>` (a rate has
`metric-<id>-numerator` and `-denominator`), and `files`: evidence ids with the rule each serves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from ..errors import Invalid, Problem, say
from ..operations.reporting import Report
from ..queries.assignments import Asked, Whole
from ..queries.attached import File, Rule
from ..rules.metrics import KINDS, BadValue, MetricKind, Value, read_number
from ..rules.requirements import fits, length_of, missing
from ..rules.states import CheckInKind
from .filters import TEN_THOUSAND, chinese, figure_words, percent
from .language import speak

WAN, YUAN = "wan", "yuan"
WAN_PLACES = 6  # 万元 with six places is exact to the fen
Fields = dict[str, Any]


@dataclass(frozen=True)
class MetricField:
    """One figure on the form. `parts`: (name, label, what is typed); `taken_at`: from an earlier report, untouched."""

    metric: Asked
    id: str
    parts: tuple[tuple[str, str, str], ...]
    taken_at: datetime | None = None
    errors: tuple[str, ...] = ()

    @property
    def typed(self) -> str:
        """What is typed into the only part."""
        return self.parts[0][2]

    @property
    def rate_words(self) -> str:
        """The percentage of a rate, when both parts are numbers."""
        try:
            value = KINDS[self.metric.kind].read({"numerator": self.parts[0][2], "denominator": self.parts[1][2]})
        except BadValue:
            return ""
        return percent(KINDS[self.metric.kind].figure(value)) if value else ""


@dataclass(frozen=True)
class EvidenceBox:
    """One kind of evidence on the form, or what belongs to none (`rule` is None): its files, how many are missing."""

    rule: Rule | None
    id: str
    files: tuple[File, ...]
    short: int = 0
    errors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """The whole form, ready to be drawn."""

    metrics: tuple[MetricField, ...]
    boxes: tuple[EvidenceBox, ...]
    words: str
    note: str
    kind: CheckInKind
    money: str
    missing: tuple[tuple[str, str], ...]
    errors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def has_money(self) -> bool:
        """Whether an amount is asked, so that 元 or 万元 must be chosen."""
        return any(shown.metric.kind is MetricKind.AMOUNT for shown in self.metrics)

    def wrong(self, name: str) -> tuple[str, ...]:
        """The sentences at that field."""
        return self.errors.get(name, ())

    @property
    def written(self) -> int:
        """How many characters of the words count."""
        return length_of(self.words)

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Every error with the field it concerns, in the order of the page."""
        order = [shown.id for shown in self.metrics] + [box.id for box in self.boxes]
        places = {name: place for place, name in enumerate(order)}
        names = sorted(self.errors, key=lambda name: places.get(name, len(places)))
        return [(name, text) for name in names for text in self.errors[name]]


def metric_name(metric: Asked) -> str:
    """The name of its field."""
    return f"metric-{metric.id}"


def part_names(metric: Asked) -> list[tuple[str, str]]:
    """The part of the kind and the name of its field."""
    parts = KINDS[metric.kind].parts
    return [(part, metric_name(metric) if part == "value" else f"{metric_name(metric)}-{part}") for part in parts]


def first_fields(whole: Whole) -> Fields:
    """What the form starts with: the draft, or what was reported last, so that nothing is asked twice."""
    if whole.ask.draft:
        return dict(whole.ask.draft)
    fields: Fields = {"money": first_money(whole), "kind": str(int(CheckInKind.PROGRESS))}
    for metric in whole.metrics:
        value = metric.former or metric.last
        fields |= typed_value(metric, value, fields["money"]) if value else {}
    if whole.latest is not None:
        fields["words"] = whole.latest.words
    fields["files"] = {str(file.id): file.rule_id for file in whole.files if file.attached}
    return fields


def first_money(whole: Whole) -> str:
    """元 or 万元, whichever the plan's own figures suggest."""
    known = [metric.target or (metric.last and metric.last.number) for metric in whole.metrics if is_money(metric)]
    return WAN if chinese() and any(figure and figure >= TEN_THOUSAND for figure in known) else YUAN


def is_money(metric: Asked) -> bool:
    """Whether the figure is an amount of money."""
    return metric.kind is MetricKind.AMOUNT


def typed_value(metric: Asked, value: Value, money: str) -> Fields:
    """The value as it would be typed."""
    if metric.kind is MetricKind.RATE:
        parts = dict(
            zip((name for _part, name in part_names(metric)), (value.numerator, value.denominator), strict=True)
        )
        return {name: _plain(number) for name, number in parts.items()}
    if metric.kind is MetricKind.TEXT:
        return {metric_name(metric): value.text or ""}
    number = (
        value.number / TEN_THOUSAND if value.number is not None and is_money(metric) and money == WAN else value.number
    )
    return {metric_name(metric): _plain(number)}


def _plain(number: Decimal | None) -> str:
    if number is None:
        return ""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def posted_fields(form: MultiDict[str, str], whole: Whole) -> Fields:
    """What was sent, by the names that this form has; anything else is left aside."""
    fields: Fields = {name: form.get(name, "") for name in ("words", "note", "kind", "money")}
    for metric in whole.metrics:
        fields |= {name: form.get(name, "") for _part, name in part_names(metric)}
    known = {str(file.id): file.sha256 for file in whole.files}
    rules = {str(rule.id): rule.id for rule in whole.rules}
    files: dict[str, int | None] = {}
    for entry in form.getlist("files"):
        evidence, rule, sha256 = (*entry.split(":"), "", "")[:3]
        if sha256 and sha256 != known.get(evidence):  # what is handed in last is a list of hashes, and they are checked
            raise Invalid(say("The form is damaged. Please open the page again."))
        if evidence in known:
            files[evidence] = rules.get(rule)
    gone = form.get("remove", "")
    fields["files"] = {evidence: rule for evidence, rule in files.items() if evidence != gone}
    return fields


def read_values(fields: Fields, whole: Whole) -> tuple[dict[int, Value], dict[str, tuple[str, ...]]]:
    """The figures that were typed, and for each that is none the sentence that says so."""
    values: dict[int, Value] = {}
    errors: dict[str, tuple[str, ...]] = {}
    for metric in whole.metrics:
        typed = {part: str(fields.get(name, "")) for part, name in part_names(metric)}
        try:
            if is_money(metric) and fields.get("money") == WAN and typed["value"].strip():
                typed["value"] = f"{read_number(typed['value'], WAN_PLACES) * TEN_THOUSAND:f}"
            value = KINDS[metric.kind].read(typed)
        except BadValue as error:
            errors[metric_name(metric)] = (_("%(name)s: %(what)s", name=metric.name, what=speak(error.sentence)),)
            continue
        if value is not None:
            values[metric.id] = value
    return values, errors


def report_of(fields: Fields, values: Mapping[int, Value], words: str) -> Report:
    """The report as the operation takes it."""
    files = {int(evidence): rule for evidence, rule in fields.get("files", {}).items()}
    kind = str(fields.get("kind", ""))
    known = {str(int(member)): member for member in CheckInKind}
    return Report(words=words, values=values, evidence=files, kind=known.get(kind, CheckInKind.PROGRESS))


def lacking(fields: Fields, values: Mapping[int, Value], whole: Whole) -> list[Problem]:
    """What is still missing for a submission."""
    types = {file.id: file.media_type for file in whole.files}
    files = [(rule, types[int(key)]) for key, rule in fields.get("files", {}).items() if int(key) in types]
    return missing(whole.needs, str(fields.get("words", "")), values, files)


def sheet_of(fields: Fields, whole: Whole, errors: Mapping[str, tuple[str, ...]] | None = None) -> Sheet:
    """The form as it is drawn: what was typed stays as it was typed, whether it is right or not."""
    errors = errors or {}
    values, wrong = read_values(fields, whole)
    short = lacking(fields, values, whole)
    money = WAN if fields.get("money") == WAN else YUAN
    kinds = {str(int(member)): member for member in CheckInKind}
    return Sheet(
        metrics=tuple(_metric_field(metric, fields, values, money, whole, errors) for metric in whole.metrics),
        boxes=_boxes(fields, whole, errors),
        words=str(fields.get("words", "")),
        note=str(fields.get("note", "")),
        kind=kinds.get(str(fields.get("kind", "")), CheckInKind.PROGRESS),
        money=money,
        missing=_to_do(short, wrong),
        errors=errors,
    )


def _to_do(short: list[Problem], wrong: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, str], ...]:
    """What is missing, by field; a figure that cannot be read says so, instead of being called empty."""
    known = {problem.where for problem in short}
    unread = [(name, sentences[0]) for name, sentences in wrong.items() if name not in known]
    return (*unread, *((at.where, wrong.get(at.where, (speak(at.sentence),))[0]) for at in short))


def _metric_field(
    metric: Asked,
    fields: Fields,
    values: Mapping[int, Value],
    money: str,
    whole: Whole,
    errors: Mapping[str, tuple[str, ...]],
) -> MetricField:
    labels = {
        "numerator": metric.numerator_name or _("Part"),
        "denominator": metric.denominator_name or _("Whole"),
        "value": metric.name,
    }
    parts = tuple((name, labels[part], str(fields.get(name, ""))) for part, name in part_names(metric))
    untouched = metric.last is not None and values.get(metric.id) == metric.last and whole.last_return is None
    name = metric_name(metric)
    return MetricField(metric, name, parts, metric.last_at if untouched else None, errors.get(name, ()))


def _boxes(fields: Fields, whole: Whole, errors: Mapping[str, tuple[str, ...]]) -> tuple[EvidenceBox, ...]:
    chosen = {int(evidence): rule for evidence, rule in fields.get("files", {}).items()}
    known = {rule.id for rule in whole.rules}
    boxes = []
    for rule in whole.rules:
        files = tuple(file for file in whole.files if file.id in chosen and chosen[file.id] == rule.id)
        have = sum(fits(rule.kind, file.media_type) for file in files)
        name = f"evidence-{rule.id}"
        boxes.append(EvidenceBox(rule, name, files, max(0, rule.min_count - have), errors.get(name, ())))
    loose = tuple(file for file in whole.files if file.id in chosen and chosen[file.id] not in known)
    return (*boxes, EvidenceBox(None, "evidence-0", loose, errors=errors.get("evidence-0", ())))


def unit_words(metric: Asked) -> str:
    """What stands beside the field of a figure."""
    return "" if metric.kind in (MetricKind.BOOLEAN, MetricKind.TEXT, MetricKind.AMOUNT) else metric.unit_of_measure


def distance_words(shown: MetricField, money: str) -> str:
    """How far a count or an amount is from its target; empty when it is reached or cannot be said."""
    metric = shown.metric
    if metric.target is None or metric.kind not in (MetricKind.COUNT, MetricKind.AMOUNT):
        return ""
    try:
        typed = read_number(shown.typed, WAN_PLACES) * (TEN_THOUSAND if is_money(metric) and money == WAN else 1)
    except BadValue:
        return ""
    if metric.comparator.name not in ("AT_LEAST", "MORE_THAN") or typed >= metric.target:
        return ""
    return figure_words(metric.target - typed, metric.kind, metric.unit_of_measure)
