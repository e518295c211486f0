"""The law of plans: the checks of a plan that need no database. Its parts stand in `planned.py`.

A problem names its field by a path: `title`, `phases.0.name`, `tasks.2.metrics.0.target`. The file reader turns the
path into a line, the form into a field.
"""

from collections.abc import Iterator, Sequence
from datetime import date

from ..errors import Problem, Sentence, say
from .dates import CountsFrom, DueKind
from .limits import FIRST_DAY, LAST_DAY, between, too_many, words
from .metrics import KINDS
from .organisation import Line
from .planned import (
    CampaignPlan,
    EvidencePlan,
    IssuerFacts,
    MetricPlan,
    OccasionPlan,
    PhasePlan,
    RegisterPlan,
    TaskPlan,
    UnitRef,
)
from .planning_metrics import check_metrics, warn_metrics
from .plans import EvidenceKind, Grade
from .recurrence import check as check_recurrence

__all__ = [
    "AGGREGATIONS", "FIRST_DAY", "LAST_DAY", "OVER_TIMES", "CampaignPlan", "EvidencePlan", "IssuerFacts", "MetricPlan",
    "OccasionPlan", "PhasePlan", "TaskPlan", "UnitRef", "check_campaign", "check_plan", "check_task", "warn_plan",
    "warn_task",
]  # fmt: skip

MOST_DAYS = 3650
MOST_GRACE = 365
MOST_FILES = 50
MOST_CHARACTERS = 2000
MOST_OCCASIONS = 20
MOST_REGISTERS = 20
MOST_TASKS, MOST_PHASES, MOST_RULES, MOST_METRICS, MOST_UNITS = 200, 30, 20, 50, 2000

# What may be said of each kind; the first of each is what is meant when nothing is said.
AGGREGATIONS = {kind: law.aggregations for kind, law in KINDS.items()}
OVER_TIMES = {kind: law.over_times for kind, law in KINDS.items()}


def check_campaign(plan: CampaignPlan) -> list[Problem]:
    """Everything wrong with the head of the plan, its phases first to last; the tasks are not looked at."""
    return list(_head(plan))


def check_task(
    task: TaskPlan, issuer: IssuerFacts | None = None, occasions: Sequence[str] | None = None
) -> list[Problem]:
    """Everything wrong with one task; what concerns the issuing unit or the names of the campaign's occasions only when
    they are given."""
    found = [*_task(task), *_recurrence(task), *(_reach(task, issuer) if issuer else ())]
    if task.due_kind is DueKind.OCCASION and task.occasion and occasions is not None and task.occasion not in occasions:
        found.append(Problem("due.event", _no_such_occasion(task.occasion, occasions)))
    return found


def _recurrence(task: TaskPlan, ends_on: date | None = None) -> list[Problem]:
    kept = task.recurring
    return check_recurrence(
        kept.rrule, repeats_from=kept.repeats_from, ends_on=ends_on, window_days=kept.window_days,
        dated=task.due_kind in (DueKind.FIXED, DueKind.OCCASION), rotates=kept.rotates,
    )  # fmt: skip


def _no_such_occasion(name: str, occasions: Sequence[str]) -> Sentence:
    if not occasions:
        return say("The campaign has no occasion “%(name)s”. Please list it first, with its day or without.", name=name)
    known = "、".join(occasions)
    return say("The campaign has no occasion “%(name)s”. It has: %(known)s.", name=name, known=known)


def check_plan(plan: CampaignPlan, issuer: IssuerFacts | None = None) -> list[Problem]:
    """Everything wrong with the whole plan; the paths of a task's problems begin with `tasks.<position>.`."""
    found = check_campaign(plan)
    if len(plan.tasks) > MOST_TASKS:
        found.append(too_many("tasks", MOST_TASKS))
        return found
    keys: set[str] = set()
    occasions = tuple(occasion.name for occasion in plan.occasions)
    for at, task in enumerate(plan.tasks):
        told = check_task(task, issuer, occasions)
        found += [Problem(f"tasks.{at}.{problem.where}", problem.sentence) for problem in told]
        if task.key and task.key in keys:
            found.append(Problem(f"tasks.{at}.key", say("Another task of this campaign has the same key.")))
        keys.add(task.key or "")
    return found


def warn_plan(plan: CampaignPlan) -> list[Problem]:
    """What is allowed but should be looked at: dates outside the period, grace without a date, no task at all."""
    found: list[Problem] = []
    if not plan.tasks:
        found.append(Problem("tasks", say("The campaign has no task yet.")))
    for at, task in enumerate(plan.tasks):
        days = {occasion.name: occasion.on for occasion in plan.occasions}
        told = warn_task(task, plan.starts_on, plan.ends_on, occasion_on=days.get(task.occasion))
        found += [Problem(f"tasks.{at}.{problem.where}", problem.sentence) for problem in told]
    return found


