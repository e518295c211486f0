"""Deciding on requests: grant with what was asked or with something else, refuse, consent to a later date."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update

from ..clock import local_today, zone
from ..db import db
from ..errors import Forbidden, Invalid, Problem, Refused, Stale, say
from ..models import Metric, Post, Proposal, Request
from ..models.facts import Standing
from ..models.goals import goals_of
from ..models.requesting import deciders_of, frame_of
from ..rules.dates import end_of_day, local_day
from ..rules.organisation import Actor, PostFact, Role
from ..rules.requests import Decision, RequestKind
from ..rules.states import Action
from ..rules.transitions import Party, hands, post_for
from .giving import grant, part_returned
from .log import record
from .move import FASTER, allowed, move, standing_of
from .repeating import once
from .requests import LONGEST_WORDS, Waiting, close, dated, unsure, waiting, wrong_day, wrong_target
from .standing_still import given_back, go_on, let_go, tell

GRANT, REFUSE = "assignment:request:grant", "assignment:request:refuse"
CONSENT = "assignment:request:consent"


@dataclass(frozen=True)
class Ruling:
    """What is decided, with the words that the unit reads. `due_on` and `targets`: what is granted where it is not what
    was asked for; `consents`: the holder of what it was split from agrees to a later date than their own; `sure`: a day
    that is far off is meant."""

    granted: bool
    words: str = ""
    due_on: date | None = None
    targets: Mapping[int, Decimal] = field(default_factory=dict)
    consents: bool = False
    sure: bool = False

    def content(self) -> dict[str, Any]:
        """The same ruling gives the same content."""
        targets = {str(key): str(value) for key, value in sorted(self.targets.items())}
        return {"granted": self.granted, "words": self.words, "due": str(self.due_on), "targets": targets,
                "consents": self.consents}  # fmt: skip


def decide(
    request_id: int, ruling: Ruling, *, actor: Actor, now: datetime, client_action_id: str | None = None
) -> None:
    """Decides; the clock goes on. What was granted stands in the assignment, what was asked stays in the request.

    Forbidden for others than supervisors and dispatchers of the deciding unit and of the one above it, further up while
    nobody is there; Refused for who asked it themselves, and when it no longer waits; Invalid; Stale.
    """
    subject = f"decide:{request_id}"
    if once(client_action_id, actor=actor, subject=subject, content=ruling.content(), now=now) is not None:
        return
    held, words = waiting(request_id), ruling.words.strip()
    units = deciders_of([held.unit_id], on=local_today(now))[held.unit_id].units
    facts = replace(standing_of(held.assignment_id, words), deciding_units=units)
    post = _decider(held, facts, actor)
    problems = [*_wrong_day(held, facts, ruling, now), *_wrong_words(held, ruling, words)]
    if problems:
        raise Invalid(problems[0].sentence, problems)
    close(held, Decision.GRANTED if ruling.granted else Decision.REFUSED, words, post, actor=actor, now=now)
    due_on = _agreed_day(held, facts, ruling, actor, now) if ruling.granted else None
    if held.kind is RequestKind.NOT_APPLICABLE and ruling.granted:
        step = allowed(Action.EXEMPT, facts, actor=actor, seen=facts.version)
        move(step, actor=actor, now=now, data={"request": held.id})
        let_go(facts.id, now=now)
        part_returned(facts.id, now=now)
        return
    given = given_back(facts, held.at, now=now)
    if due_on is not None:
        given = dated(facts, given, due_on)
    decision = {"request": held.id, "due_at": given.due_at, "days": given.days}
    if held.kind is RequestKind.DISPUTE:
        step = allowed(Action.SETTLE, facts, actor=actor, seen=facts.version)
        move(step, actor=actor, now=now, data=decision | {"decision": "granted" if ruling.granted else "refused"})
        targets = _targets(held, facts, ruling) if ruling.granted else {}
        go_on(standing_of(facts.id), given, now=now)
        grant(facts, held.id, targets, actor=actor, post=post, now=now)
        return
    go_on(facts, given, now=now)
    tag = GRANT if ruling.granted else REFUSE
    event_id = record(
        tag=tag, subject="assignment", subject_id=facts.id, actor=actor, post_id=post.id, now=now, reason=words,
        data=decision | {"kind": held.kind.name.lower()},
    )  # fmt: skip
    tell(facts.unit_id, (Role.OFFICER,), event_id, tag, facts.id, now=now)


def consent(request_id: int, *, actor: Actor, now: datetime, client_action_id: str | None = None) -> None:
    """The dispatcher of the unit that split the assignment agrees to a date after their own. Forbidden for others;
    Refused where no such consent is needed."""
    if once(client_action_id, actor=actor, subject=f"consent:{request_id}", content={}, now=now) is not None:
        return
    held = waiting(request_id)
    frame = frame_of(held.assignment_id)
    post = actor.post_in(frame.parent_unit_id, Role.DISPATCHER)
    if post is None:
        raise Forbidden(say("Only a dispatcher of the unit that split this can agree to a later date than its own."))
    if held.due_at is None or frame.parent_due_at is None or held.due_at <= frame.parent_due_at:
        raise Refused(say("The date that is asked for lies within your own, so nothing is needed from you."))
    _agree(held, actor, post, now)


def _agree(held: Waiting, actor: Actor, post: PostFact, now: datetime) -> None:
    agreed = db.session.execute(
        update(Request)
        .where(Request.id == held.id, Request.consent.is_(False))
        .values(consent=True)
        .returning(Request.id)
        .execution_options(synchronize_session=False)
    ).first()
    if agreed is None:
        raise Stale(FASTER)
    event_id = record(
        tag=CONSENT, subject="assignment", subject_id=held.assignment_id, actor=actor, post_id=post.id, now=now,
        data={"request": held.id},
    )  # fmt: skip
    tell(held.unit_id, (Role.DISPATCHER, Role.SUPERVISOR), event_id, CONSENT, held.assignment_id, now=now)


def _decider(held: Waiting, facts: Standing, actor: Actor) -> PostFact:
    post = post_for(Party.DECIDER, facts, actor)
    if post is None:
        raise Forbidden(say("Only a supervisor or dispatcher of the unit that decides may do this."))
    holder = db.session.execute(select(Post.person_id).where(Post.id == held.post_id)).scalar_one()
    if hands(actor, post) & {held.person_id, holder}:
        raise Refused(say("This is your own request. Somebody else must decide it."))
    return post


def _wrong_words(held: Waiting, ruling: Ruling, words: str) -> list[Problem]:
    if len(words) > LONGEST_WORDS:
        return [Problem("words", say("The text is too long: at most %(most)s characters.", most=LONGEST_WORDS))]
    if not words and not (ruling.granted and held.kind is RequestKind.EXTENSION):
        return [Problem("words", say("Please say why, in a few words."))]
    return []


def _wrong_day(held: Waiting, facts: Standing, ruling: Ruling, now: datetime) -> list[Problem]:
    due_on = _granted_day(held, ruling) if ruling.granted else None
    if due_on is None:
        return []
    sentence = wrong_day(due_on, now=now)
    return [Problem("due_on", sentence)] if sentence else unsure(due_on, ruling.sure, facts.due_at, now=now)


def _granted_day(held: Waiting, ruling: Ruling) -> date | None:
    """The due day that is granted: the decider's own, else the one that was asked for; None where no date moves."""
    if held.kind is RequestKind.NOT_APPLICABLE:
        return None
    return ruling.due_on or (None if held.due_at is None else local_day(held.due_at, zone()))


