"""The parts of a plan before it is a campaign, as frozen values. What must hold of them stands in `planning.py`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from ..errors import Problem
from .calendars import DayKind, Roll
from .dates import CountsFrom, DueKind
from .metrics import Aggregation, Comparator, MetricKind, OverTime
from .organisation import LINE_NAMES, Level, Line
from .plans import EvidenceKind, Grade
from .targets import Compares, Quota, Relative


@dataclass(frozen=True)
class UnitRef:
    """A unit as a plan names it: by id (forms), by its full name, or by the code of its area and its line."""

    id: int | None = None
    name: str = ""
    area: str = ""
    line: Line | None = None

    def __str__(self) -> str:
        if self.id is not None:
            return f"#{self.id}"
        return self.name or f"{self.area} {LINE_NAMES[self.line] if self.line else ''}".strip()


@dataclass(frozen=True)
class PhasePlan:
    """A named stretch of the campaign."""

    name: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    words: str = ""


@dataclass(frozen=True)
class OccasionPlan:
    """A day that due dates depend on; None while it is not known."""

    name: str = ""
    on: date | None = None


@dataclass(frozen=True)
class EvidencePlan:
    """What must be attached, and for photos the ground that allows asking for them. `item`: of a checklist of the same
    task, which it proves; `in_time`: what was captured before the task began does not count."""

    name: str = ""
    kind: EvidenceKind = EvidenceKind.ANY
    min_count: int = 1
    ground: str = ""
    item: str = ""
    in_time: bool = False


@dataclass(frozen=True)
class RegisterPlan:
    """A list that is counted per unit, and the condition under which somebody or something stands in it."""

    name: str = ""
    condition: str = ""
    unit: str = ""


@dataclass(frozen=True)
class MilestonePlan:
    """What must be reached by a day, in the unit of the target."""

    by: date | None = None
    target: Decimal | None = None


@dataclass(frozen=True)
class FormerRef:
    """The metric that this one was last year: by id (forms), or by the keys of campaign and task and its name."""

    id: int | None = None
    campaign: str = ""
    task: str = ""
    metric: str = ""


@dataclass(frozen=True)
class MetricPlan:
    """What is measured; `target` in the unit of measure, money in 元. None for aggregation: as the kind wants it.

    `items`: of a checklist. `money_places`: 0, 4 or 8, typed and shown in 元, 万元 or 亿元. `register`, by id or name:
    counts the persons of a quota, or the denominator of a rate. `part_of`: the name of the metric whose part it is
    (其中); `adds_up`: the parts make up the whole. `relative`: by how much (`change`) it shall be another figure than
    then, which was `base` where that is known. `word`: the plan's own vague word; not `measurable`: it has none.
    """

    name: str = ""
    kind: MetricKind = MetricKind.COUNT
    unit: str = ""
    target: Decimal | None = None
    comparator: Comparator = Comparator.NONE
    aggregation: Aggregation | None = None
    over_time: OverTime | None = None
    numerator: str = ""
    denominator: str = ""
    required: bool = True
    note: str = ""
    money_places: int = 0
    items: tuple[str, ...] = ()
    milestones: tuple[MilestonePlan, ...] = ()
    quota: Quota = Quota.TOTAL
    register_id: int | None = None
    register: str = ""
    part_of: str = ""
    adds_up: bool = False
    compares: Compares = Compares.NOTHING
    former: FormerRef | None = None
    relative: Relative = Relative.NOTHING
    change: Decimal | None = None
    base: Decimal | None = None
    word: str = ""
    measurable: bool = True


@dataclass(frozen=True)
class Recurring:
    """How often a task comes round: the rule as `rules/recurrence.py` writes it, empty for once. `repeats_from`: the
    day it counts from, None for the dispatch. `window_days`: from the opening of a period to its due day. `rotates`:
    each period goes to another unit."""

    rrule: str = ""
    repeats_from: date | None = None
    window_days: int | None = None
    rotates: bool = False


@dataclass(frozen=True)
class TaskPlan:
    """One thing asked: of `lines` at `receiving_level`, or of `units`. No `review_levels`: all units between.

    `due_days` counts from the dispatch or the sign-for for RELATIVE, and from the day of the occasion with that name
    (before it, if negative) for OCCASION. `ladder`: the key of one, empty for that of the campaign.
    """

    title: str = ""
    key: str | None = None
    what: str = ""
    why: str = ""
    lines: tuple[Line, ...] = ()
    receiving_level: Level | None = None
    units: tuple[UnitRef, ...] = ()
    grade: Grade = Grade.BINDING
    due_kind: DueKind = DueKind.NONE
    due_on: date | None = None
    due_days: int | None = None
    respond_days: int | None = None
    grace_days: int | None = None
    review_days: int | None = None
    days: DayKind = DayKind.CALENDAR
    counts_from: CountsFrom = CountsFrom.ISSUE
    roll: Roll = Roll.STAY
    occasion: str = ""
    recurring: Recurring = Recurring()
    min_characters: int = 0
    review_levels: tuple[Level, ...] = ()
    evidence: tuple[EvidencePlan, ...] = ()
    metrics: tuple[MetricPlan, ...] = ()
    ladder: str = ""


@dataclass(frozen=True)
class CampaignPlan:
    """A whole plan. When it was read from a file, `locate` makes problems name the file, the line and the field.

    `ladder`: the key of one, empty for the default. `registers`: lists that the plan needs; those that the issuing unit
    does not keep yet are opened, empty.
    """

    title: str = ""
    issuing_unit: UnitRef = field(default_factory=UnitRef)
    key: str | None = None
    number: str | None = None
    co_issuers: tuple[UnitRef, ...] = ()
    higher_campaign_id: int | None = None
    higher_campaign_key: str | None = None
    based_on: str = ""
    theme: str = ""
    ground: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    phases: tuple[PhasePlan, ...] = ()
    occasions: tuple[OccasionPlan, ...] = ()
    tasks: tuple[TaskPlan, ...] = ()
    registers: tuple[RegisterPlan, ...] = ()
    ladder: str = ""
    extension_days: int = 0
    extension_most: int = 0
    invented: tuple[str, ...] = ()
    locate: Callable[[Sequence[Problem]], list[Problem]] = field(default=list, compare=False, repr=False)


@dataclass(frozen=True)
class IssuerFacts:
    """What the law needs to know of those who issue: the level of the issuing unit, and the lines of all of them."""

    level: Level
    lines: frozenset[Line]