def warn_task(
    task: TaskPlan, starts_on: date | None, ends_on: date | None, *, occasion_on: date | None = None
) -> list[Problem]:
    """What is allowed but should be looked at in one task of a campaign with that period."""
    found: list[Problem] = []
    if task.due_kind is DueKind.FIXED and task.due_on:
        if ends_on and task.due_on > ends_on:
            found.append(Problem("due.on", say("The due date is after the end of the campaign.")))
        if starts_on and task.due_on < starts_on:
            found.append(Problem("due.on", say("The due date is before the start of the campaign.")))
    if task.due_kind is DueKind.OCCASION and occasion_on is None:
        sentence = say("The day of the occasion is not known yet; until it is set the task has no due date.")
        found.append(Problem("due.event", sentence))
    if task.counts_from is CountsFrom.SIGN_FOR and task.respond_days is None:
        sentence = say("The days count from the sign-for, but nobody is asked to sign by a day: they may never begin.")
        found.append(Problem("respond_days", sentence))
    undated = task.due_kind is DueKind.NONE and task.recurring.window_days is None
    if undated and task.grade is Grade.BINDING:
        found.append(Problem("due.kind", say("The task is binding but has no due date; nobody will be reminded.")))
    found += warn_metrics(task.metrics)
    known = {problem.where for problem in _recurrence(task)}
    return found + [problem for problem in _recurrence(task, ends_on) if problem.where not in known]


def _head(plan: CampaignPlan) -> Iterator[Problem]:
    yield from words("title", plan.title, 200, needed=say("Please give the campaign a title."))
    yield from words("key", plan.key or "", 40)
    yield from words("number", plan.number or "", 80)
    yield from words("ladder", plan.ladder, 40)
    yield from words("theme", plan.theme, 400)
    yield from words("based_on", plan.based_on, 4000)
    yield from words("ground", plan.ground, 4000)
    yield from _period("", plan.starts_on, plan.ends_on)
    yield from _extensions(plan)
    if plan.issuing_unit == UnitRef():
        yield Problem("issuing_unit", say("Please say which unit issues the campaign."))
    seen = {plan.issuing_unit}
    for at, unit in enumerate(plan.co_issuers):
        if unit in seen:
            yield Problem(f"co_issuers.{at}", say("This unit is named twice among those who issue."))
        seen.add(unit)
    if len(plan.phases) > MOST_PHASES:
        yield too_many("phases", MOST_PHASES)
    for at, phase in enumerate(plan.phases):
        yield from words(f"phases.{at}.name", phase.name, 120, needed=say("Please give the phase a name."))
        yield from words(f"phases.{at}.words", phase.words, 4000)
        yield from _period(f"phases.{at}.", phase.starts_on, phase.ends_on)
    yield from _occasions(plan.occasions)
    yield from _registers(plan.registers)


def _task(task: TaskPlan) -> Iterator[Problem]:
    yield from words("title", task.title, 200, needed=say("Please give the task a title."))
    yield from words("key", task.key or "", 40)
    yield from words("ladder", task.ladder, 40)
    yield from words("what", task.what, 4000)
    yield from words("why", task.why, 4000)
    yield from _receivers(task)
    yield from _dates(task)
    yield from between("min_characters", task.min_characters, 0, MOST_CHARACTERS)
    if len(task.evidence) > MOST_RULES:
        yield too_many("evidence", MOST_RULES)
    items = [item for metric in task.metrics for item in metric.items]
    for at, rule in enumerate(task.evidence):
        yield from _evidence(f"evidence.{at}.", rule, items)
    if len(task.metrics) > MOST_METRICS:
        yield too_many("metrics", MOST_METRICS)
    yield from check_metrics(task.metrics)


def _receivers(task: TaskPlan) -> Iterator[Problem]:
    if task.units:
        if task.receiving_level is not None:
            yield Problem("receiving_level", say("Either a level or named units, not both."))
        if len(task.units) > MOST_UNITS:
            yield too_many("units", MOST_UNITS)
        if len(set(task.units)) < len(task.units):
            yield Problem("units", say("A unit is named twice."))
        return
    if task.receiving_level is None:
        yield Problem("receiving_level", say("Please choose the level that receives the task, or name its units."))
    if not task.lines:
        yield Problem("lines", say("Please choose at least one line."))


def _reach(task: TaskPlan, issuer: IssuerFacts) -> Iterator[Problem]:
    """Down, never up: the level lies below the issuing unit, the lines are its own unless a 党委 unit issues."""
    level = task.receiving_level
    if level is not None and level <= issuer.level:
        yield Problem("receiving_level", say("The receiving level must be below the issuing unit."))
    if Line.PARTY not in issuer.lines and set(task.lines) - issuer.lines:
        yield Problem("lines", say("Only a Party committee asks lines other than its own."))
    for chosen in task.review_levels:
        if chosen < issuer.level or (level is not None and chosen >= level):
            yield Problem("review_levels", say("Reviewing levels lie between the receiving unit and the issuing one."))
            break


