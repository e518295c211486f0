"""What waits for a decision at a reviewer's level, the review date that comes first in front."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, union_all
from sqlalchemy.orm import aliased

from ..db import db, from_micros, listed, micros
from ..models import Assignment, Campaign, Claim, Flag, Person, Review, Submission, Task, Unit
from ..models.flags import SPEAKS
from ..models.reporting import STANDS
from ..rules.organisation import Actor, Role
from ..rules.states import Action
from .scope import visible_assignments
from .spelled import unit_sounds_like

PAGE = 30
KEY = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")
EXPORTED_AT_ONCE = 1_000
BEFORE = 4  # so many earlier items stay in sight beside an open one


@dataclass(frozen=True)
class Filters:
    """Which of the waiting items are wanted: of one campaign or task, of units whose name contains a text, with open
    flags, returned before, past their review date at an instant."""

    campaign_id: int | None = None
    text: str = ""
    task_id: int | None = None
    flagged: bool = False
    returned: bool = False
    overdue: datetime | None = None


@dataclass(frozen=True)
class Key:
    """The place of an item in the queue, unique: the review date and the assignment's id."""

    due: datetime
    id: int

    def __str__(self) -> str:
        """As it stands in an address."""
        return f"{micros(self.due)}-{self.id}"


def read_key(text: str) -> Key | None:
    """The key that an address names; None for what is not one."""
    match = KEY.fullmatch(text)
    try:
        return Key(from_micros(int(match[1])), int(match[2])) if match else None
    except OverflowError:
        return None


@dataclass(frozen=True)
class Item:
    """One waiting submission. `number` is its version, `bounces` how often the assignment was returned, `flags` how
    many flags on this version are open; `held_by` has it in hand until `held_until`."""

    id: int
    unit_name: str
    task_title: str
    review_due_at: datetime
    submitted_at: datetime
    submitter_id: int
    submitter_name: str
    number: int
    bounces: int
    flags: int = 0
    held_by: str | None = None
    held_by_id: int | None = None
    held_until: datetime | None = None

    @property
    def key(self) -> Key:
        """Its place in the queue."""
        return Key(self.review_due_at, self.id)


@dataclass(frozen=True)
class Place:
    """What an assignment is called, its version, and its key when it waits for a review."""

    id: int
    unit_name: str
    task_title: str
    version: int
    key: Key | None


@dataclass(frozen=True)
class Group:
    """How many items of one campaign wait, and how many of them past their review date."""

    campaign_id: int
    title: str
    waiting: int
    late: int
    tasks: tuple[tuple[int, str, int], ...] = ()  # id, title, how many wait


@dataclass(frozen=True)
class Page:
    """One page: the items, whether there are earlier and later ones, how many match in all (0 on an empty page)."""

    items: tuple[Item, ...]
    earlier: bool
    later: bool
    total: int

    def around(self, assignment_id: int) -> tuple[Item | None, Item | None]:
        """The neighbours of that item on the page: the one before and the one after."""
        ids = [item.id for item in self.items]
        if assignment_id not in ids:
            return None, None
        place = ids.index(assignment_id)
        after = self.items[place + 1] if place + 1 < len(ids) else None
        return (self.items[place - 1] if place else None), after


