"""Firing rungs: what is due is claimed from the timers, then logged, told and armed anew, all set-based.

One call handles one chunk in a fixed number of statements. `Firing` is unique per rung, so a second scheduler, a
restart and an impatient operator are all the same to it. A timer may be stale; the assignment's state decides.
"""

import secrets
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    not_,
    select,
    true,
    tuple_,
    type_coerce,
)  # fmt: skip

from ..clock import local_today
from ..db import MICROSECOND, Instant, db, insert_new, listed, micros
from ..models import Assignment, Event, Firing, Notice, Post, Task, Timer
from ..models.facts import superiors_of
from ..models.organisation import holds_on
from ..rules.ladder import LADDER, OVERTAKEN, RUNGS, Rung, Sweep
from ..rules.organisation import SYSTEM_PERSON_ID, Role
from ..rules.plans import Grade
from ..rules.states import WITH_OFFICER
from .log import canonical

CHUNK = 1_000
OVERSEERS = (Role.SUPERVISOR, Role.DISPATCHER)
Ids = Select[tuple[int]]
FIRING = ["assignment_id", "rung", "at", "run", "skipped"]
# Asked before anything else, every few seconds for ever: written once, and on the table.
_TIMERS: Any = Timer.__table__.c
_ANYTHING_DUE = (
    select(literal(1))
    .select_from(Timer.__table__)
    .where(
        _TIMERS.sweep == bindparam("sweep", type_=_TIMERS.sweep.type),
        _TIMERS.fires_at <= bindparam("now", type_=Instant()),
    )
    .limit(1)
)


@dataclass(frozen=True)
class Fired:
    """What a chunk did: timers claimed, rungs fired; the rest were stale or had fired before."""

    claimed: int
    fired: int


def fire(sweep: Sweep, *, now: datetime, limit: int = CHUNK, only: Iterable[int] | None = None) -> Fired:
    """Claims up to `limit` due timers of that sweep, earliest first, and fires their rungs.

    `only`: no other assignments than these, so that a chunk that fails can be tried piece by piece.
    """
    if db.session.execute(_ANYTHING_DUE, {"sweep": sweep, "now": now}).first() is None:
        return Fired(0, 0)
    groups = _claim(sweep, now, limit, only)
    fired = sum(_fire_rung(RUNGS[number], ids, now) for number, ids in sorted(groups.items()))
    return Fired(sum(len(ids) for ids in groups.values()), fired)


def due_ids(sweep: Sweep, *, now: datetime, limit: int = CHUNK) -> list[int]:
    """The assignments whose timers a sweep would claim now."""
    return [row[2] for row in db.session.execute(_due(sweep, now, limit)).all()]


def _due(sweep: Sweep, now: datetime, limit: int) -> Select[tuple[Sweep, datetime, int]]:
    return (
        select(Timer.sweep, Timer.fires_at, Timer.assignment_id)
        .where(Timer.sweep == sweep, Timer.fires_at <= now)
        .order_by(Timer.sweep, Timer.fires_at, Timer.assignment_id)
        .limit(limit)
    )


def _claim(sweep: Sweep, now: datetime, limit: int, only: Iterable[int] | None) -> dict[int, list[int]]:
    """Takes the timers away, which is the claim, and groups their assignments by rung."""
    timers: Any = Timer.__table__
    due = _due(sweep, now, limit)
    if only is not None:
        due = due.where(Timer.assignment_id.in_(listed(only)))
    key = tuple_(timers.c.sweep, timers.c.fires_at, timers.c.assignment_id)
    taken = db.session.execute(
        delete(timers)
        .where(key.in_(due.with_for_update(skip_locked=True)))
        .returning(timers.c.rung, timers.c.assignment_id)
    ).all()
    groups: dict[int, list[int]] = defaultdict(list)
    for rung, assignment_id in taken:
        groups[rung].append(assignment_id)
    return groups


def _fire_rung(rung: Rung, claimed: list[int], now: datetime) -> int:
    run, ids = secrets.randbits(62), listed(claimed)
    fired = _mark(rung, ids, now, run)
    if fired:
        _log(rung, ids, now, run)
        _tell(rung, ids, now, run)
    later = [other for other in LADDER if other.number > rung.number]
    if fired < len(claimed):  # where every one fired, none was overtaken
        _pass_over(rung, later, ids, now)
    if later or fired < len(claimed):
        _arm(rung, later, ids, now)
    return fired


