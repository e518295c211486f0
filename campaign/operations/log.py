"""Writing the log: every change is one event, in the transaction of the change."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import insert

from ..db import run
from ..models import Event
from ..rules.events import CATALOGUE
from ..rules.organisation import Actor
from ..rules.states import State

_RECORD = insert(Event.__table__)  # type: ignore[arg-type]
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)

_WORDS = {state: state.name.lower() for state in State}  # a state as the log calls it


def canonical(data: dict[str, Any]) -> str:
    """JSON with sorted keys and no spaces: the same data give the same text."""
    return _ENCODER.encode(data)


def record(
    *,
    tag: str,
    subject: str,
    subject_id: int,
    actor: Actor,
    now: datetime,
    post_id: int | None = None,
    from_state: State | None = None,
    to_state: State | None = None,
    reason: str = "",
    data: dict[str, Any] | None = None,
) -> int:
    """Appends one event and returns its id. The tag must stand in the catalogue."""
    if tag not in CATALOGUE:
        raise LookupError(f"{tag} is not in the catalogue of events")
    return run(
        _RECORD,
        {
            "at": now,
            "tag": tag,
            "subject": subject,
            "subject_id": subject_id,
            "person_id": actor.person_id,
            "post_id": post_id,
            "from_state": _WORDS[from_state] if from_state else None,
            "to_state": _WORDS[to_state] if to_state else None,
            "reason": reason,
            "data": canonical(data) if data else "{}",
        },
    ).inserted_id()