def groups(actor: Actor, *, now: datetime) -> list[Group]:
    """How many wait at the actor's levels, campaign by campaign, by title. One statement."""
    late = func.count().filter(Assignment.review_due_at < now)
    statement = (
        select(Campaign.id, Campaign.title, func.count(), late, Task.id, Task.title)
        .select_from(Assignment)
        .join(Task, Task.id == Assignment.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .where(_waits_for(actor))
        .group_by(Campaign.id, Campaign.title, Task.id, Task.title)
        .order_by(Campaign.title, Campaign.id, Task.title, Task.id)
    )
    found: dict[int, Group] = {}
    for id, title, waiting, overdue, task_id, task in db.session.execute(statement):
        group = found.get(id, Group(id, title, 0, 0))
        tasks = (*group.tasks, (task_id, task, waiting))
        found[id] = replace(group, waiting=group.waiting + waiting, late=group.late + overdue, tasks=tasks)
    return list(found.values())


def ids(actor: Actor, filters: Filters, *, most: int) -> list[int]:
    """The first ids that match, in the order of the queue. One statement."""
    keys = _keys(actor, filters).order_by(Assignment.review_due_at, Assignment.id).limit(most)
    return [row.id for row in db.session.execute(keys)]


def items_of(chosen: Collection[int]) -> list[Item]:
    """These items, which the reader was found to have in the queue. One statement."""
    keys = select(Assignment.id, Assignment.review_due_at).where(Assignment.id.in_(listed(chosen)))
    return [Item(*row) for row in db.session.execute(_items(keys.subquery()))]


def every(actor: Actor, filters: Filters) -> Iterator[Item]:
    """All items that match, in the order of the queue, as they come. One statement."""
    keys = _keys(actor, filters)
    statement = _items(keys.subquery()).execution_options(yield_per=EXPORTED_AT_ONCE)
    for row in db.session.execute(statement):
        yield Item(*row)


def page(actor: Actor, filters: Filters, *, after: Key | None = None, size: int = PAGE) -> Page:
    """The items that follow the key, oldest review date first. One statement, whatever the size of the queue."""
    keys = _keys(actor, filters)
    items, total = _read(_after(keys, after).limit(size + 1), keys)
    return Page(tuple(items[:size]), earlier=after is not None, later=len(items) > size, total=total)


def page_before(actor: Actor, filters: Filters, *, before: Key, size: int = PAGE) -> Page:
    """The items that precede the key, in the order of the queue. One statement."""
    keys = _keys(actor, filters)
    items, total = _read(_before(keys, before).limit(size + 1), keys)
    return Page(tuple(items[-size:]), earlier=len(items) > size, later=True, total=total)


def page_around(actor: Actor, filters: Filters, *, key: Key, size: int = PAGE) -> Page:
    """The item at the key with a few before it and the rest of a page after it. One statement."""
    keys = _keys(actor, filters)
    earlier = _before(keys, key).limit(BEFORE + 1).subquery()
    here_on = keys.where(_not_before(key)).order_by(Assignment.review_due_at, Assignment.id).limit(size + 1).subquery()
    items, total = _read(union_all(select(earlier), select(here_on)), keys)
    first = sum((item.review_due_at, item.id) < (key.due, key.id) for item in items)
    start = max(0, first - BEFORE)
    shown = tuple(items[start : first + size])
    return Page(shown, earlier=start > 0, later=len(items) - first > size, total=total)


def place_of(assignment_id: int, actor: Actor) -> Place | None:
    """What an assignment is called and where it stands in the queue; None outside the actor's scope."""
    statement = (
        select(Unit.name, Task.title, Assignment.version, Assignment.review_due_at)
        .select_from(Assignment)
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Task, Task.id == Assignment.task_id)
        .where(Assignment.id == assignment_id, visible_assignments(actor))
    )
    row = db.session.execute(statement).one_or_none()
    if row is None:
        return None
    unit_name, title, version, due = row
    return Place(assignment_id, unit_name, title, version, None if due is None else Key(due, assignment_id))


def next_after(actor: Actor, filters: Filters, key: Key | None) -> int | None:
    """The item to go to when the one at the key is decided: the next, else the first; None when nothing waits."""
    keys = _keys(actor, filters)
    for ahead in (_after(keys, key), _after(keys, None)):
        ahead = ahead if key is None else ahead.where(Assignment.id != key.id)
        row = db.session.execute(ahead.limit(1)).first()
        if row is not None:
            return int(row.id)
    return None


def _waits_for(actor: Actor) -> ColumnElement[bool]:
    """The level is the actor's: a supervisor's post at the unit where it waits."""
    return Assignment.reviewer_unit_id.in_(actor.units(Role.SUPERVISOR))


