"""People: who acts, from which session, in which posts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Date, Integer, Select, String, and_, bindparam, literal, select, true, union_all

from ..clock import local_today
from ..db import Instant, db
from ..models import Area, Delegation, LoginSession, Person, Post, Unit
from ..models.organisation import holds_on, stands_in_on
from ..rules.organisation import Actor, PostFact

IDLE = timedelta(minutes=30)


@dataclass(frozen=True)
class SessionFact:
    """A living session, and whose it is as an actor of today."""

    digest: str
    login: str
    locale: str | None
    must_change_password: bool
    seen_at: datetime
    actor: Actor


_DAY: Any = bindparam("day", type_=Date)
_WHO: Any = bindparam("who", type_=Integer)
_DIGEST: Any = bindparam("digest", type_=String)
_NOW: Any = bindparam("now", type_=Instant)
_IDLE_SINCE: Any = bindparam("idle_since", type_=Instant)


def _actor(who: Any) -> Select[Any]:
    """Own posts and those stood in for, each found by its own index, then what the law needs to know of them.

    Written on the tables: through the ORM the same statement takes twice as long to run, and every request runs it.
    """
    person, unit, area = (noun.__table__.c for noun in (Person, Unit, Area))
    holder = Person.__table__.alias("holder")
    stood_in = select(Post.id, Post.person_id, Post.unit_id, Post.role, literal(1).label("lent"))
    own = select(Post.id, Post.person_id, Post.unit_id, Post.role, literal(0).label("lent"))
    posts = union_all(
        own.where(Post.person_id == who, holds_on(_DAY)),
        stood_in.join(Delegation, stands_in_on(_DAY)).where(Delegation.delegate_id == who),
    ).subquery("acted_in")
    return (
        select(
            person.id.label("person_id"), person.name, posts.c.id, posts.c.unit_id, posts.c.role, unit.line, unit.level,
            area.lft, area.rgt, unit.name.label("unit_name"), posts.c.lent, holder.c.id.label("holder_id"),
            holder.c.name.label("holder"),
        )
        .select_from(Person.__table__)
        .outerjoin(posts, true())
        .outerjoin(Unit.__table__, unit.id == posts.c.unit_id)
        .outerjoin(Area.__table__, area.id == unit.area_id)
        .outerjoin(holder, holder.c.id == posts.c.person_id)
        .where(person.id == who, person.disabled_at.is_(None))
        .order_by(posts.c.lent, posts.c.id)
    )  # fmt: skip


def _session() -> Select[Any]:
    """The same of whose session it is, with the session: every page asks for both, in one trip. The person is looked
    up by the key of the session before anything else."""
    session, person = LoginSession.__table__, Person.__table__.c
    living = and_(
        session.c.digest == _DIGEST,
        session.c.ended_at.is_(None),
        session.c.ends_at > _NOW,
        session.c.seen_at > _IDLE_SINCE,
    )
    whose = select(session.c.person_id).where(living).correlate(None).scalar_subquery()
    return (
        _actor(whose)
        .join(session, living)
        .add_columns(person.login, person.locale, person.must_change_password, session.c.seen_at)
    )


_ACTOR, _SESSION = _actor(_WHO), _session()
_OF_SESSION = 4  # so many columns follow those of the actor


def session_of(digest: str, *, now: datetime) -> SessionFact | None:
    """The session with that digest, and its person with the posts of that day, as `actor_of` tells them; None when it
    ended, idled too long, or its person is disabled. One statement."""
    values = {"digest": digest, "now": now, "idle_since": now - IDLE, "day": local_today(now)}
    rows = db.session.execute(_SESSION, values).all()
    if not rows:
        return None
    *_of_actor, login, locale, must_change, seen_at = rows[0]
    return SessionFact(digest, login, locale, must_change, seen_at, _acting([row[:-_OF_SESSION] for row in rows]))


def actor_of(person_id: int, on: date) -> Actor | None:
    """The person with all posts that are valid on that day, own ones first, then those they stand in for.

    None when there is no such person or they are disabled. One statement.
    """
    rows = db.session.execute(_ACTOR, {"who": person_id, "day": on}).all()
    return _acting(rows) if rows else None


def _acting(rows: Sequence[Any]) -> Actor:
    posts = (
        PostFact(*fact, *((holder_id, holder) if lent else ()))
        for _id, _name, *fact, lent, holder_id, holder in rows
        if fact[0] is not None
    )
    return Actor(person_id=rows[0][0], name=rows[0][1], posts=tuple(posts))
