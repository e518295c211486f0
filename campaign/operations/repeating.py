"""Repeating is safe: one act of one person under one client action id happens once."""

import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, bindparam, select, update

from ..db import insert_new, run
from ..errors import Conflict, Invalid, say
from ..models import ClientAction
from ..rules.organisation import Actor
from .log import canonical

# Written once: every act begins with it.
_ACTS: Table = ClientAction.__table__  # type: ignore[assignment]
_NEW = insert_new(_ACTS).returning(_ACTS.c.id)
_HELD = select(_ACTS.c.person_id, _ACTS.c.subject, _ACTS.c.digest, _ACTS.c.result).where(_ACTS.c.id == bindparam("key"))
_ANSWER = update(_ACTS).where(_ACTS.c.id == bindparam("key"))


def once(
    client_action_id: str | None, *, actor: Actor, subject: str, content: dict[str, Any], now: datetime
) -> str | None:
    """None the first time; the remembered result when the same act comes again. No id: always the first time.

    `subject` names the act and its object ('submit:7'). Raises Conflict when the id was used for anything else.
    """
    if client_action_id is None:
        return None
    try:
        key = str(UUID(client_action_id))
    except ValueError:
        raise Invalid(say("The form is damaged. Please open the page again.")) from None
    digest = hashlib.sha256(canonical(content).encode()).hexdigest()
    row = {"id": key, "person_id": actor.person_id, "subject": subject, "digest": digest, "result": "", "at": now}
    if run(_NEW, row).first() is not None:
        return None
    held = run(_HELD, {"key": key}).first()
    if (held.person_id, held.subject, held.digest) != (actor.person_id, subject, digest):
        raise Conflict(say("This was already sent with other content. What was sent first stands."))
    return str(held.result)


def remember(client_action_id: str | None, result: str) -> None:
    """Keeps the answer for the same act when it comes again."""
    if client_action_id is not None:
        run(_ANSWER, {"key": str(UUID(client_action_id)), "result": result})
