"""Delivery: what is due is claimed, sent and settled, one letter at a time; what goes at once before the digests.

A claim pushes `next_try_at` into the future and is committed before anything is sent; nothing is sent inside a
transaction. A sender that dies leaves its claim to run out, and the next one repeats the letter under the same key.
`work` opens a unit of work; only the caller at the top may commit.
"""

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, select, update

from ..clock import zone
from ..config import Settings
from ..db import Code, alone, db
from ..errors import Busy
from ..models import Notice
from ..models.telling import Delivery
from ..rules.telling import (
    LEASE,
    MOST_TRIES,
    Channel,
    DeliveryState,
    next_digest_day,
    next_wait,
    when_to_tell,
)
from .channels import WAYS
from .contents import content
from .letters import Letter, Permanent, Temporary
from .reaching import Reader, reader

Work = Callable[[], AbstractContextManager[Any]]

LONGEST_RUN = 20.0  # seconds; then the next slot goes on, and what has come meanwhile is fanned out first
LONGEST_LETTER = 60.0  # seconds; whatever a channel does, the run goes on with the next person
FAILURES_IN_A_ROW = 5  # then the channel is away, and the run leaves it before it has waited for it five hundred times
MOST_IN_ONE_LETTER = 50
HEAD = 200
DIGESTS_LOOKED_AT = 20
LONGEST_ERROR = 500
MINUTE = timedelta(minutes=1)
NOT_NEEDED = "no longer needed"
STOPPED = "the sender stopped on every try"
CUT_OFF = "no answer in time; cut off"
DIGEST, PACE = 1, 2  # what a sender is alone with: one person's digest, the pace of one channel
# Written into the statement, not bound: only then do both databases see that an index of what waits will do.
WAITING = Delivery.state == bindparam(None, DeliveryState.WAITING, Code(DeliveryState), literal_execute=True)


@dataclass(frozen=True)
class Sent:
    """What a run did, in deliveries: sent, dropped as no longer needed, failed (to be tried again, or parked)."""

    sent: int = 0
    dropped: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Claim:
    """Deliveries of one letter, ours until `until`; the pair of state and `until` is what settling checks."""

    ids: tuple[int, ...]
    person_id: int
    channel: Channel
    tries: int
    until: datetime
    digest_on: date | None = None
    to: Reader | None = None


@dataclass
class _Run:
    """One run: its clock, what it did, and the channels that it leaves alone until the next one."""

    settings: Settings
    now: datetime
    work: Work
    began: float = field(default_factory=time.monotonic)
    lost: float = 0.0  # seconds waited for letters that did not go through
    sent: int = 0
    dropped: int = 0
    failed: int = 0
    in_a_row: dict[Channel, int] = field(default_factory=dict)
    resting: set[Channel] = field(default_factory=set)

    @property
    def moment(self) -> datetime:
        """Now: when the run began, and what the stopwatch has added, so that no claim has run out when it is made."""
        return self.now + timedelta(seconds=time.monotonic() - self.began)

    @property
    def over(self) -> bool:
        """Its time is up, or every channel rests. Waiting for a channel that hangs takes nobody else's time."""
        return time.monotonic() - self.began - self.lost > LONGEST_RUN or self.resting >= set(WAYS)


def send_due(settings: Settings, *, now: datetime, work: Work) -> Sent:
    """Sends what is due: claimed, committed, sent, settled. `now` is when the run began."""
    run = _Run(settings, now, work)
    while not run.over and _one(run):
        pass
    return Sent(run.sent, run.dropped, run.failed)


def _one(run: _Run) -> bool:
    """One letter; whether to go on."""
    with run.work():
        claim, again = _claim(run)
    if claim is None:
        return again
    failure: Temporary | Permanent | None = None
    letter = None
    try:
        with run.work():
            letter = _letter(claim, run)
    except Busy:
        raise
    except Exception as error:  # one letter that cannot be written must not stop the letters behind it
        failure = Temporary(f"{type(error).__name__}: {error}")
    if letter is None and failure is None:
        return True
    if letter is not None:
        started = time.monotonic()
        failure = hand_over(letter, claim.channel, run.settings)
        run.lost += time.monotonic() - started if failure else 0.0
    with run.work():
        settled = settle(claim, failure, now=run.moment)
    _count(run, claim.channel, failure, settled)
    return True


def _count(run: _Run, channel: Channel, failure: Temporary | Permanent | None, settled: int) -> None:
    if failure is None:
        run.sent += settled
    else:
        run.failed += settled
    row = run.in_a_row.get(channel, 0) + 1 if isinstance(failure, Temporary) else 0
    run.in_a_row[channel] = row
    if row >= FAILURES_IN_A_ROW or (isinstance(failure, Temporary) and failure.wait):
        run.resting.add(channel)


