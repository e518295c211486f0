"""Dates as an iCalendar feed (RFC 5545): days without a time, each with a name of its own that never changes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from icalendar import Calendar, Event, vDuration

PRODUCT = "-//Campaign Tasks//Dates//EN"
EVERY = timedelta(hours=2)  # how often programs are asked to look again


@dataclass(frozen=True)
class Day:
    """One day in the calendar. `uid`: the same for the same date of the same thing, also when the day moves;
    `changed_at`: aware UTC."""

    uid: str
    on: date
    words: str
    link: str
    changed_at: datetime


def feed(days: Iterable[Day], name: str) -> bytes:
    """The feed; the same days give the same bytes. Lines are folded and words escaped by the library."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", vDuration(EVERY), parameters={"value": "DURATION"})
    calendar.add("x-published-ttl", vDuration(EVERY))
    for day in days:
        event = Event()
        event.add("uid", day.uid)
        event.add("dtstamp", day.changed_at.replace(microsecond=0))
        event.add("dtstart", day.on)
        event.add("dtend", day.on + timedelta(days=1))
        event.add("summary", day.words)
        event.add("status", "CONFIRMED")
        event.add("transp", "TRANSPARENT")
        event.add("url", day.link)
        calendar.add_component(event)
    return bytes(calendar.to_ical())
