"""Loads the demonstration into an empty database, in one unit of work: all of it or nothing."""

import secrets
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from operator import itemgetter
from pathlib import Path
from random import Random

from flask import current_app
from sqlalchemy import Select, func, select, update

from ..clock import local_today, zone
from ..db import db, unit_of_work
from ..documents.plans import read_plan
from ..documents.tables import read_table
from ..errors import Refused, say
from ..models import Area, Assignment, Batch, Campaign, Notice, Person, Post, Task, Unit
from ..operations.areas import import_areas
from ..operations.folding import fold
from ..operations.issuing import cancel, dispatch, issue, reopen
from ..operations.people_import import import_people
from ..operations.periods import due_series, open_due, send
from ..operations.planning import create_campaign
from ..operations.recording import RECORD_STATES, claim_slot, close_run, record_states
from ..operations.signing_in import hash_password
from ..operations.sweeping import fire
from ..rules.calendars import Roll
from ..rules.dates import DueKind, end_of_day
from ..rules.jobs import RunState, slot_of
from ..rules.ladder import Sweep
from ..rules.organisation import SYSTEM, SYSTEM_PERSON_ID, Actor, Line, Role
from ..rules.planned import CampaignPlan, MetricPlan, TaskPlan, UnitRef
from ..rules.states import State
from .acting import Theatre, at_work
from .handing_down import KEY, count_registers, split_total
from .scenes import ANSWERED, ASKED, ASKING, CITY, LADDER, TOWN, scenes, unit_id, write_ladder

Progress = Callable[[str, int, int], None]
HERE = Path(__file__).parent
PASSWORD = "Qinghe-2026"  # noqa: S105 (the demonstration's own, documented, only in CAMPAIGN_ENV=demo)
SEED = 20261120
DAYS = 77  # how long the demonstration has been going on
RECORDED_DAYS = 7
UNSENT = timedelta(days=1)
SWEEP_EVERY, AT_THREE = timedelta(hours=6), timedelta(hours=3, minutes=1)  # so that it speaks at nine, as promised
SATURDAY = 5
PERIOD_PACE = 0.8  # a period is short, so everybody is a little quicker
STRICT = UnitRef(area=CITY, line=Line.WOMEN)  # who has a ladder of its own
# Days from today on which the dates of a plan fall, in their order; a plan has at most so many different dates. A date
# that rolls off a rest day falls on the Saturday after.
DUE = {"C002-00": (-1,), "C002-10": (-3, 12), "C003": (-5, 2, 3), "C004": (12, 40)}
HELD = -1  # days from today on which an occasion was to be before it was put off
# Days ago on which a campaign was issued with what comes round in it; its other tasks were sent when ISSUED says.
BEGUN = {"C002-10": 75, "C002-12": 76}
# Days ago on which the tasks of a campaign were sent, and how eager its units are.
ISSUED = {
    "C000": (16, 0.75), "C001": (5, 0.45), "C002-00": (14, 1.0), "C002-07": (12, 0.8), "C002-09": (9, 1.0),
    "C002-10": (19, 1.0), "C002-12": (11, 0.8), "C002-14": (4, 0.8), "C003": (20, 0.7), "C004": (13, 0.8),
}  # fmt: skip
# Where nobody acts, by campaign or task: what a visitor takes in hand, this village's work of the union plan; the town
# that is urged; the villages that ask.
SPARED = {
    "C004": ("990101001201",), "C003": (TOWN,), ASKED: (ASKING, ANSWERED),
    "C000-14": (TOWN,),  # the walk reports the same figure there, and shall not be asked why it is another one
}  # fmt: skip
# This task of the union plan waits to be dispatched: the walk through the README begins with it.
UNDISPATCHED = "C004-01"
# Who is shown at the start: role, area, line.
SHOWN = (
    (Role.OFFICER, "990101001201", Line.WOMEN), (Role.OFFICER, "990101001201", Line.UNION),
    (Role.OFFICER, "990101001000", Line.UNION), (Role.SUPERVISOR, "990101001000", Line.WOMEN),
    (Role.SUPERVISOR, "990101001000", Line.UNION),
    (Role.SUPERVISOR, "990101000000", Line.UNION), (Role.SUPERVISOR, "990101000000", Line.PARTY),
    (Role.DISPATCHER, "990101000000", Line.PARTY), (Role.DISPATCHER, "990101000000", Line.WOMEN),
    (Role.DISPATCHER, CITY, Line.WOMEN), (Role.ADMINISTRATOR, CITY, Line.PARTY), (Role.AUDITOR, CITY, Line.PARTY),
)  # fmt: skip


