"""The metrics of a plan file: kinds, targets in 元, 万元 or 亿元, milestones, quotas, parts, comparisons."""

from decimal import Decimal

from ..errors import say
from ..rules.metrics import MONEY_UNITS, Aggregation, Comparator, MetricKind, OverTime
from ..rules.phrases import DocumentDate
from ..rules.planned import FormerRef, MetricPlan, MilestonePlan, RegisterPlan
from ..rules.relative import IN_PERCENT
from ..rules.targets import Compares, Quota, Relative
from .dues import read_day
from .nodes import Fields, Form

METRIC_KINDS = {kind.name.lower(): kind for kind in MetricKind}
COMPARATORS = {">=": Comparator.AT_LEAST, "<=": Comparator.AT_MOST, "==": Comparator.EQUAL, ">": Comparator.MORE_THAN}
AGGREGATIONS = {way.name.lower(): way for way in Aggregation}
OVER_TIMES = {way.name.lower(): way for way in OverTime}
QUOTAS = {"total": Quota.TOTAL, "per_unit": Quota.PER_UNIT, "per_person": Quota.PER_PERSON, "合计": Quota.TOTAL,
          "每单位": Quota.PER_UNIT, "每人": Quota.PER_PERSON}  # fmt: skip
COMPARISONS = {"nothing": Compares.NOTHING, "baseline": Compares.BASELINE, "last_year": Compares.LAST_YEAR,
               "基数": Compares.BASELINE, "上年": Compares.LAST_YEAR}  # fmt: skip
RELATIVES = {"raise_percent": Relative.RAISE_PERCENT, "reduce_percent": Relative.REDUCE_PERCENT,
             "raise": Relative.RAISE_BY, "reduce": Relative.REDUCE_BY, "增长百分之": Relative.RAISE_PERCENT,
             "减少百分之": Relative.REDUCE_PERCENT, "增加": Relative.RAISE_BY, "减少": Relative.REDUCE_BY}  # fmt: skip
MONEY = {name: places for places, name in MONEY_UNITS.items()}

METRIC_FORM = Form(
    "name", "kind", "unit", "target", "comparator", "milestones", "items", "quota", "register", "aggregation",
    "over_time", "numerator", "denominator", "part_of", "adds_up", "compares", "former", "relative", "change", "base",
    "word", "measurable", "required", "note", "invented",
)  # fmt: skip
MILESTONE_FORM = Form("by", "target", "invented")
FORMER_FORM = Form("campaign", "task", "metric")
REGISTER_FORM = Form("name", "condition", "unit", "invented")


def read_register(fields: Fields) -> RegisterPlan:
    """A register that the plan needs."""
    return RegisterPlan(fields.text("name"), fields.lines("condition"), fields.text("unit"))


def read_metric(fields: Fields, document: DocumentDate) -> MetricPlan:
    """A metric; what cannot be read is noted at its line."""
    kind = fields.choice("kind", METRIC_KINDS)
    if kind is None and not fields.has("kind"):
        fields.wrong("kind", say("Please say what kind of metric this is: %(kinds)s.", kinds=", ".join(METRIC_KINDS)))
    kind = kind or MetricKind.COUNT
    places = _money(fields) if kind is MetricKind.AMOUNT else 0
    target, comparator = fields.number("target"), fields.choice("comparator", COMPARATORS) or Comparator.NONE
    if kind is MetricKind.CHECKLIST and target is None:
        target, comparator = Decimal(1), Comparator.AT_LEAST  # everything on the list is needed
    relative = fields.choice("relative", RELATIVES) or Relative.NOTHING
    change = fields.number("change")
    return MetricPlan(
        name=fields.text("name"),
        kind=kind,
        unit=MONEY_UNITS[0] if kind is MetricKind.AMOUNT else fields.text("unit"),
        target=_in_yuan(target, places),
        comparator=comparator,
        aggregation=fields.choice("aggregation", AGGREGATIONS),
        over_time=fields.choice("over_time", OVER_TIMES),
        numerator=fields.text("numerator"),
        denominator=fields.text("denominator"),
        required=fields.yes_or_no("required", otherwise=True),
        note=fields.text("note"),
        money_places=places,
        items=tuple(line for line in fields.lines("items").split("\n") if line.strip()),
        milestones=tuple(
            MilestonePlan(read_day(each, "by", document), _in_yuan(each.number("target"), places))
            for each in fields.mappings("milestones", MILESTONE_FORM)
        ),
        quota=fields.choice("quota", QUOTAS) or Quota.TOTAL,
        register=fields.text("register"),
        part_of=fields.text("part_of"),
        adds_up=fields.yes_or_no("adds_up", otherwise=False),
        compares=fields.choice("compares", COMPARISONS) or Compares.NOTHING,
        former=_former(fields),
        relative=relative,
        change=change if relative in IN_PERCENT else _in_yuan(change, places),
        base=_in_yuan(fields.number("base"), places),
        word=fields.text("word"),
        measurable=fields.yes_or_no("measurable", otherwise=True),
    )


def _money(fields: Fields) -> int:
    """The places by which the unit of an amount moves the point."""
    unit = fields.text("unit") or MONEY_UNITS[0]
    if unit not in MONEY:
        fields.wrong("unit", say("Money is given in 元, 万元 or 亿元."))
    return MONEY.get(unit, 0)


def _in_yuan(figure: Decimal | None, places: int) -> Decimal | None:
    return None if figure is None else figure.scaleb(places)


def _former(fields: Fields) -> FormerRef | None:
    """The metric of last year: by the keys of its campaign and its task, and its name."""
    if not fields.has("former"):
        return None
    former = fields.mapping("former", FORMER_FORM)
    for name in FORMER_FORM.names:
        if not former.has(name):
            former.wrong(name, say("Please name the campaign, the task and the metric."))
    return FormerRef(None, former.text("campaign"), former.text("task"), former.text("metric"))
