"""Calendars: corrections of days, by hand or from a table; a calendar of its own for an area; the project's own days.

Every correction is one event with what was, what is and the reason, and moves what depends on the calendar.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import delete, func, insert, literal, select, update

from ..db import db
from ..documents.calendars import statutory_days
from ..documents.tables import Table
from ..errors import Forbidden, Invalid, NotFound, Problem, Refused, Stale, say
from ..models import Area, Batch, Calendar, CalendarDay, Campaign, Event, Task, Unit
from ..models.ladders import EVERYBODYS, calendars
from ..notify.outbox import tell_batch
from ..rules import calendars as law
from ..rules.calendars import Mark, may_keep, may_see
from ..rules.organisation import SYSTEM_PERSON_ID, Actor
from .calendar_moves import NOTHING_MOVED, Moved, follow, foreseen
from .calendar_rows import WantedDay, bad_day, read_days
from .log import record
from .repeating import once

CORRECTED = "calendar:days:correct"
LONGEST_REASON = 400
LATEST_KNOWN = date(2199, 12, 31)


@dataclass(frozen=True)
class DayChange:
    """One day that changes: what the calendar said of it and says from now on."""

    day: date
    before: Mark
    after: Mark
    old_name: str
    name: str


@dataclass(frozen=True)
class Correction:
    """What a correction would do, or did. `known_until`: as it is afterwards, `known_before` as it was. `moves`: how
    many open assignments get other dates; `reviews`: how many submissions another date of review."""

    calendar_id: int
    version: int
    changes: tuple[DayChange, ...]
    known_before: date | None
    known_until: date | None
    rows: int
    unused: tuple[str, ...] = ()
    moves: int = 0
    reviews: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all changes."""
        return not self.changes and self.known_before == self.known_until


@dataclass(frozen=True)
class Wish:
    """The days as they should be; `known_until` None leaves it. `unused`: headings of the table that mean nothing."""

    days: Mapping[date, WantedDay]
    known_until: date | None = None
    unused: tuple[str, ...] = ()


def wish_of_table(table: Table, known_until: date | None = None) -> Wish:
    """What a table asks for. Invalid, with every bad row and its line, when any row does not hold."""
    days, unused = read_days(table)
    return Wish(days, known_until, unused)


def preview_correction(calendar_id: int, wish: Wish, *, actor: Actor) -> Correction:
    """What `correct` would do, without doing it. Raises the same refusals."""
    found = _planned(calendar_id, wish, actor)
    if not found.changes:
        return found
    moved = foreseen(calendar_id, _after(found))
    return replace(found, moves=moved.items, reviews=moved.reviews)


def _after(found: Correction) -> law.Calendar:
    """The calendar as the correction leaves it."""
    before = calendars([found.calendar_id])[found.calendar_id]
    return before.corrected({change.day: change.after for change in found.changes}, found.known_until)


def correct(
    calendar_id: int,
    wish: Wish,
    *,
    actor: Actor,
    now: datetime,
    seen: int,
    reason: str,
    client_action_id: str | None = None,
) -> Correction | None:
    """Corrects days, and how far the calendar is known; all of it or nothing. None when the same act came before.

    Forbidden unless the actor keeps this calendar; Stale when it is no longer at the version seen; Invalid without a
    reason, or for a day that does not hold.
    """
    content = {"days": {str(day): [int(w.mark), w.name] for day, w in wish.days.items()}, "reason": reason,
               "known": wish.known_until}  # fmt: skip
    if once(client_action_id, actor=actor, subject=f"calendar:{calendar_id}", content=content, now=now) is not None:
        return None
    if not reason.strip() or len(reason) > LONGEST_REASON:
        sentence = say("Please say why, in at most %(number)s characters.", number=LONGEST_REASON)
        raise Invalid(sentence, [Problem("reason", sentence)])
    # Dispatches under way hold the calendar: they are waited for, so that what they add is moved too.
    db.session.execute(select(Calendar.id).where(Calendar.id == calendar_id).with_for_update())
    found = _planned(calendar_id, wish, actor)
    if found.is_empty:
        raise Refused(say("The calendar says all of this already; there is nothing to change."))
    _write(found, seen)
    corrected = calendars([calendar_id])[calendar_id]
    moved = follow(calendar_id, corrected, now=now) if found.changes else NOTHING_MOVED
    found = replace(found, moves=moved.items, reviews=moved.reviews)
    event_id = _log(found, moved, actor=actor, now=now, reason=reason.strip())
    for batch_id in moved.batches:
        tell_batch(batch_id, event_id=event_id, tag=CORRECTED, now=now)
    return found


