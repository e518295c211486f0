"""Figures of one area as they stood at a moment: those of today, without what changed since, and with that as it stood.

What was folded is read, not added up: only assignments that moved since the moment, that wait to be folded, or that
have such a one below them are looked at, as they were counted and as they stood then. So it costs what happened since,
not what lies below. A metric whose targets or milestone are other ones now is counted anew, from what stood then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Date,
    Integer,
    Select,
    SmallInteger,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import aliased

from ..clock import local_today
from ..db import Exact, Instant, db, run
from ..models import (
    Allocation,
    Assignment,
    Batch,
    Figure,
    FigureTouch,
    Joint,
    Metric,
    Milestone,
    RegisterCount,
    Review,
    Submission,
    TallyDelta,
    Undo,
    Unit,
)
from ..models.climbing import SUMS, standing_in
from ..models.contributions import Look, credited, kept, latest_until, reported, touched
from ..models.following import Following
from ..models.goals import own_target
from ..models.requests import Proposal, Request
from ..rules.former_tree import FormerTree
from ..rules.organisation import LEAF_LEVELS, Line
from ..rules.requests import GIVEN
from ..rules.targets import Quota
from .board_figures import Place
from .rollup_facts import Facts, RolledUp
from .rollup_metrics import Ahead, among, heard, listing, spelt_out, telling
from .rollup_past import look_at, own_targets, put_together, state_then

STEP, TARGETS, UNSEEN = 1, 2, 4  # why a metric is counted anew: another milestone, other targets, never folded
MOMENT, DAY = bindparam("moment", type_=Instant), bindparam("day", type_=Date)
TURN = -1  # among the standings: a turn of a recurring task that had been dispatched there by then
NAMES = ("metric_id", "period", "standing", *SUMS)


def rollup_since(
    metric_ids: Sequence[int], place: Place, tree: FormerTree, *, at: datetime, lines: Sequence[Line] | None = None,
    most: int | None = None,
) -> dict[int, RolledUp] | None:  # fmt: skip
    """Every metric of a campaign in that area with all below it on the day of the campaign (`tree`: what moved since),
    as it stood at `at`: who was asked, what was approved, pending, returned and missing then, against the targets and
    the milestone of then; of a recurring task its latest turn by then. `most`: None where a metric must be counted anew
    and more areas than so many lie below. Two statements, and that takes the first alone."""
    facts, ahead, why = _facts(metric_ids, place.id, at)
    if not facts or (lines is not None and not lines):
        return {}
    if why and most is not None and place.rgt - place.lft > most:
        return None
    look = look_at(at, bool(tree.moves))
    then = _Then(place, tree, at, lines, tuple({fact.task_id for fact in facts.values()}), ahead, look)
    leaf = place.level in LEAF_LEVELS
    same = [id for id in facts if not leaf and not why.get(id)]
    parts: list[Any] = []
    if same:
        parts += [then.folded(same), *then.since(same)]
    for other_targets in (False, True):
        anew = [id for id in facts if id not in same and bool(why.get(id, 0) & TARGETS) is other_targets]
        parts += then.anew(anew, other_targets) if anew else []
    parts.append(own_targets(metric_ids, place.id, at, look, lines))
    recurring = [id for id, fact in facts.items() if fact.last_period]
    if recurring:
        parts.append(then.turns(recurring))
    rows = _without_later_turns(db.session.execute(union_all(*parts)).all(), set(recurring))
    return put_together(facts, rows, place.id, lines=lines, period=None)


def _without_later_turns(rows: Sequence[Any], recurring: set[int]) -> list[Any]:
    """The rows without those of turns of which nothing is left but what is added and taken away again."""
    left: dict[tuple[int, int, int], list[Any]] = {}
    for row in rows:
        sums, key = [getattr(row, name) for name in SUMS], (row.metric_id, row.period, row.standing)
        left[key] = [one + more for one, more in zip(left[key], sums, strict=True)] if key in left else sums
    there = {key[:2] for key, sums in left.items() if key[2] == TURN or any(sums)}
    return [
        row for row in rows
        if row.standing != TURN and (row.metric_id not in recurring or (row.metric_id, row.period) in there)
    ]  # fmt: skip


@dataclass(frozen=True)
class _Then:
    """The parts of the statement: rows of the metric, the turn, how it stood, and the sums."""

    place: Place
    tree: FormerTree
    at: datetime
    lines: Sequence[Line] | None
    tasks: tuple[int, ...]
    ahead: Ahead
    then: Look

    @property
    def moment(self) -> ColumnElement[Any]:
        return literal(self.at, Instant())

    def folded(self, metrics: Sequence[int]) -> Select[Any]:
        """What was folded for the area."""
        standing = type_coerce(Figure.standing, BigInteger)
        sums = (type_coerce(getattr(Figure, name), _kind(name)).label(name) for name in SUMS)
        rows = select(Figure.metric_id, Figure.period, standing.label("standing"), *sums)
        rows = rows.where(Figure.metric_id.in_(metrics), Figure.area_id == self.place.id)
        return rows if self.lines is None else rows.where(Figure.line.in_(self.lines))

    def turns(self, metrics: Sequence[int]) -> Select[Any]:
        """Which turns of recurring tasks had been dispatched there: of later ones nothing is left but zeros."""
        asked = exists().where(Assignment.unit_id == Unit.id, Assignment.batch_id == Batch.id + 0, *self._there())
        nothing = (literal_column("0", _kind(name)).label(name) for name in SUMS)
        rows = select(Metric.id.label("metric_id"), Batch.period, literal(TURN, BigInteger).label("standing"), *nothing)
        rows = rows.join(Batch, Batch.task_id == Metric.task_id).where(Metric.id.in_(metrics))
        return rows.where(Batch.dispatched_at <= self.moment, asked.correlate(Batch)).distinct()

    def _there(self) -> list[ColumnElement[bool]]:
        """Over Unit: it stood there, in one of these lines."""
        inside = standing_in(Unit.lft, self.tree.stretches((self.place.lft, self.place.rgt)))
        return [inside] if self.lines is None else [inside, Unit.line.in_(self.lines)]

    def since(self, metrics: Sequence[int]) -> list[Select[Any]]:
        """What changed since: as it was counted, taken away, and as it stood then."""
        of = Metric.id.in_(metrics)
        changed = self._assignments(self._changed()).cte().prefix_with("MATERIALIZED")
        look = self._look(changed, state_then(Assignment, self.moment), own_target())
        own, of_partners = kept(Assignment.id.in_(select(changed.c.id)), of)
        parts = [_added(own, minus=True), _added(reported(true(), of, look))]
        if self.ahead.joint:
            lent = self._assignments(self._changed(), partners=True).cte().prefix_with("MATERIALIZED")
            _own, of_partners = kept(Assignment.id.in_(select(lent.c.id)), of)
            look = self._look(lent, state_then(Assignment, self.moment), own_target())
            parts += [self._inside(of_partners, minus=True), self._inside(credited(true(), of, look))]
        return parts

    def anew(self, metrics: Sequence[int], other_targets: bool) -> list[Select[Any]]:
        """All that was asked by then, as it stood. `other_targets`: some changed since, else they are those of now."""
        of = Metric.id.in_(metrics)
        target = self.then.target if other_targets else own_target()
        moved = or_(Assignment.since > self.moment, self._undone(Assignment))
        state = case((moved, state_then(Assignment, self.moment)), else_=Assignment.state)
        asked = self._assignments(true()).cte().prefix_with("MATERIALIZED")
        parts = [_added(reported(true(), of, self._look(asked, state, target)))]
        if self.ahead.joint:
            lent = self._assignments(true(), partners=True).cte().prefix_with("MATERIALIZED")
            parts.append(self._inside(credited(true(), of, self._look(lent, state, target))))
        return parts

    def _assignments(self, which: ColumnElement[bool], *, partners: bool = False) -> Select[Any]:
        """The chosen assignments of the units there, whether they were dispatched by then; `partners`: those that
        credit any of these units instead. What was dispatched since and is not yet folded is nowhere yet."""
        there, fresh = self._there(), Batch.dispatched_at > self.moment
        found = select(Assignment.id, fresh.label("fresh"))
        if partners:
            lent = select(Submission.assignment_id).join(Joint, Joint.submission_id == Submission.id)
            lent = lent.join(Unit, Unit.id == Joint.partner_unit_id).where(*there)
            found = found.where(Assignment.id.in_(lent))
        else:
            found = found.select_from(Unit).join(Assignment, Assignment.unit_id == Unit.id).where(*there)
        found = found.join(Batch, and_(Batch.id == Assignment.batch_id, or_(Batch.folded, ~fresh)))
        return found.where(Following(Assignment.task_id).in_(self.tasks), which)

    def _changed(self) -> ColumnElement[bool]:
        """Over Assignment and its Batch: it may count for something else now than then."""
        child, of_child = aliased(Assignment), aliased(Batch)
        below = exists().where(
            child.parent_id == Assignment.id, of_child.id == child.batch_id, self._moved(child, of_child)
        )
        either = [self._moved(Assignment, Batch), below.correlate_except(child, of_child)]
        if self.ahead.pending:
            waiting = touched(TallyDelta.task_id.in_(self.tasks), FigureTouch.id > 0).subquery()
            either.append(Assignment.id.in_(select(waiting.c[0])))
        return or_(*either)

    def _moved(self, assignment: Any, batch: Any) -> ColumnElement[bool]:
        return or_(assignment.since > self.moment, batch.dispatched_at > self.moment, self._undone(assignment))

    def _undone(self, assignment: Any) -> ColumnElement[bool]:
        """A decision was taken back since: it stands as it stood before, and since when it stood so."""
        undone = select(Review.assignment_id).join(Undo, Undo.review_id == Review.id).where(Undo.at > self.moment)
        return assignment.id.in_(undone)  # type: ignore[no-any-return]

    def _look(self, chosen: CTE, state: ColumnElement[Any], target: ColumnElement[Any]) -> Look:
        """These assignments as they stood then, each looked up once."""
        then = self.then
        stood = (
            select(chosen.c.id, state.label("state"), then.split.label("split"))
            .join(Assignment, Assignment.id == chosen.c.id)
            .where(~chosen.c.fresh)
            .cte()
            .prefix_with("MATERIALIZED")
        )
        return Look(
            stood.c.state, latest_until(self.moment), target, stood.c.split, then.step, given=then.given, stood=stood
        )

    def _inside(self, rows: Select[Any], *, minus: bool = False) -> Select[Any]:
        """Rows about units: those of the units there, added up."""
        return _added(rows, self._there(), minus=minus)


def _added(rows: Select[Any], inside: Sequence[ColumnElement[bool]] = (), *, minus: bool = False) -> Select[Any]:
    """Rows with their sums, added up. `inside`: those of these units (clauses over Unit)."""
    each = rows.subquery()
    key = [each.c.metric_id, each.c.period, type_coerce(each.c.standing, BigInteger)]
    sums = (func.sum(-each.c[name] if minus else each.c[name], type_=_kind(name)).label(name) for name in SUMS)
    found = select(*(column.label(name) for column, name in zip(key, NAMES, strict=False)), *sums).group_by(*key)
    return found.join(Unit, Unit.id == each.c.unit_id).where(*inside) if inside else found


def _kind(name: str) -> Any:
    return BigInteger() if name in ("n", "met") else Exact()


def _facts(metric_ids: Sequence[int], area_id: int, at: datetime) -> tuple[dict[int, Facts], Ahead, dict[int, int]]:
    """The metrics, what lies ahead, and why some are counted anew."""
    day = local_today(at)
    asked = {"metrics": listing(metric_ids), "areas": listing([area_id]), "moment": at, "day": day}
    rows = list(run(_telling(db.session.get_bind().dialect.name), asked))
    facts, ahead = heard([row for row in rows if row[3] <= 0], day)
    return facts, ahead, {row[0]: row[3] for row in rows if row[3] > 0}


@cache
def _telling(_dialect: str) -> Any:
    """The facts, and a row for each metric that is counted anew: why, in place of how it stands."""
    step = select(Milestone.target).where(Milestone.metric_id == Metric.id, Milestone.due_on >= DAY)
    step = step.order_by(Milestone.due_on).limit(1).correlate(Metric)
    split = exists().where(Allocation.task_id == Metric.task_id, Allocation.at > MOMENT)
    granted = exists().where(
        Proposal.metric_id == Metric.id, Request.id == Proposal.request_id, Request.decision.in_(GIVEN),
        Request.decided_at > MOMENT,
    )  # fmt: skip
    counted = and_(
        Metric.quota == Quota.PER_PERSON,
        exists().where(RegisterCount.register_id == Metric.register_id, RegisterCount.at > MOMENT),
    )
    unseen = exists().where(Batch.task_id == Metric.task_id, Batch.folded.is_(False), Batch.dispatched_at <= MOMENT)
    whys = {
        STEP: step.scalar_subquery().is_distinct_from(Metric.step_target), TARGETS: or_(split, granted, counted),
        UNSEEN: unseen,
    }  # fmt: skip
    why: ColumnElement[int] = literal_column("0", Integer)
    for number, so in whys.items():
        why = why + case((so, literal_column(str(number), Integer)), else_=literal_column("0", Integer))
    nothing = [literal_column("0", Integer) for _number in range(8)]
    rows = select(Metric.id.label("id"), type_coerce(why, SmallInteger).label("why")).where(among(Metric.id, "metrics"))
    told = rows.subquery()
    anew = select(told.c.id, *nothing[:2], told.c.why, *nothing).where(told.c.why > 0)
    return spelt_out(union_all(telling(), anew))
