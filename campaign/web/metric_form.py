"""One figure of the task form: what is measured, of which kind, towards which target, and all that goes with it.

Milestones and the items of a checklist are typed one to a line, so that they need no script.
"""

from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from wtforms import BooleanField, Form, StringField

from ..errors import Problem, say
from ..rules.metrics import MONEY_UNITS, Aggregation, BadValue, Comparator, MetricKind, OverTime, read_worded
from ..rules.planned import FormerRef, MetricPlan, MilestonePlan
from ..rules.relative import IN_PERCENT
from ..rules.targets import Compares, Quota, Relative
from .form_reading import day_in
from .typed_figures import DECIMALS, typed_figure
from .words import word

WAN = "4"
LONGEST_WORD = 40
COUNTED = (MetricKind.COUNT, MetricKind.AMOUNT)
NUMBERS = (*COUNTED, MetricKind.RATE)
OWN_UNITS = {MetricKind.RATE: "%", MetricKind.AMOUNT: MONEY_UNITS[0]}
UNITLESS = (MetricKind.TEXT, MetricKind.BOOLEAN, MetricKind.CHECKLIST)
OFFERED = (Aggregation.SUM, Aggregation.LATEST, Aggregation.COVERAGE)  # the others follow from the kind
FOLDED = (
    "milestones", "quota", "register", "part_of", "adds_up", "compares", "former", "relative", "change", "base", "word",
    "unmeasurable", "measurable", "aggregation", "over_time",
)  # fmt: skip


class MetricForm(Form):
    name = StringField()
    kind = StringField(default=str(int(MetricKind.COUNT)))
    unit = StringField()
    items = StringField()
    comparator = StringField(default=str(int(Comparator.NONE)))
    target = StringField()
    scale = StringField(default=WAN)
    numerator = StringField()
    denominator = StringField()
    milestones = StringField()
    quota = StringField(default=str(int(Quota.TOTAL)))
    register = StringField()
    part_of = StringField()
    adds_up = BooleanField()
    compares = StringField(default=str(int(Compares.NOTHING)))
    former = StringField()
    relative = StringField(default=str(int(Relative.NOTHING)))
    change = StringField()
    base = StringField()
    word = StringField()
    unmeasurable = BooleanField()
    aggregation = StringField()
    over_time = StringField()
    optional = BooleanField()
    note = StringField()

    @property
    def says_more(self) -> bool:
        """Whether anything is said in what is folded away."""
        plain = {"quota": str(int(Quota.TOTAL)), "compares": str(int(Compares.NOTHING)),
                 "relative": str(int(Relative.NOTHING))}  # fmt: skip
        return any(self[name].data not in (None, "", False, plain.get(name)) for name in FOLDED if name in self)


def read_metric(typed: Any, at: str, row: Any) -> MetricPlan:
    """The metric of that row; what cannot be read is noted in `typed` (a `plan_forms.Typed`) under the path `at`."""
    kind = typed.member(f"{at}.kind", row.kind, MetricKind) or MetricKind.COUNT
    words, counted = kind is MetricKind.TEXT, kind in COUNTED
    places = _places(row) if kind is MetricKind.AMOUNT else 0
    all_needed = kind is MetricKind.CHECKLIST
    comparator = typed.member(f"{at}.comparator", row.comparator, Comparator) or Comparator.NONE
    unit = OWN_UNITS.get(kind) or ("" if kind in UNITLESS else line(row.unit))
    target = None if words else _figure(typed, f"{at}.target", line(row.target), kind, places, unit)
    quota = typed.member(f"{at}.quota", row.quota, Quota) if counted else None
    compares = typed.member(f"{at}.compares", row.compares, Compares) if kind in NUMBERS else None
    former = typed.id(f"{at}.former", row.former) if compares else None
    registered = quota is Quota.PER_PERSON or kind is MetricKind.RATE
    return MetricPlan(
        name=line(row.name),
        kind=kind,
        unit=unit,
        target=Decimal(1) if all_needed else target,
        comparator=Comparator.NONE if words else Comparator.AT_LEAST if all_needed else comparator,
        aggregation=typed.member(f"{at}.aggregation", row.aggregation, Aggregation),
        over_time=typed.member(f"{at}.over_time", row.over_time, OverTime) if counted else None,
        numerator=line(row.numerator) if kind is MetricKind.RATE else "",
        denominator=line(row.denominator) if kind is MetricKind.RATE else "",
        required=not row.optional.data,
        note=line(row.note),
        money_places=places,
        items=tuple(_lines(row.items)) if kind is MetricKind.CHECKLIST else (),
        milestones=tuple(_milestones(typed, at, row, kind, places)) if kind in NUMBERS else (),
        quota=quota or Quota.TOTAL,
        register_id=typed.id(f"{at}.register", row.register) if registered else None,
        part_of=line(row.part_of) if counted else "",
        adds_up=bool(row.adds_up.data) and counted,
        compares=compares or Compares.NOTHING,
        former=None if former is None else FormerRef(id=former),
        **_relative(typed, at, row, kind, places),
        word=line(row.word),
        measurable=not row.unmeasurable.data,
    )


