"""Splitting: a unit hands its assignment down in parts, an issuer splits a task; later changes are new versions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, func, or_, select, update

from ..clock import local_today
from ..db import db, listed
from ..errors import Forbidden, Invalid, NotFound, Problem, Refused, Sentence, Stale, say
from ..models import Area, Assignment, Batch, Metric, Person, Post, Share, Target, Unit
from ..models.organisation import holds_on
from ..models.outlook import outlook_of
from ..models.quotas import has_quotas
from ..models.splits import Part, Whole, below, handed, parts_of_whole, whole_of, whole_task
from ..notify.outbox import tell_batch
from ..rules.organisation import DELEGABLE, Actor, Role
from ..rules.plans import CampaignStatus
from ..rules.splitting import SPLITTABLE
from ..rules.states import CLOSED, NOT_ASKED, State
from ..rules.targets import Method
from .cascade_writing import (
    Shares,
    dates_below,
    digest_of,
    hand_down,
    keep_elsewhere,
    name_all,
    tell_moved,
    write_allocation,
    write_targets,
)
from .figures import look_again
from .issuing import acting_for, batch_digest, receivers
from .log import record
from .move import FASTER
from .quotas import write_quotas
from .repeating import once, remember
from .settling import settle

SPLIT, CHANGED, ISSUED = "assignment:cascade:split", "assignment:cascade:change", "assignment:dispatch:issue"
MOST_UNITS = 3_000
LONGEST_REASON = 400


@dataclass(frozen=True)
class Plan:
    """How something shall be split: figures by unit and metric (a unit with none takes part in what goes down
    unchanged), what is held back by metric, who is in charge by unit (None: nobody), an earlier due day for the units
    that are new. `within`: of a task, the area whose units it is about; those elsewhere keep what they hold."""

    method: Method
    shares: Shares
    reserves: Mapping[int, Decimal] = field(default_factory=dict)
    reason: str = ""
    in_charge: Mapping[int, int | None] = field(default_factory=dict)
    due_on: date | None = None
    within: int | None = None


@dataclass(frozen=True)
class Split:
    """What was done: the version, how many assignments it made, of how many others the target moved."""

    allocation_id: int
    version: int
    made: int
    moved: int


@dataclass(frozen=True)
class _Child:
    """A unit of the plan, or one that has its share already. `elsewhere`: it has the task from somebody else."""

    unit_id: int
    inside: bool
    assignment_id: int | None
    mine: bool
    state: State | None

    @property
    def elsewhere(self) -> bool:
        return self.assignment_id is not None and not self.mine


def split(
    assignment_id: int, plan: Plan, *, actor: Actor, now: datetime, seen: int, client_action_id: str | None = None
) -> Split:
    """Splits an assignment among units below: one assignment of the same task for each that has none, all with their
    targets, in a fixed number of statements. `seen`: the version of the split that was read, 0 for none.

    Forbidden for others than dispatchers of the unit, Refused where it is finished, Stale, Invalid with a problem at
    each field (`v-UNIT-METRIC`), NotFound for a unit that does not lie below.
    """
    held = _before(f"split:{assignment_id}", plan, seen, actor, now, client_action_id)
    if held is not None:
        return held
    whole = whole_of(assignment_id, lock=True)
    if whole is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    post = actor.post_in(whole.unit_id, Role.DISPATCHER)
    if post is None:
        raise Forbidden(say("Only a dispatcher of the unit itself may split this."))
    if whole.state not in SPLITTABLE:
        raise Refused(say("This is not possible any more in the present state."))
    return _write(whole, plan, actor, post.id, now, seen, client_action_id)


def split_task(
    task_id: int, plan: Plan, *, actor: Actor, now: datetime, seen: int, client_action_id: str | None = None
) -> Split:
    """Splits the total of a task among the units that receive it, before or after its dispatch, by a dispatcher of an
    issuing unit. It makes no assignment: the dispatch does, and gives each its target. Raises as `split`."""
    held = _before(f"split-task:{task_id}", plan, seen, actor, now, client_action_id)
    if held is not None:
        return held
    whole = whole_task(task_id, lock=True)
    if whole is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    post_id, status = acting_for(whole.campaign_id, actor=actor)
    if status is not CampaignStatus.ISSUED:
        raise Refused(say("Only tasks of an issued campaign can be split."))
    return _write(whole, plan, actor, post_id, now, seen, client_action_id)


def _before(
    subject: str, plan: Plan, seen: int, actor: Actor, now: datetime, client_action_id: str | None
) -> Split | None:
    content = {
        "digest": digest_of(plan.shares), "reserves": {str(k): str(v) for k, v in plan.reserves.items()},
        "in_charge": {str(k): v for k, v in plan.in_charge.items()}, "reason": plan.reason, "due": str(plan.due_on),
        "seen": seen,
    } | ({} if plan.within is None else {"within": plan.within})  # fmt: skip
    done = once(client_action_id, actor=actor, subject=subject, content=content, now=now)
    return None if done is None else Split(*json.loads(done))


def _write(
    whole: Whole, plan: Plan, actor: Actor, post_id: int | None, now: datetime, seen: int, client_action_id: str | None
) -> Split:
    if whole.version != seen:
        raise Stale(FASTER)
    parts, bounds = parts_of_whole(whole), _bounds(whole, plan)
    children = _children(whole, plan, now)
    _check(whole, parts, plan, children, now)
    allocation_id = write_allocation(
        whole, parts, plan.method, plan.reason.strip(), plan.shares, plan.reserves, actor=actor, post_id=post_id,
        now=now,
    )  # fmt: skip
    if bounds is not None:
        keep_elsewhere(whole, allocation_id, *bounds)
    batch_id, made = _hand_down(whole, plan, children, actor, post_id, now)
    ours = handed(whole)
    open_ones = and_(ours, Assignment.state.not_in(CLOSED))
    moved = write_targets(open_ones, allocation_id, fresh=batch_id)
    if whole.parent_id is not None:
        name_all(ours, plan.in_charge)
        look_again(Assignment.id == whole.parent_id)
    if batch_id is not None and has_quotas(Metric.task_id == whole.task_id):
        write_quotas(Assignment.batch_id == batch_id)
    settle(ours if whole.parent_id is None else or_(ours, Assignment.id == whole.parent_id), now=now)
    tag = CHANGED if whole.version else SPLIT
    event_id = record(
        tag=tag, subject="assignment" if whole.parent_id else "campaign",
        subject_id=whole.parent_id or whole.campaign_id, actor=actor, post_id=post_id, now=now,
        reason=plan.reason.strip(),
        data={
            "task": whole.task_id, "allocation": allocation_id, "version": whole.version + 1,
            "method": plan.method.name.lower(), "units": len(plan.shares), "moved": len(moved),
            "digest": digest_of(plan.shares),
        },
    )  # fmt: skip
    tell_moved(moved, event_id=event_id, tag=CHANGED, now=now)
    done = Split(allocation_id, whole.version + 1, made, len(moved))
    remember(client_action_id, json.dumps([done.allocation_id, done.version, done.made, done.moved]))
    return done


def _bounds(whole: Whole, plan: Plan) -> tuple[int, int] | None:
    """Between which places of the tree the units of the plan lie, where it is narrowed to an area of the issuer's;
    NotFound for another one, or for a unit elsewhere."""
    if plan.within is None or whole.parent_id is not None:
        return None
    inside = Area.lft.between(whole.lft, whole.rgt)
    area = db.session.execute(select(Area.lft, Area.rgt).where(Area.id == plan.within, inside)).first()
    if area is not None:
        here = select(func.count()).where(Unit.id.in_(listed(plan.shares)), Unit.lft.between(area.lft, area.rgt))
        if db.session.execute(here).scalar() == len(plan.shares):
            return area.lft, area.rgt
    raise NotFound(say("This does not exist, or it is not for you."))


def _children(whole: Whole, plan: Plan, now: datetime) -> list[_Child]:
    """The units of the plan and those that were given a share before, with what they have of the task."""
    today = local_today(now)
    if whole.parent_id is not None:
        inside, mine = below(whole, today), Assignment.parent_id == whole.parent_id
    else:
        inside, mine = receivers(whole.task_id), and_(Assignment.id.is_not(None), Assignment.parent_id.is_(None))
    has = and_(Assignment.task_id == whole.task_id, Assignment.unit_id == Unit.id)
    if whole.parent_id is not None:
        has = and_(has, Assignment.period == whole.period)
    asked: Any = listed(plan.shares)
    if whole.parent_id is not None:  # two sets put together: an OR would look at every unit of the country
        asked = asked.union(select(Assignment.unit_id).where(Assignment.parent_id == whole.parent_id))
    found: dict[int, _Child] = {}
    rows = db.session.execute(
        select(
            Unit.id, inside.label("inside"), Assignment.id.label("assignment_id"), Assignment.state,
            mine.label("mine"),
        )
        .outerjoin(Assignment, has)
        .where(Unit.id.in_(asked))
        .order_by(Assignment.period.desc())
    )  # fmt: skip
    for row in rows:  # of the periods of a recurring task the latest stays
        found.setdefault(row.id, _Child(row.id, bool(row.inside), row.assignment_id, bool(row.mine), row.state))
    return list(found.values())


def _check(whole: Whole, parts: tuple[Part, ...], plan: Plan, children: list[_Child], now: datetime) -> None:
    """Whether the plan can be written. What is out of reach does not exist; everything else is named at its field."""
    if not plan.shares:
        raise _invalid([("units", say("Please choose at least one unit."))])
    if len(plan.shares) > MOST_UNITS:
        raise _invalid([("units", say("At most %(most)s units can be given a part at once.", most=MOST_UNITS))])
    known = {child.unit_id: child for child in children}
    if any(unit_id not in known or not (known[unit_id].inside or known[unit_id].mine) for unit_id in plan.shares):
        raise NotFound(say("This does not exist, or it is not for you."))
    metrics = {part.metric_id for part in parts if part.split}
    if any(set(values) - metrics for values in plan.shares.values()) or set(plan.reserves) - metrics:
        raise Invalid(say("The form is damaged. Please open the page again."))
    wrong: list[tuple[str, Sentence]] = []
    for child in children:
        at = f"take-{child.unit_id}"
        if child.elsewhere and child.unit_id in plan.shares and whole.parent_id is not None:
            wrong.append((at, say("This unit has the task from another unit already.")))
        elif child.mine and child.unit_id not in plan.shares and child.state not in NOT_ASKED and whole.parent_id:
            wrong.append((at, say("This unit has its part already. Give it 0 if nothing is asked of it any more.")))
    if whole.version and not plan.reason.strip():
        wrong.append(("reason", say("Please say why, in a few words.")))
    if len(plan.reason.strip()) > LONGEST_REASON:
        wrong.append(("reason", say("The text is too long: at most %(most)s characters.", most=LONGEST_REASON)))
    if plan.due_on is not None:
        wrong += _bad_day(whole, plan.due_on, now)
    wrong += _strangers(plan, now) + _finished(whole, plan, children)
    if wrong:
        raise _invalid(wrong)


def _bad_day(whole: Whole, due_on: date, now: datetime) -> list[tuple[str, Sentence]]:
    if due_on < local_today(now):
        return [("due_on", say("This day is past. Please choose a day from today on."))]
    if whole.due_at is not None and due_on > local_today(whole.due_at):
        return [("due_on", say("What is handed down is never due later than the whole, %(day)s.", day=whole.due_at))]
    return []


def _strangers(plan: Plan, now: datetime) -> list[tuple[str, Sentence]]:
    """Who is named as in charge of a unit in which they have no post."""
    named = {(unit_id, person_id) for unit_id, person_id in plan.in_charge.items() if person_id is not None}
    if not named:
        return []
    units, people = {unit_id for unit_id, _ in named}, {person_id for _, person_id in named}
    rows = db.session.execute(
        select(Post.unit_id, Post.person_id)
        .join(Person, Person.id == Post.person_id)
        .where(
            Post.unit_id.in_(listed(units)), Post.person_id.in_(listed(people)), Post.role.in_(DELEGABLE),
            Person.disabled_at.is_(None), holds_on(local_today(now)),
        )
    )  # fmt: skip
    here = {(row.unit_id, row.person_id) for row in rows}
    sentence = say("Please choose somebody who has a post in this unit.")
    return [(f"p-{unit_id}", sentence) for unit_id, _person in sorted(named - here)]


def _finished(whole: Whole, plan: Plan, children: list[_Child]) -> list[tuple[str, Sentence]]:
    """Where another figure is given to a unit that has finished: it keeps the one under which it did."""
    done = {child.unit_id for child in children if child.mine and child.state in CLOSED} & set(plan.shares)
    if not done or whole.allocation_id is None:
        return []
    rows = db.session.execute(
        select(Share.unit_id, Share.metric_id, Share.value).where(
            Share.allocation_id == whole.allocation_id, Share.unit_id.in_(listed(done))
        )
    )
    had: dict[int, dict[int, Decimal]] = {unit_id: {} for unit_id in done}
    for row in rows:
        had[row.unit_id][row.metric_id] = row.value
    granted = db.session.execute(
        select(Assignment.unit_id, Target.metric_id, Target.value)
        .join(Target, Target.assignment_id == Assignment.id)
        .where(handed(whole), Assignment.unit_id.in_(listed(done)), Target.request_id.is_not(None))
    )
    for row in granted:  # a decision gave it another one before it finished
        if row.metric_id in had[row.unit_id]:
            had[row.unit_id][row.metric_id] = row.value
    sentence = say("This unit has finished. Its figure no longer changes.")
    return [(f"take-{unit_id}", sentence) for unit_id in sorted(done) if dict(plan.shares[unit_id]) != had[unit_id]]


def _hand_down(
    whole: Whole, plan: Plan, children: list[_Child], actor: Actor, post_id: int | None, now: datetime
) -> tuple[int | None, int]:
    """The batch for the units that have nothing of the task yet, and how many assignments it made."""
    new = sorted(child.unit_id for child in children if child.assignment_id is None and child.unit_id in plan.shares)
    if whole.parent_id is None or not new:
        return None, 0
    outlook = outlook_of(whole.task_id, now=now, handed_out=True)
    dates = dates_below(whole, outlook, plan.due_on, now=now)
    batch_id, made = hand_down(whole, outlook, new, dates, now=now)
    if made != len(new):
        raise Stale(FASTER)  # somebody gave one of them the task in the same moment
    digest = batch_digest(batch_id)
    db.session.execute(
        update(Batch)
        .where(Batch.id == batch_id)
        .values(items=made, digest=digest)
        .execution_options(synchronize_session=False)
    )
    event_id = record(
        tag=ISSUED, subject="batch", subject_id=batch_id, actor=actor, post_id=post_id, now=now,
        to_state=State.ISSUED,
        data={
            "batch": batch_id, "task": whole.task_id, "items": made, "digest": digest,
            "respond_by": dates.respond_by, "due_at": dates.due_at,
        },
    )  # fmt: skip
    tell_batch(batch_id, event_id=event_id, tag=ISSUED, now=now)
    return batch_id, made


def _invalid(wrong: list[tuple[str, Sentence]]) -> Invalid:
    return Invalid(wrong[0][1], [Problem(where, sentence) for where, sentence in wrong])
