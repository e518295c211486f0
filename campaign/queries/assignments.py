"""One assignment for the page of those who work on it: what is asked, what was reported, drafted, attached and said."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, String, and_, cast, exists, func, select
from sqlalchemy.orm import aliased

from ..clock import zone
from ..db import db
from ..models import (
    Area,
    Assignment,
    Batch,
    Campaign,
    CampaignUnit,
    Draft,
    Period,
    Person,
    Question,
    Request,
    Task,
    Unit,
)
from ..models.clockwork import Calendar as CalendarRow
from ..models.ladders import EVERYBODYS
from ..models.past import Here, Measure, Source, Told, measures
from ..rules.calendars import Calendar, Roll, is_provisional
from ..rules.chain import Above, review_chain
from ..rules.dates import end_of_day, local_day
from ..rules.metrics import Value
from ..rules.milestones import Step, milestone_in_force
from ..rules.organisation import Actor, Level
from ..rules.plans import Grade
from ..rules.requirements import MetricNeed, Needs
from ..rules.states import WITH_OFFICER, Action, State
from ..rules.windows import first_moment
from .attached import File, Rule, asked_and_attached
from .beside import Said
from .course import Decision, Higher, Note, Version, history
from .dating import has_story
from .flags import Found
from .scope import visible_assignments
from .urging import Urge


@dataclass(frozen=True)
class Ask:
    """What is asked of whom until when, and where it stands; the reader's own draft, if there is one."""

    id: int
    state: State
    version: int
    unit_id: int
    unit_name: str
    task_id: int
    title: str
    what: str
    why: str
    grade: Grade
    min_characters: int
    review_levels: str
    campaign_id: int
    campaign_title: str
    campaign_number: str | None
    ground: str
    issuer_id: int
    issuer_name: str
    issuer_level: Level
    issuer_lft: int
    issuer_rgt: int
    dispatched_at: datetime
    respond_by: datetime | None
    due_at: datetime | None
    first_due_at: datetime | None
    cut_off_at: datetime | None
    reviewer_unit_id: int | None
    reviewer_name: str | None
    review_due_at: datetime | None
    review_step: int
    draft_fields: str | None
    draft_saved_at: datetime | None
    behind_at: datetime | None
    suspended_at: datetime | None
    known_until: date | None  # the last day whose holidays the assignment's calendar knows
    roll: Roll
    rrule: str | None
    period: int
    opens_on: date | None  # of its period; None where the task does not recur
    in_charge_id: int | None
    in_charge_name: str | None
    was_asked_about: bool  # whether a question was ever asked upwards
    was_requested_for: bool  # whether more time, another target or an exemption was ever requested
    urged_at: datetime | None
    co_issuers: str | None  # ids, comma-joined

    @property
    def issuers(self) -> tuple[int, ...]:
        """The units that issue the campaign, the first among them first."""
        return self.issuer_id, *(int(id) for id in (self.co_issuers or "").split(",") if id)

    @property
    def date_has_story(self) -> bool:
        """Whether there may be something to tell of the due date; `queries/dating.py` tells it."""
        return has_story(self.due_at, self.first_due_at, self.roll)

    @property
    def is_provisional(self) -> bool:
        """Whether the due date lies beyond what the calendar knows, so that it may still move."""
        return is_provisional(self.due_at, Calendar(known_until=self.known_until), zone())

    @property
    def draft(self) -> Mapping[str, Any]:
        """The fields of the draft; empty when there is none."""
        return json.loads(self.draft_fields) if self.draft_fields else {}


