"""Figures as they stood at a moment in the past, from what was submitted and logged until then.

A live statement over the assignments of an area, for looking back at one place: boards read the record of the slots.
What each had to reach then is told by `models/past_targets.py`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Select,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import aliased

from ..clock import local_today
from ..db import DECIMAL_PLACES, Exact, Instant, db, run
from ..models import Area, Assignment, Batch, Event, Metric, Milestone, Target, Unit
from ..models.climbing import FIGURE, SUMS, anything_moved, climbing, issued_for_metric, parent_at
from ..models.contributions import Look, credited, latest_until, reported
from ..models.goals import given_below, join_target
from ..models.past_targets import target_at
from ..rules.figures import Standing
from ..rules.metrics import OverTime
from ..rules.organisation import LEAF_LEVELS, Line
from ..rules.states import NOT_ASKED, State
from .rollup_facts import Facts, RolledUp, Sums, own_target_of
from .rollup_metrics import facts_alone, heard, listing

OWN = 0  # among the standings: not how a figure stood, but what the area's own units had to reach


def rollup_at(
    metric_ids: Sequence[int],
    area_id: int,
    *,
    at: datetime,
    lines: Sequence[Line] | None = None,
    period: int | None = None,
    moved: bool | None = None,
) -> dict[int, RolledUp]:
    """Every metric in one area with all below it, as it stood at `at`: who was asked, what was approved, pending,
    returned and missing then. `period` as in `rollup`; None takes the latest turn dispatched by then. `moved`: whether
    any area moved since their campaign was issued; None: it is looked up. Two statements, or three."""
    asked = {"metrics": listing(metric_ids), "areas": listing([area_id])}
    facts, _ahead = heard(list(run(facts_alone(db.session.get_bind().dialect.name), asked)), local_today(at))
    if not facts or (lines is not None and not lines):
        return {}
    moved = anything_moved() if moved is None else moved
    look = look_at(at, moved)
    then = union_all(
        _then(metric_ids, area_id, at, look, lines, moved), own_targets(metric_ids, area_id, at, look, lines)
    )
    return put_together(facts, db.session.execute(then), area_id, lines=lines, period=period)


def put_together(
    facts: dict[int, Facts], rows: Iterable[Any], area_id: int, *, lines: Sequence[Line] | None, period: int | None
) -> dict[int, RolledUp]:
    """The metrics of the rows (metric_id, period, standing, and the sums): several of one standing add up. Those of
    `own_targets` have a standing of their own."""
    found: dict[int, dict[int, dict[Standing, Sums]]] = {}
    own: dict[int, list[tuple[int, ...]]] = {}
    for row in sorted(rows, key=lambda row: (row.metric_id, row.period)):
        if row.standing == OWN:
            goal = int(row.number.scaleb(DECIMAL_PLACES))
            own.setdefault(row.metric_id, []).append((row.metric_id, area_id, row.period, *(0,) * 7, int(row.n), goal))
            continue
        sums = Sums(int(row.n), int(row.met), row.number, row.numerator, row.denominator, row.credited)
        turn, standing = found.setdefault(row.metric_id, {}).setdefault(row.period, {}), Standing(row.standing)
        turn[standing] = turn[standing] + sums if standing in turn else sums
    alone = lines is not None and len(lines) == 1
    rolled = {}
    for id, each in facts.items():
        given = [row for row in own.get(id, []) if period is None or row[2] == period]
        if given and period is None and not each.every_turn:
            given = [row for row in given if row[2] == given[-1][2]]
        standings = _chosen(each, found.get(id, {}), period)
        rolled[id] = RolledUp(each, area_id, standings, own_target_of(each, given), alone)
    return rolled


def own_targets(
    metric_ids: Sequence[int], area_id: int, at: datetime, look: Look, lines: Sequence[Line] | None
) -> Select[Any]:
    """What the units of the area itself that were asked then had to reach, turn by turn: the target as the number of a
    row with a standing of its own, and of how many units it is."""
    goal = type_coerce(look.target, BigInteger)
    nothing = [literal(0, BigInteger)] * 4
    total = func.sum(goal, type_=BigInteger)
    return (
        select(
            Metric.id, Assignment.period, literal(OWN, BigInteger), func.count(), nothing[0],
            type_coerce(total, Exact()), *nothing[1:],
        )
        .select_from(Assignment)
        .join(Batch, and_(Batch.id == Assignment.batch_id, Batch.dispatched_at <= literal(at, Instant())))
        .join(Metric, and_(Metric.task_id == Assignment.task_id + 0, Metric.id.in_(metric_ids)))  # the units lead
        .join(Unit, Unit.id == Assignment.unit_id)
        .outerjoin(Target, join_target())
        .where(
            Unit.area_id == area_id, goal.is_not(None), look.state.not_in(NOT_ASKED),
            true() if lines is None else Unit.line.in_(lines),
        )
        .group_by(Metric.id, Assignment.period)
    )  # fmt: skip


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


def _then(
    metric_ids: Sequence[int], area_id: int, at: datetime, look: Look, lines: Sequence[Line] | None, moved: bool
) -> Select[Any]:
    asked = Metric.id.in_(metric_ids)
    tasks = select(Metric.task_id).where(asked)
    batches = select(Batch.id).where(Batch.task_id.in_(tasks), Batch.dispatched_at <= literal(at, Instant()))
    there = Assignment.batch_id.in_(batches)
    own, joint = reported(there, asked, look).subquery(), credited(there, asked, look).subquery()
    columns = ("metric_id", "unit_id", "period", "standing", *SUMS)
    rows = union_all(*(select(*(part.c[name] for name in columns)) for part in (own, joint)))
    climb = climbing(rows, FIGURE, moved=moved)
    above = select(*climb.c).join(Area, and_(Area.id == climb.c.area_id, Area.level.not_in(LEAF_LEVELS)))
    facts = rows.subquery()
    place, home = aliased(Area), aliased(Area)
    here = or_(home.id == area_id, parent_at(home, issued_for_metric(facts.c)) == area_id)
    keys = (facts.c[name] for name in ("metric_id", "period", "standing", *SUMS))
    leaf = (
        select(*keys, place.id.label("area_id"), Unit.line)
        .join(Unit, Unit.id == facts.c.unit_id)
        .join(home, home.id == Unit.area_id)
        .join(place, and_(place.id == area_id, place.level.in_(LEAF_LEVELS), here))
    )
    parts = [above.where(climb.c.area_id == area_id).subquery(), leaf.subquery()]
    named = ("metric_id", "period", "standing", "line", *SUMS)
    every = union_all(*(select(*(part.c[name] for name in named)) for part in parts)).subquery()
    kinds = {"n": BigInteger(), "met": BigInteger()}
    key = [every.c[name] for name in named[:3]]
    sums = (func.sum(every.c[name], type_=kinds.get(name, Exact())).label(name) for name in SUMS)
    chosen = select(*key, *sums).group_by(*key)
    return chosen if lines is None else chosen.where(every.c.line.in_(lines))


def leaves_at(
    metrics: ColumnElement[bool], area_ids: Sequence[int], at: datetime, lines: Sequence[Line] | None
) -> Select[Any]:
    """What these metrics (a clause over Metric) were in leaf areas at that moment, with the organisations inside them:
    rows of area_id, metric_id, period, standing and the sums, one for each assignment. It costs what the units of these
    areas cost, not those of the task."""
    place, home, unit = aliased(Area), aliased(Area), aliased(Unit)
    inside = select(unit.id).join(home, home.id == unit.area_id)
    inside = inside.where(or_(home.id.in_(area_ids), home.parent_id.in_(area_ids)))
    inside = inside if lines is None else inside.where(unit.line.in_(lines))
    asked = select(Batch.id).join(Metric, Metric.task_id == Batch.task_id).where(metrics)
    asked = asked.where(Batch.dispatched_at <= literal(at, Instant()))
    there = and_(Assignment.unit_id.in_(inside), Assignment.batch_id.in_(asked))
    look = look_at(at, moved=False)  # what lies below a leaf is not looked for elsewhere
    parts = [each(there, metrics, look).subquery() for each in (reported, credited)]
    named = ("metric_id", "unit_id", "period", "standing", *SUMS)
    rows = union_all(*(select(*(part.c[name] for name in named)) for part in parts)).subquery()
    own = aliased(Area)
    found = (
        select(place.id.label("area_id"), *(rows.c[name] for name in named if name != "unit_id"))
        .select_from(rows)
        .join(Unit, Unit.id == rows.c.unit_id)
        .join(own, own.id == Unit.area_id)
        .join(place, and_(place.id.in_(area_ids), or_(own.id == place.id, own.parent_id == place.id)))
    )
    return found if lines is None else found.where(Unit.line.in_(lines))


def look_at(at: datetime, moved: bool) -> Look:
    """Assignments as they stood then: moved last by the log, reported last by then, split by then."""
    moment = literal(at, Instant())
    state = state_then(Assignment, moment)
    child, of_child = aliased(Assignment), aliased(Batch)
    split = (
        exists()
        .where(child.parent_id == Assignment.id, of_child.id == child.batch_id, of_child.dispatched_at <= moment)
        .correlate_except(child, of_child)
    )
    due = Milestone.due_on >= literal(local_today(at), Date())
    step = select(Milestone.target).where(Milestone.metric_id == Metric.id, due).order_by(Milestone.due_on).limit(1)
    in_force = type_coerce(step.correlate(Metric).scalar_subquery(), BigInteger)
    given = given_below(
        lambda below: and_(
            state_then(below, moment).not_in(NOT_ASKED),
            exists().where(Batch.id == below.batch_id, Batch.dispatched_at <= moment).correlate_except(Batch),
        )
    )
    return Look(state, latest_until(moment), target_at(moment, moved=moved), split, in_force, given=given)


def state_then(of: Any, moment: ColumnElement[Any]) -> ColumnElement[State]:
    """Where an assignment (the table, or an alias of it) stood then: moved last by the log."""
    last = (
        select(Event.to_state)
        .where(
            Event.subject == "assignment", Event.subject_id == of.id, Event.to_state.is_not(None), Event.at <= moment
        )
        .order_by(Event.id.desc())
        .limit(1)
        .correlate(of)
        .scalar_subquery()
    )
    codes = {state.name.lower(): literal(state, Assignment.state.type) for state in State}
    return case(codes, value=last, else_=literal(State.ISSUED, Assignment.state.type))
