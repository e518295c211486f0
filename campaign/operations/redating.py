"""Moving the dates of what is dispatched: of very many assignments at once when an occasion or a calendar changes.

What follows its task's rule is brought to what the rule gives now; what was moved for itself alone stays. A fixed
number of statements for each batch, whatever the number of its assignments.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, func, literal, not_, or_, select, update

from ..clock import zone
from ..db import Instant, db, finished_before, listed, micros
from ..models import Assignment, Event, Task
from ..models.courses import signing
from ..models.outlook import curves_of
from ..models.prospects import Change, Group, Prospect, groups_of, prospects
from ..rules.dates import end_of_day
from ..rules.ladder import Step, first_step
from ..rules.states import OPEN, WITH_OFFICER, State
from .folding import Shift, fold_tasks, rebuild_tasks, shift
from .settling import off, settle
from .timers import arm_all, count_as_decided

MOST_PASSES = 3
Key = tuple[int, datetime | None, datetime | None]  # task, due, behind: how the roll-up counts


@dataclass(frozen=True)
class Redated:
    """What a move did to one batch: how many assignments have other dates now, and their due date before and after
    where all of them had the same one."""

    batch_id: int
    task_id: int
    items: int
    was_due: datetime | None
    due_at: datetime | None


def redate(task_ids: Iterable[int], *, now: datetime) -> list[Redated]:
    """Brings the open assignments of these tasks to the dates that follow from their rules, occasions and calendars as
    the database holds them; one entry for each batch in which anything moved.

    Timers, tallies and the first due date follow. No event and no notice: whoever changed the day writes one for all.
    """
    ids = sorted(set(task_ids))
    _queue_up(ids)
    before = groups_of(ids, counted=False)
    found: dict[int, list[Change]] = defaultdict(list)
    batches: dict[int, Prospect] = {}
    items: dict[int, int] = defaultdict(int)
    groups = before
    for _ in range(MOST_PASSES):
        moving = [prospect for prospect in prospects(ids, groups=groups) if prospect.moved]
        for prospect in moving:
            items[prospect.batch_id] += _write(prospect)
            found[prospect.batch_id] += prospect.moved
            batches.setdefault(prospect.batch_id, prospect)
        if not moving or finished_before() is None:  # where one writer follows the other nothing changed meanwhile
            break
        groups = groups_of(ids, counted=False)
    if found:
        touched = {prospect.task_id for prospect in batches.values()}
        _count(touched, before, list(chain.from_iterable(found.values())), now)
        for batch_id, prospect in batches.items():
            _arm(prospect, found[batch_id], now)
        for task_id in touched:
            _settle(task_id, now)
    return [_redated(prospect, found[batch_id], items[batch_id]) for batch_id, prospect in batches.items()]


def _settle(task_id: int, now: datetime) -> None:
    """Where some units have nothing to reach of what grows, or milestones differ, each is looked at by itself."""
    curves = curves_of(task_id)
    here = Assignment.task_id == task_id
    if len({curve.knots for curve in curves}) > 1:
        settle(here, now=now)
    elif not all(curve.for_each for curve in curves):
        settle(and_(here, off()), now=now)


def _queue_up(task_ids: Collection[int]) -> None:
    """Two moves of one task come one after the other; who works on its assignments is not held up."""
    locked = select(Task.id).where(Task.id.in_(listed(task_ids))).order_by(Task.id)
    db.session.execute(locked.with_for_update(key_share=True))


def _write(prospect: Prospect) -> int:
    """The new dates of all groups that move: one statement, or two where some of them were signed for. How many."""
    written = 0
    for signed in (False, True):
        alike: dict[tuple[Any, ...], Change] = {}
        for change in prospect.moved:
            if (change.group.signed_on is not None) is signed:
                alike[change.group.due_at, change.group.behind_at, change.group.signed_on] = change
        if alike:
            written += _write_alike(prospect.batch_id, list(alike.values()), signed)
    return written


def _write_alike(batch_id: int, changes: list[Change], signed: bool) -> int:
    """The groups are told apart by what decides on their new dates, and by nothing else."""
    at = [_stands(change.group) for change in changes]

    def each(values: list[datetime | None]) -> Any:
        if all(value == values[0] for value in values):
            return literal(values[0], Instant)
        return case(*((here, literal(value, Instant)) for here, value in zip(at, values, strict=True)))

    respond_by = each([change.dates.respond_by for change in changes])
    leaving = [here for here, change in zip(at, changes, strict=True) if change.group.due_at != change.dates.due_at]
    first = func.coalesce(Assignment.first_due_at, Assignment.due_at)
    statement = (
        update(Assignment)
        .where(_following(batch_id, OPEN), or_(*at))
        .values(
            respond_by=case((Assignment.state == State.ISSUED, respond_by), else_=Assignment.respond_by),
            first_due_at=case((or_(false(), *leaving), first), else_=Assignment.first_due_at),
            due_at=each([change.dates.due_at for change in changes]),
            cut_off_at=each([change.dates.cut_off_at for change in changes]),
            behind_at=each([change.behind_at for change in changes]),
        )
        .execution_options(synchronize_session=False, preserve_rowcount=True)
    )
    done: Any = db.session.execute(statement.where(signing(Assignment.id)) if signed else statement)
    return int(done.rowcount)


def _following(batch_id: int, states: Collection[State]) -> ColumnElement[bool]:
    """The assignments of a batch in these states whose dates follow the rule."""
    return and_(Assignment.batch_id == batch_id, Assignment.state.in_(states), not_(Assignment.own_dates))


def _stands(group: Group) -> ColumnElement[bool]:
    found = [_is(Assignment.due_at, group.due_at), _is(Assignment.behind_at, group.behind_at)]
    if group.signed_on is not None:
        before = end_of_day(group.signed_on - timedelta(days=1), zone())
        found += [Event.at > before, Event.at <= end_of_day(group.signed_on, zone())]
    return and_(*found)


def _is(column: Any, value: datetime | None) -> ColumnElement[bool]:
    return column.is_(None) if value is None else column == value  # type: ignore[no-any-return]


def _count(task_ids: set[int], before: list[Group], changes: list[Change], now: datetime) -> None:
    """Lets the tallies follow. Where whole counts go from one pair of dates to another they are moved as they are;
    where some of them stay, or dates change places, the tasks are counted anew."""
    moved = {id(change.group) for change in changes}
    stay = {_key(group) for group in before if id(group) not in moved}
    to: dict[Key, set[Key]] = defaultdict(set)
    for change in changes:
        to[_key(change.group)].add((change.group.task_id, change.dates.due_at, change.behind_at))
    leaving = {key: targets for key, targets in to.items() if targets != {key}}
    if not leaving:
        return
    whole = not stay.intersection(leaving) and all(len(targets) == 1 for targets in leaving.values())
    if not whole or any(target in leaving for targets in leaving.values() for target in targets):
        rebuild_tasks(task_ids, now=now)
        return
    fold_tasks(task_ids, now=now)
    shift([_shift(key, *targets) for key, targets in leaving.items()], now=now)


def _key(group: Group) -> Key:
    return group.task_id, group.due_at, group.behind_at


def _shift(key: Key, target: Key) -> Shift:
    due, behind, to_due, to_behind = (0 if at is None else micros(at) for at in (*key[1:], *target[1:]))
    return Shift(key[0], due, behind, to_due, to_behind)


def _arm(prospect: Prospect, changes: list[Change], now: datetime) -> None:
    """One timer each for the first rung of the new dates, where none comes before it. Timers of the old dates stay:
    they find nothing to say, and arm the next rung. As at a dispatch, a reminder whose time is past already is left
    out, and no timer of the old dates brings it up later; an escalation never is."""
    if any(step.when <= now for change in changes for step in prospect.steps(change)):
        count_as_decided(_following(prospect.batch_id, WITH_OFFICER), now=now)
    firsts = [
        first
        for change in changes
        if (first := first_step(prospect.steps(change), now)) and not _comes_before(prospect, change, first[1], now)
    ]
    if firsts:
        after, step = min(firsts, key=lambda first: first[1].when)
        arm_all(_following(prospect.batch_id, WITH_OFFICER), step, when=max(step.when, now), after=after)


def _comes_before(prospect: Prospect, change: Change, step: Step, now: datetime) -> bool:
    """Whether a rung of the old dates lies ahead, and not after that step: then everybody who works on it has a timer
    for that rung or an earlier one."""
    return any(now < each.when <= step.when for each in prospect.steps_before(change))


def _redated(prospect: Prospect, changes: list[Change], items: int) -> Redated:
    was, to = {change.group.due_at for change in changes}, {change.dates.due_at for change in changes}
    due = was.pop() if len(was) == 1 else None, to.pop() if len(to) == 1 else None
    return Redated(prospect.batch_id, prospect.task_id, items, *due)
