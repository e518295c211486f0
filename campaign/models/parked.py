"""Letters that were parked, as clauses that the incident page and the verbs share.

A letter is all parked rows of one person, channel and claim: the claim gave them the same `next_try_at`, which stays.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, String, func, type_coerce

from ..db import EPOCH
from ..rules.dates import end_of_day
from ..rules.telling import LEASE, MOST_TRIES, Channel, DeliveryState, Fault
from .telling import Delivery

HEAD = 60  # characters of an error that make a cause: what follows mostly names the receiver
LETTER = (Delivery.person_id, Delivery.channel, Delivery.next_try_at)


@dataclass(frozen=True)
class Which:
    """Which parked letters are meant; None and '' stand for all. `day`: when they were parked, local; `cause`: how
    their error begins."""

    channel: Channel | None = None
    fault: Fault | None = None
    day: date | None = None
    cause: str = ""


def cause_of() -> ColumnElement[str]:
    """A column: the beginning of the error."""
    return type_coerce(func.substr(Delivery.error, 1, HEAD), String)


def parked(which: Which, zone: str) -> list[ColumnElement[bool]]:
    """Clauses over Delivery."""
    clauses: list[ColumnElement[bool]] = [Delivery.state == DeliveryState.PARKED]
    if which.channel is not None:
        clauses.append(Delivery.channel == which.channel)
    if which.fault is not None:
        clauses.append(_is(which.fault))
    if which.day is not None:
        end = end_of_day(which.day, zone)
        start = end_of_day(which.day - timedelta(days=1), zone)
        clauses += [Delivery.next_try_at > start + LEASE, Delivery.next_try_at <= end + LEASE]
    if which.cause:
        clauses.append(cause_of() == which.cause[:HEAD])
    return clauses


def _is(fault: Fault) -> ColumnElement[bool]:
    return Delivery.tries >= MOST_TRIES if fault is Fault.GAVE_UP else Delivery.tries < MOST_TRIES


def fault_of(tries: int) -> Fault:
    """Why a letter with so many tries was parked."""
    return Fault.GAVE_UP if tries >= MOST_TRIES else Fault.REFUSED


def parked_at(next_try_at: datetime) -> datetime:
    """When the letter was parked, to the seconds that its last try took."""
    return max(EPOCH, next_try_at - LEASE)


def parked_after(moment: datetime) -> ColumnElement[bool]:
    """A clause over Delivery: parked after that instant."""
    clause: Any = Delivery.next_try_at > moment + LEASE
    return clause  # type: ignore[no-any-return]