@dataclass(frozen=True)
class Issue:
    """When a plan is issued and its tasks are sent, how eager the units are, and how much longer than usual everything
    takes them."""

    begins_at: datetime
    at: datetime
    plan: CampaignPlan
    eager: float
    pace: float


@dataclass(frozen=True)
class Account:
    """Somebody to sign in as: what they are and where, and with which password."""

    role: Role
    login: str
    name: str
    password: str
    posts: str


def holds_demo() -> bool:
    """Whether the demonstration's city is there."""
    return db.session.execute(select(Area.id).where(Area.code == CITY)).first() is not None


def load_demo(*, now: datetime, progress: Progress | None = None) -> list[Account]:
    """Loads everything and returns the accounts to sign in with. Refused unless the database is empty.

    In CAMPAIGN_ENV=demo the accounts have the documented password; elsewhere a random one, to be changed at once.
    """
    told = progress or (lambda _step, _done, _all: None)
    open_to_all = current_app.config["SETTINGS"].env in ("demo", "test")
    password = PASSWORD if open_to_all else secrets.token_urlsafe(12)
    with unit_of_work():
        people = db.session.scalar(select(func.count()).select_from(Person).where(Person.id != SYSTEM_PERSON_ID))
        if people or db.session.execute(select(Area.id)).first() is not None:
            raise Refused(say("The demonstration needs an empty database. This one holds something already."))
        began = end_of_day(local_today(now) - timedelta(days=DAYS), zone()) + AT_THREE
        _people_the_city(began, password, must_change=not open_to_all, told=told)
        chance = Random(SEED)  # noqa: S311 (a story, not a secret)
        theatre = Theatre(current_app.extensions["evidence"], chance, now)
        _play(theatre, _campaigns(theatre, now), began, now, told)
        _last_touches(theatre, now)
    return accounts(password)


def _people_the_city(now: datetime, password: str, *, must_change: bool, told: Progress) -> None:
    told("areas", 0, 2)
    with (HERE / "areas.csv").open("rb") as stream:
        import_areas(read_table(stream, "areas.csv"), actor=SYSTEM, now=now)
    told("people", 1, 2)
    with (HERE / "people.csv").open("rb") as stream:
        import_people(read_table(stream, "people.csv"), actor=SYSTEM, now=now, today=local_today(now))
    known = update(Person).where(Person.id != SYSTEM_PERSON_ID)
    db.session.execute(known.values(password_hash=hash_password(password), must_change_password=must_change))
    told("people", 2, 2)


def _campaigns(theatre: Theatre, now: datetime) -> list[Issue]:
    """The plans of the folder with their dates moved around today."""
    found = []
    for path in sorted((HERE / "campaigns").glob("*.yaml")):
        plan = read_plan(path)
        days, eager = ISSUED.get(plan.key or "", (7, 0.7))
        at = at_work(now - timedelta(days=days, hours=2), theatre.chance)
        begins_at = at
        if plan.key in BEGUN:
            begins_at = at_work(now - timedelta(days=BEGUN[plan.key]), theatre.chance)
        plan = moved(plan, local_today(begins_at), local_today(now))
        plan = replace(plan, ladder=LADDER) if plan.issuing_unit == STRICT else plan
        found.append(Issue(begins_at, at, plan, eager, max(1.0, days / 10)))
    return found


def moved(plan: CampaignPlan, issued_on: date, today: date) -> CampaignPlan:
    """The plan with its fixed dates around today, in the same order; a date that is missing stays missing."""
    dates = sorted({task.due_on for task in plan.tasks if task.due_on is not None})
    offsets = DUE.get(plan.key or "", ())
    rolls = {task.due_on for task in plan.tasks if task.roll is not Roll.STAY}
    new = {
        day: today + timedelta(days=offsets[at] if at < len(offsets) else 10 + 5 * at) for at, day in enumerate(dates)
    }
    new |= {day: new[day] + timedelta(days=(SATURDAY - new[day].weekday()) % 7) for day in dates if day in rolls}
    tasks = tuple(
        replace(task, due_on=new[task.due_on]) if task.due_kind is DueKind.FIXED and task.due_on else task
        for task in _with_milestones(plan, today, new)
    )
    occasions = tuple(
        replace(each, on=today + timedelta(days=HELD)) if each.on is not None else each for each in plan.occasions
    )
    phases = tuple(
        replace(
            phase,
            starts_on=phase.starts_on and issued_on + timedelta(days=30 * at),
            ends_on=phase.ends_on and issued_on + timedelta(days=30 * at + 29),
        )
        for at, phase in enumerate(plan.phases)
    )
    ends_on = plan.ends_on and today + timedelta(days=90)
    starts_on = plan.starts_on and issued_on
    return replace(plan, starts_on=starts_on, ends_on=ends_on, occasions=occasions, tasks=tasks, phases=phases)


