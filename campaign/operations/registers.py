"""Registers: lists that are counted per unit. Every change is a new version, and brings the quotas with it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import and_, insert, select, update
from sqlalchemy.exc import IntegrityError

from ..db import db, listed
from ..errors import Forbidden, Invalid, NotFound, Problem, Refused, Sentence, Stale, say
from ..models import Area, Assignment, Metric, Register, RegisterCount, Unit
from ..models.quotas import in_force
from ..rules.organisation import Actor, Line, Role
from ..rules.states import CLOSED
from .log import record
from .move import FASTER
from .quotas import write_quotas
from .repeating import once, remember
from .settling import settle, with_wholes

LONGEST_NAME, LONGEST_CONDITION, LONGEST_UNIT = 120, 1_000, 20
MOST_COUNTED = Decimal(10_000_000_000)  # more people than there are
MOST_UNITS = 5_000


@dataclass(frozen=True)
class Changed:
    """What a change did: the version it made, how many units have another number, how many targets moved."""

    version: int
    units: int
    targets: int


def create_register(
    unit_id: int,
    name: str,
    *,
    condition: str = "",
    unit_of_measure: str = "",
    actor: Actor,
    now: datetime,
    client_action_id: str | None = None,
) -> int:
    """A register that this unit keeps, without any number yet; its id.

    Forbidden for others than dispatchers of the unit; Invalid for a name that is empty, too long or taken there.
    """
    name, condition, measure = " ".join(name.split()), condition.strip(), unit_of_measure.strip()
    content = {"name": name, "condition": condition, "measure": measure}
    held = once(client_action_id, actor=actor, subject=f"register:new:{unit_id}", content=content, now=now)
    if held is not None:
        return int(held)
    post = actor.post_in(unit_id, Role.DISPATCHER)
    if post is None:
        raise Forbidden(say("Registers are kept by the dispatchers of a unit."))
    _fits("name", name, LONGEST_NAME, needed=True)
    _fits("condition", condition, LONGEST_CONDITION)
    _fits("unit_of_measure", measure, LONGEST_UNIT)
    taken = say("Your unit has a register with this name already.")
    row = {"unit_id": unit_id, "name": name, "condition": condition, "unit_of_measure": measure, "version": 1}
    try:
        with db.session.begin_nested():
            made: int = db.session.execute(insert(Register).values(row).returning(Register.id)).scalar_one()
    except IntegrityError:
        raise Invalid(taken, [Problem("name", taken)]) from None
    record(
        tag="register:list:create", subject="register", subject_id=made, actor=actor, post_id=post.id, now=now,
        data={"name": name, "unit": unit_id},
    )  # fmt: skip
    remember(client_action_id, str(made))
    return made


def change_counts(
    register_id: int,
    counts: Mapping[int, Decimal],
    *,
    actor: Actor,
    now: datetime,
    seen: int,
    client_action_id: str | None = None,
) -> Changed:
    """Writes other numbers for some units as a new version, and brings every open assignment to the quota that follows
    from them: set by set, with one entry of the log.

    `seen`: the version that was read; Stale when it is another. Refused where no number is another one. NotFound for a
    unit that does not lie below the one that keeps the register. Invalid for numbers that cannot be (`n-UNIT`).
    """
    digest = digest_of(counts)
    content = {"digest": digest, "seen": seen}
    held = once(client_action_id, actor=actor, subject=f"register:{register_id}", content=content, now=now)
    if held is not None:
        return Changed(*json.loads(held))
    register = db.session.execute(
        select(Register.unit_id, Register.version, Unit.line, Area.lft, Area.rgt)
        .join(Unit, Unit.id == Register.unit_id)
        .join(Area, Area.id == Unit.area_id)
        .where(Register.id == register_id)
    ).one_or_none()
    if register is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    post = actor.post_in(register.unit_id, Role.DISPATCHER)
    if post is None:
        raise Forbidden(say("Registers are kept by the dispatchers of a unit."))
    _possible(counts)
    former = _former(register_id, list(counts), register.line, register.lft, register.rgt)
    news = {unit_id: n for unit_id, n in counts.items() if former[unit_id] != n}
    if not news:
        raise Refused(say("No number is another one than before."))
    changed = db.session.execute(
        update(Register)
        .where(Register.id == register_id, Register.version == seen)
        .values(version=seen + 1)
        .returning(Register.id)
        .execution_options(synchronize_session=False)
    ).first()
    if changed is None:
        raise Stale(FASTER)
    rows = [
        {"register_id": register_id, "unit_id": unit_id, "version": seen + 1, "n": n, "at": now}
        for unit_id, n in news.items()
    ]
    db.session.execute(insert(RegisterCount.__table__), rows)  # type: ignore[arg-type]
    moved = write_quotas(and_(Metric.register_id == register_id, Assignment.state.not_in(CLOSED)))
    if moved:
        settle(with_wholes(moved), now=now)
    record(
        tag="register:counts:change", subject="register", subject_id=register_id, actor=actor, post_id=post.id,
        now=now, data={"version": seen + 1, "units": len(news), "targets": len(moved), "digest": digest},
    )  # fmt: skip
    done = Changed(seen + 1, len(news), len(moved))
    remember(client_action_id, json.dumps([done.version, done.units, done.targets]))
    return done


def digest_of(counts: Mapping[int, Decimal]) -> str:
    """SHA-256 over 'unit:number' by unit, comma-joined: the set that one event stands for."""
    text = ",".join(f"{unit_id}:{format(n.normalize(), 'f')}" for unit_id, n in sorted(counts.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def _former(register_id: int, unit_ids: list[int], line: Line, lft: int, rgt: int) -> dict[int, Decimal | None]:
    """What these units had; NotFound where one of them is not there."""
    inside = Unit.lft.between(lft, rgt) if line is Line.PARTY else and_(Unit.lft.between(lft, rgt), Unit.line == line)
    count = and_(RegisterCount.unit_id == Unit.id, RegisterCount.register_id == register_id, in_force())
    rows = db.session.execute(
        select(Unit.id, RegisterCount.n).outerjoin(RegisterCount, count).where(Unit.id.in_(listed(unit_ids)), inside)
    )
    found = {row.id: row.n for row in rows}
    if len(found) != len(unit_ids):
        raise NotFound(say("This does not exist, or it is not for you."))
    return found


def _possible(counts: Mapping[int, Decimal]) -> None:
    if len(counts) > MOST_UNITS:
        raise Invalid(say("At most %(most)s units can be counted at once.", most=MOST_UNITS))
    wrong = say("This is more than there can be. Is the unit of measure right?")
    problems = [Problem(f"n-{unit_id}", wrong) for unit_id, n in counts.items() if not 0 <= n <= MOST_COUNTED]
    if problems:
        raise Invalid(wrong, problems)


def _fits(where: str, text: str, most: int, *, needed: bool = False) -> None:
    sentence: Sentence | None = None
    if needed and not text:
        sentence = say("Please name the register.")
    elif len(text) > most:
        sentence = say("At most %(most)s characters; these are %(have)s.", most=most, have=len(text))
    if sentence is not None:
        raise Invalid(sentence, [Problem(where, sentence)])
