"""What the pages of an assignment show of its requests."""

from typing import Any
from uuid import uuid4

from ..queries.requests import requests_of
from .access import current_actor


def panel(assignment_id: int | None) -> dict[str, Any]:
    """What the pages of an assignment show of its requests: the one that waits, the former ones, and who may what.

    None: an assignment for which nothing was ever requested; this asks the database nothing.
    """
    actor, found = current_actor(), requests_of(assignment_id) if assignment_id is not None else ()
    pending = next((each for each in found if each.pending), None)
    return {
        "pending": pending,
        "former": tuple(each for each in found if not each.pending),
        "decides": pending is not None and pending.decides(actor),
        "agrees": pending is not None and pending.agrees(actor),
        "takes_back": pending is not None and pending.takes_back(actor),
        "action_id": str(uuid4()),
    }
