"""People at the door: sessions kept on the server, and the guard against guessing."""

from datetime import datetime

from sqlalchemy import ForeignKey, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from ..db import Base, Instant


class LoginSession(Base):
    """A signed-in browser. `digest` is the SHA-256 of the secret in its cookie; the secret itself is not kept."""

    __tablename__ = "login_session"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    started_at: Mapped[datetime] = mapped_column(Instant)
    seen_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class LoginGuard(Base):
    """How often a login name was tried in the current window; for all processes, and for unknown names too."""

    __tablename__ = "login_guard"

    login: Mapped[str] = mapped_column(String(64), primary_key=True)
    window_from: Mapped[datetime] = mapped_column(Instant)
    tries: Mapped[int] = mapped_column(SmallInteger)
    locked_until: Mapped[datetime | None] = mapped_column(Instant)
