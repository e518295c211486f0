"""What a person has to do, over all posts as an officer, and what the person was told."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select, union_all
from sqlalchemy.orm import aliased

from ..db import EPOCH, Instant, db
from ..models import Assignment, Campaign, Notice, Period, Review, Seen, Submission, Task, Unit
from ..rules.dates import Light
from ..rules.organisation import Actor, Role
from ..rules.states import NOT_ASKED, Action, ReturnReason, State
from .lights import light_is, light_number, stands_still
from .periods import was_missed

TO_DO = (Light.RETURNED, Light.OVERDUE, Light.BEHIND, Light.DUE, Light.NEW, Light.OPEN)
FOLDED = (Light.DISPUTED, Light.WAITING, Light.DONE)
MOST_CARDS = 50
MOST_FOLDED = 10
PAGE = 30
BATCHES = "batches"  # what Seen calls the notices to whole batches that a person has read


@dataclass(frozen=True)
class Card:
    """One assignment on the to-do list. `number`: its latest submitted version, `submitted_at` when that was.
    `suspended`: a question waits above, and the clock stands still."""

    id: int
    light: Light
    state: State
    version: int
    unit_id: int
    unit_name: str
    title: str
    issuer_name: str
    respond_by: datetime | None
    due_at: datetime | None
    reviewer_name: str | None
    number: int | None
    submitted_at: datetime | None
    suspended: bool = False
    rrule: str = ""  # of a recurring task, with the period that this is
    period: int = 0
    opens_on: date | None = None
    said_reason: ReturnReason | None = None  # of the last return, with the reviewer's words
    said_words: str | None = None


@dataclass(frozen=True)
class Counts:
    """How many assignments show each light, unit by unit; a period that was missed calls for nothing any more."""

    by_unit: dict[int, dict[Light, int]]
    missed_by_unit: dict[int, int] = field(default_factory=dict)  # of periods that are over; in no light

    def missed(self, unit_id: int | None = None) -> int:
        """How many are of a period that was missed, in one unit or in all."""
        return sum(n for unit, n in self.missed_by_unit.items() if unit_id in (None, unit))

    def of(self, light: Light, unit_id: int | None = None) -> int:
        """How many show that light, in one unit or in all."""
        units = list(self.by_unit) if unit_id is None else [unit_id]
        return sum(self.by_unit.get(unit, {}).get(light, 0) for unit in units)

    def to_do(self, unit_id: int | None = None) -> int:
        """How many need the officer to do something, now or later."""
        return sum(self.of(light, unit_id) for light in TO_DO)


def counts(actor: Actor, *, now: datetime) -> Counts:
    """The lights of all units in which the actor is an officer. One statement."""
    light, missed = light_number(now), case((was_missed(now), 1), else_=0)
    each = (
        select(Assignment.unit_id, light.label("light"), missed.label("missed"))
        .where(Assignment.unit_id.in_(actor.units(Role.OFFICER)), Assignment.state.not_in(NOT_ASKED))
        .subquery()
    )
    found, over = dict[int, dict[Light, int]](), dict[int, int]()
    for unit_id, number, gone, many in db.session.execute(select(*each.c, func.count()).group_by(*each.c)):
        if gone:
            over[unit_id] = over.get(unit_id, 0) + many
        else:
            found.setdefault(unit_id, {})[Light(number)] = many
    return Counts(found, over)


@dataclass(frozen=True)
class Gone:
    """A period that was missed."""

    id: int
    title: str
    unit_name: str
    due_at: datetime | None
    rrule: str
    period: int
    opens_on: date | None


def missed(actor: Actor, *, now: datetime, unit_id: int | None = None, most: int = MOST_FOLDED) -> list[Gone]:
    """The latest periods that were missed, at most so many. One statement."""
    units = [unit for unit in actor.units(Role.OFFICER) if unit_id in (None, unit)]
    rows = db.session.execute(
        select(
            Assignment.id, Task.title, Unit.name, Assignment.due_at, Task.rrule, Assignment.period, Period.opens_on
        )
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Task, Task.id == Assignment.task_id)
        .outerjoin(Period, and_(Period.task_id == Task.id, Period.number == Assignment.period))
        .where(Assignment.unit_id.in_(units), was_missed(now))
        .order_by(Assignment.id.desc())
        .limit(most)
    )  # fmt: skip
    return [Gone(*row) for row in rows.tuples()]


def cards(
    actor: Actor, *, now: datetime, unit_id: int | None = None, most: int = MOST_CARDS, folded: int = MOST_FOLDED
) -> dict[Light, list[Card]]:
    """The first cards of every group in order of urgency, at most so many of each. One statement."""
    units = [unit for unit in actor.units(Role.OFFICER) if unit_id in (None, unit)]
    groups = [(light, most) for light in TO_DO] + [(light, folded) for light in FOLDED]
    parts = [select(_first(units, light, limit, now).subquery()) for light, limit in groups]
    chosen = union_all(*parts).subquery()
    issuer, reviewer = aliased(Unit), aliased(Unit)
    latest = (
        select(func.max(Submission.number)).where(Submission.assignment_id == Assignment.id).correlate(Assignment)
    ).scalar_subquery()
    said = (
        select(noun).where(Review.assignment_id == Assignment.id, Review.decision == Action.RETURN)
        .order_by(Review.id.desc()).limit(1).correlate(Assignment).scalar_subquery()
        for noun in (Review.reason, Review.words)
    )  # fmt: skip
    statement = (
        select(
            Assignment.id, chosen.c.light, Assignment.state, Assignment.version, Assignment.unit_id,
            Unit.name, Task.title, issuer.name, Assignment.respond_by, Assignment.due_at, reviewer.name,
            Submission.number, Submission.at, stands_still(), Task.rrule, Assignment.period, Period.opens_on, *said,
        )
        .join(chosen, chosen.c.id == Assignment.id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Task, Task.id == Assignment.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .join(issuer, issuer.id == Campaign.issuing_unit_id)
        .outerjoin(reviewer, reviewer.id == Assignment.reviewer_unit_id)
        .outerjoin(Submission, and_(Submission.assignment_id == Assignment.id, Submission.number == latest))
        .outerjoin(Period, and_(Period.task_id == Task.id, Period.number == Assignment.period))
        .order_by(chosen.c.light, chosen.c.until.is_(None), chosen.c.until, Assignment.id.desc())
    )  # fmt: skip
    found: dict[Light, list[Card]] = {light: [] for light, _limit in groups}
    for row in db.session.execute(statement):
        light = Light(row.light)
        found[light].append(Card(row[0], light, *row[2:]))
    return found


def _first(units: list[int], light: Light, limit: int, now: datetime) -> Select[Any]:
    """The most urgent assignments of these units with that light: what has no date stands last, then the latest id."""
    until: ColumnElement[Any] = Assignment.due_at.expression
    if light is Light.NEW:
        until = func.coalesce(Assignment.respond_by, Assignment.due_at, type_=Instant())
    elif light is Light.DONE:
        until = Assignment.id * -1  # no date urges any more: the latest first
    return (
        select(Assignment.id.label("id"), literal(int(light)).label("light"), until.label("until"))
        .where(Assignment.unit_id.in_(units), light_is(light, now), ~was_missed(now))
        .order_by(until.is_(None), until, Assignment.id.desc())
        .limit(limit)
    )


@dataclass(frozen=True)
class Message:
    """One thing the person was told. `read` for notices to whole batches: whether they are older than the last look."""

    id: int
    tag: str
    at: datetime
    read: bool
    assignment_id: int | None
    title: str | None
    unit_name: str | None

    @property
    def key(self) -> tuple[int, int]:
        """Its place in the list, unique."""
        return self.id, self.assignment_id or 0


@dataclass(frozen=True)
class Messages:
    """One page of messages, newest first; `next` continues it."""

    items: tuple[Message, ...]
    next: tuple[int, int] | None


def messages(
    actor: Actor, *, before: tuple[int, int] | None = None, only_new: bool = False, size: int = PAGE
) -> Messages:
    """What the person was told, newest first; all of it or what was not read. One statement, whatever the number."""
    own, batches = _own(actor, before), _batches(actor, before)
    if only_new:
        own, batches = own.where(Notice.read_at.is_(None)), batches.where(_fresh(actor))
    told = union_all(
        select(own.limit(size + 1).subquery()),
        select(batches.limit(size + 1).subquery()),
    ).subquery()
    read = or_(told.c.read_at.is_not(None), and_(told.c.batch == 1, told.c.at <= _last_look(actor)))
    statement = (
        select(
            told.c.id, told.c.tag, told.c.at, read, told.c.assignment_id, Task.title, Unit.name,
        )
        .outerjoin(Assignment, Assignment.id == told.c.assignment_id)
        .outerjoin(Task, Task.id == Assignment.task_id)
        .outerjoin(Unit, Unit.id == Assignment.unit_id)
        .order_by(told.c.id.desc(), told.c.assignment_id.desc())
        .limit(size + 1)
    )  # fmt: skip
    rows = db.session.execute(statement).all()
    items = tuple(Message(row[0], row[1], row[2], bool(row[3]), row[4], row[5], row[6]) for row in rows[:size])
    return Messages(items, items[-1].key if len(rows) > size else None)


def unread(actor: Actor) -> int:
    """How many messages the person has not read. One statement."""
    own = select(func.count(Notice.id)).where(Notice.person_id == actor.person_id, Notice.read_at.is_(None))
    fresh = _batches(actor, None).order_by(None).where(_fresh(actor))
    batches = select(func.count()).select_from(fresh.subquery())
    return int(db.session.execute(select(own.scalar_subquery() + batches.scalar_subquery())).scalar_one())


def _own(actor: Actor, before: tuple[int, int] | None) -> Select[Any]:
    statement = select(
        Notice.id, Notice.tag, Notice.created_at.label("at"), Notice.read_at,
        Notice.assignment_id, literal(0).label("batch"),
    ).where(Notice.person_id == actor.person_id)  # fmt: skip
    if before is not None:
        statement = statement.where(Notice.id < before[0])
    return statement.order_by(Notice.id.desc())


def _batches(actor: Actor, before: tuple[int, int] | None) -> Select[Any]:
    """The notices to whole batches in which a unit of this officer stands, one for each assignment of theirs."""
    statement = (
        select(
            Notice.id, Notice.tag, Notice.created_at.label("at"), Notice.read_at,
            Assignment.id.label("assignment_id"), literal(1).label("batch"),
        )
        .join(Assignment, Assignment.batch_id == Notice.batch_id)
        .where(Assignment.unit_id.in_(actor.units(Role.OFFICER)))
    )  # fmt: skip
    if before is not None:
        id, assignment_id = before
        statement = statement.where(or_(Notice.id < id, and_(Notice.id == id, Assignment.id < assignment_id)))
    return statement.order_by(Notice.id.desc(), Assignment.id.desc())


def _fresh(actor: Actor) -> ColumnElement[bool]:
    """Of notices to batches: written after the last look."""
    return Notice.created_at > func.coalesce(_last_look(actor), literal(EPOCH, Instant()))


def _last_look(actor: Actor) -> Any:
    return (
        select(Seen.at).where(Seen.person_id == actor.person_id, Seen.subject == BATCHES, Seen.subject_id == 0)
    ).scalar_subquery()
