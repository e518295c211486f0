"""Requests upwards: what waits for the reader's decision, what the reader's units asked for, and one of them whole."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, not_, or_, select
from sqlalchemy.orm import aliased

from ..clock import local_today
from ..db import db, listed
from ..models import Assignment, Campaign, Evidence, Metric, Person, Proposal, Request, RequestEvidence, Task, Unit
from ..models.organisation import acted_for
from ..models.requesting import led_on, passed_up
from ..rules.metrics import MetricKind
from ..rules.organisation import Actor, Role
from ..rules.requests import Decision, RequestKind
from ..rules.standstill import BOSSES
from ..rules.states import OPEN, State
from .attached import File
from .scope import visible_assignments
from .spelled import unit_sounds_like

PAGE = 50
_PARENT, _HOLDER = aliased(Assignment), aliased(Unit)
_DECIDER = aliased(Unit)
_WAITS = select(Request.unit_id).where(Request.decision == Decision.PENDING)


class View(Enum):
    """Which requests: those that the reader decides now, those that were decided at the reader's units, and those that
    the reader's units made."""

    TO_DECIDE = "to-decide"
    DECIDED = "decided"
    MINE = "mine"


@dataclass(frozen=True)
class Filters:
    """Narrower: one kind, what is late, words in the name of the unit or the task."""

    kind: RequestKind | None = None
    late: bool = False
    text: str = ""


@dataclass(frozen=True)
class Asked:
    """One request. `due_at` is the date of the assignment now, `asked_due_at` the one that was asked for, `was_due_at`
    the one that it had then; `parent_*`: what the assignment was split from."""

    id: int
    number: int
    kind: RequestKind
    assignment_id: int
    state: State
    unit_id: int
    unit_name: str
    task_title: str
    campaign_title: str
    due_at: datetime | None
    asked_due_at: datetime | None
    was_due_at: datetime | None
    decider_id: int
    decider_name: str
    superior_id: int | None
    reason: str
    at: datetime
    person_name: str
    for_name: str | None
    decide_by: datetime | None
    decision: Decision
    words: str
    decided_by: str | None
    decided_at: datetime | None
    consent: bool
    parent_id: int | None
    parent_unit_id: int | None
    parent_unit_name: str | None
    parent_due_at: datetime | None

    @property
    def pending(self) -> bool:
        """Whether it still waits."""
        return self.decision is Decision.PENDING and self.state in OPEN

    @property
    def needs_consent(self) -> bool:
        """Whether the date that is asked for lies after that of what it was split from, and nobody agreed yet."""
        if self.asked_due_at is None or self.parent_due_at is None or self.consent:
            return False
        return self.pending and self.asked_due_at > self.parent_due_at

    def is_late(self, now: datetime) -> bool:
        """Whether it should have been decided."""
        return self.pending and self.decide_by is not None and self.decide_by < now

    def decides(self, actor: Actor, units: Collection[int] = ()) -> bool:
        """Whether the reader may decide it; `units`: all that may, as models/requesting.py finds them, else the
        deciding one and the one above it."""
        nearest = (self.decider_id, self.superior_id)
        return self.pending and any(actor.post_in(unit, *BOSSES) for unit in units or nearest)

    def agrees(self, actor: Actor) -> bool:
        """Whether the reader is who must agree to a later date."""
        return self.needs_consent and actor.post_in(self.parent_unit_id, Role.DISPATCHER) is not None

    def takes_back(self, actor: Actor) -> bool:
        """Whether the reader may take it back."""
        return self.pending and actor.post_in(self.unit_id, Role.OFFICER) is not None


@dataclass(frozen=True)
class Page:
    """One page of a list; `next` continues it after that id."""

    rows: tuple[Asked, ...]
    total: int
    next: int | None


@dataclass(frozen=True)
class Proposed:
    """Another target that a dispute proposes."""

    metric_id: int
    name: str
    kind: MetricKind
    unit_of_measure: str
    money_places: int
    was: Decimal | None
    value: Decimal


def page(actor: Actor, view: View, filters: Filters, *, now: datetime, after: int = 0) -> Page:
    """What is to be decided, the longest waiting first; of the other lists the latest first. Two statements."""
    chosen = _chosen(actor, view, filters, now)
    statement = _ordered(_asked().where(chosen), view, after).limit(PAGE + 1)
    rows = [Asked(*row) for row in db.session.execute(statement)]
    total = int(db.session.execute(_joined(select(func.count(Request.id))).where(chosen)).scalar_one())
    return Page(tuple(rows[:PAGE]), total, rows[PAGE - 1].id if len(rows) > PAGE else None)


def everything(actor: Actor, view: View, filters: Filters, *, now: datetime) -> Iterator[Asked]:
    """The whole list, for an export. One statement, read as it is written."""
    statement = _ordered(_asked().where(_chosen(actor, view, filters, now)), view, 0)
    with db.session.execute(statement.execution_options(yield_per=500)) as rows:
        for row in rows:
            yield Asked(*row)


def count(actor: Actor, *, now: datetime) -> int:
    """How many wait for the reader. One statement; none for who decides nothing."""
    if not actor.has_role(*BOSSES):
        return 0
    chosen = _chosen(actor, View.TO_DECIDE, Filters(), now)
    return int(db.session.execute(_joined(select(func.count(Request.id))).where(chosen)).scalar_one())


