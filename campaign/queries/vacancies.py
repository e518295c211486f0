"""Where nobody is: units with open work and no officer, reviews without a supervisor, requests and questions that
nobody there can decide or answer, posts that end, people who are away without a stand-in. Everything within the
reader's scope, in the order of the tree, each list one statement."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import IntEnum
from itertools import islice
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Select,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from ..db import Code, Instant, db, listed
from ..models import Assignment, Campaign, Delegation, Event, Person, Post, Question, Request, Submission, Task, Unit
from ..models.organisation import holds_on, manned_on
from ..models.requesting import deciders_of, led_on
from ..rules.organisation import Actor, Line, Role
from ..rules.requests import Decision
from ..rules.states import OPEN, WITH_OFFICER, State
from .scope import visible_units
from .spelled import unit_sounds_like

PAGE = 50
MOST_COUNTED = 1_000
MOST_EXPORTED = 100_000
AT_ONCE = 1_000
SOON = timedelta(days=14)
READERS = (Role.ADMINISTRATOR, Role.DISPATCHER, Role.SUPERVISOR, Role.AUDITOR)
STAFFED = (Role.OFFICER, Role.SUPERVISOR, Role.DISPATCHER)


class Gap(IntEnum):
    """The kinds of gaps."""

    NO_OFFICER = 1
    NO_SUPERVISOR = 2
    ENDING = 3
    AWAY = 4
    UNDECIDED = 5


@dataclass(frozen=True)
class Filters:
    """Which gaps are wanted; None and '' stand for all."""

    gap: Gap = Gap.NO_OFFICER
    text: str = ""
    line: Line | None = None


@dataclass(frozen=True)
class Row:
    """One gap. `items`: what waits there, the earliest of it due at `earliest`; `until`: the last day of the post, or
    until when its holder is away. `line` and `lft` say who administers the unit; `key` is its place in the list.

    Of requests and questions: `questions` of the items are these, and they wait at `charge`, the nearest unit above
    where somebody is, None where nobody is."""

    key: int
    lft: int
    unit_id: int
    unit_name: str
    line: Line
    role: Role
    post_id: int | None
    person_id: int | None
    person_name: str | None
    until: date | None
    items: int
    earliest: datetime | None
    questions: int
    charge_id: int | None = None
    charge: str | None = None


@dataclass(frozen=True)
class Page:
    """One page of gaps; `next` continues it."""

    rows: tuple[Row, ...]
    next: tuple[int, int] | None


@dataclass(frozen=True)
class Waiting:
    """Something that waits where nobody can review, and the version of it that the reader sees."""

    id: int
    version: int
    unit_name: str
    title: str
    campaign_title: str
    submitted_at: datetime
    review_due_at: datetime | None


def desk(actor: Actor) -> Actor:
    """The same person with only the posts from which gaps are seen."""
    return replace(actor, posts=tuple(post for post in actor.posts if post.role in READERS))


def page(actor: Actor, filters: Filters, *, on: date, after: tuple[int, int] | None = None, size: int = PAGE) -> Page:
    """The gaps that follow the key. One statement; of requests and questions two more, for where they wait."""
    statement = _rows(filters.gap, _keys(actor, filters, on), after, size + 1)
    rows = [Row(*row) for row in db.session.execute(statement)]
    shown = tuple(_charged(filters.gap, rows[:size], on))
    return Page(shown, (shown[-1].lft, shown[-1].key) if len(rows) > size else None)


def counts(actor: Actor, filters: Filters, *, on: date) -> dict[Gap, int]:
    """How many gaps of each kind, each counted up to `MOST_COUNTED` and one. One statement."""
    each = [
        select(func.count())
        .select_from(_keys(actor, replace(filters, gap=gap), on).limit(MOST_COUNTED + 1).subquery())
        .scalar_subquery()
        for gap in Gap
    ]
    return dict(zip(Gap, db.session.execute(select(*each)).one(), strict=True))


def everything(actor: Actor, filters: Filters, *, on: date) -> Iterator[Row]:
    """All gaps of the kind, for an export. One statement, read as it comes."""
    statement = _rows(filters.gap, _keys(actor, filters, on), None, MOST_EXPORTED)
    found = iter(db.session.execute(statement.execution_options(yield_per=AT_ONCE)))
    while rows := [Row(*row) for row in islice(found, AT_ONCE)]:
        yield from _charged(filters.gap, rows, on)


def unit_in_scope(unit_id: int, actor: Actor, *, on: date) -> tuple[str, bool] | None:
    """The name of a unit within the reader's scope, and whether anybody can review there; None outside it."""
    row = db.session.execute(
        select(Unit.name, manned_on(Unit.id, Role.SUPERVISOR, on)).where(Unit.id == unit_id, visible_units(desk(actor)))
    ).one_or_none()
    return None if row is None else (row[0], bool(row[1]))