def _letter(claim: Claim, run: _Run) -> Letter | None:
    """The claim's letter; what is no longer needed is dropped."""
    to = claim.to or reader(claim.person_id, claim.channel, now=run.moment)
    found = content(claim.ids, to, claim.channel, run.settings, digest_on=claim.digest_on, now=run.moment)
    if found.dropped:
        run.dropped += _set(Delivery.id.in_(found.dropped), state=DeliveryState.DROPPED, error=NOT_NEEDED)
    return found.letter


def hand_over(
    letter: Letter, channel: Channel, settings: Settings, *, seconds: float | None = None
) -> Temporary | Permanent | None:
    """Hands the letter over; None when it was taken. `seconds`: the longest that the talk may take, where it shall be
    shorter than the channel's own limit.

    In a thread of its own, because what hangs in the system itself (a name that is looked up) can be left alone but not
    be stopped.
    """
    said: list[Temporary | Permanent | None] = []
    limit = {} if seconds is None else {"seconds": seconds}

    def talk() -> None:
        try:
            WAYS[channel].send(letter, settings, **limit)
            said.append(None)
        except (Temporary, Permanent) as failure:
            said.append(failure)
        except Exception as error:  # a fault in a channel must not stop the letters behind this one
            said.append(Temporary(f"{type(error).__name__}: {error}"))

    sender = threading.Thread(target=talk, name=f"send-{channel.name.lower()}", daemon=True)
    sender.start()
    sender.join(LONGEST_LETTER if seconds is None else 2 * seconds)
    return said[0] if said else Temporary(CUT_OFF)


def _claim(run: _Run) -> tuple[Claim | None, bool]:
    """Takes the letter that has waited longest; without one, whether to look again."""
    now = run.moment
    waiting = and_(WAITING, Delivery.next_try_at <= now)
    if run.resting:
        waiting = and_(waiting, Delivery.channel.not_in(run.resting))
    rows, again = _at_once(waiting), True
    if not rows:
        rows, again = _digest(waiting, now)
    if not rows:
        return None, again
    first = rows[0]
    ids = [row.id for row in rows]
    if first.tries >= MOST_TRIES:
        run.failed += _set(Delivery.id.in_(ids), state=DeliveryState.PARKED, error=STOPPED)
        return None, True
    if _is_full(first.channel, now):
        run.resting.add(first.channel)
        return None, True
    to = reader(first.person_id, first.channel, now=now)
    if _sleeps(to, ids, now):
        return None, True
    until = now + LEASE
    taken = db.session.execute(
        update(Delivery)
        .where(Delivery.id.in_(ids), waiting)
        .values(next_try_at=until, tries=Delivery.tries + 1)
        .execution_options(synchronize_session=False)
        .returning(Delivery.id)
    )
    mine = tuple(sorted(taken.scalars()))
    return Claim(mine, first.person_id, first.channel, first.tries + 1, until, first.digest_on, to), True


COLUMNS = (
    Delivery.id,
    Delivery.person_id,
    Delivery.channel,
    Delivery.tries,
    Delivery.next_try_at,
    Delivery.digest_on,
    Delivery.state,
)


def _at_once(waiting: ColumnElement[bool]) -> list[Any]:
    """The rows of the next letter that is no digest. A first letter gathers what waits for the person; a repeated one
    is exactly what it was. Of a long queue only the head is looked at, whatever its length."""
    waiting = and_(waiting, Delivery.digest_on.is_(None))
    head = select(*COLUMNS).where(waiting).order_by(Delivery.next_try_at).limit(HEAD).with_for_update(skip_locked=True)
    rows = list(db.session.execute(head).all())
    if not rows:
        return []
    first = rows[0]
    same = [row for row in rows if row[1:4] == first[1:4] and (not first.tries or row[4] == first[4])]
    same = same[:MOST_IN_ONE_LETTER]
    if not first.tries and len(rows) == HEAD:
        known = {row.id for row in same}
        same += [row for row in _of_same_person(waiting, first) if row.id not in known]
    return same


