"""Ladders and calendars as the law reads them: kept per process, because a version never changes."""

import json
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, String, bindparam, case, cast, func, select

from ..db import db, run
from ..rules.calendars import Calendar
from ..rules.ladder import NINE, Anchor, Counts, Criterion, How, Ladder, Rung, Teller
from ..rules.organisation import Level
from .clockwork import Calendar as CalendarRow
from .clockwork import CalendarDay, LadderVersion
from .organisation import Area, Unit

DEFAULT_KEY = "default"
EVERYBODYS = 1  # the calendar that stands for every area without one of its own
_VERSION, _CALENDAR, _UNIT = (noun.__table__.c for noun in (LadderVersion, CalendarRow, Unit))
_OWN, _ABOVE = Area.__table__.alias("own"), Area.__table__.alias("above")


def newest(key: Any) -> Select[tuple[int]]:
    """The id of the newest version of the ladder with that key, an expression; no row where there is none."""
    version = LadderVersion.__table__.alias().c
    return select(version.id).where(version.key == key).order_by(version.version.desc()).limit(1)


def nearest_to(unit_id: Any) -> Select[tuple[int]]:
    """The calendar of a unit's area or of the nearest area above; no row where it is everybody's. `unit_id`: an
    expression."""
    return (
        select(_CALENDAR.id)
        .join(_ABOVE, _ABOVE.c.id == _CALENDAR.area_id)
        .join(_OWN, _OWN.c.lft.between(_ABOVE.c.lft, _ABOVE.c.rgt))
        .join(Unit.__table__, _UNIT.area_id == _OWN.c.id)
        .where(_UNIT.id == unit_id)
        .order_by(_ABOVE.c.depth.desc())
        .limit(1)
    )


# The days that differ from their weekday, as one text.
DAYS = func.aggregate_strings(cast(CalendarDay.day, String) + case((CalendarDay.works, "+"), else_="-"), ",")
_NEAREST = nearest_to(bindparam("unit"))
_DAY = CalendarDay.__table__.c
_LADDERS = select(_VERSION.id, _VERSION.rungs, _VERSION.stop_level)
_CALENDARS = (
    select(_CALENDAR.id, _CALENDAR.version, _CALENDAR.known_until, DAYS.label("days"))
    .outerjoin_from(CalendarRow.__table__, CalendarDay.__table__, _DAY.calendar_id == _CALENDAR.id)
    .group_by(_CALENDAR.id, _CALENDAR.version, _CALENDAR.known_until)
)
# Nearly always it is one that is asked for: written once, these go to the driver itself.
_ONE_LADDER = _LADDERS.where(_VERSION.id == bindparam("one"))
_ONE_CALENDAR = _CALENDARS.where(_CALENDAR.id == bindparam("one"))


def _read(every: Select[Any], id: Any, one: Select[Any], ids: set[int]) -> Iterable[Any]:
    """The rows of `every` with these ids."""
    if len(ids) != 1:
        return db.session.execute(every.where(id.in_(ids)))
    db.session.flush()  # what is pending would be missed; almost always nothing is
    return run(one, {"one": next(iter(ids))})


def written(rungs: tuple[Rung, ...]) -> str:
    """The rungs as canonical JSON: the same rungs give the same text."""
    return json.dumps(
        [
            {
                "number": rung.number,
                "anchor": rung.anchor.name.lower(),
                "offset": rung.offset,
                "counts": rung.counts.name.lower(),
                "tells": [teller.name.lower() for teller in rung.tells],
                "how": rung.how.name.lower(),
                "when": rung.when.name.lower(),
                "at": rung.at,
            }
            for rung in rungs
        ],
        sort_keys=True,
        separators=(",", ":"),
    )


def read(text: str) -> tuple[Rung, ...]:
    """The rungs of that JSON. Raises ValueError or KeyError for what no ladder holds."""
    return tuple(_rung(row) for row in json.loads(text))


def _rung(row: dict[str, Any]) -> Rung:
    return Rung(
        number=int(row["number"]),
        anchor=Anchor[row["anchor"].upper()],
        offset=int(row["offset"]),
        counts=Counts[row["counts"].upper()],
        tells=tuple(Teller[name.upper()] for name in row["tells"]),
        how=How[row["how"].upper()],
        when=Criterion[row["when"].upper()],
        at=int(row.get("at", NINE)),
    )


def ladders(ids: Iterable[int]) -> dict[int, Ladder]:
    """The ladder versions with these ids; the same version is the same object each time."""
    rows = _read(_LADDERS, _VERSION.id, _ONE_LADDER, set(ids))
    return {row.id: ladder_from(row.id, row.rungs, row.stop_level) for row in rows}


@lru_cache(maxsize=256)
def ladder_from(id: int, rungs: str, stop_level: Level | None) -> Ladder:
    """The ladder version of a row that carries it; the same one is the same object each time."""
    return Ladder(read(rungs), id, stop_level)


def stop_levels(ids: Iterable[int]) -> dict[int, Level]:
    """The highest level that is ever told, for those of these ladders that name one."""
    return {id: ladder.stop_level for id, ladder in ladders(ids).items() if ladder.stop_level is not None}


def calendars(ids: Iterable[int]) -> dict[int, Calendar]:
    """The working days of the calendars with these ids; one that has not changed is the same object each time."""
    rows = _read(_CALENDARS, _CALENDAR.id, _ONE_CALENDAR, set(ids))
    return {row.id: calendar_from(row.id, row.version, row.known_until, row.days or "") for row in rows}


@lru_cache(maxsize=256)
def calendar_from(id: int, version: int, known_until: date | None, days: str) -> Calendar:
    """The calendar of a row that carries it, `days` as DAYS puts them together; the same one is the same object."""
    exceptions = {date.fromisoformat(day[:-1]): day[-1] == "+" for day in days.split(",") if day}
    return Calendar(id, version, exceptions, known_until)


def calendar_for(unit_id: int) -> int:
    """The id of the calendar that a unit goes by: that of its area or of the nearest area above, else everybody's."""
    return run(_NEAREST, {"unit": unit_id}).scalar_one_or_none() or EVERYBODYS