def waiting_at(unit_id: int, *, most: int) -> list[Waiting]:
    """What waits for a review at the unit, the most urgent first."""
    rows = db.session.execute(
        select(
            Assignment.id, Assignment.version, Unit.name, Task.title, Campaign.title,
            select(func.max(Submission.at, type_=Instant())).where(Submission.assignment_id == Assignment.id)
            .scalar_subquery(),
            Assignment.review_due_at,
        )
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Task, Task.id == Assignment.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .where(Assignment.reviewer_unit_id == unit_id)
        .order_by(Assignment.review_due_at, Assignment.id)
        .limit(most)
    )  # fmt: skip
    return [Waiting(*row) for row in rows]


def _keys(actor: Actor, filters: Filters, on: date) -> Select[Any]:
    """Rows (key, lft, unit_id, role, post_id, until): the places of the gaps, before anything is named."""
    statement = {
        Gap.NO_OFFICER: _without_officer,
        Gap.NO_SUPERVISOR: _without_supervisor,
        Gap.ENDING: _ending,
        Gap.AWAY: _away,
        Gap.UNDECIDED: _undecided,
    }[filters.gap](on)
    clauses = [visible_units(desk(actor))]
    if filters.text:
        named = Unit.name.icontains(filters.text, autoescape=True)
        clauses.append(or_(named, unit_sounds_like(Unit.area_id, filters.text)))
    if filters.line is not None:
        clauses.append(Unit.line == filters.line)
    return statement.where(*clauses)


# What is asked upwards and waits: where it is kept, its assignment, and while it waits.
_ASKED: tuple[tuple[Any, Any, Any], ...] = (
    (
        Request,
        (Assignment, Assignment.id == Request.assignment_id),
        (Request.decision == Decision.PENDING, Assignment.state.in_(OPEN)),
    ),
    (
        Question,
        (Assignment, Assignment.id == Question.assignment_id),
        (Question.answered_at.is_(None), Assignment.state.in_(WITH_OFFICER)),
    ),
)


def _of_unit(role: Role, *clauses: ColumnElement[bool]) -> Select[Any]:
    return select(
        Unit.id.label("key"), Unit.lft.label("lft"), Unit.id.label("unit_id"), literal(role, Code(Role)).label("role"),
        cast(null(), BigInteger).label("post_id"), cast(null(), Date).label("until"),
    ).where(*clauses)  # fmt: skip


def _of_post(*clauses: ColumnElement[bool], until: Any) -> Select[Any]:
    return select(
        Post.id.label("key"), Unit.lft.label("lft"), Unit.id.label("unit_id"), Post.role.label("role"),
        Post.id.label("post_id"), until.label("until"),
    ).join(Unit, Unit.id == Post.unit_id).where(*clauses)  # fmt: skip


def _without_officer(on: date) -> Select[Any]:
    work = exists().where(Assignment.unit_id == Unit.id, Assignment.state.in_(WITH_OFFICER)).correlate(Unit)
    return _of_unit(Role.OFFICER, work, not_(manned_on(Unit.id, Role.OFFICER, on)))


def _without_supervisor(on: date) -> Select[Any]:
    work = exists().where(Assignment.reviewer_unit_id == Unit.id).correlate(Unit)
    return _of_unit(Role.SUPERVISOR, work, not_(manned_on(Unit.id, Role.SUPERVISOR, on)))


def _undecided(on: date) -> Select[Any]:
    """Units that were asked and where neither a supervisor nor a dispatcher is; told by either, as both decide."""
    asked = (select(noun.unit_id).select_from(noun).join(*of).where(*waits) for noun, of, waits in _ASKED)
    return _of_unit(Role.SUPERVISOR, Unit.id.in_(union_all(*asked)), not_(led_on(Unit.id, on)))


def _ending(on: date) -> Select[Any]:
    """Posts in their last days that nobody else holds beyond them."""
    other = aliased(Post)
    goes_on = exists().where(
        other.unit_id == Post.unit_id, other.role == Post.role, other.disabled_at.is_(None),
        other.valid_from <= on + SOON + timedelta(days=1),
        or_(other.valid_to.is_(None), other.valid_to > Post.valid_to),
    ).correlate(Post)  # fmt: skip
    soon = and_(holds_on(on), Post.valid_to <= on + SOON, Post.role.in_(STAFFED))
    return _of_post(soon, not_(goes_on), until=Post.valid_to)


