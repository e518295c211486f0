"""What is known of the figures of one assignment before it reports: for its page, and for the verb that submits.

One statement gathers it all: what the unit reported here, in earlier periods and elsewhere, what was approved, the
baseline, the same figure a year ago, the register behind a rate, the items of checklists and the milestones.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Date,
    Select,
    SmallInteger,
    String,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from ..db import Instant, flush_pending, run
from ..rules.burden import SAME_ANYWHERE
from ..rules.metrics import Aggregation, Comparator, MetricKind, OverTime, Value
from ..rules.milestones import Step
from ..rules.plausible import Past
from ..rules.states import Action, State
from ..rules.targets import Compares
from .assignments import Assignment
from .campaigns import Metric, Period, Task
from .figures import Joint
from .goals import join_target, meant_for_each, own_target
from .organisation import Area, Unit
from .partners import beside, credit, same_turn
from .quotas import heads
from .reporting import STANDS, CheckIn, MetricValue, Review, Submission
from .targets import Baseline, ChecklistItem, Milestone, Register, Target

A_YEAR, ABOUT = timedelta(days=365), timedelta(days=20)  # the same period last year began about a year earlier


class Source(IntEnum):
    """Where a figure was found."""

    VERSION = 0
    CHECK_IN = 1
    EARLIER = 2
    BASELINE = 3
    LAST_YEAR = 4
    REGISTER = 5
    ELSEWHERE = 6
    ITEM = 7
    MILESTONE = 8
    PARTNER = 9


@dataclass(frozen=True)
class Here:
    """Whose figures: the assignment; `opens_on`: of its period, where the task recurs. `since`: from when what the unit
    reported elsewhere is of the same period; None: nobody asks, and not for partners either."""

    assignment_id: int
    task_id: int
    unit_id: int
    period: int
    opens_on: date | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class Told:
    """A figure that was found, with its instant. `version`: of the assignment's own report. `label`: which baseline, or
    the task that it was reported for. `approved`: it was approved and still counts. Of a PARTNER: what the latest
    version says was done with it, None for nothing; `version` is the id of its unit and `label` its name; `credited` is
    what it reports itself as done with this unit."""

    source: Source
    value: Value
    at: datetime | None
    version: int
    label: str
    approved: bool

    @property
    def credited(self) -> Decimal | None:
        """What a partner reports as done together; None for nothing."""
        return self.value.numerator if self.source is Source.PARTNER else None


@dataclass(frozen=True)
class Measure:
    """A metric as it is asked of this assignment, and all that is known of it. `target`: what the assignment itself
    must reach, None where it has no figure of its own; `total`: what all units together must reach."""

    id: int
    name: str
    kind: MetricKind
    unit_of_measure: str
    comparator: Comparator
    target: Decimal | None
    numerator_name: str
    denominator_name: str
    required: bool
    note: str
    total: Decimal | None
    money_places: int
    over_time: OverTime
    parent_id: int | None
    adds_up: bool
    compares: Compares
    register_name: str
    condition: str
    word: str
    measurable: bool
    items: tuple[str, ...] = ()
    milestones: tuple[Step, ...] = ()
    told: tuple[Told, ...] = field(default=())

    def latest(self, *sources: Source) -> Told | None:
        """What was found last there."""
        found = [told for told in self.told if told.source in sources]
        return found[-1] if found else None

    @property
    def past(self) -> Past:
        """What the law of plausible figures needs. A version that came back or was taken back is no history."""
        notes = (Source.CHECK_IN, False), (Source.VERSION, True)
        own = [told for told in self.told if (told.source, told.approved) in notes]
        own.sort(key=lambda told: (str(told.at), told.version))
        earlier = [told for told in self.told if told.source is Source.EARLIER]
        counting = [*(earlier if self.over_time is OverTime.LATEST else ()), *own]
        approved = [told.value for told in counting if told.approved]
        compared = self.latest(Source.BASELINE, Source.LAST_YEAR)
        return Past(
            self.id, self.name, self.kind, self.comparator, self.over_time, self.parent_id, self.adds_up,
            tuple(told.value for told in (*earlier, *own)), approved[-1] if approved else None,
            own[-1].value if own else None, compared.value if compared else None,
        )  # fmt: skip


@dataclass(frozen=True)
class _Marks:
    """What stands for a `Here` in a statement that is written once. `began`: between which days the period of a year
    ago opened."""

    assignment_id: Any
    task_id: Any
    unit_id: Any
    period: Any
    began: tuple[Any, Any] | None
    since: Any


def measures(here: Here) -> tuple[Measure, ...]:
    """The metrics of the task in their order, each with what is known. One statement."""
    values: dict[str, Any] = {
        "assignment": here.assignment_id, "task": here.task_id, "unit": here.unit_id, "period": here.period,
    }  # fmt: skip
    if here.opens_on is not None:
        began = here.opens_on - A_YEAR
        values |= {"began_after": began - ABOUT, "began_before": began + ABOUT}
    if here.since is not None:
        values["since"] = here.since
    flush_pending()  # what is pending would be missed; almost always nothing is
    heads_: dict[int, Measure] = {}
    told: dict[int, list[Told]] = defaultdict(list)
    for row in run(_measures(here.opens_on is not None, here.since is not None), values):
        heads_.setdefault(row[0], Measure(*row[:20]))
        if row.source is not None:
            value = Value(row.number, row.numerator, row.denominator, row.text)
            told[row[0]].append(Told(Source(row.source), value, row.at, row.version, row.label, bool(row.approved)))
    return tuple(_with(measure, told[key]) for key, measure in heads_.items())


@cache
def _measures(recurs: bool, asks: bool) -> Select[Any]:
    """Written once for each: putting it together costs a hundred times as much as running it."""
    days = (bindparam("began_after", type_=Date), bindparam("began_before", type_=Date)) if recurs else None
    since = bindparam("since", type_=Instant()) if asks else None
    assignment, task, unit = (bindparam(name, type_=BigInteger) for name in ("assignment", "task", "unit"))
    here = _Marks(assignment, task, unit, bindparam("period", type_=SmallInteger), days, since)
    whole = aliased(Metric)
    found = union_all(*_sources(here)).subquery()
    return (
        select(
            Metric.id, Metric.name, Metric.kind, Metric.unit_of_measure, Metric.comparator, own_target(),
            Metric.numerator_name, Metric.denominator_name, Metric.required, Metric.note,
            case((meant_for_each(), null()), else_=Metric.target), Metric.money_places, Metric.over_time,
            whole.id, Metric.adds_up, Metric.compares, func.coalesce(Register.name, ""),
            func.coalesce(Register.condition, ""), Metric.word, Metric.measurable,
            found.c.source, found.c.number, found.c.numerator, found.c.denominator, found.c.text, found.c.at,
            found.c.version, found.c.label, found.c.approved,
        )
        .select_from(Metric)
        .join(Assignment, Assignment.id == here.assignment_id)
        .outerjoin(Target, join_target())
        .outerjoin(whole, whole.id == Metric.parent_id)
        .outerjoin(Register, Register.id == Metric.register_id)
        .outerjoin(found, found.c.metric_id == Metric.id)
        .where(Metric.task_id == here.task_id)
        .order_by(Metric.position, Metric.id, found.c.source, found.c.at, found.c.version)
    )  # fmt: skip


def _with(measure: Measure, told: Iterable[Told]) -> Measure:
    kept, items, steps = [], [], []
    for each in told:
        if each.source is Source.ITEM:
            items.append(each.label)
        elif each.source is Source.MILESTONE:
            steps.append(Step(date.fromisoformat(each.label), each.value.number or Decimal(0)))
        elif each.source is not Source.REGISTER or each.value.denominator is not None:
            kept.append(each)
    return replace(measure, items=tuple(items), milestones=tuple(steps), told=tuple(kept))


def _row(source: Source, metric_id: Any, values: Any, at: Any, version: Any, label: Any, approved: Any) -> Select[Any]:
    """One branch of the union, from the table of its first value; the first gives all columns their types."""
    number, numerator, denominator, text = values
    found = select(
        metric_id.label("metric_id"), literal(int(source)).label("source"), number.label("number"),
        numerator.label("numerator"), denominator.label("denominator"), text.label("text"), at.label("at"),
        version.label("version"), label.label("label"), approved.label("approved"),
    )  # fmt: skip
    return found.select_from(MetricValue) if number is MetricValue.number else found


BY_REPORT = MetricValue.metric_id + 0  # values are found by their unit's reports: a metric may have half a million
VALUES = (MetricValue.number, MetricValue.numerator, MetricValue.denominator, MetricValue.text)
NONE, NO, YES, NO_WORDS = literal(0), literal(0), literal(1), literal("")


def _sources(here: _Marks) -> list[Select[Any]]:
    parts = [*_own(here), _earlier(here), _baseline(here), *_last_year(here), _register(here), *_plan(here)]
    return [*parts, _elsewhere(here), _partners(here)] if here.since is not None else parts


def _own(here: _Marks) -> list[Select[Any]]:
    """The versions and the check-ins of the assignment; a version is approved when its last level approved it."""
    levels = func.length(Submission.chain) - func.length(func.replace(Submission.chain, ",", ""))
    decided = exists().where(
        Review.submission_id == Submission.id, Review.decision == Action.APPROVE, Review.step == levels, STANDS
    )
    approved = case((decided, 1), else_=0)
    label = cast(NO_WORDS, String)
    versions = _row(Source.VERSION, MetricValue.metric_id, VALUES, Submission.at, Submission.number, label, approved)
    notes = _row(Source.CHECK_IN, MetricValue.metric_id, VALUES, CheckIn.at, NONE, NO_WORDS, NO)
    return [
        versions.join(Submission, Submission.id == MetricValue.submission_id).where(
            Submission.assignment_id == here.assignment_id
        ),
        notes.join(CheckIn, CheckIn.id == MetricValue.check_in_id).where(CheckIn.assignment_id == here.assignment_id),
    ]


def _latest() -> Any:
    """A clause: no later version of that assignment was submitted."""
    later = aliased(Submission)
    return ~exists().where(later.assignment_id == Submission.assignment_id, later.number > Submission.number)


def _earlier(here: _Marks) -> Select[Any]:
    """The latest version of each earlier period of the same task."""
    approved = case((Assignment.state == State.APPROVED, 1), else_=0)
    rows = _row(Source.EARLIER, MetricValue.metric_id, VALUES, Submission.at, NONE, NO_WORDS, approved)
    return _reported(rows).where(
        Assignment.task_id == here.task_id, Assignment.unit_id == here.unit_id, Assignment.period < here.period,
    )  # fmt: skip


def _reported(rows: Select[Any]) -> Select[Any]:
    """Narrows to what stands in the latest version of assignments that wait for a decision or are approved."""
    return (
        rows.join(Submission, Submission.id == MetricValue.submission_id)
        .join(Assignment, Assignment.id == Submission.assignment_id)
        .where(Assignment.state.in_((State.SUBMITTED, State.APPROVED)), _latest())
    )


def _baseline(here: _Marks) -> Select[Any]:
    values = (Baseline.number, Baseline.numerator, Baseline.denominator, null())
    return (
        _row(Source.BASELINE, Baseline.metric_id, values, Baseline.at, NONE, Baseline.source, YES)
        .join(Metric, Metric.id == Baseline.metric_id)
        .where(Metric.task_id == here.task_id, Metric.compares == Compares.BASELINE, Baseline.unit_id == here.unit_id)
    )


def _last_year(here: _Marks) -> list[Select[Any]]:
    """What was approved a year ago: of the metric that this one was then, or in the period that began a year ago."""
    wanted = and_(Metric.task_id == here.task_id, Metric.compares == Compares.LAST_YEAR)
    mine = and_(Assignment.unit_id == here.unit_id, Assignment.state == State.APPROVED)
    former = _reported(_row(Source.LAST_YEAR, Metric.id, VALUES, Submission.at, NONE, NO_WORDS, YES))
    then = aliased(Period)
    same = _reported(_row(Source.LAST_YEAR, Metric.id, VALUES, Submission.at, NONE, NO_WORDS, YES))
    branches = [former.join(Metric, Metric.former_metric_id == BY_REPORT).where(wanted, mine)]
    if here.began is not None:
        a_year_ago = then.opens_on.between(*here.began)
        branches.append(
            same.join(Metric, Metric.id == BY_REPORT)
            .join(then, and_(then.task_id == Assignment.task_id, then.number == Assignment.period))
            .where(wanted, mine, Metric.former_metric_id.is_(None), a_year_ago)
        )
    return branches


def _register(here: _Marks) -> Select[Any]:
    """How many the unit has in the register behind a rate; nothing where nobody was counted."""
    counted = (null(), null(), heads(Metric.register_id), null())
    rows = _row(Source.REGISTER, Metric.id, counted, null(), NONE, NO_WORDS, NO)
    return (
        rows.select_from(Metric)
        .join(Unit, Unit.id == here.unit_id)
        .join(Area, Area.id == Unit.area_id)
        .where(Metric.task_id == here.task_id, Metric.kind == MetricKind.RATE, Metric.register_id.is_not(None))
    )


def _elsewhere(here: _Marks) -> Select[Any]:
    """What the same unit reported under the same name for another task since then, so that nobody asks it twice."""
    wanted = aliased(Metric)
    label = cast(Task.title, String)
    rows = _reported(_row(Source.ELSEWHERE, wanted.id, VALUES, Submission.at, NONE, label, NO))
    alike = and_(
        wanted.task_id == here.task_id, wanted.name == Metric.name, wanted.kind == Metric.kind,
        wanted.unit_of_measure == Metric.unit_of_measure, wanted.kind.in_(SAME_ANYWHERE),
    )  # fmt: skip
    return (
        rows.join(Metric, Metric.id == BY_REPORT)
        .join(wanted, alike)
        .join(Task, Task.id == Metric.task_id)
        .where(Assignment.unit_id == here.unit_id, Task.id != here.task_id, Submission.at >= here.since)
    )


def _partners(here: _Marks) -> Select[Any]:
    """For each figure that is added up, the units of other lines in the same place that are asked it too."""
    ours, own, theirs, later = aliased(Unit), aliased(Assignment), aliased(Assignment), aliased(Submission)
    shared = (Joint.number, credit(theirs, Metric.id, here.unit_id), null(), null())
    latest = select(func.max(later.number)).where(later.assignment_id == here.assignment_id).scalar_subquery()
    with_it = and_(Joint.submission_id == Submission.id, Joint.metric_id == Metric.id, Joint.partner_unit_id == Unit.id)
    return (
        _row(Source.PARTNER, Metric.id, shared, null(), Unit.id, cast(Unit.name, String), NO)
        .select_from(Metric)
        .join(ours, ours.id == here.unit_id)
        .join(own, own.id == here.assignment_id)
        .join(Unit, beside(ours, Unit))
        .join(theirs, and_(same_turn(own, theirs), theirs.unit_id == Unit.id))
        .outerjoin(Submission, and_(Submission.assignment_id == here.assignment_id, Submission.number == latest))
        .outerjoin(Joint, with_it)
        .where(
            Metric.task_id == here.task_id, Metric.aggregation == Aggregation.SUM,
            Metric.kind.in_((MetricKind.COUNT, MetricKind.AMOUNT)),
        )
    )  # fmt: skip


def _plan(here: _Marks) -> list[Select[Any]]:
    nothing = (null(), null(), null(), null())
    items = _row(Source.ITEM, ChecklistItem.metric_id, nothing, null(), ChecklistItem.position, ChecklistItem.name, NO)
    reached = (Milestone.target, null(), null(), null())
    day = cast(Milestone.due_on, String)
    steps = _row(Source.MILESTONE, Milestone.metric_id, reached, null(), NONE, day, NO)
    own = select(Metric.id).where(Metric.task_id == here.task_id)
    return [items.where(ChecklistItem.metric_id.in_(own)), steps.where(Milestone.metric_id.in_(own))]