def _relative(typed: Any, at: str, row: Any, kind: MetricKind, places: int) -> dict[str, Any]:
    """What is said relative to what was: by how much, in per cent or in the metric's unit, and the figure of then."""
    if kind not in NUMBERS:
        return {}
    relative = typed.member(f"{at}.relative", row.relative, Relative) or Relative.NOTHING
    by, was, unit = line(row.change), line(row.base), OWN_UNITS.get(kind) or line(row.unit)
    plain, counted = (MetricKind.RATE, "%") if relative in IN_PERCENT else (kind, unit)
    return {
        "relative": relative, "change": _figure(typed, f"{at}.change", by, plain, places, counted),
        "base": _figure(typed, f"{at}.base", was, kind, places, unit),
    }  # fmt: skip


def metric_fields(metric: MetricPlan) -> dict[str, Any]:
    """The metric as it is typed."""
    return {
        "name": metric.name, "kind": str(int(metric.kind)), "unit": metric.unit, "items": "\n".join(metric.items),
        "comparator": str(int(metric.comparator)),
        "target": typed_figure(metric.target, metric.kind, metric.money_places),
        "scale": str(metric.money_places) if metric.kind is MetricKind.AMOUNT else WAN,
        "numerator": metric.numerator, "denominator": metric.denominator, "optional": not metric.required,
        "milestones": "\n".join(
            f"{each.by.isoformat() if each.by else ''} {typed_figure(each.target, metric.kind, metric.money_places)}"
            for each in metric.milestones
        ),
        "quota": str(int(metric.quota)), "register": str(metric.register_id or ""), "part_of": metric.part_of,
        "adds_up": metric.adds_up, "compares": str(int(metric.compares)),
        "former": str(metric.former.id or "") if metric.former else "", "word": metric.word,
        "relative": str(int(metric.relative)), "base": typed_figure(metric.base, metric.kind, metric.money_places),
        "change": typed_figure(
            metric.change, MetricKind.COUNT if metric.relative in IN_PERCENT else metric.kind, metric.money_places
        ),
        "unmeasurable": not metric.measurable,
        "aggregation": "" if metric.aggregation is None else str(int(metric.aggregation)),
        "over_time": "" if metric.over_time is None else str(int(metric.over_time)), "note": metric.note,
    }  # fmt: skip


def metric_choices() -> dict[str, list[tuple[Any, Any]]]:
    """What may be chosen in a row, by field: number and word."""
    usual = ("", _("as usual"))
    money = {0: _("yuan"), 4: _("10,000 yuan"), 8: _("100 million yuan")}
    return {
        "kind": [(int(kind), word(kind)) for kind in MetricKind],
        "comparator": [(int(each), word(each)) for each in Comparator],
        "scale": list(money.items()),
        "aggregation": [usual, *((int(each), word(each)) for each in OFFERED)],
        "over_time": [usual, *((int(each), word(each)) for each in OverTime)],
        "quota": [
            (int(Quota.TOTAL), _("all units together")), (int(Quota.PER_UNIT), _("each unit")),
            (int(Quota.PER_PERSON), _("each person of the register")),
        ],
        "compares": [
            (int(Compares.NOTHING), _("nothing")), (int(Compares.BASELINE), _("its own baseline, frozen")),
            (int(Compares.LAST_YEAR), _("the same time last year")),
        ],
        "relative": [
            (int(Relative.NOTHING), _("not relative")), (int(Relative.RAISE_PERCENT), _("rise by per cent")),
            (int(Relative.REDUCE_PERCENT), _("fall by per cent")), (int(Relative.RAISE_BY), _("rise by a number")),
            (int(Relative.REDUCE_BY), _("fall by a number")),
        ],
    }  # fmt: skip


def _places(row: Any) -> int:
    return int(row.scale.data) if row.scale.data in {str(places) for places in MONEY_UNITS} else 0


def _figure(typed: Any, path: str, text: str, kind: MetricKind, places: int, unit: str) -> Decimal | None:
    """A target, money in the unit that was chosen unless it names its own."""
    try:
        if not text:
            return None
        return read_worded(text, kind, unit=unit, money_places=places, decimals=DECIMALS)
    except BadValue as bad:
        vague = path.endswith(".target") and not any(char.isnumeric() for char in text)  # 大部分, 较大幅度
        sentence = say(
            "“%(word)s” is no figure. Please give one; or leave the target empty and write the word below as the "
            "plan’s own, where it can be marked as not measurable, too.", word=text[:LONGEST_WORD],
        )  # fmt: skip
        typed.problems.append(Problem(path, sentence if vague else bad.sentence))
        return None


def _milestones(typed: Any, at: str, row: Any, kind: MetricKind, places: int) -> list[MilestonePlan]:
    """One to a line: the day, then the figure."""
    found = []
    for number, written in enumerate(_lines(row.milestones)):
        path = f"{at}.milestones.{number}"
        day, _space, figure = written.replace("\t", " ").partition(" ")
        try:
            by = day_in(day)
        except ValueError:
            sentence = say("Line %(line)s: please write the day and the figure, as 2026-12-31 65.", line=number + 1)
            typed.problems.append(Problem(f"{path}.by", sentence))
            continue
        unit = OWN_UNITS.get(kind) or line(row.unit)
        found.append(MilestonePlan(by, _figure(typed, f"{path}.target", figure.strip(), kind, places, unit)))
    return found


def _lines(field: Any) -> list[str]:
    return [" ".join(each.split()) for each in (field.data or "").splitlines() if each.strip()]


def line(field: Any) -> str:
    """What was typed, on one line."""
    return " ".join((field.data or "").split())