def _agreed_day(held: Waiting, facts: Standing, ruling: Ruling, actor: Actor, now: datetime) -> date | None:
    """The due day that is granted, None where the date stays. Invalid for a day after the date of what it was split
    from without the consent of who holds that."""
    due_on = _granted_day(held, ruling)
    if due_on is None:
        return None
    frame = frame_of(facts.id)
    if frame.parent_due_at is not None and end_of_day(due_on, zone()) > frame.parent_due_at and not held.consent:
        post = actor.post_in(frame.parent_unit_id, Role.DISPATCHER) if ruling.consents else None
        if post is None:
            raise _invalid(
                "due_on",
                say("This is after the due date of what it was split from. The dispatcher who split it must agree."),
            )
        _agree(held, actor, post, now)
    return due_on


def _targets(held: Waiting, facts: Standing, ruling: Ruling) -> dict[int, Decimal]:
    """The targets that were proposed, or those that the decider puts in their place, by metric."""
    rows = db.session.execute(
        select(Proposal.metric_id, Proposal.value, Proposal.was, Metric.kind)
        .join(Metric, Metric.id == Proposal.metric_id)
        .where(Proposal.request_id == held.id)
    ).all()
    present = {key: goal.target for key, goal in goals_of([facts.id])[facts.id].items()}
    targets = {row.metric_id: ruling.targets.get(row.metric_id, row.value) for row in rows}
    problems = [
        Problem(f"target-{row.metric_id}", sentence)
        for row in rows
        if targets[row.metric_id] != present.get(row.metric_id)
        and (sentence := wrong_target(row.kind, present.get(row.metric_id), targets[row.metric_id]))
    ]
    if problems:
        raise Invalid(problems[0].sentence, problems)
    return targets


def _invalid(where: str, sentence: Any) -> Invalid:
    return Invalid(sentence, [Problem(where, sentence)])