def _of_same_person(waiting: ColumnElement[bool], first: Any) -> list[Any]:
    """What else waits for its first try to that person, further back in the queue: by the person's latest notices."""
    latest = (
        select(Notice.id)
        .where(Notice.person_id == first.person_id)
        .order_by(Notice.id.desc())
        .limit(MOST_IN_ONE_LETTER)
    )
    own = and_(Delivery.notice_id.in_(latest), Delivery.person_id == first.person_id, Delivery.channel == first.channel)
    found = select(*COLUMNS).where(own, waiting, Delivery.tries == 0).with_for_update(skip_locked=True)
    return list(db.session.execute(found).all())


def _digest(waiting: ColumnElement[bool], now: datetime) -> tuple[list[Any], bool]:
    """The rows of the next digest, all of them; nobody else looks at that person's digests meanwhile. Without rows:
    whether to look again."""
    head = (
        select(Delivery.person_id, Delivery.channel, Delivery.digest_on)
        .where(waiting, Delivery.digest_on.is_not(None))
        .order_by(Delivery.next_try_at)
        .limit(DIGESTS_LOOKED_AT)
    )
    for person_id, channel, day in dict.fromkeys(db.session.execute(head).tuples()):
        if day is None or not alone(DIGEST, person_id, wait=False):
            continue
        whole = Delivery.person_id == person_id, Delivery.digest_on == day, Delivery.channel == channel
        rows = list(db.session.execute(select(*COLUMNS).where(*whole).order_by(Delivery.id)).all())
        due = [row for row in rows if row.state is DeliveryState.WAITING and row.next_try_at <= now]
        repeated = [row for row in due if row.tries]
        if repeated:
            return [row for row in repeated if row.next_try_at == repeated[0].next_try_at], True
        if due and any(row.tries and row.state is not DeliveryState.DROPPED for row in rows):
            _turn_over([row.id for row in due], person_id, channel, day, now)
            return [], True
        if due:
            return due, True
    return [], False


def _turn_over(ids: list[int], person_id: int, channel: Channel, day: date, now: datetime) -> None:
    """What came after the day's digest was taken in hand goes into the next one."""
    to = reader(person_id, channel, now=now)
    at, on = next_digest_day(day, to.wishes, to.calendar, zone(), now)
    _set(and_(Delivery.id.in_(ids), WAITING), next_try_at=at, digest_on=on)


def _is_full(channel: Channel, now: datetime) -> bool:
    """Whether the provider takes no more in this minute, from all processes together; the letter waits, and no try is
    counted. What is under way counts as sent."""
    most = WAYS[channel].most_per_minute
    if most is None:
        return False
    alone(PACE, channel)
    of_channel = Delivery.channel == channel
    sent = select(Delivery.person_id, Delivery.sent_at).where(of_channel, Delivery.sent_at > now - MINUTE)
    claimed = now + LEASE
    going = select(Delivery.person_id, Delivery.next_try_at).where(
        of_channel, WAITING, Delivery.tries > 0,
        Delivery.next_try_at > claimed - MINUTE, Delivery.next_try_at <= claimed + MINUTE / 12,
    )  # fmt: skip
    counts = (select(func.count()).select_from(part.distinct().subquery()).scalar_subquery() for part in (sent, going))
    return int(sum(db.session.execute(select(*counts)).one())) >= most


def _sleeps(to: Reader, ids: list[int], now: datetime) -> bool:
    """Puts the letter off, without counting a try, when a long queue has brought it into the person's quiet hours."""
    at = when_to_tell(True, to.wishes, to.calendar, zone(), now)
    if at > now:
        _set(and_(Delivery.id.in_(ids), WAITING), next_try_at=at)
    return at > now


def settle(claim: Claim, failure: Temporary | Permanent | None, *, now: datetime) -> int:
    """Writes how it went: sent, to be tried again later, or parked. Nothing when the claim is another's by now."""
    mine = and_(
        Delivery.id.in_(claim.ids), Delivery.state == DeliveryState.WAITING, Delivery.next_try_at == claim.until
    )
    if failure is None:
        return _set(mine, state=DeliveryState.SENT, sent_at=now, error="")
    said = str(failure)[:LONGEST_ERROR]
    if isinstance(failure, Permanent) or claim.tries >= MOST_TRIES:
        return _set(mine, state=DeliveryState.PARKED, error=said)
    to = claim.to or reader(claim.person_id, claim.channel, now=now)
    again = now + max(next_wait(claim.tries), failure.wait or timedelta(0))
    return _set(mine, next_try_at=when_to_tell(True, to.wishes, to.calendar, zone(), again), error=said)


def _set(which: ColumnElement[bool], **values: Any) -> int:
    statement = update(Delivery).where(which).values(**values).execution_options(synchronize_session=False)
    return int(db.session.execute(statement).rowcount)  # type: ignore[attr-defined]
