"""What assignments count for in their metrics, as SELECTs that the folder, the readers and the checks share.

Rows are (assignment_id, metric_id, unit_id, period, standing, and the sums n, met, number, numerator, denominator,
credited). The latest submission counts, by how its assignment stands; a state without one counts as missing.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    FromClause,
    Numeric,
    Select,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    join,
    literal,
    literal_column,
    not_,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import aliased

from ..rules.figures import STANDING_OF, Standing
from ..rules.metrics import Aggregation, Comparator, MetricKind
from ..rules.states import NOT_ASKED
from ..rules.targets import Quota
from .assignments import Assignment, Batch
from .campaigns import Metric
from .climbing import SUMS
from .doing import TallyDelta
from .figures import Contribution, FigureTouch, Joint
from .following import Following
from .goals import given_below, join_target, own_target
from .reporting import MetricValue, Submission
from .targets import Target

ADDED_UP = (Aggregation.SUM, Aggregation.RATIO)  # a split assignment reports what the unit did itself, and that counts
REPORTED = {state: standing for state, standing in STANDING_OF.items() if standing is not Standing.MISSING}
YES_OR_NO = (MetricKind.BOOLEAN, MetricKind.CHECKLIST)
NONE, ONE = literal_column("0", BigInteger), literal_column("1", BigInteger)
WIDE = Numeric(38, 0)  # what becomes too large for a whole number of the database
PERCENT = literal_column("1000000", WIDE)  # a hundred, times the ten thousand by which a target is stored
KEY = ("assignment_id", "metric_id", "unit_id")
NOTHING = tuple(literal_column("0", BigInteger).label(name) for name in SUMS)


@dataclass(frozen=True)
class Look:
    """How an assignment is looked at: its state, which submission counts (an ON clause), what it must reach in the end,
    whether it was split, and the milestone in force; whether all assignments are, and what they gave to units below,
    where that is not what these must reach today. `stood`: rows (id, and what the others are made of) of the
    assignments that are looked at, from which the statement begins."""

    state: ColumnElement[Any]
    latest: ColumnElement[bool]
    target: ColumnElement[Any]
    split: ColumnElement[bool]
    step: ColumnElement[Any]
    whole: bool = False
    given: ColumnElement[int] | None = None
    stood: FromClause | None = None

    @property
    def begin(self) -> Any:
        """What a statement reads first."""
        return Assignment if self.stood is None else join(self.stood, Assignment, Assignment.id == self.stood.c.id)


def touched(deltas: ColumnElement[bool], touches: ColumnElement[bool]) -> CompoundSelect[Any]:
    """The ids of the assignments behind the chosen deltas and touches; those of tasks without metrics are left out."""
    measured = exists().where(Metric.task_id == TallyDelta.task_id)
    moved = (
        select(Assignment.id)
        .join(TallyDelta, and_(TallyDelta.task_id == Assignment.task_id, TallyDelta.unit_id == Assignment.unit_id))
        .where(deltas, measured)
    )
    return moved.union(select(FigureTouch.assignment_id).where(touches))


def reported(
    chosen: ColumnElement[bool], metrics: ColumnElement[bool] | None = None, look: Look | None = None
) -> Select[Any]:
    """What the chosen assignments count for in their own unit, one row for each metric of the task. `look`: other than
    as they stand now."""
    look = look or as_they_stand()
    live, asked = MetricValue.id.is_not(None), _asked(look)
    summed = Metric.aggregation == Aggregation.SUM
    rated = Metric.aggregation == Aggregation.RATIO
    found = (
        select(
            Assignment.id.label("assignment_id"),
            Metric.id.label("metric_id"),
            Assignment.unit_id,
            Assignment.period,
            _standing(live, look).label("standing"),
            case((asked, 1), else_=0).label("n"),
            case((and_(live, _meets(look)), 1), else_=0).label("met"),
            _part(and_(live, summed), MetricValue.number).label("number"),
            _part(and_(live, rated), MetricValue.numerator).label("numerator"),
            _part(and_(live, rated), MetricValue.denominator).label("denominator"),
            NOTHING[-1],
        )
        .select_from(look.begin)
        .outerjoin(Submission, look.latest)  # before the metrics, so that it is looked for once
        .join(Metric, _of_task(look.whole))
        .outerjoin(Target, join_target())
        .outerjoin(MetricValue, _value_that_counts(look))
        .where(chosen)
    )
    return found if metrics is None else found.where(metrics)


def credited(
    chosen: ColumnElement[bool], metrics: ColumnElement[bool] | None = None, look: Look | None = None
) -> Select[Any]:
    """What the chosen assignments credit to partners: rows with the partner's unit and nothing but `credited`."""
    look = look or as_they_stand()
    figure = exists().where(MetricValue.submission_id == Submission.id, MetricValue.metric_id == Joint.metric_id)
    found = (
        select(
            Assignment.id.label("assignment_id"),
            Metric.id.label("metric_id"),
            Joint.partner_unit_id.label("unit_id"),
            Assignment.period,
            _standing(look.state.in_(REPORTED), look).label("standing"),
            *NOTHING[:-1],
            type_coerce(Joint.number, BigInteger).label("credited"),
        )
        .select_from(look.begin)
        .join(Submission, look.latest)
        .join(Joint, Joint.submission_id == Submission.id)
        .join(Metric, and_(Metric.id == Joint.metric_id + 0, Metric.aggregation == Aggregation.SUM))
        .where(look.state.in_(REPORTED), figure, chosen)
    )
    return found if metrics is None else found.where(metrics)