@dataclass(frozen=True)
class Asked(Measure):
    """A figure that is asked, with all that is known of it. `last`: reported last, in a version or a check-in;
    `former`: in the latest version."""

    last: Value | None = None
    last_at: datetime | None = None
    former: Value | None = None

    @property
    def compared(self) -> Told | None:
        """Its baseline, or the same figure a year ago."""
        return self.latest(Source.BASELINE, Source.LAST_YEAR)

    @property
    def partners(self) -> tuple[Told, ...]:
        """The units of other lines that it may have been done with, each with its part of the latest version."""
        return tuple(told for told in self.told if told.source is Source.PARTNER)

    @property
    def counted(self) -> Decimal | None:
        """How many the unit has in the register behind a rate."""
        told = self.latest(Source.REGISTER)
        return told.value.denominator if told else None

    @property
    def elsewhere(self) -> Told | None:
        """What the unit reported under this name for another task of the same time, while it has said nothing here."""
        return None if self.last else self.latest(Source.ELSEWHERE)

    def step_on(self, day: date) -> Step | None:
        """The milestone in force on that day."""
        return milestone_in_force(self.milestones, day)


@dataclass(frozen=True)
class Whole:
    """All that the page of an assignment shows. `chain`: the reviewing units by name, nearest first; `urged`: the
    last urge, while it is with the officer; `said`: the thread; `flags`: those of the latest version."""

    ask: Ask
    metrics: tuple[Asked, ...]
    rules: tuple[Rule, ...]
    files: tuple[File, ...]
    versions: tuple[Version, ...]
    notes: tuple[Note, ...]
    chain: tuple[str, ...] = field(default=())
    urged: Urge | None = None
    said: tuple[Said, ...] = ()
    flags: tuple[Found, ...] = ()

    @property
    def latest(self) -> Version | None:
        """The version submitted last."""
        return self.versions[-1] if self.versions else None

    @property
    def next_number(self) -> int:
        """The number of the version to come."""
        return self.versions[-1].number + 1 if self.versions else 1

    @property
    def last_return(self) -> Decision | None:
        """The return that the officer must answer now."""
        if self.ask.state is not State.RETURNED or self.latest is None:
            return None
        returns = [found for found in self.latest.decisions if found.decision is Action.RETURN]
        return returns[-1] if returns else None

    @property
    def needs(self) -> Needs:
        """What the law asks of a submission."""
        return Needs(
            tuple(MetricNeed(metric.id, metric.name, metric.required) for metric in self.metrics),
            tuple(rule.need for rule in self.rules),
            self.ask.min_characters,
            first_moment(self.ask.dispatched_at, self.ask.opens_on, zone()),
        )


def whole(assignment_id: int, actor: Actor) -> Whole | None:
    """The assignment within the actor's scope, or None. Four statements, whatever it holds."""
    row = db.session.execute(_ask(assignment_id, actor)).one_or_none()
    if row is None:
        return None
    ask = Ask(*row)
    course = history(ask.id, ask.unit_id, urged=bool(ask.urged_at) and ask.state in WITH_OFFICER)
    versions = course.versions
    rules, files = asked_and_attached(ask.task_id, ask.id, versions[-1].id if versions else None)
    return Whole(
        ask,
        metrics=_metrics(ask, versions[-1].number if versions else None),
        rules=rules,
        files=files,
        versions=versions,
        notes=course.notes,
        chain=_chain(ask, course.above, versions[-1] if versions and ask.state is State.SUBMITTED else None),
        urged=course.urged,
        said=course.said,
        flags=course.flags,
    )


