"""The person in charge of an assignment: one name, from the people who have a post in its unit."""

from datetime import datetime

from sqlalchemy import insert, select, update

from ..clock import local_today
from ..db import db
from ..errors import Forbidden, Invalid, NotFound, Problem, Refused, Stale, say
from ..models import Assignment, Notice, Person, Post
from ..models.organisation import holds_on
from ..rules.organisation import DELEGABLE, Actor, Role
from ..rules.states import OPEN
from .log import record
from .move import FASTER
from .repeating import once

NAMED = "assignment:unit:name-in-charge"


def name_in_charge(
    assignment_id: int,
    person_id: int | None,
    *,
    actor: Actor,
    now: datetime,
    seen: int,
    client_action_id: str | None = None,
) -> None:
    """Names who is in charge (None: nobody any more), by an officer or supervisor of the unit; who is named is told.

    Not a move: the version stays, so that it disturbs nobody who reports or reviews meanwhile. `seen` is the version
    that was read; Stale when the assignment has moved since.
    """
    subject, content = f"in-charge:{assignment_id}", {"person": person_id}
    if once(client_action_id, actor=actor, subject=subject, content=content, now=now) is not None:
        return
    held = db.session.execute(
        select(Assignment.unit_id, Assignment.version, Assignment.state, Assignment.in_charge_id).where(
            Assignment.id == assignment_id
        )
    ).one_or_none()
    if held is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    post = actor.post_in(held.unit_id, Role.OFFICER, Role.SUPERVISOR)
    if post is None:
        raise Forbidden(say("Who is in charge is named by the officers and supervisors of the unit itself."))
    if held.version != seen:
        raise Stale(FASTER)
    if held.state not in OPEN:
        raise Refused(say("This is done. Nobody needs to be in charge of it any more."))
    if held.in_charge_id == person_id:
        return
    name = _name_of(person_id, held.unit_id, now)
    same = Assignment.id == assignment_id, Assignment.version == seen
    changed = db.session.execute(
        update(Assignment).where(*same).values(in_charge_id=person_id).returning(Assignment.id)
    )
    if changed.first() is None:
        raise Stale(FASTER)
    event_id = record(
        tag=NAMED, subject="assignment", subject_id=assignment_id, actor=actor, post_id=post.id, now=now,
        data={"person": person_id, "name": name},
    )  # fmt: skip
    told = {person_id, held.in_charge_id} - {None, actor.person_id}
    row = {"tag": NAMED, "event_id": event_id, "assignment_id": assignment_id, "created_at": now}
    if told:
        db.session.execute(insert(Notice), [row | {"person_id": each} for each in sorted(filter(None, told))])


def _name_of(person_id: int | None, unit_id: int, now: datetime) -> str:
    if person_id is None:
        return ""
    here = Post.person_id == Person.id, Post.unit_id == unit_id, Post.role.in_(DELEGABLE), holds_on(local_today(now))
    found = select(Person.name).join(Post, Post.person_id == Person.id)
    name = db.session.execute(
        found.where(Person.id == person_id, Person.disabled_at.is_(None), *here).limit(1)
    ).scalar_one_or_none()
    if name is None:
        sentence = say("Please choose somebody who has a post in this unit.")
        raise Invalid(sentence, [Problem("person_id", sentence)])
    return name