def _keys(actor: Actor, filters: Filters) -> Select[Any]:
    """The places of what waits and matches; the index of the reviewer answers it alone where nothing is filtered."""
    keys = select(Assignment.id, Assignment.review_due_at).where(_waits_for(actor))
    if filters.campaign_id is not None:
        keys = keys.where(Assignment.task_id.in_(select(Task.id).where(Task.campaign_id == filters.campaign_id)))
    if filters.text:
        unit = aliased(Unit)
        named = unit.name.icontains(filters.text, autoescape=True)
        found = or_(named, unit_sounds_like(unit.area_id, filters.text))
        keys = keys.join(unit, unit.id == Assignment.unit_id).where(found)
    if filters.task_id is not None:
        keys = keys.where(Assignment.task_id == filters.task_id)
    if filters.overdue is not None:
        keys = keys.where(Assignment.review_due_at < filters.overdue)
    if filters.returned:
        keys = keys.where(exists().where(*_sent_back()))
    if filters.flagged:
        keys = keys.where(exists().where(*_speaks_against()))
    return keys


def _sent_back() -> tuple[ColumnElement[bool], ...]:
    return Review.assignment_id == Assignment.id, Review.decision == Action.RETURN, STANDS


def _speaks_against() -> tuple[ColumnElement[bool], ...]:
    """Over Flag: open, and on the version that waits."""
    return Flag.assignment_id == Assignment.id, Flag.submission_id == _waiting_version(Submission.id), SPEAKS


def _waiting_version(column: Any) -> Any:
    """Of the latest submission of an assignment."""
    newest = aliased(Submission)
    wanted = getattr(newest, column.key)
    latest = select(wanted).where(newest.assignment_id == Assignment.id).order_by(newest.number.desc()).limit(1)
    return latest.correlate(Assignment).scalar_subquery()


def _after(keys: Select[Any], key: Key | None) -> Select[Any]:
    if key is not None:
        keys = keys.where(_not_before(key), Assignment.id != key.id)
    return keys.order_by(Assignment.review_due_at, Assignment.id)


def _before(keys: Select[Any], key: Key) -> Select[Any]:
    earlier = or_(
        Assignment.review_due_at < key.due,
        and_(Assignment.review_due_at == key.due, Assignment.id < key.id),
    )
    # The first condition says nothing new; it lets the index be read as one range.
    return keys.where(Assignment.review_due_at <= key.due, earlier).order_by(
        Assignment.review_due_at.desc(), Assignment.id.desc()
    )


def _not_before(key: Key) -> ColumnElement[bool]:
    later = or_(
        Assignment.review_due_at > key.due,
        and_(Assignment.review_due_at == key.due, Assignment.id >= key.id),
    )
    return and_(Assignment.review_due_at >= key.due, later)


def _read(keys: Any, everything: Select[Any]) -> tuple[Sequence[Item], int]:
    """The items at those keys, and how many there are in all: names are fetched for one page, never for the queue."""
    total = select(func.count()).select_from(everything.subquery()).scalar_subquery()
    rows = db.session.execute(_items(keys.subquery()).add_columns(total)).all()
    return [Item(*row[:-1]) for row in rows], rows[0][-1] if rows else 0


def _items(wanted: Any) -> Select[Any]:
    """The rows of `Item` for the assignments of a subquery, in the order of the queue."""
    bounces = select(func.count()).where(*_sent_back()).correlate(Assignment).scalar_subquery()
    flags = (
        select(func.count()).where(Flag.submission_id == Submission.id, SPEAKS).correlate(Submission).scalar_subquery()
    )
    holder = aliased(Person)
    return (
        select(
            Assignment.id,
            Unit.name,
            Task.title,
            Assignment.review_due_at,
            Submission.at,
            Submission.person_id,
            Person.name,
            Submission.number,
            bounces,
            flags,
            holder.name,
            Claim.person_id,
            Claim.until,
        )
        .select_from(wanted)
        .join(Assignment, Assignment.id == wanted.c.id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Task, Task.id == Assignment.task_id)
        .join(Submission, Submission.id == _waiting_version(Submission.id))
        .join(Person, Person.id == Submission.person_id)
        .outerjoin(Claim, Claim.assignment_id == Assignment.id)
        .outerjoin(holder, holder.id == Claim.person_id)
        .order_by(Assignment.review_due_at, Assignment.id)
    )
