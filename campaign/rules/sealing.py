"""The chain of the log: what of an event is sealed, and how one link follows from the former."""

import hashlib
import json
from dataclasses import asdict, dataclass

GENESIS = "0" * 64


@dataclass(frozen=True)
class Entry:
    """An event as it is sealed; `at` in microseconds since 1970 UTC."""

    id: int
    at: int
    tag: str
    subject: str
    subject_id: int
    person_id: int
    post_id: int | None
    from_state: str | None
    to_state: str | None
    reason: str
    data: str


def link(former: str, entry: Entry) -> str:
    """The digest of the next link: SHA-256 over the former digest and the entry's canonical JSON."""
    text = json.dumps(asdict(entry), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{former}\n{text}".encode()).hexdigest()
