"""What notices say outside the pages: one letter, in plain text, HTML and pieces, in its reader's language.

The clock writes for readers of both languages in one run, without a request; `force_locale` follows each in turn.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from flask_babel import force_locale, gettext

from ..errors import Sentence, say
from .headings import COLOURS, COUNTED, HEADINGS, Heading, Saying
from .letters import Point
from .pages import Entry, Group, Page, html_of, text_of
from .sayings import AHEAD, FACTS, LATE, SAYINGS

CHINESE, ENGLISH = "zh_CN", "en"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WEEKDAYS_ZH = "一二三四五六日"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NAMED = 30  # with more than MOST only so many are named
MOST = 50
KINDS_IN_SUBJECT = 3
FAR = datetime(9999, 1, 1, tzinfo=UTC)
MANY = say("%(n)s messages about your tasks")
DIGEST = say("Digest of %(day)s: %(counts)s")
COMMA = say(", ")
COLON = say(": ")
PRODUCT = say("Campaign Tasks")
UNITS = say("%(n)s units")
GREETING = say("Dear %(name)s,")
OPEN = say("Open it here")
REST = say("%(n)s more are not listed here. Your messages show all of them.")
FOR = say("%(name)s for %(holder)s")
INBOX = say("Open my messages")
WISHES = say("Change when and how I am told")
FOOTER = say("This message was sent by the system. Please act there; replies are not read.")


@dataclass(frozen=True)
class Item:
    """One notice with what its reader needs. `units`: how many assignments it stands for; `path`: where to act; `late`:
    the date that it speaks of has passed; `ahead`: it is still to come; `holder`: in whose name `who` acted."""

    tag: str
    task: str
    campaign: str
    path: str
    unit: str = ""
    units: int = 1
    respond_by: datetime | None = None
    due_at: datetime | None = None
    cut_off_at: datetime | None = None
    review_due_at: datetime | None = None
    reason: str = ""
    who: str = ""
    late: bool = False
    holder: str = ""
    ahead: bool = False

    @property
    def saying(self) -> Saying:
        """What is said of it. LookupError for a tag without words."""
        if self.ahead and self.tag in AHEAD:
            return AHEAD[self.tag]
        return LATE[self.tag] if self.late and self.tag in LATE else SAYINGS[self.tag]

    @property
    def urgency(self) -> tuple[int, datetime]:
        """Its place in a letter: by heading, then by the date that presses."""
        presses = self.review_due_at if self.saying.heading is Heading.REVIEW else self.due_at
        return self.saying.heading, presses or FAR


@dataclass(frozen=True)
class Days:
    """How a letter says a day: in its language, in the organisation's zone, with the year where it is not this one."""

    language: str
    zone: str
    year: int

    def of(self, moment: datetime) -> str:
        """The day of an instant: 11月22日 周日, Sun 22 Nov."""
        return self.day(moment.astimezone(ZoneInfo(self.zone)).date())

    def day(self, day: date) -> str:
        """A day: 2027年1月4日 周一, Mon 4 Jan 2027 in another year."""
        other = day.year != self.year
        if self.language == CHINESE:
            year = f"{day.year}年" if other else ""
            return f"{year}{day.month}月{day.day}日 周{WEEKDAYS_ZH[day.weekday()]}"
        return f"{WEEKDAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]}{f' {day.year}' if other else ''}"


@dataclass(frozen=True)
class Written:
    """A letter's words; `points`: the same in pieces, for channels that take neither mail nor HTML; `sender`: what the
    product is called in its language."""

    subject: str
    text: str
    html: str
    points: tuple[Point, ...]
    sender: str = ""


