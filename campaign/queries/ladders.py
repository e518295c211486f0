"""Ladders for those who choose and write them: the default, those of their own units and of the units above."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlalchemy.orm import aliased

from ..db import db
from ..models import Batch, Event, LadderVersion, Person, Unit
from ..models.facts import superiors_of
from ..models.ladders import DEFAULT_KEY, read
from ..rules.ladder import Rung
from ..rules.organisation import SYSTEM_PERSON_ID, Actor, Level


@dataclass(frozen=True)
class Version:
    """One version of a ladder. `unit_name`: whose it is, None for the default; `batches`: dispatches that go by
    it; `author`: '' for what comes with the product."""

    id: int
    key: str
    version: int
    name: str
    unit_id: int | None
    unit_name: str | None
    stop_level: Level | None
    rungs: tuple[Rung, ...]
    author: str
    at: datetime
    batches: int
    reason: str


def usable(actor: Actor) -> tuple[Version, ...]:
    """The newest version of every ladder that the reader's units may use, the default first. Two statements."""
    return _newest(_in_sight(actor.units()))


def usable_by(unit_id: int) -> tuple[Version, ...]:
    """The newest version of every ladder that a campaign of that unit may use, the default first. Two statements."""
    return _newest(_in_sight([unit_id]))


def version_of(id: int, actor: Actor) -> Version | None:
    """One version; None where the reader may not use the ladder. Two statements."""
    row = db.session.execute(_versions().where(LadderVersion.id == id, _in_sight(actor.units()))).one_or_none()
    return None if row is None else _version(row)


def versions_of(key: str) -> tuple[Version, ...]:
    """All versions of a ladder, newest first. Whether the reader may see it is asked before. One statement."""
    found = _versions().where(LadderVersion.key == key).order_by(LadderVersion.version.desc())
    return tuple(_version(row) for row in db.session.execute(found))


def _newest(sight: ColumnElement[bool]) -> tuple[Version, ...]:
    other = aliased(LadderVersion)
    last = select(func.max(other.version)).where(other.key == LadderVersion.key).scalar_subquery()
    default_first = LadderVersion.key != DEFAULT_KEY
    found = _versions().where(sight, LadderVersion.version == last).order_by(default_first, LadderVersion.name)
    return tuple(_version(row) for row in db.session.execute(found))


def _in_sight(units: list[int]) -> ColumnElement[bool]:
    """Ladders without an owner, of these units, and of the units above them."""
    above = db.session.execute(superiors_of(units)).all() if units else []
    mine = {*units, *(row.id for row in above)}
    return or_(LadderVersion.unit_id.is_(None), LadderVersion.unit_id.in_(sorted(mine)))


def _versions() -> Select[Any]:
    batches = select(func.count()).where(Batch.ladder_id == LadderVersion.id).scalar_subquery()
    reason = (
        select(func.max(Event.reason))
        .where(Event.subject == "ladder", Event.subject_id == LadderVersion.id)
        .scalar_subquery()
    )
    return (
        select(
            LadderVersion.id, LadderVersion.key, LadderVersion.version, LadderVersion.name, LadderVersion.unit_id,
            Unit.name.label("unit"), LadderVersion.stop_level, LadderVersion.rungs,
            case((Person.id != SYSTEM_PERSON_ID, Person.name), else_="").label("author"),
            LadderVersion.at, batches.label("batches"), reason.label("reason"),
        )
        .join(Person, Person.id == LadderVersion.person_id)
        .outerjoin(Unit, Unit.id == LadderVersion.unit_id)
    )  # fmt: skip


def _version(row: Any) -> Version:
    return Version(
        row.id, row.key, row.version, row.name, row.unit_id, row.unit, row.stop_level, read(row.rungs), row.author,
        row.at, row.batches, row.reason or "",
    )  # fmt: skip
