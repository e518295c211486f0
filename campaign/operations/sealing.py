"""Sealing the log: the chain grows behind the writers, who never wait for it."""

from ..db import db, insert
from ..models import ChainLink
from ..models.sealing import entry_of, head, unsealed
from ..rules.sealing import GENESIS, link

CHUNK = 5_000


def seal(limit: int = CHUNK) -> int:
    """Links up to `limit` further events to the chain; how many it linked. 0: everything final is sealed.

    Two sealers at once: the second meets the first's sequence number, which is unique, and links nothing.
    """
    last = head()
    seq, after, digest = last if last else (0, None, GENESIS)
    rows = db.session.execute(unsealed(after, limit)).all()
    links = []
    for row in rows:
        seq += 1
        digest = link(digest, entry_of(row))
        links.append({"seq": seq, "event_id": row.id, "digest": digest})
    if not links:
        return 0
    added = insert(ChainLink).on_conflict_do_nothing()
    first = db.session.execute(added.values(links[0]).returning(ChainLink.seq)).first()
    if first is None:
        return 0
    if links[1:]:
        db.session.execute(insert(ChainLink), links[1:])
    return len(links)
