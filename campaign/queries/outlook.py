"""What the clock has sent and will send of one assignment: the same decisions and the same people as the sweep's."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, literal, not_, or_, select, type_coerce, union

from ..clock import local_today
from ..db import db, from_micros, listed
from ..models import (
    Assignment,
    Delegation,
    Delivery,
    Event,
    Firing,
    Notice,
    Person,
    Post,
    Submission,
    Suspension,
    Unit,
)
from ..models.audience import audience
from ..models.gathering import gathered
from ..models.organisation import holds_on, stands_in_on
from ..models.timing import Timing, ladder_in, timing_in, timing_in_full
from ..rules.foreseeing import Foreseen, foresee, next_timer
from ..rules.ladder import Rung, Step, first_step
from ..rules.organisation import Level, Role
from ..rules.states import CLOSED, State
from ..rules.telling import Channel, DeliveryState


@dataclass(frozen=True)
class Addressee:
    """Somebody who is told, in the post for which they are told; `role` is None for the person in charge."""

    person_id: int
    name: str
    unit: str
    role: Role | None


@dataclass(frozen=True)
class Coming:
    """A rung at its time, and whom it will tell. `overtaken`: it is passed over, because another speaks then."""

    at: datetime
    step: Step
    people: tuple[Addressee, ...] = ()
    overtaken: bool = False

    @property
    def rung(self) -> Rung:
        """What speaks."""
        return self.step.rung


@dataclass(frozen=True)
class Letter:
    """A message on a channel: whether and when it was sent."""

    channel: Channel
    state: DeliveryState
    sent_at: datetime | None


@dataclass(frozen=True)
class Reached:
    """A person who was told, when it was read on the pages, and what went out on channels."""

    name: str
    read_at: datetime | None
    letters: tuple[Letter, ...]


@dataclass(frozen=True)
class Sent:
    """What was told at an instant, or was not told: `skipped` names the reason. `rung`: None for what no rung said."""

    at: datetime
    tag: str
    rung: Rung | None = None
    skipped: str = ""
    urgent: bool = False
    people: tuple[Reached, ...] = ()


@dataclass(frozen=True)
class Line:
    """The whole time line: what was sent, oldest first, and what comes. `urges`: how often it was urged by hand."""

    past: tuple[Sent, ...]
    coming: tuple[Coming, ...]
    suspended_at: datetime | None
    closed: bool
    ladder: tuple[int, str, int]
    urges: int = 0
    later: tuple[Rung, ...] = field(default=())


EXTENDED, MOVED = "assignment:issuer:extend", "assignment:occasion:move"
URGE = "assignment:dispatcher:urge"
BY_CLOCK = "assignment:clock:"


def line_of(assignment_id: int, *, now: datetime) -> Line | None:
    """The time line of one assignment; None where there is none. The reader's scope is asked before.

    A fixed number of statements. What comes is what comes if nothing is done, told to those who hold the posts today.
    """
    return line_from(gathered(*outlook_of(assignment_id)), now=now)


def outlook_of(assignment_id: int) -> tuple[Select[Any], ...]:
    """What `line_from` reads: the timing, the rungs that fired, what was told."""
    kind = Submission.at.type
    submitted = select(func.max(Submission.at, type_=kind)).where(Submission.assignment_id == assignment_id)
    went_on = select(func.max(Suspension.ended_at, type_=kind)).where(Suspension.assignment_id == assignment_id)
    by_hand = select(func.max(Event.at, type_=kind)).where(
        Event.subject == "assignment", Event.subject_id == assignment_id, Event.tag == EXTENDED
    )
    with_all = (
        select(func.max(Event.at, type_=kind))
        .join(Notice, Notice.event_id == Event.id)
        .join(Assignment, Assignment.batch_id == Notice.batch_id)
        .where(Assignment.id == assignment_id, not_(Assignment.own_dates), Event.tag == MOVED)
    )
    timing = timing_in_full(assignment_id).add_columns(
        submitted.scalar_subquery().label("submitted_at"), went_on.scalar_subquery().label("went_on_at"),
        by_hand.scalar_subquery().label("extended_at"), with_all.scalar_subquery().label("moved_at"),
    )  # fmt: skip
    columns = (Firing.rung, Firing.anchor_at, Firing.at, Firing.skipped)
    return timing, select(*columns).where(Firing.assignment_id == assignment_id), _told_of(assignment_id)


def line_from(rows: Sequence[Sequence[Any]], *, now: datetime) -> Line | None:
    """The time line from the rows of `outlook_of`; None where there is no such assignment. Up to two statements more
    for the people who will be told."""
    if not rows[0]:
        return None
    row, fired = rows[0][0], rows[1]
    timing, ladder = timing_in(row), ladder_in(row)
    coming = _coming(row, timing, fired, now)
    past = _past(rows[2], fired, ladder.rungs)
    dated = {step.rung.number for step in timing.steps}
    return Line(
        past,
        coming,
        timing.suspended_at,
        timing.state in CLOSED,
        (row.ladder_id, row.ladder_name, row.ladder_version),
        sum(each.tag == URGE for each in past),
        () if timing.state in CLOSED else tuple(rung for rung in ladder.rungs if rung.number not in dated),
    )


def _coming(row: Any, timing: Timing, fired: Sequence[Any], now: datetime) -> tuple[Coming, ...]:
    if timing.suspended_at is not None or timing.state in CLOSED:
        return ()
    waits = timing.not_before if timing.not_before is not None and timing.not_before > now else None
    after = _decided_until(row, timing.steps, fired, waits)
    timers = next_timer(timing.steps, timing.state, timing.behind_at, after=after, now=now, not_before=waits)
    foreseen = foresee(
        timing.steps,
        timing.state,
        timing.behind_at,
        timers,
        not_before=waits,
        fired=[(each.rung, each.anchor_at) for each in fired],
    )
    stops = {} if row.stop_level is None else {row.ladder_id: row.stop_level}
    return told(foreseen, row, now=now, stops=stops)


def _decided_until(row: Any, steps: tuple[Step, ...], fired: Sequence[Any], waits: datetime | None) -> datetime:
    """Until when everything about an assignment has been decided: after a return until it was submitted, after a
    question until the clock went on, else until its last rung, its last change of state or the last move of its dates;
    but escalations that were past already at the dispatch or the move still come."""
    last, on = row.submitted_at, row.went_on_at
    if waits is not None and row.state == State.RETURNED and last is not None:
        return last  # type: ignore[no-any-return]
    moved = max(filter(None, (row.extended_at, row.moved_at)), default=None)
    if row.since is None and on is None and not fired:
        return max(_begun(steps, each) for each in (row.dispatched_at, moved) if each is not None)
    since = None if row.since is None else from_micros(row.since)
    decided = [each for each in (row.dispatched_at, since, on) if each is not None]
    decided += [each.at for each in fired]
    return max(decided if moved is None else [*decided, _begun(steps, moved)])


def _begun(steps: tuple[Step, ...], at: datetime) -> datetime:
    """Until when everything counts as decided where dates were given at that instant."""
    first = first_step(steps, at)
    return at if first is None else first[0]


def told(
    foreseen: Iterable[Foreseen], row: Any, *, now: datetime, stops: Mapping[int, Level] | None = None
) -> tuple[Coming, ...]:
    """The same with whom each rung tells, of an assignment (id, unit_id, reviewer_unit_id, in_charge_id, ladder_id).
    `stops`: the highest level that its ladder tells, where it is at hand."""
    foreseen = list(foreseen)
    speaking = [(each.at, step) for each in foreseen for step in each.speak]
    heard = audience([(row, step) for _, step in speaking], now=now, stops=stops)
    people = _people({post for said in heard for post in said.posts}, {id for said in heard for id in said.people}, now)
    found = [Coming(each.at, step, overtaken=True) for each in foreseen for step in each.skip]
    for (at, step), said in zip(speaking, heard, strict=True):
        keys = [*said.posts, *((None, id) for id in said.people)]
        reached = {one.person_id: one for key in keys for one in people.get(key, ())}
        found.append(Coming(at, step, tuple(reached.values())))
    return tuple(sorted(found, key=lambda each: (each.at, not each.overtaken, each.rung.number)))


def _people(
    posts: set[tuple[int, int]], named: set[int], now: datetime
) -> Mapping[tuple[int | None, int], list[Addressee]]:
    """Who holds these posts (unit, role) today or stands in there, and the people named, in one statement."""
    found: dict[tuple[int | None, int], list[Addressee]] = defaultdict(list)
    if not posts and not named:
        return found
    today, units = local_today(now), listed({unit for unit, _ in posts})
    in_post = (
        select(Post.unit_id, type_coerce(Post.role, Post.id.type).label("role"), Person.id, Person.name, Unit.name)
        .join(Unit, Unit.id == Post.unit_id)
        .where(Post.unit_id.in_(units))
    )
    held = in_post.join(Person, Person.id == Post.person_id).where(holds_on(today))
    stood_in = in_post.join(Delegation, stands_in_on(today)).join(Person, Person.id == Delegation.delegate_id)
    others = select(literal(None, Unit.id.type), Person.id, Person.id, Person.name, literal("")).where(
        Person.id.in_(listed(named))
    )
    for unit_id, role, person_id, name, unit in db.session.execute(union(held, stood_in, others)).tuples():
        if unit_id is None:
            found[None, person_id].append(Addressee(person_id, name, unit, None))
        elif (unit_id, role) in posts:
            found[unit_id, role].append(Addressee(person_id, name, unit, Role(role)))
    return found


def _told_of(assignment_id: int) -> Select[Any]:
    columns = (
        Event.id, Event.at, Event.tag, Event.data, Notice.id.label("notice"), Notice.urgent, Notice.read_at,
        Person.name, Delivery.channel, Delivery.state, Delivery.sent_at,
    )  # fmt: skip
    return (
        select(*columns)
        .outerjoin(Notice, Notice.event_id == Event.id)
        .outerjoin(Person, Person.id == Notice.person_id)
        .outerjoin(Delivery, and_(Delivery.notice_id == Notice.id, Delivery.person_id == Notice.person_id))
        .where(Event.subject == "assignment", Event.subject_id == assignment_id)
        .where(or_(Notice.id.is_not(None), Event.tag.startswith(BY_CLOCK)))
        .order_by(Event.id, Notice.id, Delivery.id)
    )


def _past(rows: Iterable[Any], fired: Sequence[Any], rungs: tuple[Rung, ...]) -> tuple[Sent, ...]:
    """Everything that somebody was told of it one by one, and every rung that was passed over."""
    by_number = {rung.number: rung for rung in rungs}
    found = [
        Sent(each.at, by_number[each.rung].tag, by_number[each.rung], each.skipped)
        for each in fired
        if each.skipped and each.rung in by_number
    ]
    events: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        events[row.id].append(row)
    spoken = {(each.at, each.rung) for each in fired if not each.skipped}
    for each in events.values():
        said = json.loads(each[0].data).get("rung")
        rung = by_number.get(said) if (each[0].at, said) in spoken else None
        found.append(Sent(each[0].at, each[0].tag, rung, "", any(row.urgent for row in each), _reached(each)))
    return tuple(sorted(found, key=lambda each: each.at))


def _reached(rows: list[Any]) -> tuple[Reached, ...]:
    notices: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        if row.notice is not None:  # a rung that found nobody to tell has its event all the same
            notices[row.notice].append(row)
    return tuple(
        Reached(
            of_one[0].name,
            of_one[0].read_at,
            tuple(Letter(row.channel, row.state, row.sent_at) for row in of_one if row.channel is not None),
        )
        for of_one in notices.values()
    )
