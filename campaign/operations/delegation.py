"""Standing in: the holder of a post, a stand-in, or an administrator names somebody who acts in it for a time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NoReturn

from sqlalchemy import ColumnElement, insert, or_, select, update

from ..clock import local_today
from ..db import db
from ..errors import Invalid, NotFound, Problem, Refused, Sentence, say
from ..models import Area, Delegation, Notice, Person, Post, Unit
from ..models.organisation import works_near
from ..rules.accounts import may_administer
from ..rules.organisation import DELEGABLE, SYSTEM_PERSON_ID, Actor, Line, Role
from ..rules.telling import is_urgent
from .log import record
from .repeating import once, remember

MOST_LINKS = 3  # the holder's stand-in, that one's, and one more: beyond this nobody knows who answers for the post
LONGEST = timedelta(days=366)
LONGEST_REASON = 400
NAME, END, LOST = "delegation:stand-in:name", "delegation:stand-in:end", "delegation:stand-in:lost"
NOT_YOURS = say("There is no such post, or it is not yours to give.")
IN_PERSON = say(
    "Nobody stands in for an administrator or an auditor: whoever lets people in, or checks the work of others, "
    "answers for it in person. Let an administrator give the other person a post of their own."
)


@dataclass(frozen=True)
class Wish:
    """Who shall stand in for which post, from when to when (both days included, local), and why."""

    post_id: int
    delegate_id: int
    valid_from: date
    valid_to: date
    reason: str = ""


@dataclass(frozen=True)
class _Lent:
    """The post that is lent, and where it stands."""

    id: int
    person_id: int
    role: Role
    valid_from: date
    valid_to: date | None
    disabled_at: datetime | None
    line: Line
    lft: int
    rgt: int


def name_stand_in(wish: Wish, *, actor: Actor, now: datetime, client_action_id: str | None = None) -> int:
    """Lets somebody act in the post for a time and returns the delegation's id; everybody concerned is told.

    The holder may, a stand-in within the days that were given to them, and an administrator of the unit in the
    holder's name. NotFound where the post is not the actor's to give; Refused and Invalid say what is in the way.
    """
    content = {"to": wish.delegate_id, "from": wish.valid_from, "until": wish.valid_to, "reason": wish.reason}
    subject = f"stand-in:{wish.post_id}"
    before = once(client_action_id, actor=actor, subject=subject, content=content, now=now)
    if before is not None:
        return int(before)
    lent = _lent(wish.post_id)
    links = _links(wish)
    giver_id = _giver(lent, links, actor)
    if lent.role not in DELEGABLE:
        raise Refused(IN_PERSON)
    _check_days(wish, lent, today=local_today(now))
    chain = _chain(lent, links, wish, giver_id)
    _check_person(wish, lent, links, chain, actor=actor)
    row = {"post_id": lent.id, "delegator_id": giver_id, "delegate_id": wish.delegate_id, "at": now}
    row |= {"valid_from": wish.valid_from, "valid_to": wish.valid_to, "reason": wish.reason.strip()}
    made: int = db.session.execute(insert(Delegation).values(row).returning(Delegation.id)).scalar_one()
    days = {"from_day": wish.valid_from.isoformat(), "to_day": wish.valid_to.isoformat()}
    event_id = record(
        tag=NAME, subject="delegation", subject_id=made, actor=actor, now=now, reason=wish.reason.strip(),
        post_id=None if actor.person_id not in chain else lent.id,
        data={"post": lent.id, "to": wish.delegate_id} | days,
    )  # fmt: skip
    _tell({lent.person_id, giver_id, wish.delegate_id}, NAME, event_id, now)
    remember(client_action_id, str(made))
    return made


def end_stand_in(delegation_id: int, *, actor: Actor, now: datetime) -> None:
    """Ends it at once, and whatever hangs on it: by who gave it, the holder, the stand-in, or an administrator."""
    row = db.session.execute(
        select(Delegation, Post.person_id, Unit.line, Unit.lft)
        .join(Post, Post.id == Delegation.post_id)
        .join(Unit, Unit.id == Post.unit_id)
        .where(Delegation.id == delegation_id)
        .with_for_update(of=Delegation)
    ).one_or_none()
    concerned = () if row is None else (row.person_id, row.Delegation.delegator_id, row.Delegation.delegate_id)
    if row is None or (actor.person_id not in concerned and not may_administer(actor, row.line, row.lft)):
        raise NotFound(say("This does not exist, or it is not for you."))
    if row.Delegation.ended_at is not None:
        return
    given_back = actor.person_id == row.Delegation.delegate_id
    _end([row.Delegation], LOST if given_back else END, actor=actor, now=now, why="given back" if given_back else "")


def end_for_person(person_id: int, *, actor: Actor, now: datetime) -> None:
    """Ends what a person gave and what was given to them: the account was closed."""
    lost = _living(Delegation.delegate_id == person_id)
    _end(lost, LOST, actor=actor, now=now, why="account closed")
    _end(_living(Delegation.delegator_id == person_id), END, actor=actor, now=now)


def end_for_post(post_id: int, *, actor: Actor, now: datetime, on: date | None = None) -> None:
    """Nobody stands in for a post that has ended: at once, or after its last day `on`."""
    if on is None:
        _end(_living(Delegation.post_id == post_id), END, actor=actor, now=now)
        return
    _end(_living(Delegation.post_id == post_id, Delegation.valid_from > on), END, actor=actor, now=now)
    later = Delegation.post_id == post_id, Delegation.ended_at.is_(None), Delegation.valid_to > on
    db.session.execute(update(Delegation).where(*later).values(valid_to=on))


def _lent(post_id: int) -> _Lent:
    """The post, locked, so that of two who lend it at once the second sees what the first has done."""
    row = db.session.execute(
        select(
            Post.id, Post.person_id, Post.role, Post.valid_from, Post.valid_to, Post.disabled_at, Unit.line, Area.lft,
            Area.rgt,
        )
        .join(Unit, Unit.id == Post.unit_id)
        .join(Area, Area.id == Unit.area_id)
        .where(Post.id == post_id)
        .with_for_update(of=Post)
    ).one_or_none()  # fmt: skip
    if row is None:
        raise NotFound(NOT_YOURS)
    return _Lent(*row)


def _living(*clauses: ColumnElement[bool]) -> Sequence[Delegation]:
    statement = select(Delegation).where(Delegation.ended_at.is_(None), *clauses).order_by(Delegation.id)
    return db.session.scalars(statement.with_for_update()).all()


def _links(wish: Wish) -> Sequence[Delegation]:
    """The living delegations of the post that share a day with the wish."""
    return _living(
        Delegation.post_id == wish.post_id,
        Delegation.valid_from <= wish.valid_to,
        Delegation.valid_to >= wish.valid_from,
    )


def _giver(lent: _Lent, links: Iterable[Delegation], actor: Actor) -> int:
    """In whose name the post is lent."""
    if lent.disabled_at is None and actor.person_id == lent.person_id:
        return lent.person_id
    if any(link.delegate_id == actor.person_id for link in links):
        return actor.person_id
    if may_administer(actor, lent.line, lent.lft):
        return lent.person_id
    raise NotFound(NOT_YOURS)


def _check_days(wish: Wish, lent: _Lent, *, today: date) -> None:
    problems: list[Problem] = []
    if wish.valid_from < today:
        problems.append(Problem("valid_from", say("The first day must not lie in the past.")))
    if wish.valid_to < wish.valid_from:
        problems.append(Problem("valid_to", say("The last day must not lie before the first.")))
    if wish.valid_to - wish.valid_from > LONGEST:
        problems.append(Problem("valid_to", say("At most one year at a time. For longer, hand the post over.")))
    if wish.valid_from < lent.valid_from:
        problems.append(Problem("valid_from", say("The post itself begins on %(day)s.", day=lent.valid_from)))
    if lent.valid_to is not None and wish.valid_to > lent.valid_to:
        problems.append(Problem("valid_to", say("The post itself ends on %(day)s.", day=lent.valid_to)))
    if len(wish.reason.strip()) > LONGEST_REASON:
        problems.append(
            Problem("reason", say("The text is too long: at most %(most)s characters.", most=LONGEST_REASON))
        )
    if problems:
        raise Invalid(say("The stand-in was not named."), problems)
    if lent.disabled_at is not None:
        raise Refused(say("This post has ended."))


def _chain(lent: _Lent, links: Sequence[Delegation], wish: Wish, giver_id: int) -> list[int]:
    """Who has the post in turn, from the holder to the giver. Each link must hold on every day of the next one."""
    chain, at = [giver_id], giver_id
    while at != lent.person_id:
        received = [link for link in links if link.delegate_id == at]
        whole = [link for link in received if link.valid_from <= wish.valid_from and link.valid_to >= wish.valid_to]
        if not whole:
            sentence = say(
                "You stand in from %(first)s to %(last)s yourself. Please stay within these days.",
                first=received[0].valid_from, last=received[0].valid_to,
            )  # fmt: skip
            raise Invalid(sentence, [Problem("valid_to", sentence)])
        at = whole[0].delegator_id
        chain.append(at)
    if len(chain) > MOST_LINKS:
        raise Refused(say("This post has been passed on often enough. Please ask its holder to name somebody else."))
    return chain[::-1]


def _check_person(wish: Wish, lent: _Lent, links: Sequence[Delegation], chain: Sequence[int], *, actor: Actor) -> None:
    """The stand-in must be somebody else, not yet on the way that the post has taken, and from around the unit."""
    person = db.session.execute(
        select(Person.name, Person.disabled_at).where(Person.id == wish.delegate_id, Person.id != SYSTEM_PERSON_ID)
    ).one_or_none()
    if person is None or not _is_near(wish, lent, actor):
        _no_person(say("Please choose somebody with a post in your unit, in the same area or below it."))
    if person.disabled_at is not None:
        _no_person(say("The account of %(name)s is closed.", name=person.name))
    if wish.delegate_id == lent.person_id:
        own = actor.person_id == lent.person_id
        _no_person(say("This is you.") if own else say("%(name)s holds this post already.", name=person.name))
    if wish.delegate_id in chain:
        _no_person(say("%(name)s has passed this post on; it cannot go back in a circle.", name=person.name))
    if any(link.delegate_id == wish.delegate_id for link in links):
        _no_person(say("%(name)s stands in for this post already in these days.", name=person.name))
    mine = [link for link in links if link.delegator_id == chain[-1]]
    if mine:
        named = db.session.execute(select(Person.name).where(Person.id == mine[0].delegate_id)).scalar_one()
        raise Refused(say(
            "%(name)s is named already from %(first)s to %(last)s. Please end that first, or choose other days.",
            name=named, first=mine[0].valid_from, last=mine[0].valid_to,
        ))  # fmt: skip


def _no_person(sentence: Sentence) -> NoReturn:
    raise Invalid(sentence, [Problem("delegate_id", sentence)])


def _is_near(wish: Wish, lent: _Lent, actor: Actor) -> bool:
    """Whether the stand-in works where the post sees, or anywhere the administrator administers."""
    posts = db.session.execute(
        select(Unit.line, Unit.lft, works_near(lent.line, lent.lft, lent.rgt, wish.valid_from).label("near"))
        .select_from(Post)
        .join(Unit, Unit.id == Post.unit_id)
        .where(Post.person_id == wish.delegate_id, Post.disabled_at.is_(None), Post.role.in_(DELEGABLE))
        .where(or_(Post.valid_to.is_(None), Post.valid_to >= wish.valid_from))
    )
    return any(near or may_administer(actor, line, lft) for line, lft, near in posts)


def _end(first: Sequence[Delegation], tag: str, *, actor: Actor, now: datetime, why: str = "") -> None:
    """Ends these, and then the ones that their stand-ins have given within their days."""
    ending = [(link, tag, why) for link in first if link.ended_at is None]
    while ending:
        link, how, because = ending.pop()
        if link.ended_at is not None:
            continue
        link.ended_at = now
        db.session.flush()
        data = {"post": link.post_id, "to": link.delegate_id} | ({"why": because} if how == LOST else {})
        event_id = record(
            tag=how, subject="delegation", subject_id=link.id, actor=actor, now=now, data=data,
        )  # fmt: skip
        holder: int = db.session.execute(select(Post.person_id).where(Post.id == link.post_id)).scalar_one()
        _tell({holder, link.delegator_id, link.delegate_id}, how, event_id, now)
        hanging = _living(
            Delegation.post_id == link.post_id,
            Delegation.delegator_id == link.delegate_id,
            Delegation.valid_from >= link.valid_from,
            Delegation.valid_to <= link.valid_to,
        )
        ending += [(below, END, "") for below in hanging]


def _tell(people: Iterable[int], tag: str, event_id: int, now: datetime) -> None:
    rows = [
        {"tag": tag, "event_id": event_id, "person_id": person, "created_at": now, "urgent": is_urgent(tag)}
        for person in sorted(people)
        if person != SYSTEM_PERSON_ID
    ]
    db.session.execute(insert(Notice), rows)
