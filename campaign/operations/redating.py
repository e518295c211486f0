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
from ..db import Instant, db, listed, micros
from ..models import Assignment, Event, Task
from ..models.prospects import Change, Group, Prospect, groups_of, prospects, signing
from ..rules.dates import end_of_day
from ..rules.ladder import first_step
from ..rules.states import OPEN, WITH_OFFICER, State
from .folding import Shift, fold_tasks, rebuild_tasks, shift
from .timers import arm_all

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
    before = groups_of(ids)
    found: dict[int, list[Change]] = defaultdict(list)
    batches: dict[int, Prospect] = {}
    groups: list[Group] | None = before
    for _ in range(MOST_PASSES):  # again only for what somebody changed in the same instant
        moving = [prospect for prospect in prospects(ids, groups=groups) if prospect.moved]
        if not moving:
            break
        for prospect in moving:
            _write(prospect)
            found[prospect.batch_id] += prospect.moved
            batches.setdefault(prospect.batch_id, prospect)
        groups = None
    if found:
        touched = {prospect.task_id for prospect in batches.values()}
        _count(touched, before, list(chain.from_iterable(found.values())), now)
        for batch_id, prospect in batches.items():
            _arm(prospect, found[batch_id], now)
    return [_redated(prospect, found[batch_id]) for batch_id, prospect in batches.items()]


def _queue_up(task_ids: Collection[int]) -> None:
    """Two moves of one task come one after the other; who works on its assignments is not held up."""
    locked = select(Task.id).where(Task.id.in_(listed(task_ids))).order_by(Task.id)
    db.session.execute(locked.with_for_update(key_share=True))


def _write(prospect: Prospect) -> None:
    """The new dates of all groups that move: one statement, or two where some of them were signed for."""
    for signed in (False, True):
        alike: dict[tuple[Any, ...], Change] = {}
        for change in prospect.moved:
            if (change.group.signed_on is not None) is signed:
                alike[change.group.due_at, change.group.behind_at, change.group.signed_on] = change
        if alike:
            _write_alike(prospect.batch_id, list(alike.values()), signed)


def _write_alike(batch_id: int, changes: list[Change], signed: bool) -> None:
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
        .execution_options(synchronize_session=False)
    )
    db.session.execute(statement.where(signing(Assignment.id)) if signed else statement)


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
    stood: dict[Key, int] = defaultdict(int)
    went: dict[Key, int] = defaultdict(int)
    to: dict[Key, set[Key]] = defaultdict(set)
    for group in before:
        stood[group.task_id, group.due_at, group.behind_at] += group.n
    for change in changes:
        key = change.group.task_id, change.group.due_at, change.group.behind_at
        went[key] += change.group.n
        to[key].add((change.group.task_id, change.dates.due_at, change.behind_at))
    leaving = {key: targets for key, targets in to.items() if targets != {key}}
    if not leaving:
        return
    whole = all(went[key] == stood[key] and len(targets) == 1 for key, targets in leaving.items())
    if not whole or any(target in leaving for targets in leaving.values() for target in targets):
        rebuild_tasks(task_ids, now=now)
        return
    fold_tasks(task_ids, now=now)
    shift([_shift(key, *targets) for key, targets in leaving.items()], now=now)


def _shift(key: Key, target: Key) -> Shift:
    due, behind, to_due, to_behind = (0 if at is None else micros(at) for at in (*key[1:], *target[1:]))
    return Shift(key[0], due, behind, to_due, to_behind)


def _arm(prospect: Prospect, changes: list[Change], now: datetime) -> None:
    """One timer each for the first rung of the new dates. Timers of the old ones may come: they find nothing to say."""
    firsts = [first for change in changes if (first := first_step(prospect.steps(change), now))]
    if firsts:
        after, step = min(firsts, key=lambda first: first[1].when)
        arm_all(_following(prospect.batch_id, WITH_OFFICER), step, when=max(step.when, now), after=after)


def _redated(prospect: Prospect, changes: list[Change]) -> Redated:
    was, to = {change.group.due_at for change in changes}, {change.dates.due_at for change in changes}
    return Redated(
        prospect.batch_id, prospect.task_id, sum(change.group.n for change in changes),
        was.pop() if len(was) == 1 else None, to.pop() if len(to) == 1 else None,
    )  # fmt: skip
