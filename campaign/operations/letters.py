"""Responsibility letters: made from an assignment as it stands, signed by both sides under the digest of its text."""

from datetime import datetime

from sqlalchemy import insert, select

from ..clock import zone
from ..db import db, insert_new
from ..documents.duty_letters import digest_of, letter_text
from ..errors import Forbidden, NotFound, Refused, Stale, say
from ..models import Assignment, Letter, Signature
from ..models.duties import Duty, duty_of
from ..rules.letters import signing_post
from ..rules.organisation import Actor, PostFact
from ..rules.states import NOT_ASKED
from ..rules.targets import Party
from .log import record
from .move import FASTER
from .repeating import once, remember


def generate(assignment_id: int, *, actor: Actor, now: datetime, client_action_id: str | None = None) -> int:
    """Makes the letter of an assignment as it stands, under the next number; the letter's id.

    Forbidden for whoever signs for neither side; Refused for what is asked of nobody any more (cancelled, or not
    applicable), and where the latest letter says the same.
    """
    held = once(client_action_id, actor=actor, subject=f"letter:{assignment_id}", content={}, now=now)
    if held is not None:
        return int(held)
    _alone_with(assignment_id)
    duty = _held(assignment_id)
    post = _post(duty, Party.ABOVE, actor) or _post(duty, Party.BELOW, actor)
    if post is None:
        raise Forbidden(say("A letter is made by those who sign it, above or below."))
    if duty.state in NOT_ASKED:
        raise Refused(say("This is not possible any more in the present state."))
    content = letter_text(duty, zone())
    digest, latest = digest_of(content), _latest(assignment_id)
    if latest is not None and latest.digest == digest:
        raise Refused(say("Letter %(number)s says the same. Nothing has changed since.", number=latest.number))
    number = latest.number + 1 if latest else 1
    row = {
        "assignment_id": assignment_id, "number": number, "content": content, "digest": digest,
        "person_id": actor.person_id, "post_id": post.id, "at": now,
    }  # fmt: skip
    made: int = db.session.execute(insert(Letter).values(row).returning(Letter.id)).scalar_one()
    record(
        tag="assignment:letter:generate", subject="assignment", subject_id=assignment_id, actor=actor, post_id=post.id,
        now=now, data={"letter": made, "number": number, "digest": digest},
    )  # fmt: skip
    remember(client_action_id, str(made))
    return made


def sign(
    letter_id: int, party: Party, digest: str, *, actor: Actor, now: datetime, client_action_id: str | None = None
) -> None:
    """Signs for one side. `digest`: of the text that was read.

    Forbidden for whoever does not sign for that side; Refused where a newer letter stands, nothing is asked any more
    (cancelled, or not applicable), the assignment has changed since, or the same person signed for the other side;
    Stale where that side has signed already.
    """
    content = {"digest": digest}
    subject = f"sign:{letter_id}:{int(party)}"
    if once(client_action_id, actor=actor, subject=subject, content=content, now=now) is not None:
        return
    letter = db.session.get(Letter, letter_id)
    if letter is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    _alone_with(letter.assignment_id)
    duty, latest = _held(letter.assignment_id), _latest(letter.assignment_id)
    post = _post(duty, party, actor)
    if post is None:
        raise Forbidden(say("None of your posts signs for this side."))
    if latest is None or latest.id != letter_id:
        raise Refused(say("A newer letter has replaced this one."))
    if duty.state in NOT_ASKED:
        raise Refused(say("This is asked of nobody any more, so there is nothing to sign."))
    if letter.digest != digest or digest_of(letter_text(duty, zone())) != digest:
        raise Refused(say("Targets or dates have changed since. Make a new letter first."))
    other = db.session.execute(
        select(Signature.person_id).where(Signature.letter_id == letter_id, Signature.party != party)
    ).scalar_one_or_none()
    if other == actor.person_id:
        raise Refused(say("You have signed for the other side. Somebody else must sign here."))
    row = {
        "letter_id": letter_id, "party": party, "digest": digest, "person_id": actor.person_id, "post_id": post.id,
        "at": now,
    }  # fmt: skip
    if db.session.execute(insert_new(Signature).values(row).returning(Signature.letter_id)).first() is None:
        raise Stale(FASTER)
    record(
        tag="assignment:letter:sign", subject="assignment", subject_id=letter.assignment_id, actor=actor,
        post_id=post.id, now=now,
        data={"letter": letter_id, "number": letter.number, "digest": digest, "party": party.name.lower()},
    )  # fmt: skip


def _alone_with(assignment_id: int) -> None:
    """Of those who make or sign its letters at once, each sees what the one before has done."""
    db.session.execute(select(Assignment.id).where(Assignment.id == assignment_id).with_for_update())


def _held(assignment_id: int) -> Duty:
    duty = duty_of(assignment_id)
    if duty is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    return duty


def _post(duty: Duty, party: Party, actor: Actor) -> PostFact | None:
    """The post in which the actor signs for that side."""
    return signing_post(party, duty.above_id, duty.below_id, actor)


def _latest(assignment_id: int) -> Letter | None:
    found = select(Letter).where(Letter.assignment_id == assignment_id).order_by(Letter.number.desc()).limit(1)
    return db.session.scalars(found).one_or_none()
