"""Verifying the log: is every link of the chain what its event makes it, and was any head outside the database true."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, select

from ..db import db
from ..evidence.anchor import Head
from ..models import ChainLink, Event
from ..models.sealing import ENTRY, entry_of
from ..rules.sealing import GENESIS, link

CHUNK = 2_000


@dataclass(frozen=True)
class Verified:
    """The result: how many links hold, how many events are not sealed yet, and the first fault ('' for none)."""

    links: int
    unsealed: int
    fault: str = ""
    bad_seq: int | None = None

    @property
    def holds(self) -> bool:
        """Whether the whole chain holds."""
        return not self.fault


def verify_chain(heads: Sequence[Head] = ()) -> Verified:
    """Recomputes the chain from its first link; compares it with the heads kept outside; names the first bad entry."""
    anchors = {head.seq: head.digest for head in heads}
    unsealed = _unsealed()
    links = (
        select(*ENTRY, ChainLink.seq, ChainLink.digest)
        .select_from(ChainLink)
        .outerjoin(Event, Event.id == ChainLink.event_id)
        .order_by(ChainLink.seq)
        .execution_options(yield_per=CHUNK)
    )
    with db.session.execute(links) as rows:
        return _follow(rows, anchors, unsealed)


def holds_head(head: Head) -> bool:
    """Whether the chain still holds that head: no older copy of the database, none that was made anew. One look-up."""
    return db.session.execute(select(ChainLink.digest).where(ChainLink.seq == head.seq)).scalar() == head.digest


def _follow(rows: Iterable[Row[Any]], anchors: dict[int, str], unsealed: int) -> Verified:
    former, expected = GENESIS, 0
    for row in rows:
        expected += 1
        if row.seq != expected:
            return Verified(expected - 1, unsealed, f"link {expected} is missing", expected)
        if row.id is None:
            return Verified(expected - 1, unsealed, f"the event of link {row.seq} is missing", row.seq)
        former = link(former, entry_of(row))
        if former != row.digest:
            fault = f"link {row.seq} (event {row.id}) is not what its event makes it"
            return Verified(expected - 1, unsealed, fault, row.seq)
        if anchors.get(row.seq, former) != former:
            fault = f"link {row.seq} (event {row.id}) is not the head that was anchored: the chain was made anew"
            return Verified(expected - 1, unsealed, fault, row.seq)
    cut = max(anchors, default=0)
    if cut > expected:
        return Verified(
            expected, unsealed, f"the chain ends at link {expected}, but link {cut} was anchored", expected + 1
        )
    return Verified(expected, unsealed)


def _unsealed() -> int:
    events = select(func.count()).select_from(Event).scalar_subquery()
    links = select(func.count()).select_from(ChainLink).scalar_subquery()
    return int(db.session.execute(select(events - links)).scalar_one())