def write(
    items: Iterable[Item], *, name: str, locale: str, zone: str, address: str, now: datetime, day: date | None = None
) -> Written:
    """One letter for all these notices. `zone`: the organisation's; `address`: where the pages are reached; `now`: days
    of its year stand without theirs; `day`: the day whose digest it is. Needs the application's context, where the
    catalogue is.

    What is most urgent comes first. Of more than `MOST` the first `NAMED` are named and the others counted.
    """
    language = language_of(locale)
    ordered = sorted(items, key=lambda item: item.urgency)
    shown = ordered if len(ordered) <= MOST else ordered[:NAMED]
    days = Days(language, zone, now.astimezone(ZoneInfo(zone)).year)
    with force_locale(language):
        counts = Counter(item.saying.heading for item in ordered)
        subject = _subject(ordered, counts, day, days)
        page = Page(
            lang=language.replace("_", "-"),
            subject=subject,
            greeting=_put(GREETING, name=name),
            counts=tuple((_put(HEADINGS[each]), counts[each], COLOURS[each]) for each in sorted(counts)),
            groups=_groups(shown, counts, lambda item: _entry(item, days, address)),
            rest=_put(REST, n=len(ordered) - len(shown)) if len(shown) < len(ordered) else "",
            open_words=_put(OPEN),
            links=((_put(INBOX), f"{address}/messages"), (_put(WISHES), f"{address}/me/messages")),
            footer=_put(FOOTER),
            colon=_put(COLON),
        )
        sender = _put(PRODUCT)
    points = tuple(Point(entry.title, entry.lines, entry.link) for group in page.groups for entry in group.entries)
    return Written(subject, text_of(page), html_of(page), points, sender)


def _subject(items: list[Item], counts: Counter[Heading], on: date | None, days: Days) -> str:
    """One thing by its name; a digest by its day and what matters most in it."""
    if len(items) == 1:
        return title(items[0])
    if on is None:
        return _put(MANY, n=len(items))
    first = [_put(COUNTED[each], n=counts[each]) for each in sorted(counts)[:KINDS_IN_SUBJECT]]
    return _put(DIGEST, day=days.day(on), counts=_put(COMMA).join(first))


def _groups(items: list[Item], counts: Counter[Heading], entry: Callable[[Item], Entry]) -> tuple[Group, ...]:
    by_heading: dict[Heading, list[Entry]] = {}
    for item in items:
        by_heading.setdefault(item.saying.heading, []).append(entry(item))
    return tuple(
        Group(_put(HEADINGS[heading]), counts[heading], COLOURS[heading], tuple(entries))
        for heading, entries in by_heading.items()
    )


def _entry(item: Item, days: Days, address: str) -> Entry:
    return Entry(title(item), _lines(item, days), address + item.path)


def language_of(locale: str) -> str:
    """The language that a letter is written in; Chinese for one that we do not have."""
    return locale if locale in (CHINESE, ENGLISH) else CHINESE


def title(item: Item) -> str:
    """The title line of one notice, in the language in force. LookupError for a tag without words."""
    return _put(item.saying.title, task=item.task, unit=_unit(item))


def _lines(item: Item, days: Days) -> tuple[str, ...]:
    """What to do, and the facts that are there, a line each."""
    saying = item.saying
    values = {"campaign": item.campaign, "unit": _unit(item) if "%(unit)s" not in saying.title.text else ""}
    for name in ("respond_by", "due_at", "cut_off_at", "review_due_at"):
        moment = getattr(item, name)
        if moment and (name == "due_at" or name in saying.facts):
            values[name] = days.of(moment)
    words = {
        "reason": " ".join(item.reason.split()),
        "who": _put(FOR, name=item.who, holder=item.holder) if item.holder else item.who,
    }
    values |= {name: words[name] for name in ("reason", "who") if name in saying.facts}
    return (_put(saying.advice), *(_put(FACTS[key], value=value) for key, value in values.items() if value))


def _unit(item: Item) -> str:
    return item.unit if item.units == 1 else _put(UNITS, n=item.units)


def _put(sentence: Sentence, **values: object) -> str:
    return str(gettext(sentence.text)) % values if values else str(gettext(sentence.text))
