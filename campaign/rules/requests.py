"""The law of requests: what a unit asks of the one above it, when a rule grants it, and how it was decided."""

from datetime import date, datetime, timedelta
from enum import IntEnum

DECIDE_DAYS = 3  # working days in which a request should be decided


class RequestKind(IntEnum):
    """What is asked for."""

    EXTENSION = 1
    DISPUTE = 2
    NOT_APPLICABLE = 3


class Decision(IntEnum):
    """How a request stands."""

    PENDING = 0
    GRANTED = 1
    REFUSED = 2
    WITHDRAWN = 3
    GRANTED_BY_RULE = 4


FAR_OFF = timedelta(days=366)

GIVEN = (Decision.GRANTED, Decision.GRANTED_BY_RULE)


def is_far_off(day: date, due_on: date | None, today: date) -> bool:
    """Whether a day lies so long after the present due date (after today where there is none) that somebody may have
    mistyped the year."""
    return day - (due_on or today) > FAR_OFF


def granted_by_rule(
    *,
    due_at: datetime,
    asked_at: datetime,
    now: datetime,
    most_days: int,
    most_times: int,
    granted_before: int,
    parent_due_at: datetime | None,
) -> bool:
    """Whether the campaign's own rule grants an extension to `asked_at`: asked before the due date, by at most so many
    calendar days, not oftener than so many times for one assignment, and never past the date of what it was split
    from."""
    if now > due_at or granted_before >= most_times or not most_days:
        return False
    if parent_due_at is not None and asked_at > parent_due_at:
        return False
    return asked_at - due_at <= timedelta(days=most_days)