def nobody_at(unit_ids: Collection[int], *, now: datetime) -> set[int]:
    """Those of these units where nobody can decide today. One statement; none where no unit is named."""
    if not unit_ids:
        return set()
    there = Unit.id.in_(listed(sorted(set(unit_ids)))), not_(led_on(Unit.id, local_today(now)))
    return set(db.session.execute(select(Unit.id).where(*there)).scalars())


def request_of(request_id: int, actor: Actor, *, now: datetime) -> Asked | None:
    """One request; None where the reader neither sees its assignment nor decides it. One statement."""
    below = passed_up(_WAITS, actor, on=local_today(now))[0]
    sees = or_(visible_assignments(actor), Request.unit_id.in_(actor.units(*BOSSES)), Request.unit_id.in_(below))
    row = db.session.execute(_asked().where(Request.id == request_id, sees)).one_or_none()
    return None if row is None else Asked(*row)


def requests_of(assignment_id: int) -> tuple[Asked, ...]:
    """What was asked for one assignment, the latest first. The reader's scope is asked before. One statement."""
    statement = _asked().where(Request.assignment_id == assignment_id).order_by(Request.id.desc())
    return tuple(Asked(*row) for row in db.session.execute(statement))


def proposals_of(request_id: int) -> tuple[Proposed, ...]:
    """The targets that a dispute proposes, in the order of the metrics. One statement."""
    rows = db.session.execute(
        select(
            Metric.id,
            Metric.name,
            Metric.kind,
            Metric.unit_of_measure,
            Metric.money_places,
            Proposal.was,
            Proposal.value,
        )
        .join(Proposal, Proposal.metric_id == Metric.id)
        .where(Proposal.request_id == request_id)
        .order_by(Metric.position)
    )
    return tuple(Proposed(*row) for row in rows.tuples())


def evidence_of(request_id: int) -> tuple[File, ...]:
    """The files that a request names. One statement."""
    rows = db.session.execute(
        select(Evidence.id, Evidence.name, Evidence.media_type, Evidence.size)
        .join(RequestEvidence, RequestEvidence.evidence_id == Evidence.id)
        .where(RequestEvidence.request_id == request_id)
        .order_by(Evidence.id)
    )
    return tuple(File(*row, attached=False, rule_id=None) for row in rows.tuples())


def _chosen(actor: Actor, view: View, filters: Filters, now: datetime) -> ColumnElement[bool]:
    units, pending = actor.units(*BOSSES), Request.decision == Decision.PENDING
    if view is View.MINE:
        clauses: list[ColumnElement[bool]] = [Assignment.unit_id.in_(actor.units(Role.OFFICER))]
    elif view is View.DECIDED:
        clauses = [~pending, Request.unit_id.in_(units)]
    else:
        below, vacant = passed_up(_WAITS, actor, on=local_today(now))
        late = and_(Request.unit_id.in_(below), Request.decide_by < now)
        later = and_(Request.due_at > _PARENT.due_at, Request.consent.is_(False))
        asked = and_(_PARENT.unit_id.in_(actor.units(Role.DISPATCHER)), later)
        mine = or_(Request.unit_id.in_(units), Request.unit_id.in_(vacant), late, asked)
        clauses = [pending, Assignment.state.in_(OPEN), mine]
    if filters.kind is not None:
        clauses.append(Request.kind == filters.kind)
    if filters.late:
        clauses.append(and_(pending, Request.decide_by < now))
    if filters.text:
        named = (Unit.name, Task.title)
        found = (name.icontains(filters.text, autoescape=True) for name in named)
        clauses.append(or_(*found, unit_sounds_like(Unit.area_id, filters.text)))
    return and_(*clauses)


def _ordered(statement: Select[Any], view: View, after: int) -> Select[Any]:
    if view is View.TO_DECIDE:
        return statement.where(Request.id > after).order_by(Request.id)
    if after:
        statement = statement.where(Request.id < after)
    return statement.order_by(Request.id.desc())


def _asked() -> Select[Any]:
    asker, decider = aliased(Person), aliased(Person)
    return (
        _joined(
            select(
                Request.id, Request.number, Request.kind, Request.assignment_id, Assignment.state, Assignment.unit_id,
                Unit.name, Task.title, Campaign.title, Assignment.due_at, Request.due_at, Request.from_due_at,
                Request.unit_id, _DECIDER.name, _DECIDER.superior_id, Request.reason, Request.at, asker.name,
                acted_for(Request.post_id, Request.person_id), Request.decide_by, Request.decision, Request.words,
                decider.name, Request.decided_at, Request.consent, Assignment.parent_id, _PARENT.unit_id, _HOLDER.name,
                _PARENT.due_at,
            )
        )
        .join(asker, asker.id == Request.person_id)
        .outerjoin(decider, decider.id == Request.decided_by_id)
        .outerjoin(_HOLDER, _HOLDER.id == _PARENT.unit_id)
    )  # fmt: skip


def _joined(statement: Select[Any]) -> Select[Any]:
    return (
        statement.select_from(Request)
        .join(Assignment, Assignment.id == Request.assignment_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Task, Task.id == Assignment.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .join(_DECIDER, _DECIDER.id == Request.unit_id)
        .outerjoin(_PARENT, _PARENT.id == Assignment.parent_id)
    )
