"""The only reader of the system clock, and the organisation's time zone. Everything else is given `now`."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_zone = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def use_zone(name: str) -> None:
    """Sets the organisation's time zone for this process; called once, by create_app. Unknown names raise."""
    global _zone
    _zone = ZoneInfo(name)


def zone() -> str:
    """The name of the organisation's time zone."""
    return _zone.key


def local_today(moment: datetime) -> date:
    """The calendar day of that instant where the organisation is."""
    return moment.astimezone(_zone).date()