def _dates(task: TaskPlan) -> Iterator[Problem]:
    if task.due_kind is DueKind.FIXED and task.due_on is None:
        yield Problem("due.on", say("Please give the day on which the task is due."))
    elif task.due_on is not None and not FIRST_DAY <= task.due_on <= LAST_DAY:
        yield Problem("due.on", say("Is the year right?"))
    if task.due_kind is DueKind.RELATIVE:
        if task.due_days is None:
            yield Problem("due.days", say("Please say after how many days the task is due."))
        else:
            yield from between("due.days", task.due_days, 1, MOST_DAYS)
    if task.due_kind is DueKind.OCCASION:
        if not task.occasion:
            yield Problem("due.event", say("Please choose the occasion that the due date depends on."))
        if task.due_days is None:
            sentence = say("Please say how many days after the occasion; with a minus before it, 0 for the day itself.")
            yield Problem("due.days", sentence)
        else:
            yield from between("due.days", task.due_days, -MOST_DAYS, MOST_DAYS)
    if task.counts_from is CountsFrom.SIGN_FOR and task.due_kind is not DueKind.RELATIVE:
        yield Problem("due.from", say("Only a number of days counts from the sign-for."))
    yield from between("respond_days", task.respond_days, 0, MOST_GRACE)
    yield from between("grace_days", task.grace_days, 0, MOST_GRACE)
    yield from between("review_days", task.review_days, 1, MOST_GRACE)
    if task.grace_days is not None and task.due_kind is DueKind.NONE and task.recurring.window_days is None:
        yield Problem("grace_days", say("Without a due date there is nothing to be late for; leave this empty."))


def _occasions(occasions: Sequence[OccasionPlan]) -> Iterator[Problem]:
    if len(occasions) > MOST_OCCASIONS:
        yield too_many("occasions", MOST_OCCASIONS)
    names: set[str] = set()
    for at, occasion in enumerate(occasions):
        needed = say("Please name the occasion, for example the congress.")
        yield from words(f"occasions.{at}.name", occasion.name, 120, needed=needed)
        if occasion.name in names:
            yield Problem(f"occasions.{at}.name", say("This campaign has an occasion with this name already."))
        names.add(occasion.name)
        if occasion.on is not None and not FIRST_DAY <= occasion.on <= LAST_DAY:
            yield Problem(f"occasions.{at}.on", say("Is the year right?"))


def _registers(registers: Sequence[RegisterPlan]) -> Iterator[Problem]:
    if len(registers) > MOST_REGISTERS:
        yield too_many("registers", MOST_REGISTERS)
    names: set[str] = set()
    for at, register in enumerate(registers):
        yield from words(f"registers.{at}.name", register.name, 120, needed=say("Please name the register."))
        yield from words(f"registers.{at}.condition", register.condition, 4000)
        yield from words(f"registers.{at}.unit", register.unit, 20)
        if register.name in names:
            yield Problem(f"registers.{at}.name", say("This register is listed twice."))
        names.add(register.name)


def _evidence(at: str, rule: EvidencePlan, items: Sequence[str]) -> Iterator[Problem]:
    yield from words(f"{at}name", rule.name, 120, needed=say("Please name what must be attached."))
    yield from words(f"{at}ground", rule.ground, 400)
    yield from between(f"{at}min", rule.min_count, 0, MOST_FILES)
    if rule.kind is EvidenceKind.PHOTO and not rule.ground.strip():
        yield Problem(f"{at}ground", say("A photo may be asked for only with a ground. Please name the ground."))
    if rule.item and items.count(rule.item) != 1:
        sentence = say("No checklist of this task has an item “%(name)s”, or more than one has.", name=rule.item)
        yield Problem(f"{at}item", sentence)


def _extensions(plan: CampaignPlan) -> Iterator[Problem]:
    """What is granted by rule: so many days, so often; one makes no sense without the other."""
    limits = (("extension_days", plan.extension_days, 90), ("extension_most", plan.extension_most, 9))
    for name, number, most in limits:
        if not 0 <= number <= most:
            yield Problem(name, say("Please enter a number from 0 to %(most)s.", most=most))
    if bool(plan.extension_days) != bool(plan.extension_most):
        where = "extension_most" if plan.extension_days else "extension_days"
        yield Problem(where, say("Please say both: how many days are granted by rule, and how often."))


def _period(at: str, starts_on: date | None, ends_on: date | None) -> Iterator[Problem]:
    for name, day in (("starts_on", starts_on), ("ends_on", ends_on)):
        if day is not None and not FIRST_DAY <= day <= LAST_DAY:
            yield Problem(f"{at}{name}", say("Is the year right?"))
    if starts_on and ends_on and ends_on < starts_on:
        yield Problem(f"{at}ends_on", say("The end lies before the start."))
