"""Recurring tasks: begun by the dispatcher, then opened period by period by the clock, and ended with a reason.

Whoever opens holds the series, and a period is unique by its number and by its day: two schedulers open each once, and
one that dies in the middle has opened nothing.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, insert, select, update

from ..clock import local_today
from ..db import db, insert_new
from ..errors import Invalid, NotFound, Problem, Refused, say
from ..models import Campaign, Period, Series, Task
from ..models.turns import Recurrence, next_turns, recurrence_of
from ..rules.dates import due_day
from ..rules.organisation import SYSTEM, Actor
from ..rules.periods import NOBODY, STOOD_STILL, Passing, Turn, passed
from ..rules.plans import CampaignStatus, PeriodState
from .issuing import Dispatched, Progress, acting_for, dispatch, receivers
from .log import record
from .repeating import once, remember

LONGEST_REASON = 400


@dataclass(frozen=True)
class Opened:
    """What came of the days that had come: periods opened with so many assignments, periods missed."""

    opened: int
    missed: int
    items: int
    batch_id: int | None = None  # of the period opened last


def send(
    task_id: int, *, actor: Actor, now: datetime, progress: Progress | None = None, client_action_id: str | None = None
) -> Dispatched:
    """The dispatcher's hand: dispatches a task; begins the series of a recurring one, which opens at once what is due.

    Once it has begun: gives the periods that are open to the units that came since. The same act again names the batch
    of the first time and adds nothing. Raises what `dispatch` raises.
    """
    held = once(client_action_id, actor=actor, subject=f"dispatch:{task_id}", content={}, now=now)
    if held is not None:
        return Dispatched(int(held) if held else None, 0)
    done = _send(task_id, actor, now, progress)
    remember(client_action_id, "" if done.batch_id is None else str(done.batch_id))
    return done


def _send(task_id: int, actor: Actor, now: datetime, progress: Progress | None) -> Dispatched:
    recurrence = recurrence_of(task_id, lock=True)
    if recurrence is None:
        return dispatch(task_id, actor=actor, now=now, progress=progress)
    if recurrence.series is None:
        _begin(recurrence, actor, now)
        done = open_due(task_id, actor=actor, now=now)
        return Dispatched(done.batch_id, done.items)
    if recurrence.series.ended_at is not None:
        raise Refused(say("This series was ended. Nothing further is sent."))
    return _give_to_new(recurrence, actor, now, progress)


def due_series(*, now: datetime) -> list[int]:
    """The recurring tasks that have something to open, longest due first."""
    rows = db.session.execute(
        select(Series.task_id)
        .join(Task, Task.id == Series.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .where(Series.next_on <= local_today(now), Campaign.status == CampaignStatus.ISSUED)
        .order_by(Series.next_on, Series.task_id)
    )
    return list(rows.scalars())


def open_due(task_id: int, *, now: datetime, actor: Actor = SYSTEM) -> Opened:
    """Opens every period whose day has come and whose window has not passed; records as missed those that have passed.

    All of it or nothing; nothing when somebody else has just done it.
    """
    recurrence = recurrence_of(task_id, lock=True)
    if recurrence is None or recurrence.series is None or recurrence.series.next_on is None:
        return Opened(0, 0, 0)
    today, next_on = local_today(now), recurrence.series.next_on
    if next_on > today:
        return Opened(0, 0, 0)
    days = (day for day in recurrence.days(today) if day >= next_on)
    found, following = passed(days, today, recurrence.last_day)
    latest = db.session.execute(select(func.max(Period.number)).where(Period.task_id == task_id)).scalar() or 0
    done = Opened(0, 0, 0)
    for number, passing in enumerate(found, latest + 1):
        if passing.state is PeriodState.MISSED:
            _miss(recurrence, number, passing.opens_on, STOOD_STILL.text, now)
            done = Opened(done.opened, done.missed + 1, done.items, done.batch_id)
            continue
        sent = _open(recurrence, number, passing, actor, now)
        opened = sent.batch_id is not None
        done = Opened(
            done.opened + opened, done.missed + (not opened), done.items + sent.items, sent.batch_id or done.batch_id
        )
    _set_next(task_id, following)
    return done


def end_series(task_id: int, *, actor: Actor, now: datetime, reason: str, client_action_id: str | None = None) -> None:
    """No further period opens; those that were opened go on. Invalid without a reason; Refused when it has ended."""
    content = {"reason": reason}
    if once(client_action_id, actor=actor, subject=f"end-series:{task_id}", content=content, now=now) is not None:
        return
    task = db.session.get(Task, task_id)
    if task is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    post_id, _ = acting_for(task.campaign_id, actor=actor)
    said = reason.strip()
    if not said or len(said) > LONGEST_REASON:
        sentence = say("Please say why, in at most %(number)s characters.", number=LONGEST_REASON)
        raise Invalid(sentence, [Problem("reason", sentence)])
    ended = db.session.execute(
        update(Series)
        .where(Series.task_id == task_id, Series.ended_at.is_(None))
        .values(next_on=None, ended_at=now, reason=said)
        .execution_options(synchronize_session=False)
        .returning(Series.task_id)
    ).first()
    if ended is None:
        raise Refused(say("There is no series to end: it was not begun, or it was ended already."))
    number = db.session.execute(select(func.max(Period.number)).where(Period.task_id == task_id)).scalar()
    record(
        tag="campaign:series:end", subject="campaign", subject_id=task.campaign_id, actor=actor, post_id=post_id,
        now=now, reason=said, data={"task": task_id, "number": number or 0},
    )  # fmt: skip


def _begin(recurrence: Recurrence, actor: Actor, now: datetime) -> None:
    task, today = recurrence.task, local_today(now)
    post_id, status = acting_for(task.campaign_id, actor=actor)
    if status is not CampaignStatus.ISSUED:
        raise Refused(say("Only tasks of an issued campaign can be dispatched."))
    first = recurrence.first_day(today)
    if first is None:
        raise Refused(say("It never comes round before the campaign ends."))
    begins_on = task.repeats_from or today
    row = {"task_id": task.id, "begins_on": begins_on, "at": now, "next_on": first, "reason": ""}
    if db.session.execute(insert_new(Series).values(row).returning(Series.task_id)).first() is None:
        return  # somebody else has begun it in this moment
    record(
        tag="campaign:series:begin", subject="campaign", subject_id=task.campaign_id, actor=actor, post_id=post_id,
        now=now, data={"task": task.id, "rule": task.rrule, "first": first},
    )  # fmt: skip


def _open(recurrence: Recurrence, number: int, passing: Passing, actor: Actor, now: datetime) -> Dispatched:
    """Opens one period; where nobody can receive it, it is missed."""
    task, today = recurrence.task, local_today(now)
    unit_id = None
    if task.rotates:
        turns = next_turns(task.id, receivers(task.id), today, 1)
        if not turns:
            _miss(recurrence, number, passing.opens_on, NOBODY.text, now)
            return Dispatched(None, 0)
        unit_id = turns[0][0]
    sent = dispatch(task.id, actor=actor, now=now, turn=Turn(number, passing.opens_on, unit_id))
    if sent.batch_id is None:
        _miss(recurrence, number, passing.opens_on, NOBODY.text, now)
        return sent
    row = _row(recurrence, number, passing.opens_on, passing.state, now)
    db.session.execute(insert(Period).values({**row, "batch_id": sent.batch_id, "unit_id": unit_id}))
    return sent


def _miss(recurrence: Recurrence, number: int, opens_on: date, reason: str, now: datetime) -> None:
    task = recurrence.task
    row = _row(recurrence, number, opens_on, PeriodState.MISSED, now)
    db.session.execute(insert(Period).values({**row, "reason": reason}))
    record(
        tag="campaign:period:miss", subject="campaign", subject_id=task.campaign_id, actor=SYSTEM, now=now,
        reason=reason, data={"task": task.id, "number": number, "opens_on": opens_on},
    )  # fmt: skip


def _row(recurrence: Recurrence, number: int, opens_on: date, state: PeriodState, now: datetime) -> dict[str, object]:
    """A period as a row. Its due day is the one the rule asks for; a rest day moves the date, not the day asked for."""
    due_on = due_day(recurrence.dates, opens_on, recurrence.calendar)
    return {
        "task_id": recurrence.task.id, "number": number, "opens_on": opens_on, "due_on": due_on, "state": state,
        "at": now, "reason": "",
    }  # fmt: skip


def _set_next(task_id: int, day: date | None) -> None:
    db.session.execute(
        update(Series)
        .where(Series.task_id == task_id, Series.ended_at.is_(None))
        .values(next_on=day)
        .execution_options(synchronize_session=False)
    )


def _give_to_new(recurrence: Recurrence, actor: Actor, now: datetime, progress: Progress | None) -> Dispatched:
    """The periods that are open, to the units that have them not yet; a rotating one belongs to one unit alone."""
    task, today = recurrence.task, local_today(now)
    acting_for(task.campaign_id, actor=actor)
    done = Dispatched(None, 0)
    if task.rotates:
        return done
    opened = select(Period.number, Period.opens_on).where(Period.task_id == task.id, Period.batch_id.is_not(None))
    latest = db.session.execute(select(func.max(Period.number)).where(Period.task_id == task.id)).scalar()
    for period in db.session.execute(opened.order_by(Period.number)).all():
        last_on = recurrence.last_day(period.opens_on)
        if period.number == latest if last_on is None else last_on >= today:
            sent = dispatch(task.id, actor=actor, now=now, progress=progress, turn=Turn(period.number, period.opens_on))
            done = Dispatched(sent.batch_id or done.batch_id, done.items + sent.items)
    return done
