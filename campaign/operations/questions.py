"""Questions upwards (请示): while one is pending the clock stands still; the days it took are given back.

The officer asks the first unit that reviews, passing over one where nobody could answer. One question at a time. Where
everybody leaves while it waits, the nearest level above where somebody is answers in place of the asked unit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, insert, not_, select, update

from ..clock import local_today, zone
from ..db import db
from ..errors import Forbidden, Invalid, NotFound, Problem, Refused, Stale, say
from ..models import Assignment, Event, Question, Unit
from ..models.facts import Standing
from ..models.ladders import EVERYBODYS, calendars
from ..models.requesting import Deciders, deciders_of, led_on
from ..rules.organisation import Actor, PostFact, Role
from ..rules.standstill import BOSSES, TOLD_ABOVE_AFTER, so_long_ago
from ..rules.states import WITH_OFFICER
from .chains import chain_of
from .log import record
from .move import FASTER, standing_of
from .repeating import once, remember
from .standing_still import PENDING_ALREADY, given_back, go_on, held_first, stop, tell
from .telling_above import tell_in_charge

ASK, ANSWER = "assignment:question:ask", "assignment:question:answer"
WITHDRAW, TELL_ABOVE = "assignment:question:withdraw", "assignment:question:tell-above"
TELL_VACANT = "assignment:question:tell-vacant"
LONGEST_WORDS = 2_000
AT_ONCE = 1_000


@dataclass(frozen=True)
class Pending:
    """A question that waits, and the unit that is asked."""

    id: int
    assignment_id: int
    unit_id: int
    unit_name: str
    asked_at: datetime


def ask(assignment_id: int, words: str, *, actor: Actor, now: datetime, client_action_id: str | None = None) -> int:
    """Asks the unit above; the clock stands still from now on. Returns the question's id.

    Forbidden unless the actor is an officer of the unit; Refused unless the work is in its hands and no other question
    of it is pending; Invalid without words.
    """
    words = _fitting(words, say("Please write your question."))
    before = once(client_action_id, actor=actor, subject=f"ask:{assignment_id}", content={"words": words}, now=now)
    if before is not None:
        return int(before)
    facts = standing_of(assignment_id)
    post = _officer(facts, actor)
    asked = held_first([unit for unit in chain_of(facts) if unit != facts.unit_id], now=now)
    if asked is None or facts.state not in WITH_OFFICER:
        raise Refused(say("You can ask while the work is in your hands."))
    if facts.suspended_at is not None:
        raise Refused(PENDING_ALREADY)
    row = {"assignment_id": facts.id, "unit_id": asked, "words": words, "asked_at": now, "answer": ""}
    row |= {"person_id": actor.person_id, "post_id": post.id}
    question_id: int = db.session.execute(insert(Question).values(row).returning(Question.id)).scalar_one()
    stop(facts, now=now, question_id=question_id)
    event_id = record(
        tag=ASK, subject="assignment", subject_id=facts.id, actor=actor, post_id=post.id, now=now, reason=words,
        data={"question": question_id, "unit": asked},
    )  # fmt: skip
    tell(asked, BOSSES, event_id, ASK, facts.id, now=now)
    remember(client_action_id, str(question_id))
    return question_id


def answer(question_id: int, words: str, *, actor: Actor, now: datetime, client_action_id: str | None = None) -> int:
    """Answers; the clock goes on, and every date has moved by the days that the question took. Returns these days.

    Forbidden unless the actor is a supervisor or dispatcher of the asked unit or of the one above it, further up while
    nobody is there; Refused when it was answered or withdrawn before; Invalid without words.
    """
    words = _fitting(words, say("Please write the answer."))
    content = {"words": words}
    before = once(client_action_id, actor=actor, subject=f"answer:{question_id}", content=content, now=now)
    if before is not None:
        return int(before)
    question = pending(question_id)
    units = _who_answers(question, now).units
    post = next((found for unit in units if (found := actor.post_in(unit, *BOSSES))), None)
    if post is None:
        raise Forbidden(say("Only a supervisor or dispatcher of the unit that was asked answers this."))
    in_place = {} if post.unit_id == question.unit_id else {"in_place_of": question.unit_name}
    days = _close(question, ANSWER, words, actor, post, now, in_place)
    remember(client_action_id, str(days))
    return days


def withdraw(question_id: int, *, actor: Actor, now: datetime, client_action_id: str | None = None) -> int:
    """Takes a question back before it is answered; the clock goes on. Returns the days that are given back for it."""
    before = once(client_action_id, actor=actor, subject=f"withdraw-question:{question_id}", content={}, now=now)
    if before is not None:
        return int(before)
    question = pending(question_id)
    post = _officer(standing_of(question.assignment_id), actor)
    days = _close(question, WITHDRAW, "", actor, post, now, {})
    remember(client_action_id, str(days))
    return days


def pending(question_id: int) -> Pending:
    """The question, while it waits. NotFound where there is none; Refused when it no longer waits."""
    row = db.session.execute(
        select(Question.assignment_id, Question.unit_id, Unit.name, Question.asked_at, Question.answered_at)
        .join(Unit, Unit.id == Question.unit_id)
        .where(Question.id == question_id)
    ).one_or_none()
    if row is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    if row.answered_at is not None:
        raise Refused(say("This question was answered or withdrawn already."))
    return Pending(question_id, *row[:4])


def tell_above(*, now: datetime) -> int:
    """Tells who is next in charge of questions that wait where nobody is left to answer, and the unit above the asked
    one of those that have waited three working days, each once for a question; how many. A fixed number of statements;
    at most AT_ONCE of each, so AT_ONCE or more: ask again."""
    nobody = not_(led_on(Question.unit_id, local_today(now)))
    long_ago = so_long_ago(now, TOLD_ABOVE_AFTER, calendars([EVERYBODYS])[EVERYBODYS], zone())
    late = and_(Question.asked_at <= long_ago, Unit.superior_id.is_not(None))
    return _speak(TELL_VACANT, nobody, now) + _speak(TELL_ABOVE, late, now)


def _speak(tag: str, which: Any, now: datetime) -> int:
    heard = select(Event.id).where(
        Event.subject == "assignment", Event.subject_id == Question.assignment_id, Event.tag == tag,
        Event.at >= Question.asked_at,
    )  # fmt: skip
    rows = db.session.execute(
        select(Question.id, Question.assignment_id, Question.words, Question.unit_id)
        .join(Unit, Unit.id == Question.unit_id)
        .join(Assignment, Assignment.id == Question.assignment_id)
        .where(Question.answered_at.is_(None), which, Assignment.state.in_(WITH_OFFICER), ~heard.exists())
        .order_by(Question.id)
        .limit(AT_ONCE)
        .with_for_update(of=Question, skip_locked=True)
    ).all()
    return tell_in_charge(rows, tag, "question", above=tag == TELL_ABOVE, now=now)


def _who_answers(question: Pending, now: datetime) -> Deciders:
    return deciders_of([question.unit_id], on=local_today(now))[question.unit_id]


def _close(
    question: Pending, tag: str, words: str, actor: Actor, post: PostFact, now: datetime, more: Mapping[str, Any]
) -> int:
    """The question is no longer pending: the one winner writes it, gives the days back and lets the clock go on."""
    closed = db.session.execute(
        update(Question)
        .where(Question.id == question.id, Question.answered_at.is_(None))
        .values(answer=words, answered_by_id=actor.person_id, answered_post_id=post.id, answered_at=now)
        .returning(Question.id)
        .execution_options(synchronize_session=False)
    ).first()
    if closed is None:
        raise Stale(FASTER)
    facts = standing_of(question.assignment_id)
    given = given_back(facts, question.asked_at, now=now)
    go_on(facts, given, now=now)
    data = {"question": question.id, "days": given.days, "due_at": given.due_at, **more}
    event_id = record(
        tag=tag, subject="assignment", subject_id=facts.id, actor=actor, post_id=post.id, now=now, reason=words,
        data=data,
    )  # fmt: skip
    if tag == ANSWER:
        tell(facts.unit_id, (Role.OFFICER,), event_id, tag, facts.id, now=now)
    else:
        tell(_who_answers(question, now).in_charge(), BOSSES, event_id, tag, facts.id, now=now)
    return given.days


def _officer(facts: Standing, actor: Actor) -> PostFact:
    post = actor.post_in(facts.unit_id, Role.OFFICER)
    if post is None:
        raise Forbidden(say("None of your posts may do this here."))
    return post


def _fitting(words: str, missing: Any) -> str:
    words = words.strip()
    if not words:
        raise Invalid(missing, [Problem("words", missing)])
    if len(words) > LONGEST_WORDS:
        sentence = say("The text is too long: at most %(most)s characters.", most=LONGEST_WORDS)
        raise Invalid(sentence, [Problem("words", sentence)])
    return words
