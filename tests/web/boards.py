"""Signing in and counting, for the tests of boards, metrics and units."""

import secrets
from datetime import timedelta

from sqlalchemy import event

from campaign.db import db, unit_of_work
from campaign.models import LoginSession
from campaign.web.access import digest_of


def sign_in(client, person, now, language="en") -> None:
    """A session without the page of the door."""
    secret = secrets.token_hex(16)
    kept = {"digest": digest_of(secret), "person_id": person.id, "started_at": now, "seen_at": now}
    with unit_of_work() as session:
        session.add(LoginSession(**kept, ends_at=now + timedelta(hours=8)))
    client.set_cookie("locale", language)
    with client.session_transaction() as cookie:
        cookie["_user_id"], cookie["_fresh"] = secret, True


def statements(act) -> int:
    """How many statements the act costs, the beginning of a transaction aside."""
    seen: list[str] = []

    def note(_connection, _cursor, text, *_rest) -> None:
        seen.append(text)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return len([text for text in seen if not text.startswith("BEGIN")])