def _ask(assignment_id: int, actor: Actor) -> Select[Any]:
    issuer, reviewer, issuer_area, charged = aliased(Unit), aliased(Unit), aliased(Area), aliased(Person)
    others = func.aggregate_strings(cast(CampaignUnit.unit_id, String), ",")
    co_issuers = select(others).where(CampaignUnit.campaign_id == Campaign.id).correlate(Campaign)
    return (
        select(
            Assignment.id, Assignment.state, Assignment.version, Assignment.unit_id, Unit.name,
            Task.id, Task.title, Task.what, Task.why, Task.grade, Task.min_characters, Task.review_levels,
            Campaign.id, Campaign.title, Campaign.number, Campaign.ground,
            issuer.id, issuer.name, issuer.level, issuer_area.lft, issuer_area.rgt,
            Batch.dispatched_at, Assignment.respond_by, Assignment.due_at, Assignment.first_due_at,
            Assignment.cut_off_at, Assignment.reviewer_unit_id, reviewer.name, Assignment.review_due_at,
            Assignment.review_step,
            Draft.fields, Draft.saved_at, Assignment.behind_at, Assignment.suspended_at, CalendarRow.known_until,
            Task.roll, Task.rrule, Assignment.period, Period.opens_on, charged.id, charged.name,
            exists().where(Question.assignment_id == Assignment.id),
            exists().where(Request.assignment_id == Assignment.id), Assignment.urged_at,
            co_issuers.scalar_subquery(),
        )
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Task, Task.id == Assignment.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .join(issuer, issuer.id == Campaign.issuing_unit_id)
        .join(issuer_area, issuer_area.id == issuer.area_id)
        .join(Batch, Batch.id == Assignment.batch_id)
        .outerjoin(CalendarRow, CalendarRow.id == func.coalesce(Batch.calendar_id, EVERYBODYS))
        .outerjoin(reviewer, reviewer.id == Assignment.reviewer_unit_id)
        .outerjoin(Period, and_(Period.task_id == Task.id, Period.number == Assignment.period))
        .outerjoin(charged, charged.id == Assignment.in_charge_id)
        .outerjoin(Draft, and_(Draft.assignment_id == Assignment.id, Draft.person_id == actor.person_id))
        .where(Assignment.id == assignment_id, visible_assignments(actor))
    )  # fmt: skip


def _metrics(ask: Ask, latest: int | None) -> tuple[Asked, ...]:
    """The figures asked, each with what was reported last; parts follow their whole."""
    here = Here(ask.id, ask.task_id, ask.unit_id, ask.period, ask.opens_on, since=_since(ask))
    asked = [_asked(measure, latest) for measure in measures(here)]
    wholes = [metric for metric in asked if metric.parent_id is None]
    return tuple(found for whole in wholes for found in _with_parts(whole, asked))


def _asked(measure: Measure, latest: int | None) -> Asked:
    own = sorted(
        (told for told in measure.told if told.source in (Source.VERSION, Source.CHECK_IN)),
        key=lambda told: (str(told.at), told.version),
    )
    last = own[-1] if own else None
    former = next((told.value for told in own if latest is not None and told.version == latest), None)
    known = {each.name: getattr(measure, each.name) for each in fields(measure)}
    return Asked(**known, last=last.value if last else None, last_at=last.at if last else None, former=former)


def _with_parts(whole: Asked, asked: Sequence[Asked]) -> Iterator[Asked]:
    yield whole
    for part in asked:
        if part.parent_id == whole.id:
            yield from _with_parts(part, asked)


def _since(ask: Ask) -> datetime:
    """From when a figure that was reported elsewhere is of the same period: since the period opened; where the task
    does not recur, since the quarter began in which it was dispatched."""
    day = ask.opens_on
    if day is None:
        day = local_day(ask.dispatched_at, zone())
        day = date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
    return end_of_day(day - timedelta(days=1), zone())


def _chain(ask: Ask, above: Sequence[Higher], waiting: Version | None) -> tuple[str, ...]:
    """The names of the reviewing units: of the version that waits, or as the next version will go."""
    names = {unit.id: unit.name for unit in above} | {ask.issuer_id: ask.issuer_name}
    if waiting is not None:
        return tuple(names[unit] for unit in waiting.chain if unit in names)
    levels = [int(level) for level in ask.review_levels.split(",") if level]
    units = [Above(unit.id, unit.level, unit.lft) for unit in above]
    issuer = Above(ask.issuer_id, int(ask.issuer_level), ask.issuer_lft)
    return tuple(names[unit] for unit in review_chain(units, issuer, ask.issuer_rgt, levels))