def _planned(calendar_id: int, wish: Wish, actor: Actor) -> Correction:
    row = _kept(calendar_id, actor)
    for day, wanted in wish.days.items():
        if (problem := bad_day(day, wanted.name)) is not None:
            raise Invalid(problem, [Problem("day", problem)])
    if wish.known_until is not None and wish.known_until > LATEST_KNOWN:
        raise Invalid(problem := say("This date lies too far ahead."), [Problem("known_until", problem)])
    days = db.session.execute(
        select(CalendarDay.day, CalendarDay.works, CalendarDay.name).where(CalendarDay.calendar_id == calendar_id)
    )
    have = {day: WantedDay(Mark.WORK if works else Mark.REST, name) for day, works, name in days}
    plain = WantedDay(Mark.PLAIN)
    changes = tuple(
        DayChange(day, old.mark, new.mark, old.name, new.name)
        for day, new in sorted(wish.days.items())
        if (old := have.get(day, plain)) != new
    )
    known = row.known_until if wish.known_until is None else wish.known_until
    return Correction(calendar_id, row.version, changes, row.known_until, known, len(wish.days), wish.unused)


def _kept(calendar_id: int, actor: Actor) -> Calendar:
    """The calendar, if the actor may correct it."""
    found = db.session.execute(
        select(Calendar, Area.lft, Area.rgt)
        .outerjoin(Area, Area.id == Calendar.area_id)
        .where(Calendar.id == calendar_id)
        .execution_options(populate_existing=True)
    ).first()
    lft, rgt = (1, 1 << 31) if found is None or found.lft is None else (found.lft, found.rgt)
    if found is None or not may_see(actor, lft, rgt):
        raise NotFound(say("This does not exist, or it is not for you."))
    if not may_keep(actor, lft):
        raise Forbidden(say("This calendar binds all lines of its area: only an administrator of the Party committee "
                            "there, or above, may correct it."))  # fmt: skip
    kept: Calendar = found[0]
    return kept


def _write(found: Correction, seen: int) -> None:
    changed = db.session.execute(
        update(Calendar)
        .where(Calendar.id == found.calendar_id, Calendar.version == seen)
        .values(version=seen + 1, known_until=found.known_until)
        .execution_options(synchronize_session=False)
        .returning(Calendar.id)
    ).first()
    if changed is None:
        raise Stale(say("Somebody else has corrected this calendar in the meantime. Please look at it again."))
    if not found.changes:
        return
    touched = [change.day for change in found.changes]
    db.session.execute(
        delete(CalendarDay)
        .where(CalendarDay.calendar_id == found.calendar_id, CalendarDay.day.in_(touched))
        .execution_options(synchronize_session=False)
    )
    rows = [
        {"calendar_id": found.calendar_id, "day": change.day, "works": change.after is Mark.WORK, "name": change.name}
        for change in found.changes
        if change.after is not Mark.PLAIN
    ]
    if rows:
        db.session.execute(insert(CalendarDay), rows)


def _log(found: Correction, moved: Moved, *, actor: Actor, now: datetime, reason: str) -> int:
    """The one entry for all: what was and what is, the reason, and what moved."""
    days = [
        [str(change.day), change.before.name.lower(), change.after.name.lower(), change.old_name, change.name]
        for change in found.changes
    ]
    data = {
        "version": found.version + 1,
        "days": days,
        "known_until": [found.known_before, found.known_until],
        "batches": moved.batches,
        "items": moved.items,
        "reviews": moved.reviews,
        "digest": moved.digest,
    }
    return record(tag=CORRECTED, subject="calendar", subject_id=found.calendar_id, actor=actor, now=now, reason=reason,
                  data=data)  # fmt: skip


