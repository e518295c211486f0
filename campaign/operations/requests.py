"""Requests upwards: more time, another target or date, not applicable. While one is pending the clock stands still.

Who split the assignment decides, else its issuer; where nobody can, the unit above. One thing is asked at a time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, insert, not_, select, update

from ..clock import local_today, zone
from ..db import db
from ..errors import Forbidden, Invalid, NotFound, Problem, Refused, Sentence, Stale, say
from ..models import Assignment, Event, Evidence, Metric, Proposal, Request, RequestEvidence
from ..models.facts import Standing
from ..models.goals import goals_of
from ..models.prospects import by_decision
from ..models.requesting import Frame, frame_of, led_on
from ..rules.dates import end_of_day, local_day, review_due
from ..rules.metrics import MetricKind
from ..rules.organisation import SYSTEM, Actor, PostFact, Role
from ..rules.planning import LAST_DAY
from ..rules.requests import DECIDE_DAYS, Decision, RequestKind, granted_by_rule, is_far_off
from ..rules.standstill import BOSSES, Shifted
from ..rules.states import OPEN, WITH_OFFICER, Action, State
from .log import record
from .move import FASTER, allowed, move, standing_of
from .repeating import once, remember
from .standing_still import PENDING_ALREADY, counting, given_back, go_on, held_first, stop, tell
from .telling_above import tell_in_charge

ASK, WITHDRAW = "assignment:request:ask", "assignment:request:withdraw"
BY_RULE = "assignment:request:grant-by-rule"
REMIND, TELL_ABOVE = "assignment:request:remind", "assignment:request:tell-above"
TELL_VACANT = "assignment:request:tell-vacant"
LONGEST_WORDS = 2_000
MOST_FILES = 10
AT_ONCE = 1_000
NUMBERS = (MetricKind.COUNT, MetricKind.AMOUNT, MetricKind.RATE)  # kinds whose target is a figure to speak about


@dataclass(frozen=True)
class Wish:
    """What is asked for, and why. `due_on`: another due day; `targets`: other targets by metric id; `evidence`: ids of
    evidence of the assignment; `sure`: a day that is far off is meant."""

    kind: RequestKind
    reason: str
    due_on: date | None = None
    targets: Mapping[int, Decimal] = field(default_factory=dict)
    evidence: tuple[int, ...] = ()
    sure: bool = False

    def content(self) -> dict[str, Any]:
        """The same wish gives the same content."""
        targets = {str(key): str(value) for key, value in sorted(self.targets.items())}
        return {
            "kind": int(self.kind), "reason": self.reason, "due": str(self.due_on), "targets": targets,
            "files": sorted(self.evidence),
        }  # fmt: skip


@dataclass(frozen=True)
class Waiting:
    """A request that waits. `unit_id`: who decides; `post_id`: in which it was asked."""

    id: int
    assignment_id: int
    kind: RequestKind
    unit_id: int
    due_at: datetime | None
    at: datetime
    consent: bool
    person_id: int
    post_id: int


def ask(
    assignment_id: int, wish: Wish, *, actor: Actor, now: datetime, seen: int, client_action_id: str | None = None
) -> int:
    """Asks; the clock stands still until it is decided, unless the campaign's rule grants it at once. The request's id.

    Forbidden for others than officers of the unit; Invalid with a problem at each field; Refused while something else
    is pending or the work is not in its hands; Stale.
    """
    subject = f"request:{assignment_id}"
    before = once(client_action_id, actor=actor, subject=subject, content=wish.content(), now=now)
    if before is not None:
        return int(before)
    facts = standing_of(assignment_id, wish.reason.strip())
    if facts.version != seen:
        raise Stale(FASTER)
    post = officer_of(facts, actor=actor)
    if facts.suspended_at is not None:
        raise Refused(PENDING_ALREADY)
    if facts.state not in WITH_OFFICER:
        raise Refused(say("This is not in your hands, so nothing can be requested for it."))
    frame = frame_of(facts.id)
    goals = {key: goal.target for key, goal in goals_of([facts.id])[facts.id].items()}
    _checked(wish, facts, goals, now)
    unit_id = held_first(frame.units, now=now) or frame.units[0]
    facts = replace(facts, deciding_units=(unit_id,))
    due_at = None if wish.due_on is None else end_of_day(wish.due_on, zone())
    by_rule = wish.kind is RequestKind.EXTENSION and _by_rule(facts, frame, due_at, now)
    request_id = _keep(facts, wish, frame, unit_id, due_at, goals, by_rule, actor, post, now)
    if wish.kind is RequestKind.DISPUTE:
        step = allowed(Action.DISPUTE, facts, actor=actor, seen=seen)
        move(step, actor=actor, now=now, data={"request": request_id, "unit": unit_id})
        stop(replace(facts, state=State.DISPUTED), now=now)
    else:
        data = {"request": request_id, "kind": wish.kind.name.lower(), "unit": unit_id, "due_at": due_at}
        event_id = record(
            tag=ASK, subject="assignment", subject_id=facts.id, actor=actor, post_id=post.id, now=now,
            reason=facts.reason, data=data,
        )  # fmt: skip
        if by_rule and wish.due_on is not None:
            _grant(facts, request_id, wish.due_on, now)
        else:
            stop(facts, now=now)
            tell(unit_id, BOSSES, event_id, ASK, facts.id, now=now)
    remember(client_action_id, str(request_id))
    return request_id


def _by_rule(facts: Standing, frame: Frame, due_at: datetime | None, now: datetime) -> bool:
    if facts.due_at is None or due_at is None:
        return False
    return granted_by_rule(
        due_at=facts.due_at, asked_at=due_at, now=now, most_days=frame.most_days, most_times=frame.most_times,
        granted_before=frame.granted, parent_due_at=frame.parent_due_at,
    )  # fmt: skip


def _keep(
    facts: Standing, wish: Wish, frame: Frame, unit_id: int, due_at: datetime | None,
    goals: Mapping[int, Decimal | None], by_rule: bool, actor: Actor, post: PostFact, now: datetime,
) -> int:  # fmt: skip
    """The request with what it proposes and names. It is never edited: only its decision is added."""
    row: dict[str, Any] = {
        "assignment_id": facts.id, "number": frame.asked + 1, "kind": wish.kind, "unit_id": unit_id,
        "reason": facts.reason, "due_at": due_at, "from_due_at": facts.due_at, "person_id": actor.person_id,
        "post_id": post.id, "at": now, "words": "", "consent": False,
        "decide_by": None if by_rule else review_due(now, zone(), counting(facts)[2], DECIDE_DAYS),
        "decision": Decision.GRANTED_BY_RULE if by_rule else Decision.PENDING,
        "decided_at": now if by_rule else None,
    }  # fmt: skip
    request_id: int = db.session.execute(insert(Request).values(row).returning(Request.id)).scalar_one()
    proposals = [
        {"request_id": request_id, "metric_id": metric_id, "was": goals[metric_id], "value": value}
        for metric_id, value in wish.targets.items()
    ]
    if proposals:
        db.session.execute(insert(Proposal), proposals)
    if wish.evidence:
        files = [{"request_id": request_id, "evidence_id": evidence_id} for evidence_id in sorted(set(wish.evidence))]
        db.session.execute(insert(RequestEvidence), files)
    return request_id


def _grant(facts: Standing, request_id: int, due_on: date, now: datetime) -> None:
    """By the rule of the campaign: the date moves at once, and those who would have decided read it in their digest."""
    given = dated(facts, Shifted(0, facts.respond_by, None, None, None, now), due_on)
    go_on(facts, given, now=now)
    event_id = record(
        tag=BY_RULE, subject="assignment", subject_id=facts.id, actor=SYSTEM, now=now, reason=facts.reason,
        data={"request": request_id, "due_at": given.due_at},
    )  # fmt: skip
    tell(facts.deciding_units[0], BOSSES, event_id, BY_RULE, facts.id, now=now)


def dated(facts: Standing, given: Shifted, due_on: date) -> Shifted:
    """These dates with that due day by decision; the cut-off goes along by as many days."""
    due_at, cut_off_at, behind_at = by_decision(
        facts.id, facts.batch_id, due_on, due_at=facts.due_at, cut_off_at=facts.cut_off_at
    )
    respond_by = min(given.respond_by, due_at) if given.respond_by else None
    return replace(given, respond_by=respond_by, due_at=due_at, cut_off_at=cut_off_at, behind_at=behind_at)


def withdraw(request_id: int, *, actor: Actor, now: datetime, client_action_id: str | None = None) -> None:
    """Takes a request back before it is decided; the clock goes on, and no day is given back for it."""
    if once(client_action_id, actor=actor, subject=f"withdraw-request:{request_id}", content={}, now=now) is not None:
        return
    held = waiting(request_id)
    facts = replace(standing_of(held.assignment_id), deciding_units=(held.unit_id,))
    post = officer_of(facts, actor=actor)
    close(held, Decision.WITHDRAWN, "", post, actor=actor, now=now)
    if held.kind is RequestKind.DISPUTE:
        step = allowed(Action.RETRACT, facts, actor=actor, seen=facts.version)
        move(step, actor=actor, now=now, data={"request": held.id, "days": 0})
        facts = standing_of(facts.id)
    else:
        event_id = record(
            tag=WITHDRAW, subject="assignment", subject_id=facts.id, actor=actor, post_id=post.id, now=now,
            data={"request": held.id, "kind": held.kind.name.lower(), "days": 0},
        )  # fmt: skip
        tell(held.unit_id, BOSSES, event_id, WITHDRAW, facts.id, now=now)
    go_on(facts, given_back(facts, held.at, now=now, most=0), now=now)


def waiting(request_id: int) -> Waiting:
    """The request, while it waits. NotFound where there is none; Refused when it was decided or taken back."""
    held = db.session.execute(select(Request).where(Request.id == request_id)).scalar_one_or_none()
    if held is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    if held.decision is not Decision.PENDING:
        raise Refused(say("This request was decided or taken back already."))
    return Waiting(
        held.id, held.assignment_id, held.kind, held.unit_id, held.due_at, held.at, held.consent, held.person_id,
        held.post_id,
    )  # fmt: skip


def close(held: Waiting, decision: Decision, words: str, post: PostFact, *, actor: Actor, now: datetime) -> None:
    """The one winner writes the decision. Stale for everybody else."""
    values = {"decision": decision, "words": words, "decided_by_id": actor.person_id, "decided_post_id": post.id}
    closed = db.session.execute(
        update(Request)
        .where(Request.id == held.id, Request.decision == Decision.PENDING)
        .values(**values, decided_at=now)
        .returning(Request.id)
        .execution_options(synchronize_session=False)
    ).first()
    if closed is None:
        raise Stale(FASTER)


def officer_of(facts: Standing, *, actor: Actor) -> PostFact:
    """The post in which the actor reports for the unit; Forbidden without one."""
    post = actor.post_in(facts.unit_id, Role.OFFICER)
    if post is None:
        raise Forbidden(say("None of your posts may do this here."))
    return post


def _checked(wish: Wish, facts: Standing, goals: Mapping[int, Decimal | None], now: datetime) -> None:
    """Problems stand in the order of the fields."""
    problems = []
    if wish.kind is RequestKind.DISPUTE:
        if facts.state is not State.ISSUED:
            raise Refused(say("A target or a date can be disputed before you sign for the task."))
        problems += _targets(wish, facts, goals)
    problems += [*_due_day(wish, facts, now), *wrong_reason(wish.reason)]
    known = select(func.count(Evidence.id)).where(Evidence.id.in_(wish.evidence), Evidence.assignment_id == facts.id)
    if wish.evidence and db.session.execute(known).scalar_one() != len(set(wish.evidence)):
        problems.append(Problem("files", say("This file is not one of this task.")))
    if len(wish.evidence) > MOST_FILES:
        problems.append(Problem("files", say("At most %(most)s files.", most=MOST_FILES)))
    if problems:
        raise Invalid(problems[0].sentence, problems)


def wrong_reason(reason: str) -> list[Problem]:
    """What is wrong with the reason of a request."""
    words = reason.strip()
    if not words:
        return [Problem("reason", say("Please say why, in a few words."))]
    if len(words) > LONGEST_WORDS:
        return [Problem("reason", say("The text is too long: at most %(most)s characters.", most=LONGEST_WORDS))]
    return []


def _due_day(wish: Wish, facts: Standing, now: datetime) -> list[Problem]:
    if wish.kind is RequestKind.NOT_APPLICABLE:
        return []
    if wish.due_on is None:
        missing = say("Please give the day until which you need.")
        return [Problem("due_on", missing)] if wish.kind is RequestKind.EXTENSION else []
    sentence = wrong_day(wish.due_on, now=now)
    if sentence is None and wish.kind is RequestKind.EXTENSION:
        if facts.due_at is None:
            raise Refused(say("This task has no due date, so there is nothing to extend."))
        if wish.due_on <= local_day(facts.due_at, zone()):
            sentence = say("Please choose a day after the present due date.")
    elif sentence is None and facts.due_at is not None and wish.due_on == local_day(facts.due_at, zone()):
        sentence = say("It is due on this day already.")
    if sentence:
        return [Problem("due_on", sentence)]
    return unsure(wish.due_on, wish.sure, facts.due_at, now=now)


def unsure(day: date, sure: bool, due_at: datetime | None, *, now: datetime) -> list[Problem]:
    """The question whether a day that is far off is meant; nothing where it was answered."""
    due_on = None if due_at is None else local_day(due_at, zone())
    if sure or not is_far_off(day, due_on, local_today(now)):
        return []
    return [Problem("sure", say("This day is more than a year after the present due date. Is it meant?"))]


def wrong_day(day: date, *, now: datetime) -> Sentence | None:
    """Why that cannot be a due day, or None."""
    if day < local_today(now):
        return say("This day is past. Please choose a day from today on.")
    return say("Is the year right?") if day > LAST_DAY else None


def _targets(wish: Wish, facts: Standing, goals: Mapping[int, Decimal | None]) -> list[Problem]:
    if not wish.targets and wish.due_on is None:
        return [Problem("due_on", say("Please propose another target or another date."))]
    kinds = dict(
        db.session.execute(select(Metric.id, Metric.kind).where(Metric.task_id == facts.task_id)).tuples().all()
    )
    return [
        Problem(f"target-{metric_id}", sentence)
        for metric_id, value in wish.targets.items()
        if (sentence := wrong_target(kinds.get(metric_id), goals.get(metric_id), value))
    ]


def wrong_target(kind: MetricKind | None, was: Decimal | None, value: Decimal) -> Sentence | None:
    """Why that cannot be the target of a metric, or None."""
    if kind not in NUMBERS or was is None:
        return say("This metric has no target of its own that could be disputed.")
    if value < 0 or value >= Decimal(10) ** 12:
        return say("This number is outside what a target can be.")
    if kind is MetricKind.RATE and value > 100:
        return say("A rate is at most 100 per cent.")
    if kind is MetricKind.COUNT and value != value.to_integral_value():
        return say("Please enter a whole number.")
    return say("This is the present target.") if value == was else None


def tell_late(*, now: datetime) -> int:
    """Reminds who has to decide on the last day, tells the unit above once that day is over, and at once where nobody
    is left to decide, each once for a request; how many. A fixed number of statements; at most AT_ONCE of each, so
    AT_ONCE or more: ask again."""
    today = local_today(now)
    nobody, ends = not_(led_on(Request.unit_id, today)), Request.decide_by <= end_of_day(today, zone())
    told = _speak(TELL_VACANT, nobody, now) + _speak(REMIND, ends, now)
    return told + _speak(TELL_ABOVE, Request.decide_by < now, now)


def _speak(tag: str, late: Any, now: datetime) -> int:
    heard = select(Event.id).where(
        Event.subject == "assignment", Event.subject_id == Request.assignment_id, Event.tag == tag,
        Event.at >= Request.at,
    )  # fmt: skip
    rows = db.session.execute(
        select(Request.id, Request.assignment_id, Request.reason.label("words"), Request.unit_id)
        .join(Assignment, Assignment.id == Request.assignment_id)
        .where(Request.decision == Decision.PENDING, late, Assignment.state.in_(OPEN), ~heard.exists())
        .order_by(Request.id)
        .limit(AT_ONCE)
        .with_for_update(of=Request, skip_locked=True)  # who decides it this instant need not be reminded
    ).all()
    return tell_in_charge(rows, tag, "request", above=tag == TELL_ABOVE, now=now)
