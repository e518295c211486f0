"""The thread that officer and reviewers share, and the words that a reviewer keeps for the next return."""

from datetime import datetime

from sqlalchemy import delete, func, insert, select, update

from ..db import db, insert_new
from ..errors import Forbidden, Invalid, Problem, Refused, say
from ..models import Phrase, Remark
from ..models.facts import Standing
from ..notify.outbox import tell_posts
from ..rules.organisation import Actor, Role
from ..rules.permissions import REMARKS, permissions
from ..rules.states import NOT_ASKED
from .log import record
from .move import standing_of
from .repeating import once

LONGEST_REMARK = 1_000
LONGEST_PHRASE = 400
MOST_PHRASES = 50
UNSEEN = {"synchronize_session": False}


def remark(assignment_id: int, words: str, *, actor: Actor, now: datetime, client_action_id: str | None = None) -> None:
    """Adds a remark to the thread and tells the other side. Forbidden unless the actor reports, reviews or issues."""
    content = {"words": words}
    if once(client_action_id, actor=actor, subject=f"remark:{assignment_id}", content=content, now=now) is not None:
        return
    facts = standing_of(assignment_id)
    involved = (facts.unit_id, *facts.chain, *facts.issuing_units)
    post = next((post for unit in involved for post in actor.posts_in(unit, *REMARKS)), None)
    if facts.state in NOT_ASKED and post is not None:
        raise Refused(say("This is asked of nobody any more, so nothing can be added to its remarks."))
    if post is None or not permissions(facts, actor, facts.chain).comment:
        raise Forbidden(say("None of your posts may do this here."))
    words = words.strip()
    if not 0 < len(words) <= LONGEST_REMARK:
        wrong = say("Please write something, at most %(most)s characters.", most=LONGEST_REMARK)
        raise Invalid(wrong, [Problem("remark", wrong)])
    row = {"assignment_id": assignment_id, "words": words, "person_id": actor.person_id, "post_id": post.id, "at": now}
    remark_id = db.session.execute(insert(Remark).values(row).returning(Remark.id)).scalar_one()
    event_id = record(
        tag="assignment:review:remark",
        subject="assignment",
        subject_id=assignment_id,
        actor=actor,
        post_id=post.id,
        now=now,
        data={"remark": remark_id},
    )
    _tell_the_other_side(facts, post.unit_id == facts.unit_id, event_id, now)


def _tell_the_other_side(facts: Standing, officer: bool, event_id: int, now: datetime) -> None:
    unit_id, role = facts.unit_id, Role.OFFICER
    if officer:
        unit_id, role = facts.reviewer_unit_id or (facts.chain or facts.issuing_units)[0], Role.SUPERVISOR
    tell_posts(unit_id, role, event_id=event_id, tag="assignment:review:remark", assignment_id=facts.id, now=now)


def keep_phrase(words: str, *, actor: Actor, now: datetime) -> None:
    """Keeps words for the next return; the same words once. Invalid when they are too long, or there are too many."""
    words = words.strip()
    mine = select(func.count()).select_from(Phrase).where(Phrase.person_id == actor.person_id, Phrase.words != words)
    wrong = None
    if not words:
        wrong = say("Please write the phrase.")
    elif len(words) > LONGEST_PHRASE:
        wrong = say(
            "A phrase has at most %(most)s characters; these are %(have)s.", most=LONGEST_PHRASE, have=len(words)
        )
    elif db.session.execute(mine).scalar_one() >= MOST_PHRASES:
        wrong = say("You keep %(most)s phrases already, and no more are kept. Remove one first.", most=MOST_PHRASES)
    if wrong is not None:
        raise Invalid(wrong, [Problem("phrase", wrong)])
    db.session.execute(insert_new(Phrase).values(person_id=actor.person_id, words=words, used=0, at=now))


def use_phrase(words: str, *, actor: Actor) -> None:
    """Counts that kept words were used, so that they are offered further up."""
    mine = (Phrase.person_id == actor.person_id, Phrase.words == words.strip())
    db.session.execute(update(Phrase).where(*mine).values(used=Phrase.used + 1).execution_options(**UNSEEN))


def remove_phrase(phrase_id: int, *, actor: Actor) -> None:
    """Takes one's own phrase away; nothing when it is not there."""
    mine = (Phrase.id == phrase_id, Phrase.person_id == actor.person_id)
    db.session.execute(delete(Phrase).where(*mine).execution_options(**UNSEEN))