def _with_milestones(plan: CampaignPlan, today: date, new: Mapping[date, date]) -> list[TaskPlan]:
    """The tasks with the milestones of their figures on the way from today to the day of the last."""
    days = sorted({step.by for task in plan.tasks for metric in task.metrics for step in metric.milestones if step.by})
    last = new.get(days[-1], today + timedelta(days=90)) if days else today
    ends = {day: today + (last - today) * at // len(days) for at, day in enumerate(days, 1)}

    def there(metric: MetricPlan) -> MetricPlan:
        steps = (replace(step, by=step.by and ends[step.by]) for step in metric.milestones)
        return replace(metric, milestones=tuple(steps))

    return [replace(task, metrics=tuple(map(there, task.metrics))) for task in plan.tasks]


def _play(
    theatre: Theatre,
    campaigns: list[Issue],
    began: datetime,
    now: datetime,
    told: Progress,
) -> None:
    """The past weeks, hour by hour: campaigns are issued, people act, the clock opens periods, sweeps and records."""
    happenings = [(scene.at, scene.act) for scene in scenes(theatre, now) if scene.at > began]
    for issued in campaigns:
        if issued.plan.ladder:
            happenings.append((issued.begins_at - timedelta(hours=2), write_ladder))
        happenings.append((issued.begins_at, partial(_issue, what=issued)))
        happenings.append((issued.at, partial(_send, what=issued)))
    waiting = deque(sorted(happenings, key=itemgetter(0)))
    series = {issued.plan.key: issued for issued in campaigns}
    moment = began
    while moment < now:
        since, moment = moment, min(moment + SWEEP_EVERY, now)
        began_today = end_of_day(local_today(moment) - timedelta(days=1), zone()) + timedelta(minutes=1)
        _open_periods(theatre, series, max(since, began_today))
        while waiting and waiting[0][0] <= moment:
            at, act = waiting.popleft()
            theatre.play(at)
            act(theatre, at)
        theatre.play(moment)
        for sweep in Sweep:
            fire(sweep, now=moment, limit=100_000)
        _record(moment, now)
        told("days", DAYS - (now - moment).days, DAYS)


def _issue(theatre: Theatre, now: datetime, what: Issue) -> None:
    """The plan becomes a campaign; what comes round in it begins."""
    dispatcher = _dispatcher(theatre, what, now)
    campaign_id = create_campaign(what.plan, actor=dispatcher, now=now - timedelta(hours=1))
    version = db.session.execute(select(Campaign.version).where(Campaign.id == campaign_id)).scalar_one()
    issue(campaign_id, actor=dispatcher, now=now - timedelta(minutes=10), seen=version)
    if what.plan.key == KEY:
        count_registers(theatre, unit_id(what.plan.issuing_unit.area, what.plan.issuing_unit.line), now)
    comes_round = select(Task.id).where(Task.campaign_id == campaign_id, Task.rrule != "")
    for task_id in db.session.scalars(comes_round.order_by(Task.position)).all():
        _cast(theatre, send(task_id, actor=dispatcher, now=now).batch_id, what, now)


def _send(theatre: Theatre, now: datetime, what: Issue) -> None:
    """What is asked once goes out, but for the task that waits for the visitor."""
    ready = select(Task.id).join(Campaign).where(Campaign.key == what.plan.key, Task.rrule == "")
    ready = ready.where(Task.key.is_distinct_from(UNDISPATCHED)).order_by(Task.position)
    for task_id in db.session.scalars(ready).all():
        if what.plan.key == KEY:
            split_total(theatre, task_id, now - timedelta(minutes=5))
        _cast(theatre, dispatch(task_id, actor=_dispatcher(theatre, what, now), now=now).batch_id, what, now)


def _open_periods(theatre: Theatre, campaigns: Mapping[str | None, Issue], now: datetime) -> None:
    """What the clock opens at the beginning of a day."""
    for task_id in due_series(now=now):
        key = select(Campaign.key).join(Task, Task.campaign_id == Campaign.id).where(Task.id == task_id)
        what = campaigns[db.session.execute(key).scalar_one()]
        _cast(theatre, open_due(task_id, now=now).batch_id, replace(what, pace=PERIOD_PACE), now)


def _cast(theatre: Theatre, batch_id: int | None, what: Issue, now: datetime) -> None:
    if batch_id is None:
        return
    key = db.session.scalar(select(Task.key).join(Batch, Batch.task_id == Task.id).where(Batch.id == batch_id))
    codes = SPARED.get(key or "", SPARED.get(what.plan.key or "", ()))
    there = select(Unit.id).join(Area, Area.id == Unit.area_id)
    spared = set(db.session.scalars(there.where(Area.code.in_(codes))))
    theatre.cast(batch_id, now, spared.__contains__, eager=what.eager, pace=what.pace)


def _dispatcher(theatre: Theatre, what: Issue, now: datetime) -> Actor:
    unit = what.plan.issuing_unit
    found = theatre.holder(unit_id(unit.area, unit.line), Role.DISPATCHER, now)
    if found is None:
        raise LookupError(f"nobody dispatches for {unit}")
    return found


def _record(moment: datetime, now: datetime) -> None:
    """The record of states in the last days, with its job runs."""
    if moment < now - timedelta(days=RECORDED_DAYS):
        return
    slot = slot_of(moment, timedelta(hours=1))
    run = claim_slot(RECORD_STATES, slot, worker="demonstration", now=moment)
    if run is not None:
        close_run(run, state=RunState.DONE, done=record_states(slot, now=moment), now=moment)


def _last_touches(theatre: Theatre, now: datetime) -> None:
    """One assignment is given back after its approval, one is cancelled; what was told weeks ago is read. What was told
    in the last day waits to be sent: where a mail server is set, as the next digest."""
    for state, step, reason in (
        (State.APPROVED, reopen, "抽查发现名册漏登两户，请补充后重新报送。"),
        (State.ISSUED, cancel, "该单位已并入邻近单位，由对方一并办理。"),
    ):
        row = db.session.execute(_one_in(state)).first()
        if row is not None:
            dispatcher = theatre.holder(row.issuing_unit_id, Role.DISPATCHER, now)
            if dispatcher is not None:
                step(row.id, actor=dispatcher, now=now, seen=row.version, reason=reason)
    told = update(Notice).execution_options(synchronize_session=False)
    db.session.execute(told.where(Notice.created_at < now - UNSENT).values(delivered_at=Notice.created_at))
    db.session.execute(
        told.where(Notice.person_id.is_not(None), Notice.created_at < now - timedelta(days=4)).values(
            read_at=Notice.created_at
        )
    )
    while fold(now=now):
        pass


def _one_in(state: State) -> Select[tuple[int, int, int]]:
    """An assignment in that state, with its version and the unit that issued it."""
    return (
        select(Assignment.id, Assignment.version, Campaign.issuing_unit_id)
        .join(Task, Task.id == Assignment.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .where(Assignment.state == state, Campaign.key == "C002-12", Task.rrule == "")
        .order_by(Assignment.id)
        .limit(1)
    )


def accounts(password: str) -> list[Account]:
    """The people that are shown, with all their posts in words."""
    found: dict[int, Account] = {}
    for role, code, line in SHOWN:
        row = db.session.execute(
            select(Person.id, Person.login, Person.name)
            .join(Post, Post.person_id == Person.id)
            .join(Unit, Unit.id == Post.unit_id)
            .join(Area, Area.id == Unit.area_id)
            .where(Post.role == role, Area.code == code, Unit.line == line)
            .order_by(Post.id)
        ).first()
        if row is not None and row.id not in found:
            units = select(Unit.name).join(Post, Post.unit_id == Unit.id)
            names = db.session.scalars(units.where(Post.person_id == row.id, Post.role == role).order_by(Post.id))
            found[row.id] = Account(role, row.login, row.name, password, "、".join(names))
    return list(found.values())
