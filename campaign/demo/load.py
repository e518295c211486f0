"""Loads the demonstration into an empty database."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from ..db import db
from ..models import Area
from ..rules.organisation import Role

Progress = Callable[[str, int, int], None]
CITY = "990100000000"


@dataclass(frozen=True)
class Account:
    """Somebody to sign in as: what they are, where, and with which password."""

    role: Role
    login: str
    name: str
    password: str
    posts: str


def holds_demo() -> bool:
    """Whether the demonstration's city is there."""
    return db.session.execute(select(Area.id).where(Area.code == CITY)).first() is not None


def load_demo(*, now: datetime, progress: Progress | None = None) -> list[Account]:
    """Not written yet."""
    return []
