"""What a reviewer decides on a flag. A flag blocks nothing; the decision is kept beside it and counted."""

from datetime import datetime

from sqlalchemy import insert, select

from ..db import db
from ..errors import Forbidden, Invalid, NotFound, Problem, say
from ..models import Flag, FlagDecision
from ..rules.flags import Verdict
from ..rules.organisation import Actor
from ..rules.permissions import permissions
from ..rules.transitions import Party, post_for
from .log import record
from .move import standing_of
from .repeating import once

LONGEST_WORDS = 400


def judge(
    flag_id: int,
    verdict: Verdict,
    words: str,
    *,
    assignment_id: int,
    actor: Actor,
    now: datetime,
    client_action_id: str | None = None,
) -> None:
    """Keeps what the reviewer of the level thinks of a flag; a later decision counts, and the former stays.

    Forbidden unless the version waits for the actor. `words` are needed unless it is a plain false alarm.
    """
    content = {"verdict": int(verdict), "words": words}
    if once(client_action_id, actor=actor, subject=f"flag:{flag_id}", content=content, now=now) is not None:
        return
    flag = db.session.execute(
        select(Flag.submission_id, Flag.kind).where(Flag.id == flag_id, Flag.assignment_id == assignment_id)
    ).first()
    facts = standing_of(assignment_id)
    if flag is None or flag.submission_id != facts.submission_id:
        raise NotFound(say("This does not exist, or it is not for you."))
    post = post_for(Party.REVIEWER, facts, actor)
    if post is None or not permissions(facts, actor, facts.chain).claim:
        raise Forbidden(say("None of your posts may do this here."))
    words = words.strip()
    if len(words) > LONGEST_WORDS or (verdict is not Verdict.FALSE_ALARM and not words):
        wrong = say("Please say in a few words why, at most %(most)s characters.", most=LONGEST_WORDS)
        raise Invalid(wrong, [Problem(f"flag-{flag_id}", wrong)])
    row = {"flag_id": flag_id, "verdict": verdict, "words": words, "at": now}
    db.session.execute(insert(FlagDecision).values(**row, person_id=actor.person_id, post_id=post.id))
    record(
        tag="assignment:flag:decide",
        subject="assignment",
        subject_id=assignment_id,
        actor=actor,
        post_id=post.id,
        now=now,
        reason=words,
        data={"flag": flag_id, "kind": flag.kind.name.lower(), "verdict": verdict.name.lower()},
    )
