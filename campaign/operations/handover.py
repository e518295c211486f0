"""Handing over: one person's posts go to another, and with them the open work."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Row, insert, literal, or_, select, update

from ..clock import local_today
from ..db import Instant, db, insert_new
from ..errors import Forbidden, Invalid, NotFound, Problem, Refused, say
from ..models import Assignment, Draft, Notice, Person, Post, Unit
from ..rules.accounts import may_administer
from ..rules.organisation import SYSTEM_PERSON_ID, Actor, Line, Role
from ..rules.states import OPEN, WITH_OFFICER
from ..rules.telling import is_urgent
from .log import record
from .people import add_post, end_post
from .repeating import once, remember

HANDED = "person:post:hand-over"
LONGEST_NOTE = 1_000
FURTHEST = timedelta(days=92)


@dataclass(frozen=True)
class Handing:
    """Which posts of one person go to whom, from which day on (local), and what the successor should know."""

    from_id: int
    to_id: int
    post_ids: tuple[int, ...]
    first_day: date
    note: str = ""


def hand_over(handing: Handing, *, actor: Actor, now: datetime, client_action_id: str | None = None) -> int:
    """Ends the posts the day before, gives them to the successor, and moves what is in the person's hands.

    The successor is named where the other was the person in charge, and finds copies of their drafts. Both are told.
    Returns the id of the one event that binds it together. The actor administers every unit concerned.
    """
    content = {"to": handing.to_id, "posts": list(handing.post_ids), "on": handing.first_day, "note": handing.note}
    subject = f"hand-over:{handing.from_id}"
    before = once(client_action_id, actor=actor, subject=subject, content=content, now=now)
    if before is not None:
        return int(before)
    if not actor.has_role(Role.ADMINISTRATOR):
        raise Forbidden(say("Only an administrator may do this."))
    today = local_today(now)
    posts = _posts(handing, actor, today)
    _check(handing, today)
    for post in posts:
        if not _has_it(handing, post):
            first = max(handing.first_day, post.valid_from)
            add_post(
                handing.to_id, post.unit_id, post.role, valid_from=first, valid_to=post.valid_to, actor=actor, now=now
            )
        ends_now = handing.first_day <= post.valid_from
        end_post(post.id, actor=actor, now=now, on=None if ends_now else handing.first_day - timedelta(days=1))
    units = [post.unit_id for post in posts]
    moved = _move_charge(handing, units)
    _copy_drafts(handing, [post.unit_id for post in posts if post.role is Role.OFFICER], now)
    event_id = record(
        tag=HANDED, subject="person", subject_id=handing.from_id, actor=actor, now=now, reason=handing.note.strip(),
        data={
            "from": handing.from_id, "to": handing.to_id, "posts": sorted(handing.post_ids),
            "on": handing.first_day.isoformat(), "in_charge": moved,
        },
    )  # fmt: skip
    row = {"tag": HANDED, "event_id": event_id, "created_at": now, "urgent": is_urgent(HANDED)}
    db.session.execute(insert(Notice), [row | {"person_id": each} for each in (handing.from_id, handing.to_id)])
    remember(client_action_id, str(event_id))
    return event_id


def _posts(
    handing: Handing, actor: Actor, today: date
) -> Sequence[Row[tuple[int, int, Role, date, date | None, Line, int]]]:
    rows = db.session.execute(
        select(Post.id, Post.unit_id, Post.role, Post.valid_from, Post.valid_to, Unit.line, Unit.lft)
        .join(Unit, Unit.id == Post.unit_id)
        .where(
            Post.id.in_(handing.post_ids), Post.person_id == handing.from_id, Post.disabled_at.is_(None),
            or_(Post.valid_to.is_(None), Post.valid_to >= today),
        )
        .order_by(Post.id)
        .with_for_update(of=Post)
    ).all()  # fmt: skip
    if len(rows) != len(set(handing.post_ids)) or not all(may_administer(actor, row.line, row.lft) for row in rows):
        raise NotFound(say("There is no such post in your area."))
    if not rows:
        sentence = say("Please choose at least one post.")
        raise Invalid(sentence, [Problem("posts", sentence)])
    ended = [row for row in rows if row.valid_to is not None and row.valid_to < handing.first_day]
    if ended:
        sentence = say("A post that is chosen ends on %(day)s already.", day=ended[0].valid_to)
        raise Invalid(sentence, [Problem("first_day", sentence)])
    return rows


def _check(handing: Handing, today: date) -> None:
    problems: list[Problem] = []
    person = db.session.execute(
        select(Person.name, Person.disabled_at).where(Person.id == handing.to_id, Person.id != SYSTEM_PERSON_ID)
    ).one_or_none()
    if person is None:
        problems.append(Problem("to_id", say("Please choose the successor.")))
    elif person.disabled_at is not None:
        problems.append(Problem("to_id", say("The account of %(name)s is closed.", name=person.name)))
    elif handing.to_id == handing.from_id:
        problems.append(Problem("to_id", say("%(name)s holds this post already.", name=person.name)))
    if handing.first_day < today:
        problems.append(Problem("first_day", say("The first day must not lie in the past.")))
    elif handing.first_day - today > FURTHEST:
        problems.append(Problem("first_day", say("At most three months ahead: by then the work will be another.")))
    if len(handing.note.strip()) > LONGEST_NOTE:
        problems.append(Problem("note", say("The text is too long: at most %(most)s characters.", most=LONGEST_NOTE)))
    if problems:
        raise Invalid(say("Nothing was handed over."), problems)


def _has_it(handing: Handing, post: Row[tuple[int, int, Role, date, date | None, Line, int]]) -> bool:
    """Whether the successor has the same post from that day on without an end before this one's."""
    held = db.session.execute(
        select(Post.valid_to).where(
            Post.person_id == handing.to_id, Post.unit_id == post.unit_id, Post.role == post.role,
            Post.disabled_at.is_(None), Post.valid_from <= handing.first_day,
            or_(Post.valid_to.is_(None), Post.valid_to >= handing.first_day),
        )
    ).first()  # fmt: skip
    if held is None:
        return False
    if held.valid_to is not None and (post.valid_to is None or post.valid_to > held.valid_to):
        raise Refused(say("The successor has this post already, until %(day)s only.", day=held.valid_to))
    return True


def _move_charge(handing: Handing, units: list[int]) -> int:
    mine = Assignment.unit_id.in_(units), Assignment.in_charge_id == handing.from_id, Assignment.state.in_(OPEN)
    moved = db.session.execute(
        update(Assignment).where(*mine).values(in_charge_id=handing.to_id).returning(Assignment.id)
    )
    return len(moved.all())


def _copy_drafts(handing: Handing, units: list[int], now: datetime) -> None:
    """What was typed goes with the work. A copy: until the day comes the other goes on with their own."""
    typed = (
        select(Draft.assignment_id, literal(handing.to_id), Draft.fields, literal(now, Instant()))
        .join(Assignment, Assignment.id == Draft.assignment_id)
        .where(Draft.person_id == handing.from_id, Assignment.unit_id.in_(units), Assignment.state.in_(WITH_OFFICER))
    )
    db.session.execute(insert_new(Draft).from_select(["assignment_id", "person_id", "fields", "saved_at"], typed))
