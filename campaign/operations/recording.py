"""The clock's own record: which slot of a job ran, and how the states of review and approval stood at a slot."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CTE, Subquery, and_, bindparam, exists, func, literal, select, union_all, update

from ..db import EPOCH, MICROSECOND, Instant, db, insert, insert_new, run
from ..models import Area, Assignment, JobRun, StateCount, Tally, Unit
from ..rules.jobs import LONGEST_RUN, SKEW, RunState
from ..rules.organisation import LEAF_LEVELS
from .figure_record import record_figures
from .folding import fold

RECORD_STATES = "record_states"
# A fold that was still under way at the last record may carry an earlier instant; what is looked at twice is not
# recorded twice, because only what differs is.
OVERLAP = timedelta(hours=1)
NOTHING_YET: dict[str, Any] = {"done": 0, "skipped": 0, "failed": 0, "error": ""}
ONE_SLOT = timedelta(milliseconds=1)  # no two slots of a job are nearer; within it the turns of one slot are told apart
_RUNS: Any = JobRun.__table__
_OF_SLOT = _RUNS.alias("of_slot")
_NEWEST = (
    select(
        _RUNS.c.slot,
        _RUNS.c.started_at,
        select(func.count())
        .select_from(_OF_SLOT)
        .where(
            _OF_SLOT.c.name == bindparam("name"),
            _OF_SLOT.c.slot >= bindparam("slot", type_=Instant()),
            _OF_SLOT.c.slot < bindparam("end", type_=Instant()),
        )
        .scalar_subquery()
        .label("taken"),
    )
    .where(_RUNS.c.name == bindparam("name"))
    .order_by(_RUNS.c.id.desc())
    .limit(1)
)
_CLAIM = insert_new(JobRun).returning(_RUNS.c.id)


def claim_slot(name: str, slot: datetime, *, worker: str, now: datetime, again: bool = False) -> int | None:
    """The id of the run that now belongs to this worker; None when the slot is taken already.

    `again`: a slot comes again when the clock was set back behind it. Its run is kept a microsecond behind the first.
    """
    turn = _turn(name, slot, now) if again else 0
    if turn is None:
        return None
    claim = {"name": name, "slot": slot + turn * MICROSECOND, "state": RunState.RUNNING, "started_at": now}
    claimed: int | None = run(_CLAIM, claim | {"worker": worker} | NOTHING_YET).scalar_one_or_none()
    return claimed


def _turn(name: str, slot: datetime, now: datetime) -> int | None:
    """How often the slot has been there before; None when it is taken in its present turn.

    Runs are numbered in the order in which they really began. Where the newest is of an earlier slot, or began later
    than now, a run at this slot tells of a time before the clock was set back.
    """
    newest = run(_NEWEST, {"name": name, "slot": slot, "end": slot + ONE_SLOT}).first()
    if newest is None:
        return 0
    if newest.slot >= slot + ONE_SLOT and newest.started_at <= now + SKEW:
        return None if newest.taken else 0  # another machine's clock goes a little ahead
    return None if slot <= newest.slot < slot + ONE_SLOT else int(newest.taken)


def close_run(
    id: int, *, state: RunState, done: int = 0, skipped: int = 0, failed: int = 0, error: str = "", now: datetime
) -> None:
    """Writes how the run ended."""
    db.session.execute(
        update(JobRun)
        .where(JobRun.id == id)
        .values(state=state, done=done, skipped=skipped, failed=failed, error=error, finished_at=now)
        .execution_options(synchronize_session=False)
    )


def close_abandoned(*, now: datetime) -> int:
    """Marks the runs that never ended, because they hung or their process died; how many. When is not known."""
    ended = db.session.execute(
        update(JobRun)
        .where(JobRun.state == RunState.RUNNING, JobRun.started_at < now - LONGEST_RUN)
        .values(state=RunState.ABANDONED)
        .execution_options(synchronize_session=False)
    )
    return int(ended.rowcount)  # type: ignore[attr-defined]


def record_states(slot: datetime, *, now: datetime) -> int:
    """Records every (task, area, line) whose states, and every (metric, area, line, turn) whose figures differ from
    the last record; how many rows were written.

    The first record of a slot stands: the same slot again writes nothing twice. What is pending is folded first.
    """
    while fold(now=now):
        pass
    since = _last_recorded(slot)
    figures = record_figures(slot, since)
    keys = _touched(since)
    current = _current(keys)
    changed = _changed(keys, current, slot)
    rows = (
        select(
            current.c.task_id, current.c.area_id, current.c.line, literal(slot, Instant()), current.c.state, current.c.n
        )
        .join(changed, _same_key(changed.c, current.c))
        .where(~exists().where(_same_key(StateCount, current.c), StateCount.slot >= slot))
    )
    record = insert(StateCount).from_select(["task_id", "area_id", "line", "slot", "state", "n"], rows)
    written = db.session.execute(
        record.on_conflict_do_nothing(index_elements=["task_id", "area_id", "line", "slot", "state"]).returning(
            StateCount.task_id
        )
    )
    return len(written.all()) + figures


def _last_recorded(slot: datetime) -> datetime:
    last = db.session.scalar(
        select(func.max(JobRun.started_at)).where(
            JobRun.name == RECORD_STATES, JobRun.state == RunState.DONE, JobRun.slot < slot
        )
    )
    return EPOCH if last is None else last - OVERLAP


def _key(source: Any) -> tuple[Any, Any, Any]:
    return source.task_id, source.area_id, source.line


def _same_key(left: Any, right: Any) -> Any:
    return and_(left.task_id == right.task_id, left.area_id == right.area_id, left.line == right.line)


def _touched(since: datetime) -> CTE:
    """The keys that may have changed: tallies touched since then, and the leaf areas right below them."""
    above = select(Tally.task_id, Tally.area_id, Tally.line).where(Tally.changed_at > since).distinct().cte("above")
    leaves = (
        select(above.c.task_id, Area.id.label("area_id"), above.c.line)
        .join(Area, and_(Area.parent_id == above.c.area_id, Area.level.in_(LEAF_LEVELS)))
        .cte("leaves", recursive=True)
    )
    leaves = leaves.union_all(
        select(leaves.c.task_id, Area.id, leaves.c.line).join(
            Area, and_(Area.parent_id == leaves.c.area_id, Area.level.in_(LEAF_LEVELS))
        )
    )
    return union_all(select(*_key(above.c)), select(*_key(leaves.c))).cte("touched")


def _current(keys: CTE) -> Subquery:
    """How these keys stand now: from the tallies, and for leaf areas from their own assignments."""
    key = _key(keys.c)
    rolled = (
        select(*key, Tally.state, func.sum(Tally.n).label("n"))
        .join(Tally, _same_key(Tally, keys.c))
        .group_by(*key, Tally.state)
        .having(func.sum(Tally.n) > 0)
    )
    own = (
        select(*key, Assignment.state, func.count().label("n"))
        .join(Area, and_(Area.id == keys.c.area_id, Area.level.in_(LEAF_LEVELS)))
        .join(Unit, and_(Unit.area_id == keys.c.area_id, Unit.line == keys.c.line))
        .join(Assignment, and_(Assignment.unit_id == Unit.id, Assignment.task_id == keys.c.task_id))
        .group_by(*key, Assignment.state)
    )
    return union_all(rolled, own).subquery("current")


def _changed(keys: CTE, current: Subquery, slot: datetime) -> Subquery:
    """The keys whose states are not those of their last record before this slot."""
    older = StateCount.__table__.alias("older")
    last_slot = (
        select(func.max(older.c.slot))
        .where(_same_key(older.c, keys.c), older.c.slot < literal(slot, Instant()))
        .correlate(keys)
        .scalar_subquery()
    )
    last = (
        select(*_key(keys.c), StateCount.state, (-StateCount.n).label("n"))
        .select_from(keys)
        .join(StateCount, and_(_same_key(StateCount, keys.c), StateCount.slot == last_slot))
    )
    both = union_all(select(*_key(current.c), current.c.state, current.c.n), last).subquery()
    differing = (
        select(*_key(both.c), both.c.state)
        .group_by(*_key(both.c), both.c.state)
        .having(func.sum(both.c.n) != 0)
        .subquery()
    )
    return select(*_key(differing.c)).distinct().subquery("changed")