def kept(
    chosen: ColumnElement[bool], metrics: ColumnElement[bool] | None = None, *, whole: bool = False
) -> list[Select[Any]]:
    """What they counted for when they were last folded; what never was counts as missing, as it was dispatched."""
    own = and_(
        Contribution.assignment_id == Assignment.id,
        Contribution.metric_id == Metric.id,
        Contribution.unit_id == Assignment.unit_id,
    )
    columns = [Assignment.id.label("assignment_id"), Metric.id.label("metric_id"), Assignment.unit_id]
    of_unit = (
        select(
            *columns,
            Assignment.period,
            type_coerce(
                func.coalesce(Contribution.standing, literal(Standing.MISSING, Contribution.standing.type)), BigInteger
            ).label("standing"),
            func.coalesce(Contribution.n, 1).label("n"),
            *(_plain(getattr(Contribution, name), name) for name in SUMS[1:]),
        )
        .select_from(Assignment)
        .join(Metric, _of_task(whole))
        .outerjoin(Contribution, own)
        .where(chosen)
    )
    of_partners = (
        select(
            *columns[:2],
            Contribution.unit_id,
            Assignment.period,
            type_coerce(Contribution.standing, BigInteger).label("standing"),
            *(_plain(getattr(Contribution, name), name) for name in SUMS),
        )
        .select_from(Assignment)
        .join(Contribution, Contribution.assignment_id == Assignment.id)
        .join(Metric, Metric.id == Contribution.metric_id)
        .where(chosen, Contribution.unit_id != Assignment.unit_id)
    )
    parts = [of_unit, of_partners]
    return parts if metrics is None else [part.where(metrics) for part in parts]


def changes(chosen: ColumnElement[bool], metrics: ColumnElement[bool] | None = None) -> CompoundSelect[Any]:
    """What folding the chosen assignments would add: as they are, and with a minus as they were. Columns metric_id,
    unit_id, period, standing, sums."""
    plus = [reported(chosen, metrics).subquery(), credited(chosen, metrics).subquery()]
    minus = [part.subquery() for part in kept(chosen, metrics)]
    key = ("metric_id", "unit_id", "period", "standing")
    return union_all(
        *(select(*(rows.c[name] for name in (*key, *SUMS))) for rows in plus),
        *(select(*(rows.c[name] for name in key), *((-rows.c[name]).label(name) for name in SUMS)) for rows in minus),
    )


def asked_anew(chosen: ColumnElement[bool]) -> Select[Any]:
    """The assignments of the chosen batches: rows (task_id, unit_id, period, n). All of them begin as missing."""
    return (
        select(Batch.task_id, Assignment.unit_id, Assignment.period, literal_column("1", BigInteger).label("n"))
        .select_from(Batch)
        .join(Assignment, Assignment.batch_id == Batch.id)
        .where(chosen)
    )


def _of_task(whole: bool) -> ColumnElement[bool]:
    """ON clause. `whole`: all assignments are read; of a few PostgreSQL too shall begin with them."""
    return Metric.task_id == (Following(Assignment.task_id) if whole else Assignment.task_id + 0)


def _plain(column: Any, name: str) -> Any:
    return func.coalesce(type_coerce(column, BigInteger), literal_column("0", BigInteger)).label(name)


def _part(counts: ColumnElement[bool], column: Any) -> ColumnElement[int]:
    return case((counts, func.coalesce(type_coerce(column, BigInteger), 0)), else_=0)


def as_they_stand() -> Look:
    """As everything is now."""
    return Look(
        Assignment.state.expression, latest_until(None), own_target(), is_split(), Metric.step_target.expression
    )


def all_as_they_stand() -> Look:
    """The same for statements over all assignments: who was split is listed once, and not looked for each time."""
    child = aliased(Assignment)
    split = Assignment.id.in_(select(child.parent_id).where(child.parent_id.is_not(None)))
    return Look(Assignment.state.expression, latest_until(None), own_target(), split, _step(), whole=True)


def _step() -> ColumnElement[Any]:
    return Metric.step_target.expression