def _away(on: date) -> Select[Any]:
    """Posts whose holder said to be away today, whose stand-in was lost, and that nobody else holds."""
    lost = exists().where(
        Event.subject == "delegation", Event.subject_id == Delegation.id, Event.tag == "delegation:stand-in:lost"
    ).correlate(Delegation)  # fmt: skip
    until = (
        select(func.max(Delegation.valid_to))
        .where(
            Delegation.post_id == Post.id, Delegation.ended_at.is_not(None), Delegation.valid_from <= on,
            Delegation.valid_to >= on, Delegation.delegator_id == Post.person_id, lost,
        )
        .correlate(Post)
        .scalar_subquery()
    )  # fmt: skip
    posts = select(Delegation.post_id).where(
        Delegation.ended_at.is_not(None), Delegation.valid_from <= on, Delegation.valid_to >= on, lost
    )
    other, lent = aliased(Post), aliased(Delegation)
    present = exists().where(
        other.unit_id == Post.unit_id, other.role == Post.role, other.id != Post.id, other.disabled_at.is_(None),
        other.valid_from <= on, or_(other.valid_to.is_(None), other.valid_to >= on),
    ).correlate(Post)  # fmt: skip
    stood_in = exists().where(
        lent.post_id == Post.id, lent.ended_at.is_(None), lent.valid_from <= on, lent.valid_to >= on
    ).correlate(Post)  # fmt: skip
    clauses = (Post.id.in_(posts), until.is_not(None), holds_on(on), not_(present), not_(stood_in))
    return _of_post(*clauses, until=until)


def _rows(gap: Gap, keys: Select[Any], after: tuple[int, int] | None, most: int) -> Select[Any]:
    """What the page shows of these places; names and figures are asked for one page, never for the country."""
    key = keys.selected_columns
    if after is not None:
        keys = keys.where(or_(key.lft > after[0], and_(key.lft == after[0], key.key > after[1])))
    at = keys.order_by(key.lft, key.key).limit(most).subquery("places")
    work = Assignment.unit_id == at.c.unit_id, Assignment.state.in_(WITH_OFFICER)
    reviews = Assignment.reviewer_unit_id == at.c.unit_id, Assignment.state == State.SUBMITTED

    def of_role(officer: Any, supervisor: Any, otherwise: Any) -> Any:
        parts = ((at.c.role == int(Role.OFFICER), officer), (at.c.role == int(Role.SUPERVISOR), supervisor))
        return case(*parts, else_=otherwise)

    def asked(column: Any, clauses: tuple[Any, ...]) -> Any:
        return select(column).where(*clauses).correlate(at).scalar_subquery()

    items: Any = asked(func.count(Assignment.id), reviews)
    earliest = asked(func.min(Assignment.review_due_at, type_=Instant()), reviews)
    questions: Any = literal(0)
    if gap is Gap.UNDECIDED:
        requests, questions = (
            select(func.count()).select_from(noun).join(*of).where(noun.unit_id == at.c.unit_id, *waits).correlate(at)
            .scalar_subquery()
            for noun, of, waits in _ASKED
        )  # fmt: skip
        items, here = requests + questions, (Request.unit_id == at.c.unit_id, Request.decision == Decision.PENDING)
        earliest = asked(func.min(Request.decide_by, type_=Instant()), here)
    items = of_role(asked(func.count(Assignment.id), work), items, literal(0))
    earliest = of_role(asked(func.min(Assignment.due_at, type_=Instant()), work), earliest, null())
    return (
        select(
            at.c.key, at.c.lft, Unit.id, Unit.name, Unit.line, at.c.role, at.c.post_id, Person.id, Person.name,
            at.c.until, items, earliest, questions,
        )
        .select_from(at)
        .join(Unit, Unit.id == at.c.unit_id)
        .outerjoin(Post, Post.id == at.c.post_id)
        .outerjoin(Person, Person.id == Post.person_id)
        .order_by(at.c.lft, at.c.key)
    )  # fmt: skip


def _charged(gap: Gap, rows: Sequence[Row], on: date) -> Sequence[Row]:
    """The same rows, of requests and questions with where they wait meanwhile: two statements."""
    if gap is not Gap.UNDECIDED or not rows:
        return rows
    found = deciders_of({row.unit_id for row in rows}, on=on)
    charged = {unit: who.in_charge() for unit, who in found.items() if who.present}
    wanted = select(Unit.id, Unit.name).where(Unit.id.in_(listed(sorted(set(charged.values())))))
    names = dict(db.session.execute(wanted).tuples().all())
    return [
        replace(row, charge_id=unit, charge=names[unit]) if (unit := charged.get(row.unit_id)) else row for row in rows
    ]
