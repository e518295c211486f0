"""Writing ladders: a version is added and never changed, so that what was dispatched keeps what it was promised."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select

from ..db import db, insert_new
from ..errors import Forbidden, Invalid, NotFound, Problem, Stale, say
from ..models import LadderVersion, Unit
from ..models.facts import superiors_of
from ..models.ladders import DEFAULT_KEY, read, written
from ..rules.ladder import Rung
from ..rules.ladder_checks import LONGEST_KEY, check_ladder, numbered
from ..rules.organisation import Actor, Level, PostFact, Role
from .log import record
from .move import FASTER
from .repeating import once, remember

WRITERS = (Role.ADMINISTRATOR, Role.DISPATCHER)
KEY = re.compile(r"[a-z0-9][a-z0-9-]*")
LONGEST_REASON = 400


@dataclass(frozen=True)
class LadderPlan:
    """A version as somebody wants it. The numbers of its rungs are given when it is kept."""

    name: str
    rungs: Sequence[Rung]
    stop_level: Level | None = None
    reason: str = ""


def create_ladder(
    plan: LadderPlan, *, key: str, unit_id: int, actor: Actor, now: datetime, client_action_id: str | None = None
) -> int:
    """A new ladder of that unit, in its first version; returns the version's id.

    Forbidden unless the actor is an administrator or dispatcher of the unit; Invalid with a problem for each field.
    """
    content = {"key": key, "name": plan.name, "rungs": written(tuple(plan.rungs)), "unit": unit_id}
    before = once(client_action_id, actor=actor, subject="ladder", content=content, now=now)
    if before is not None:
        return int(before)
    post = actor.post_in(unit_id, *WRITERS)
    if post is None:
        raise Forbidden(say("Only administrators and dispatchers of a unit write its ladders."))
    problems = wrong_with(plan, key)
    if not problems and _versions(key):
        problems.append(Problem("key", say("A ladder with this short name exists already.")))
    if problems:
        raise Invalid(say("Something needs your attention."), problems)
    id = _add(plan, key, 1, unit_id, numbered(plan.rungs, ()), post, actor, now)
    remember(client_action_id, str(id))
    return id


def add_version(
    key: str, plan: LadderPlan, *, actor: Actor, now: datetime, seen: int, client_action_id: str | None = None
) -> int:
    """The next version of a ladder; returns its id. What is dispatched already keeps the version it was sent with.

    Forbidden for others than the owning unit's administrators and dispatchers; the default belongs to the
    administrators of the topmost units. Stale when another version was added since version `seen`.
    """
    content = {"key": key, "name": plan.name, "rungs": written(tuple(plan.rungs)), "seen": seen}
    before = once(client_action_id, actor=actor, subject=f"ladder:{key}", content=content, now=now)
    if before is not None:
        return int(before)
    versions = _versions(key)
    if not versions:
        raise NotFound(say("This does not exist, or it is not for you."))
    last = versions[-1]
    post = writer_post(last.unit_id, actor=actor)
    if post is None:
        raise Forbidden(say("Only administrators and dispatchers of a unit write its ladders."))
    problems = wrong_with(plan)
    if problems:
        raise Invalid(say("Something needs your attention."), problems)
    if last.version != seen:
        raise Stale(FASTER)
    former = [rung for version in versions for rung in read(version.rungs)]
    id = _add(plan, key, seen + 1, last.unit_id, numbered(plan.rungs, former), post, actor, now)
    remember(client_action_id, str(id))
    return id


def writer_post(unit_id: int | None, *, actor: Actor) -> PostFact | None:
    """The post in which the actor writes ladders of that unit (None: the default), or None."""
    if unit_id is not None:
        return actor.post_in(unit_id, *WRITERS)
    mine = actor.units(Role.ADMINISTRATOR)
    top = db.session.execute(select(Unit.id).where(Unit.id.in_(mine), Unit.superior_id.is_(None)).limit(1)).scalar()
    return actor.post_in(top, Role.ADMINISTRATOR) if top is not None else None


def unusable(keys: Mapping[str, str], unit_id: int) -> list[Problem]:
    """A problem for each field whose ladder a campaign of that unit may not use: there is none with that key, or it
    belongs neither to the unit nor to one above it. An empty key is none."""
    asked = {where: key for where, key in keys.items() if key}
    if not asked:
        return []
    above = [row.id for row in db.session.execute(superiors_of([unit_id]))]
    mine = or_(LadderVersion.unit_id.is_(None), LadderVersion.unit_id.in_([unit_id, *above]))
    found = select(LadderVersion.key).where(LadderVersion.key.in_(set(asked.values())), mine)
    known = set(db.session.execute(found).scalars())
    return [
        Problem(where, say("There is no ladder “%(key)s” that this unit may use.", key=key))
        for where, key in asked.items()
        if key not in known
    ]


def _versions(key: str) -> list[LadderVersion]:
    """All versions of the ladder, oldest first."""
    found = select(LadderVersion).where(LadderVersion.key == key).order_by(LadderVersion.version)
    return list(db.session.execute(found).scalars())


def _add(
    plan: LadderPlan, key: str, version: int, unit_id: int | None, rungs: tuple[Rung, ...], post: PostFact,
    actor: Actor, now: datetime,
) -> int:  # fmt: skip
    row = {"key": key, "version": version, "name": plan.name.strip(), "unit_id": unit_id, "rungs": written(rungs)}
    row |= {"stop_level": plan.stop_level, "person_id": actor.person_id, "at": now}
    added = db.session.execute(insert_new(LadderVersion).values(row).returning(LadderVersion.id)).scalar()
    if added is None:
        raise Stale(FASTER)
    record(
        tag="ladder:version:add", subject="ladder", subject_id=added, actor=actor, post_id=post.id, now=now,
        reason=plan.reason.strip(),
        data={"key": key, "version": version, "name": plan.name.strip(), "rungs": len(rungs)},
    )  # fmt: skip
    return int(added)


def wrong_with(plan: LadderPlan, key: str | None = None) -> list[Problem]:
    """Everything wrong with a version as it was written, by field; with the short name, that of a new ladder."""
    problems = [*(_key(key) if key is not None else ()), *check_ladder(plan.name, plan.rungs, plan.stop_level)]
    if not plan.reason.strip():
        problems.append(Problem("reason", say("Please say why, in a few words.")))
    if len(plan.reason) > LONGEST_REASON:
        sentence = say("The text is too long: at most %(most)s characters.", most=LONGEST_REASON)
        problems.append(Problem("reason", sentence))
    return problems


def _key(key: str) -> list[Problem]:
    if not KEY.fullmatch(key) or len(key) > LONGEST_KEY or key == DEFAULT_KEY:
        return [Problem("key", say("Please write a short name of small letters, digits and hyphens."))]
    return []