def create_own(area_id: int, *, actor: Actor, now: datetime) -> int:
    """A calendar of its own for an area and all below it: a copy of the one that it goes by; its id.

    What was dispatched from there goes by the copy from now on. Refused when the area has one already.
    """
    area = db.session.execute(select(Area.lft, Area.rgt, Area.name).where(Area.id == area_id)).first()
    if area is None or not may_see(actor, area.lft, area.lft):
        raise NotFound(say("This does not exist, or it is not for you."))
    if not may_keep(actor, area.lft):
        raise Forbidden(say("Only an administrator of the Party committee of this area, or above, may do this."))
    if db.session.execute(select(Calendar.id).where(Calendar.area_id == area_id)).first() is not None:
        raise Refused(say("This area has a calendar of its own already."))
    source = _nearest_above(area.lft)
    row = {"area_id": area_id, "name": area.name, "known_until": source.known_until, "version": 1}
    made: int = db.session.execute(insert(Calendar).values(row).returning(Calendar.id)).scalar_one()
    copied = select(literal(made), CalendarDay.day, CalendarDay.works, CalendarDay.name).where(
        CalendarDay.calendar_id == source.id
    )
    db.session.execute(insert(CalendarDay).from_select(["calendar_id", "day", "works", "name"], copied))
    batches = _take_over(made, source.id, area.lft, area.rgt)
    record(tag="calendar:own:create", subject="calendar", subject_id=made, actor=actor, now=now,
           data={"area": area_id, "from": source.id, "batches": batches})  # fmt: skip
    return made


def _nearest_above(lft: int) -> Calendar:
    """The calendar of the nearest area around that place, else everybody's."""
    around = (
        select(Calendar)
        .join(Area, Area.id == Calendar.area_id)
        .where(Area.lft <= lft, Area.rgt >= lft)
        .order_by(Area.depth.desc())
        .limit(1)
    )
    found = db.session.execute(around).scalar_one_or_none()
    return found or db.session.get_one(Calendar, EVERYBODYS)


def _take_over(made: int, source: int, lft: int, rgt: int) -> int:
    """Lets what units of that subtree dispatched by the former calendar go by the new one; how many batches.

    The two are the same on this day, so no date moves.
    """
    theirs = (
        select(Task.id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .join(Unit, Unit.id == Campaign.issuing_unit_id)
        .where(Unit.lft.between(lft, rgt))
    )
    done = db.session.execute(
        update(Batch)
        .where(func.coalesce(Batch.calendar_id, EVERYBODYS) == source, Batch.task_id.in_(theirs))
        .values(calendar_id=made)
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def wish_of_the_project(calendar_id: int) -> Wish:
    """What the project's own table knows beyond the calendar: days after the last that is known, never one that
    somebody has corrected."""
    known = db.session.execute(select(Calendar.known_until).where(Calendar.id == calendar_id)).scalar()
    by_hand = _corrected_by_hand(calendar_id)
    all_days = list(statutory_days())
    days = {
        day.day: WantedDay(day.mark, day.name)
        for day in all_days
        if (known is None or day.day > known) and day.day not in by_hand
    }
    last = date(max(day.day.year for day in all_days if day.published), 12, 31)
    return Wish(days, last if known is None or last > known else None)


def _corrected_by_hand(calendar_id: int) -> set[date]:
    entries = db.session.execute(
        select(Event.data).where(
            Event.tag == CORRECTED,
            Event.subject == "calendar",
            Event.subject_id == calendar_id,
            Event.person_id != SYSTEM_PERSON_ID,
        )
    ).scalars()
    return {date.fromisoformat(day) for data in entries for day, *_ in json.loads(data)["days"]}
