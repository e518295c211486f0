"""Urging by hand (催办): the officers of many assignments are told at once, each assignment keeps its own entry."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, insert, literal, select, true, type_coerce, union, update

from ..clock import local_today, zone
from ..db import Instant, db, insert_new, listed
from ..errors import Invalid, NotFound, Problem, Refused, Sentence, say
from ..models import Assignment, Delegation, Event, Notice, Post, Unit
from ..models.ladders import calendar_for, calendars
from ..models.organisation import holds_on, stands_in_on
from ..models.urging import urging_post, verdict_number
from ..rules.organisation import Actor, Role
from ..rules.standstill import BOSSES, COOL_DOWN, Verdict, so_long_ago
from .repeating import once, remember

TAG = "assignment:dispatcher:urge"
MOST = 10_000
LONGEST_WORDS = 500
EVENT = ["at", "tag", "subject", "subject_id", "person_id", "post_id", "reason", "data"]
NOTICE = ["tag", "event_id", "person_id", "assignment_id", "created_at", "urgent"]
# Why a single one cannot be urged; many are listed with their reasons before anybody confirms.
REFUSALS: dict[Verdict, Sentence] = {
    Verdict.FINISHED: say("This is finished. Nobody is urged any more."),
    Verdict.IN_REVIEW: say("The unit has submitted it. It waits for a review, not for the unit."),
    Verdict.SUSPENDED: say("The unit waits for an answer to its question. Answer it first."),
    Verdict.RECENT: say("The unit was urged less than a working day ago."),
    Verdict.NO_OFFICER: say("The unit has no officer whom anybody could urge."),
}


@dataclass(frozen=True)
class Urged:
    """How many were urged, and how many were left alone for which reason."""

    n: int
    left: Mapping[Verdict, int] = field(default_factory=dict)


def cooled_before(*, actor: Actor, now: datetime) -> datetime:
    """Who was urged later than this instant is left alone: a working day has not passed since."""
    units = actor.units(*BOSSES)
    calendar_id = calendar_for(units[0] if units else 0)
    return so_long_ago(now, COOL_DOWN, calendars([calendar_id])[calendar_id], zone())


def urge(
    assignment_ids: Iterable[int], words: str, *, actor: Actor, now: datetime, client_action_id: str | None = None
) -> Urged:
    """Urges those of the assignments that can be urged, in a fixed number of statements.

    What the actor may not urge does not exist: NotFound when nothing else was named. Refused when none can be urged.
    """
    ids, words = sorted(set(assignment_ids)), words.strip()
    _fits(ids, words)
    content = {"ids": ids, "words": words}
    before = once(client_action_id, actor=actor, subject="urge", content=content, now=now)
    if before is not None:
        n, left = json.loads(before)
        return Urged(n, {Verdict(int(key)): many for key, many in left.items()})
    post, verdict = urging_post(actor), verdict_number(cooled_before(actor=actor, now=now), local_today(now))
    rows = db.session.execute(
        select(Assignment.id, verdict.label("verdict"))
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(Assignment.id.in_(listed(ids)), post.is_not(None))
        .order_by(Assignment.id)
        .with_for_update(of=Assignment)
    ).all()
    if not rows:
        raise NotFound(say("This does not exist, or it is not for you."))
    chosen = [row.id for row in rows if row.verdict == Verdict.URGED]
    left = Counter(Verdict(row.verdict) for row in rows if row.verdict != Verdict.URGED)
    if not chosen:
        raise Refused(REFUSALS[next(iter(left))] if len(left) == 1 else say("None of these can be urged now."))
    _write(chosen, words, post, actor, now)
    remember(client_action_id, json.dumps([len(chosen), {int(key): many for key, many in left.items()}]))
    return Urged(len(chosen), dict(left))


def _fits(ids: list[int], words: str) -> None:
    if len(ids) > MOST:
        raise Invalid(say("At most %(most)s assignments can be urged at once. Please narrow the list.", most=MOST))
    if len(words) > LONGEST_WORDS:
        sentence = say("The text is too long: at most %(most)s characters.", most=LONGEST_WORDS)
        raise Invalid(sentence, [Problem("words", sentence)])


def _write(ids: list[int], words: str, post: Any, actor: Actor, now: datetime) -> None:
    """The mark on each assignment, an entry of the log for each, and the notices to its officers: three statements."""
    db.session.execute(
        update(Assignment)
        .where(Assignment.id.in_(listed(ids)))
        .values(urged_at=now)
        .execution_options(synchronize_session=False)
    )
    at = literal(now, Instant)
    entries = (
        select(
            at, literal(TAG), literal("assignment"), Assignment.id, literal(actor.person_id), post, literal(words),
            literal("{}"),
        )
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(Assignment.id.in_(listed(ids)))
        .order_by(Assignment.id)
    )  # fmt: skip
    db.session.execute(insert(Event.__table__).from_select(EVENT, entries))  # type: ignore[arg-type]
    officers = (Post.unit_id == Assignment.unit_id) & (Post.role == Role.OFFICER)
    today = local_today(now)
    told = union(
        _notices(Post.person_id, ids, at).join(Post, officers & holds_on(today)),
        _notices(Delegation.delegate_id, ids, at).join(Post, officers).join(Delegation, stands_in_on(today)),
        _notices(Assignment.in_charge_id, ids, at).where(Assignment.in_charge_id.is_not(None)),
    ).subquery()
    db.session.execute(insert_new(Notice).from_select(NOTICE, select(told).where(true())))


def _notices(person: Any, ids: list[int], at: Any) -> Select[Any]:
    """The columns of a notice for each assignment just urged; the entry of the log is the one written a moment ago."""
    return (
        select(
            literal(TAG).label("tag"), Event.id.label("event_id"),
            type_coerce(person, Event.id.type).label("person_id"), Assignment.id.label("assignment_id"),
            at.label("created_at"), true().label("urgent"),
        )
        .select_from(Assignment)
        .join(Event, (Event.subject == "assignment") & (Event.subject_id == Assignment.id))
        .where(Event.at == at, Event.tag == TAG, Assignment.id.in_(listed(ids)))
    )  # fmt: skip
