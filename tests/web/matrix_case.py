"""One question to the matrix of rights: an address with one object, and what each actor must get."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from campaign.rules.organisation import Role
from campaign.rules.states import State

from .matrix import TOWN, Thing, W, Who

MISSING = 987_654
Expect = Callable[[Who], int]


@dataclass(frozen=True)
class Case:
    """One address with one object: what each actor must get. `twin`: the same address of what does not exist."""

    endpoint: str
    expect: Expect
    values: dict[str, Any] = field(default_factory=dict)
    method: str = "GET"
    data: dict[str, Any] = field(default_factory=dict)
    twin: dict[str, Any] | None = None
    label: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.endpoint} {self.label}"


def anybody(_who: Who) -> int:
    return 200


def role(*roles: Role, wins: int = 200) -> Expect:
    return lambda who: wins if who.has(*roles) else 403


def thing_of(state: State) -> Thing:
    return Thing(state=state, waits_at=(TOWN, W) if state is State.SUBMITTED else None)
