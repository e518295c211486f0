"""People: who acts, from which session, in which posts."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import and_, or_, select

from ..db import db
from ..models import Area, LoginSession, Person, Post, Unit
from ..rules.organisation import Actor, PostFact

IDLE = timedelta(minutes=30)


@dataclass(frozen=True)
class SessionFact:
    """A living session and whose it is."""

    digest: str
    person_id: int
    login: str
    name: str
    locale: str | None
    must_change_password: bool
    seen_at: datetime


def session_of(digest: str, *, now: datetime) -> SessionFact | None:
    """The session with that digest; None when it ended, idled too long, or its person is disabled."""
    row = db.session.execute(
        select(
            LoginSession.digest, LoginSession.person_id, Person.login, Person.name, Person.locale,
            Person.must_change_password, LoginSession.seen_at,
        )
        .join(Person, Person.id == LoginSession.person_id)
        .where(
            LoginSession.digest == digest,
            LoginSession.ended_at.is_(None),
            LoginSession.ends_at > now,
            LoginSession.seen_at > now - IDLE,
            Person.disabled_at.is_(None),
        )
    ).one_or_none()  # fmt: skip
    return None if row is None else SessionFact(*row)


def actor_of(person_id: int, on: date) -> Actor | None:
    """The person with all posts that are valid on that day; None when there is no such person or they are disabled."""
    valid = and_(
        Post.person_id == Person.id,
        Post.disabled_at.is_(None),
        Post.valid_from <= on,
        or_(Post.valid_to.is_(None), Post.valid_to >= on),
    )
    rows = db.session.execute(
        select(
            Person.name, Post.id, Post.unit_id, Post.role, Unit.line, Unit.level, Area.lft, Area.rgt,
            Unit.name.label("unit_name"),
        )
        .select_from(Person)
        .outerjoin(Post, valid)
        .outerjoin(Unit, Unit.id == Post.unit_id)
        .outerjoin(Area, Area.id == Unit.area_id)
        .where(Person.id == person_id, Person.disabled_at.is_(None))
        .order_by(Post.id)
    ).all()  # fmt: skip
    if not rows:
        return None
    posts = tuple(PostFact(*row[1:]) for row in rows if row.id is not None)
    return Actor(person_id=person_id, name=rows[0].name, posts=posts)