def latest_until(moment: ColumnElement[Any] | None) -> ColumnElement[bool]:
    """ON clause: the latest submission of the assignment, made up to that moment where one is given."""
    version = aliased(Submission)
    newest = select(func.max(version.number)).where(version.assignment_id == Assignment.id)
    if moment is not None:
        newest = newest.where(version.at <= moment)
    number = newest.correlate(Assignment).scalar_subquery()
    return and_(Submission.assignment_id == Assignment.id, Submission.number == number)


def _standing(live: ColumnElement[bool], look: Look) -> ColumnElement[int]:
    missing = literal_column(str(int(Standing.MISSING)), BigInteger)
    of_state = {state: literal_column(str(int(standing)), BigInteger) for state, standing in REPORTED.items()}
    return case((~live, missing), else_=case(of_state, value=look.state, else_=missing))


def is_split() -> ColumnElement[bool]:
    """Whether the assignment was split among units below."""
    child = aliased(Assignment)
    return exists().where(child.parent_id == Assignment.id).correlate_except(child)


def _asked(look: Look) -> ColumnElement[bool]:
    """What is cancelled or does not apply is asked of nobody; of what was split only sums are asked of the unit."""
    return and_(look.state.not_in(NOT_ASKED), or_(Metric.aggregation.in_(ADDED_UP), ~look.split))


def _value_that_counts(look: Look) -> ColumnElement[bool]:
    """ON clause: what was reported for the metric, where that counts. Weighed once for a row, since every sum asks."""
    reported = or_(*(look.state == state for state in REPORTED))  # SQLite would make a list of its own for IN
    counts = or_(Metric.aggregation.in_(ADDED_UP), ~look.split)
    return and_(MetricValue.submission_id == Submission.id, MetricValue.metric_id == Metric.id, reported, counts)


def _meets(look: Look) -> ColumnElement[bool]:
    """Whether the reported figure reaches what the assignment itself must reach by the milestone in force. Of a sum
    that was split that is what the unit kept for itself: its target without those of the units below. Of the branches
    only one is ever weighed."""
    number = type_coerce(MetricValue.number, BigInteger)
    target = type_coerce(look.target, BigInteger)
    parts = [type_coerce(part, BigInteger) for part in (MetricValue.numerator, MetricValue.denominator)]
    rate = [cast(part, WIDE) for part in parts]
    kept_back = target - _given_away(look)
    unsaid = or_(Metric.comparator == Comparator.NONE, target.is_(None))
    rated, underway = Metric.kind == MetricKind.RATE, look.step.is_not(None)
    return case(
        (unsaid, and_(Metric.kind.in_(YES_OR_NO), number > 0)),
        (and_(rated, underway), and_(parts[1] > 0, _underway(rate[0] * PERCENT, rate[1], target, look))),
        (rated, and_(parts[1] > 0, _compared(rate[0] * PERCENT - cast(target, WIDE) * rate[1], Metric.comparator))),
        (underway, _underway(cast(number, WIDE), ONE, kept_back, look)),
        else_=_compared(number - kept_back, Metric.comparator),
    )


def _underway(figure: Any, per: Any, own: Any, look: Look) -> ColumnElement[bool]:
    """Whether the figure reaches so much of the milestone (times `per`) as `rules.milestones.step_for` asks of one
    whose target is `own`. Multiplied out, not divided, so that it is exact."""
    whole, step = (cast(type_coerce(each, BigInteger), WIDE) for each in (Metric.target, look.step))
    shared = and_(Metric.aggregation == Aggregation.SUM, Metric.quota == Quota.TOTAL)
    towards = case(
        (or_(Metric.comparator != Comparator.EQUAL, step == whole), type_coerce(Metric.comparator, BigInteger)),
        (step > whole, literal(int(Comparator.AT_MOST), BigInteger)),
        else_=literal(int(Comparator.AT_LEAST), BigInteger),
    )
    scale, part = (case((whole != 0, each), else_=ONE) for each in (whole, step))  # nothing has no parts
    more = case((and_(whole == 0, not_(shared)), step), else_=NONE)
    return _compared(figure * scale - (cast(own, WIDE) * part + more) * per, towards)


def _compared(off: Any, comparator: Any) -> ColumnElement[bool]:
    """`off`: by how much the figure is more than what it is compared with. It stands in the text once, since what must
    be reached may be a long story."""
    known = type_coerce(comparator, BigInteger)
    found = {
        sign: known.in_([int(each) for each in fits])
        for sign, fits in (
            (1, (Comparator.AT_LEAST, Comparator.MORE_THAN)),
            (0, (Comparator.AT_LEAST, Comparator.AT_MOST, Comparator.EQUAL)),
            (-1, (Comparator.AT_MOST,)),
        )
    }
    return case(found, value=func.sign(off), else_=false())


def _given_away(look: Look) -> ColumnElement[int]:
    """Of a sum: what the units below must reach together; looked for only where it was split."""
    return case((look.split, given_below() if look.given is None else look.given), else_=0)
