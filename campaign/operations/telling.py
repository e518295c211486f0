"""How a person wants to be told, trying a channel on oneself, and the secret link of one's calendar."""

import json
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import func, select, update

from ..db import alone, db
from ..errors import CampaignError, Invalid, Problem, say
from ..models import Event, Person
from ..rules.organisation import Actor
from ..rules.telling import DEFAULT_CHANNELS, USUAL, Channel, Preferences, wrong_with
from .log import record

TRY, TRIED = "person:channel:try", "person:channel:tried"
FEED_OPEN, FEED_CLOSE = "person:feed:open", "person:feed:close"
BETWEEN_TRIES = timedelta(minutes=5)
LINKS_A_DAY = 10
LONGEST_SAID = 300
TRYING = 3  # what a person is alone with; delivery.py has 1 and 2


class TooOften(CampaignError):
    """Not yet again; `wait` says how long not."""

    status = 429

    def __init__(self, wait: timedelta) -> None:
        minutes = max(1, -(-int(wait.total_seconds()) // 60))
        super().__init__(say("This was done a moment ago. Please try again in %(n)s minutes.", n=minutes))
        self.wait = wait


def choose(wished: Preferences, channels: Iterable[Channel], *, actor: Actor, now: datetime) -> bool:
    """The person's own wishes; whether anything changed. What is as for everybody is kept as no wish, so that it
    follows when the default changes. Raises Invalid."""
    wrong = wrong_with(wished)
    if wrong is not None:
        raise Invalid(wrong, [Problem("digest_at", wrong)])
    chosen = tuple(sorted(set(channels)))
    values = {
        "digest_at": _own(wished.digest_at, USUAL.digest_at),
        "quiet_from": _own(wished.quiet_from, USUAL.quiet_from),
        "quiet_until": _own(wished.quiet_until, USUAL.quiet_until),
        "on_rest_days": wished.on_rest_days,
        "channels": None if chosen == DEFAULT_CHANNELS else ",".join(str(int(each)) for each in chosen),
    }
    person = db.session.get_one(Person, actor.person_id, with_for_update=True)
    changed = [name for name, value in values.items() if getattr(person, name) != value]
    if not changed:
        return False
    for name in changed:
        setattr(person, name, values[name])
    db.session.flush()
    _log("person:messages:choose", actor, now, changed=changed)
    return True


def _own(value: int, usual: int) -> int | None:
    return None if value == usual else value


def reserve_try(channel: Channel, *, actor: Actor, now: datetime) -> None:
    """Counts a test message before it is sent; commit it before sending. Raises TooOften within five minutes."""
    alone(TRYING, actor.person_id)
    last = _last(TRY, actor, channel)
    if last is not None and now - last < BETWEEN_TRIES:
        raise TooOften(last + BETWEEN_TRIES - now)
    _log(TRY, actor, now, channel=int(channel))


def record_try(channel: Channel, said: str, *, actor: Actor, now: datetime) -> None:
    """Writes how the test message went: `said` is the provider's error, empty when it was taken."""
    _log(TRIED, actor, now, channel=int(channel), said=said[:LONGEST_SAID])


def _last(tag: str, actor: Actor, channel: Channel) -> datetime | None:
    rows = db.session.execute(
        select(Event.at, Event.data)
        .where(Event.subject == "person", Event.subject_id == actor.person_id, Event.tag == tag)
        .order_by(Event.id.desc())
        .limit(2 * len(Channel))
    )
    return next((at for at, data in rows if json.loads(data).get("channel") == channel), None)


def open_feed(*, actor: Actor, now: datetime) -> str:
    """A new secret link to the person's calendar; a former one ends. Only its digest is kept, so it is shown once.

    Raises TooOften after ten links in a day.
    """
    alone(TRYING, actor.person_id)
    a_day = timedelta(days=1)
    made = select(func.count(), func.min(Event.at, type_=Event.at.type)).where(
        Event.subject == "person", Event.subject_id == actor.person_id, Event.tag == FEED_OPEN, Event.at > now - a_day
    )
    n, first = db.session.execute(made).one()
    if n >= LINKS_A_DAY:
        raise TooOften(first + a_day - now)
    token = secrets.token_urlsafe(32)
    _keep(token_digest(token), actor)
    _log(FEED_OPEN, actor, now)
    return token


def close_feed(*, actor: Actor, now: datetime) -> None:
    """Ends the link; whoever has it finds nothing any more."""
    if _keep(None, actor):
        _log(FEED_CLOSE, actor, now)


def token_digest(token: str) -> str:
    """What the database keeps of a link."""
    return sha256(token.encode()).hexdigest()


def _keep(digest: str | None, actor: Actor) -> bool:
    changed = db.session.execute(
        update(Person)
        .where(Person.id == actor.person_id, Person.feed_digest.is_distinct_from(digest))
        .values(feed_digest=digest)
        .returning(Person.id)
        .execution_options(synchronize_session=False)
    )
    return changed.first() is not None


def _log(tag: str, actor: Actor, now: datetime, **data: object) -> None:
    record(tag=tag, subject="person", subject_id=actor.person_id, actor=actor, now=now, data=data)
