"""The forms of a plan: they keep whatever was typed, and read it as a plan with a problem for each field.

Rows are added and removed by buttons of the form itself, so that they work without a script: the form is drawn again
with one row more or less, and nothing is checked or saved.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from wtforms import BooleanField, FieldList, Form, FormField, SelectMultipleField, StringField

from ..errors import Problem, say
from ..rules.calendars import DayKind, Roll
from ..rules.dates import CountsFrom, DueKind
from ..rules.metrics import BadValue, read_number
from ..rules.organisation import Level, Line
from ..rules.planning import CampaignPlan, EvidencePlan, PhasePlan, TaskPlan, UnitRef
from ..rules.plans import EvidenceKind, Grade
from .form_reading import day_in
from .language import speak
from .metric_form import MetricForm, line, metric_fields, read_metric
from .recurrence_fields import RecurrenceFields

BY_LEVEL, BY_NAME = "level", "units"
ALL_LEVELS, CHOSEN_LEVELS = "all", "chosen"
BEFORE, AFTER = "before", "after"
ADDABLE = ("phases", "evidence", "metrics")
WRITTEN = ("name", "words", "ground", "target", "note", "items", "milestones", "word")  # a row with one of these counts
ROW_FIELDS = {"measurable": "unmeasurable"}  # fields of a row that have another name in the plan


class PhaseForm(Form):
    name = StringField()
    starts_on = StringField()
    ends_on = StringField()
    words = StringField()


class EvidenceForm(Form):
    name = StringField()
    kind = StringField(default=str(int(EvidenceKind.ANY)))
    min = StringField(default="1")
    ground = StringField()
    item = StringField()
    in_time = BooleanField()


class PlanForm(FlaskForm):
    """What both forms share: the version that was seen, and the id that makes repeating safe."""

    seen = StringField()
    client_action_id = StringField()

    def redraws(self) -> bool:
        """Whether a button asked only for a row more or less, or for a search; the rows are changed accordingly."""
        added, removed = request.form.get("add", ""), request.form.get("remove", "")
        if added in ADDABLE and added in self:
            self[added].append_entry()
        rows, _, number = removed.partition("-")
        if rows in ADDABLE and rows in self:
            self[rows].entries = [entry for entry in self[rows].entries if entry.name != f"{rows}-{number}"]
        return bool(added or removed or "search" in request.form)


class CampaignForm(PlanForm):
    title = StringField()
    number = StringField()
    issuing_unit = StringField()
    co_issuers = SelectMultipleField(choices=[], validate_choice=False)
    find = StringField()
    higher_campaign = StringField()
    based_on = StringField()
    theme = StringField()
    ground = StringField()
    ladder = StringField()
    starts_on = StringField()
    ends_on = StringField()
    extension_days = StringField()
    extension_most = StringField()
    phases = FieldList(FormField(PhaseForm))

    def fill(self, plan: CampaignPlan) -> None:
        """Puts the plan into the fields."""
        for name in ("title", "number", "based_on", "theme", "ground", "ladder"):
            self[name].data = getattr(plan, name) or ""
        for name in ("extension_days", "extension_most"):
            self[name].data = str(getattr(plan, name) or "")
        self.issuing_unit.data = str(plan.issuing_unit.id or "")
        self.co_issuers.data = [str(ref.id) for ref in plan.co_issuers]
        self.higher_campaign.data = str(plan.higher_campaign_id or "")
        self.starts_on.data, self.ends_on.data = _iso(plan.starts_on), _iso(plan.ends_on)
        for phase in plan.phases:
            days = {"starts_on": _iso(phase.starts_on), "ends_on": _iso(phase.ends_on)}
            self.phases.append_entry({"name": phase.name, "words": phase.words, **days})

    def plan(self, typed: "Typed") -> CampaignPlan:
        """The head of the campaign as it was typed; what cannot be read is noted in `typed`."""
        return CampaignPlan(
            title=line(self.title),
            issuing_unit=UnitRef(id=typed.id("issuing_unit", self.issuing_unit)),
            number=line(self.number) or None,
            co_issuers=_refs(self.co_issuers),
            higher_campaign_id=typed.id("higher_campaign", self.higher_campaign),
            based_on=_text(self.based_on),
            theme=line(self.theme),
            ground=_text(self.ground),
            ladder=line(self.ladder),
            starts_on=typed.day("starts_on", self.starts_on),
            ends_on=typed.day("ends_on", self.ends_on),
            extension_days=typed.whole("extension_days", self.extension_days) or 0,
            extension_most=typed.whole("extension_most", self.extension_most) or 0,
            phases=tuple(self._phase(typed, at, row) for at, row in typed.rows("phases", self.phases)),
        )

    def _phase(self, typed: "Typed", at: str, row: Any) -> PhasePlan:
        starts_on, ends_on = (typed.day(f"{at}.{name}", row[name]) for name in ("starts_on", "ends_on"))
        return PhasePlan(line(row.name), starts_on, ends_on, _text(row.words))


class TaskForm(RecurrenceFields, PlanForm):
    key = StringField()
    title = StringField()
    what = StringField()
    why = StringField()
    grade = StringField(default=str(int(Grade.BINDING)))
    receivers = StringField(default=BY_LEVEL)
    lines = SelectMultipleField(choices=[], validate_choice=False)
    receiving_level = StringField()
    units = SelectMultipleField(choices=[], validate_choice=False)
    find = StringField()
    due_kind = StringField(default=str(int(DueKind.FIXED)))
    due_on = StringField()
    due_days = StringField()
    occasion = StringField()
    occasion_days = StringField(default="1")
    occasion_side = StringField(default=BEFORE)
    respond_days = StringField(default="3")
    grace_days = StringField()
    review_days = StringField()
    days = StringField(default=str(int(DayKind.CALENDAR)))
    counts_from = StringField(default=str(int(CountsFrom.ISSUE)))
    roll = StringField(default=str(int(Roll.STAY)))
    ladder = StringField()
    min_characters = StringField(default="0")
    review = StringField(default=ALL_LEVELS)
    review_levels = SelectMultipleField(choices=[], validate_choice=False)
    evidence = FieldList(FormField(EvidenceForm))
    metrics = FieldList(FormField(MetricForm))

    def fill(self, task: TaskPlan) -> None:
        """Puts the task into the fields."""
        for name in ("key", "title", "what", "why", "ladder"):
            self[name].data = getattr(task, name) or ""
        for name in ("due_days", "respond_days", "grace_days", "review_days", "min_characters"):
            number = getattr(task, name)
            self[name].data = "" if number is None else str(number)
        for name in ("grade", "due_kind", "days", "counts_from", "roll"):
            self[name].data = str(int(getattr(task, name)))
        self.fill_recurrence(task)
        self.occasion.data = task.occasion
        if task.due_kind is DueKind.OCCASION and task.due_days is not None:
            self.occasion_days.data = str(abs(task.due_days))
            self.occasion_side.data = AFTER if task.due_days > 0 else BEFORE
        self.receivers.data = BY_NAME if task.units else BY_LEVEL
        self.lines.data = [] if task.units else [str(int(line)) for line in task.lines]
        self.receiving_level.data = str(int(task.receiving_level)) if task.receiving_level is not None else ""
        self.units.data = [str(ref.id) for ref in task.units]
        self.due_on.data = _iso(task.due_on)
        self.review.data = CHOSEN_LEVELS if task.review_levels else ALL_LEVELS
        self.review_levels.data = [str(int(level)) for level in task.review_levels]
        for rule in task.evidence:
            values: dict[str, Any] = {"name": rule.name, "kind": str(int(rule.kind)), "min": str(rule.min_count)}
            values |= {"ground": rule.ground, "item": rule.item, "in_time": rule.in_time}
            self.evidence.append_entry(values)
        for metric in task.metrics:
            self.metrics.append_entry(metric_fields(metric))

    def plan(self, typed: "Typed") -> TaskPlan:
        """The task as it was typed; what cannot be read is noted in `typed`."""
        by_level = self.receivers.data != BY_NAME
        due_kind = (typed.member("due.kind", self.due_kind, DueKind) if not self.recurs else None) or DueKind.NONE
        relative, dated = due_kind is DueKind.RELATIVE, due_kind is not DueKind.NONE or self.recurs
        return TaskPlan(
            title=line(self.title),
            key=line(self.key) or None,
            what=_text(self.what),
            why=_text(self.why),
            lines=tuple(typed.members("lines", self.lines, Line)) if by_level else (),
            receiving_level=typed.member("receiving_level", self.receiving_level, Level) if by_level else None,
            units=() if by_level else _refs(self.units),
            grade=typed.member("grade", self.grade, Grade) or Grade.BINDING,
            due_kind=due_kind,
            due_on=typed.day("due.on", self.due_on) if due_kind is DueKind.FIXED else None,
            due_days=self._due_days(typed, due_kind),
            occasion=line(self.occasion) if due_kind is DueKind.OCCASION else "",
            respond_days=typed.whole("respond_days", self.respond_days),
            grace_days=typed.whole("grace_days", self.grace_days) if dated else None,
            recurring=self.recurring(typed),
            review_days=typed.whole("review_days", self.review_days),
            days=typed.member("days", self.days, DayKind) or DayKind.CALENDAR,
            counts_from=(typed.member("counts_from", self.counts_from, CountsFrom) if relative else None)
            or CountsFrom.ISSUE,
            roll=typed.member("roll", self.roll, Roll) or Roll.STAY,
            ladder=line(self.ladder),
            min_characters=typed.whole("min_characters", self.min_characters) or 0,
            review_levels=self._levels(typed),
            evidence=tuple(self._evidence(typed, at, row) for at, row in typed.rows("evidence", self.evidence)),
            metrics=tuple(read_metric(typed, at, row) for at, row in typed.rows("metrics", self.metrics)),
        )

    def _due_days(self, typed: "Typed", due_kind: DueKind) -> int | None:
        """The number of days; those of an occasion are typed without a sign, beside the side on which they lie."""
        if due_kind is DueKind.RELATIVE:
            return typed.whole("due.days", self.due_days)
        if due_kind is not DueKind.OCCASION:
            return None
        typed.means("due.days", "occasion_days")
        days = typed.whole("due.days", self.occasion_days)
        return days if days is None or self.occasion_side.data == AFTER else -days

    def _levels(self, typed: "Typed") -> tuple[Level, ...]:
        if self.review.data != CHOSEN_LEVELS:
            return ()
        levels = typed.members("review_levels", self.review_levels, Level)
        if not levels:
            typed.problems.append(Problem("review_levels", say("Please choose at least one level.")))
        return tuple(sorted(levels, reverse=True))

    def _evidence(self, typed: "Typed", at: str, row: Any) -> EvidencePlan:
        kind = typed.member(f"{at}.kind", row.kind, EvidenceKind) or EvidenceKind.ANY
        least = typed.whole(f"{at}.min", row.min) or 0
        return EvidencePlan(line(row.name), kind, least, line(row.ground), line(row.item), bool(row.in_time.data))


class Typed:
    """Reads what was typed; notes a problem where it cannot be read, and which row of the form a path means."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._rows: dict[str, str] = {}
        self._fields: dict[str, str] = {"due.event": "occasion"}

    def means(self, path: str, field: str) -> None:
        """Lets problems of that path stand at that field of the form."""
        self._fields[path] = field

    def rows(self, name: str, field: Any) -> list[tuple[str, Any]]:
        """The rows in which anything was written, each with the path that it has in the plan."""
        written = [entry for entry in field.entries if any(_is_written(part) for part in entry.form)]
        for at, entry in enumerate(written):
            self._rows[f"{name}.{at}"] = entry.name
        return [(f"{name}.{at}", entry.form) for at, entry in enumerate(written)]

    def whole(self, path: str, field: Any) -> int | None:
        """A whole number of at most nine digits."""
        number = self.figure(path, field, places=0)
        return None if number is None else min(int(number), 10**9)

    def figure(self, path: str, field: Any, places: int = 4) -> Decimal | None:
        """A number."""
        text = line(field)
        try:
            return read_number(text, places) if text else None
        except BadValue as bad:
            self.problems.append(Problem(path, bad.sentence))
            return None

    def day(self, path: str, field: Any) -> date | None:
        """A day."""
        text = line(field)
        try:
            return day_in(text)
        except ValueError:
            self.problems.append(Problem(path, say("Please write the day as 2026-11-20.")))
            return None

    def id(self, path: str, field: Any) -> int | None:
        """A number that a list gave."""
        text = line(field)
        return int(text) if text.isdecimal() and len(text) < 19 else None

    def member(self, path: str, field: Any, kind: Any) -> Any:
        """A member of an enum, given by its number."""
        text = line(field)
        if not text:
            return None
        found = [member for member in kind if str(int(member)) == text]
        if not found:
            self.problems.append(Problem(path, say("Please choose one of the list.")))
        return found[0] if found else None

    def members(self, path: str, field: Any, kind: Any) -> list[Any]:
        """Members of an enum, given by their numbers, in the order of the enum."""
        given = set(field.data or ())
        return [member for member in kind if str(int(member)) in given]

    def errors(self, problems: Sequence[Problem]) -> dict[str, list[str]]:
        """For each field of the form by its id: the sentences, in the reader's language."""
        found: dict[str, list[str]] = {}
        for problem in problems:
            told = found.setdefault(self._field(problem.where), [])
            if (sentence := speak(problem.sentence)) not in told:
                told.append(sentence)
        return found

    def _field(self, path: str) -> str:
        if path in self._fields:
            return self._fields[path]
        parts = path.split(".")
        row = ".".join(parts[:2])
        if row in self._rows:
            return "-".join([self._rows[row], *(ROW_FIELDS.get(part, part) for part in parts[2:3])])
        if parts[0] in ("units", "co_issuers"):
            return parts[0]
        return "_".join(parts)


def _is_written(field: Any) -> bool:
    return field.short_name in WRITTEN and bool((field.data or "").strip())


def _refs(field: Any) -> tuple[UnitRef, ...]:
    return tuple(UnitRef(id=number) for number in ids_in(field))


def ids_in(field: Any) -> list[int]:
    """The ids that were ticked, each once."""
    return list(dict.fromkeys(int(each) for each in field.data or () if each.isdecimal() and len(each) < 19))


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


def _text(field: Any) -> str:
    return (field.data or "").replace("\r\n", "\n").strip()
