"""The invariants of the data, recomputed: each check answers with the breaches it finds, none when all is well."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, islice
from typing import Any

from sqlalchemy import ColumnElement, Row, String, and_, case, cast, exists, func, literal, not_, or_, select
from sqlalchemy.orm import aliased

from ..clock import local_today
from ..db import db, listed
from ..errors import Busy
from ..evidence.store import Store
from ..models import (
    Assignment,
    Batch,
    Event,
    Evidence,
    Firing,
    Metric,
    Milestone,
    Period,
    Post,
    Review,
    Submission,
    Target,
    Timer,
)
from ..models.courses import course_of, courses
from ..models.reaches import reaches
from ..models.reporting import STANDS
from ..models.timing import timings_of
from ..rules.ladder import always
from ..rules.plans import PeriodState
from ..rules.states import OPEN, Action, State
from .cascade_checks import children_are_not_later, targets_are_the_shares

CHUNK = 2_000
HASHES_AT_ONCE = 500
UNKNOWN_AGE = timedelta(days=3)
CLOCK_COMES_BY = timedelta(minutes=10)  # it looks every minute; who asks in between is not told of a fault
MOST = 100  # breaches named per check; more of the same tells nothing new


@dataclass(frozen=True)
class Breach:
    """One invariant that does not hold, and where."""

    check: str
    subject: str
    subject_id: int | str
    what: str


def _state_word() -> ColumnElement[str]:
    """The stored state as the log writes it."""
    return case(*((Assignment.state == member, member.name.lower()) for member in State), else_="")


def states_follow_the_log() -> Iterator[Breach]:
    """Replays the log: each assignment stands where its last move left it, and each move began where the last ended."""
    moves = (
        select(
            Event.id,
            Event.subject_id,
            Event.from_state,
            Event.to_state,
            func.lag(Event.to_state).over(partition_by=Event.subject_id, order_by=Event.id).label("former"),
            func.row_number().over(partition_by=Event.subject_id, order_by=Event.id.desc()).label("back"),
            func.count().over(partition_by=Event.subject_id).label("moves"),
        )
        .where(Event.subject == "assignment", Event.to_state.is_not(None))
        .cte("moves")
    )
    issued = literal(State.ISSUED.name.lower())
    torn = select(moves.c.id, moves.c.subject_id).where(moves.c.from_state != func.coalesce(moves.c.former, issued))
    for row in db.session.execute(torn.limit(MOST)):
        yield Breach("states", "assignment", row.subject_id, f"event {row.id} does not begin where the last move ended")
    last = select(moves).where(moves.c.back == 1).subquery()
    word = _state_word()
    wrong = (
        select(Assignment.id, word.label("stored"), func.coalesce(last.c.to_state, issued).label("logged"))
        .outerjoin(last, last.c.subject_id == Assignment.id)
        .where(
            or_(
                word != func.coalesce(last.c.to_state, issued),
                Assignment.version != func.coalesce(last.c.moves, 0) + 1,
            )
        )
    )
    for row in db.session.execute(wrong.limit(MOST)):
        yield Breach("states", "assignment", row.id, f"stored as {row.stored}, but the log says {row.logged}")


def approvals_obey_the_law() -> Iterator[Breach]:
    """Each version is decided level by level in the order of its chain, by different people, never by its submitter.

    Whoever was stood in for counts as who acted. A level that was vacant and passed over has no decision.
    """
    written, given = aliased(Post), aliased(Post)
    passed = _passed_over()
    versions_and_reviews = (
        select(
            Submission.id, Submission.assignment_id, Submission.number, Submission.chain, Submission.person_id,
            Submission.digest, Review.step, Review.unit_id, Review.decision, Review.person_id.label("reviewer_id"),
            Review.digest.label("named"), written.person_id.label("written_for"), given.person_id.label("given_for"),
        )
        .join(written, written.id == Submission.post_id)
        .outerjoin(Review, and_(Review.submission_id == Submission.id, STANDS))
        .outerjoin(given, given.id == Review.post_id)
        .order_by(Submission.id, Review.step)
        .execution_options(yield_per=CHUNK)
    )  # fmt: skip
    with db.session.execute(versions_and_reviews) as rows:
        for _, group in groupby(rows, key=lambda row: row.id):
            reviews = list(group)
            if fault := _unlawful(reviews, passed[reviews[0].assignment_id, reviews[0].number]):
                what = f"version {reviews[0].number}: {fault}"
                yield Breach("approvals", "assignment", reviews[0].assignment_id, what)
    yield from _approved_without_chain(passed)


def _passed_over() -> dict[tuple[int, int], set[int]]:
    """The levels that were passed over, by assignment and number of the version."""
    found: dict[tuple[int, int], set[int]] = defaultdict(set)
    events = select(Event.subject_id, Event.data).where(Event.tag == "assignment:review:pass-over")
    for row in db.session.execute(events):
        data = json.loads(row.data)
        first = int(data["step"])
        found[row.subject_id, int(data["number"])] |= set(range(first, first + len(data["passed"])))
    return found


def _unlawful(reviews: list[Row[Any]], passed: set[int]) -> str:
    decided = [row for row in reviews if row.step is not None]
    chain = [int(part) for part in reviews[0].chain.split(",")]
    steps = [step for step in range(len(chain)) if step not in passed]
    if [row.step for row in decided] != steps[: len(decided)]:
        return "a level was skipped"
    if [row.unit_id for row in decided] != [chain[step] for step in steps[: len(decided)]]:
        return "decided by a unit that is not next in its chain"
    hands = [{row.reviewer_id, row.given_for} for row in decided]
    if any(each & {reviews[0].person_id, reviews[0].written_for} for each in hands):
        return "decided by who submitted it"
    approvers = [
        who for each, row in zip(hands, decided, strict=True) if row.decision is Action.APPROVE for who in each
    ]
    if len(set(approvers)) != len(approvers):
        return "approved twice by one person"
    if any(row.named != row.digest for row in decided):
        return "a decision names another content"
    if any(row.decision is not Action.APPROVE for row in decided[:-1]):
        return "decided on after it was returned"
    return ""


def _approved_without_chain(passed: dict[tuple[int, int], set[int]]) -> Iterator[Breach]:
    latest = (
        select(Submission.assignment_id, func.max(Submission.number).label("number"))
        .group_by(Submission.assignment_id)
        .subquery()
    )
    levels = func.length(Submission.chain) - func.length(func.replace(Submission.chain, ",", "")) + 1
    approvals = (
        select(func.count())
        .select_from(Review)
        .where(Review.submission_id == Submission.id, Review.decision == Action.APPROVE, STANDS)
        .scalar_subquery()
    )
    rows = (
        select(Assignment.id, Submission.number, levels.label("levels"), approvals.label("approvals"))
        .outerjoin(latest, latest.c.assignment_id == Assignment.id)
        .outerjoin(Submission, and_(Submission.assignment_id == Assignment.id, Submission.number == latest.c.number))
        .where(Assignment.state == State.APPROVED, or_(Submission.id.is_(None), approvals != levels))
    )
    for row in db.session.execute(rows.limit(MOST + len(passed))):
        if row.levels is None or row.approvals + len(passed[row.id, row.number]) != row.levels:
            yield Breach("approvals", "assignment", row.id, "approved without the approval of every level")


def evidence_is_what_it_was(store: Store) -> Iterator[Breach]:
    """Every piece of evidence lies in the store, and its bytes still give its hash."""
    files = (
        select(Evidence.sha256, func.min(Evidence.id).label("id"))
        .group_by(Evidence.sha256)
        .order_by(func.min(Evidence.id))
        .execution_options(yield_per=CHUNK)
    )
    looked_at = 0
    try:
        with db.session.execute(files) as rows:
            for row in rows:
                if fault := store.fault(row.sha256):
                    yield Breach("evidence", "evidence", row.id, f"its file {row.sha256} {fault}")
                looked_at += 1
    except Busy:
        yield Breach("evidence", "store", "", f"cannot be reached; {looked_at} files were looked at")


def no_file_is_without_a_row(store: Store, *, now: datetime) -> Iterator[Breach]:
    """What no row names is gone after some days: one until it is old enough, and one more in a bucket."""
    left = store.stored(kept_before=now - UNKNOWN_AGE)
    try:
        while names := list(islice(left, HASHES_AT_ONCE)):
            known = set(db.session.execute(select(Evidence.sha256).where(Evidence.sha256.in_(names))).scalars())
            for name in names:
                if name not in known:
                    yield Breach("evidence", "file", name, "no row names it, and tidying has left it for days")
    except Busy:
        yield Breach("evidence", "store", "", "cannot be reached; its files were not listed")


def batches_hold_what_their_event_says() -> Iterator[Breach]:
    """Each batch has as many assignments as its one event states, and their digest is the one stated."""
    members = select(Assignment.batch_id, func.count().label("n")).group_by(Assignment.batch_id).subquery()
    rows = db.session.execute(
        select(Batch.id, Batch.items, Batch.digest, members.c.n)
        .outerjoin(members, members.c.batch_id == Batch.id)
        .order_by(Batch.id)
    ).all()
    for row in rows:
        if row.items != row.n:
            yield Breach("batches", "batch", row.id, f"states {row.items} assignments, holds {row.n or 0}")
            continue
        ids = select(Assignment.unit_id).where(Assignment.batch_id == row.id).order_by(Assignment.unit_id).subquery()
        joined = db.session.execute(select(func.aggregate_strings(cast(ids.c.unit_id, String), ","))).scalar() or ""
        if hashlib.sha256(joined.encode()).hexdigest() != row.digest:
            yield Breach("batches", "batch", row.id, "its units are not those its event states")


def nothing_waits_unheard() -> Iterator[Breach]:
    """Every open assignment has a timer, unless its clock stands still or its ladder has nothing more to say."""
    waits = select(Assignment.id).where(Assignment.state.in_(OPEN), Assignment.suspended_at.is_(None))
    unarmed = waits.except_(select(Timer.assignment_id))  # timers lie by time: to look for each would read them all
    ids = sorted(db.session.execute(unarmed).scalars())
    for at in range(0, len(ids), CHUNK):
        yield from _unheard(ids[at : at + CHUNK])


def _unheard(ids: list[int]) -> Iterator[Breach]:
    """Those of these whose ladder has a rung that neither fired nor was skipped."""
    timings = timings_of(ids)
    said: dict[int, set[tuple[int, datetime]]] = defaultdict(set)
    for row in db.session.execute(
        select(Firing.assignment_id, Firing.rung, Firing.anchor_at).where(Firing.assignment_id.in_(listed(ids)))
    ):
        said[row.assignment_id].add((row.rung, row.anchor_at))
    for row in timings.rows:
        state = State(row.state)
        steps = timings.of(row).steps
        able = [step for step in steps if always(step.rung, state) and step.when > row.dispatched_at]
        if able and (able[-1].rung.number, able[-1].anchor_at) not in said[row.id]:
            yield Breach("timers", "assignment", row.id, "open, but no rung of its ladder is armed")


def curves_are_followed() -> Iterator[Breach]:
    """What is open lags behind from the moment that its dates and its latest figures give. Where its dates were moved
    since the dispatch, or days given back, only that the moment lies within its time: what was reported is then known
    to the day, and days given back may be working days."""
    given = Assignment.id.in_(select(Target.assignment_id))
    has_one = or_(Assignment.behind_at.is_not(None), Batch.behind_at.is_not(None), given)
    chosen = courses().where(Assignment.state.in_(OPEN), has_one).order_by(Assignment.id).limit(CHUNK)
    last = 0
    while found := [course_of(row) for row in db.session.execute(chosen.where(Assignment.id > last))]:
        last = found[-1].id
        figures = reaches([course.id for course in found])
        for course in found:
            if not course.holds(figures.get(course.id, ())):
                yield Breach("curves", "assignment", course.id, "does not lag behind from when its figures say")


def periods_are_whole() -> Iterator[Breach]:
    """The periods of a recurring task are numbered without a gap; each was opened as its own batch, or missed."""
    numbers = select(Period.task_id).group_by(Period.task_id).having(func.max(Period.number) != func.count())
    for row in db.session.execute(numbers.limit(MOST)):
        yield Breach("periods", "task", row.task_id, "its periods have a gap")
    same = and_(Batch.task_id == Period.task_id, Batch.period == Period.number)
    missed = Period.state == PeriodState.MISSED
    torn = or_(and_(missed, Period.batch_id.is_not(None)), and_(not_(missed), Batch.id.is_(None)))
    opened = select(Period.id).outerjoin(Batch, and_(Batch.id == Period.batch_id, same)).where(torn)
    for row in db.session.execute(opened.limit(MOST)):
        yield Breach("periods", "period", row.id, "what it says of its opening is not so")
    stray = select(Batch.id).outerjoin(Period, same).where(Batch.period > 0, Period.id.is_(None))
    for row in db.session.execute(stray.limit(MOST)):
        yield Breach("periods", "batch", row.id, "belongs to a period that is not there")


def targets_are_what_was_given() -> Iterator[Breach]:
    """Every open assignment has the target of the split in force, and none is due later than what it came out of."""
    for wrong in targets_are_the_shares():
        what = f"its target of metric {wrong.metric_id} is {wrong.target}, its share is {wrong.share}"
        yield Breach("targets", "assignment", wrong.assignment_id, what)
    for id in children_are_not_later():
        yield Breach("targets", "assignment", id, "due later than the assignment that it came out of")


def milestones_are_in_force(*, now: datetime) -> Iterator[Breach]:
    """Every metric that is asked has its milestone of today written down, by which units are counted as meeting it. For
    some minutes after midnight that of yesterday may stand, until the clock has come by."""
    stands = [Metric.step_target.is_not_distinct_from(_in_force(day)) for day in (now, now - CLOCK_COMES_BY)]
    asked = exists().where(Batch.task_id == Metric.task_id, Batch.dispatched_at <= now - CLOCK_COMES_BY)
    known = or_(Metric.step_target.is_not(None), exists().where(Milestone.metric_id == Metric.id))
    wrong = select(Metric.id, Metric.step_target, _in_force(now).label("step")).where(known, asked, not_(or_(*stands)))
    for row in db.session.execute(wrong.order_by(Metric.id).limit(MOST)):
        what = f"counts units by the milestone {row.step_target}, in force is {row.step}"
        yield Breach("milestones", "metric", row.id, what)


def _in_force(moment: datetime) -> ColumnElement[Any]:
    due = Milestone.due_on >= local_today(moment)
    next_one = select(Milestone.target).where(Milestone.metric_id == Metric.id, due).order_by(Milestone.due_on).limit(1)
    return next_one.correlate(Metric).scalar_subquery()


CHECKS: tuple[Callable[[], Iterator[Breach]], ...] = (
    states_follow_the_log,
    approvals_obey_the_law,
    batches_hold_what_their_event_says,
    nothing_waits_unheard,
    curves_are_followed,
    periods_are_whole,
    targets_are_what_was_given,
)
