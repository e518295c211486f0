"""Figures as they stood at a moment in the past, from what was submitted and logged until then.

A live statement over the assignments of an area, for looking back at one place: boards read the record of the slots.
Targets are those of the split in force then; what a quota or a unit's own decision set stands as it is now.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import aliased

from ..db import Exact, Instant, db, run
from ..models import Allocation, Area, Assignment, Batch, Event, Metric, Share, Target, Unit
from ..models.climbing import FIGURE, SUMS, anything_moved, climbing
from ..models.contributions import Look, credited, latest_until, reported
from ..models.goals import own_target
from ..rules.figures import Standing
from ..rules.metrics import OverTime
from ..rules.organisation import LEAF_LEVELS, Line
from ..rules.states import State
from .rollup_facts import Facts, RolledUp, Sums
from .rollup_metrics import facts_alone, heard, listing


def rollup_at(
    metric_ids: Sequence[int],
    area_id: int,
    *,
    at: datetime,
    lines: Sequence[Line] | None = None,
    period: int | None = None,
) -> dict[int, RolledUp]:
    """Every metric in one area with all below it, as it stood at `at`: who was asked, what was approved, pending,
    returned and missing then. `period` as in `rollup`; None takes the latest turn dispatched by then."""
    asked = {"metrics": listing(metric_ids), "areas": listing([area_id])}
    facts, _ahead = heard(list(run(facts_alone(db.session.get_bind().dialect.name), asked)), at.date())
    if not facts or (lines is not None and not lines):
        return {}
    found: dict[int, dict[int, dict[Standing, Sums]]] = {}
    for row in db.session.execute(_then(metric_ids, area_id, at, lines)):
        sums = Sums(int(row.n), int(row.met), row.number, row.numerator, row.denominator, row.credited)
        turns = found.setdefault(row.metric_id, {})
        turns.setdefault(row.period, {})[Standing(row.standing)] = sums
    alone = lines is not None and len(lines) == 1
    return {
        id: RolledUp(each, area_id, _chosen(each, found.get(id, {}), period), None, alone) for id, each in facts.items()
    }


def _chosen(metric: Facts, turns: dict[int, dict[Standing, Sums]], period: int | None) -> dict[Standing, Sums]:
    if period is not None:
        return turns.get(period, {})
    if metric.over_time is OverTime.LATEST:
        return turns[max(turns)] if turns else {}
    total: dict[Standing, Sums] = {}
    for standings in turns.values():
        for standing, sums in standings.items():
            total[standing] = total.get(standing, Sums()) + sums
    return total


def _then(metric_ids: Sequence[int], area_id: int, at: datetime, lines: Sequence[Line] | None) -> Select[Any]:
    look, asked = _look(at), Metric.id.in_(metric_ids)
    tasks = select(Metric.task_id).where(asked)
    batches = select(Batch.id).where(Batch.task_id.in_(tasks), Batch.dispatched_at <= literal(at, Instant()))
    there = Assignment.batch_id.in_(batches)
    own, joint = reported(there, asked, look).subquery(), credited(there, asked, look).subquery()
    columns = ("metric_id", "unit_id", "period", "standing", *SUMS)
    rows = union_all(*(select(*(part.c[name] for name in columns)) for part in (own, joint)))
    climb = climbing(rows, FIGURE, moved=anything_moved())
    above = select(*climb.c).join(Area, and_(Area.id == climb.c.area_id, Area.level.not_in(LEAF_LEVELS)))
    facts = rows.subquery()
    place = aliased(Area)
    keys = (facts.c[name] for name in ("metric_id", "period", "standing", *SUMS))
    leaf = (
        select(*keys, place.id.label("area_id"), Unit.line)
        .join(Unit, Unit.id == facts.c.unit_id)
        .join(place, and_(place.id == area_id, place.level.in_(LEAF_LEVELS), Unit.lft.between(place.lft, place.rgt)))
    )
    parts = [above.where(climb.c.area_id == area_id).subquery(), leaf.subquery()]
    named = ("metric_id", "period", "standing", "line", *SUMS)
    every = union_all(*(select(*(part.c[name] for name in named)) for part in parts)).subquery()
    kinds = {"n": BigInteger(), "met": BigInteger()}
    key = [every.c[name] for name in named[:3]]
    sums = (func.sum(every.c[name], type_=kinds.get(name, Exact())).label(name) for name in SUMS)
    chosen = select(*key, *sums).group_by(*key)
    return chosen if lines is None else chosen.where(every.c.line.in_(lines))


def _look(at: datetime) -> Look:
    """Assignments as they stood then: moved last by the log, reported last by then, split by then."""
    moment = literal(at, Instant())
    last = (
        select(Event.to_state)
        .where(
            Event.subject == "assignment", Event.subject_id == Assignment.id, Event.to_state.is_not(None),
            Event.at <= moment,
        )
        .order_by(Event.id.desc())
        .limit(1)
        .correlate(Assignment)
        .scalar_subquery()
    )  # fmt: skip
    codes = {state.name.lower(): literal(state, Assignment.state.type) for state in State}
    state = case(codes, value=last, else_=literal(State.ISSUED, Assignment.state.type))
    child, of_child = aliased(Assignment), aliased(Batch)
    split = (
        exists()
        .where(child.parent_id == Assignment.id, of_child.id == child.batch_id, of_child.dispatched_at <= moment)
        .correlate_except(child, of_child)
    )
    return Look(state, latest_until(moment), _target(moment), split)


def _target(moment: Any) -> ColumnElement[Any]:
    """What the split in force then gave the unit; where no split did, what it must reach now."""
    same = or_(
        Allocation.parent_id == Assignment.parent_id,
        and_(Allocation.parent_id.is_(None), Assignment.parent_id.is_(None)),
    )
    given = (
        select(Share.value)
        .join(Allocation, Allocation.id == Share.allocation_id)
        .where(
            Share.unit_id == Assignment.unit_id, Share.metric_id == Metric.id, Allocation.task_id == Assignment.task_id,
            Allocation.period == Assignment.period, Allocation.at <= moment, same,
        )
        .order_by(Allocation.version.desc())
        .limit(1)
        .correlate(Assignment, Metric)
        .scalar_subquery()
    )  # fmt: skip
    unsplit = case((Target.allocation_id.is_(None), own_target()), else_=Metric.target)
    return type_coerce(func.coalesce(given, unsplit), Exact())
