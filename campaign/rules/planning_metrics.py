"""The law of the metrics of a task: what may be said of each kind, and how they go together."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise

from ..errors import Problem, Sentence, say
from .limits import FIRST_DAY, LAST_DAY, too_many, words
from .metrics import KINDS, LARGEST, MONEY_UNITS, MOST_ITEMS, Comparator, MetricKind
from .planned import MetricPlan, MilestonePlan
from .relative import check_relative, comparator_of, target_of, unfounded
from .targets import Compares, Quota, Relative
from .vague import ALL_OF_THEM, Aim, undecided

MOST_MILESTONES = 20
COUNTED = (MetricKind.COUNT, MetricKind.AMOUNT)
NUMBERS = (*COUNTED, MetricKind.RATE)
UPWARD = (Comparator.AT_LEAST, Comparator.MORE_THAN)


def check_metrics(metrics: Sequence[MetricPlan]) -> Iterator[Problem]:
    """Everything wrong with the metrics of one task; paths begin with `metrics.<position>.`."""
    names: dict[str, MetricPlan] = {}
    for at, metric in enumerate(metrics):
        where = f"metrics.{at}."
        yield from _metric(where, metric)
        if metric.name and metric.name in names:
            yield Problem(f"{where}name", say("Another metric of this task has the same name."))
        names.setdefault(metric.name, metric)
    for at, metric in enumerate(metrics):
        yield from _part(f"metrics.{at}.", metric, names)


def warn_metrics(metrics: Sequence[MetricPlan]) -> list[Problem]:
    """Targets in vague words, or relative to what nobody knows: a campaign with such a one cannot be issued. Targets of
    parts that do not go with that of their whole may be meant so."""
    found = list(_breakdowns(metrics))
    for at, metric in enumerate(metrics):
        word = undecided(aim_of(metric))
        if word:
            found.append(Problem(f"metrics.{at}.target", vague_sentence(word)))
        if unfounded(metric):
            sentence = say(
                "“%(name)s”: nothing is known of then; please give its figure, or the metric that this one was.",
                name=metric.name,
            )
            found.append(Problem(f"metrics.{at}.base", sentence))
    return found


def _breakdowns(metrics: Sequence[MetricPlan]) -> Iterator[Problem]:
    """Targets that must be reached, of a part more than of its whole; of parts that make up a whole not the same."""
    known = {metric.name: (at, metric) for at, metric in enumerate(metrics) if _is_reached(metric)}
    for name, (at, whole) in known.items():
        parts = [(place, each) for place, each in enumerate(metrics) if each.part_of == name]
        told = [(place, each) for place, each in parts if _is_reached(each) and each.quota is whole.quota]
        above = [(place, each) for place, each in told if (each.target or 0) > (whole.target or 0)]
        for place, _part in above:
            sentence = say("More is asked of the part than of its whole, “%(whole)s”. Is that meant?", whole=name)
            yield Problem(f"metrics.{place}.target", sentence)
        total = sum((each.target or Decimal(0) for _place, each in told), Decimal(0))
        if whole.adds_up and not above and parts and len(told) == len(parts) and total != whole.target:
            sentence = say("Its parts come to another figure together than this target. Is that meant?")
            yield Problem(f"metrics.{at}.target", sentence)


def _is_reached(metric: MetricPlan) -> bool:
    return metric.target is not None and metric.comparator in (*UPWARD, Comparator.EQUAL)


def aim_of(metric: MetricPlan) -> Aim:
    """What is said of its target."""
    aim = metric.change if metric.relative is not Relative.NOTHING else metric.target
    return Aim(metric.name, metric.note, metric.word, aim, metric.measurable)


def vague_sentence(word: str) -> Sentence:
    """What to do about that word."""
    if word in ALL_OF_THEM:
        return say(
            "“%(word)s” means each of them: please give 100 per cent, or another figure, or mark it as not measurable.",
            word=word,
        )
    return say("“%(word)s” is no figure: please give one, or mark it as not measurable.", word=word)


def _metric(at: str, metric: MetricPlan) -> Iterator[Problem]:
    yield from words(f"{at}name", metric.name, 120, needed=say("Please name what is measured."))
    yield from words(f"{at}unit", metric.unit, 20)
    yield from words(f"{at}note", metric.note, 400)
    yield from words(f"{at}word", metric.word, 40)
    for part, name in (("numerator", metric.numerator), ("denominator", metric.denominator)):
        if metric.kind is MetricKind.RATE:
            yield from words(f"{at}{part}", name, 120, needed=say("A rate needs the names of both of its parts."))
        elif name.strip():
            yield Problem(f"{at}{part}", say("Only a rate has two parts; leave this empty."))
    law = KINDS[metric.kind]
    if metric.aggregation is not None and metric.aggregation not in law.aggregations:
        yield Problem(f"{at}aggregation", say("This kind of metric is not added up in this way."))
    if metric.over_time is not None and metric.over_time not in law.over_times:
        yield Problem(f"{at}over_time", say("This kind of metric is not added up in this way."))
    yield from _items(at, metric)
    if metric.money_places not in MONEY_UNITS or (metric.money_places and metric.kind is not MetricKind.AMOUNT):
        yield Problem(f"{at}unit", say("Only money is counted in 元, 万元 or 亿元."))
    yield from _target(at, metric)
    yield from _quota(at, metric)
    yield from _milestones(at, metric)
    yield from _comparison(at, metric)
    yield from check_relative(at, metric)


def _items(at: str, metric: MetricPlan) -> Iterator[Problem]:
    if metric.kind is not MetricKind.CHECKLIST:
        if metric.items:
            yield Problem(f"{at}items", say("Only a checklist has items; leave this empty."))
        return
    if not metric.items:
        yield Problem(f"{at}items", say("Please list what must be there."))
    if len(metric.items) > MOST_ITEMS:
        yield too_many(f"{at}items", MOST_ITEMS)
    if len(set(metric.items)) < len(metric.items):
        yield Problem(f"{at}items", say("The same item stands there twice."))
    for item in metric.items:
        yield from words(f"{at}items", item, 120, needed=say("Please list what must be there."))


def _target(at: str, metric: MetricPlan) -> Iterator[Problem]:
    target = metric.target
    if KINDS[metric.kind].places is None:
        if target is not None or metric.comparator is not Comparator.NONE:
            yield Problem(f"{at}target", say("Words have no target; leave this empty."))
        return
    if target is None:
        return
    if not metric.measurable:
        yield Problem(f"{at}measurable", say("It has a target, so it can be measured: please remove one of both."))
    if metric.comparator is Comparator.NONE:
        yield Problem(f"{at}comparator", say("A target needs its comparison: at least, at most, exactly or more than."))
    yield from _figure(f"{at}target", metric.kind, target)


def _figure(where: str, kind: MetricKind, figure: Decimal) -> Iterator[Problem]:
    """A target or a milestone of that kind."""
    places = KINDS[kind].places or 0
    if figure < 0 or figure > LARGEST:
        yield Problem(where, say("The target is out of range."))
    elif kind is MetricKind.BOOLEAN and figure not in (0, 1):
        yield Problem(where, say("The target of a yes-or-no metric is 1 (yes) or 0 (no)."))
    elif kind is MetricKind.CHECKLIST and figure != 1:
        yield Problem(where, say("The target of a checklist is 1: everything is there."))
    elif kind is MetricKind.RATE and figure > 100:
        yield Problem(where, say("A rate is at most 100 percent."))
    elif figure != figure.quantize(Decimal(1).scaleb(-places)):
        yield Problem(where, say("Please enter a whole number.") if places == 0 else say("At most two decimal places."))


def _quota(at: str, metric: MetricPlan) -> Iterator[Problem]:
    registered = metric.register_id is not None or bool(metric.register)
    if metric.quota is not Quota.TOTAL:
        if metric.kind not in COUNTED:
            yield Problem(f"{at}quota", say("Only counts and amounts have a quota; all others hold for each unit."))
        elif metric.target is None:
            yield Problem(f"{at}target", say("Please say how much for each."))
    if metric.quota is Quota.PER_PERSON and not registered:
        yield Problem(f"{at}register", say("Please choose the register that tells how many persons each unit has."))
    if registered and metric.quota is not Quota.PER_PERSON and metric.kind is not MetricKind.RATE:
        yield Problem(f"{at}register", say("A register counts the persons of a quota, or the whole of a rate."))
    yield from words(f"{at}register", metric.register, 120)


def _milestones(at: str, metric: MetricPlan) -> Iterator[Problem]:
    if not metric.milestones:
        return
    where = f"{at}milestones"
    if metric.kind not in NUMBERS:
        yield Problem(where, say("Only numbers have milestones."))
        return
    if len(metric.milestones) > MOST_MILESTONES:
        yield too_many(where, MOST_MILESTONES)
    if metric.target is None and metric.relative is Relative.NOTHING:
        yield Problem(f"{at}target", say("Milestones lead to a target; please give it too."))
    for number, each in enumerate(metric.milestones):
        yield from _milestone(f"{where}.{number}", metric.kind, each)
    days = [each.by for each in metric.milestones if each.by]
    if len(set(days)) < len(days):
        yield Problem(where, say("Two milestones are due on the same day."))
    elif _wavers(metric):
        yield Problem(where, say("From milestone to milestone, and to the target, the figure must go one way."))


def _milestone(where: str, kind: MetricKind, each: MilestonePlan) -> Iterator[Problem]:
    if each.by is None:
        yield Problem(f"{where}.by", say("Please give the day by which it must be reached."))
    elif not FIRST_DAY <= each.by <= LAST_DAY:
        yield Problem(f"{where}.by", say("Is the year right?"))
    if each.target is None:
        yield Problem(f"{where}.target", say("Please give the figure of the milestone."))
    else:
        yield from _figure(f"{where}.target", kind, each.target)


def _wavers(metric: MetricPlan) -> bool:
    steps = sorted((each.by, each.target) for each in metric.milestones if each.by and each.target is not None)
    figures = [target for _day, target in steps] + ([end] if (end := target_of(metric)) is not None else [])
    comparator = comparator_of(metric.relative, metric.comparator)
    if comparator in UPWARD:
        return any(a > b for a, b in pairwise(figures))
    return comparator is Comparator.AT_MOST and any(a < b for a, b in pairwise(figures))


def _comparison(at: str, metric: MetricPlan) -> Iterator[Problem]:
    if metric.compares is not Compares.NOTHING and metric.kind not in NUMBERS:
        yield Problem(f"{at}compares", say("Only numbers are compared with what was before."))
    if metric.former is not None and metric.compares is Compares.NOTHING:
        yield Problem(f"{at}former", say("Please say what the figure is compared with, or leave this empty."))


def _part(at: str, metric: MetricPlan, names: Mapping[str, MetricPlan]) -> Iterator[Problem]:
    if metric.adds_up and not any(other.part_of == metric.name for other in names.values()):
        yield Problem(f"{at}adds_up", say("No other metric of this task is a part of this one."))
    if not metric.part_of:
        return
    whole = names.get(metric.part_of)
    if whole is None:
        known = "、".join(name for name in names if name and name != metric.name)
        sentence = say(
            "There is no metric “%(name)s” in this task. There are: %(known)s.", name=metric.part_of, known=known
        )
        yield Problem(f"{at}part_of", sentence)
        return
    if metric.kind not in COUNTED or whole.kind is not metric.kind:
        yield Problem(f"{at}part_of", say("A part and its whole are both counts or both amounts."))
    if _in_a_circle(metric, names):
        yield Problem(f"{at}part_of", say("It would be a part of itself."))


def _in_a_circle(metric: MetricPlan, names: Mapping[str, MetricPlan]) -> bool:
    seen, above = {metric.name}, names.get(metric.part_of)
    while above is not None and above.name not in seen:
        seen.add(above.name)
        above = names.get(above.part_of)
    return above is not None