def _time_of(rung: Rung) -> ColumnElement[int]:
    """When the rung is planned for an assignment, in stored microseconds; null where its date is missing."""
    anchor = Assignment.respond_by if rung.anchor == "respond_by" else Assignment.due_at
    return type_coerce(anchor, BigInteger) + literal(rung.offset // MICROSECOND, BigInteger)


def _instant(now: datetime) -> ColumnElement[int]:
    return literal(micros(now), BigInteger)


def _binds(rung: Rung) -> ColumnElement[bool]:
    """A task of best effort is never escalated."""
    return Task.grade == Grade.BINDING if rung.levels_up else true()


def _is_due(rung: Rung, now: datetime) -> ColumnElement[bool]:
    return and_(func.coalesce(_time_of(rung), _instant(now) + 1) <= _instant(now), _binds(rung))


def _mark(rung: Rung, ids: Ids, now: datetime, run: int) -> int:
    """The firing rows are the claim: whose row is there already does not fire again.

    The assignments are locked, so that whoever approves one in the same instant comes before or after, never between.
    """
    rows = (
        select(Assignment.id, literal(rung.number), _instant(now), literal(run, BigInteger), literal(""))
        .join(Task, Task.id == Assignment.task_id)
        .where(
            Assignment.id.in_(ids),
            Assignment.state.in_(rung.states),
            _time_of(rung) <= _instant(now),
            _binds(rung),
            *(not_(_is_due(later, now)) for later in LADDER if later.number == rung.number + 1),
        )
        .with_for_update(of=Assignment)
    )
    statement = insert_new(Firing).from_select(FIRING, rows)
    added = db.session.execute(statement.execution_options(preserve_rowcount=True))
    return int(added.rowcount)  # type: ignore[attr-defined]


def _log(rung: Rung, ids: Ids, now: datetime, run: int) -> None:
    rows = select(
        _instant(now),
        literal(rung.tag),
        literal("assignment"),
        Firing.assignment_id,
        literal(SYSTEM_PERSON_ID),
        literal(""),
        literal(canonical({"rung": rung.number})),
    ).where(_of_run(ids, rung, run))
    columns = ["at", "tag", "subject", "subject_id", "person_id", "reason", "data"]
    db.session.execute(insert(Event).from_select(columns, rows))


def _of_run(ids: Ids, rung: Rung, run: int) -> ColumnElement[bool]:
    return and_(Firing.assignment_id.in_(ids), Firing.rung == rung.number, Firing.run == run)


def _tell(rung: Rung, ids: Ids, now: datetime, run: int) -> None:
    """Notices to the officers of the unit; an escalation also to the supervisors as many units above as it says."""
    _notify(rung, ids, now, run, None, (Role.OFFICER,))
    if rung.levels_up:
        _notify(rung, ids, now, run, _staffed_above(rung.levels_up, ids, now), OVERSEERS)


def _staffed_above(levels_up: int, ids: Ids, now: datetime) -> FromClause:
    """For each unit the nearest unit at least so many above that has somebody to tell: vacant posts are passed over."""
    units = db.session.execute(select(Assignment.unit_id).where(Assignment.id.in_(ids)).distinct()).scalars().all()
    above = superiors_of(list(units)).subquery()
    held = select(Post.id).where(Post.unit_id == above.c.id, Post.role.in_(OVERSEERS), holds_on(local_today(now)))
    staffed = select(above).where(above.c.steps >= levels_up, held.exists()).subquery()
    nearest = select(staffed.c.unit_id, func.min(staffed.c.steps).label("steps")).group_by(staffed.c.unit_id).subquery()
    return (
        select(staffed.c.unit_id, staffed.c.id.label("told_id"))
        .join(nearest, and_(nearest.c.unit_id == staffed.c.unit_id, nearest.c.steps == staffed.c.steps))
        .subquery()
    )


def _notify(rung: Rung, ids: Ids, now: datetime, run: int, told: FromClause | None, roles: tuple[Role, ...]) -> None:
    """`told`: rows (unit_id, told_id); None tells the unit itself. Who has two posts there is told once."""
    rows = (
        select(literal(rung.tag), Event.id, Post.person_id, Assignment.id, _instant(now))
        .select_from(Firing)
        .join(Event, and_(Event.subject == "assignment", Event.subject_id == Firing.assignment_id))
        .join(Assignment, Assignment.id == Firing.assignment_id)
    )
    if told is not None:
        rows = rows.join(told, told.c.unit_id == Assignment.unit_id)
    unit = Assignment.unit_id if told is None else told.c.told_id
    rows = rows.join(Post, and_(Post.unit_id == unit, Post.role.in_(roles), holds_on(local_today(now)))).where(
        _of_run(ids, rung, run),
        Event.at == now,
        Event.tag == rung.tag,
        Event.data == canonical({"rung": rung.number}),
    )
    columns = ["tag", "event_id", "person_id", "assignment_id", "created_at"]
    db.session.execute(insert_new(Notice).from_select(columns, rows))


def _open_still(ids: Ids) -> ColumnElement[bool]:
    return and_(Assignment.id.in_(ids), Assignment.state.in_(WITH_OFFICER))


def _pass_over(rung: Rung, later: list[Rung], ids: Ids, now: datetime) -> None:
    """Of several rungs that are due only the latest speaks; the others are marked as overtaken."""
    for passed, following in pairwise([rung, *later]):
        overtaken = (
            select(Assignment.id, literal(passed.number), _instant(now), literal(0, BigInteger), literal(OVERTAKEN))
            .join(Task, Task.id == Assignment.task_id)
            .where(_open_still(ids), _is_due(following, now))
        )
        db.session.execute(insert_new(Firing).from_select(FIRING, overtaken))


def _arm(rung: Rung, later: list[Rung], ids: Ids, now: datetime) -> None:
    """Arms the next rung of each: of those after this one the latest already due, else the first ahead.

    A timer that came before its time, because its date was moved or the ladder changed, is armed again for it.
    """
    due = [(_is_due(other, now), other) for other in reversed(later)]
    ahead = [(and_(_time_of(other) > _instant(now), _binds(other)), other) for other in [rung, *later]]
    number = case(*((clause, literal(other.number)) for clause, other in due + ahead), else_=None)
    sweep = case(*((clause, literal(int(other.sweep))) for clause, other in due + ahead), else_=None)
    planned = case(*((clause, _time_of(other)) for clause, other in due + ahead), else_=None)
    silent_until = func.coalesce(type_coerce(Assignment.not_before, BigInteger), literal(0, BigInteger))
    rows = (
        select(sweep, case((silent_until > planned, silent_until), else_=planned), Assignment.id, number)
        .join(Task, Task.id == Assignment.task_id)
        .where(_open_still(ids), number.is_not(None))
    )
    db.session.execute(insert_new(Timer).from_select(["sweep", "fires_at", "assignment_id", "rung"], rows))
