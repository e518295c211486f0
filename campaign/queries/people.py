"""People: who acts, from which session, in which posts."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Date, Integer, Select, bindparam, literal, select, true, union_all

from ..db import db
from ..models import Area, Delegation, LoginSession, Person, Post, Unit
from ..models.organisation import holds_on, stands_in_on
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


_DAY: Any = bindparam("day", type_=Date)
_WHO: Any = bindparam("who", type_=Integer)


def _actor() -> Select[Any]:
    """Own posts and those stood in for, each found by its own index, then what the law needs to know of them.

    Written on the tables: through the ORM the same statement takes twice as long to run, and every request runs it.
    """
    person, unit, area = (noun.__table__.c for noun in (Person, Unit, Area))
    holder = Person.__table__.alias("holder")
    stood_in = select(Post.id, Post.person_id, Post.unit_id, Post.role, literal(1).label("lent"))
    own = select(Post.id, Post.person_id, Post.unit_id, Post.role, literal(0).label("lent"))
    posts = union_all(
        own.where(Post.person_id == _WHO, holds_on(_DAY)),
        stood_in.join(Delegation, stands_in_on(_DAY)).where(Delegation.delegate_id == _WHO),
    ).subquery("acted_in")
    return (
        select(
            person.name, posts.c.id, posts.c.unit_id, posts.c.role, unit.line, unit.level, area.lft, area.rgt,
            unit.name.label("unit_name"), posts.c.lent, holder.c.id.label("holder_id"), holder.c.name.label("holder"),
        )
        .select_from(Person.__table__)
        .outerjoin(posts, true())
        .outerjoin(Unit.__table__, unit.id == posts.c.unit_id)
        .outerjoin(Area.__table__, area.id == unit.area_id)
        .outerjoin(holder, holder.c.id == posts.c.person_id)
        .where(person.id == _WHO, person.disabled_at.is_(None))
        .order_by(posts.c.lent, posts.c.id)
    )  # fmt: skip


_ACTOR = _actor()


def actor_of(person_id: int, on: date) -> Actor | None:
    """The person with all posts that are valid on that day, own ones first, then those they stand in for.

    None when there is no such person or they are disabled. One statement.
    """
    rows = db.session.execute(_ACTOR, {"who": person_id, "day": on}).all()
    if not rows:
        return None
    posts = (
        PostFact(*fact, *((holder_id, holder) if lent else ()))
        for _name, *fact, lent, holder_id, holder in rows
        if fact[0] is not None
    )
    return Actor(person_id=person_id, name=rows[0].name, posts=tuple(posts))
